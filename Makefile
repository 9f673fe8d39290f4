PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: check test lint clean

$(VENV)/.dev: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"
	$(BIN)/python -m pip install --quiet --editable . --group dev
	touch $@

## every test
test: $(VENV)/.dev
	$(BIN)/python -m pytest

## ruff, mypy, import-linter
lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

## exactly what CI runs
check: lint test

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache build dist
