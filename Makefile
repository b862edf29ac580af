# Everything a change has to pass: `make check`. The virtual environment is the README's.

BIN := .venv/bin
INSTALLED := .venv/installed

.PHONY: check static lint types contracts test corpus device gpu long format benchmarks docs screenshots snapshots clean

check: static test

static: lint types contracts

$(INSTALLED): pyproject.toml constraints.txt
	test -x $(BIN)/python || python3 -m venv .venv
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[dev]'
	touch $@

lint: $(INSTALLED)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(INSTALLED)
	$(BIN)/mypy

contracts: $(INSTALLED)
	$(BIN)/lint-imports

test: $(INSTALLED)
	$(BIN)/python -m pytest -n 3 --dist worksteal

# What the engine makes of networks that nobody here wrote; it prints its counts.
corpus: $(INSTALLED)
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[dev,corpus]'
	$(BIN)/python -m pytest tests/corpus -m corpus -rA --show-capture=no -s

# The benchmark on a device that torch takes for an accelerator, built from C++.
device: $(INSTALLED)
	$(BIN)/python -m pytest tests/device -m device

# What only a machine with an accelerator can show: some four minutes on one.
gpu: $(INSTALLED)
	$(BIN)/python -m pytest -m gpu -rs

# Many random steps where the suite takes a few.
long: $(INSTALLED)
	$(BIN)/python -m pytest -m long

format: $(INSTALLED)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

benchmarks: $(INSTALLED)
	$(BIN)/python benchmarks/startup.py
	$(BIN)/python benchmarks/tree.py
	$(BIN)/python benchmarks/engine.py
	$(BIN)/python benchmarks/bench_quality.py
	$(BIN)/python benchmarks/doctor.py

# The pages on the doctor's rules, from the rules themselves.
docs: $(INSTALLED)
	$(BIN)/python docs/make.py

# The app's pictures, from the real app on real models.
screenshots: $(INSTALLED)
	$(BIN)/python screenshots/make.py

# The SVG snapshots of the tests, made anew: look at each difference before it is committed.
snapshots: $(INSTALLED)
	$(BIN)/python -m pytest tests/ui --snapshot-update

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
