# The commands of the project. Each one fails when what it checks is wrong.
SHELL := /bin/sh
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
export PORTAL_HOME ?= $(CURDIR)/var
export PORT ?= 8000
unexport MAKEFLAGS

.PHONY: help run setup setup-dev lock test check fix bench clean

help: ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

run: ## build, migrate, make the demo world, start everything; Ctrl-C stops all of it
	@$(PYTHON) requirements/bootstrap.py run --venv "$(VENV)"
	@exec $(BIN)/python -m demo

setup: ## the virtual environment for running
	@$(PYTHON) requirements/bootstrap.py setup --venv "$(VENV)"

setup-dev: ## the virtual environment with everything the checks and tests need
	@$(PYTHON) requirements/bootstrap.py setup-dev --venv "$(VENV)"

lock: setup-dev ## compile requirements/*.in to hashed requirements/*.txt
	@cd requirements && for name in base demo extras dev; do \
	  ../$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	    --no-emit-index-url --no-emit-find-links --custom-compile-command 'make lock' $$name.in -o $$name.txt || exit 1; done

test: setup-dev ## the whole suite (PYTEST='-k word' for a part)
	@$(BIN)/python -m pytest -n 2 --dist loadfile $(PYTEST)
	@if [ -n "$$PORTAL_TEST_DATABASE_URL" ]; then \
	  echo "== again on PostgreSQL$${PORTAL_TEST_REDIS_URL:+ and Redis}"; \
	  DATABASE_URL="$$PORTAL_TEST_DATABASE_URL" REDIS_URL="$$PORTAL_TEST_REDIS_URL" \
	    $(BIN)/python -m pytest -n 2 --dist loadfile -m "not browser and not slow and not node and not own_process" --ignore tests/specs $(PYTEST); fi

check: setup-dev ## lint, format, types, import rules, templates, migrations, dependency audit
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/lint-imports --no-cache
	@$(BIN)/mypy .
	@$(BIN)/djlint templates --lint --quiet
	@$(BIN)/python manage.py makemigrations --check --dry-run
	@$(BIN)/python manage.py check
	@$(BIN)/python requirements/vulnerabilities.py

fix: setup-dev ## what can be mended without thinking
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .
	@$(BIN)/djlint templates --reformat --quiet

bench: setup-dev ## the benchmarks; each prints ratios measured in one run
	@$(BIN)/python -m bench

clean: ## the virtual environment and caches; state in PORTAL_HOME stays
	@rm -rf "$(VENV)" .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
