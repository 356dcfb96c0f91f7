"""Single fields and rows of Kraken's payloads, each checked on its way in. Pure."""

import re
from dataclasses import replace
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Any

from trader_core.model.errors import DataFault
from trader_core.model.instrument import Instrument, fee_at_most, price_from, price_text, qty_from, qty_text
from trader_core.model.money import MONEY_EXP, MONEY_MAX
from trader_core.model.session import Side
from trader_core.venues.ask import Ask
from trader_core.venues.fields import CURRENCY, number_of, record, rows, same, text
from trader_core.venues.marketdata import fee_ppm, grid_of
from trader_core.venues.marketdata import up as minimum
from trader_core.venues.port import Balance, SendRequest, VenueOrder, VenueOrderState, VenueTrade

OPEN = VenueOrderState.OPEN
STATES = {
    "pending": VenueOrderState.OPEN,
    "open": VenueOrderState.OPEN,
    "closed": VenueOrderState.FILLED,
    "canceled": VenueOrderState.CANCELED,
    "expired": VenueOrderState.EXPIRED,
}
_RAW = {"BTC": "XBT", "DOGE": "XDG"}
_PLAIN = {old: new for new, old in _RAW.items()}
_LONG = re.compile(r"[XZ][A-Z]{3}")
_TXID = re.compile(r"[A-Z0-9]{4,12}(-[A-Z0-9]{4,12}){1,4}")
_SENTENCE = re.compile(r"(buy|sell) ([0-9.]+) \S+ @(?:.*limit ([0-9.]+))?")
_SECONDS_MIN, _SECONDS_MAX = 10**9, 10**11


def raw(currency: str) -> str:
    """Return Kraken's short name of a currency: XBT for BTC."""
    return _RAW.get(currency, currency)


def plain(name: str) -> str:
    """Return the usual name of a currency that Kraken calls XXBT, XBT, ZEUR or EUR."""
    short = name[1:] if _LONG.fullmatch(name) and len(name) == 4 else name  # noqa: PLR2004
    return _PLAIN.get(short, short)


def pair_id(instrument: Instrument) -> str:
    """Return the pair's short name, such as XBTEUR."""
    return raw(instrument.base) + raw(instrument.quote)


def pair_names(instrument: Instrument) -> frozenset[str]:
    """Return every name under which answers may hold the pair: XBTEUR, XXBTZEUR and XBT/EUR."""
    base, quote = raw(instrument.base), raw(instrument.quote)
    return frozenset({first + second for first in (base, f"X{base}") for second in (quote, f"Z{quote}")} | {f"{base}/{quote}"})


def is_pair(value: object, instrument: Instrument) -> bool:
    """Return whether an answer means the instrument's pair by this name; raises DataFault for what is no name: it may hide one of ours."""
    if not isinstance(value, str):
        raise DataFault("the name of a pair", repr(value)[:60], "treat it as no answer")
    return value in pair_names(instrument)


def uncontradicted(result: dict[str, Any], request: SendRequest, instrument: Instrument, wire_id: str) -> None:
    """Pass unless an acknowledgement tells of another order: by a client id, or by side, volume or limit of its sentence.

    Nobody promises that there are such words, or how they go, so that words of another form say nothing. Raises DataFault.
    """
    told = result.get("descr")
    found = _SENTENCE.match(str(told.get("order"))) if isinstance(told, dict) else None
    same("cl_ord_id", result.get("cl_ord_id") or wire_id, wire_id)
    if found is None:
        return
    same("side", found[1], request.side.name.lower())
    same("volume", number_of(found[2], "volume"), Decimal(qty_text(instrument, request.qty)))
    if found[3] and request.order_type != "MARKET":
        same("limit", number_of(found[3], "limit"), Decimal(price_text(instrument, request.limit)))


def only(result: dict[str, Any], instrument: Instrument) -> object:
    """Return what a result holds of the instrument's pair; raises DataFault when that is not exactly one thing."""
    found = [value for name, value in result.items() if name in pair_names(instrument)]
    if len(found) != 1:
        raise DataFault(f"an answer about {pair_id(instrument)}", repr(sorted(result))[:80], "treat it as an answer to something else")
    return found[0]


def ms_of(value: object, what: str) -> int:
    """Return seconds since 1970, whole or with a fraction, as epoch ms; raises DataFault outside the years 2001 to 5138."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise DataFault(f"{what} in epoch seconds", repr(value)[:60], "treat it as no answer")
    seconds = number_of(repr(value) if isinstance(value, float) else str(value), what)
    if not _SECONDS_MIN <= seconds < _SECONDS_MAX:
        raise DataFault(f"{what} in epoch seconds", repr(value)[:60], "treat it as no answer")
    return int((seconds * 1_000).to_integral_value(ROUND_FLOOR))


def txid(value: object) -> str:
    """Return the id of an order or a trade; raises DataFault unless it has groups of letters and digits."""
    if not isinstance(value, str) or not _TXID.fullmatch(value):
        raise DataFault("an id such as OABCDE-FGHIJ-KLMNOP", repr(value)[:60], "treat it as no answer")
    return value


def decimals(row: dict[str, Any], key: str) -> int:
    """Return a number of decimals; raises DataFault for none."""
    value = row.get(key)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 12:  # noqa: PLR2004
        raise DataFault(f"{key} from 0 to 12", repr(value)[:60], "do not trade it")
    return value


def grid(row: dict[str, Any], key: str, decimals_key: str) -> tuple[int, int]:
    """Return (exponent, step) of a grid that is told as a step, or else by its number of decimals."""
    if key in row:
        return grid_of(text(row, key), key)
    return decimals(row, decimals_key), 1


def up(row: dict[str, Any], key: str, exponent: int) -> int:
    """Return a minimum on its exponent, rounded up; 0 where there is none."""
    return minimum(row, key, exponent) if key in row else 0


def tier_ppm(schedule: object) -> int:
    """Return the fee of a schedule's first tier, told in percent, in parts per million."""
    first = rows(schedule, "a fee schedule")[:1]
    if not first or not isinstance(first[0], list) or len(first[0]) != 2:  # noqa: PLR2004 - volume and percent
        raise DataFault("a fee schedule of volumes and percents", repr(schedule)[:80], "check the venue's fees")
    percent = number_of(text({"fee": first[0][1]}, "fee"), "fee")
    return fee_ppm({"fee": str(percent / 100)}, "fee")


def order(name: str, row: dict[str, Any], instrument: Instrument, client_order_id: str) -> VenueOrder:
    """Return one order as Kraken reports it; raises DataFault when it contradicts itself."""
    qty, filled = qty_from(instrument, text(row, "vol")), qty_from(instrument, text(row, "vol_exec"))
    state = STATES.get(str(row.get("status")))
    if state is None:
        raise DataFault(f"a status of {', '.join(STATES)}", repr(row.get("status"))[:60], "ask again, then tell the developers")
    if filled > qty:
        raise DataFault(f"a filled quantity of at most {qty}", str(filled), "ask again")
    if state is VenueOrderState.FILLED and filled != qty:
        state = VenueOrderState.CANCELED
    if state is VenueOrderState.OPEN and filled:
        state = VenueOrderState.PARTIAL
    kind = str(record(row.get("descr"), "a description").get("ordertype"))
    stop = kind.startswith(("stop-loss", "take-profit", "trailing-stop"))
    return VenueOrder(client_order_id, txid(name), state, qty, filled, ms_of(row.get("opentm"), "opentm"), stop)


def trade(row: dict[str, Any], instrument: Instrument) -> VenueTrade:
    """Return one trade of the account; raises DataFault when it is malformed."""
    side = {"buy": Side.BUY, "sell": Side.SELL}.get(str(row.get("type")))
    maker = row.get("maker", False)
    if side is None or not isinstance(maker, bool):
        raise DataFault("a trade that buys or sells, as maker or not", repr((row.get("type"), maker))[:60], "ask again")
    qty, price = qty_from(instrument, text(row, "vol")), price_from(instrument, _trimmed(text(row, "price"), instrument.price_exp))
    if qty == 0:
        raise DataFault("a trade of more than nothing", "quantity 0", "ask again")
    due = row.get("fee") is None  # fees are asked for in the quote currency
    fee = fee_at_most(replace(instrument, fee_in_base=False), price, qty, buys=side is Side.BUY)[0] if due else _fee(row)
    return VenueTrade(
        trade_id=txid(row.get("id")),
        client_order_id="",
        venue_order_id=txid(row.get("ordertxid")),
        symbol=instrument.symbol,
        side=side,
        qty=qty,
        price=price,
        fee=fee,
        fee_base=0,
        ts_ms=ms_of(row.get("time"), "time"),
        maker=maker,
        fee_due=due,
    )


def _fee(row: dict[str, Any]) -> int:
    paid = number_of(text(row, "fee"), "fee")
    fee = int(paid.scaleb(MONEY_EXP).to_integral_value(ROUND_CEILING))
    if not 0 <= fee <= MONEY_MAX:
        raise DataFault("a fee within the doors", str(paid)[:40], "check the venue's data")
    return fee


def balances(result: dict[str, Any]) -> list[Balance]:
    """Return the balances of the spot wallet; raises DataFault when there is none. Staked currencies have a dot in their name."""
    out = list[Balance]()
    for name, item in result.items():
        if "." in name:
            continue
        row = record(item, "a balance")
        whole = number_of(text(row, "balance"), "balance")
        held = number_of(text(row, "hold_trade"), "hold_trade") if "hold_trade" in row else Decimal(0)
        currency = plain(name)
        if not CURRENCY.fullmatch(currency) or held < 0 or whole < held:
            raise DataFault("a currency whose balance covers what is held", repr(item)[:80], "ask again")
        out.append(Balance(currency, f"{whole - held:f}", f"{held:f}"))
    if not out:
        raise DataFault("at least one balance", "none", "ask again; an account without any cannot trade")
    return out


def _trimmed(value: str, exponent: int) -> str:
    """Return a price without the zeros that Kraken appends beyond the pair's decimals."""
    head, dot, tail = value.partition(".")
    return f"{head}{dot}{tail[:exponent]}" if dot and not tail[exponent:].strip("0") else value


def public(name: str, params: dict[str, str]) -> Ask:
    """Ask for something that anybody may know."""
    return Ask("GET", name, ("public",), f"/0/public/{name}", params)


def private(name: str, params: dict[str, str], weight: int) -> Ask:
    """Ask in the account's name."""
    return Ask("POST", name, ("private",), f"/0/private/{name}", params, weight, private=True)


def result_of(payload: object) -> dict[str, Any]:
    """Return what an envelope holds; raises DataFault when it names an error, or holds no object."""
    row = record(payload, "an envelope")
    errors = [error for error in rows(row.get("error"), "error") if not str(error).startswith("W")]
    if errors:
        raise DataFault("an envelope without errors", repr(errors)[:120], "treat it as no answer")
    result = row.get("result")
    if not isinstance(result, dict):
        raise DataFault("a result as an object", repr(result)[:80], "treat it as no answer")
    return result
