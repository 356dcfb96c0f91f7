"""The exporter is served: a scrape over HTTP shows what it holds, and a taken port is no reason to stop."""

import socket
import urllib.request
from typing import TYPE_CHECKING, cast

from trader_core.trader.exporter import Exporter

if TYPE_CHECKING:
    from trader_core.trader.process import Trader


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def test_a_scrape_shows_the_picture_and_a_second_exporter_on_the_port_is_told_no() -> None:
    port, nobody = free_port(), cast("Trader", None)
    first = Exporter(nobody)
    assert first.serve(port)
    first.picture = {"gatehouse_up": [(("paper",), 1.0)]}
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
        said = answer.read().decode()
    assert 'gatehouse_up{account="paper"} 1.0' in said
    assert Exporter(nobody).serve(port) is False
