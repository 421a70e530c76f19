"""Replays: the error of chance, many sessions at once beside one by one, intervals, and what is learned from other agents."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from agentirt_nb.data.building import from_arrays
from agentirt_nb.data.leaderboards import fetch, load_leaderboard
from agentirt_nb.irt.fits import FitError
from agentirt_nb.irt.inference import fit
from agentirt_nb.irt.replays import (
    CRITERIA,
    error_ratio,
    published_reliability,
    random_error,
    replay_sessions,
    session_errors,
    simulate_sessions,
    stopped,
)
from agentirt_nb.irt.session_model import believe, gains, progress_of, session_prior


def board(agents=40, tasks=80, *, seed=0, bend=0.0, groups=0.0, holes=0.0):
    "Outcomes of agents that are better or worse at hard tasks (bend) and at some groups than their ability says."
    rng = np.random.default_rng(seed)
    hard, of = rng.normal(0, 2, tasks), np.arange(tasks) % 8
    logit = rng.normal(0, 1.3, (agents, 1)) - hard + rng.normal(0, bend, (agents, 1)) * (hard > 1)
    logit += rng.normal(0, groups, (agents, 8))[:, of]
    names = dict(agents=[f"agent {i:03}" for i in range(agents)])
    about = pd.DataFrame(dict(benchmark="b", group=[f"group {g}" for g in of]), index=[f"task {j:03}" for j in range(tasks)])
    trials = (rng.random(logit.shape) >= holes).astype(int)
    passed = (rng.random(logit.shape) < 1 / (1 + np.exp(-logit))) * trials
    return from_arrays(passed.astype(int), trials, tasks=about, **names, attrs=dict(kind="simulated"))


@pytest.fixture(scope="module")
def small():
    outcomes = board(holes=0.1)
    new = outcomes.isel(agent=slice(34, 40))
    known = fit(outcomes.isel(agent=slice(34)), ability="agent", check=False, draws=100, progress=False)
    return session_prior(known), new


def test_the_error_of_chance_is_what_many_draws_by_lot_give():
    outcomes, rng = board(3, 30, holes=0.3, seed=4), np.random.default_rng(0)
    exact = random_error(outcomes, [1, 7, 25])
    for i, agent in enumerate(outcomes.agent.values):
        ran = outcomes.trials.values[i] > 0
        results = outcomes.successes.values[i][ran].astype(float)
        for m in (1, 7):
            drawn = rng.permuted(np.tile(results, (20_000, 1)), axis=1)[:, :m].mean(1)
            assert abs(exact.sel(budget=m, agent=agent) - np.abs(drawn - results.mean()).mean()) < 0.004
        assert np.isnan(exact.sel(budget=25, agent=agent)) == (ran.sum() < 25)


@pytest.mark.data
def test_the_published_oracle_row_comes_out_to_the_third_digit():
    pro = load_leaderboard("swebench_pro", progress=False)
    table = pd.read_csv(fetch("data/swebench_pro/irt/1d_1pl/items.csv", progress=False), index_col=0)
    own = published_reliability(pro, table.b.reindex(pro.task.values))
    assert np.abs(own - [0.727, 0.910, 0.946, 0.972, 0.984]).max() < 0.0006
    assert np.abs(100 * random_error(pro).mean("agent") - [10.81, 6.67, 4.62, 3.14, 2.02]).max() < 0.005


def test_reliability_of_given_tasks_is_that_of_the_rule_that_chose_them():
    outcomes = board(12, 60, seed=2)
    hard = np.linspace(-3, 3, 60)
    by_rule = published_reliability(outcomes, hard, budgets=[5, 20])
    order = xr.DataArray(np.tile(np.argsort(np.abs(hard)), (2, 12, 1)), dims=("run", "agent", "budget"))
    given = published_reliability(outcomes, hard, order, budgets=[5, 60])
    assert given.dims == ("run", "budget") and np.allclose(given[0], given[1])
    everything = published_reliability(outcomes, hard, budgets=[60])
    assert np.isclose(given.sel(budget=60)[0], everything[0])  # all tasks are all tasks, in any order
    assert by_rule[0] < by_rule[1]


@pytest.mark.parametrize("criterion", ["score", "ability", "information", "mutual information"])
def test_sessions_that_step_together_are_those_of_the_sessions_model(small, criterion):
    prior, new = small
    found = simulate_sessions(prior, new, criteria=[criterion], budget=12, seed=5)
    for i in (0, 3):
        passed, ran, has = np.zeros(80), np.zeros(80), new.trials.values[i] > 0
        for step in range(12):
            worth = gains(prior, believe(prior, passed, ran), ran, criterion=criterion, target=has)
            left = (ran == 0) & has
            j = int(found.chosen[0, 0, i, step])
            assert left[j] and worth[j] >= worth[left].max() * (1 - 2e-3)
            passed[j], ran[j] = new.successes.values[i, j], 1
            one = progress_of(prior, passed, ran, target=has, prob=float(found.attrs["prob"]))
            at = found.isel(criterion=0, run=0, agent=i, budget=step)
            for name, mine in dict(value=at.score, lower=at.lower, upper=at.upper).items():
                assert abs(float(one[name].sel(of="score")) - float(mine)) < (3e-3 if name == "value" else 1.01 / has.sum())
            assert abs(float(one.value.sel(of="ability")) - float(at.ability)) < 0.02


def test_an_agent_is_given_a_task_once_and_only_what_it_ran(small):
    prior, new = small
    for batch in (1, 7):
        found = simulate_sessions(prior, new, criteria=CRITERIA, budget=40, batch=batch, runs=2, perturb=0.15, seed=1)
        chosen = found.chosen.transpose("criterion", "run", "agent", "budget").values
        for i in range(6):
            assert (new.trials.values[i][chosen[:, :, i]] == 1).all()
            assert all(len(set(row)) == 40 for row in chosen[:, :, i].reshape(-1, 40))
        assert (found.lower <= found.upper).all() and (found.lower >= 0).all() and (found.upper <= 1).all()


def test_with_all_tasks_run_the_score_is_the_score():
    outcomes = board(12, 25, seed=3)
    known = fit(outcomes.isel(agent=slice(8)), ability="agent", check=False, draws=100, progress=False)
    last = simulate_sessions(session_prior(known), outcomes.isel(agent=slice(8, 12)), budget=25).isel(budget=-1)
    for name in ("score", "plain", "lower", "upper"):
        assert np.allclose(last[name], last.truth)


def test_luck_by_lot_changes_what_is_chosen_and_a_seed_brings_it_back(small):
    prior, new = small
    how = dict(criteria=["score"], budget=15, runs=2, seed=3)
    same, luck, again = (simulate_sessions(prior, new, perturb=x, **how).chosen.values for x in (0.0, 0.3, 0.3))
    assert (luck == again).all() and (luck[:, 0] != luck[:, 1]).mean() > 0.3
    assert (same[:, 0] == same[:, 1]).mean() > 0.9


def test_same_tasks_are_the_same_for_all_and_others_for_another_run(small):
    prior, new = small
    full = new.assign(trials=xr.ones_like(new.trials))
    chosen = simulate_sessions(prior, full, criteria=["same tasks"], budget=10, runs=2, seed=1).chosen.values[0]
    assert (chosen[0] == chosen[0][:1]).all() and (chosen[0, 0] != chosen[1, 0]).any()


def test_intervals_hold_at_fixed_numbers_and_where_sessions_stop(small):
    found = simulate_sessions(small[0], agents=300, budget=50, seed=2)
    inside = (found.lower <= found.truth + 1e-9) & (found.upper >= found.truth - 1e-9)
    share = inside.sel(budget=[10, 25, 50]).mean(["run", "agent"])
    assert (share > 0.85).all() and (share < 0.97).all()
    for width in (0.1, 0.06):
        at = stopped(found, width)
        assert 0.85 < at.covered.sel(criterion="score").mean() < 0.97
        assert at.tasks_run.sel(criterion="score").mean() < at.tasks_run.sel(criterion="random").mean()


def test_the_rule_and_the_model_beat_chance_on_agents_that_the_fit_has_not_seen():
    outcomes = board(60, 100, seed=7, bend=0.5, groups=0.4)
    found = session_errors(replay_sessions(outcomes, folds=3, budget=50, criteria=["score"], seed=1), [10, 25, 50])
    ratio = found.error.isel(criterion=0, run=0) / random_error(outcomes, [10, 25, 50]).mean("agent")
    assert (ratio < 0.75).all()
    assert found.tau.sel(budget=50).item() > 0.75 and found.rest.sel(budget=50).item() > 0.6
    assert (found.right > 0.9).all() and (found.decided.diff("budget") > -0.02).all()


def test_the_interval_of_a_ratio_holds_it_in_nine_of_ten_samples_of_agents():
    rng, held = np.random.default_rng(0), 0
    for _ in range(100):
        base = rng.gamma(4, 0.01, 30)
        name = dict(agent=np.arange(30))
        error = xr.DataArray(0.6 * base * rng.gamma(4, 1 / 4, 30), name, ("agent",))
        found = error_ratio(error, xr.DataArray(base, name, ("agent",)), prob=0.9, replicates=200, seed=1)
        held += float(found.lower) <= 0.6 <= float(found.upper)
    assert 80 <= held <= 97


def test_how_far_agents_deviate_by_group_is_learned_from_other_agents():
    sds = {}
    for much in (0.0, 1.2):
        known = fit(board(40, 160, groups=much, seed=9), ability="agent", check=False, draws=100, progress=False)
        prior = session_prior(known)
        at = [i for i, name in enumerate(prior.effect.values) if str(name).startswith("group")]
        sds[much] = float(np.sqrt(prior.covariance.values[at[0], at[0]]))
    assert sds[0.0] < 0.36 and 0.8 < sds[1.2] < 1.6


def test_tasks_that_nobody_solved_share_a_band():
    outcomes = board(9, 120, seed=5)
    outcomes = outcomes.assign(successes=outcomes.successes.where(np.arange(120) >= 50, 0))
    prior = session_prior(fit(outcomes, ability="agent", check=False, draws=100, progress=False))
    nobody = (outcomes.successes.sum("agent") == 0).sel(task=prior.task.values).values
    assert len(set(prior.band.values[nobody].tolist())) == 1


def test_what_cannot_be_replayed_is_told(small):
    prior, new = small
    with pytest.raises(FitError, match="take one from 1 to"):
        simulate_sessions(prior, new, budget=79)
    with pytest.raises(FitError, match="criterion"):
        simulate_sessions(prior, new, criteria=["scores"], budget=5)
    with pytest.raises(FitError, match="no task 'task 000'"):
        simulate_sessions(prior, new.isel(task=slice(1, None)), budget=5)
    with pytest.raises(FitError, match="no agent in common"):
        error_ratio(random_error(new, [5]), random_error(new, [5]).assign_coords(agent=[f"x{i}" for i in range(6)]))
