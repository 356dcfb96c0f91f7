"""Candles go in and come out unchanged, and a revision never overwrites silently."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from sqlalchemy import text

from tests.conftest import Database
from tests.store.rows import BTC, MINUTE, T0, bars_of
from trader_core.model.bar import BAR, Bars
from trader_core.model.errors import BadInput, UnknownName
from trader_core.model.instrument import Instrument
from trader_core.store import candles
from trader_core.store.candles import Loaded, candle_range, load_bars, load_revisions, store_candles
from trader_core.store.collections import CollectionRow, insert_collection, list_collections, load_collection
from trader_core.store.database import begin
from trader_core.store.instruments import find_instrument, list_instruments, upsert_instrument

EVER = (0, 4_000_000_000_000)


def changed(**values: int) -> Instrument:
    return replace(BTC, **values)  # type: ignore[arg-type]


def put(database: Database, bars: Bars, collection: str = "c1") -> Loaded:
    with begin(database.engine("flow")) as db:
        return store_candles(db, upsert_instrument(db, BTC), "1m", bars, collection)


def get(database: Database, from_ms: int = EVER[0], to_ms: int = EVER[1]) -> Bars:
    with begin(database.engine("verify")) as db:
        return load_bars(db, 1, "1m", from_ms, to_ms)


def test_bars_come_back_as_they_were_over_the_whole_range_of_integers(database: Database) -> None:
    bars = np.zeros(40_000, BAR)
    bars["ts"] = T0 + MINUTE * np.arange(40_000)
    chance = np.random.default_rng(5)
    for name in ("open", "high", "low", "close", "volume"):
        bars[name] = chance.integers(-(2**63), 2**63 - 1, 40_000)
    assert put(database, bars) == Loaded(40_000, 40_000, 0)
    assert np.array_equal(get(database), bars)


def test_a_second_load_of_the_same_rows_changes_nothing(database: Database) -> None:
    bars = bars_of([100, 101, 102])
    assert put(database, bars) == Loaded(3, 3, 0)
    assert put(database, bars, "c2") == Loaded(3, 0, 0)
    with begin(database.engine("verify")) as db:
        assert set(db.execute(text("select collection_session_id, revision from candle"))) == {("c1", 0)}


def test_a_longer_load_adds_only_what_is_new(database: Database) -> None:
    put(database, bars_of([100, 101, 102]))
    assert put(database, bars_of([100, 101, 102, 103, 104]), "c2") == Loaded(5, 2, 0)
    assert list(get(database)["close"]) == [100, 101, 102, 103, 104]


def test_a_differing_candle_becomes_a_revision_and_its_former_values_stay(database: Database) -> None:
    put(database, bars_of([100, 101, 102]))
    assert put(database, bars_of([100, 111, 102]), "c2") == Loaded(3, 0, 1)
    assert put(database, bars_of([100, 121, 102, 103]), "c3") == Loaded(4, 1, 1)
    assert list(get(database)["close"]) == [100, 121, 102, 103]
    with begin(database.engine("verify")) as db:
        former = load_revisions(db, 1, "1m", *EVER)
        assert [(row["ts"], row["revision"], row["close"], row["collection_session_id"], row["revised_by"]) for row in former] == [
            (T0 + MINUTE, 0, 101, "c1", "c2"),
            (T0 + MINUTE, 1, 111, "c2", "c3"),
        ]
        query = "select revision, collection_session_id from candle order by ts"
        assert list(db.execute(text(query))) == [(0, "c1"), (2, "c3"), (0, "c1"), (0, "c3")]


def test_a_change_of_volume_alone_is_a_revision(database: Database) -> None:
    bars = bars_of([100])
    put(database, bars)
    bars["volume"] = 8
    assert put(database, bars, "c2").revised == 1


def test_a_range_is_half_open_and_reads_in_pieces_without_a_seam(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(candles, "READ_ROWS", 2)
    put(database, bars_of([100, 101, 102, 103, 104]))
    assert list(get(database)["close"]) == [100, 101, 102, 103, 104]
    assert list(get(database, T0 + MINUTE, T0 + 3 * MINUTE)["close"]) == [101, 102]
    assert len(get(database, T0 + 5 * MINUTE)) == 0
    assert get(database, 0, 1).dtype == BAR


def test_a_load_across_new_year_lies_in_two_partitions(database: Database) -> None:
    put(database, bars_of([100, 101], T0 - MINUTE))
    assert list(get(database)["close"]) == [100, 101]
    with begin(database.engine("verify")) as db:
        names = db.execute(text("select inhrelid::regclass::text from pg_inherits where inhparent = 'candle'::regclass order by 1"))
        assert list(names.scalars()) == ["candle_2022", "candle_2023"]
        assert candle_range(db, 1, "1m") == (T0 - MINUTE, T0, 2)
        assert candle_range(db, 1, "5m") == (0, 0, 0)


def test_the_same_minute_of_another_instrument_or_timeframe_is_another_candle(database: Database) -> None:
    put(database, bars_of([100]))
    with begin(database.engine("flow")) as db:
        assert store_candles(db, 1, "5m", bars_of([200]), "c").inserted == 1
    assert list(get(database)["close"]) == [100]


def test_an_empty_load_and_an_unknown_instrument_store_nothing(database: Database) -> None:
    assert put(database, bars_of([])) == Loaded(0, 0, 0)
    with begin(database.engine("flow")) as db, pytest.raises(BadInput, match="instrument_id 77"):
        store_candles(db, 77, "1m", bars_of([100]), "c")
    with begin(database.engine("flow")) as db, pytest.raises(AssertionError):
        store_candles(db, 1, "1m", bars_of([100, 101])[::-1], "c")


def test_two_loads_of_the_same_rows_at_once_take_turns(database: Database) -> None:
    with begin(database.engine("flow")) as db:
        upsert_instrument(db, BTC)
    with ThreadPoolExecutor(4) as pool:
        loads = list(pool.map(lambda name: put(database, bars_of([100] * 5000), name), "abcd"))
    assert sorted(loads) == [Loaded(5000, 0, 0)] * 3 + [Loaded(5000, 5000, 0)]
    assert len(get(database)) == 5000


def test_a_load_that_fails_leaves_nothing(database: Database) -> None:
    bars = bars_of([100, 101])
    with database.engine("flow").connect() as db:
        store_candles(db, upsert_instrument(db, BTC), "1m", bars, "c")
        db.rollback()
    assert len(get(database)) == 0


def test_an_instrument_is_stored_once_and_its_filters_follow_the_venue(database: Database) -> None:
    with begin(database.engine("flow")) as db:
        first = upsert_instrument(db, BTC)
        assert upsert_instrument(db, BTC) == first
        assert upsert_instrument(db, changed(taker_ppm=2000)) == first
        assert find_instrument(db, "binance", "BTC/USDT") == (first, changed(taker_ppm=2000))
        assert list_instruments(db) == list_instruments(db, "binance") == [(first, changed(taker_ppm=2000))]
        assert list_instruments(db, "mexc") == []


def test_the_exponents_of_a_stored_instrument_never_change(database: Database) -> None:
    with begin(database.engine("flow")) as db:
        upsert_instrument(db, BTC)
        with pytest.raises(BadInput, match="exponents"):
            upsert_instrument(db, changed(price_exp=3))


def test_an_unknown_symbol_is_answered_with_the_known_ones(database: Database) -> None:
    with begin(database.engine("flow")) as db:
        upsert_instrument(db, BTC)
        with pytest.raises(UnknownName, match="BTC/USDT"):
            find_instrument(db, "binance", "XYZ/USDT")
        with pytest.raises(UnknownName, match="none is stored"):
            find_instrument(db, "mexc", "BTC/USDT")


def test_a_collection_is_stored_once_and_found_by_its_id(database: Database) -> None:
    row = CollectionRow("c1", "binance", ("BTC/USDT", "ETH/USDT"), "1m", T0, T0 + MINUTE, 2, 2, 0, "abc", "file.csv")
    with begin(database.engine("flow")) as db:
        assert insert_collection(db, row) is True
        assert insert_collection(db, row) is False
        assert load_collection(db, "c1") == row
        assert list_collections(db) == [row]
        with pytest.raises(UnknownName, match="'c2'"):
            load_collection(db, "c2")
