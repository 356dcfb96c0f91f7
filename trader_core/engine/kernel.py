"""The border between Python and compiled code: two decorators, and the folder that the compiled code is kept in.

numba's own cache keys a function on its own source file, so that it serves stale code when a callee in another file has
changed. Here the folder's name covers every source of the engine, and a change of any of them starts a new folder.
"""

import functools
import hashlib
import os
import platform
import shutil
import sys
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

F = TypeVar("F", bound=Callable[..., Any])

COMPILED = os.environ.get("GATEHOUSE_ENGINE", "") != "python"
"""False under GATEHOUSE_ENGINE=python: every function stays plain, and numba is not imported."""


def sources_digest() -> str:
    """Return 16 hex digits over every source of the engine, the versions of what compiles it, and the processor."""
    folder = Path(__file__).parent
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*.py")):
        digest.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    parts = [sys.version, *(metadata.version(name) for name in ("numba", "llvmlite", "numpy")), _processor()]
    digest.update("\0".join(parts).encode())
    return digest.hexdigest()[:16]


def cache_folder() -> Path:
    """Return the folder of this engine's compiled code, whether or not it exists."""
    return Path(os.environ.get("GATEHOUSE_HOME") or ".gatehouse").absolute() / "cache" / f"engine-{sources_digest()}"


def as_records(array: Any) -> Any:
    """Return a structured array so that `array[i].field` works in plain Python; compiled code needs no such view."""
    if COMPILED or array.dtype.names is None:
        return array
    return array.view(np.recarray)


def kernel(function: F) -> F:
    """Return the function compiled on its first call, and kept in the cache folder where that can be written."""
    if not COMPILED:
        return function
    compiled: F = _numba().njit(cache=_CACHED, nogil=True, error_model="numpy")(function)
    return compiled


def entry(function: F) -> F:
    """Return a kernel that Python may call with plain structured arrays."""
    if COMPILED:
        return kernel(function)

    @functools.wraps(function)
    def call(*arguments: Any) -> Any:
        return function(*(as_records(value) if isinstance(value, np.ndarray) else value for value in arguments))

    return call  # type: ignore[return-value]


def _numba() -> Any:
    import numba  # noqa: PLC0415 - plain mode must work without it

    numba.config.CACHE_DIR = os.environ.get("NUMBA_CACHE_DIR", "")
    return numba


def _processor() -> str:
    """Two machines that share a home must not share machine code."""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        lines = [line for line in cpuinfo.read_text(errors="replace").splitlines() if line.startswith(("model name", "flags"))]
        return "\n".join(lines[:2])
    return f"{platform.machine()} {platform.processor()}"


def _prepare_cache() -> bool:
    """Make the cache folder, remove those of older engines, and tell numba; False when it cannot be written."""
    folder = cache_folder()
    try:
        if not folder.is_dir():
            folder.mkdir(parents=True)
            for old in folder.parent.glob("engine-*"):
                if old != folder:
                    shutil.rmtree(old, ignore_errors=True)
        if not os.access(folder, os.W_OK):
            return False
    except OSError:
        return False
    os.environ["NUMBA_CACHE_DIR"] = str(folder)
    return True


_CACHED = COMPILED and _prepare_cache()
