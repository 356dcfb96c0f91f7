"""How connections that listen to the same share one text. Pure."""

from collections.abc import Callable

from sandbox.dialects.session import Frame
from sandbox.events import Event


class Worded:
    """The last frame of each channel: an event is put into words once, however many connections hear of it."""

    def __init__(self) -> None:
        """Know no frame yet."""
        self._frames: dict[str, tuple[Event, Frame]] = {}

    def of(self, channel: str, event: Event, word: Callable[[], Frame]) -> Frame:
        """Return the frame of an event on a channel, worded now if this very event was not before."""
        kept = self._frames.get(channel)
        if kept is not None and kept[0] is event:
            return kept[1]
        frame = word()
        self._frames[channel] = (event, frame)
        return frame
