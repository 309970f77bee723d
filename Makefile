# Everything goes through here: `make help` lists what there is to do.
#
# Nothing but python3 (3.11 or later, with venv) and make is needed. The first
# target that needs the environment builds .venv from the hashed lock files; a
# stamp file makes each later call free.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
UV := $(BIN)/uv

# More arguments for the tool behind a target: make test ARGS="-k wire -x"
ARGS ?=

DEBIAN_PACKAGES := python3-venv xvfb xauth xdotool x11-utils x11-xserver-utils \
	xterm tmux iproute2 nftables libxcb-render0 libxcb-shm0 libxcb-randr0 \
	libxcb-xfixes0 procps redis-server tigervnc-standalone-server \
	tigervnc-scraping-server x11vnc picom

# Files whose every branch is covered: pure machines have no excuse.
PURE_FLOORS := p2p_remote/wire/*,p2p_remote/crypto/*,p2p_remote/traversal/*,p2p_remote/transport/*,p2p_remote/session/*

LOCK := $(UV) pip compile --quiet --universal --generate-hashes --no-header $(ARGS)

# Where Python may keep no bytecode, each process of the tests compiles all it loads.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help install python-check run demo server test test-system torture check \
	format lint types floors layout coverage bench bench-terminal \
	bench-screen bench-transport lock dist system-deps clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  %-17s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(STAMP) ## create .venv with the program, its libraries and the tools

python-check:
	@command -v $(PYTHON) >/dev/null || { \
		echo "$(PYTHON) is missing. On Debian: apt-get install -y python3 python3-venv" >&2; exit 2; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "Python 3.11 or later is needed; $(PYTHON) is older. Name another one: make PYTHON=python3.11" >&2; exit 2; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "Python's venv module is missing. On Debian: apt-get install -y python3-venv" >&2; exit 2; }

# uv installs the lock several times faster than pip, which takes over where uv
# has no build for the machine. Dependencies are never resolved here: the lock is
# complete, and one of pynput's is left out on purpose (see pyproject.toml).
$(STAMP): pyproject.toml requirements-dev.txt requirements-uv.txt
	@$(MAKE) --no-print-directory python-check
	@test -x $(BIN)/pip || $(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-uv.txt \
		|| echo "uv cannot be had on this machine; pip does it, more slowly" >&2
	@if test -x $(UV); then \
		VIRTUAL_ENV=$(CURDIR)/$(VENV) $(UV) pip install --quiet --no-deps --require-hashes -r requirements-dev.txt && \
		VIRTUAL_ENV=$(CURDIR)/$(VENV) $(UV) pip install --quiet --no-deps --no-build-isolation -e .; \
	else \
		$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements-dev.txt && \
		$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .; \
	fi
	@touch $@

run: install ## start the program
	@$(BIN)/p2p-remote $(ARGS)

demo: install ## a rendezvous, a customer and a technician on this machine
	@$(BIN)/p2p-remote demo $(ARGS)

server: install ## start a rendezvous server
	@$(BIN)/p2p-rendezvous $(ARGS)

test: install ## unit tests: no display, no root, no Debian package
	@$(BIN)/pytest -n auto --dist worksteal --ignore=tests/system --ignore=tests/bench $(ARGS)

# Real processes keep real deadlines, and a machine that others use may stand still
# for longer than one: what fails is tried once more, and the summary names it.
test-system: install ## real processes: Xvfb, tmux, network namespaces (needs system-deps)
	@$(BIN)/pytest tests/system -m "not long" --reruns 1 --reruns-delay 2 $(ARGS)

torture: install ## the tests that take minutes: long fuzzing, bad networks
	@HYPOTHESIS_PROFILE=long $(BIN)/pytest tests -m long --timeout=1800 $(ARGS)

check: lint types floors layout ## all that is checked without running the program

format: install ## rewrite the sources as the formatter wants them
	@$(BIN)/ruff format
	@$(BIN)/ruff check --fix-only --exit-zero

lint: install ## rules and format of the sources
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check

types: install ## static types, strict
	@$(BIN)/mypy

floors: install ## which package may import which
	@$(BIN)/lint-imports

layout: install ## length of files, no host in a lock
	@$(BIN)/pytest -q tests/test_layout.py -m house

coverage: install ## unit tests with branch coverage
	@$(BIN)/coverage run -m pytest --ignore=tests/system --ignore=tests/bench $(ARGS)
	@$(BIN)/coverage report
	@$(BIN)/coverage report --include='$(PURE_FLOORS)' --fail-under=100

bench: bench-idle bench-terminal bench-hotkey bench-rendezvous bench-paths bench-screen bench-transport ## all of the following, about 20 minutes

bench-terminal: install ## CPU of drawing a remote screen in cells
	@$(BIN)/python -m tests.bench.bench_terminal $(ARGS)

bench-screen: install ## bytes and CPU of screen updates beside VNC servers
	@$(BIN)/python -m tests.bench.bench_screen --write $(ARGS)

.PHONY: bench-idle
bench-idle: install ## what a session costs while nothing happens (root), into docs/figures.md
	@$(BIN)/python -m tests.bench.bench_idle --write $(ARGS)

# The rivals are for this alone, so no lock names them; what is missing is skipped.
bench-transport: install ## the transport beside TCP and QUIC on bad lines (root)
	@VIRTUAL_ENV=$(CURDIR)/$(VENV) $(UV) pip install --quiet aioquic qh3 \
		|| $(BIN)/pip install --quiet --disable-pip-version-check aioquic qh3 \
		|| echo "aioquic and qh3 cannot be had here" >&2
	@$(BIN)/python -m tests.bench.bench_transport --write $(ARGS)

.PHONY: bench-typing
bench-typing: install ## keys beside a video, the first picture, on 2 Mbit/s (root)
	@$(BIN)/python -m tests.bench.bench_typing --write $(ARGS)

.PHONY: bench-hotkey
bench-hotkey: install ## how long after F11 input still arrives, into docs/figures.md
	@$(BIN)/python -m tests.bench.bench_hotkey --write $(ARGS)

.PHONY: bench-files bench-files-deps
bench-files: install ## a large file on an emulated LAN beside scp (root)
	@$(BIN)/python -m tests.bench.bench_files --write $(ARGS)

bench-files-deps: ## install the rival of bench-files (root)
	@apt-get update -q && DEBIAN_FRONTEND=noninteractive \
		apt-get install -y -q --no-install-recommends openssh-server openssh-client

# Twisted is no library of ours, so the rivals have an environment of their own.
RIVALS := .venv-rivals
PATH_RIVALS := aioice magic-wormhole magic-wormhole-mailbox-server \
	magic-wormhole-transit-relay

.PHONY: bench-paths
bench-paths: install ## which pairs become direct, what a break costs, into docs/figures.md
	@$(BIN)/python -m tests.bench.bench_paths --write $(ARGS)
	@test -x $(RIVALS)/bin/python || $(PYTHON) -m venv $(RIVALS)
	@VIRTUAL_ENV=$(CURDIR)/$(RIVALS) $(UV) pip install --quiet $(PATH_RIVALS) \
		|| $(RIVALS)/bin/pip install --quiet --disable-pip-version-check $(PATH_RIVALS) \
		|| echo "aioice and magic-wormhole cannot be had here" >&2
	@$(BIN)/python -m tests.bench.bench_paths_lab --write
	@$(BIN)/python -m tests.bench.bench_breaks --write

.PHONY: pictures pictures-deps
pictures: install ## the pictures of the documents, taken of the running program
	@$(BIN)/python -m tests.bench.pictures $(ARGS)

pictures-deps: ## install what is on them, after system-deps (root)
	@apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -y -q \
		--no-install-recommends kitty libgl1-mesa-dri openbox x11-apps fonts-dejavu-core

.PHONY: bench-rendezvous
bench-rendezvous: install ## what one core of the server carries, into docs/figures.md
	@$(BIN)/python -m tests.bench.bench_rendezvous --write $(ARGS)

lock: install ## resolve the lock files (ARGS=--upgrade: to the newest versions)
	@$(LOCK) requirements-uv.in -o requirements-uv.txt
	@$(LOCK) pyproject.toml --extra jpeg -o requirements.txt
	@$(LOCK) pyproject.toml --extra jpeg --extra fleet --extra video --group dev -c requirements.txt -o requirements-dev.txt

dist: install ## wheel and source archive in dist/
	@$(BIN)/hatchling build

system-deps: ## install the Debian packages of the system tests (root)
	@if dpkg-query --show --showformat='$${db:Status-Status}\n' $(DEBIAN_PACKAGES) 2>&1 \
		| grep -qvx installed; then \
		apt-get update -q && \
		DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $(DEBIAN_PACKAGES); \
	fi

clean: ## remove the environment and all caches
	rm -rf $(VENV) build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache htmlcov .coverage
