"""Reconciliation: the venue's balances against what the journal explains, and the record that closes the books. Pure."""

from decimal import Decimal

from trader_core.model.instrument import qty_text
from trader_core.model.money import to_text
from trader_core.model.session import StopPolicy
from trader_core.trader import fees, resting
from trader_core.trader.records import Kind, Record
from trader_core.trader.state import State, digest
from trader_core.venues.port import Balance


def totals(balances: list[Balance]) -> dict[str, str]:
    """Return free plus locked per currency, as decimal texts without exponents."""
    return {b.currency: format(Decimal(b.free) + Decimal(b.locked), "f") for b in balances}


def differences(state: State, baseline: dict[str, str], balances: list[Balance]) -> tuple[str, ...]:
    """Return each currency in which the venue differs from baseline plus journal, in words; none is clean.

    The quote currency may differ by one account unit per booked fill: a venue's fee may have more decimals than ours. Fees that the
    venue has not told yet may differ by all that they were taken for.
    """
    held = {currency: Decimal(total) for currency, total in totals(balances).items()}
    found: list[str] = []
    for index, instrument in enumerate(state.instruments):
        ours = Decimal(qty_text(instrument, state.position(index)))
        theirs = held.get(instrument.base, Decimal(0)) - Decimal(baseline.get(instrument.base, "0"))
        if abs(ours - theirs) > Decimal(qty_text(instrument, fees.tolerance(state, instrument.symbol))):
            found.append(f"{instrument.base}: the journal explains {ours}, the venue has {theirs} more than at the opening")
    quote = state.instruments[0].quote
    ours = Decimal(to_text(int(state.account["cash"][0]) - state.plan.capital))
    theirs = held.get(quote, Decimal(0)) - Decimal(baseline.get(quote, "0"))
    fills = int(state.slots["fills"].sum())
    if abs(ours - theirs) > Decimal(to_text(fills + fees.tolerance(state))):
        found.append(f"{quote}: the journal explains {ours}, the venue shows {theirs} since the opening")
    return tuple(found)


def settled(state: State) -> bool:
    """Return whether nothing but stops that rest is on its way, so that the books can be compared."""
    return not resting.unsettled(state)


def closing(state: State, at_ms: int, policy: StopPolicy) -> Record:
    """Return the record that ends a session: what it holds still, what is unresolved, and the books' digest."""
    body = {
        "at_ms": at_ms,
        "equity": int(state.account["equity"][0]),
        "kept": [[x.symbol, state.position(i)] for i, x in enumerate(state.instruments) if state.position(i)],
        "unresolved": sorted(state.pending),
        "policy": policy,
        "before": digest(state),
    }
    return Record(Kind.CLOSED, body)
