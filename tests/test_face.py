"The face of the package: light to import, its verbs in the order of use, every argument explained."

import inspect
import json
import subprocess
import sys
from pathlib import Path

import pytest
import xarray as xr

import agentirt_nb as irt
from agentirt_nb.face import explain
from agentirt_nb.irt.fit_header import fit_header, header_lines, is_fit
from agentirt_nb.irt.fits import alarm

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tools"))

from make_stub import stub  # noqa: E402

FITS = sorted((ROOT / "tests" / "data" / "fits").glob("*.nc"))


def answer(code):
    "What another Python prints, read as JSON."
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    return json.loads(done.stdout.splitlines()[-1])


def test_the_import_is_light():
    code = """
import json, sys, time
begun = time.process_time()
import agentirt_nb
spent = time.process_time() - begun
print(json.dumps([spent, sorted({"jax", "numpy", "pandas", "xarray", "altair", "IPython"} & set(sys.modules))]))
"""
    spent, loaded = answer(code)
    assert loaded == []
    assert spent < 0.5


def test_tab_offers_the_verbs_in_their_order_and_loads_none():
    code = """
import json, sys
from IPython.core.completer import provisionalcompleter
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
shell.run_cell("import agentirt_nb as irt")
with provisionalcompleter():
    offered = [[one.text for one in shell.Completer.completions(typed, len(typed))] for typed in ("irt.", "x = irt.fit")]
print(json.dumps([*offered, "jax" in sys.modules]))
"""
    assert answer(code) == [irt.__all__, [name for name in irt.__all__ if name.startswith("fit")], False]


def test_the_verbs_stand_in_the_order_of_use():
    order = ["load_leaderboard", "from_long", "fit", "summarise", "predict", "score", "ability_ladder", "WhatIf"]
    assert sorted(order, key=irt.__all__.index) == order
    assert set(dir(irt)) == set(irt.__all__)
    assert len(set(irt.__all__)) == len(irt.__all__) == sum(len(" ".join(step.values()).split()) for step in irt._STEPS.values())


def test_no_verb_has_the_name_of_a_module():
    modules = {path.stem for path in (ROOT / "agentirt_nb").rglob("*.py")} | {
        path.name for path in (ROOT / "agentirt_nb").rglob("*") if path.is_dir()
    }
    assert not modules & set(irt.__all__)


@pytest.mark.parametrize("name", irt.__all__)
def test_a_verb_explains_every_argument(name):
    verb = getattr(irt, name)
    lines = verb.__doc__.splitlines()
    assert lines[0].strip()
    for argument in inspect.signature(verb).parameters:
        assert any(line.lstrip("*").split(" :")[0] == argument for line in lines), f"{name} says nothing of {argument}"


def test_words_behind_a_name_in_capitals_are_spelled_out():
    assert '"complementary log-log"' in irt.fit_tasks.__doc__
    assert explain(irt.fit_tasks).__doc__.count("Parameters\n---") == 1


def test_an_unknown_verb_is_refused_as_python_does():
    with pytest.raises(AttributeError, match="has no attribute 'fitt'") as error:
        irt.fitt  # noqa: B018
    assert (error.value.name, error.value.obj) == ("fitt", irt)


def test_the_stub_names_every_verb():
    text = stub(irt._STEPS)
    assert text == (ROOT / "agentirt_nb" / "__init__.pyi").read_text(encoding="utf-8")
    assert [line.split()[-1] for line in text.splitlines() if line.startswith("from")] == irt.__all__


@pytest.mark.parametrize("path", FITS, ids=lambda path: path.stem)
def test_every_kind_of_fit_has_a_header(path):
    with xr.open_datatree(path, engine="h5netcdf") as tree:
        fit = tree.load()
    assert is_fit(fit)
    lines = header_lines(fit)
    assert list(lines) == ["Fit", "Trust", "Ablest"]
    assert "50 agents and 24 tasks" in lines["Fit"] or path.stem == "1pl_scored"
    assert lines["Trust"].startswith(alarm(fit) or "converged")
    assert "agent" in fit_header(fit)


def test_the_citation_has_the_version_of_the_package():
    lines = (ROOT / "CITATION.cff").read_text(encoding="utf-8").splitlines()
    assert f"version: {irt.__version__}" in lines
