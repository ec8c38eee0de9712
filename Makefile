# Every target does its own set-up: a machine with Python 3.11 or newer and pip is enough.
# PYTHON chooses the interpreter: make test PYTHON=python3.13
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
WORKERS ?= auto
# The SDKs that tests run as clients; without one of them its tests are skipped: make test CLIENTS=sdk2
CLIENTS ?= sdk2 sdk3

.PHONY: help demo test lint unit clients bench clean

help: ## Show the targets.
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/'

$(VENV)/.made: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"
	@touch $@

$(VENV)/.demo: $(VENV)/.made
	$(BIN)/python -m pip install --quiet --editable '.[sklearn]'
	@touch $@

# It has all that the demo needs. pip compiles all files in a row, more than half of which nobody imports: their
# own tests, other ways of PyTorch. What jobs import is compiled, for they have nowhere to keep what they compile.
$(VENV)/.dev: $(VENV)/.made
	$(BIN)/python -m pip install --quiet --no-compile --editable '.[sklearn]' --group dev
	$(BIN)/python -m compileall -q -j 2 -x '/(tests|_internal|_inductor|databricks|mypyc?|networkx|pip)/' $(VENV)/lib
	@touch $(VENV)/.demo $@

# botocore's own cases of AWS's protocols are in its source distribution alone; a conformance test plays them.
$(VENV)/.botocore-src: $(VENV)/.dev
	@rm -rf $(VENV)/botocore-src && mkdir $(VENV)/botocore-src
	version=$$($(BIN)/python -c "import botocore; print(botocore.__version__)") && \
	$(BIN)/python -m pip download --quiet --no-deps --no-binary botocore --dest $(VENV)/botocore-src "botocore==$$version" && \
	tar xzf "$(VENV)/botocore-src/botocore-$$version.tar.gz" -C $(VENV)/botocore-src --strip-components 1 \
		"botocore-$$version/tests/unit/protocols"
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

# Each in an environment of its own: what the two generations need excludes each other. The lists are complete,
# so nothing is resolved; `pip check` would say if something were missing.
$(VENV)/%/.made: tests/clients/%.txt | $(VENV)/.made
	$(PYTHON) -m venv --clear $(@D)
	@$(@D)/bin/python -m pip install --quiet --quiet --no-deps --no-compile --requirement $< || \
	  { echo "make: the packages in $< could not be fetched. Is the network there? Run make again, or leave" \
	  "the tests of this SDK out with CLIENTS=" >&2; exit 1; }
	$(@D)/bin/python -m pip check
	@touch $@

clients: $(CLIENTS:%=$(VENV)/%/.made) ## The SDKs that tests run as clients.

# What is linted and what is fetched do not wait for one another; nothing is tested before both are done.
# A worker that has nothing left takes half of what another one has: the folders' tests take unlike times.
test: ## Everything: lint, unit, integration, conformance, durability, docs.
	$(MAKE) --jobs=2 lint clients $(VENV)/.botocore-src
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal --durations 25

bench: $(VENV)/.dev ## Ratios measured side by side in one run.
	$(BIN)/python -m benchmarks

clean: ## Remove what the targets made.
	rm -rf $(VENV) .stepmill .mypy_cache .ruff_cache .hypothesis .import_linter_cache
