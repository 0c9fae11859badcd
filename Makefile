# `make help` lists the verbs. `make setup` is all a fresh machine needs: Python 3.11 to 3.13 and make.
.DEFAULT_GOAL := help
SHELL := /bin/sh

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/setup.done
PACKAGES := schemas models streams alerts desk
PYTHON ?=

.PHONY: help
help: ## List these verbs
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: setup
setup: $(STAMP) ## Make .venv from the hashed lock (quick when nothing changed)

# Plain pip honours the machine's own pip settings. --no-deps: the lock is the whole closure, nothing is resolved here.
$(STAMP): requirements-dev.lock pyproject.toml
	@sh -c '$(FIND_PYTHON)'
	$(BIN)/python -m pip install --quiet --no-deps --require-hashes -r requirements-dev.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

# Takes $(PYTHON), or else the first Python of a supported version; keeps a .venv that already works.
define FIND_PYTHON
if $(BIN)/python -m pip --version >/dev/null 2>&1; then exit 0; fi; \
for python in $(or $(PYTHON),python3 python3.13 python3.12 python3.11); do \
  if "$$python" -c "import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))" 2>/dev/null; then \
    echo "making $(VENV) with $$("$$python" --version), a few minutes the first time"; \
    exec "$$python" -m venv --clear $(VENV); \
  fi; \
done; \
echo "creditpulse needs Python 3.11, 3.12 or 3.13; name one with: make setup PYTHON=/path/to/python3.11" >&2; exit 1
endef
