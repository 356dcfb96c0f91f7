"""Homes for embedded servers that are stopped at the end."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from deployments import postgres
from deployments.postgres import Place
from tests.deployments.servers import at


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Skip fsync: these tests kill processes, never the power."""
    of = Place.of
    monkeypatch.setattr(Place, "of", lambda settings: replace(of(settings), durable=False))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("home")
    yield folder
    postgres.down(at(folder))


@pytest.fixture
def other(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "other"
    postgres.down(at(tmp_path / "other"))
