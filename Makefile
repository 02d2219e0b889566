# Two commands: `make run` shows a day, `make test` checks everything. Each first sets up what it needs, in .venv only.

PYTHON ?= python3
WORKERS ?= 2
BIN := .venv/bin

.DEFAULT_GOAL := help
.PHONY: help run test lint format bench docs lock clean ready ready-test

help:  ## List these goals
	@awk -F ':.*## ' '/^[a-z][a-z-]*:.*## / { printf "make %-8s %s\n", $$1, $$2 }' Makefile

run: ready  ## Set up, then watch a made-up day from the first observation to the report
	@$(BIN)/truceline demo --out out/demo
	@echo "(the command is $(BIN)/truceline; \`. $(BIN)/activate\` lets you type just \`truceline\` in this shell)"

test: lint  ## Set up, then run every check and every test, with branch coverage of the core
	@$(BIN)/python tools/compile_ahead.py
	$(BIN)/pytest -n $(WORKERS) --dist worksteal -m "not long and not bench" --cov --cov-report=term-missing:skip-covered

lint: ready-test  ## Check style, types and who imports whom, without running a test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/deptry src

format: ready-test  ## Put the code into the one format and mend what can be mended mechanically
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: ready-test  ## Measure the hot paths on this machine
	@for script in bench/*.py; do echo "== $$script"; $(BIN)/python "$$script" || exit 1; done

docs: ready-test  ## Write docs/cli.md and docs/schema anew from commands and records
	$(BIN)/python tools/cli_page.py
	$(BIN)/python tools/agreement_schema.py

lock: ready-test  ## Write the lock files anew from pyproject.toml (for maintainers; needs uv)
	sh tools/lock.sh

clean:  ## Remove everything that was made here, .venv included
	rm -rf .venv out dist .coverage .coverage.* .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

ready ready-test:
	@command -v $(PYTHON) >/dev/null || { echo "$(PYTHON) is missing. Try:  sudo apt install python3" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 8))' || \
		{ echo "Truceline needs Python 3.11 or newer; $(PYTHON) is older. Try:  make PYTHON=python3.11 run" >&2; exit 1; }
	@$(PYTHON) tools/setup.py $(if $(filter ready,$@),run,test)
