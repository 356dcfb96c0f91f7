"""PostgreSQL refuses root: whoever starts it, it runs as somebody who may, and touches nothing else."""

import os
import tempfile
from pathlib import Path

import pytest

from deployments import locate, postgres
from deployments.locate import Runner
from tests.deployments.servers import ask, at
from trader_core.model.errors import DatabaseAway


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
