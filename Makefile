# `make help` lists what there is to do.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help run test check format bench bench-ledger bench-lists bench-seals soak lock openapi migration clean

IS_RECENT := import sys; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(shell for python in python3.11 python3; do \
	$$python -c '$(IS_RECENT)' 2> /dev/null && echo $$python && break; done)
BIN := .venv/bin
PIP := $(BIN)/pip install -qq --disable-pip-version-check --no-deps
COMPILE := $(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes \
	--no-header --no-emit-index-url pyproject.toml

# What these commands print matters only when they fail.
quietly = @echo '$(1)'; output=$$($(1) 2>&1) || { echo "$$output"; exit 1; }

help:  ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-14s%s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: .venv/.run  ## Start the service with a database and demo data (args="--port 8080")
	@$(BIN)/gridpoints serve --demo $(args)

# Some 100 processes are started: each would compile the application anew where this is forbidden.
test: export PYTHONDONTWRITEBYTECODE =
test: check  ## Run every check, then the tests (args="-k ledger")
	$(BIN)/pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder $(args)

check: .venv/.dev  ## Run linters, type checker and architecture rules
	$(BIN)/ruff check -q
	$(BIN)/ruff format -q --check
	$(BIN)/mypy --no-error-summary
	$(call quietly,$(BIN)/lint-imports --no-logo)
	$(call quietly,$(BIN)/deptry .)
	$(BIN)/typos
	$(call quietly,.ci/squawk)

format: .venv/.dev  ## Format the code and fix what can be fixed
	$(BIN)/ruff check -q --fix-only
	$(BIN)/ruff format -q

bench: .venv/.run  ## Measure the hot requests beside the bare database (args="--help")
	@$(BIN)/python -m tests.bench $(args)

bench-ledger: .venv/.run  ## Measure the ledger beside the bare database (args="--help")
	@$(BIN)/python -m tests.bench.ledger $(args)

bench-lists: .venv/.run  ## Measure award lists and duties of thousands of rows (args="--help")
	@$(BIN)/python -m tests.bench.lists $(args)

bench-seals: .venv/.run  ## Measure sealing, proofs and the audit of a million transfers (args="--help")
	@$(BIN)/python -m tests.bench.seals $(args)

soak: .venv/.dev  ## Try it for an hour: kills, model, operations, seals, codes, rush (args="codes --codes 10000")
	@$(BIN)/python -m tests.soak $(or $(args),all)

lock: .venv/.dev  ## Bring the lock files in line with pyproject.toml (args="--upgrade")
	$(COMPILE) --group build -o requirements.lock $(args)
	$(COMPILE) --group dev -c requirements.lock -o requirements-dev.lock $(args)

openapi: .venv/.dev  ## Write openapi/ anew
	$(BIN)/gridpoints openapi

migration: .venv/.dev  ## Create a migration from the models (name="add shops")
	$(if $(name),,$(error Say what it does: make migration name="add shops"))
	$(BIN)/alembic revision --autogenerate -m "$(name)"

clean:  ## Remove the virtual environment and caches
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis *.egg-info
	find . -name __pycache__ -prune -exec rm -r {} +

# The stamps are older than a lock file or pyproject.toml when there is something to install.
.venv/.run: requirements.lock pyproject.toml
	@$(or $(PYTHON),false) -c '$(IS_RECENT)' || \
		{ echo 'Python 3.11 or newer is needed: make PYTHON=/path/to/python3' >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2> /dev/null || \
		{ echo 'This Python lacks venv. On Debian or Ubuntu: apt install python3-venv' >&2; exit 1; }
	@echo 'Installing locked dependencies into .venv'
	@$(PYTHON) -m venv .venv
	@$(PIP) --require-hashes -r requirements.lock
	@$(PIP) --no-build-isolation --editable .
	@touch $@

.venv/.dev: requirements-dev.lock .venv/.run
	@echo 'Installing locked development tools into .venv'
	@$(PIP) --require-hashes -r requirements-dev.lock
	@touch $@
