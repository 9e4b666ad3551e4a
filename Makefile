PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
STAMP := .venv/.installed

# What libraries would keep in the home folder stays with the environment.
CACHE := $(CURDIR)/.venv/cache
export XDG_CACHE_HOME := $(CACHE)
export MPLCONFIGDIR := $(CACHE)/matplotlib
export WANDB_CACHE_DIR := $(CACHE)/wandb
export WANDB_CONFIG_DIR := $(CACHE)/wandb
export WANDB_DATA_DIR := $(CACHE)/wandb
# One thread: sums over more come out differently in the last bit, and some tests compare bits.
PYTEST := OMP_NUM_THREADS=1 $(BIN)/python -m pytest --basetemp $(CACHE)/pytest

.PHONY: install install-locked sbom demo test test-slow test-browser test-slurm test-nnunet test-gpu lint
install: $(STAMP)

# dynamic-network-architectures asks for timm and so for torchvision, which ResEnc U-Net never imports: it comes alone.
$(STAMP): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[dev]"
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --no-deps dynamic-network-architectures
	mkdir -p $(CACHE) && touch $(STAMP)

# The same files, byte by byte, that were tested: `make install-locked demo`. PyTorch comes first and by its version
# alone, as each index has builds of its own; PIP_EXTRA_INDEX_URL names another index, such as that of its CPU builds.
install-locked:
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet "$$(grep ^torch== constraints.txt)"
	$(BIN)/python -m pip install --quiet --no-deps --require-hashes --requirement .ci/requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	mkdir -p $(CACHE) && touch $(STAMP)

# What is installed, as CycloneDX: sbom.json.
sbom: install
	$(BIN)/python -m venv $(CACHE)/sbom
	$(CACHE)/sbom/bin/python -m pip install --quiet cyclonedx-bom==7.5.0
	$(CACHE)/sbom/bin/cyclonedx-py environment $(BIN)/python --pyproject pyproject.toml --output-reproducible -o sbom.json

demo: install
	$(BIN)/petmr demo

test: install
	$(PYTEST) --numprocesses auto

test-slow: install
	$(PYTEST) -m slow

# Need more than Python: a Chromium, and npm for axe-core's look at accessibility; a SLURM, such as tests/slurm/setup.sh sets up.
test-browser: install
	if command -v npm; then npm install --no-save --no-audit --no-fund --cache $(CACHE)/npm-cache --prefix $(CACHE)/npm axe-core@4.10; fi
	AXE=$(CACHE)/npm/node_modules/axe-core/axe.min.js $(PYTEST) -m browser

test-slurm: install
	$(PYTEST) -m slurm

# nnU-Net asks for timm and so for torchvision, which its check of datasets never imports: what it imports comes alone.
test-nnunet: install
	$(BIN)/python -m pip install --quiet --no-deps --requirement tests/sharing/nnunet.txt
	$(PYTEST) -m nnunet

# Fails where PyTorch sees no GPU; writes results/gpu/CARD.json and .md.
test-gpu: install
	$(PYTEST) -m gpu tests/gpu

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
