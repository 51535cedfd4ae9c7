# Two commands on a fresh machine: `make demo` and `make test`. Both set up what they need.
PYTHON ?= python3
VENV := .venv
# Looks for what keeps people from using a page; the test of that skips without it.
AXE := 4.14.1
BIN := $(VENV)/bin
INSTALL = $(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt

.PHONY: demo test test-long check bench system clean

demo: $(VENV)/ready
	$(BIN)/rtkit demo

test: $(VENV)/ready-test system check
	$(BIN)/pytest -n auto --dist loadfile -m "not live"
	$(BIN)/pytest -m live

# What takes long besides: trainings, figures on whole data sets.
test-long: $(VENV)/ready-test system check
	$(BIN)/pytest --long

check: $(VENV)/ready-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy rtkit plugins/rtkit_* export

bench: $(VENV)/ready
	$(INSTALL) --editable '.[bench,export]'
	OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1 $(BIN)/python -m benchmarks

$(VENV)/ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(INSTALL) --editable '.[all]'
	touch $@

$(VENV)/ready-test: $(VENV)/ready
	$(INSTALL) --editable '.[dev,export]'
	if command -v npm >/dev/null; then npm install --silent --no-save --prefix $(VENV)/npm axe-core@$(AXE); fi
	touch $@

system:
	sh tests/system-packages.sh

clean:
	rm -rf $(VENV) rtkit-demo .pytest_cache .mypy_cache .ruff_cache .hypothesis
