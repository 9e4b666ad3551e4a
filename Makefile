PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
STAMP := .venv/.installed

.PHONY: install demo test test-slow test-browser test-slurm lint
install: $(STAMP)

# dynamic-network-architectures asks for timm and so for torchvision, which ResEnc U-Net never imports: it comes alone.
$(STAMP): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[dev]"
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --no-deps dynamic-network-architectures
	touch $(STAMP)

demo: install
	$(BIN)/petmr demo

test: install
	$(BIN)/python -m pytest

test-slow: install
	$(BIN)/python -m pytest -m slow

# Need more than Python: a Chromium; a SLURM, such as tests/slurm/setup.sh sets up.
test-browser: install
	$(BIN)/python -m pytest -m browser

test-slurm: install
	$(BIN)/python -m pytest -m slurm

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
