# Two commands do everything: `make run` and `make test`. `make help` lists the rest.
SHELL := /bin/bash
PYTHON ?= python3
UV_VERSION := 0.13.8
UV := .uv/bin/uv
BIN := .venv/bin
DATA ?= cygnet-data
EVENTS ?= 2000
SEEDS ?= 3
SEED_SECONDS ?= 60
PROMTOOL := $(or $(shell command -v promtool),.prometheus/usr/bin/promtool)
NO_REGISTRY := cygnet: packages could not be had from the registry (PyPI): check the network and run make again; .uv/setup.log says more
.DEFAULT_GOAL := help

.PHONY: help setup run test lint unit test-observability bench faults compat docs images test-cluster test-cluster-full clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-18s %s\n", $$1, $$2}'

run: setup ## simulate a CYGNO detector through all services, then print the ledger and what was stored
	@$(BIN)/cygnet up examples/cygno-simulated.yaml --events $(EVENTS) --data $(DATA)
	@echo && $(BIN)/cygnet chunks ls --data $(DATA)
	@echo && $(BIN)/cygnet show --data $(DATA) --out $(DATA)/gallery.png

test: lint unit ## format, lint, types, import layers, all tests

lint: setup ## format, lint, types, import layers
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

unit: setup
	$(BIN)/pytest

test-observability: setup $(PROMTOOL) ## alerts and dashboards against Debian's Prometheus and a real pipeline: 4 minutes
	PATH="$(abspath $(dir $(PROMTOOL))):$$PATH" $(BIN)/pytest -n0 tests/observability

bench: setup ## Cygnet beside the notebook's loop and a plain simulation: ratios and CPU per frame
	$(BIN)/python -m benchmarks.consumer
	$(BIN)/python -m benchmarks.simulator
	$(BIN)/python -m benchmarks.reproducible

faults: setup ## kill, stop, fill and poison everything; SEEDS=10 for the long walk
	$(BIN)/python -m tests.faults --seeds $(SEEDS) --seed-seconds $(SEED_SECONDS)

compat: setup ## the school's last loop in full, 100 chunks of 200 against both example specs: 40 minutes, 10 GB
	COMPAT_ROUNDS=100 COMPAT_COUNT=200 $(BIN)/pytest tests/compat/test_compat_school_loop.py

images: ## build the containers with docker or buildah, and a list of what is in each; TAG= REGISTRY= BASE_IMAGE=
	@TAG="$(TAG)" REGISTRY="$(REGISTRY)" BASE_IMAGE="$(BASE_IMAGE)" services/build-images

test-cluster: setup ## the tests on a real Kubernetes: KUBECONFIG's, else kind's where Docker runs, else one that is built here
	$(BIN)/pytest tests/cluster -n0 --timeout=900

test-cluster-full: setup ## the same at full length
	$(BIN)/pytest tests/cluster -n0 --timeout=7200 --full --page docs/reference/measured-on-a-cluster.md

docs: setup ## write the generated pages again
	$(BIN)/python -m cygnet.spec.reference > docs/reference/pipeline.md
	$(BIN)/python -m charts.reference > charts/cygnet/README.md
	$(BIN)/python -m charts.rules > charts/cygnet/files/operator-rules.yaml
	$(BIN)/cygnet schema --crd > charts/cygnet/files/pipelines.cygnet.dev.yaml
	$(BIN)/python -m benchmarks.detector_figures
	$(BIN)/python -m dashboards.metrics_page > docs/reference/metrics.md
	$(BIN)/python -m dashboards

clean: ## remove the environments, caches and ./cygnet-data
	rm -rf .venv .uv .prometheus .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis dist $(DATA)
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

setup: .venv/.ready

# Prometheus without an installation, so that no service of it is started: a Debian package, unpacked here.
.prometheus/usr/bin/promtool:
	@mkdir -p .prometheus/deb && cd .prometheus/deb && apt-get download -qq prometheus 2>../apt.log || { \
	  echo "cygnet: promtool and prometheus are not here and can't be had from apt (.prometheus/apt.log);" \
	    "install Prometheus 2.42 or newer so that both are on the PATH" >&2; exit 1; }
	@dpkg-deb -x .prometheus/deb/prometheus_*.deb .prometheus

.venv/.ready: pyproject.toml uv.lock $(UV)
	@$(UV) sync --frozen --all-extras --quiet 2>.uv/setup.log || { echo "$(NO_REGISTRY)" >&2; exit 1; }
	@$(BIN)/python -c "from cygnet import imaging; from cygnet.simulator import cygno; imaging.warm_up(); cygno.warm_up()"  # compiled once, then read from disk
	@touch $@

$(UV):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "cygnet: Python 3.11 or newer is needed as $(PYTHON); name another by: make PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { \
	  echo "cygnet: this Python lacks its venv module; on Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }
	@rm -rf .uv && $(PYTHON) -m venv .uv
	@echo "cygnet: setting up in .venv (first time: about 300 MB from PyPI)"
	@.uv/bin/pip install --quiet --disable-pip-version-check --retries 2 uv==$(UV_VERSION) 2>.uv/setup.log || { \
	  rm -f $(UV); echo "$(NO_REGISTRY)" >&2; exit 1; }
