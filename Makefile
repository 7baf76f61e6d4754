.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/pip --disable-pip-version-check install --no-compile --progress-bar off

# Where the environment forbids bytecode, as many images with Python do, each process of a test would compile all that it imports, for 2.5 s.
export PYTHONDONTWRITEBYTECODE :=

# No wheels for Linux: these need a compiler, the first also the headers of MariaDB or MySQL. Without the second all is the same but slower.
NEEDS_COMPILER := mysqlclient gunicorn_h1c
SPACE := $(subst ,, )

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 20

demo: $(VENV)/run.stamp ## real tasks, start to end, on nothing but python3 and make
	@$(BIN)/python manage.py demo

up: $(if $(or $(filter mysql:%,$(DATABASE_URL)),$(shell grep -s "^DATABASE_URL=.*mysql:" .env)),$(VENV)/mysql.stamp,$(VENV)/run.stamp) ## serve everything on 127.0.0.1:8000 until Ctrl-C
	@$(BIN)/python manage.py up

# The longest first, and nothing that is settled on paper: that knows no database.
ON_SQLITE := tests/tasks_app/engine/test_machine.py tests/tasks_app/engine --ignore=tests/tasks_app/engine/test_every_interleaving.py

test: $(VENV)/test.stamp $(VENV)/mysql.stamp ## every test, on private MariaDB and Redis servers
	@started=$$(date +%s); status=0; \
	$(BIN)/pytest --servers -n $$(($$(nproc) * 2)) --maxprocesses 6 --dist loadfile --no-loadscope-reorder tests/journeys tests || status=1; \
	if [ -d tests/tasks_app/engine ]; then \
		echo "The engine once more, on SQLite without Redis:"; \
		DATABASE_URL=sqlite:///var/test.sqlite3 REDIS_URL= $(BIN)/pytest -q -n $$(nproc) --dist loadfile --no-loadscope-reorder \
			--hypothesis-profile=once-more $(ON_SQLITE) || status=1; \
	fi; \
	echo "took $$(($$(date +%s) - started)) s"; exit $$status

lint: $(VENV)/test.stamp ## format, rules, who may import whom, types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	$(BIN)/mypy

bench: $(VENV)/test.stamp $(VENV)/mysql.stamp ## how fast, measured on this machine
	@$(BIN)/python -m tests.benchmarks

faults: $(VENV)/test.stamp $(VENV)/mysql.stamp ## everything that can go wrong, made to; FAULTS_SEED and FAULTS_ROUNDS repeat it, FAULTS_IN=cloud on SCF and COS
	@$(BIN)/python -m tests.journeys.faults

machine: $(VENV)/test.stamp $(VENV)/mysql.stamp ## the installer, upgrade and restart on a fresh Debian in a container; needs root, debootstrap, systemd-container
	@MACHINE=1 $(BIN)/pytest tests/deploy/test_machine.py

containers: $(VENV)/test.stamp $(VENV)/mysql.stamp ## the image and Compose on a Docker engine of its own; needs root, dockerd, docker compose, debootstrap
	@CONTAINERS=1 $(BIN)/pytest tests/deploy/test_compose.py

cluster: $(VENV)/test.stamp $(VENV)/mysql.stamp ## the manifests on a Kubernetes cluster of one node; needs what containers needs, and Kubernetes' programs on PATH
	@CLUSTER=1 $(BIN)/pytest tests/deploy/test_cluster.py

screenshots: $(VENV)/test.stamp $(VENV)/mysql.stamp ## the pictures of our pages in docs/, taken anew
	@$(BIN)/python -m tests.screenshots

format: $(VENV)/test.stamp ## format the code, write the generated pages, compile translations
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	$(BIN)/python -m config.pages
	$(BIN)/python -m config.translations

setup: $(VENV)/run.stamp $(VENV)/test.stamp $(VENV)/mysql.stamp ## all that development needs, in .venv

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/run.stamp: requirements.txt | $(BIN)/python
	@echo "Installing what requirements.txt lists, but $(NEEDS_COMPILER); about a minute."
	grep -vE '^($(subst $(SPACE),|,$(NEEDS_COMPILER)))==' requirements.txt > $(VENV)/run.txt
	$(PIP) -r $(VENV)/run.txt
	@touch $@

$(VENV)/test.stamp: tests/requirements.txt $(VENV)/run.stamp
	$(PIP) -r tests/requirements.txt
	@touch $@

$(VENV)/mysql.stamp: requirements.txt tests/system.sh $(VENV)/run.stamp
	tests/system.sh
	$(PIP) -r requirements.txt
	@touch $@

.PHONY: help demo up test lint bench faults machine containers cluster screenshots format setup
