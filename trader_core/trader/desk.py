"""The desk: takes operators' words to the sessions, and what became of them back to the database."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from trader_core.model.command import Command
from trader_core.model.session import StopPolicy
from trader_core.store import commands, database, sessions
from trader_core.trader import events as ev
from trader_core.trader.left import forget

if TYPE_CHECKING:
    from trader_core.trader.process import Running, Trader


WORD_MOST = 100
"""Characters of an order's id in a word, at most."""


@dataclass(slots=True)
class Desk:
    """Which words wait for which sessions."""

    trader: "Trader"
    waiting: dict[int, list[str]] = field(default_factory=dict)
    """Command id -> sessions that have not answered it yet."""
    said: dict[int, list[str]] = field(default_factory=dict)
    left: dict[int, ev.Operator] = field(default_factory=dict)
    """Those among them that were left as files."""

    async def obey(self, word: commands.CommandRow, now_ms: int) -> None:
        """Hand a word to the sessions that it concerns; one that needs none is answered at once."""
        command, trader = word.command, self.trader
        if word.command_id in self.waiting:
            return
        if command is None or not word.reason.strip():
            await self._done(word.command_id, f"refused: {malformed(word)}; say it again")
            return
        if command is Command.RESTART:
            await self._done(word.command_id, f"{trader.holder} ends; what supervises it starts another, and every session recovers")
            trader.stopping.set()
            return
        chosen = {s: r for s, r in trader.running.items() if word.session_id in {None, s}}
        if not chosen:
            await self._done(word.command_id, "no session of this account is running")
            return
        if command is Command.STOP and not await self._keep_policy(word, list(chosen)):
            return
        self.waiting[word.command_id], self.said[word.command_id] = list(chosen), []
        for running in chosen.values():
            about, found = (str(word.args.get(name, ""))[:WORD_MOST] for name in ("about", "found"))
            event = ev.Operator(command, word.command_id, word.actor, word.reason, now_ms, letter_of(word), about, found)
            self._hand(running, event, word.args)

    def pass_on(self, words: Iterable[ev.Operator]) -> None:
        """Hand words that were left as files to every session; their files go when all have answered."""
        for word in words:
            if word.command_id in self.waiting:
                continue
            self.left[word.command_id] = word
            self.waiting[word.command_id], self.said[word.command_id] = list(self.trader.running), []
            for running in self.trader.running.values():
                running.control.inbox.append(word)

    def _hand(self, running: "Running", event: ev.Operator, args: dict[str, Any]) -> None:
        """Put a word into a session's inbox; what the last gate must know holds from now on."""
        if event.command is Command.STOP:
            running.control.stop = StopPolicy(args.get("policy", StopPolicy.KEEP))
        if event.command is Command.KILL:
            running.killed = f"killed by {event.actor}"
        if event.command is Command.RESUME:
            running.killed = ""
        running.control.kill = self.trader.kill or running.killed
        running.control.inbox.append(event)
        if event.command is Command.STOP and running.control.stop is StopPolicy.FLATTEN:
            running.control.inbox.append(replace(event, command=Command.CLOSE_ALL, command_id=0))

    async def answer(self) -> None:
        """Finish each command that every session has answered, or that ended before it could."""
        all_running = self.trader.running
        for session_id, running in all_running.items():
            while running.control.answers:
                number, outcome = running.control.answers.popleft()
                if session_id in self.waiting.get(number, []):
                    self.waiting[number].remove(session_id)
                    self.said[number].append(f"{session_id}: {outcome}")
        for number, left in list(self.waiting.items()):
            left[:] = [s for s in left if s in all_running and not all_running[s].task.done()]
            if not left:
                self.waiting.pop(number)
                await self._done(number, "; ".join(self.said.pop(number)) or "the session had ended")

    async def _keep_policy(self, word: commands.CommandRow, session_ids: list[str]) -> bool:
        """Store what a stop leaves, so that it outlives this process; a policy that does not exist is answered and False."""
        policy = word.args.get("policy", StopPolicy.KEEP)
        if policy not in set(StopPolicy):
            await self._done(word.command_id, f"refused: expected a policy of {', '.join(StopPolicy)}; found {policy!r}; say it again")
            return False

        def work() -> None:
            with database.begin(self.trader.engine) as db:
                for session_id in session_ids:
                    sessions.set_stop_policy(db, session_id, StopPolicy(policy))

        await self.trader.in_thread(work)
        return True

    async def _done(self, number: int, outcome: str) -> None:
        if number in self.left:
            forget(self.trader.home, self.trader.account, self.left.pop(number), outcome)
            return

        def work() -> None:
            with database.begin(self.trader.engine) as db:
                commands.finish(db, number, outcome)

        await self.trader.in_thread(work)


def malformed(word: commands.CommandRow) -> str:
    """Return what is wrong with a row that is no word, or has no reason."""
    if word.command is None:
        return f"expected a word of {', '.join(Command)}; found {word.said!r}"[:300]
    return f"expected a reason for {word.command}; found none"


def letter_of(word: commands.CommandRow) -> int:
    """Return the number of the letter that a word is about; 0 where it names none."""
    number = word.args.get("letter", 0)
    return number if isinstance(number, int) else 0
