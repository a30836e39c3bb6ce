# The front door: `make` alone prints this list.
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.ready
PAGE_LINT := --config-path=tests/web/page-lint.jsonc src/editqueue/web/review-assets

.PHONY: help setup run run-distributed test check format reliability bench bench-report screenshots page lock settings-page d1-migrations deploy-cloudflare measure-worker build clean

help:  ## show this list
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 16

setup: $(STAMP)  ## make .venv with everything the project needs

$(STAMP): requirements.lock requirements-dev.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "editqueue needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) -V). Try: make PYTHON=python3.13 $(MAKECMDGOALS)" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

run: setup  ## run the system on its embedded defaults with a sample order, then keep serving
	$(BIN)/editqueue demo

run-distributed: setup  ## the same on PostgreSQL, SeaweedFS and queue messages, with two more consumers
	$(BIN)/python -m devtools.distributed $(ARGS)

test: setup  ## run all tests
	$(BIN)/pytest -n auto --dist loadfile

check: setup  ## formatting, lint, strict types (tests too), architecture; the page's types, layers and lint
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/basedpyright
	$(BIN)/lint-imports
	$(BIN)/python -m tests.web.tools tsc --project tests/web
	$(BIN)/python -m tests.web.tools biome check --error-on-warnings $(PAGE_LINT)

format: setup  ## let ruff and Biome mend what they can
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	$(BIN)/python -m tests.web.tools biome check --write $(PAGE_LINT)

reliability: setup  ## the promises 1-12, 21 and 22 at full size, on both databases; the report comes last
	EDITQUEUE_TEST_SIZE=full $(BIN)/python -m pytest -m reliability -p tests.reliability.report -n 2 --dist worksteal --timeout 1800

fuzz: setup  ## 10,000 spoiled files of every format against a real consumer (EDITQUEUE_FUZZ_FILES for more or fewer)
	$(BIN)/python -m tests.fuzz

bench: setup  ## measured side by side; JSON under bench/results/
	$(BIN)/python -m bench

bench-report: setup  ## docs/performance.md and its plots, from the newest results
	$(BIN)/python -m bench.report

bench-%: setup
	$(BIN)/python -m bench $*

screenshots: setup  ## the review page's pictures in docs/screenshots/ (needs Chromium)
	$(BIN)/python -m tests.web.screenshots

page: setup  ## the review page for a static host such as Cloudflare Pages, into build/page/
	$(BIN)/python -m editqueue.entrypoints.http.page_bundle build/page

lock: setup  ## renew the hashed lock files
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-annotate --no-header --python-version 3.11 --all-extras pyproject.toml -o requirements.lock
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-annotate --no-header --python-version 3.11 --all-extras --group dev pyproject.toml -o requirements-dev.lock
	$(BIN)/uv pip compile --quiet --generate-hashes --no-annotate --no-header --python-version 3.14 --python-platform linux deploy/cloudflare/pyproject.toml -o deploy/cloudflare/requirements.lock

settings-page: setup  ## docs/settings.md, from the settings themselves
	$(BIN)/python -m devtools.settings_page docs/settings.md

d1-migrations: setup  ## write Cloudflare D1's migrations from Alembic's
	$(BIN)/python -m devtools.d1_migrations deploy/cloudflare/migrations

deploy-cloudflare: setup  ## from an empty Cloudflare account to a working queue; ARGS=--help says how
	@$(BIN)/python -m deploy.cloudflare.rollout $(ARGS)

measure-worker: setup  ## how large the Cloudflare Worker is and what its start costs
	$(BIN)/python -m devtools.cloudflare.measure

build: setup  ## build the wheel into dist/
	$(BIN)/python -m build --no-isolation --wheel --outdir dist .

clean:  ## remove what setup, tests and builds made (never your data)
	rm -rf $(VENV) .samples dist build deploy/cloudflare/build deploy/cloudflare/python_modules deploy/cloudflare/.packages devtools/cloudflare/.packages devtools/cloudflare/node_modules tests/web/node_modules bench/node/node_modules .pytest_cache .ruff_cache .hypothesis .import_linter_cache
