# make demo   draw a collection, run the whole chain on it, leave a page with the hits
# make test   ruff, mypy, import-linter and pytest; what needs an extra is skipped, with a reason
# make test-all   the same with every extra: annoy, faiss, timm, openvino, ray, postgres
# make bench  every benchmark, written into docs/notes/benchmarks.md
# All set themselves up: all they need is Python 3.11 or newer and PyPI; test-all and bench a C++ compiler, for annoy.
# CI (.ci/run) runs both test commands, and the wheel on the newest Python at hand.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test test-all lint bench clean

demo: $(VENV)/installed
	$(BIN)/tv demo demo

test: lint
	$(BIN)/python -m pytest

test-all: $(VENV)/tested-all lint
	$(BIN)/python -m pytest

lint: $(VENV)/tested
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/benched
	$(BIN)/python -m scripts.bench.run

$(VENV)/installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	touch $@

$(VENV)/tested: $(VENV)/installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[test]'
	touch $@

$(VENV)/tested-all: $(VENV)/tested
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[test-all]'
	touch $@

$(VENV)/benched: $(VENV)/installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[bench]'
	touch $@

clean:
	rm -rf $(VENV) demo dist build *.egg-info
