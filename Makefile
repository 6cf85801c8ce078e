# `make demo` and `make test` set up everything they need: Python 3.11 or newer and make are enough.

PYTHON ?= python3
PYTHON_TAG := $(shell $(PYTHON) -c 'import sys; print("%d.%d.%d" % sys.version_info[:3])')

# Two environments: trying the demo should not cost the download of type checkers and a test suite.
VENV := .venv
VENV_DEMO := .venv-demo

# And one more: Oban has no release for Python 3.11, and Celery wants a newer redis-py than arq, which has one for no newer
# Python. pyenv keeps Pythons that it does not answer with.
VENV_3_12 := .venv-3.12
PYENV_ROOT ?= $(HOME)/.pyenv
PYTHON_3_12 ?= $(or $(shell python3.12 -c 'import sys; print(sys.executable)' 2>/dev/null),$(lastword \
	$(wildcard $(PYENV_ROOT)/versions/3.12.*/bin/python3.12)))
JOB_TESTS := tests/adapters/test_oban.py tests/adapters/test_celery.py tests/job_systems/test_oban.py \
	tests/job_systems/test_celery.py

# The interpreter is part of a stamp's name, so another PYTHON means another environment.
READY := $(VENV)/installed-$(PYTHON_TAG)
READY_DEMO := $(VENV_DEMO)/installed-$(PYTHON_TAG)

REQUIREMENTS ?= requirements/dev.txt

# Tests in as many processes as there are processors; PARALLEL= runs them in one.
PARALLEL ?= --numprocesses auto --dist worksteal

PIP_FLAGS := --quiet --disable-pip-version-check --no-input
FOR_PYTHON = 3.11
COMPILE = $(VENV)/bin/uv pip compile --quiet --universal --python-version $(FOR_PYTHON) --generate-hashes \
	--no-emit-index-url --no-emit-find-links --no-header --no-annotate $(UPGRADE)

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup demo test test-slow setup-jobs test-jobs test-nightly check format bench bench-large measure build requirements requirements-jobs upgrade clean python-version

help: ## show this
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(READY) ## create .venv with everything the other targets need

demo: $(READY_DEMO) ## show the whole loop on the shipped corpus; no key and no server needed
	@$(VENV_DEMO)/bin/kclassify demo

test: $(READY) ## run the tests (ARGS="-k name" narrows them)
	$(VENV)/bin/pytest $(PARALLEL) $(ARGS)

test-slow: $(READY) ## run the tests that take more than a few seconds
	$(VENV)/bin/pytest -m "slow and not nightly" $(PARALLEL) $(ARGS)

setup-jobs: ## create .venv-3.12 for the tests of job systems that want Python 3.12
	@$(if $(PYTHON_3_12),,echo "Oban is not tested: it needs Python 3.12 (make PYTHON_3_12=/path/to/python3.12)" >&2; \
		test "$$KCLASSIFY_REQUIRE_SERVICES" != 1)
	@$(if $(PYTHON_3_12),$(MAKE) --no-print-directory setup VENV=$(VENV_3_12) PYTHON=$(PYTHON_3_12) \
		REQUIREMENTS=requirements/jobs.txt)

test-jobs: setup-jobs ## run the tests of Oban, and of Celery on Redis, which want Python 3.12
	$(if $(PYTHON_3_12),$(VENV_3_12)/bin/pytest -m "not nightly" $(PARALLEL) $(JOB_TESTS) $(ARGS))

test-nightly: $(READY) ## run the tests that take minutes
	$(VENV)/bin/pytest -m nightly $(ARGS)

check: $(READY) ## lint, format, types, layers
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/pyright --pythonpath $(VENV)/bin/python
	$(VENV)/bin/lint-imports

format: $(READY) ## format, and mend what can be mended by machine
	$(VENV)/bin/ruff format .
	$(VENV)/bin/ruff check --fix .

bench: $(READY) ## run the benchmarks, and write their ratios into docs/performance.md (ONLY=start narrows them)
	@$(MAKE) --no-print-directory measure MILLIONS=not

bench-large: $(READY) ## the same for tables of two million rows: half an hour, and 20 GB of disk
	@$(MAKE) --no-print-directory measure

# A path in ARGS adds nothing to take away from, and a second -k would let the millions in again.
ONLY ?= test

# Some measure what is slower than its mark, so the page is written all the same.
measure:
	@$(VENV)/bin/pytest tests/benchmarks -m benchmark -k "$(MILLIONS) million and ($(ONLY))" --benchmark-quiet --save-ratios -q --tb=line $(ARGS); \
		status=$$?; $(VENV)/bin/python -m tests.benchmarks.page; exit $$status

build: $(READY) ## build the wheel and the source distribution into dist/
	$(VENV)/bin/python -m build --no-isolation

requirements: $(READY) ## bring requirements/*.txt in line with pyproject.toml
	$(COMPILE) pyproject.toml requirements/build.in --extra dev -o requirements/dev.txt
	$(COMPILE) pyproject.toml requirements/build.in --extra local --extra evals -c requirements/dev.txt \
		-o requirements/demo.txt
	@sed -n '/^uv==/,/^    --hash.*[^\\]$$/p' requirements/dev.txt > requirements/uv.txt
	@$(MAKE) --no-print-directory requirements-jobs FOR_PYTHON=3.12

requirements-jobs:
	$(COMPILE) pyproject.toml requirements/build.in requirements/jobs.in --extra oban \
		--extra celery --extra testing --extra postgres -c requirements/dev.txt -o requirements/jobs.txt

upgrade: $(READY) ## the same, with the newest versions
	@$(MAKE) --no-print-directory requirements UPGRADE=--upgrade

clean: ## remove the environments and what was built
	rm -rf $(VENV) $(VENV_DEMO) $(VENV_3_12) build dist

$(READY): $(VENV)/requirements-$(PYTHON_TAG) pyproject.toml
	@$(VENV)/bin/python -m pip install $(PIP_FLAGS) --no-deps --no-build-isolation -e .
	@touch $@

$(READY_DEMO): $(VENV_DEMO)/requirements-$(PYTHON_TAG) pyproject.toml
	@$(VENV_DEMO)/bin/python -m pip install $(PIP_FLAGS) --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/requirements-$(PYTHON_TAG): $(REQUIREMENTS) | python-version
$(VENV_DEMO)/requirements-$(PYTHON_TAG): requirements/demo.txt | python-version

# uv installs in a tenth of the time; pip is asked where an index is known to pip alone.
%/requirements-$(PYTHON_TAG):
	@echo "Setting up $* with Python $(PYTHON_TAG) (once; a minute or two)"
	@rm -rf $*
	@$(PYTHON) -m venv $*
	@$*/bin/python -m pip install $(PIP_FLAGS) --require-hashes -r requirements/uv.txt
	@$*/bin/uv pip install --quiet --system-certs --python $*/bin/python --require-hashes -r $^ || \
		$*/bin/python -m pip install $(PIP_FLAGS) --require-hashes -r $^
	@touch $@

python-version:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "kclassify needs Python 3.11 or newer: make PYTHON=/path/to/python3" >&2; exit 1; }
