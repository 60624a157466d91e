# make demo   draw a collection, run the whole chain on it, leave a page with the hits
# make test   ruff, mypy, import-linter and pytest; what needs an extra is skipped, with a reason
# make test-all   the same with the long tests and every extra: annoy, faiss, timm, openvino, ray, ...
# make bench  every benchmark, written into docs/notes/benchmarks.md
# All set themselves up: all they need is Python 3.11 or newer and PyPI; test-all and bench a C++ compiler, for annoy.
# CI (.ci/run) runs both test commands, and the wheel on the newest Python at hand.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Files stay together, for what their tests share. One process more than there are cores, as some
# wait for a page or a process; more than four ask for gigabytes. By folder, and not those of few
# tests last: these are the longest, and one core would wait for them.
WORKERS = $(shell $(PYTHON) -c 'import os; print(min(4, 1 + (os.cpu_count() or 1)))')
# One thread each, since there is a process for each core: threads beyond that wait for each other.
PYTEST = OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses $(WORKERS) --dist loadfile --no-loadscope-reorder
# Every process of the suite imports all tests: modules are compiled and asserts rewritten before,
# once. What lints takes one core meanwhile, and goes on beside the first tests: it is told at the end.
READY = $(BIN)/python -m pytest --collect-only --quiet > /dev/null
LINT = $(MAKE) --no-print-directory lint > $(VENV)/lint.log 2>&1
LINTED_BESIDE = $(LINT) & linting=$$!; $(READY); tested=0; $(1) || tested=$$?; \
	linted=0; wait $$linting || linted=$$?; cat $(VENV)/lint.log; test $$tested = 0 && test $$linted = 0
# Without a GPU of NVIDIA's, Linux takes PyTorch's CPU build: pip's own choice brings gigabytes of CUDA.
# Where its index does not answer, that choice it is. Other indexes are left out of it: torchvision from
# another one is not built for this torch.
NO_GPU = test "$$(uname)" = Linux && ! test -e /dev/nvidiactl && ! test -e /dev/dxg
CPU_TORCH = PIP_CONFIG_FILE=/dev/null $(BIN)/python -m pip --isolated install --quiet --no-compile \
	--disable-pip-version-check --retries 0 --timeout 10 torch torchvision --index-url https://download.pytorch.org/whl/cpu
# What demo needs is compiled when it is first imported, and then kept: a small part of torch.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test test-all lint bench clean

demo: $(VENV)/installed
	$(BIN)/tv demo demo

test: $(VENV)/tested
	$(call LINTED_BESIDE,$(PYTEST) -m 'not long')

test-all: $(VENV)/tested-all
	$(call LINTED_BESIDE,$(PYTEST) --hypothesis-profile tv-all)

lint: $(VENV)/tested
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/benched
	$(BIN)/python -m scripts.bench.run

$(VENV)/installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(NO_GPU) && $(CPU_TORCH) 2> /dev/null || true
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile --editable .
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
