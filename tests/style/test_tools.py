"""What `make check` asks of other tools, so that a test run alone notices it too; types are left to `make check`."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    "command", ["ruff format --check .", "ruff check .", "lint-imports --no-cache"], ids=["format", "lint", "arrows between packages"]
)
def test_a_tool_has_nothing_to_say(command: str) -> None:
    name, *words = command.split()
    done = subprocess.run([Path(sys.executable).with_name(name), *words], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
