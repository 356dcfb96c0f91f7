"""What AddOrder's parameters ask for, checked in Kraken's order and refused in its words. Pure."""

import re
from collections.abc import Mapping
from datetime import datetime

from sandbox.dialects import kraken_names as names
from sandbox.dialects.base import Params, whole
from sandbox.dialects.kraken_words import late, no_price
from sandbox.orders import AT_MARKET, BUY, SELL, Kind, NewOrder, No, Refused
from sandbox.pairs import Pair
from trader_core.model.errors import OutOfRange
from trader_core.model.money import MONEY_EXP, from_text

SIDES = {"buy": BUY, "sell": SELL}
IN_FORCE = {"": Kind.LIMIT, "GTC": Kind.LIMIT, "IOC": Kind.IOC, "FOK": Kind.FOK}
STOP_KINDS = {
    "stop-loss": Kind.STOP_LOSS, "stop-loss-limit": Kind.STOP_LOSS_LIMIT, "take-profit": Kind.TAKE_PROFIT,
    "take-profit-limit": Kind.TAKE_PROFIT_LIMIT,
}  # fmt: skip
FLAGS = frozenset({"post", "fciq", "fcib", "nompp", "viqc"})
NOT_BUILT = ("leverage", "close[ordertype]", "displayvol", "starttm", "expiretm", "reduce_only")
NOT_MEANT = frozenset({"", "0", "none", "false"})
"""Values of what is not built that ask for nothing."""
CLIENT_ID = re.compile(r"[0-9a-fA-F]{32}|[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|[!-~]{1,18}")
AMOUNT = re.compile(r"[0-9]{1,20}(\.[0-9]{1,20})?")
DEADLINE_MAX_MS = 60_000
USERREF_MAX = 2**31


def order_of(pairs: Mapping[str, Pair], params: Params, now_ms: int) -> NewOrder:
    """Return the order that the parameters describe; raises Refused for what is missing, off the grids, not built, or late."""
    pair = pairs.get(params.get("pair", ""))
    if pair is None:
        raise Refused(No.SYMBOL)
    if params.get("type") not in SIDES:
        raise Refused(No.PARAMETER, "type")
    for name in NOT_BUILT:
        if params.get(name, "").lower() not in NOT_MEANT:
            raise Refused(No.PARAMETER, name)
    _check_ids(params)
    _check_deadline(params.get("deadline", ""), now_ms)
    side, flags, kind = SIDES[params["type"]], _flags(params), params.get("ordertype", "")
    if kind == "market":
        return _market(pair, side, flags, params)
    if kind in STOP_KINDS:
        return _stop(pair, side, flags, params)
    if kind != "limit":
        raise Refused(No.PARAMETER, "ordertype")
    return _limit(pair, side, flags, params)


def userref_of(params: Params) -> int | None:
    """Return the number that the client tags its orders with, None for none; raises Refused for what is no 32-bit number."""
    value = whole(params, "userref")
    if value is not None and not -USERREF_MAX <= value < USERREF_MAX:
        raise Refused(No.PARAMETER, "userref")
    return value


def flag(params: Params, name: str) -> bool:
    """Return whether a parameter says yes."""
    return params.get(name, "").lower() in ("true", "1")


def _market(pair: Pair, side: int, flags: frozenset[str], params: Params) -> NewOrder:
    client_id = params.get("cl_ord_id", "")
    if "post" in flags or ("viqc" in flags and side != BUY):
        raise Refused(No.PARAMETER, "oflags")
    if params.get("timeinforce", "") not in ("", "GTC", "IOC"):
        raise Refused(No.PARAMETER, "timeinforce")
    if "viqc" in flags:
        return NewOrder(pair.id, side, Kind.MARKET, quote_qty=_units(params, MONEY_EXP), client_id=client_id)
    return NewOrder(pair.id, side, Kind.MARKET, _lots(pair, params), client_id=client_id)


def _limit(pair: Pair, side: int, flags: frozenset[str], params: Params) -> NewOrder:
    kind = _in_force(params)
    if "viqc" in flags or ("post" in flags and kind is not Kind.LIMIT):
        raise Refused(No.PARAMETER, "oflags")
    kind = Kind.LIMIT_MAKER if "post" in flags else kind
    return NewOrder(pair.id, side, kind, _lots(pair, params), _ticks(pair, params, "price"), client_id=params.get("cl_ord_id", ""))


def _stop(pair: Pair, side: int, flags: frozenset[str], params: Params) -> NewOrder:
    """Return a stop: `price` is its trigger, the last price the only signal, and `price2` its limit where it has one."""
    kind = STOP_KINDS[params["ordertype"]]
    if flags & {"post", "viqc"}:
        raise Refused(No.PARAMETER, "oflags")
    if _in_force(params) is not Kind.LIMIT:
        raise Refused(No.PARAMETER, "timeinforce")
    if params.get("trigger", "last") != "last":
        raise Refused(No.PARAMETER, "trigger")
    stop = _ticks(pair, params, "price")
    limit = 0 if kind in AT_MARKET else _ticks(pair, params, "price2")
    return NewOrder(pair.id, side, kind, _lots(pair, params), limit, client_id=params.get("cl_ord_id", ""), stop=stop)


def _in_force(params: Params) -> Kind:
    name = params.get("timeinforce", "")
    if name not in IN_FORCE:
        raise Refused(No.PARAMETER, "timeinforce")
    return IN_FORCE[name]


def _flags(params: Params) -> frozenset[str]:
    flags = frozenset(flag for flag in params.get("oflags", "").split(",") if flag)
    if not flags <= FLAGS or {"fciq", "fcib"} <= flags:
        raise Refused(No.PARAMETER, "oflags")
    return flags


def _check_ids(params: Params) -> None:
    client_id = params.get("cl_ord_id", "")
    if client_id and not CLIENT_ID.fullmatch(client_id):
        raise Refused(No.PARAMETER, "cl_ord_id")
    if client_id and userref_of(params) is not None:
        raise Refused(No.PARAMETER, "userref")


def _check_deadline(text: str, now_ms: int) -> None:
    """Refuse an order that comes after its deadline, and a deadline that is no time or too far away."""
    if not text:
        return
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise Refused(No.PARAMETER, "deadline") from error
    if moment.tzinfo is None or moment.timestamp() * 1_000 > now_ms + DEADLINE_MAX_MS:
        raise Refused(No.PARAMETER, "deadline")
    if moment.timestamp() * 1_000 < now_ms:
        raise late()


def _units(params: Params, exponent: int) -> int:
    text = params.get("volume", "")
    if not AMOUNT.fullmatch(text):
        raise Refused(No.PARAMETER, "volume")
    try:
        return from_text(text, exponent, "volume")
    except OutOfRange as error:
        raise Refused(No.LOT) from error


def _lots(pair: Pair, params: Params) -> int:
    return _units(params, pair.qty_exp)


def _ticks(pair: Pair, params: Params, name: str) -> int:
    text = params.get(name, "")
    if not AMOUNT.fullmatch(text):
        raise Refused(No.PARAMETER, name)
    try:
        ticks = from_text(text, pair.price_exp, name)
    except OutOfRange as error:
        raise no_price(f"{names.wsname(pair)} price can only be specified up to {pair.price_exp} decimals.") from error
    if not ticks:
        raise no_price()
    return ticks
