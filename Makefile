# `make help` prints the targets. Everything a target needs, it installs.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
PYTHON ?= python3
FILE ?= examples/solo.yaml
RUN := .venv/bin/
UV := .tools/bin/uv
HOST_PROGRAMS := runc conmon
# Bytecode is kept even where the environment forbids it: else each command compiles what it imports.
unexport PYTHONDONTWRITEBYTECODE
STORIES ?= tests/cloud

# Programs or files, each with Debian's package of it where that has another name. Who has one from elsewhere
# keeps it: Debian's containerd would take Docker's away, and Docker with it.
define installed
@missing=""; for one in $(1); do \
  PATH="$$PATH:/usr/sbin:/sbin" command -v "$${one%:*}" >/dev/null || [ -e "$${one%:*}" ] || missing="$$missing $${one#*:}"; done; \
if [ -n "$$missing" ]; then \
  apt-get -qq -o DPkg::Lock::Timeout=300 update; \
  DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 install --yes --no-remove --no-install-recommends $$missing; \
fi
endef

.PHONY: help
help: ## print the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 20

.PHONY: cloud
cloud: .venv/run host ## bring up a real cloud on this machine, boot a guest, prove that it works
	$(RUN)ouranos up $(FILE)
	$(RUN)ouranos verify

.PHONY: test
test: .venv/develop ## run all tests: those of `check`, what they cover, then the stories on real clouds
	@$(MAKE) --no-print-directory --jobs=3 --keep-going --output-sync=target style types coverage
	@$(MAKE) --no-print-directory stories

.PHONY: check
check: .venv/develop ## format, lint, types, imports, words and the fast tests
	@$(MAKE) --no-print-directory --jobs=3 --keep-going --output-sync=target style types fast

.PHONY: style
style: .venv/develop
	$(RUN)ruff format --check --quiet .
	$(RUN)ruff check --quiet .
	$(RUN)lint-imports --no-logo
	$(RUN)codespell src runtime docs tests README.md CONTRIBUTING.md changes examples

.PHONY: types
types: .venv/develop
	$(RUN)basedpyright

# Tests copy the sources: bytecode stays out of them.
.PHONY: fast
fast: export PYTHONPYCACHEPREFIX := $(CURDIR)/.cache/bytecode
fast: .venv/develop ## the fast tests alone
	$(RUN)pytest -q -n 3

.PHONY: coverage
coverage: export PYTHONPYCACHEPREFIX := $(CURDIR)/.cache/bytecode
coverage: .venv/develop ## the fast tests, and whether they cover enough of every room
	$(RUN)coverage erase
	$(RUN)coverage run -m pytest -q -n 3
	$(RUN)python scripts/coverage_gate.py

.PHONY: stories
stories: HOST_PROGRAMS += mmdebstrap docker-registry skopeo umoci
stories: KUBERNETES_PROGRAMS += /var/lib/dpkg/info/busybox-static.list:busybox-static
stories: .venv/develop host kubernetes-packages ## the tests that need root and real processes
	@case "$(STORIES)" in tests/cloud|tests/cloud/|*kubernetes*|*cluster*) $(RUN)python -m ouranos.lab build;; esac
	$(RUN)pytest -n 2 --dist loadscope -W default -W ignore::PendingDeprecationWarning -o addopts="-ra --import-mode=importlib --timeout=1200 --tb=short --durations=15" $(STORIES)

.PHONY: golden
golden: .venv/develop ## write anew what follows from pages: golden files, deploy/, reference; look at it before committing it
	OURANOS_GOLDEN=write $(RUN)pytest -q tests/services/test_golden.py
	$(RUN)python -m ouranos.install
	$(RUN)python scripts/lock_controllers.py
	$(RUN)python scripts/generate_reference.py

.PHONY: deploy
deploy: .venv/run ## write deploy/ anew: the kinds, roles and controllers, as manifests
	$(RUN)python -m ouranos.install

.PHONY: roles
roles: .venv/develop ## write anew what controllers may do, from what they call in the tests; look at it before committing it
	OURANOS_GOLDEN=write $(RUN)pytest -q tests/install/test_calls.py
	$(RUN)python -m ouranos.install

RELEASE ?= 2026.2
.PHONY: lock
lock: .venv/run ## resolve the Python packages of a release: RELEASE=2026.2; all to their newest: UPGRADE=--upgrade
	$(RUN)python scripts/lock_release.py $(RELEASE) $(UPGRADE)

NODES ?= 1
KUBERNETES_PROGRAMS := containerd runc nft:nftables iptables ip:iproute2
KUBERNETES_PROGRAMS += /usr/lib/cni/bridge:containernetworking-plugins
# Go is not installed for you: Debian's is too old.
.PHONY: kubernetes-packages
kubernetes-packages:
	$(call installed,$(KUBERNETES_PROGRAMS))

.PHONY: kubernetes
kubernetes: .venv/run kubernetes-packages ## a real Kubernetes on this machine, to try Ouranos on: NODES=2 for two nodes
	@$(RUN)python -m ouranos.lab up --nodes $(NODES)

.PHONY: kubernetes-down
kubernetes-down: .venv/run ## remove the Kubernetes of `kubernetes` with everything in it
	@$(RUN)python -m ouranos.lab down

.PHONY: bench
bench: .venv/run host ## measure this machine's cloud and write docs/performance.md
	$(RUN)ouranos bench --file $(FILE) --write docs/performance.md $(addprefix --part ,$(PART))

.PHONY: clean
clean: ## remove what the other targets installed in this folder
	rm -rf .venv .tools .cache

# The two programs that solo needs on the host; nothing else is installed on it.
.PHONY: host
host:
	$(call installed,$(HOST_PROGRAMS))

$(UV):
	$(PYTHON) -m pip install --quiet --disable-pip-version-check --root-user-action=ignore --target .tools uv==0.13.8

.venv/run: $(UV) pyproject.toml uv.lock
	$(UV) sync --quiet --frozen --inexact --no-default-groups --all-extras --python "$$(command -v $(PYTHON))"
	@touch $@

.venv/develop: .venv/run
	$(UV) sync --quiet --frozen --all-extras --python "$$(command -v $(PYTHON))"
	@touch .venv/run $@

.PHONY: docs
docs: .venv/run ## write docs/reference anew
	$(RUN)python scripts/generate_reference.py
