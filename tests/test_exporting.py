"""Outcomes out again: nothing is lost, and what other tools check passes their checks."""

import json

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from log_files import samples

import agentirt_nb as irt
from agentirt_nb.data.building import from_arrays
from agentirt_nb.data.outcomes import OutcomesError

NAMES = st.lists(
    st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=9), min_size=2, max_size=4, unique=True
)


def some(agents, tasks, seed=0, most=3):
    rng = np.random.default_rng(seed)
    trials = rng.integers(0, most + 1, (len(agents), len(tasks)))
    about = pd.DataFrame({"benchmark": "b", "human_minutes": rng.random(len(tasks)) * 100}, index=tasks)
    return from_arrays(
        rng.binomial(trials, 0.5), trials, agents=agents, tasks=about, cost=np.where(trials > 0, rng.random(trials.shape), np.nan)
    )


def same(one, two):
    two = two.sel(agent=one.agent.values, task=one.task.values)
    for name in ("successes", "trials", "cost", "human_minutes", "llm"):
        if name in one.variables:
            np.testing.assert_array_equal(one[name].values, two[name].values, err_msg=name)


@settings(max_examples=40, deadline=None)
@given(agents=NAMES, tasks=NAMES, seed=st.integers(0, 99))
def test_whatever_the_labels_a_long_table_comes_back_as_it_was(tmp_path_factory, agents, tasks, seed):
    try:
        outcomes = some(agents, tasks, seed)
    except OutcomesError:
        return  # labels that are refused anywhere, such as "?" or "none"
    if not outcomes.trials.values.any():
        return
    path = tmp_path_factory.mktemp("out")
    for name in ("runs.csv", "runs.jsonl"):
        same(outcomes, irt.read_outcomes(irt.export_outcomes(outcomes, path / name), agent="agent", task="task"))


def test_a_real_leaderboard_comes_back(tmp_path):
    gso = irt.load_leaderboard("gso")
    same(gso, irt.read_outcomes(irt.export_outcomes(gso, tmp_path / "gso.csv")))
    wide = irt.read_outcomes(irt.export_outcomes(gso, tmp_path / "wide.csv", "wide"))
    np.testing.assert_array_equal(wide.successes.sel(agent=gso.agent, task=gso.task).values, gso.successes.values)


def test_every_eval_ever_takes_what_is_written_and_it_comes_back(tmp_path):
    jsonschema = pytest.importorskip("jsonschema")
    schemas = samples("every_eval_ever/schemas")
    outcomes = some(["A in bash", "B"], ["t1", "t/2", "=t3", "t4"], seed=1).assign_coords(
        llm=("agent", ["org/A", "B"]),
        scaffold=("agent", ["bash", ""]),
        date=("agent", pd.to_datetime(["2026-01-02", None]).to_numpy()),
    )
    irt.export_outcomes(outcomes, tmp_path / "eee")
    of = {name: json.loads((schemas / f"{name}.schema.json").read_text()) for name in ("eval", "instance_level_eval")}
    lines = 0
    for path in (tmp_path / "eee").rglob("*.json"):
        jsonschema.validate(json.loads(path.read_text()), of["eval"])
    for path in (tmp_path / "eee").rglob("*.jsonl"):
        for line in path.read_text().splitlines():
            jsonschema.validate(json.loads(line), of["instance_level_eval"])
            lines += 1
    again = irt.read_outcomes(tmp_path / "eee", progress=False)
    assert lines == int(outcomes.trials.sum()) == int(again.trials.sum())
    ran = outcomes.isel(task=np.flatnonzero(outcomes.trials.sum("agent").values))
    np.testing.assert_array_equal(again.successes.sel(agent=ran.agent, task=ran.task).values, ran.successes.values)
    assert again.date.sel(agent="A in bash").values == np.datetime64("2026-01-02")


@pytest.mark.parametrize("form, says", [("wide", "A wide table holds one run"), ("py-irt", "py-irt's format holds one run")])
def test_a_form_that_cannot_hold_repeats_says_which_can_and_writes_nothing(tmp_path, form, says):
    outcomes = some(["a", "b"], ["t1", "t2"], seed=3)
    with pytest.raises(OutcomesError, match=says):
        irt.export_outcomes(outcomes, tmp_path / ("x.csv" if form == "wide" else "x.jsonlines"), form)
    assert not list(tmp_path.iterdir())


def test_a_task_with_the_name_of_a_fact_is_refused_in_a_wide_table(tmp_path):
    outcomes = some(["a", "b"], ["t1", "llm", "t3"], most=1)
    with pytest.raises(OutcomesError, match="'llm', which a wide table takes for a fact"):
        irt.export_outcomes(outcomes, tmp_path / "x.csv", "wide")


def test_a_folder_of_somebody_else_is_not_replaced(tmp_path):
    (tmp_path / "eee").mkdir()
    (tmp_path / "eee" / "thesis.txt").write_text("mine")
    with pytest.raises(FileExistsError):
        irt.export_outcomes(some(["a", "b"], ["t1", "t2"]), tmp_path / "eee")
    assert (tmp_path / "eee" / "thesis.txt").read_text() == "mine"
    assert isinstance(some(["a", "b"], ["t1", "t2"]), xr.Dataset)
