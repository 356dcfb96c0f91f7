"""The door on Kraken's protocol: an order and its validation share a path, and everything stands in the body."""

from dataclasses import replace

import pytest

from tests.venues.test_gateway_kraken import BTC, REQUEST
from trader_core.model.errors import VenueRefused
from trader_core.venues import codes
from trader_core.venues.adapters.kraken import Kraken
from trader_core.venues.adapters.kraken_fields import plain
from trader_core.venues.door import check_order, check_request, orders_closed
from trader_core.venues.outcomes import Call
from trader_core.venues.profiles import KRAKEN, sandbox_profile

URL = "http://127.0.0.1:8790/0/private/AddOrder"


@pytest.mark.parametrize(
    ("body", "asked"),
    [
        ("nonce=1&type=sell", ["SELL"]),
        ("nonce=1&type=buy", ["BUY"]),
        ("nonce=1&type=sell&type=buy", ["BUY"]),
        ("", ["BUY"]),
        ("nonce=1&type=sell&validate=true", []),
        ("nonce=1&type=sell&validate=false", ["SELL"]),
        ("nonce=1&type=sell&validate=true&validate=false", ["SELL"]),
        ("%%", ["BUY"]),
    ],
)
def test_leave_is_asked_for_whatever_is_not_surely_a_validation(body: str, asked: list[str]) -> None:
    profile, heard = replace(KRAKEN, hosts=frozenset({"127.0.0.1"}), base_url="http://127.0.0.1:8790"), list[str]()

    def guard(side: str) -> str:
        heard.append(side)
        return ""

    check_order(profile, "POST", URL, body, guard)
    assert heard == asked


def test_the_door_compares_the_body_of_an_order_pair_by_pair() -> None:
    profile = sandbox_profile("http://127.0.0.1:8790", stepped=True, dialect="kraken")
    ask = Kraken().create(REQUEST, BTC)
    signed = {**ask.params, **Kraken().pins(REQUEST)}
    body = "nonce=7&" + "&".join(f"{name}={value}" for name, value in signed.items())
    call = Call(ask, codes.KRAKEN, REQUEST, signed)
    check_request(profile, call, "POST", URL, body)
    for other in (body.replace("volume=0.0001", "volume=0.001"), body + "&leverage=2", body.replace("nonce=7&", ""), body + "&nonce=8"):
        with pytest.raises(VenueRefused, match="equal to the journaled one"):
            check_request(profile, call, "POST", URL, other)
    with pytest.raises(VenueRefused, match="equal to the journaled one"):
        check_request(profile, call, "POST", f"{URL}?price=1", body)
    real = replace(KRAKEN, hosts=frozenset({"127.0.0.1"}), base_url="http://127.0.0.1:8790")
    with pytest.raises(VenueRefused, match="leave to place orders"):
        check_request(real, call, "POST", URL, body, orders_closed)


@pytest.mark.parametrize(
    ("name", "usual"), [("XXBT", "BTC"), ("XBT", "BTC"), ("ZEUR", "EUR"), ("EUR", "EUR"), ("SOL", "SOL"), ("XXDG", "DOGE"), ("XTZ", "XTZ")]
)
def test_krakens_names_of_currencies_become_the_usual_ones(name: str, usual: str) -> None:
    assert plain(name) == usual
