# People and CI run the same commands. Every one of them sets up what it needs first.
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
READY := $(VENV)/.ready
PIP := $(RUN) -m pip install --quiet --disable-pip-version-check --no-input
PYTEST := $(RUN) -m pytest -n 2 --dist loadscope

# Microsoft's own worker code. Its metadata asks for Python 3.13, yet it runs on 3.11 as well; its one dependency,
# azure-functions, comes with requirements.txt in the line that each Python needs.
WORKER := azure-functions-runtime==1.3.0

# The other Pythons that the app supports; test-all tries each that is installed.
OTHERS := 3.12 3.13

.PHONY: help
help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 18

.PHONY: setup
setup: $(READY) ## .venv with everything, and Azurite (needs Python 3.11 or newer; nothing else)

$(READY): requirements.txt requirements-dev.txt local/azure/azurite/package-lock.json Makefile
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; make PYTHON=python3.x")'
	@echo "setup: a virtual environment in $(VENV)"
	@$(PYTHON) -m venv $(VENV)
	@echo "setup: requirements-dev.txt"
	@$(PIP) -r requirements-dev.txt
	@echo "setup: $(WORKER)"
	@$(PIP) --no-deps --ignore-requires-python $(WORKER)
	@echo "setup: Azurite"
	@$(RUN) -m local.azure.azurite install
	@touch $@
	@echo "setup: done"

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
	@scripts/other-pythons.sh $(WORKER) $(OTHERS)

.PHONY: test-long
test-long: $(READY) ## long property, crash and load tests
	$(PYTEST) -m long

.PHONY: mutation
mutation: $(READY) ## mutation testing of the decision and the matching (some minutes)
	@$(PIP) 'mutmut>=3.8,<4'
	@$(RUN) -m tests.mutation

.PHONY: lint
lint: $(READY) ## linters, format and types
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .
	$(RUN) -m mypy

.PHONY: bench
bench: $(READY) ## benchmarks: JSON lines, one figure a line
	@$(RUN) -m bench

.PHONY: clean
clean: ## remove what setup and the other commands made
	rm -rf $(VENV) local/azure/azurite/node_modules .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
