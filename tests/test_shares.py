"""A fit of partial credit (noise "quasi-binomial") is asked what a fit of passes is asked: the answer is about shares, or a
sentence says why there is none."""

import warnings

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

import agentirt_nb as irt
from agentirt_nb.data.describing import solved_by
from agentirt_nb.irt.fits import FitError, outcomes_of
from agentirt_nb.irt.remainders import cells_of
from agentirt_nb.quanta.dated_abilities import benchmark_draws
from agentirt_nb.quanta.skill_order import scalability
from agentirt_nb.views.response_curves import outcomes_by_ability

AGENTS, TASKS = 30, 60
ABILITY = np.linspace(-1.5, 1.5, AGENTS)
HOW = dict(ability="agent", noise="quasi-binomial", progress=False)


@pytest.fixture(scope="module")
def board():
    "Shares of eight checks, which resemble each other: worth six independent ones. Few cells pass all eight."
    rng = np.random.default_rng(0)
    p = expit(ABILITY[:, None] - rng.normal(size=TASKS))
    share = rng.binomial(8, rng.beta(20 * p, 20 * (1 - p))) / 8
    days = pd.date_range("2024-01-01", periods=AGENTS, freq="20D")
    agents = pd.DataFrame(
        dict(llm=[f"llm {i // 2}" for i in range(AGENTS)], date=days), [f"agent {i:02d}" for i in range(AGENTS)]
    )
    tasks = pd.DataFrame(dict(group=[f"group {j % 2}" for j in range(TASKS)]), [f"task {j:02d}" for j in range(TASKS)])
    return irt.from_arrays((share == 1).astype(int), share=share, agents=agents, tasks=tasks, benchmark="b")


@pytest.fixture(scope="module")
def new(board):
    return board.isel(agent=slice(2, None, 5))


@pytest.fixture(scope="module")
def fitted(board, new):
    some = board.sel(agent=~board.agent.isin(new.agent))
    return irt.fit(some, **HOW)


@pytest.fixture(scope="module")
def share(board, fitted):
    return board.share.sel(agent=fitted.posterior.agent).values


def test_the_score_of_a_new_agent_is_that_of_a_fit_of_all(board, new, fitted):
    one = new.isel(agent=[3])
    whole = irt.fit(board.sel(agent=[*fitted.posterior.agent.values, *one.agent.values]), **HOW)
    scored, refitted = irt.score(fitted, one), irt.summarise(whole).sel(agent=str(one.agent.values[0]))
    found = irt.summarise(scored).sel(agent=str(one.agent.values[0]))
    assert abs(float(found["mean"] - refitted["mean"])) < 0.5 * float(refitted["sd"])
    assert float(found["sd"]) == pytest.approx(float(refitted["sd"]), rel=0.2)
    assert np.allclose(outcomes_of(scored).successes.sel(agent=one.agent), one.share) and scored.attrs["converged"] == "yes"
    with pytest.raises(FitError, match="give them a layer `share`"):
        irt.score(fitted, one.drop_vars("share"))


def test_scores_by_curve_and_by_set_are_means_of_shares(new, fitted):
    few = new.isel(task=slice(0, None, 2))
    assert np.abs(irt.score_by_curve(fitted, few).values - new.share.mean("task").values).max() < 0.06
    mini = irt.mini_benchmark(fitted, 20)
    assert np.allclose(mini.pass_rate, fitted.observed_data.share.mean("agent").sel(task=mini.task), atol=0.03)
    assert np.abs(irt.score_by_set(mini, new).score.values - new.share.mean("task").values).max() < 0.1


def test_a_set_of_shares_is_kept_where_that_can_be_said(new, fitted, tmp_path):
    mini = irt.mini_benchmark(fitted, 20)
    with pytest.raises(FitError, match=r"let its name end in \.json"):
        irt.save_task_set(mini, tmp_path / "some.csv")
    again = irt.open_task_set(irt.save_task_set(mini, tmp_path / "some.json"))
    assert np.allclose(irt.score_by_set(again, new).score, irt.score_by_set(mini, new).score, atol=1e-6)


def test_what_is_expected_of_a_share_is_as_sure_as_several_runs(fitted, share):
    cells = cells_of(fitted)
    z = cells.left / np.sqrt(cells.weight)
    assert np.allclose(cells.k, share) and abs(float(z.std()) - 1) < 0.1
    seen = irt.test_information(fitted)
    sd = fitted.posterior.ability.std(["chain", "draw"]).sel(agent=seen.agent.values)
    assert np.allclose(seen.se_at, sd, rtol=0.2)
    assert abs(float(irt.score_reliability(fitted).alpha[0] - irt.score_reliability(fitted).reliability[0])) < 0.05


def test_checks_find_nothing_where_nothing_is_wrong(fitted):
    screens = irt.adequacy_of(fitted)
    assert fitted.attrs["adequacy"] == screens.attrs["adequacy"] == "sound" and not screens.flagged.any()
    assert irt.dimensionality(fitted, seed=0).attrs["skills"] == 1
    assert not (irt.group_shifts(fitted).q <= 0.05).any()
    assert len(irt.task_report(fitted)) == 0 and irt.saturation(fitted).alive[-1] == TASKS
    runs = irt.runs_of(fitted, "task 03")
    assert np.abs(runs.off).max() < 4 and (runs.passed - runs.expected).mean() == pytest.approx(0, abs=0.05)


def test_tasks_and_agents_whose_shares_are_those_of_another_are_copies(board):
    names = lambda fit, screen: str(irt.adequacy_of(fit).says.sel(screen=screen).values)
    again, noise = board.copy(deep=True), 1e-12 * np.random.default_rng(0).random(AGENTS)
    again["share"][:, 7] = again.share.values[:, 3].clip(0, 1 - 1e-11) + noise  # as another program would sum them
    found = irt.fit(again, **HOW)
    assert "1 of 60 tasks repeats another (task 07 is task 03)" in names(found, "copied tasks")
    assert names(found, "copied agents") == ""
    again = board.copy(deep=True)
    again["share"][9], again["successes"][9] = again.share.values[4], again.successes.values[4]
    assert "1 of 30 agents repeats another (agent 09 is agent 04)" in names(irt.fit(again, **HOW), "copied agents")


def test_groups_are_seen_and_fitted(board):
    rng, group = np.random.default_rng(0), (board.group.values == "group 0")
    p = expit(ABILITY[:, None] + 0.8 * rng.normal(size=(AGENTS, 1)) * np.where(group, 1, -1) - rng.normal(size=TASKS))
    uneven = board.assign(share=(("agent", "task"), rng.beta(6 * p, 6 * (1 - p))))
    made = irt.fit(uneven, groups="auto", **HOW)
    assert made.attrs["groups"] == "on" and 0.5 < float(made.posterior.group_sd.mean()) < 1.4


def test_shuffled_shares_foretell_nothing(fitted, board):
    few = dict(shuffles=19, seed=0)
    control = irt.negative_control(fitted, **few)
    assert control.attrs["better"] == "yes" and np.abs(control.shuffled).max() < 0.01 < control.gain
    same = irt.negative_control(board.sel(agent=fitted.posterior.agent.values), noise="quasi-binomial", **few)
    assert np.allclose(control.gain, same.gain) and np.allclose(control.shuffled, same.shuffled)


def test_the_order_of_skills_is_compared_with_simulated_shares(board, fitted):
    some = board.sel(agent=fitted.posterior.agent.values)
    seen = irt.reversal_rates(some, fitted, replicates=40, seed=0)
    inside = (seen.observed >= seen.simulated_lower[0]) & (seen.observed <= seen.simulated_upper[0])
    assert inside.where(seen.observed.notnull()).sum() >= 5 and seen.model.values.tolist() == ["quasi-binomial"]
    h = scalability(some, fitted, replicates=40, seed=0)
    assert h.simulated_lower[0] - 0.02 < h.h < h.simulated_upper[0] + 0.02


def test_a_task_is_solved_by_nobody_where_all_shares_are_nought(fitted, board):
    assert set(irt.predict(fitted).solved_by.values) == {"some"} and set(solved_by(outcomes_of(fitted)).values) == {"some"}
    assert (solved_by(board) == "nobody").any()  # by passes
    assert benchmark_draws(fitted).solved.all() and benchmark_draws(fitted).attrs["beyond"] == ""


def test_reruns_and_groups_of_agents_have_shares(fitted, share):
    again = irt.share_passed(fitted, seed=0)
    sd = np.sqrt((share * (1 - share)).mean(1) / 6 / TASKS)
    assert np.allclose(again.mean("sample"), share.mean(1), atol=0.03) and np.all(again.std("sample").values < 2.5 * sd)
    grouped = outcomes_by_ability(fitted, ["task 03"])
    assert np.average(grouped.share[0], weights=grouped.agents[0]) == pytest.approx(share[:, 3].mean())


def test_a_design_counts_on_shares(board, fitted):
    found = irt.design_benchmark(fitted, board.task.values[:20].tolist(), 8, agent="agent 15", seed=0).attrs
    assert found["se"] == pytest.approx(1 / np.sqrt(6 * 8 * 0.25), rel=0.1)  # of eight even chances, each as sure as six runs
    assert found["score_upper"] - found["score_lower"] < 0.35  # of eight runs: 0.5


def test_forecasts_are_judged_by_shares(board, fitted):
    early = irt.fit(board.isel(task=slice(40)), **HOW)
    seen = irt.foreseen(early, board.isel(task=slice(40, None)))
    assert np.allclose(seen.successes, board.share[:, 40:])
    assert irt.evaluate(seen, replicates=0).sel(statistic="value").auc.item() > 0.6


@pytest.mark.parametrize("verb", ["session_prior", "predictive_checks", "loo_of", "prior_sensitivity", "simulate_outcomes"])
def test_what_takes_a_law_of_passes_says_so(verb, fitted):
    with warnings.catch_warnings(), pytest.raises(FitError, match=r"of shares.* with noise='binomial'"):
        warnings.simplefilter("error")
        getattr(irt, verb)(fitted)
