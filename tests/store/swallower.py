"""A way to a database that can be blocked: it takes what is sent and passes nothing on, as a firewall does that forgot a connection."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import quote, unquote

from sqlalchemy import make_url

from tests.conftest import Database


@dataclass
class Swallower:
    """Passes bytes on both ways until `swallows` is set; after that it takes them all the same."""

    target: tuple[str, int]
    listening: socket.socket = field(default_factory=lambda: socket.create_server(("127.0.0.1", 0)))
    swallows: threading.Event = field(default_factory=threading.Event)
    threads: list[threading.Thread] = field(default_factory=list)
    sockets: list[socket.socket] = field(default_factory=list)

    def serve(self) -> None:
        """Accept until closed."""
        with suppress(OSError):
            while True:
                near, _ = self.listening.accept()
                far = self._far()
                self.sockets += [near, far]
                for one, other in ((near, far), (far, near)):
                    self._thread(one, other)

    def _far(self) -> socket.socket:
        host, port = self.target
        if not host.startswith("/"):
            return socket.create_connection((host, port))
        far = socket.socket(socket.AF_UNIX)
        far.connect(f"{host}/.s.PGSQL.{port}")
        return far

    def _thread(self, one: socket.socket, other: socket.socket) -> None:
        thread = threading.Thread(target=self._pass, args=(one, other), daemon=True)
        self.threads.append(thread)
        thread.start()

    def _pass(self, one: socket.socket, other: socket.socket) -> None:
        with suppress(OSError):
            while found := one.recv(65_536):
                if not self.swallows.is_set():
                    other.sendall(found)
            if not self.swallows.is_set():
                other.shutdown(socket.SHUT_WR)


@contextmanager
def swallowing(database: Database, role: str) -> Iterator[tuple[Swallower, str]]:
    """Yield such a way, and the URL of a role through it."""
    url = make_url(database.url(role))
    host, port = str(url.query.get("host") or url.host), int(str(url.query.get("port") or url.port))
    made = Swallower((unquote(host), port))
    threading.Thread(target=made.serve, daemon=True).start()
    name, door = quote(url.username or ""), made.listening.getsockname()[1]
    try:
        yield made, f"{url.drivername}://{name}:{quote(url.password or '')}@127.0.0.1:{door}/{url.database}"
    finally:
        for one in (made.listening, *made.sockets):
            one.close()
