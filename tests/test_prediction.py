"What a person may type: labels that are not there, misspelt columns, results for the fit that ships with the package."

import warnings

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from agentirt_nb.data.building import from_arrays
from agentirt_nb.irt.evaluation import cross_validate, evaluate, reliability
from agentirt_nb.irt.fits import FitError, alarm, curve_of, summarise
from agentirt_nb.irt.inference import fit
from agentirt_nb.irt.prediction import predict, task_draws
from agentirt_nb.irt.rates import expected_pass_rate
from agentirt_nb.irt.scoring import score
from agentirt_nb.irt.snapshot import load_snapshot
from agentirt_nb.irt.tables import ladder
from agentirt_nb.settings import SettingsError

ONE = from_arrays([[1]], agents=["a"], tasks=["t"])


@pytest.fixture(scope="module")
def four() -> xr.DataTree:
    return load_snapshot()


@pytest.fixture(scope="module")
def some(four) -> dict:
    return dict(agents=four.observed_data.agent.values[:2].tolist(), tasks=four.observed_data.task.values[:3].tolist())


@pytest.mark.parametrize(
    "wrong, error, words",
    [
        (dict(agents=["forge_code_gemni_3_1_pro"]), FitError, "did you mean 'forge_code_gemini_3_1_pro'"),
        (dict(tasks=["django__django-1111"]), FitError, "no task 'django__django-1111'"),
        (dict(agents={"llm": ["GPT-5"]}), FitError, "labels or a DataFrame, not a dict"),
        (dict(agents=ONE), FitError, r"not a Dataset; of outcomes, pass described_agents\(outcomes\)"),
        (dict(tasks=ONE), FitError, r"pass described\(outcomes\)"),
        (dict(agents=pd.DataFrame()), ValueError, "needs a row or more"),
        (dict(tasks=pd.DataFrame({"benchmark": ["gsoo"]})), FitError, "no benchmark 'gsoo'; did you mean 'gso'"),
        (dict(tasks=pd.DataFrame({"benchmark": ["gso"], "difficulty": ["hard"]})), ValueError, "difficulty is hard in a table"),
        (dict(tasks=pd.DataFrame({"benchmark": ["gso"], "difficulty": [np.inf]})), ValueError, "difficulty is inf in a table"),
        (dict(prob=90), ValueError, "prob is 90"),
    ],
)
def test_what_cannot_be_asked_is_one_clear_sentence(four, some, wrong, error, words):
    with pytest.raises(error, match=words):
        predict(four, **some | wrong)


@pytest.mark.parametrize(
    "table, words",
    [
        (
            dict(agents=pd.DataFrame({"llm": ["claude-opus-4.5"]})),
            "'claude-opus-4.5' is not in the fit .* mean 'Claude Opus 4.5'",
        ),
        (dict(agents=pd.DataFrame({"llm": ["GPT-5"], "scafold": ["OpenHands"]})), "'scafold', which is not used.* 'scaffold'"),
        (dict(tasks=pd.DataFrame({"benchmark": ["gso"], "dificulty": [1.0]})), "'dificulty', which is not used.* 'difficulty'"),
    ],
)
def test_what_is_nearly_a_known_name_is_asked_about(four, some, table, words):
    with pytest.warns(UserWarning, match=words):
        predict(four, **some | table)


def test_new_names_and_numbers_as_names_pass_without_a_word(four, some):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        new = pd.DataFrame({"llm": ["GPT-9", None, 5], "organisation": ["x", "y", "z"]})
        assert predict(four, new, some["tasks"]).probability.shape == (3, 3)


def test_seen_and_unseen_agents_and_tasks_in_one_question(four, some):
    agents = pd.DataFrame({"agent": [some["agents"][0], "mine"], "llm": ["", "GPT-5"], "scaffold": ["", "my own"]})
    tasks = pd.DataFrame({"task": [some["tasks"][0], "draft"], "benchmark": ["", "gso"]})
    p = predict(four, agents, tasks)
    assert p.agent_run.values.tolist() == [True, False] and p.task_run.values.tolist() == [True, False]
    alone = predict(four, some["agents"][:1], some["tasks"][:1])
    assert p.probability.values[0, 0] == pytest.approx(alone.probability.item(), abs=1e-6)


def test_the_fit_that_ships_with_the_package_can_be_scored(four):
    hard = four.posterior.difficulty.mean(["chain", "draw"]).to_series().nlargest(8).index
    label = dict(zip(four.observed_data.task.values, four.observed_data.benchmark.values))
    tasks = pd.DataFrame({"benchmark": [label[t] for t in hard]}, hard)
    able = score(four, from_arrays([[1] * 8], agents=["mine"], tasks=tasks), seed=0)
    weak = score(four, from_arrays([[0] * 8], agents=["mine"], tasks=tasks), seed=0)
    ability = [x.posterior.ability.sel(agent="mine").mean().item() for x in (able, weak)]
    assert ability[0] > ability[1] + 2
    assert able.observed_data.trials.sel(agent="mine").sum() == 8
    assert np.isfinite(expected_pass_rate(able, ["mine"]).pass_rate).all()


@pytest.mark.parametrize("ask", [predict, summarise, ladder, expected_pass_rate, task_draws, curve_of])
def test_outcomes_are_no_fit(ask):
    with pytest.raises(FitError, match="this Dataset is no fit; make one of outcomes with `fit`"):
        ask(ONE)


@pytest.mark.parametrize("draws", [0, 1, 2.5, True])
def test_a_fit_keeps_two_draws_or_more(draws):
    with pytest.raises(SettingsError, match="must be a whole number from 2 on: one draw has no spread"):
        fit(ONE, draws=draws)


@pytest.mark.parametrize("function", [evaluate, reliability])
def test_outcomes_are_no_predictions(function):
    with pytest.raises(ValueError, match="make them with `cross_validate`"):
        function(ONE)


def test_numbers_of_cross_validate_are_checked():
    outcomes = from_arrays(np.random.default_rng(0).integers(0, 2, (6, 8)), agents=list("abcdef"), tasks=list("stuvwxyz"))
    for wrong in (dict(given=-1), dict(workers=0)):
        with pytest.raises(ValueError, match="give no fewer than 0 cells and 1 worker"):
            cross_validate(outcomes, "tasks", progress=False, **wrong)


def test_what_is_made_of_held_out_predictions_says_how_far_to_trust_it():
    outcomes = from_arrays(np.random.default_rng(0).integers(0, 2, (6, 8)), agents=list("abcdef"), tasks=list("stuvwxyz"))
    held_out = cross_validate(outcomes, "tasks", folds=2, ability="agent", draws=20, progress=False)
    for result in (held_out, evaluate(held_out, replicates=2), reliability(held_out, replicates=2)):
        assert alarm(result) == "NOT CONFIRMED"  # twenty draws tell nothing of their weights
        assert result.attrs["verdict"] == "2 of 2 folds converged; accuracy of their fits: 2 doubtful."
