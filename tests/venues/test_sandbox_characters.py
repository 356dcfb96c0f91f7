"""Markets of a character: gaps, thin books, jumps and falls, for whoever wants to see a strategy on a bad day."""

import asyncio

import numpy as np
import pytest

from sandbox.book import book_at
from sandbox.character import CHARACTERS, Character
from sandbox.config import START_MS, Config
from sandbox.market import CLOSE, DAY_MS, HIGH, LOW, MINUTES_DAY, OPEN, TICKS_DAY, TICKS_MINUTE, VOLUME, Block, SeededMarket, silenced
from sandbox.pairs import PAIRS
from tests.venues.kraken_client import kraken
from tests.venues.sandbox_client import mexc, opened, raw, running
from tests.venues.test_sandbox_binance import binance
from trader_core.model.errors import UnknownName

DAY = START_MS // DAY_MS
BTC = PAIRS[0]
CLIENTS = {"mexc": mexc, "binance": binance, "kraken": kraken}


def market(name: str) -> SeededMarket:
    return SeededMarket(7, PAIRS, 0, CHARACTERS[name])


def closes_of(block: Block) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return block.prices.reshape(MINUTES_DAY, TICKS_MINUTE)[:, -1]


def returns(name: str, days: int = 20) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    found = market(name)
    return np.diff(np.log(np.concatenate([closes_of(found.block("BTCUSDT", DAY + at)) for at in range(days)])))


def test_the_usual_market_is_the_one_without_a_character() -> None:
    plain = SeededMarket(7, PAIRS)
    for usual in (market("usual"), SeededMarket(7, PAIRS, 0, Character())):
        for name, pair in plain.pairs.items():
            assert usual.pairs[name] == pair
            for found, expected in zip(usual.block(name, DAY), plain.block(name, DAY), strict=True):
                assert (found == expected).all()


def test_in_silent_minutes_the_price_stands_and_nothing_is_traded() -> None:
    block = market("calm").block("BTCUSDT", DAY)
    silent = np.zeros(MINUTES_DAY, dtype=np.bool_)
    silent[[3, 4, 9]] = True
    found = silenced(block, silent)
    prices = found.prices.reshape(MINUTES_DAY, TICKS_MINUTE)
    last = int(block.prices[3 * TICKS_MINUTE - 1])
    assert prices[3:5].tolist() == [[last] * TICKS_MINUTE] * 2
    assert found.candles[[3, 4, 9]].tolist() == [[0] * 6] * 3
    assert found.volumes.reshape(MINUTES_DAY, TICKS_MINUTE)[[3, 4, 9]].sum() == 0
    others = ~silent
    assert (found.candles[others] == block.candles[others]).all()
    assert found.prices[5 * TICKS_MINUTE] == block.prices[5 * TICKS_MINUTE], "afterwards the price goes on elsewhere"


def test_a_market_with_gaps_is_silent_for_minutes_and_for_stretches() -> None:
    found = market("gaps")
    silent = np.concatenate([found.block("BTCUSDT", DAY + at).candles[:, HIGH] == 0 for at in range(10)])
    assert 0.1 < silent.mean() < 0.25, "a tenth of the minutes, and some five stretches of up to 45 a day"
    edges = np.flatnonzero(np.diff(np.concatenate([[0], silent.astype(int), [0]])))
    lengths = edges[1::2] - edges[::2]
    assert lengths.max() > 20
    assert not any(found.block("BTCUSDT", DAY + at).candles[0, HIGH] == 0 for at in range(10)), "no day begins in silence"


def test_days_join_in_every_character() -> None:
    for name in CHARACTERS:
        found = market(name)
        for day in range(DAY, DAY + 5):
            last, first = found.block("BTCUSDT", day).prices[-1], found.block("BTCUSDT", day + 1).prices[0]
            assert abs(first / last - 1) < 0.15, name


def test_a_calm_market_moves_less_than_the_usual_one_and_a_wild_one_more() -> None:
    calm, usual, wild = (float(np.std(returns(name))) for name in ("calm", "usual", "wild"))
    assert calm < 0.9 * usual
    assert wild > 1.2 * usual
    assert np.abs(returns("wild")).max() > 2 * np.abs(returns("calm")).max()


def test_a_crash_falls_far_within_ten_minutes_and_comes_most_of_the_way_back() -> None:
    found = market("crash")
    path = np.log(np.concatenate([closes_of(found.block("BTCUSDT", DAY + at)) for at in range(20)]))
    falls = path[12:] - path[:-12]
    deepest = int(falls.argmin())
    assert falls[deepest] < np.log(1 - 0.1)
    after = path[deepest + 12 : deepest + 12 + 6 * 60].max()
    assert after - path[deepest + 12] > 0.4 * -falls[deepest]


def test_a_thin_book_is_wide_and_short_and_holds_little() -> None:
    thin, tick = market("thin").pairs["BTCUSDT"], DAY * TICKS_DAY
    usual_book, thin_book = book_at(7, BTC, tick, 95_000_00), book_at(7, thin, tick, 95_000_00)
    assert (len(usual_book.bids), len(thin_book.bids), len(thin_book.asks)) == (100, 8, 8)
    spreads = [book.asks[0].price - book.bids[0].price for book in (usual_book, thin_book)]
    assert spreads[1] > 8 * spreads[0]
    held = [sum(level.qty for level in book.asks[:8]) for book in (usual_book, thin_book)]
    assert held[1] < held[0] // 30


def test_every_day_of_every_character_is_consistent() -> None:
    for name in CHARACTERS:
        found = market(name)
        for pair in PAIRS[:4]:
            block = found.block(pair.id, DAY + 1)
            assert block.prices.min() > 0
            candles = block.candles[block.candles[:, HIGH] > 0]
            assert (candles[:, LOW] <= np.minimum(candles[:, OPEN], candles[:, CLOSE])).all()
            assert (candles[:, HIGH] >= np.maximum(candles[:, OPEN], candles[:, CLOSE])).all()
            assert (candles[:, VOLUME] > 0).all()
            assert block.volumes.sum() == candles[:, VOLUME].sum()


@pytest.mark.parametrize(("dialect", "symbol"), [("mexc", "BTC/USDT"), ("binance", "BTC/EUR"), ("kraken", "BTC/EUR")])
async def test_a_client_of_each_dialect_sees_the_worst_market_as_it_is(dialect: str, symbol: str) -> None:
    async with running(Config(dialect=dialect, market="worst", history_days=1)) as sandbox, opened(CLIENTS[dialect](sandbox)) as exchange:
        found = await exchange.fetch_ohlcv(symbol, "1m", START_MS - 6 * 3_600_000, 300)
        minutes = [START_MS // 60_000 - 360 + at for at in range(300)]
        name = exchange.market(symbol)["id"] if dialect != "kraken" else "BTCEUR"
        candles = sandbox.exchange.market.block(name, DAY - 1).candles
        traded = [minute * 60_000 for minute in minutes if candles[minute % MINUTES_DAY, HIGH] > 0]
        assert len(traded) < 270, "it has gaps"
        assert [int(row[0]) for row in found][: len(traded)] == traded[: len(found)]
        book = await exchange.fetch_order_book(symbol)
        assert 0 < len(book["asks"]) <= 8
        held = sum(row[1] for row in book["asks"])
        bought = await exchange.create_order(symbol, "limit", "buy", round(held * 2, 4), round(book["asks"][-1][0] * 1.01, 1))
        sandbox.exchange.advance(START_MS + 1)
        order = await exchange.fetch_order(bought["id"], symbol)
        assert 0 < order["filled"] < order["amount"], "a thin book fills a large order in part"


def test_an_unknown_character_is_refused_by_name() -> None:
    with pytest.raises(UnknownName, match=r"usual, calm, wild, gaps, thin, crash, worst; found 'stormy'"):
        Config(market="stormy")


def test_saved_state_of_one_market_is_not_restored_into_another() -> None:
    async def both() -> tuple[int, str]:
        async with running(Config(market="thin")) as one, running(Config()) as other, raw(one) as first, raw(other) as second:
            _, saved = await first.admin("GET /save")
            status, said = await second.admin("POST /restore", saved)
            return status, str(said)

    status, said = asyncio.run(both())
    assert status == 400
    assert "'market': 'thin'" in said
