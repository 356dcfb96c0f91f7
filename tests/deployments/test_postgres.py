"""The embedded PostgreSQL comes up, goes away and comes back, whatever was killed before."""

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from deployments import cluster, locate, postgres
from deployments.cluster import Cluster, socket_fits
from deployments.locate import Runner, choose_runner
from deployments.postgres import Place
from trader_core.model.errors import BadInput, DatabaseAway, UnknownName
from trader_core.settings import Settings

HOLD = """
import sys
from pathlib import Path
from deployments import postgres
from trader_core.settings import Settings
with postgres.running(Settings(home=Path(sys.argv[1]), database_url=None), migrated=False) as server:
    print(postgres.status(Settings(home=Path(sys.argv[1]), database_url=None)).pid, flush=True)
    sys.stdin.read()
"""


def at(home: Path) -> Settings:
    return Settings(home=home, database_url=None)


def ask(server: postgres.Server, query: str, role: str = "verify") -> object:
    with psycopg.connect(server.url(role).replace("+psycopg", "")) as db:
        row = db.execute(query).fetchone()
    assert row is not None
    return row[0]


def gone(pid: int | None) -> bool:
    assert pid is not None
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes() == b""
    except (FileNotFoundError, ProcessLookupError):
        return True


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("home")
    yield folder
    postgres.down(at(folder))


@pytest.fixture
def other(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "other"
    postgres.down(at(tmp_path / "other"))


def hold(home: Path) -> "tuple[subprocess.Popen[str], int]":
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(home)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    return process, int(process.stdout.readline())


def let_go(process: "subprocess.Popen[str]") -> None:
    process.communicate()
    assert process.returncode == 0


def test_a_single_command_starts_what_it_needs_and_stops_what_it_started(home: Path) -> None:
    with postgres.running(at(home)) as server:
        pid = postgres.status(at(home)).pid
        assert ask(server, "select current_user") == "gatehouse_verify"
        assert ask(server, "show data_checksums") == "on"
        assert ask(server, "show synchronous_commit") == "on"
        assert ask(server, "show fsync") == "on"
    found = postgres.status(at(home))
    assert (found.running, found.pid, found.version) == (False, None, "18")
    assert gone(pid)


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


def test_it_changes_no_permission_outside_its_own_folder(tmp_path: Path) -> None:
    private = tmp_path / "private"
    private.mkdir(mode=0o700)
    watched = [private, *private.parents, locate.find_binaries()]
    before = [(path.stat().st_mode, path.stat().st_uid) for path in watched]
    with postgres.running(at(private / "home"), migrated=False) as server:
        assert ask(server, "select 1") == 1
    assert [(path.stat().st_mode, path.stat().st_uid) for path in watched] == before


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to become somebody else")
def test_root_without_user_namespaces_becomes_an_unprivileged_user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locate, "NAMESPACE", ("false",))
    with tempfile.TemporaryDirectory() as public:
        Path(public).chmod(0o755)
        if not Runner(locate.find_binaries(), uid=65534, gid=65534).works():
            pytest.skip("this project lies under a folder that only root can enter")
        with postgres.running(at(Path(public) / "home"), migrated=False) as server:
            assert ask(server, "select 1") == 1
            assert (Path(public) / "home" / "postgres" / "data").stat().st_uid != 0
        monkeypatch.undo()
        with postgres.running(at(Path(public) / "home"), migrated=False) as server:
            assert ask(server, "select 2") == 2


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to become somebody else")
def test_root_in_a_private_folder_without_user_namespaces_is_told_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(locate, "NAMESPACE", ("false",))
    (tmp_path / "private").mkdir(mode=0o700)
    with pytest.raises(DatabaseAway, match="GATEHOUSE_DATABASE_URL"), postgres.running(at(tmp_path / "private" / "home")):
        pass


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can try it as somebody else")
def test_an_ordinary_user_runs_it_as_himself() -> None:
    with tempfile.TemporaryDirectory() as folder:
        os.chown(folder, 65534, 65534)
        if not Runner(locate.find_binaries(), uid=65534, gid=65534).works():
            pytest.skip("this project lies under a folder that only root can enter")
        # A fork, because that user may not be able to reach this Python at all.
        child = os.fork()
        if child == 0:
            try:
                os.setgroups([])
                os.setgid(65534)
                os.setuid(65534)
                with postgres.running(at(Path(folder) / "home"), migrated=False) as server:
                    os._exit(0 if ask(server, "select 1") == 1 else 2)
            finally:
                os._exit(1)
        assert os.waitpid(child, 0)[1] == 0
        assert (Path(folder) / "home" / "postgres" / "data").stat().st_uid == 65534
        assert postgres.down(at(Path(folder) / "home"))


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
