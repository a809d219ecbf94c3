# People and CI run the same commands. Every one of them sets up what it needs first.
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
READY := $(VENV)/.ready
PIP := $(RUN) -m pip install --quiet --disable-pip-version-check --no-input
PYTEST := $(RUN) -m pytest -n 2 --dist loadscope

# Microsoft's own worker code. Its metadata asks for Python 3.13, yet it runs on 3.11 as well; its one dependency,
# azure-functions, comes with requirements.txt in the line that each Python needs. `make lock` after a change.
WORKER := azure-functions-runtime==1.3.0
LOCKS := requirements-dev.lock requirements-worker.lock
LOCKED := $(PIP) --require-hashes

# What `make audit` and `make sbom` run: away from .venv, so that no tool brings a version with it that the app then uses.
AUDIT := .local/audit
SBOM_PYTHON ?= 3.11

# The other Pythons that the app supports; test-all tries each that is installed.
OTHERS := 3.12 3.13

.PHONY: help
help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 18

.PHONY: setup
setup: $(READY) ## .venv with everything, and Azurite (needs Python 3.11 or newer; nothing else)

# Two commands started at once in a fresh clone: the second waits, then finds everything there.
$(READY): $(LOCKS) local/azure/azurite/package-lock.json Makefile
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; make PYTHON=python3.x")'
	@$(PYTHON) scripts/in_turn.py .local/setup.lock $(MAKE) --silent $(VENV)/.installed
	@touch $@

$(VENV)/.installed: $(LOCKS) local/azure/azurite/package-lock.json Makefile
	@echo "setup: a virtual environment in $(VENV)"
	@$(PYTHON) -m venv $(VENV)
	@echo "setup: requirements-dev.lock"
	@$(LOCKED) -r requirements-dev.lock
	@echo "setup: requirements-worker.lock"
	@$(LOCKED) --no-deps --ignore-requires-python -r requirements-worker.lock
	@echo "setup: Azurite"
	@$(RUN) -m local.azure.azurite install
	@touch $@
	@echo "setup: done"

$(AUDIT)/.installed: requirements-audit.lock
	@echo "setup: requirements-audit.lock in $(AUDIT)"
	@$(PYTHON) -m venv --clear $(AUDIT)
	@$(AUDIT)/bin/python -m pip install --quiet --disable-pip-version-check --no-input --require-hashes -r requirements-audit.lock
	@touch $@

.PHONY: lock
lock: ## the lock files anew, with the newest versions that requirements*.txt allow
	@scripts/lock.sh $(PYTHON) $(WORKER)

.PHONY: demo
demo: $(READY) ## play the stories against the local Azure
	@$(RUN) -m local demo

.PHONY: up
up: $(READY) ## the local Azure and the Functions host, until Ctrl-C
	@$(RUN) -m local up

.PHONY: test
test: $(READY) ## the tests, under 4 minutes
	$(PYTEST) -m "not slow and not long"

.PHONY: test-all
test-all: $(READY) ## what CI adds to make test
	$(PYTEST) -m slow
	@scripts/other-pythons.sh $(OTHERS)

.PHONY: test-long
test-long: $(READY) ## long property, crash and load tests
	$(PYTEST) -m long

.PHONY: test-newest
test-newest: ## contract and unit tests with the newest versions that requirements*.txt allow
	@scripts/newest.sh $(PYTHON)

.PHONY: mutation
mutation: $(READY) ## mutation testing of the decision and the matching (some minutes)
	@$(RUN) -m tests.mutation

.PHONY: lint
lint: $(READY) ## linters, format, types, and which part imports which
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .
	$(RUN) -m mypy
	$(VENV)/bin/lint-imports --no-cache --no-logo

.PHONY: audit
audit: $(AUDIT)/.installed ## known vulnerabilities, careless code, secrets (Error 1: found; Error 3: could not ask)
	@$(AUDIT)/bin/python scripts/supply_chain.py audit

.PHONY: audit-offline
audit-offline: $(AUDIT)/.installed ## careless code and secrets: what of make audit needs no network
	@$(AUDIT)/bin/python scripts/supply_chain.py audit --offline

.PHONY: sbom
sbom: $(AUDIT)/.installed ## what a deployment installs: sbom.cdx.json, in CycloneDX (SBOM_PYTHON=3.13: on that Python)
	@$(AUDIT)/bin/python scripts/supply_chain.py sbom --python $(SBOM_PYTHON) > sbom.cdx.json
	@echo "sbom.cdx.json"

.PHONY: coverage
coverage: $(READY) ## which branches of shared/ the unit and property tests reach
	$(PYTEST) tests/unit tests/property -m "not slow and not long" --cov --cov-report=term

.PHONY: bench
bench: $(READY) ## benchmarks: JSON lines, one figure a line
	@$(RUN) -m bench

.PHONY: clean
clean: ## remove what setup and the other commands made
	rm -rf $(VENV) $(AUDIT) sbom.cdx.json local/azure/azurite/node_modules .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
