"""What is checked once, at the end of a run: the calm, the fold and its tables, the chain and what tampering with it would show."""

import hashlib
from typing import TYPE_CHECKING

from simulation.journal import SESSION
from simulation.plans import source
from trader_core.model.errors import ChainBroken
from trader_core.store import journal
from trader_core.trader.projection import Rows, project
from trader_core.trader.records import decode
from trader_core.trader.recovery import fold
from trader_core.trader.state import State, apply

if TYPE_CHECKING:
    from simulation.checker import Checker
    from simulation.world import World

DOMAIN = b"gatehouse.journal.v1\0"
ACCOUNT = "sim"
EDITS = ("flip", "drop", "swap", "insert", "cut", "recount")


def ended(world: "World") -> None:
    """Check all of it; raises Violation."""
    checker, leader = world.checker, next((process for process in world.processes if process.alive), None)
    checker.need(leader is not None, "I5", "nobody holds the account after the calm")
    assert leader is not None, "just checked"
    checker.folded(leader.state, leader.buffer)
    checker.calm(leader.books, leader.state)
    checker.spools.ended(leader)
    leader.books.whole(leader.state)
    if not leader.buffer:
        _tables(checker, leader.state)
    _chain(checker)
    _tampered(checker, world.plan.seed)


def _tables(checker: "Checker", live: State) -> None:
    """Fold commit by commit with the rows that each would have written: the tables end as the state does."""
    store, at, rows = checker.journal, 1, list[Rows]()
    state = fold(decode(*line) for line in store.lines[:1])
    for end in store.commits:
        records = [decode(*line) for line in store.lines[at:end]]
        for record in records:
            apply(state, record)
        if records:
            rows.append(project(state, ACCOUNT, records))
        at = max(at, end)
    orders = {row.client_order_id: (row.state, row.filled, row.released, row.qty, row.epoch) for batch in rows for row in batch.orders}
    wanted = {cid: (str(o.state), o.filled, o.released, o.qty, o.epoch) for cid, o in live.orders.items()}
    checker.need(orders == wanted, "I25", "the table of orders says {}, the fold {}", orders, wanted)
    positions = {row[0]: tuple(row)[2:4] for batch in rows for row in batch.positions}
    for index, instrument in enumerate(live.instruments):
        slot = live.slots[index]
        if instrument.symbol in positions:
            found = (int(slot["position"]), int(slot["cost"]))
            checker.need(positions[instrument.symbol] == found, "I25", "{}: {} in the table, {} held", instrument.symbol, positions, found)
        bought = sum(row.qty * row.side - row.fee_base for batch in rows for row in batch.fills if row.symbol == instrument.symbol)
        checker.need(
            bought == slot["position"], "I25", "{}: fills of {} in the table, {} held", instrument.symbol, bought, slot["position"]
        )


def _chain(checker: "Checker") -> None:
    """Hash every record once more, by the letter of the chain's definition."""
    head = hashlib.sha256(DOMAIN + SESSION.encode()).digest()
    for number, (kind, body) in enumerate(checker.journal.lines):
        parts = (DOMAIN, head, len(kind).to_bytes(4, "big"), kind.encode(), len(body).to_bytes(4, "big"), body)
        head = hashlib.sha256(b"".join(parts)).digest()
        checker.need(head == checker.journal.hashes[number], "I11", "record {} has another hash", number + 1)
    checker.need(_verified(checker, checker.journal.links()), "I11", "a whole chain does not verify")


def _verified(checker: "Checker", rows: list[journal.Link]) -> bool:
    """Return whether the product's verifier takes the rows, and ends at the anchor that was kept of the chain."""
    anchor = journal.Head(len(checker.journal.lines), checker.journal.head)
    try:
        return journal.follow(SESSION, journal.Head(0, journal.genesis(SESSION)), rows) == anchor
    except ChainBroken:
        return False


def _tampered(checker: "Checker", seed: int) -> None:
    """Change the chain in each of several ways, at a place by lot: the verifier sees every one."""
    chance, whole = source(seed, "tampering"), checker.journal.links()
    for edit in EDITS:
        rows = list(whole)
        at = chance.choice((len(rows) - 1, chance.randrange(len(rows))))
        seq, kind, body, prev, stored = rows[at]
        if edit == "flip":
            place = chance.randrange(len(body))
            rows[at] = (seq, kind, body[:place] + bytes([body[place] ^ 1 << chance.randrange(8)]) + body[place + 1 :], prev, stored)
        elif edit == "drop":
            del rows[at]
        elif edit == "swap":
            rows[at], rows[at - 1] = rows[at - 1], rows[at]
        elif edit == "insert":
            rows.insert(at, rows[at])
        elif edit == "cut":
            del rows[at:]
        else:  # a record that was changed and hashed anew, as somebody would who can write the table
            changed = body[:-1] + b" }"
            rows[at] = (seq, kind, changed, prev, journal.record_hash(prev, kind, changed))
        checker.need(not _verified(checker, rows), "I11", "a {} at record {} of {} goes unnoticed", edit, at + 1, len(whole))
