# Every target creates .venv by itself and may be run again.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: setup demo up down test check drill bench coverage mutate parity throughput conformance matrix fuzz soak journal simulate sockets clean

setup: $(STAMP)

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed, this is " + sys.version) if sys.version_info < (3, 11) else None'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@$(BIN)/python -m trader_core.engine.warm
	@touch $@

demo: setup
	@$(BIN)/gatehouse demo

up: setup
	@$(BIN)/gatehouse up

down: setup
	@$(BIN)/gatehouse down

test: setup
	@$(BIN)/python -m pytest -n 2 --dist loadscope

check: setup
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache >/dev/null || $(BIN)/lint-imports --no-cache
	@$(BIN)/python -m pytest -q tests/style

drill: setup
	@$(BIN)/python -m pytest -q -s tests/drills/drill_kill.py tests/drills/drill_rollback.py tests/drills/drill_nightly.py

bench: setup
	@$(BIN)/gatehouse bench backtest

coverage: setup
	@GATEHOUSE_ENGINE=python $(BIN)/python -m pytest -q -n 2 --dist loadscope --cov --cov-report=json:.coverage.json --cov-report=term:skip-covered
	@$(BIN)/python -m tests.coverage_floor .coverage.json

mutate: setup
	@$(BIN)/python -m tests.mutation engine
	@$(BIN)/python -m tests.mutation trader
	@$(BIN)/python -m tests.mutation journal

parity: setup
	@GATEHOUSE_PARITY_CASES=10000 $(BIN)/python -m pytest -q tests/engine/test_parity_cases.py

fuzz: setup
	@$(BIN)/python -m tests.fuzz

soak: setup
	@$(BIN)/python -m tests.soak

journal: setup
	@$(BIN)/python -m tests.journal

simulate: setup
	@$(BIN)/gatehouse simulate --seeds $(or $(SEEDS),15000) --jobs 0
	@$(BIN)/gatehouse simulate --crashes --seeds $(or $(RUNS),200) --jobs 0
	@$(BIN)/gatehouse simulate --small $(or $(DEPTH),6)

sockets: setup
	@$(BIN)/python -m tests.sockets --plans $(or $(PLANS),200)

conformance: setup
	@$(BIN)/python -m tests.conformance

matrix: setup
	@$(BIN)/python -m tests.matrix

throughput: setup
	@$(BIN)/python -m tests.throughput

clean:
	@test ! -x $(BIN)/gatehouse || $(BIN)/gatehouse down
	@rm -rf $(VENV) .gatehouse build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
