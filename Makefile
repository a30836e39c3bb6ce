# The front door: `make` alone prints this list.
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
RUNS := $(VENV)/.runs
READY := $(VENV)/.ready
HALF := $(VENV)/.half
# Python compiles what is imported, when it is: all of it at once would be half of the installation's time.
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile
# Where it is set, as in many images, each process would compile all that it imports, and tests start hundreds.
unexport PYTHONDONTWRITEBYTECODE
# With the Node and the npm of .venv, for what looks for them in PATH.
ACTIVATED := PATH="$(CURDIR)/$(BIN):$$PATH"
PAGE_LINT := --config-path=tests/web/page-lint.jsonc src/editqueue/web/review-assets

TRY_PROMTOOL := $(BIN)/pytest -m promtool tests/deploy

.PHONY: help setup run run-distributed test test-promtool test-firefox test-release check format hooks reliability simulate simulate-mutants \
  fuzz bench bench-report screenshots page lock sbom audit migration settings-page d1-migrations previous-version deploy-cloudflare \
  measure-worker build clean

help:  ## show this list
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 20

setup: $(READY)  ## make .venv with everything that tests, checks and builds need

# Two makes do not install into one .venv at once: the second one waits, then looks again at what is left to do.
LOCK := .installing
# Half of all files, for EDITQUEUE_QUEUE=cloudflare alone, and what sends traces: they come with setup and with Docker's image.
NOT_TO_RUN := cloudflare|opentelemetry-(exporter|proto|sdk|semantic).*|googleapis-common-protos|protobuf|requests|urllib3|charset-normalizer
# Not $(MAKE) in a recipe, which would be run by --dry-run, too.
AGAIN := $(MAKE)
INSTALL_ALONE = devtools/alone.py $(LOCK) $(AGAIN) --silent --no-print-directory ALONE=yes
# The folder whose .venv it is: the scripts in it name it, and point to nothing when it is moved or copied.
MADE_FOR := $(shell cat $(RUNS) 2>/dev/null)
IS_ELSEWHERES := $(if $(MADE_FOR),$(if $(filter-out "$(CURDIR)","$(MADE_FOR)"),yes))

ifndef ALONE

ifdef IS_ELSEWHERES
.PHONY: $(RUNS)
endif

$(RUNS): requirements.lock deploy/requirements-build.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "editqueue needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) -V). Try: make PYTHON=python3.13 $(MAKECMDGOALS)" >&2; exit 1; }
	@$(PYTHON) $(INSTALL_ALONE) $@

$(READY): $(RUNS) requirements-dev.lock tests/web/package-lock.json devtools/cloudflare/package-lock.json devtools/pictures/packaged.txt
	@$(BIN)/python $(INSTALL_ALONE) $@

else

# What an installation left that was cut off is not mended but made anew: pip takes half a package for a whole one.
USELESS := $(shell [ ! -e $(HALF) ] || echo an installation into $(VENV) was cut off)
ifdef IS_ELSEWHERES
USELESS := $(VENV) was made for $(MADE_FOR)
endif
ifdef USELESS
$(info $(USELESS); making it anew)
IGNORED := $(shell rm -rf $(VENV))
endif

$(RUNS): requirements.lock deploy/requirements-build.lock pyproject.toml
	@mkdir -p $(VENV) && touch $(HALF)
	@echo "making $(VENV) of $$($(PYTHON) -V)"
	@$(PYTHON) -m venv $(VENV)
	@echo "installing into it what running needs (340 MB; a minute on a slow machine)"
	@awk '/^[^ ]/ {left_out = /^($(NOT_TO_RUN))==/} !left_out' requirements.lock > $(VENV)/running.lock
	@$(PIP) --require-hashes -r deploy/requirements-build.lock
	@$(PIP) --require-hashes --no-build-isolation -r $(VENV)/running.lock
	@$(PIP) --no-deps --no-build-isolation --editable .
	@rm $(HALF) && echo "$(CURDIR)" > $@

# The two locks agree, so that this adds to what runs and changes nothing of it.
$(READY): $(RUNS) requirements-dev.lock tests/web/package-lock.json devtools/cloudflare/package-lock.json devtools/pictures/packaged.txt
	@touch $(HALF)
	@echo "installing on top what tests and checks need (950 MB; two minutes)"
	@$(PIP) --require-hashes -r requirements-dev.lock
	@rm $(HALF)
	@$(BIN)/python -m tests.prepare
	@touch $@

endif

run: $(RUNS)  ## run the system on its embedded defaults with a sample order, then keep serving
	$(BIN)/editqueue demo

run-distributed: setup  ## the same on PostgreSQL, SeaweedFS and queue messages, with two more consumers
	$(BIN)/python -m devtools.distributed $(ARGS)

test: setup  ## run all tests
	$(BIN)/pytest -n auto
	@if command -v promtool >/dev/null; then $(TRY_PROMTOOL); else \
	  echo "NOT TRIED WITH PROMTOOL: it is not in PATH (Debian: apt-get install --no-install-recommends prometheus)"; fi

test-promtool: setup  ## alerts, their tests and the dashboard with Prometheus' promtool, which must be in PATH
	$(TRY_PROMTOOL)

test-firefox: setup  ## the page in Firefox too, which must be in PATH: no package registry brings it
	$(BIN)/pytest -m firefox tests/web

test-release: setup  ## the wheel installed from nothing and run, on every Python in PATH (or PYTHONS="PROGRAM ...")
	$(if $(PYTHONS),EDITQUEUE_TEST_PYTHONS="$(PYTHONS)") $(BIN)/pytest -m release tests/release

check: setup  ## formatting, lint, strict types (tests too), architecture; the page's types, layers and lint
	@failed=; check() { echo "$$*"; "$$@" || failed="$$failed\n  $$*"; }; \
	check $(BIN)/ruff format --check .; \
	check $(BIN)/ruff check .; \
	check $(BIN)/basedpyright; \
	check $(BIN)/lint-imports; \
	check $(BIN)/python -m tests.web.tools tsc --project tests/web; \
	check $(BIN)/python -m tests.web.tools biome check --error-on-warnings $(PAGE_LINT); \
	[ -z "$$failed" ] || { printf "failed:$$failed\n" >&2; exit 1; }

format: setup  ## let ruff and Biome mend what they can
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	$(BIN)/python -m tests.web.tools biome check --write $(PAGE_LINT)

hooks: setup  ## let Git format, lint and check the architecture before each commit
	$(BIN)/prek install

reliability: setup  ## the promises 1-12, 21, 22, 24 and 28 at full size, on both databases; the report comes last
	EDITQUEUE_TEST_SIZE=full $(BIN)/python -m pytest -m reliability -p tests.reliability.report -n 2 --dist worksteal --timeout 1800

SEEDS ?= 1000
simulate: setup  ## SEEDS=100000: so many simulated worlds, each decided by its seed; SEED=n tells the story of one
	$(BIN)/python -m tests.simulation $(if $(SEED),--seed $(SEED),--seeds $(SEEDS)) $(ARGS)

simulate-mutants: setup  ## look for the seed that finds each defect put into the code on purpose (minutes)
	$(BIN)/python -m tests.simulation --mutants

fuzz: setup  ## 10,000 spoiled files of every format against a real consumer (EDITQUEUE_FUZZ_FILES for more or fewer)
	$(BIN)/python -m tests.fuzz

bench: setup  ## measured side by side; JSON under bench/results/
	$(ACTIVATED) $(BIN)/python -m bench

bench-report: setup  ## docs/performance.md and its plots, from the newest results
	$(BIN)/python -m bench.report

bench-%: setup
	$(ACTIVATED) $(BIN)/python -m bench $*

screenshots: setup  ## the review page's pictures in docs/screenshots/
	$(BIN)/python -m tests.web.screenshots

page: setup  ## the review page for a static host such as Cloudflare Pages, into build/page/
	$(BIN)/python -m editqueue.entrypoints.http.page_bundle build/page

COMPILE := $(BIN)/uv pip compile --quiet --generate-hashes --no-annotate --no-header

lock: setup  ## renew the hashed lock files; then make sbom
	$(COMPILE) --universal --python-version 3.11 --all-extras --group dev pyproject.toml -o requirements-dev.lock
	$(COMPILE) --universal --python-version 3.11 --all-extras --constraint requirements-dev.lock pyproject.toml -o requirements.lock
	$(COMPILE) --universal --python-version 3.11 --constraint requirements-dev.lock deploy/requirements-build.in -o deploy/requirements-build.lock
	$(COMPILE) --python-version 3.14 --python-platform linux deploy/cloudflare/pyproject.toml -o deploy/cloudflare/requirements.lock

sbom: setup  ## deploy/editqueue.cdx.json, the bill of materials of what requirements.lock pins
	$(BIN)/python -m devtools.sbom deploy/editqueue.cdx.json

audit: setup  ## are vulnerabilities known of what the locks pin? "Error 2" where nobody could be asked
	@$(BIN)/python -m devtools.audit $(ARGS)

migration: setup  ## NAME="what it does": the next schema revision, from schema.py, and D1's file of it
	@$(BIN)/python -m devtools.migration "$(NAME)"

previous-version: setup  ## REV=v0.1.0: the wheel that the tests of upgrades run beside this version
	$(BIN)/python -m devtools.previous_version "$(REV)"

settings-page: setup  ## docs/settings.md, from the settings themselves
	$(BIN)/python -m devtools.settings_page docs/settings.md

d1-migrations: setup  ## write Cloudflare D1's migrations from Alembic's
	$(BIN)/python -m devtools.d1_migrations deploy/cloudflare/migrations

deploy-cloudflare: setup  ## from an empty Cloudflare account to a working queue; ARGS=--help says how
	@$(ACTIVATED) $(BIN)/python -m deploy.cloudflare.rollout $(ARGS)

measure-worker: setup  ## how large the Cloudflare Worker is and what its start costs
	$(BIN)/python -m devtools.cloudflare.measure

build: setup  ## the sdist, and the wheel made of it, into dist/
	$(BIN)/python -m build --no-isolation --outdir dist .

clean:  ## remove what setup, tests and builds made (never your data, measurements or deployments)
	rm -rf $(VENV) $(LOCK) .samples dist build reliability-report .pytest_cache .ruff_cache .hypothesis .import_linter_cache .schemathesis
	rm -rf devtools/cloudflare/.packages
	cd deploy/cloudflare && rm -rf .packages build python_modules .venv-workers .wrangler
	find deploy/cloudflare -maxdepth 1 -name 'wrangler.*.json' ! -name wrangler.elsewhere.json -exec rm -rf {} +
	find . \( -name .git -o -path ./.editqueue -o -path ./bench/results \) -prune -o \( -name node_modules -o -name __pycache__ -o -name '*.egg-info' \) -prune -exec rm -rf {} +
