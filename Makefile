# Every target sets up .venv first, once per set of extras and packaging change.
PYTHON ?= python3
ifeq ($(KERAS_BACKEND),jax)
EXTRAS ?= jax
VENV := .venv-jax
# uv leaves out what can never be needed; pip would install TensorFlow, too.
WITHOUT := --override without_tensorflow.txt
else
EXTRAS ?= test
VENV := .venv
endif
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed-$(EXTRAS)
# In a third of pip's time; pip takes over where uv can't, as where only pip's settings name an index.
UV_INSTALL := $(BIN)/uv pip install --python $(BIN)/python --compile-bytecode --quiet $(WITHOUT)

.PHONY: demo test quick-test explore lint typecheck docs notebooks screens clean

demo: $(INSTALLED)
	$(BIN)/python -m glo_tf.main --flagfile=digits.flags --output_dir=runs/digits --overwrite

test: $(INSTALLED)
	$(BIN)/python -m pytest --numprocesses=2 --dist=worksteal $(OPTIONS)

quick-test: $(INSTALLED)
	$(BIN)/python -m pytest --numprocesses=2 --dist=worksteal -m 'not slow'

# Other examples each time, and more.
explore: $(INSTALLED)
	$(BIN)/python -m pytest --numprocesses=2 --dist=worksteal -m hypothesis --hypothesis-profile=explore --timeout=3000

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

# With JAX, whose types are checked, too.
typecheck: $(INSTALLED) $(VENV)/.installed-jax
	$(BIN)/mypy

docs: $(VENV)/.installed-docs
	$(BIN)/python -m sphinx --fail-on-warning --keep-going --quiet docs build/site

# Executes the notebooks in docs, in place.
notebooks: $(VENV)/.installed-docs
	$(BIN)/python docs/notebooks/execute.py

# What `make demo` shows in terminals of 60, 80 and 120 columns.
screens: $(INSTALLED)
	$(BIN)/python docs/screens/record.py

clean:
	rm -rf $(VENV) build dist *.egg-info

$(VENV)/.installed-%: setup.py | $(BIN)/python
	$(BIN)/python -m pip install --quiet uv && $(UV_INSTALL) --editable '.[$*]' || \
		$(BIN)/python -m pip install --quiet --editable '.[$*]'
	touch $@

# The versions are those of python_requires in setup.py.
$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null || { \
		echo "Expected Python 3.11, 3.12 or 3.13, for which TensorFlow exists. Received:" \
		"PYTHON=$(PYTHON) ($$($(PYTHON) --version 2>&1 | head -n 1)). Name one: make PYTHON=python3.12" >&2; \
		exit 1; }
	$(PYTHON) -m venv $(VENV)
