# Two commands on a machine with Python (3.12 or newer), git and make:
#   make demo   build an environment, fit the leaderboards (or, without data and network, open the snapshot), write the main result
#   make test   build an environment with what the tests need, run every check, notebook and test
# VENV=folder chooses where the environment is built, PYTHON=program which interpreter builds it.

VENV ?= .venv
OUT  ?= agentirt-demo
NB   ?=
BIN  := $(VENV)/bin
FIRST := nbs/tutorials/01_which_agent_is_really_better.ipynb
ROOT_FLAG := $(if $(filter 0,$(shell id -u)),--allow-root)

.PHONY: help demo test slow lab notebooks readme export requirements wheel clean browser

help:  ## list the commands
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "make %-13s %s\n", $$1, $$2}'

demo: $(VENV)/.run  ## fit the leaderboards (without data and network: open the snapshot); write tables and charts to OUT (agentirt-demo)
	$(BIN)/agentirt demo --out $(OUT)

lab: $(VENV)/.run  ## open JupyterLab at the first tutorial
	$(BIN)/jupyter lab $(ROOT_FLAG) $(FIRST)

test: $(VENV)/.test browser  ## every check, notebook and test but the slow ones (what CI runs)
	$(BIN)/python tools/check_in_step.py
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python tools/run_notebooks.py
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder --durations 20 --durations-min 5

slow: $(VENV)/.test  ## the slow cells and tests too
	$(BIN)/python tools/run_notebooks.py --flags slow --cell-timeout 1500
	$(BIN)/python -m pytest -m slow

notebooks: $(VENV)/.test  ## run the notebooks (or NB=path), save their outputs, clean and export
	AGENTIRT_RENDERER=static COLUMNS=130 $(BIN)/nbdev-test $(NB) --save --n-workers 2
	$(BIN)/python tools/drop_progress.py
	$(MAKE) export readme

export: $(VENV)/.test  ## clean the notebooks and write the module and its stub from them
	$(BIN)/nbdev-clean
	$(BIN)/nbdev-export
	$(BIN)/python tools/make_stub.py

readme: $(VENV)/.test  ## write README.md from nbs/index.ipynb
	$(BIN)/python tools/render_readme.py

requirements:  ## pin anew what pyproject.toml asks for (needs uv)
	tools/pin_requirements.sh

wheel: $(VENV)/.test  ## build the wheel into dist/
	$(BIN)/python -m build --wheel --no-isolation

clean:  ## remove what was built; the environment stays
	rm -rf build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis _docs _proc $(OUT)
	find nbs agentirt_nb tests tools -name __pycache__ -prune -exec rm -rf {} +

browser:  # the browser tests say so and are skipped where this finds no way
	@tools/install_browser.sh || echo "No browser: the browser tests will be skipped."

$(VENV)/.run: requirements/run.txt pyproject.toml tools/environment.sh
	VENV=$(VENV) PYTHON=$(PYTHON) tools/environment.sh requirements/run.txt
	touch $@

$(VENV)/.test: requirements/test.txt requirements/run.txt pyproject.toml tools/environment.sh
	VENV=$(VENV) PYTHON=$(PYTHON) tools/environment.sh requirements/test.txt
	touch $(VENV)/.run $@
