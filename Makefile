# make demo: set up and run the main job.     make test: set up and run every test.
# make quick: the tests of a minute.          make lint: style, types, layers.
# make native-check: the C engine by clang, for ARM under qemu, and under sanitizers.
# make docs: the documentation as a site.      make bench-check: what became slower against NumPy.
# Needs python3 (3.11 or later, with venv and headers) and a C compiler.

PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
PYTEST_FLAGS ?=
DEMO_FLAGS ?=

.PHONY: all setup demo test quick native-check bench-check docs lint format wheel-check clean

all: demo

setup: $(VENV)/.ready

$(RUN):
	$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(v < (3, 11) and f"needs Python 3.11, not {v[0]}.{v[1]}")'
	$(PYTHON) -m venv $(VENV)

# An editable install: Python changes hold at once, C changes are compiled at the next import. It
# needs the build tools in the environment; pyproject.toml is the one list of them.
$(VENV)/.ready: pyproject.toml meson.build | $(RUN)
	$(RUN) -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["build-system"]["requires"], sep="\n")' > $(VENV)/build-requires.txt
	$(RUN) -m pip install --quiet --disable-pip-version-check -r $(VENV)/build-requires.txt ninja
	PATH="$(CURDIR)/$(VENV)/bin:$$PATH" $(RUN) -m pip install --quiet --disable-pip-version-check --no-build-isolation --editable '.[demo,dev,test]'
	touch $@

demo: setup
	$(RUN) -m trueno demo $(DEMO_FLAGS)

test: setup
	$(RUN) -m pytest $(PYTEST_FLAGS) tests

quick: setup
	$(RUN) -m pytest -m "not slow" --hypothesis-profile=quick $(PYTEST_FLAGS) tests

native-check: setup
	PATH="$(CURDIR)/$(VENV)/bin:$$PATH" csrc/tests/run

# The documentation as a site, in build/site.
docs: setup
	PATH="$(CURDIR)/$(VENV)/bin:$$PATH" $(RUN) -m pip install --quiet --disable-pip-version-check --no-build-isolation --editable '.[docs]'
	NO_MKDOCS_2_WARNING=1 PYTHONPATH="$(CURDIR)" $(RUN) -m mkdocs build --strict --quiet

# Ratios to NumPy, and what became slower since a baseline was recorded: printed, since machines differ.
bench-check: setup
	-$(RUN) -m trueno bench programs small --short $(addprefix --compare ,$(wildcard benchmarks/baseline.json))

lint: setup
	$(RUN) -m ruff check --extend-exclude build .
	$(RUN) -m ruff format --check --extend-exclude build .
	$(RUN) -m mypy
	$(RUN) -m tests.layers

format: setup
	$(RUN) -m ruff check --fix --extend-exclude build .
	$(RUN) -m ruff format --extend-exclude build .

# The wheel, in an environment of its own: it imports, computes, and needs nothing of the checkout.
wheel-check: setup
	rm -rf build/wheel && mkdir -p build/wheel
	$(RUN) -m pip wheel --quiet --disable-pip-version-check --no-deps --wheel-dir build/wheel .
	$(PYTHON) -m venv build/wheel/env
	build/wheel/env/bin/python -m pip install --quiet --disable-pip-version-check build/wheel/*.whl
	cd build/wheel && env/bin/python -c 'import trueno as tn; x = tn.ones(1 << 20); assert float((x + x).sum()) == 1 << 21'
	cd build/wheel && env/bin/python -m trueno info

clean:
	rm -rf $(VENV) build dist demo-out .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
