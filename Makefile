# Everything here makes its own .venv first; the only tools needed are make and Python 3.10 to 3.13.
# PYTHON=python3.12 picks the interpreter the first time.

CONFIG ?= configs/reviews.yaml
RUN    ?= runs/$(basename $(notdir $(CONFIG)))
FORMAT ?= onnx
OUT    ?= build/$(notdir $(RUN)).$(FORMAT)
TEXTS  ?= "a moving and beautifully acted film" "great camera, easy to use" "the battery died after two days"

PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11 python3.10; do \
	$$p -c 'import sys; sys.exit(not (3, 10) <= sys.version_info < (3, 14))' 2>/dev/null && echo $$p && break; done)
BIN := .venv/bin
INSTALLED := .venv/.installed

.PHONY: help install data fit resume eval predict check-data check-model export-model examples test lint types check docs bench bench-imdb reproduce bench-start \
	bench-kills bench-large fuzz wheel clean
.DEFAULT_GOAL := help

help: ## what can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-13s %s\n", $$1, $$2}'

install: $(INSTALLED) ## the project and its tools, in .venv

$(INSTALLED): pyproject.toml
	@test -n "$(PYTHON)" || { echo "Python 3.10 to 3.13 is needed; set PYTHON=/path/to/python3.12" >&2; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

data: $(INSTALLED) ## data/reviews/, from a package with human-rated reviews
	@$(BIN)/python data/reviews.py

fit: $(INSTALLED) ## train CONFIG, measure it on its test split, label a few texts
	@if grep -q data/reviews/ $(CONFIG); then $(BIN)/python data/reviews.py; fi
	$(BIN)/seqtrain fit $(CONFIG) --overwrite
	@$(MAKE) --no-print-directory eval predict RUN=$(RUN)

resume: $(INSTALLED) ## go on with RUN where it was interrupted, or begin it
	$(BIN)/seqtrain fit $(CONFIG) --resume --out $(RUN)

check-data: $(INSTALLED) ## look at the data of CONFIG: labels, duplicates, leaks between splits, lengths, cost
	@if grep -q data/reviews/ $(CONFIG); then $(BIN)/python data/reviews.py; fi
	$(BIN)/seqtrain check data $(CONFIG)

eval: $(INSTALLED) ## measure RUN on its test split
	$(BIN)/seqtrain eval --run $(RUN)

predict: $(INSTALLED) ## label TEXTS with RUN
	@for text in $(TEXTS); do printf '%s\n' "$$text"; done > .venv/texts.txt
	@$(BIN)/seqtrain predict --run $(RUN) .venv/texts.txt | paste - .venv/texts.txt

check-model: $(INSTALLED) ## prove on RUN's own texts that padding, batches and engines do not matter
	$(BIN)/seqtrain check model --run $(RUN)

export-model: $(INSTALLED) ## RUN as FORMAT (onnx, savedmodel, keras), checked; OUT says where
	@mkdir -p $(dir $(OUT))
	$(BIN)/seqtrain export $(FORMAT) $(OUT) --run $(RUN) --overwrite

examples: $(INSTALLED) ## the readers of model.onnx in examples/, next to `seqtrain predict`
	@if command -v npm >/dev/null; then \
		(cd examples/node && npm install --no-audit --no-fund --ignore-scripts --no-package-lock) \
			|| echo "skipped: onnxruntime-web cannot be installed here" >&2; \
	else echo "skipped: examples/node needs Node 20 or later" >&2; fi
	$(BIN)/python -m pytest tests/cli/test_examples.py -rs

test: $(INSTALLED) ## every test
	$(BIN)/python -m pytest

lint: $(INSTALLED) ## style and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(INSTALLED) ## static types
	$(BIN)/mypy

check: lint types test ## lint, types, test

docs: $(INSTALLED) ## docs/configuration.md and docs/cli.md, from the code
	$(BIN)/python tools/reference_docs.py

bench: .venv/.bench ## training next to Keras and PyTorch, and what the commands take; 15 minutes
	$(BIN)/python benchmarks/bench.py

.venv/.bench: $(INSTALLED)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[bench]' && touch $@ \
		|| echo "without PyTorch, which cannot be installed here" >&2

bench-imdb: $(INSTALLED) ## from a cold shell to 88 % on IMDB, next to Keras: DATA=FOLDER; 25 minutes
	@test -n "$(DATA)" || { echo "DATA=FOLDER is missing; benchmarks/protocol.py says what it holds" >&2; exit 2; }
	$(BIN)/python benchmarks/imdb.py "$(DATA)" --out build/imdb.json

reproduce: $(INSTALLED) ## the accuracy table of the README: DATA=FOLDER, see docs/accuracy.md; 45 minutes
	@test -n "$(DATA)" || { echo "DATA=FOLDER is missing; docs/accuracy.md says what it holds" >&2; exit 2; }
	$(BIN)/python benchmarks/accuracy.py "$(DATA)" --out build/accuracy.json

bench-start: $(INSTALLED) ## how long --help and a one-line predict take from a cold shell
	$(BIN)/python benchmarks/start.py

bench-kills: $(INSTALLED) ## kill a fit at 25 random moments, resume it, compare the weights
	$(BIN)/python benchmarks/kills.py

bench-large: $(INSTALLED) ## memory on 0.3, 1 and 3 million rows; 15 minutes and 10 GB of disk
	$(BIN)/python benchmarks/large.py

fuzz: $(INSTALLED) ## nasty inputs for readers, configs and commands; five minutes
	$(BIN)/python benchmarks/fuzz.py

wheel: $(INSTALLED) ## dist/*.whl
	$(BIN)/python -m build --wheel --outdir dist .

clean: ## all that was made, but for data and runs
	rm -rf .venv build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
