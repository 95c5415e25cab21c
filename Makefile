# `make help` prints the targets. Everything a target needs, it installs.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
PYTHON ?= python3
RUN := .venv/bin/

.PHONY: help
help: ## print the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 20

.tools/bin/uv:
	$(PYTHON) -m pip install --quiet --target .tools uv==0.13.8

.venv/installed: .tools/bin/uv pyproject.toml uv.lock runtime/pyproject.toml
	.tools/bin/uv sync --quiet --frozen --python $(PYTHON) --all-extras
	touch $@

.PHONY: check
check: .venv/installed ## format, lint, types, imports and fast tests
	$(RUN)ruff format --check .
	$(RUN)ruff check .
	$(RUN)basedpyright
	$(RUN)lint-imports
	$(RUN)pytest -n 2
