# Every command of the project. `make` alone lists them.

PORT ?= 8501
PYTHON ?=
DATA_DIR ?=
ARGS ?=

python := .venv/bin/python
environment := PYTHON="$(PYTHON)" sh scripts/environment.sh

.DEFAULT_GOAL := help
.PHONY: help app test lint bench models screenshots clean environment environment-dev

help:  ## list the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' Makefile
	@echo
	@echo "  Variables: PORT= of the app (8501), PYTHON= to build .venv with (3.11 or newer),"
	@echo "  DATA_DIR= where the datasets are, ARGS= further arguments of streamlit, pytest or the script."

app: environment  ## start the dashboard and print its address
	@$(python) scripts/port.py "$(PORT)"
	@exec $(python) -m streamlit run app.py --server.port "$(PORT)" --browser.serverAddress localhost $(ARGS)

test: lint  ## check the code, then run all the tests
	@$(python) -m pytest $(ARGS)

lint: environment-dev  ## style, formatting and types, without the tests
	@$(python) -m ruff check .
	@$(python) -m ruff format --check .
	@$(python) -m mypy

bench: environment-dev  ## measure what benchmarks/ measures (benchmarks/[a-z]*.py, one after the other)
	@set -e; for script in benchmarks/[a-z]*.py; do \
		name=$${script#benchmarks/}; echo "== $$name"; $(python) -m "benchmarks.$${name%.py}" $(ARGS); \
	done

models: environment  ## train every shipped model again from its data (hours)
	@$(python) -m aecore train all $(if $(DATA_DIR),--data-dir "$(DATA_DIR)") $(ARGS)

screenshots: environment-dev  ## take the README's pictures from the running app
	@$(python) -m scripts.screenshots $(ARGS)

clean:  ## remove .venv and everything else these commands made
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name .git -prune -o -type d -name __pycache__ -prune -exec rm -rf {} +

environment:
	@$(environment) requirements.txt

environment-dev:
	@$(environment) requirements.txt requirements-dev.txt
