"""Which code runs: the digest of the trading core's sources."""

import hashlib
from functools import cache
from pathlib import Path


@cache
def code_hash() -> str:
    """Return the SHA-256 of the trading core's sources: which code holds the lease, and went on with a session. Read once in a process."""
    folder = Path(__file__).resolve().parent.parent
    total = hashlib.sha256()
    for path in sorted(folder.rglob("*.py")):
        total.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes())
    return total.hexdigest()
