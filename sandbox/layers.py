"""Values laid over others for a time, so that windows may overlap in any way and what lies below may change meanwhile. Pure."""

from collections.abc import Callable, Mapping
from typing import Any

Undo = Callable[[], None]


class Layers:
    """Layers over values that are read and written by name; the topmost layer shows."""

    def __init__(self, read: Callable[[str], Any], write: Callable[[dict[str, Any]], None]) -> None:
        """Lie over values; `write` sets some of them at once."""
        self._read, self._write = read, write
        self._layers: dict[str, list[tuple[object, Any]]] = {}
        self._below: dict[str, Any] = {}
        self._said: dict[str, Any] = {}

    def lay(self, values: Mapping[str, Any]) -> Undo:
        """Lay values over what there is, and return what takes them away again."""
        layer = object()
        for name, value in values.items():
            self._layers.setdefault(name, []).append((layer, value))
        self._settle(values)

        def undo() -> None:
            for name in values:
                self._layers[name] = [(one, value) for one, value in self._layers[name] if one is not layer]
            self._settle(values)

        return undo

    def _settle(self, names: Mapping[str, Any]) -> None:
        """Write what the topmost layers say; what somebody else has written meanwhile lies below all layers."""
        values = {}
        for name in names:
            current = self._read(name)
            if name not in self._said or self._said[name] != current:
                self._below[name] = current
            layers = self._layers[name]
            values[name] = layers[-1][1] if layers else self._below[name]
            self._said[name] = values[name]
            if not layers:
                del self._said[name]
        self._write(values)
