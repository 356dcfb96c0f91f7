"""Keys: from the environment, or from a file that nobody else can read. They are never printed, logged or stored elsewhere."""

import json
import os
import re
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from trader_core.model.errors import BadInput
from trader_core.settings import Settings
from trader_core.venues.profiles import ApiKey

FOLDER = "secrets"
MODE = 0o600
FIELDS = ("key", "secret")
_WORD = re.compile(r"[\x21-\x7e]{8,512}")
_SIZE_MAX = 10_000


class Found(NamedTuple):
    """A key, and where it came from."""

    key: ApiKey
    source: str


def place(name: str, home: Path) -> Path:
    """Return the file of a venue's (or `slack`'s) secret."""
    return home / FOLDER / f"{name}.json"


def load(venue: str, home: Path, settings: Settings | None = None) -> Found:
    """Return the key of a venue: the environment's, else the file's; raises BadInput when there is none, or it lies open to others."""
    said = settings or Settings()
    key, secret = said.venue_key, said.venue_secret
    if (key is None) != (secret is None):
        missing = "GATEHOUSE_VENUE_SECRET" if secret is None else "GATEHOUSE_VENUE_KEY"
        raise BadInput("GATEHOUSE_VENUE_KEY and GATEHOUSE_VENUE_SECRET together", f"no {missing}", "set both, or neither")
    if key is not None and secret is not None:
        return Found(ApiKey(*(_word(one.get_secret_value(), "the environment") for one in (key, secret))), "environment")
    path = place(venue, home)
    values = read(path, FIELDS, f"`gatehouse credentials set {venue}`")
    return Found(ApiKey(values["key"], values["secret"]), str(path))


def read(path: Path, fields: tuple[str, ...], how: str) -> dict[str, str]:
    """Return a secret file's fields; raises BadInput unless it is a file of this user alone (mode 0600) that holds exactly these."""
    try:
        number = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    except FileNotFoundError as error:
        raise BadInput(f"a secret at {path}", "no file", how) from error
    except OSError as error:
        raise BadInput(f"a readable file at {path}", str(error.strerror), f"remove it, then {how}") from error
    with os.fdopen(number, "rb") as file:
        _check_owner(path, os.fstat(number))
        raw = file.read(_SIZE_MAX)
    try:
        said = json.loads(raw)
    except ValueError:
        said = None
    if not isinstance(said, dict) or set(said) != set(fields):
        raise BadInput(f"a JSON object of {', '.join(fields)} in {path}", "something else", how)  # its content is never shown
    return {name: _word(said[name], str(path)) for name in fields}


def _check_owner(path: Path, found: os.stat_result) -> None:
    """Raise BadInput unless the open file is a plain one, mine, and closed to everybody else."""
    if not stat.S_ISREG(found.st_mode):
        raise BadInput(f"a plain file at {path}", "something else", "remove it")
    if found.st_uid != os.getuid():
        raise BadInput(f"{path} owned by user {os.getuid()}", f"user {found.st_uid}", "write it again as the user that trades")
    if stat.S_IMODE(found.st_mode) != MODE:
        todo = f"`chmod 600 {path}`; make a new key if others could read this one"
        raise BadInput(f"{path} with mode 0600", f"mode {stat.S_IMODE(found.st_mode):04o}", todo)


def write(path: Path, values: Mapping[str, str]) -> None:
    """Replace a secret file at once and whole, readable by its owner alone; raises BadInput for a value that is no single word."""
    checked = {name: _word(value, "what was typed") for name, value in values.items()}
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_suffix(f".{os.getpid()}")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, MODE), "w") as file:
        os.fchmod(file.fileno(), MODE)
        json.dump(checked, file)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def _word(value: object, where: str) -> str:
    if not isinstance(value, str) or not _WORD.fullmatch(value):
        raise BadInput(f"a key of 8 to 512 visible characters in {where}", "something else", "copy it again, without spaces")
    return value
