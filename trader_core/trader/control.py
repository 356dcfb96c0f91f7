"""Control: what stands outside a session and may stop it. The trader's round fills it in; the last gate reads it before every order."""

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from trader_core.evidence.permit import Level, Permit, standing, withheld
from trader_core.model.session import SessionMode, StopPolicy
from trader_core.model.stage import StageName
from trader_core.trader import events as ev

UNREAD = "the permits have not been read yet"
AFTER_EVERY_PERMIT_MS = 1 << 62


@dataclass(frozen=True, slots=True)
class Allowed:
    """What one round read of a session: its recipe's permits, newest first, and the venue's blocked symbols with their reasons."""

    permits: tuple[Permit, ...]
    blocks: Mapping[str, str]


@dataclass(slots=True)
class Control:
    """What stands outside the session: switches, operators' words, permits, blocks, and how far it may go."""

    kill: str = ""
    """Why everything is killed; empty: not."""
    lease_until_ok: Callable[[], bool] = field(default=lambda: True)
    sentinel: Callable[[], bool] = field(default=lambda: False)
    pause: str = ""
    """Why nothing new may come in; empty: not."""
    pause_sentinel: Callable[[], bool] = field(default=lambda: False)
    left: Callable[[], Iterable[ev.Operator]] = field(default=lambda: ())
    """The words that were left as files; each is handed out once the database can take it."""
    inbox: deque[ev.Operator] = field(default_factory=deque)
    answers: deque[tuple[int, str]] = field(default_factory=deque)
    """(command id, what became of it), once that is durable."""
    stop: StopPolicy | None = None
    until_ms: int = 0
    end: StopPolicy = StopPolicy.KEEP
    """What becomes of positions when the session reaches its end by itself."""
    from_ms: int = 0
    """Where the session begins; 0: it has not opened yet. A row that was read before it opened does not say so."""
    granted_ms: int = 0
    """Length of session time, from `from_ms` on, that may be stepped; 0: all of it."""
    mode: SessionMode = SessionMode.STAGE
    stage: StageName = StageName.EUR_100
    key: str = ""
    """Why the key may not be used for new risk; empty: it trades spot and does nothing else, or nobody has asked yet."""
    ceiling: Level = Level.FULL
    """The highest permit level that the venue allows."""
    sandbox: bool = False
    """Whether a rehearsal's permit counts."""
    epoch: Callable[[], int] = field(default=lambda: 0)
    """The epoch under which the account is held now; 0: it is not, or nobody knows."""
    wall_ms: Callable[[], int] = field(default=lambda: AFTER_EVERY_PERMIT_MS)
    """The machine's time: permits expire by it."""
    allowed: Allowed = Allowed((), {})
    shell: Any = None
    """The shell that runs the session, for those who only look; None until it runs."""
    unread: str = UNREAD
    """Why permits and blocks are not known; empty: the last round read them. What is not known allows nothing new."""

    def killed(self) -> str:
        """Return the reason why nothing may be sent, or an empty text."""
        if self.kill:
            return self.kill
        return "the sentinel file stands" if self.sentinel() else ""

    def paused(self) -> str:
        """Return the reason why nothing new may come in, or an empty text."""
        return self.pause or ("the sentinel file stands" if self.pause_sentinel() else "")

    def allow(self, found: Allowed | str) -> None:
        """Take what a round read, or why it could read nothing; blocks that were known stay."""
        if isinstance(found, str):
            self.unread = found
        else:
            self.allowed, self.unread = found, ""

    def unpermitted(self) -> str:
        """Return why no new risk may be taken now, by the permit that stands at this moment, or an empty text."""
        if self.unread:
            return self.unread
        return withheld(standing(self.allowed.permits, self.wall_ms()), self.mode, self.stage, sandbox=self.sandbox, ceiling=self.ceiling)

    def blocked(self, symbol: str) -> str:
        """Return why a symbol may not be bought, or an empty text."""
        return self.allowed.blocks.get(symbol, "")

    def waits(self, next_slot_ms: int) -> bool:
        """Return whether the session has used up its grant; what is to be sold at a stop may go on past it."""
        return 0 < self.granted_ms <= next_slot_ms - self.from_ms and self.stop is not StopPolicy.FLATTEN
