"""The judge of coverage can fail."""

from tests.coverage_floor import MONEY, findings


def report(percent: float) -> dict[str, dict[str, dict[str, dict[str, float]]]]:
    entry = {"summary": {"percent_covered": percent, "covered_lines": percent, "num_statements": 100.0}}
    return {"files": {f"{package}a.py": entry for package in (*MONEY, "trader_core/store/")}}


def test_a_file_below_its_floor_is_named() -> None:
    assert any(line.startswith("trader_core/store/a.py: 79.0 %") for line in findings(report(79.0)))


def test_money_is_held_to_more_than_the_floor() -> None:
    assert [line.split(":")[0] for line in findings(report(85.0))] == list(MONEY)


def test_a_report_above_both_floors_has_no_finding() -> None:
    assert findings(report(95.0)) == []
