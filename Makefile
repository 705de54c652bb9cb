# The commands of the README. `make` alone lists them.
# Each sets up what it needs by itself; the second time there is nothing left to set up.

.DEFAULT_GOAL := help
SHELL := /bin/sh
.DELETE_ON_ERROR:

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check -qq
ROOMS := $(wildcard foundation committees alerts coordination)
CHECKED := $(ROOMS) $(wildcard wsgi.py migrations scripts tests benchmarks)
# Tests in parallel: at most four processes, since each may start a PostgreSQL and a browser of its own.
PYTEST := $(BIN)/python -m pytest
PARALLEL ?= -n logical --maxprocesses 4 --dist loadfile
ARGS ?=
DATA ?=

.PHONY: help run test prove check cover bench faults format lock browser clean

help:  ## list these commands
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'

run: $(VENV)/.run.stamp  ## set everything up and start the demo (ARGS="--port 8080" is passed on)
	$(BIN)/concord demo $(ARGS)

test: $(VENV)/.dev.stamp browser  ## set everything up and run the tests (ARGS="tests/foundation -k db")
	$(PYTEST) $(PARALLEL) $(ARGS)

prove: $(VENV)/.dev.stamp browser  ## run the tests in their long forms as well
	$(PYTEST) $(PARALLEL) -m "" --hypothesis-profile=long $(ARGS)

cover: $(VENV)/.dev.stamp browser  ## run the tests and show the lines they never reach
	$(PYTEST) $(PARALLEL) --cov --cov-report=term-missing:skip-covered $(ARGS)

check: $(VENV)/.dev.stamp  ## lint, format, types, import contracts, security
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy $(ROOMS) scripts tests/rig
	$(BIN)/lint-imports
	$(BIN)/bandit --quiet -ll --recursive $(ROOMS)

bench: $(VENV)/.dev.stamp  ## measure the promises of speed (DATA=folder of event files)
	$(BIN)/python -m benchmarks $(if $(DATA),--data "$(DATA)") $(ARGS)

faults: $(VENV)/.dev.stamp  ## kill, hang, lose and fill everything; print what was lost or doubled (ARGS=--quick)
	$(BIN)/python -m benchmarks faults $(ARGS)

format: $(VENV)/.dev.stamp  ## rewrite the sources as `make check` wants them
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock: $(VENV)/.dev.stamp  ## resolve setup.cfg again into both lock files
	scripts/lock.sh $(ARGS)

browser: $(VENV)/.dev.stamp
	@$(BIN)/python -m scripts.browser || true

clean:  ## remove caches and built files, but neither .venv nor data
	rm -rf build dist htmlcov .coverage .coverage.* .pytest_cache .mypy_cache .ruff_cache .import_linter_cache \
	    .hypothesis *.egg-info
	find $(CHECKED) -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	scripts/venv.sh "$(PYTHON)" $(VENV)

# The lock files name everything, so nothing is resolved: a newer release of a package cannot come in by an extra of another.
$(VENV)/.run.stamp: requirements.lock setup.cfg pyproject.toml | $(BIN)/python
	@echo "Installing what Concord needs to run ..."
	@$(PIP) install --no-deps --require-hashes -r requirements.lock
	@$(PIP) install --no-deps -e .
	@touch $@

$(VENV)/.dev.stamp: dev.lock $(VENV)/.run.stamp
	@echo "Installing what the tests and checks need ..."
	@$(PIP) install --no-deps --require-hashes -r dev.lock
	@touch $@
