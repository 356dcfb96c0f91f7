"""The disk: what has to be there before anything follows from it."""

import os
from pathlib import Path


def synced(path: Path) -> None:
    """Have a file, or a folder's list of its files, on the disk when this returns."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
