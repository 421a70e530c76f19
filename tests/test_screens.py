"""Outcomes that say too little: groups without a link, inverted checks, tasks without a pass, folds without a fit."""

import importlib
import warnings

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

from agentirt_nb.data.building import from_arrays
from agentirt_nb.data.describing import describe
from agentirt_nb.irt import evaluation
from agentirt_nb.irt.evaluation import cross_validate, evaluate
from agentirt_nb.irt.fits import FitError
from agentirt_nb.irt.inference import fit
from agentirt_nb.irt.tables import task_table
from agentirt_nb.messages import AgentirtError


def simulated(agents=24, tasks=20, *, seed=0, inverted=0, trials=1, ran=1.0, slopes=0.0, spread=1.2, **parts):
    rng = np.random.default_rng(seed)
    able, hard = rng.normal(0, spread, (agents, 1)), rng.normal(0, 1.5, tasks)
    p = expit(np.exp(rng.normal(0, slopes, tasks)) * (able - hard))
    p[:, :inverted] = 1 - p[:, :inverted]
    n = np.where(rng.random(p.shape) < ran, trials, 0)
    who = pd.DataFrame(parts, index=[f"a{i}" for i in range(agents)])
    return from_arrays(rng.binomial(n, p), n, agents=who, tasks=[f"t{j}" for j in range(tasks)])


def two_labs(**parts):
    outcomes = simulated(16, 20, **parts)
    left = (np.arange(16) < 8)[:, None] == (np.arange(20) < 10)
    return outcomes.assign({name: outcomes[name].where(left, 0) for name in ("successes", "trials")})


def quick(outcomes, **how):
    return fit(outcomes, progress=False, draws=100, **how)


@pytest.mark.parametrize("ability", ["agent", "llm_scaffold"])
def test_the_verdict_says_which_groups_share_no_task(ability):
    found = quick(two_labs(), ability=ability)
    assert "2 groups (8, 8 agents)" in found.attrs["verdict"] and "rest on the prior" in found.attrs["verdict"]
    assert found.attrs["adequacy"] == "doubtful"
    assert quick(simulated(16, 20), ability=ability).attrs["adequacy"] == "not checked"


def test_an_llm_in_both_groups_links_them_where_ability_is_split_and_only_there():
    outcomes = two_labs(llm=[f"llm {i % 8}" for i in range(16)])
    assert "share no task" not in quick(outcomes).attrs["verdict"]
    assert "share no task" in quick(outcomes, ability="agent").attrs["verdict"]


def test_the_verdict_names_a_task_whose_check_is_inverted():
    found = quick(simulated(40, 30, inverted=1), ability="agent")
    assert "fail 1 task of 30 more often: t0;" in found.attrs["verdict"]
    assert found.attrs["adequacy"] == "doubtful"


BOARDS = {
    "regular": dict(agents=60, tasks=90),
    "sparse": dict(agents=60, tasks=200, ran=0.2),
    "14 x 100": dict(agents=14, tasks=100),
    "2pl": dict(agents=60, tasks=90, slopes=0.5),
    "noise": dict(agents=24, tasks=23, spread=0.0),
}


@pytest.mark.parametrize("name, share", [("regular", 1.0), ("sparse", 0.9), ("14 x 100", 0.75), ("2pl", 0.95), ("noise", 0.0)])
def test_inverted_checks_are_found_and_regular_ones_left_alone(name, share):
    screens = importlib.import_module("agentirt_nb.irt.screens")
    alarm = lambda inverted, seed: bool(
        screens.inverted_tasks(simulated(seed=seed, inverted=inverted, **BOARDS[name])).inverted.any()
    )
    assert np.mean([alarm(0, seed) for seed in range(8)]) <= 0.05
    if share:
        assert np.mean([alarm(BOARDS[name]["tasks"] // 10, seed) for seed in range(8)]) >= share - 0.25


def test_tables_and_descriptions_mark_tasks_without_a_pass():
    outcomes = simulated()
    outcomes["successes"][:, 0], outcomes["successes"][:, 1] = 0, outcomes["trials"][:, 1]
    outcomes["successes"][:, 2] = outcomes["trials"][:, 2] = 0
    table = task_table(quick(outcomes, ability="agent")).set_index("task").solved_by
    assert table[["t0", "t1", "t2"]].tolist() == ["nobody", "everybody", "not run"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        said = [line for line in describe(outcomes).sentences() if "rests on the prior" in line]
    assert len(said) == 1 and "t0" in said[0]


def test_cells_of_a_million_trials_give_an_answer_or_one_sentence():
    for seed in range(3):
        outcomes = simulated(10, 20, trials=10**6, seed=seed)
        try:
            found = quick(outcomes, ability="agent")
        except AgentirtError as error:
            assert "1,000,000 trials" in str(error) and "divide" in str(error)
        else:
            assert np.isfinite(found.posterior.ability).all()


def test_one_fold_without_a_fit_does_not_lose_the_others(monkeypatch):
    whole, calls = evaluation._predict_fold, []

    def breaks(outcomes, fold, number, *rest):
        calls.append(number)
        if number == 1:
            raise FitError("this fold cannot be fitted.")
        return whole(outcomes, fold, number, *rest)

    monkeypatch.setattr(evaluation, "_predict_fold", breaks)
    how = dict(ability="agent", draws=100, folds=4, workers=1, progress=False)
    with pytest.warns(UserWarning, match="Fold 1 has no predictions: this fold cannot be fitted"):
        found = cross_validate(simulated(), "tasks", "random", **how)
    known = found.probability.sel(predictor="model").notnull().all("agent")
    assert (known == (found.fold != 1)).all() and sorted(calls) == [0, 1, 2, 3]
    assert found.attrs["converged"] == "no" and found.attrs["folds_lost"] == [1]
    scores = evaluate(found, ["model"], replicates=0).sel(predictor="model", statistic="value")
    assert scores.coverage.item() == 0.75 and np.isfinite(scores.log_loss.item())


def test_where_every_fold_fails_the_reason_is_raised(monkeypatch):
    def breaks(*_):
        raise FitError("no fold can be fitted.")

    monkeypatch.setattr(evaluation, "_predict_fold", breaks)
    with pytest.raises(FitError, match="no fold can be fitted"):
        cross_validate(simulated(), "tasks", "random", folds=2, progress=False)
