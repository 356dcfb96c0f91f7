"""The cache folder: named by the sources, made once, cleared of older engines, and not needed."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from trader_core.engine import kernel, warm
from trader_core.engine.layout import SLOT

ROOT = Path(__file__).parents[2]


@pytest.fixture
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of the test's own, which the process forgets afterwards."""
    monkeypatch.setenv("GATEHOUSE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("NUMBA_CACHE_DIR", os.environ.get("NUMBA_CACHE_DIR", ""))
    return tmp_path / "home"


def test_a_change_of_any_source_changes_the_folders_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copy = tmp_path / "engine"
    shutil.copytree(Path(kernel.__file__).parent, copy, ignore=shutil.ignore_patterns("__pycache__"))
    ours = kernel.sources_digest()
    monkeypatch.setattr(kernel, "__file__", str(copy / "kernel.py"))
    assert kernel.sources_digest() == ours
    callee = copy / "strategies" / "sma_cross.py"
    callee.write_text(callee.read_text() + "\n")
    assert kernel.sources_digest() != ours


def test_the_folder_is_made_and_older_ones_are_removed(own_home: Path) -> None:
    old, other = own_home / "cache" / "engine-old", own_home / "cache" / "else"
    old.mkdir(parents=True)
    other.mkdir()
    assert kernel._prepare_cache()
    assert kernel.cache_folder().is_dir()
    assert not old.exists()
    assert other.exists()
    assert os.environ["NUMBA_CACHE_DIR"] == str(kernel.cache_folder())


def test_a_home_that_cannot_be_written_is_no_failure(own_home: Path) -> None:
    own_home.write_text("a file where the folder should be")
    assert not kernel._prepare_cache()


def test_the_engine_works_without_a_cache(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    program = "from trader_core.engine.arithmetic import rate_up; print(rate_up(1_000_001, 1000))"
    environment = {**os.environ, "GATEHOUSE_HOME": str(blocked), "NUMBA_CACHE_DIR": "", "GATEHOUSE_ENGINE": ""}
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "1001"


def test_records_are_the_same_memory() -> None:
    slots = np.zeros(2, SLOT)
    view = kernel.as_records(slots)
    view["position"][1] = 7
    assert int(slots["position"][1]) == 7
    plain = np.zeros(2, np.int64)
    assert kernel.as_records(plain) is plain


def test_warming_may_be_repeated() -> None:
    warm.warm()
