"""Log lines carry no secret and stay off stdout."""

import io
import json

from trader_core import log


def _line(**values: object) -> dict[str, object]:
    stream = io.StringIO()
    log.configure("INFO", as_json=True, stream=stream)
    log.get(session_id="s1").info("ordered", **values)
    line: dict[str, object] = json.loads(stream.getvalue())
    return line


def test_a_line_names_its_event_level_time_and_context() -> None:
    line = _line(qty=3)
    assert (line["event"], line["level"], line["session_id"], line["qty"]) == ("ordered", "info", "s1", 3)
    assert str(line["timestamp"]).endswith("Z")


def test_values_are_hidden_by_their_name_at_any_depth() -> None:
    line = _line(api_key="canary", nested={"secret": "canary", "symbol": "BTC/USDT"}, rows=[{"token": "canary"}])
    assert "canary" not in json.dumps(line)
    assert line["nested"] == {"secret": log.HIDDEN, "symbol": "BTC/USDT"}


def test_passwords_and_signatures_are_cut_out_of_texts() -> None:
    line = _line(url="postgresql://trader:canary@localhost/x", query="symbol=BTC&signature=canary&side=BUY")
    assert line["url"] == f"postgresql://trader:{log.HIDDEN}@localhost/x"
    assert line["query"] == f"symbol=BTC&signature={log.HIDDEN}&side=BUY"


def test_a_level_below_the_threshold_is_not_written() -> None:
    stream = io.StringIO()
    log.configure("WARNING", as_json=True, stream=stream)
    log.get().info("quiet")
    log.get().warning("loud")
    assert [json.loads(line)["event"] for line in stream.getvalue().splitlines()] == ["loud"]
