"Which drafts to keep and which runs to make: on drafts of known difficulty, where the right answer is known."

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy.special import expit

from agentirt_nb.data.building import from_arrays
from agentirt_nb.irt.benchmark_design import GOALS, design_benchmark, plan_runs
from agentirt_nb.irt.fits import FitError, make_fit


@pytest.fixture(scope="module")
def known():
    "A fit that knows 20 agents from −2 to 2 logits, and ten tasks."
    rng = np.random.default_rng(0)
    ability, difficulty = np.linspace(-2, 2, 20), np.linspace(-2, 2, 10)
    passed = (rng.random((20, 10)) < expit(ability[:, None] - difficulty)).astype(float)
    outcomes = from_arrays(passed, agents=[f"agent {i + 1:02d}" for i in range(20)], tasks=[f"task {j}" for j in range(10)])
    of = lambda dim, middle: (("chain", "draw", dim), middle + rng.normal(0, 0.1, (1, 200, len(middle))))
    numbers = dict(location=0.0, scale=1.5, ability_sd=1.2)
    shared = {name: (("chain", "draw"), np.full((1, 200), x)) for name, x in numbers.items()}
    labels = dict(agent=outcomes.agent.values, task=outcomes.task.values)
    posterior = xr.Dataset(dict(ability=of("agent", ability), difficulty=of("task", difficulty)) | shared, labels)
    about = dict(curve="1pl", method="by hand", converged="yes", verdict="Made by hand.", kind="simulated")
    return make_fit(posterior, outcomes, about)


def drafts(difficulty):
    return pd.DataFrame(dict(task=[f"draft {i + 1:02d}" for i in range(len(difficulty))], difficulty=difficulty))


def test_the_drafts_that_tell_most_about_a_level_are_kept(known):
    hard = np.linspace(-4, 6, 21)
    for ahead in (0.0, 2.0):
        found = design_benchmark(known, drafts(hard), 5, agent="agent 20", ahead=ahead)
        assert set(np.flatnonzero(found.keep)) == set(np.argsort(np.abs(hard - 2 - ahead))[:5])
        assert sorted(found.place.values[found.keep.values]) == [1, 2, 3, 4, 5]
        assert found.attrs["se"] < found.attrs["se_by_lot"]
        assert found.attrs["score"] == pytest.approx(0.5, abs=0.05)


def test_a_score_of_one_half_is_sought_and_its_lack_is_said(known):
    lopsided = np.r_[np.full(10, 0.8), np.full(10, 3.4)]  # information alone takes the easy ones
    half, plain = (
        design_benchmark(known, drafts(lopsided), 8, agent="agent 20", goal=goal).attrs["score"]
        for goal in ("half", "information")
    )
    assert abs(half - 0.5) < 0.08 < abs(plain - 0.5)
    assert "cannot be reached" in design_benchmark(known, drafts(np.full(6, -3.0)), 3, goal="half").attrs["says"]


def test_difficulties_are_spread_where_that_is_wanted(known):
    many = np.linspace(-4, 4, 41)
    found = design_benchmark(known, drafts(many), 9, goal="spread")
    assert np.diff(np.sort(many[found.keep.values])) == pytest.approx(0.5, abs=0.11)


def test_runs_go_to_open_drafts_and_open_agents(known):
    unknown = pd.DataFrame(dict(task=["a", "b"], benchmark=["unnamed", "unnamed"]))
    far = drafts([12.0, -12.0])
    plan = plan_runs(known, pd.concat([unknown, far]), 6)
    assert plan.run.sum("agent").values.tolist()[2:] == [0, 0] and int(plan.run.sum()) == 6
    assert (plan.sd_after <= plan.sd_before + 1e-9).all() and (plan.sd_after[:2] < plan.sd_before[:2]).all()
    few = plan_runs(known, unknown, 4, pool=["agent 01", "agent 10"])
    assert few.agent.values.tolist() == ["agent 01", "agent 10"] and few.run.values.all()
    assert plan_runs(known, unknown, 0).attrs["says"] == "No run is planned."


def test_wrong_questions_end_in_one_sentence(known):
    table = drafts([0.0, 1.0])
    for size in (0, 3, 1.5, True):
        with pytest.raises(FitError, match="of 2 drafts, keep from 1 to 2"):
            design_benchmark(known, table, size)
    with pytest.raises(FitError, match="goal 'best' is unknown"):
        design_benchmark(known, table, 1, goal="best")
    with pytest.raises(FitError, match="no agent 'agent 99'"):
        design_benchmark(known, table, 1, agent="agent 99")
    with pytest.raises(FitError, match="plan from 0 to 40 runs"):
        design_benchmark(known, table, 1, runs=41)
    for goal in GOALS:
        assert int(design_benchmark(known, table, 2, goal=goal).keep.sum()) == 2
