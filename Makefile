# Everything runs in .venv, made at the first call. `make demo` and `make test` need nothing else.
VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= python3
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
# PyTorch without CUDA, which is a tenth of the size; for a GPU: make TORCH=cuda
TORCH ?= cpu
TORCH_VERSION := 2.13.0
TORCH_INDEX := https://download.pytorch.org/whl/cpu

# Modules are compiled once, wherever the environment says otherwise: the tests' own take longest.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test soak fuzz lint bench audit sbom docs serve clean

# It ends in the console: in a browser where there is a screen; else its address is printed, and nothing waits.
demo: $(VENV)/.installed
	@rm -rf demo
	$(BIN)/regulars demo --dir demo
	@if [ -t 0 ] && [ -z "$$CI" ]; then exec $(BIN)/regulars console --shop demo; \
	else $(BIN)/regulars console --shop demo --link; fi

test: $(VENV)/.tested lint
	$(BIN)/python -m pytest -n auto --dist loadgroup --no-loadscope-reorder

# The tests that draw at random, for longer; REGULARS_SEED=n draws other broken files.
SOAK := REGULARS_KILLS=500 REGULARS_FLIPS=5000 REGULARS_MUTATIONS=10000 REGULARS_SERVER_KILLS=200
soak: $(VENV)/.tested
	$(SOAK) $(BIN)/python -m pytest -n auto -rP tests/events/test_kill.py tests/events/test_integrity.py
	$(SOAK) $(BIN)/python -m pytest -rP tests/serve/test_kill.py
	$(SOAK) $(BIN)/python -m pytest -n auto -rP tests/events/test_hostile.py -k mutation

# Each parser for so long, guided by coverage where atheris is installed; what breaks one is kept as a test.
FUZZ_SECONDS := 300
FUZZED := rules calls templates journeys settings commits times
fuzz: $(VENV)/.tested
	$(PIP) 'atheris>=2.3' || true
	for name in $(FUZZED) "bid requests" "words of customers"; do \
	  $(BIN)/python -m tests.fuzz.run "$$name" $(FUZZ_SECONDS) || exit 1; done

# What a release is made of (CycloneDX), and what is known to be unsafe of it; both ask the network. What Bandit looks
# for in our own code, `make lint` does (ruff's rules S).
sbom: $(VENV)/.installed
	$(PIP) 'cyclonedx-bom>=5'
	$(BIN)/cyclonedx-py environment --output-file sbom.json $(BIN)/python

audit: $(VENV)/.installed
	$(PIP) 'pip-audit>=2.7'
	$(BIN)/pip-audit --skip-editable

lint: $(VENV)/.tested
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(VENV)/.tested
	$(BIN)/python -m benchmarks.ground
	$(BIN)/python -m benchmarks.log
	$(BIN)/python -m benchmarks.simulate
	$(BIN)/python -m benchmarks.behavior

# The documentation as a site, searched offline: site/index.html
docs: $(VENV)/.tested
	$(BIN)/mkdocs build --strict

# The console over the demo's shop, and the HTTP API beside it, on this machine only.
serve: $(VENV)/.installed
	@test -f demo/report.html || $(BIN)/regulars demo --dir demo
	$(BIN)/regulars console --shop demo

clean:
	rm -rf $(VENV) demo site .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(VENV)/.installed: pyproject.toml
	$(PYTHON) -c 'import sys; assert sys.version_info >= (3, 11), "Python 3.11 or newer is needed; name one: make PYTHON=python3.11"'
	test -d $(VENV) || $(PYTHON) -m venv $(VENV)
ifeq ($(TORCH),cpu)
	$(PIP) --index-url $(TORCH_INDEX) --timeout 5 --retries 0 torch==$(TORCH_VERSION) 2>/dev/null || $(PIP) torch==$(TORCH_VERSION)
endif
	$(PIP) --editable '.[console]'
	touch $@

$(VENV)/.tested: $(VENV)/.installed
	$(PIP) --editable '.[dev,bench,console,docs]'
	touch $@
