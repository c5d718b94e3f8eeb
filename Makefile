# Two commands do everything, from a clean clone: `make demo` and `make test`.
# Needed beforehand: Python 3.10 or newer, and make.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: demo test format models quality screenshots bundle docs clean

demo: $(STAMP)
	$(BIN)/clipdesk --start

test: $(STAMP)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest

format: $(STAMP)
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

# The environment: the versions in constraints.txt are the ones that were tested.
$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' \
		|| { echo "ClipDesk needs Python 3.10 or newer. Name one: make PYTHON=/path/to/python3.12 $(MAKECMDGOALS)"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null \
		|| { echo "Python lacks its venv module. On Debian and Ubuntu: apt install python3-venv"; exit 1; }
	@echo "Setting up $(VENV) (about 6 GB, most of it torch; a few minutes) ..."
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch $@

# The embedded models, the judges and the tables of their cards, from nothing; some hours without a GPU.
models: $(STAMP)
	$(BIN)/python -m clipdesk.demo.train --model demo-rn
	$(BIN)/python -m clipdesk.demo.train --model demo --teacher build/demo/demo-rn/demo-rn.pt
	$(BIN)/python -m clipdesk.demo.train --model plain
	$(BIN)/python -m benchmarks.judges train
	for model in demo demo-rn plain; do $(BIN)/python -m clipdesk.demo.evaluate --model build/demo/$$model/$$model.pt || exit; done

# docs/quality.md: do the pictures show what they should? With the other tools; a day without a GPU, in pieces if need be.
quality: $(STAMP)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[peers]'
	$(BIN)/python -m benchmarks.quality --report docs/quality.md

# The README's animation and the pictures of the window; for these Debian's packages in .ci/run are needed.
screenshots: $(STAMP)
	$(BIN)/python -m tests.e2e.forming docs/images/forming.webp
	$(BIN)/python -m tests.e2e.screenshots docs/images

# A folder with ClipDesk and all that it needs, made in an environment where nothing else is, and used from outside.
bundle: $(STAMP)
	$(PYTHON) -m venv build/bundle-env
	build/bundle-env/bin/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt '.[bundle]'
	build/bundle-env/bin/python packaging/build.py
	$(BIN)/python packaging/smoke.py

# The documentation's site, in build/site.
docs: $(STAMP)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[docs]'
	$(BIN)/python -m mkdocs build --strict

clean:
	rm -rf $(VENV) build dist
