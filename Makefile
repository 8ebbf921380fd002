# make demo      build pairs from real photographs, restore, score, write demo/report.html
# make app       a page to drop a photo on, at http://127.0.0.1:7860
# make test      check the code and run the tests (what CI runs)
# make test-all  the slow tests too
# make docs      the documentation site in site/, warnings are errors
# make check     formatter, linter, types
# make package   wheel and sdist in dist/
# make gpu-run   train on a GPU that is lent by the hour: docs/training.md
# make clean     remove what the others made, the environment too

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SEED := 7

.PHONY: demo app test test-all docs check format package clean clean-kernels
.PHONY: gpu-pack gpu-setup gpu-train gpu-fetch gpu-join gpu-run

define PREFLIGHT
command -v $(PYTHON) >/dev/null 2>&1 || { echo "Relume needs Python 3.11 or newer: apt-get install python3 python3-venv" >&2; exit 2; }; \
$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Relume needs Python 3.11 or newer, $(PYTHON) is older: make PYTHON=python3.12 $@" >&2; exit 2; }; \
$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { echo "Relume needs Python's venv module: apt-get install python3-venv" >&2; exit 2; }
endef

$(BIN)/python:
	@$(PREFLIGHT)
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install -qq --upgrade pip

$(VENV)/bench.stamp: pyproject.toml | $(BIN)/python
	@echo "installing into $(VENV) (torch is large: two to four minutes)"
	@$(BIN)/python -m pip install -qq --editable '.[bench]'
	@$(BIN)/zoo fetch face-mesh >/dev/null || echo "going on with the template's masks" >&2
	@touch $@

$(VENV)/dev.stamp: pyproject.toml $(VENV)/bench.stamp
	@echo "installing what the tests need"
	@$(BIN)/python -m pip install -qq --editable '.[dev]'
	@touch $@

demo: $(VENV)/bench.stamp
	@mkdir -p demo
	@$(BIN)/degrade build sample-photos demo/pairs-kuaishou --recipe kuaishou --seed $(SEED) --longest-side 512 --workers 2
	@$(BIN)/degrade build sample-photos demo/pairs-gfpgan --recipe gfpgan --seed $(SEED) --longest-side 512 --workers 2
	@$(BIN)/degrade verify demo/pairs-kuaishou
	@$(BIN)/degrade preview sample-photos demo/preview.png --recipe kuaishou --recipe gfpgan --seed $(SEED) --longest-side 512
	@$(BIN)/bench run demo --pairs demo/pairs-kuaishou --pairs demo/pairs-gfpgan --out demo/run
	@$(BIN)/zoo restore demo/pairs-kuaishou/lq/astronaut.png demo/restored.png --compare
	@$(BIN)/zoo synth demo/drawn --count 2 --seed $(SEED) --sheet demo/drawn.png
	@$(BIN)/zoo align sample-photos demo/aligned --size 64
	@$(BIN)/bench run inversion-64 --dataset demo/drawn --dataset demo/aligned --workers 2 --out demo/inversion
	@$(BIN)/bench report demo/inversion
	@$(BIN)/bench report demo/run --html demo/report.html --csv demo/leaderboard.csv
	@echo
	@echo "report       $(CURDIR)/demo/report.html"
	@echo "leaderboard  $(CURDIR)/demo/leaderboard.csv"
	@echo "preview      $(CURDIR)/demo/preview.png"
	@echo "restored     $(CURDIR)/demo/restored.compare.png"
	@echo "drawn        $(CURDIR)/demo/drawn.png, synthetic faces"

app: $(VENV)/app.stamp
	@$(BIN)/zoo app

$(VENV)/app.stamp: $(VENV)/bench.stamp
	@$(BIN)/python -m pip install -qq --editable '.[app]'
	@touch $@

check: $(VENV)/dev.stamp
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy

format: $(VENV)/dev.stamp
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

# One thread a process: two processes of several threads each get in each other's way.
test: check
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadfile -m "not slow"

test-all: check
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadfile

docs: $(VENV)/dev.stamp
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet
	@echo "documentation  $(CURDIR)/site/index.html"

package: $(VENV)/dev.stamp
	@rm -rf build dist
	@$(BIN)/python -m build --outdir dist .

# The variables that they take are passed on by make.
gpu-pack: $(VENV)/bench.stamp
gpu-pack gpu-setup gpu-train gpu-fetch gpu-join gpu-run:
	@tools/gpu.sh $(@:gpu-%=%)

clean:
	rm -rf $(VENV) build dist demo runs site *.egg-info .mypy_cache .ruff_cache .pytest_cache

clean-kernels:
	find degrade -name '*.nbi' -delete -o -name '*.nbc' -delete
