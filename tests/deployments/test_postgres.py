"""The embedded PostgreSQL comes up, goes away and comes back, whatever was killed before."""

import json
import os
import signal
import socket
import stat
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from deployments import cluster, locate, postgres
from deployments.cluster import Cluster, socket_fits
from deployments.locate import choose_runner
from deployments.postgres import Place
from tests.deployments.servers import HOLD, ask, at, gone, hold, let_go
from trader_core.model.errors import BadInput, DatabaseAway, UnknownName


def test_a_single_command_starts_what_it_needs_and_stops_what_it_started(home: Path) -> None:
    with postgres.running(at(home)) as server:
        pid = postgres.status(at(home)).pid
        assert ask(server, "select current_user") == "gatehouse_verify"
        assert ask(server, "show data_checksums") == "on"
    found = postgres.status(at(home))
    assert (found.running, found.pid, found.version) == (False, None, "18")
    assert gone(pid)


def test_commits_survive_a_power_cut(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    with postgres.running(at(home), migrated=False) as server:
        for setting in ("fsync", "full_page_writes", "synchronous_commit"):
            assert ask(server, f"show {setting}") == "on"


def test_passwords_lie_in_one_private_file_and_nowhere_else(home: Path) -> None:
    with postgres.running(at(home), migrated=False) as server:
        words = json.loads((home / "secrets" / "postgres.json").read_text())
        assert len(set(words.values())) == 6
        assert not any(word in repr(server) + repr(postgres.status(at(home))) for word in words.values())
        wrong = server.url("trader").replace(words["trader"], "guess").replace("+psycopg", "")
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(wrong)
        with pytest.raises(UnknownName):
            server.url("root")
    assert stat.S_IMODE((home / "secrets").stat().st_mode) == 0o700
    assert stat.S_IMODE((home / "secrets" / "postgres.json").stat().st_mode) == 0o600
    assert not any(word in (home / "postgres" / "server.log").read_text() for word in words.values())


def test_the_last_of_several_users_stops_the_server(home: Path) -> None:
    first, pid = hold(home)
    second, same = hold(home)
    assert pid == same
    let_go(first)
    assert postgres.status(at(home)).pid == pid
    let_go(second)
    assert not postgres.status(at(home)).running


def test_three_commands_at_once_share_one_server(home: Path) -> None:
    processes = [
        subprocess.Popen([sys.executable, "-c", HOLD, str(home)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    pids = {process.stdout.readline() for process in processes if process.stdout}
    assert len(pids) == 1
    for process in processes:
        let_go(process)
    assert not postgres.status(at(home)).running


def test_a_killed_user_does_not_keep_the_server_and_the_next_one_attaches(home: Path) -> None:
    process, pid = hold(home)
    process.kill()
    process.communicate()
    assert postgres.status(at(home)).pid == pid
    with postgres.running(at(home), migrated=False):
        assert postgres.status(at(home)).pid == pid
    assert gone(pid)


def test_up_keeps_it_running_until_down_which_leaves_no_process(home: Path) -> None:
    postgres.up(at(home))
    pid = postgres.status(at(home)).pid
    with postgres.running(at(home)):
        pass
    assert postgres.status(at(home)) == postgres.Status(
        embedded=True, running=True, pinned=True, place=str(home / "postgres"), pid=pid, version="18"
    )
    assert postgres.down(at(home))
    assert gone(pid)
    assert not postgres.status(at(home)).pinned
    assert not postgres.down(at(home))


def test_down_where_nothing_ever_ran_changes_nothing(tmp_path: Path) -> None:
    assert not postgres.down(at(tmp_path / "none"))
    assert not postgres.status(at(tmp_path / "none")).running
    assert not (tmp_path / "none").exists()


def test_a_long_log_is_put_aside_at_the_next_start(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "LOG_BYTES_MAX", 100)
    for _ in range(2):
        with postgres.running(at(home), migrated=False):
            pass
    logs = [(home / "postgres" / name).read_text() for name in ("server.log", "server.log.1")]
    assert [log.count("ready to accept connections") for log in logs] == [1, 1]


def test_a_killed_server_comes_back_with_its_data(home: Path) -> None:
    with postgres.running(at(home)) as server:
        with psycopg.connect(server.url("api").replace("+psycopg", "")) as db:
            db.execute("insert into switch values ('kill', true, 'test', 'me') on conflict (name) do update set is_on = true")
        pid = postgres.status(at(home)).pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        with postgres.running(at(home)) as again:
            assert postgres.status(at(home)).pid != pid
            assert ask(again, "select is_on from switch where name = 'kill'") is True


def test_a_pid_file_whose_process_is_dead_or_somebody_elses_is_no_obstacle(home: Path) -> None:
    with postgres.running(at(home), migrated=False):
        pid_file = home / "postgres" / "data" / "postmaster.pid"
        words = pid_file.read_text().split("\n")
    for first in (str(os.getpid()), "4194304", ""):
        pid_file.write_text("\n".join([first, *words[1:]]) if first else "")
        (home / "postgres" / ".s.PGSQL.5432.lock").write_text("\n".join([str(os.getpid()), *words[1:]]))
        assert not postgres.status(at(home)).running
        with postgres.running(at(home), migrated=False) as server:
            assert ask(server, "select 1") == 1


def test_a_cluster_whose_making_was_killed_is_made_again(other: Path) -> None:
    (other / "postgres" / "data.new" / "base").mkdir(parents=True)
    (other / "postgres" / "password.new").write_text("old")
    with postgres.running(at(other), migrated=False) as server:
        assert ask(server, "select 1") == 1
    assert not (other / "postgres" / "data.new").exists()
    assert not (other / "postgres" / "password.new").exists()


def test_two_installations_run_side_by_side_and_a_long_path_falls_back_to_loopback(home: Path, tmp_path: Path) -> None:
    far = tmp_path / ("x" * 110)
    with postgres.running(at(home), migrated=False), postgres.running(at(far), migrated=False) as server:
        assert server.address is not None
        assert server.address.host == "127.0.0.1"
        port = server.address.port
        assert ask(server, "select current_setting('port')") == str(port)
    with socket.create_server(("127.0.0.1", port)), postgres.running(at(far), migrated=False) as moved:
        assert moved.address is not None
        assert moved.address.port != port
        assert ask(moved, "select 1") == 1


def test_a_cluster_without_its_passwords_says_what_is_missing(other: Path) -> None:
    (other / "postgres" / "data").mkdir(parents=True)
    with pytest.raises(BadInput, match=r"postgres\.json"), postgres.running(at(other)):
        pass


def test_a_broken_cluster_raises_with_the_servers_own_words(other: Path) -> None:
    with postgres.running(at(other), migrated=False):
        pass
    (other / "postgres" / "data" / "global" / "pg_control").unlink()
    with pytest.raises(DatabaseAway, match="pg_control"), postgres.running(at(other), migrated=False):
        pass


def test_a_cluster_that_cannot_be_made_raises_with_initdbs_own_words(tmp_path: Path) -> None:
    (tmp_path / "data.new").touch()  # a file where a folder has to be
    with pytest.raises(DatabaseAway, match="initdb: error"):
        Cluster(tmp_path, choose_runner(tmp_path)).create("word")
    assert [path.name for path in tmp_path.iterdir()] == ["data.new"]


def test_without_the_wheel_the_message_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locate, "WHEEL", "no_such_wheel")
    with pytest.raises(DatabaseAway, match="no_such_wheel"):
        locate.find_binaries()


def test_a_socket_needs_a_short_path_of_an_existing_folder(tmp_path: Path) -> None:
    assert socket_fits(tmp_path)
    assert not socket_fits(tmp_path / "missing")
    assert not socket_fits(tmp_path / ("x" * 100))


def test_stopping_a_cluster_that_does_not_run_says_so(tmp_path: Path) -> None:
    assert not Cluster(tmp_path, choose_runner(tmp_path)).stop()
    assert not Place(tmp_path, tmp_path).pinned()
