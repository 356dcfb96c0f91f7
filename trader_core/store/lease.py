"""The lease: one trader per account. A lock keeps others out while its connection holds; only the epoch in each write fences."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import Connection, Engine, text

from trader_core.model.errors import Fenced
from trader_core.store.database import translated

TAKE = """
insert into lease (account, epoch, holder, code_hash, expires_ms)
values (:account, 1, :holder, :code_hash, :expires_ms)
on conflict (account) do update
   set epoch = lease.epoch + 1, holder = excluded.holder, code_hash = excluded.code_hash, expires_ms = excluded.expires_ms, at = now()
returning epoch
"""
RENEW = "update lease set expires_ms = :expires_ms, at = now() where account = :account and epoch = :epoch"


@dataclass(frozen=True, slots=True)
class LeaseRow:
    """Who may write for an account."""

    account: str
    epoch: int
    holder: str
    code_hash: str
    expires_ms: int


def take(db: Connection, account: str, holder: str, code_hash: str, ttl_ms: int, now_ms: int) -> int:
    """Take the account's lease and return its new epoch: every writer of an older epoch is fenced once this is committed.

    The caller holds `account_lock` first; the lease itself asks nobody.
    """
    values = {"account": account, "holder": holder, "code_hash": code_hash, "expires_ms": now_ms + ttl_ms}
    with translated():
        return int(db.execute(text(TAKE), values).scalar_one())


def renew(db: Connection, account: str, epoch: int, ttl_ms: int, now_ms: int) -> None:
    """Extend the lease; raises Fenced when it is at another epoch."""
    with translated():
        done = db.execute(text(RENEW), {"account": account, "epoch": epoch, "expires_ms": now_ms + ttl_ms})
    if done.rowcount == 0:
        raise Fenced(f"the lease of {account} at epoch {epoch}", "another epoch", "stop this trader: another one is at work")


def load_lease(db: Connection, account: str) -> LeaseRow | None:
    """Return the account's lease, or None when nobody ever took it."""
    query = "select account, epoch, holder, code_hash, expires_ms from lease where account = :account"
    row = db.execute(text(query), {"account": account}).one_or_none()
    return None if row is None else LeaseRow(*row)


@contextmanager
def account_lock(engine: Engine, account: str) -> Iterator[Connection]:
    """Hold the account's lock on a connection of its own, which is yielded; raises Fenced at once when another one has it.

    The lock goes with its connection, so whoever holds it must ask that connection from time to time.
    """
    key = int.from_bytes(hashlib.sha256(b"gatehouse.account\0" + account.encode()).digest()[:8], "big", signed=True)
    with translated(), engine.connect().execution_options(isolation_level="AUTOCOMMIT") as db:
        if not db.execute(text("select pg_try_advisory_lock(:key)"), {"key": key}).scalar_one():
            raise Fenced(f"no other trader for the account {account}", "one that holds its lock", "stop that one first")
        try:
            yield db
        finally:
            if not db.invalidated:
                db.execute(text("select pg_advisory_unlock(:key)"), {"key": key})


def answering(db: Connection, account: str, code_hash: str, now_ms: int) -> str:
    """Return why no trader of this code answers for an account, or an empty text when one does."""
    row = load_lease(db, account)
    if row is None:
        return "none ever took the account"
    if row.expires_ms <= now_ms:
        return f"the last one, {row.holder}, let its lease end {(now_ms - row.expires_ms) // 1000} s ago"
    if row.code_hash != code_hash:
        return f"{row.holder} runs another version of the trading core: {row.code_hash[:12]}, not {code_hash[:12]}"
    return ""
