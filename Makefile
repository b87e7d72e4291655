# Works with GNU make 3.81 (macOS) and newer. `make help` lists what there is.

SHELL := /bin/sh
PYTHON := .venv/bin/python
READY := .venv/.ready
READY_DEV := .venv/.ready-dev

.DEFAULT_GOAL := help
.PHONY: soak help run test test-failed bench check lint unit assets screenshots messages clean distclean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

run: $(READY) ## Start everything at http://127.0.0.1:8000 with a demo mailbox; Ctrl-C stops it
	@mode=$${WEBMAIL_ASSETS:-$$($(PYTHON) tools/fetch_assets.py)} && \
	WEBMAIL_ASSETS=$$mode WEBMAIL_DEMO=$${WEBMAIL_DEMO:-1} \
	WEBMAIL_ALLOW_PRIVATE_HOSTS=$${WEBMAIL_ALLOW_PRIVATE_HOSTS:-1} \
	exec $(PYTHON) -m webmail.cli run

test: $(READY_DEV) ## Run all tests on real servers (installs Dovecot, PostgreSQL, Chromium by apt where it may)
	@sh tools/install_test_needs.sh
	@$(PYTHON) tools/fetch_assets.py >/dev/null
	WEBMAIL_ASSETS=local WEBMAIL_TEST_DATABASE=$${WEBMAIL_TEST_DATABASE:-both} $(PYTHON) -m pytest -n 2 $(PYTEST_ARGS)

bench: $(READY_DEV) ## Measure, and print one table; BENCH="search inbox" picks
	@sh tools/install_test_needs.sh
	@$(PYTHON) -m bench.run $(BENCH)

test-failed: $(READY_DEV) ## Run again, one by one, what failed last time
	WEBMAIL_ASSETS=local WEBMAIL_TEST_DATABASE=$${WEBMAIL_TEST_DATABASE:-both} $(PYTHON) -m pytest --last-failed --last-failed-no-failures none -p no:randomly --timeout 400 $(PYTEST_ARGS)

check: lint unit ## Check style, types, import rules and templates, and run the unit tests

lint: $(READY_DEV) ## Check style, types, import rules and templates
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/lint-imports
	.venv/bin/djlint --lint --quiet webmail/templates

soak: $(READY_DEV) ## Cut the line after every byte of a sync, kill workers in a mailing, play random histories (hours)
	@sh tools/install_test_needs.sh
	WEBMAIL_SOAK=1 $(PYTHON) -m pytest -n 2 -k "cut or dust or killed" tests/integration/sync $(PYTEST_ARGS)
	WEBMAIL_SOAK=1 $(PYTHON) -m pytest -n 0 tests/integration/sending/test_mailing_crashes.py $(PYTEST_ARGS)

unit: $(READY_DEV) ## Run the unit tests only
	$(PYTHON) -m pytest -q tests/unit $(PYTEST_ARGS)

assets: $(READY) ## Fetch the pinned script files from npm, where npm is there
	@$(PYTHON) tools/fetch_assets.py >/dev/null

screenshots: $(READY_DEV) assets ## Take pictures of every page into docs/screenshots
	$(PYTHON) tools/screenshots.py

messages: $(READY_DEV) ## Bring the catalogues of the pages' languages up to date with the sources
	@$(PYTHON) tools/messages.py

clean: ## Remove what tests and tools leave behind
	rm -rf .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis build *.egg-info
	find webmail tests tools -name __pycache__ -prune -exec rm -rf {} +

distclean: clean ## Also remove the virtual environment and the fetched files; data in var/ stays
	rm -rf .venv .assets

$(READY): requirements.lock pyproject.toml tools/make_venv.sh
	@sh tools/make_venv.sh requirements.lock $(READY)

$(READY_DEV): requirements-dev.lock pyproject.toml tools/make_venv.sh
	@sh tools/make_venv.sh requirements-dev.lock $(READY_DEV) $(READY)
