# Every target sets up .venv first, once per set of extras and packaging change.
PYTHON ?= python3.11
EXTRAS ?= test
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed-$(EXTRAS)

.PHONY: demo test lint typecheck docs clean

demo: $(INSTALLED)
	$(BIN)/python -m glo_tf.main --flagfile=digits.flags --output_dir=runs/digits --overwrite

test: $(INSTALLED)
	$(BIN)/python -m pytest --numprocesses=2 --dist=worksteal

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

typecheck: $(INSTALLED)
	$(BIN)/mypy

docs: $(VENV)/.installed-docs
	$(BIN)/python -m sphinx --fail-on-warning --keep-going --quiet docs build/site

clean:
	rm -rf $(VENV) build dist *.egg-info

$(VENV)/.installed-%: setup.py
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --editable '.[$*]'
	touch $@
