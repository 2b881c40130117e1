# Ratchet. `make` alone lists the targets.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)
STAMP := $(VENV)/.ready
PROTOS := $(shell find protos/ratchet -name '*.proto')

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*##/\t/' | expand -t 14

setup: $(STAMP)  ## create .venv from the lock, install Chromium where it is missing

$(STAMP): requirements.lock pyproject.toml scripts/chromium
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install -q --disable-pip-version-check "$$(grep -E '^torch==' requirements.lock)"
	$(BIN)/pip install -q --disable-pip-version-check -r requirements.lock
	$(BIN)/pip install -q --disable-pip-version-check --no-deps -e .
	scripts/chromium
	@touch $@

proto:  ## generate the Python code of the protos
	cd protos && python -m grpc_tools.protoc -I. --python_out=. --grpc_python_out=. \
	  --mypy_out=quiet:. --mypy_grpc_out=quiet,only_async:. $(patsubst protos/%,%,$(PROTOS))

fmt: setup  ## format
	ruff format services tests benchmarks
	ruff check --fix-only -q services tests benchmarks
	buf format -w protos

check: setup  ## lint, types, import rules, proto lint and drift, file sizes
	ruff format --check services tests benchmarks
	ruff check services tests benchmarks
	mypy services
	lint-imports
	buf lint protos
	scripts/drift
	scripts/sizes

test: setup check  ## set up everything and pass the tests
	pytest

.PHONY: help setup proto fmt check test
.DEFAULT_GOAL := help
