"""Outcomes out again: nothing is lost, and what other tools check passes their checks."""

import json
import math
import sys
import warnings

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
    with pytest.warns(UserWarning, match="gso.csv leaves out what long has no place for: llm_release_date, note."):
        same(gso, irt.read_outcomes(irt.export_outcomes(gso, tmp_path / "gso.csv")))
    with pytest.warns(UserWarning, match="wide.csv leaves out what wide has no place for: date, organisation"):
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


def rich(trials, share=((0.5, 0.2, 0.25), (0.3, 0.9, 1.0))):
    "Outcomes with something in every layer and coordinate that has a name."
    agents = pd.DataFrame(
        {"llm": ["x", ""], "scaffold": ["bash", ""], "date": ["2026-01-02", None], "organisation": ["lab", ""]}, index=["a", "b"]
    )
    tasks = pd.DataFrame(
        {"benchmark": ["toy", "toy", "other"], "group": ["g", "", "h"], "human_minutes": [1 / 3, 60, np.nan]},
        index=["u", "v", "w"],
    )
    numbers = {
        name: np.array([[0.1, 2, np.nan], [3, 1e-7, 5e16]]) * k
        for k, name in enumerate(("cost", "duration", "tokens", "turns"), 1)
    }
    layers = numbers | ({} if share is None else {"share": np.array(share)})
    return from_arrays([[1, 0, 0], [1, 1, 0]], np.full((2, 3), trials), agents=agents, tasks=tasks, **layers)


def quiet(outcomes, path, form=None):
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # nothing is left out, and nothing unused
        return irt.read_outcomes(irt.export_outcomes(outcomes, path, form), progress=False).sel(
            agent=outcomes.agent.values, task=outcomes.task.values
        )


@pytest.mark.parametrize("trials", [1, 5])
@pytest.mark.parametrize("name", ["x.csv", "x.jsonl", "x"])
def test_shares_numbers_and_facts_come_back_from_every_form_that_has_a_place_for_them(tmp_path, name, trials):
    outcomes = rich(trials)
    again = quiet(outcomes, tmp_path / name)
    for variable in outcomes.variables:
        if outcomes[variable].dtype.kind == "f":
            np.testing.assert_allclose(again[variable], outcomes[variable], rtol=1e-14, err_msg=variable)
        else:
            np.testing.assert_array_equal(again[variable], outcomes[variable], err_msg=variable)


@pytest.mark.parametrize("name", ["x.csv", "x.jsonl", "x"])
def test_outcomes_without_shares_do_not_gain_them(tmp_path, name):
    assert "share" not in quiet(rich(3, share=None), tmp_path / name)


def test_the_score_of_a_trial_is_its_share_and_what_passed_stands_beside_it(tmp_path):
    irt.export_outcomes(rich(1), tmp_path / "x")
    lines = [json.loads(line) for path in (tmp_path / "x").rglob("*.jsonl") for line in path.read_text().splitlines()]
    told = {
        (r["metadata"]["agent_label"], r["sample_id"]): (r["evaluation"]["score"], r["evaluation"]["is_correct"]) for r in lines
    }
    assert told["a", "u"] == (0.5, True) and told["b", "w"] == (1.0, False)
    assert not {"share", "score"} & set(lines[0]["metadata"])


@pytest.mark.parametrize("llm", ["Claude Opus 4.5", "o4-mini (high)", "GPT-5: thinking @ 2"])
def test_an_llm_whose_name_is_none_of_a_folder_keeps_it_and_its_id_is_that_of_the_folder(tmp_path, llm):
    outcomes = rich(2).assign_coords(llm=("agent", [llm, ""]))
    assert quiet(outcomes, tmp_path / "x").llm.values.tolist() == [llm, ""]
    for path in (tmp_path / "x").rglob("*.json"):  # as the validator of Every Eval Ever has it
        assert json.loads(path.read_text())["model_info"]["id"] == path.parent.name


def test_what_is_known_of_a_cell_that_was_not_run_and_times_of_day_stay_in_a_long_table(tmp_path):
    outcomes = from_arrays([[1, 0]], [[1, 0]], agents=["a"], tasks=["u", "v"], cost=np.array([[1.0, 2.0]]))
    outcomes = outcomes.assign_coords(date=("agent", pd.to_datetime(["2026-01-02 13:04:05"]).to_numpy()))
    again = quiet(outcomes, tmp_path / "x.csv")
    assert again.cost.values.tolist() == [[1, 2]] and again.trials.values.tolist() == [[1, 0]]
    assert again.date.values[0] == outcomes.date.values[0]


LEFT = {  # form -> name of a file, what it leaves out of outcomes of which it holds all that it can
    "long": ("x.csv", ["note", "color", "llm_release_date", "mine", "features"]),
    "wide": ("x.csv", ["cost", "note", "color", "date", "benchmark", "features", "organisation"]),
    "py-irt": ("x.jsonl", ["1 agent that ran nothing ('c')", "1 task that nobody ran ('w')", "llm", "scaffold", "mine"]),
    "every-eval-ever": (
        "x",
        ["1 agent that ran nothing ('c')", "1 task that nobody ran ('w')", "note", "color", "features", "score"],
    ),
}


@pytest.mark.parametrize("form", LEFT)
def test_a_warning_names_all_that_a_form_has_no_place_for(tmp_path, form):
    outcomes = from_arrays(
        np.zeros((3, 3)),
        [[1, 1, 0], [1, 0, 0], [0, 0, 0]],
        agents=pd.DataFrame({"llm": "x", "scaffold": "s", "organisation": "o", "date": "2026-01-02"}, index=["a", "b", "c"]),
        tasks=pd.DataFrame({"benchmark": "toy"}, index=["u", "v", "w"]),
        features=pd.DataFrame({"size": [1.0, 2, 3]}, index=["u", "v", "w"]),
        cost=np.ones((3, 3)),
        score=np.ones((3, 3)),
        note=np.full((3, 3), "k"),
    ).assign_coords(
        color=("agent", ["red", "", ""]),
        mine=("task", [1, 2, 3]),
        llm_release_date=("agent", pd.to_datetime(["2025-01-01"] * 3).to_numpy()),
    )
    name, wanted = LEFT[form]
    with pytest.warns(UserWarning, match=f"^{name} leaves out what {form} has no place for: ") as said:
        irt.export_outcomes(outcomes, tmp_path / name, form)
    assert len(said) == 1 and said[0].filename == __file__
    assert [one for one in wanted if one not in str(said[0].message)] == []
    if form in ("long", "wide"):  # these do name agents and tasks that never ran
        assert "nothing" not in str(said[0].message) and "nobody" not in str(said[0].message)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            assert dict(irt.read_outcomes(tmp_path / name).sizes) == {"agent": 3, "task": 3}


def test_nothing_is_said_of_what_says_nothing(tmp_path):
    outcomes = from_arrays([[1.0, 0]], agents=["a"], tasks=["u", "v"], cost=np.full((1, 2), math.nan)).assign_coords(
        mine=("task", ["", ""])
    )
    for name, form in (("x.csv", "long"), ("y.csv", "wide"), ("x.jsonl", "py-irt"), ("x", "every-eval-ever")):
        quiet(outcomes, tmp_path / name, form)


def test_parquet_without_pyarrow_is_refused_in_a_sentence_and_nothing_is_written(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(OutcomesError, match=r"'x.parquet' needs pyarrow, which is not installed; install agentirt_nb\[tables\]"):
        irt.export_outcomes(rich(1), tmp_path / "x.parquet")
    assert not list(tmp_path.iterdir())
