# Every target does its own set-up: a machine with Python 3.11 or newer and pip is enough.
# PYTHON chooses the interpreter: make test PYTHON=python3.13
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
WORKERS ?= auto

.PHONY: help demo test lint unit bench clean

help: ## Show the targets.
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/'

$(VENV)/.demo: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"
	$(BIN)/python -m pip install --quiet --editable '.[sklearn]'
	@touch $@

$(VENV)/.dev: $(VENV)/.demo
	$(BIN)/python -m pip install --quiet --editable '.[sklearn]' --group dev
	@touch $@

demo: $(VENV)/.demo ## Run the diabetes pipeline, live in the terminal.
	$(BIN)/stepmill run examples/diabetes/pipeline.py

lint: $(VENV)/.dev ## Style, types and the contracts between the folders.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

unit: $(VENV)/.dev ## Only the fast tests.
	$(BIN)/python -m pytest -n $(WORKERS) src tests/unit

test: lint ## Everything: lint, unit, integration, conformance, durability, docs.
	$(BIN)/python -m pytest -n $(WORKERS)

bench: $(VENV)/.dev ## Ratios measured side by side in one run.
	$(BIN)/python -m benchmarks

clean: ## Remove what the targets made.
	rm -rf $(VENV) .stepmill .mypy_cache .ruff_cache .hypothesis .import_linter_cache
