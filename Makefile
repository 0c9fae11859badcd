# `make help` lists the verbs. `make setup` is all a fresh machine needs: Python 3.11 to 3.13 and make.
.DEFAULT_GOAL := help
SHELL := /bin/sh

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/setup.done
# Most of the long tests wait for a broker: more of them side by side than there are cores. Given out one by one: in the
# usual large portions one worker would get all the long ones.
PYTEST := $(BIN)/pytest -n 4 --maxschedchunk=1
IN_BROWSER := tests/integration/browser
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

.PHONY: demo
demo: setup ## Run the monitor on embedded parts and watch it (DEMO="--lang zh" passes options)
	@$(BIN)/creditpulse demo $(DEMO)

.PHONY: test
test: setup ## All tests, on the embedded parts (TEST="-k gate" passes options to pytest)
	$(PYTEST) --ignore=$(IN_BROWSER) $(TEST)
	@$(MAKE) --no-print-directory test-desk

# One after the other: they share a stack of all services and a browser. 5 = none selected by $(TEST).
.PHONY: test-desk
test-desk: setup ## The tests of the desk in Chromium, a part of `make test`
	$(BIN)/pytest $(IN_BROWSER) $(TEST) || [ $$? -eq 5 ]

.PHONY: test-kafka
test-kafka: setup ## The integration tests again, on a real Apache Kafka (needs Java 17 and Maven)
	$(BIN)/python -m streams.embedded.kafka run -- $(PYTEST) tests/integration -m "not embedded_only" $(TEST)

.PHONY: lint
lint: setup ## Style, types, import rules, published contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/creditpulse schemas --check

.PHONY: format
format: setup ## Put all files into the house style
	$(BIN)/ruff check --fix --quiet .
	$(BIN)/ruff format .

.PHONY: bench
bench: setup ## Measure speed and memory, as ratios in one run; writes bench/results.json
	$(BIN)/python -m bench $(BENCH)

.PHONY: screenshots
screenshots: setup ## Take pictures of every page in both languages and themes, into OUT (README=1 renews docs/img too)
	$(BIN)/python -m tests.screenshots $(or $(OUT),data/screenshots) $(if $(README),--readme)

.PHONY: schemas
schemas: setup ## Generate schemas/published/
	$(BIN)/creditpulse schemas

.PHONY: lock
lock: setup ## Resolve requirements.lock and requirements-dev.lock anew from pyproject.toml
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-header --no-emit-index-url pyproject.toml --group build -o requirements.lock
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-header --no-emit-index-url pyproject.toml --group dev --group build -o requirements-dev.lock

.PHONY: clean
clean: ## Remove .venv, caches and demo data
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .cache data
