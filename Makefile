# Everything begins with python3, pip and make; the rest is installed into .venv.
PYTHON ?= python3
VENV := .venv
UV := $(VENV)/bin/uv
RUN := $(UV) run --frozen --no-sync
UV_VERSION := 0.13.8
PORT ?= 8080
# Tests run beside each other, a file's in one process and in random order.
JOBS ?= auto
PYTEST := $(VENV)/bin/python -m pytest -n $(JOBS) --dist loadfile --no-loadscope-reorder
export UV_PROJECT_ENVIRONMENT := $(VENV)

.PHONY: run test check unit integration browser acceptance bench fuzz docs system clean

run: .make/run
	@$(VENV)/bin/tholos up --examples examples --port $(PORT)

test: .make/dev .make/clients system check
	$(PYTEST) tests/integration tests/browser tests/acceptance $(ARGS)

check: .make/dev
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports
	$(VENV)/bin/python tools/rules.py src
	$(VENV)/bin/python -m tools.reference --check
	$(PYTEST) tests/unit -q

unit integration browser acceptance: .make/dev .make/clients
	$(VENV)/bin/python -m pytest tests/$@ $(ARGS)

# Many more generated calls of the API than a test run has; it takes a while.
fuzz: .make/dev
	THOLOS_API_CASES=20000 $(VENV)/bin/python -m pytest tests/integration/server/test_api_fuzzed.py --timeout 3600 $(ARGS)

bench: .make/dev .make/clients
	@$(PYTHON) tools/system.py --benchmarks
	$(VENV)/bin/python benchmarks/run.py $(NAME)

# The site in build/docs; the pages of the reference that are made from the code are written anew.
docs: .make/dev
	$(VENV)/bin/python -m tools.reference
	$(VENV)/bin/python -m mkdocs build --strict --quiet

system:
	@$(PYTHON) tools/system.py

$(UV):
	@$(PYTHON) -m venv $(VENV)
	@$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)

.make/run: $(UV) uv.lock pyproject.toml
	@echo "  installing into $(VENV) …"
	@$(UV) sync --quiet --frozen --extra server --no-dev --inexact --compile-bytecode
	@mkdir -p .make && touch $@

.make/dev: $(UV) uv.lock pyproject.toml
	@$(UV) sync --quiet --frozen --extra server --inexact --compile-bytecode
	@mkdir -p .make && touch $@

# The real clients of the protocols that we speak, as their users have them: in an environment of their own.
.make/clients: tests/clients/requirements.txt $(UV)
	@echo "  installing the clients of other servers …"
	@$(UV) venv --quiet --clear --python $(VENV)/bin/python $@
	@$(UV) pip install --quiet --python $@/bin/python --requirements $< --compile-bytecode
	@touch $@

clean:
	rm -rf $(VENV) .make build dist
