# The one menu of tasks: `make` prints it. Environments are built once, and again when the pins change.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PINS := pyproject.toml constraints.txt
INSTALL := $(BIN)/python -m pip install --quiet --constraint constraints.txt --editable

SPHINX := $(BIN)/sphinx-build --fail-on-warning --keep-going --quiet --builder html

RUNTIME := $(VENV)/runtime.stamp
DEV := $(VENV)/dev.stamp

.PHONY: help demo test check bench card docs docs-full wheel wheel-check clean

help: ## print this menu
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 20

demo: $(RUNTIME) ## predict the example galaxies: a catalogue and a picture in demo-output/
	$(BIN)/gampen predict examples/hsc --out demo-output/catalogue.parquet --report demo-output/posteriors.png
	@echo "catalogue: $(CURDIR)/demo-output/catalogue.parquet"
	@echo "picture:   $(CURDIR)/demo-output/posteriors.png"

test: check ## everything that must hold: the gates of `check`, the documentation, the tests
	$(MAKE) --no-print-directory docs
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -p xdist -n 2

check: $(DEV) ## the quick gates: style, format, types, floors
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

bench: $(DEV) ## measure: time, memory and accuracy of what is shipped
	$(BIN)/python -m benchmarks

card: $(DEV) ## measure what the cards of the shipped estimators say, and write it there (an hour)
	OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.card
	$(BIN)/python -m benchmarks.card.write
	OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.card.examples bulge_disk 20000
	OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.card.examples sersic 20000

docs: $(DEV) ## build the documentation into build/docs, at small sizes, warnings as errors
	$(SPHINX) --jobs 2 docs build/docs

docs-full: $(DEV) ## build it into build/docs-full at the sizes that its text tells of (an hour)
	$(SPHINX) -D full_sizes=1 docs build/docs-full

wheel: $(DEV) ## build the wheel and the source archive in build/dist, and say their sizes
	rm -rf build/dist
	$(BIN)/python -m hatchling build -d build/dist
	@du -h --apparent-size build/dist/*

wheel-check: wheel ## install the wheel in an empty environment, and predict far from the repository
	place=$$(mktemp -d) && trap 'rm -rf "$$place"' EXIT && unset PYTHONPATH \
	&& $(PYTHON) -m venv "$$place/empty" \
	&& "$$place/empty/bin/pip" install --quiet -c constraints.txt build/dist/*.whl \
	&& mkdir "$$place/away" && cd "$$place/away" && PATH="$$place/empty/bin:$$PATH" \
	&& gampen --version && gampen examples galaxies \
	&& gampen predict galaxies --report posteriors.png --out catalogue.parquet \
	&& gampen report catalogue.parquet --cutouts galaxies --out report.html \
	&& gampen doctor && ls -l

clean: ## remove what was built
	rm -rf $(VENV) build demo-output .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit("Python must be 3.11 or newer; got %d.%d; set PYTHON=..." % sys.version_info[:2] if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)

$(RUNTIME): $(PINS) | $(BIN)/python
	$(INSTALL) .
	@touch $@

$(DEV): $(PINS) | $(BIN)/python
	$(INSTALL) '.[dev,docs]'
	@touch $@ $(RUNTIME)
