"""Every answer of the embedded exchange has the fields and types of the payloads that ccxt publishes, but for what is listed."""

from pathlib import Path

import aiohttp
import pytest

from sandbox.config import Config
from tests.venues import schema_rounds
from tests.venues.published_schemas.dialects import DIALECTS
from tests.venues.published_schemas.page import page
from tests.venues.published_schemas.shapes import DECIMAL, INTEGER, NUMERIC, TEXT, Shape, findings, site_of
from tests.venues.sandbox_client import running
from tests.venues.schema_samples import Asker, Samples

PAGE = Path(__file__).parents[2] / "docs" / "schemas.md"
ROUNDS = {"mexc": schema_rounds.mexc, "binance": schema_rounds.binance, "kraken": schema_rounds.kraken}


async def answered(name: str) -> tuple[tuple[str, ...], Samples]:
    """Return what a dialect says that it answers, and its answers by case."""
    async with running(Config(dialect=name)) as sandbox, aiohttp.ClientSession() as session:
        asker = Asker(sandbox, session)
        await ROUNDS[name](asker)
        return sandbox.dialect.sites, asker.samples


@pytest.mark.parametrize("name", DIALECTS)
async def test_every_answer_differs_from_the_published_ones_where_the_list_says_so_and_nowhere_else(name: str) -> None:
    sites, samples = await answered(name)
    dialect = DIALECTS[name]
    assert {site_of(case) for case in samples} == {*sites}, "every endpoint was asked"
    assert {*samples} == {*dialect.published, *dialect.unpublished}, "every case is classified, and every classified one was asked"
    found = {
        case: {finding for answer in samples[case] for finding in findings(known.shape, answer)}
        for case, known in dialect.published.items()
    }
    listed = {case: {*dialect.differences.get(case, ())} for case in dialect.published}
    assert {case: words - listed[case] for case, words in found.items() if words - listed[case]} == {}, "these are not on the list"
    assert {case: words - found[case] for case, words in listed.items() if words - found[case]} == {}, "these are no longer true"


def test_a_case_is_published_or_not_and_only_published_ones_can_differ() -> None:
    for dialect in DIALECTS.values():
        assert not {*dialect.published} & {*dialect.unpublished}
        assert {*dialect.differences} <= {*dialect.published}
        assert all(reason for differences in dialect.differences.values() for reason in differences.values())


def test_the_page_says_what_the_data_says() -> None:
    assert PAGE.read_text(encoding="utf-8") == page()


@pytest.mark.parametrize(
    ("shape", "value", "expected"),
    [
        ({"a": TEXT}, {"a": "x"}, set()),
        ({"a": TEXT}, {}, {"a: missing"}),
        ({"a?": TEXT}, {}, set()),
        ({"a?": TEXT}, {"a": 1}, {"a: integer, published text"}),
        ({"a": TEXT}, {"a": "x", "b": 1}, {"b: not published"}),
        ({"a": DECIMAL}, {"a": 1.5}, {"a: number, published decimal"}),
        ({"a": DECIMAL}, {"a": "x"}, {"a: text, published decimal"}),
        ({"a": DECIMAL}, {"a": "-0.5"}, set()),
        ({"a": INTEGER}, {"a": "7"}, {"a: decimal, published integer"}),
        ({"a": INTEGER}, {"a": True}, {"a: truth, published integer"}),
        ({"a": NUMERIC}, {"a": "7"}, set()),
        ({"a": "text|null"}, {"a": None}, set()),
        ({"a": TEXT}, {"a": None}, {"a: null, published text"}),
        ({"a": [TEXT]}, {"a": []}, {"a: empty"}),
        ({"a": [TEXT]}, {"a": ["x", 1]}, {"a[]: integer, published text"}),
        ({"a": []}, {"a": [1, None]}, set()),
        ({"a": [TEXT]}, {"a": "x"}, {"a: text, published list"}),
        ({"a": {"b": TEXT}}, {"a": [1]}, {"a: list, published record"}),
        ({"a": {"b": TEXT}}, {"a": {}}, {"a.b: missing"}),
        ([(INTEGER, DECIMAL)], [[1, "2"], [1]], {"[]: 1 columns, published 2"}),
        ([(INTEGER, DECIMAL)], [[1, 2]], {"[][1]: integer, published decimal"}),
        ({"*": INTEGER, "last": TEXT}, {"x": 1, "y": "1", "last": "z"}, {"*: decimal, published integer"}),
        ({"*": INTEGER, "last": TEXT}, {"last": "z"}, {"answer: empty"}),
    ],
)
def test_a_departure_from_a_shape_is_put_into_words(shape: Shape, value: object, expected: set[str]) -> None:
    assert findings(shape, value) == expected
