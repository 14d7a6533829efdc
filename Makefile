# Everything a contributor or an operator does, by name. `make help` lists it.
PYTHON ?= python3
PY := .venv/bin/python
.DEFAULT_GOAL := help

help:  ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

.PHONY: help install install-dev run web client screenshots demo test test-full lint bench lock migration clean

install:
	@$(PYTHON) tools/bootstrap.py

install-dev:
	@$(PYTHON) tools/bootstrap.py requirements-dev.txt

run: install  ## install, create the database, deploy the flows and start the platform (Ctrl-C ends it)
	@exec $(PY) -m tools.run

web: install  ## build the console into web/dist, if its sources changed (make run does it too)
	@$(PY) -m tools.web

client: install  ## the console's types of the HTTP API from the server's OpenAPI document
	@$(PY) -m tools.openapi_client

screenshots: install-dev  ## every page into docs/screenshots/ (needs chromium and fonts-noto-cjk); look at them
	@exec $(PY) -m tools.screenshots

demo: install  ## play people, institutions and grants through the HTTP API in a temporary folder; a table at the end
	@exec $(PY) -m tools.demo

test: install-dev  ## ruff, mypy, import-linter, pytest: what must be green before pushing
	@exec $(PY) -m tools.checks

test-full: install-dev  ## the long suites as well (10,000 random processes, every benchmark card)
	@exec $(PY) -m tools.checks --full

lint: install-dev  ## ruff, mypy and import-linter only
	@exec $(PY) -m tools.checks --lint

bench: install-dev  ## run every script of benchmarks/ and write the README's table
	@exec $(PY) -m benchmarks "$(only)"

lock: install-dev  ## requirements.in → requirements.txt, requirements-dev.in → requirements-dev.txt
	$(PY) -m uv pip compile requirements.in --override overrides.txt -o requirements.txt --python-version 3.11 --no-header --no-annotate -q
	$(PY) -m uv pip compile requirements-dev.in -o requirements-dev.txt --python-version 3.11 --no-header --no-annotate -q

migration: install-dev  ## write a revision for what changed in the tables: make migration m="why"
	$(PY) -m tools.migration "$(m)"

clean:  ## remove the virtual environment, the built console and caches; var/ (your data) stays
	rm -rf .venv .mypy_cache .ruff_cache .hypothesis .import_linter_cache web/node_modules web/dist
