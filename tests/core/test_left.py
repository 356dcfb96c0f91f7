"""Words that were left as files: whole or not at all, obeyed once, and by the trader of their account alone."""

import os
from pathlib import Path

import pytest

from trader_core.model.command import Command
from trader_core.model.errors import StoreError
from trader_core.trader import left


def test_a_word_that_was_left_is_found_by_its_accounts_trader_until_it_is_forgotten(tmp_path: Path) -> None:
    left.leave(tmp_path, Command.CLOSE_ALL, "paper", "me", "storm")
    left.leave(tmp_path, Command.CANCEL_ALL, "paper", "me", "storm")
    said = list(left.found(tmp_path, "paper", 7))
    assert [(one.command, one.actor, one.reason, one.now_ms) for one in said] == [
        (Command.CANCEL_ALL, "me", "storm", 7),
        (Command.CLOSE_ALL, "me", "storm", 7),
    ]
    assert list(left.found(tmp_path, "paper", 7)) == said, "the same files are the same words, under the same numbers"
    assert len({one.command_id for one in said}) == 2
    assert all(one.command_id < 0 for one in said), "no number of the database's"
    assert list(left.found(tmp_path, "sandbox", 7)) == []
    left.forget(tmp_path, "paper", said[0], "done")
    assert list(left.found(tmp_path, "paper", 7)) == [said[1]]
    left.forget(tmp_path, "paper", said[1], "done")
    assert list(tmp_path.iterdir()) == []


def test_a_word_that_is_left_again_before_the_first_is_answered_stays(tmp_path: Path) -> None:
    path = left.leave(tmp_path, Command.CLOSE_ALL, "paper", "me", "storm")
    os.utime(path, ns=(1, 1_000))
    (first,) = left.found(tmp_path, "paper", 7)
    os.utime(path, ns=(1, 2_000))
    left.forget(tmp_path, "paper", first, "done")
    (second,) = left.found(tmp_path, "paper", 7)
    assert (first.command_id, second.command_id) == (-2_001, -4_001)


def test_a_file_that_somebody_touched_is_a_word_too(tmp_path: Path) -> None:
    left.path_of(tmp_path, Command.CANCEL_ALL, "paper").touch()
    assert [(one.command, one.reason) for one in left.found(tmp_path, "paper", 7)] == [(Command.CANCEL_ALL, "CANCEL_ALL.paper stands")]


def test_a_word_that_cannot_be_left_says_so(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("a file where the folder should be")
    with pytest.raises(StoreError, match="cancel at the exchange"):
        left.leave(tmp_path / "home", Command.CANCEL_ALL, "paper", "me", "storm")
