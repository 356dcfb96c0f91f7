"""Everything that this product raises, as one tree.

GatehouseError
├── BadInput                  what the caller gave is wrong; nothing was changed
│   ├── UnknownName           no strategy, symbol, timeframe, session or venue of that name
│   ├── OutOfRange            a parameter or a value lies beyond its door
│   ├── DataFault             market data that cannot be trusted
│   └── StrategyFault         a strategy raises, answers with what is no target, sees the future, or is another one than was judged
├── IllegalMove               a state machine was asked for a transition that its table does not have
├── StoreError                the database
│   ├── DatabaseAway          it cannot be reached
│   ├── DatabaseTooOld        its major version is below the oldest supported one
│   ├── NotMigrated           its schema is not the one that this code expects
│   ├── Fenced                another trader took the lease: this one may write nothing more
│   ├── ChainBroken           the journal's hash chain does not verify
│   ├── Archived              the records asked for lie in an archive's files
│   └── NotPermitted          the database refuses a permit that no gate has earned
├── VenueError                the exchange
│   ├── VenueUnavailable      it does not answer, or answers with what cannot be read
│   ├── VenueRefused          it says no, with a code
│   ├── WrongKey              it does not accept the API key
│   └── HostRefused           the profile does not allow that host
├── PortTaken                 something else listens where a server of ours wants to
├── GateShut                  a gate did not say GO: nothing goes on behind it
├── StepRunning               another run has this step already
├── TraderAway                no trader of this code answers for the account
└── SessionHalted             the session may not trade

Each message says what was expected, what was found, and what to do.
"""


class GatehouseError(Exception):
    """The root of the tree; `str` of it is one message fit for an operator."""

    def __init__(self, expected: str, found: str, todo: str) -> None:
        """Keep the three parts that every message has."""
        self.expected, self.found, self.todo = expected, found, todo
        super().__init__(f"expected {expected}; found {found}; {todo}")

    def __reduce__(self) -> tuple[type["GatehouseError"], tuple[str, str, str]]:
        """Cross the border between processes whole."""
        return type(self), (self.expected, self.found, self.todo)


class BadInput(GatehouseError):
    """What the caller gave is wrong; nothing was changed."""


class UnknownName(BadInput):
    """There is no strategy, symbol, timeframe, session or venue of that name."""


class OutOfRange(BadInput):
    """A parameter or a value lies beyond its door."""


class DataFault(BadInput):
    """Market data that cannot be trusted."""


class StrategyFault(BadInput):
    """A strategy raises, answers with what is no target, sees the future, or is another one than was judged."""


class IllegalMove(GatehouseError):
    """A state machine was asked for a transition that its table does not have."""


class StoreError(GatehouseError):
    """The database could not do what was asked."""


class DatabaseAway(StoreError):
    """The database cannot be reached."""


class DatabaseTooOld(StoreError):
    """The server's major version is below the oldest supported one."""


class NotMigrated(StoreError):
    """The schema is not the one that this code expects."""


class Fenced(StoreError):
    """Another trader took the lease: this one may write nothing more."""


class ChainBroken(StoreError):
    """The journal's hash chain does not verify."""


class Archived(StoreError):
    """The records asked for lie in an archive's files."""


class Frozen(StoreError):
    """What a session was opened with is not what somebody wants it to be now."""


class NotPermitted(StoreError):
    """The database refuses a permit that no gate has earned."""


class VenueError(GatehouseError):
    """The exchange could not do what was asked."""


class VenueUnavailable(VenueError):
    """The venue does not answer, or answers with what cannot be read."""


class VenueRefused(VenueError):
    """The venue says no, with a code."""


class WrongKey(VenueError):
    """The venue does not accept the API key."""


class HostRefused(VenueError):
    """The profile does not allow that host."""


class PortTaken(GatehouseError):
    """Something else listens where a server of ours wants to."""


class GateShut(GatehouseError):
    """A gate did not say GO: nothing goes on behind it."""


class StepRunning(GatehouseError):
    """Another run has this step already."""


class TraderAway(GatehouseError):
    """No trader of this code answers for the account."""


class SessionHalted(GatehouseError):
    """The session may not trade."""
