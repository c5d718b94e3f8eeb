# Two commands do everything, from a clean clone: `make demo` and `make test`.
# Needed beforehand: Python 3.10 or newer, and make.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: demo test format models quality speed screenshots bundle docs clean

demo: $(STAMP)
	$(BIN)/clipdesk --start

test: $(STAMP)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder

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

# The embedded models, the judges and the tables of their cards, from nothing; a day without a GPU. Whether all of it runs
# here shows in minutes, in a copy of the folder, since the judges there are written anew:
# make models TRAIN='--images 2048 --scenes 2000 --names 500' JUDGES='--images 2048 --scenes 2000' TABLES='--scenes 400'
models: $(STAMP)
	$(BIN)/python -m clipdesk.demo.train --model demo-rn --run base-rn $(TRAIN)
	$(BIN)/python -m clipdesk.demo.train --model demo-rn --start build/demo/base-rn/demo-rn.pt --rate 1e-3 --pushed-from 0 \
		--images 120000 $(TRAIN)
	$(BIN)/python -m clipdesk.demo.train --model demo --run base --teacher build/demo/base-rn/demo-rn.pt $(TRAIN)
	$(BIN)/python -m clipdesk.demo.rounds --start build/demo/base/demo.pt --teacher build/demo/base-rn/demo-rn.pt $(TRAIN)
	$(BIN)/python -m clipdesk.demo.train --model plain $(TRAIN)
	$(BIN)/python -m benchmarks.judges train $(JUDGES)
	for model in demo demo-rn plain; do \
		$(BIN)/python -m clipdesk.demo.evaluate --model build/demo/$$model/$$model.pt $(TABLES) || exit; done

# docs/quality.md: do the pictures show what they should? With the other tools; a day without a GPU, in pieces if need be.
quality: $(STAMP)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[peers]'
	$(BIN)/python -m benchmarks.quality --models demo demo-rn $(wildcard build/demo/plain/plain.pt) --report docs/quality.md

# docs/performance.md: how fast is it, and does the window stay smooth? Twenty minutes on two cores that do nothing else,
# with Debian's packages in .ci/run; what each part prints is in build/speed.
speed: $(STAMP)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[peers]'
	mkdir -p build/speed
	for part in speed precision startup scale wall soak; do echo "benchmarks.$$part"; \
		xvfb-run -a -s "-screen 0 1920x1200x24" $(BIN)/python -m benchmarks.$$part > build/speed/$$part.txt || exit; \
		cat build/speed/$$part.txt; done
	QT_QPA_PLATFORM=offscreen $(BIN)/python -m benchmarks.throughput --json build/speed/throughput.json \
		--plot build/speed/throughput.png > build/speed/throughput.txt

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
