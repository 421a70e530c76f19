"Whether a task fits: parity with eRm, level and power of every test, and the simplest inputs."

import json
import time
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from scipy.special import expit
from scipy.stats import norm

from agentirt_nb.data.building import from_arrays
from agentirt_nb.data.leaderboards import load_leaderboard
from agentirt_nb.irt.fits import FitError, make_fit
from agentirt_nb.irt.inference import fit
from agentirt_nb.irt.item_fit import STATISTICS, local_dependence, tail_z, task_statistics

HERE = Path(__file__).parent


def board(agents, tasks, seed, *, inverted=0, coins=0, copies=0, slopes=0.0, trials=1, alike=None):
    "Outcomes whose first tasks are inverted, the next coins, and whose last tasks are copies of those before."
    rng = np.random.default_rng(seed)
    p = expit(np.exp(rng.normal(0, slopes, tasks)) * (rng.normal(0, 1.2, (agents, 1)) - rng.normal(0, 1.5, tasks)))
    p[:, :inverted] = 1 - p[:, :inverted]
    p[:, inverted : inverted + coins] = rng.uniform(0.2, 0.8, coins)
    k = rng.binomial(trials, p if alike is None else rng.beta(alike * p, alike * (1 - p)))
    k[:, tasks - copies :] = k[:, tasks - 2 * copies : tasks - copies]
    names = dict(agents=[f"agent {i + 1:03}" for i in range(agents)], tasks=[f"task {j + 1:03}" for j in range(tasks)])
    return from_arrays(k, np.full(k.shape, trials), **names)


def plain(k, n):
    "Outcomes with labels."
    names = dict(agents=[f"agent {i:03}" for i in range(len(k))], tasks=[f"task {j:03}" for j in range(k.shape[1])])
    return from_arrays(k, n, **names)


def simplest():
    "Successes and trials of outcomes that say next to nothing, by name."
    rng, ones = np.random.default_rng(1), np.ones((9, 12), int)
    half = rng.integers(0, 2, (9, 12))
    ran = ones.copy()
    ran[:, 0], ran[0], ran[3, 4:] = 0, 0, 0
    cases = dict(agent=(half[:1], ones[:1]), task=(half[:, :1], ones[:, :1]), cell=(half[:1, :1], ones[:1, :1]))
    cases |= {"all pass": (ones, ones), "all fail": (0 * ones, ones), "nothing": (0 * ones, 0 * ones)}
    return cases | {"missing": (half * ran, ran), "runs": (rng.binomial(3, 0.5, (9, 12)), 3 * ones)}


def by_hand(outcomes, ability=None, difficulty=None, curve="1pl", noise="binomial", **more):
    "A fit with these parameters, without fitting."
    rng, posterior = np.random.default_rng(0), {}
    for name, dim, given in (("ability", "agent", ability), ("difficulty", "task", difficulty)):
        middle = rng.normal(0, 1, outcomes.sizes[dim]) if given is None else np.asarray(given)
        posterior[name] = ("chain", "draw", dim), middle[None, None]
    posterior |= {name: (("chain", "draw", *dims), np.asarray(values)[None, None]) for name, (dims, values) in more.items()}
    about = dict(curve=curve, noise=noise, method="by hand", converged="yes", verdict="Made by hand.", kind="simulated")
    return make_fit(xr.Dataset(posterior, dict(agent=outcomes.agent.values, task=outcomes.task.values)), outcomes, about)


@cache
def fits(number, agents, tasks, first=0, **how):
    return [fit(board(agents, tasks, first + seed, **how), ability="agent", progress=False) for seed in range(number)]


def levels(tables):
    "Shares of p below .05, by statistic, of all tasks that could be tested."
    of = lambda name: np.concatenate([table[name].values for table in tables])
    return {name: float(np.nanmean(of(name)[np.isfinite(of(name))] < 0.05)) for name in [*(f"{x}_p" for x in STATISTICS), "p"]}


# --- parity ---


def reference():
    "A board, its parameters and what eRm makes of them; item_fit.R wrote it."
    kept = {name: np.array(x) for name, x in json.loads((HERE / "reference" / "item_fit.json").read_text()).items()}
    k = kept["outcomes"].astype(int)
    outcomes = from_arrays(k, np.ones_like(k), agents=[f"agent {i:02}" for i in range(len(k))], tasks=list("abcdefghijklmn"))
    return kept, by_hand(outcomes, kept["ability"], kept["difficulty"])


def test_infit_outfit_and_q3_are_those_of_erm():
    kept, known = reference()
    table, pairs = task_statistics(known), local_dependence(known)
    np.testing.assert_allclose(table.infit, kept["infit"], atol=1e-6)
    np.testing.assert_allclose(table.outfit, kept["outfit"], atol=1e-6)
    at = [["abcdefghijklmn".index(x) for x in pairs[name].values] for name in ("task", "other")]
    assert pairs.sizes["pair"] == 91
    np.testing.assert_allclose(pairs.q3, kept["q3"][tuple(at)], atol=1e-6)


# --- level ---


def test_a_sum_at_the_end_of_what_it_may_be_is_as_far_out_as_its_chance_says():
    chances = np.log(np.array([[0.97, 0.9, 0.6], [0.03, 0.1, 0.4]]))[..., None]
    values = np.array([[0.0, 0, 0], [1.0, 2, 4]])[..., None]
    low, high = (norm.cdf(tail_z(values, chances, np.array([total])))[0] for total in (0.0, 7.0))
    np.testing.assert_allclose((low, 1 - high), (0.97 * 0.9 * 0.6 / 2, 0.03 * 0.1 * 0.4 / 2), rtol=1e-6)


def test_no_task_of_a_sound_board_of_14_agents_lies_far_out():
    tables = [task_statistics(each) for each in fits(5, 14, 100)]
    far = np.concatenate([np.abs(table[f"{name}_z"].values) for table in tables for name in STATISTICS])
    assert np.nanmax(far) < 5


def test_five_percent_are_five_percent_on_14_agents_and_on_60():
    for agents, tasks, number in ((14, 100, 5), (60, 200, 3)):
        found = levels([task_statistics(each) for each in fits(number, agents, tasks)])
        for name, share in found.items():
            assert 0.015 <= share <= 0.1, (agents, name, share)


@pytest.mark.slow
def test_the_level_of_every_statistic_lies_between_three_and_seven_percent():
    kinds = {
        "14": dict(agents=14, tasks=100),
        "60": dict(agents=60, tasks=200),
        "runs": dict(agents=30, tasks=60, trials=5, alike=3.0),
    }
    for name, how in kinds.items():
        tables = [task_statistics(each) for each in fits(40 if name == "14" else 20, first=500, **how)]
        found = levels(tables)
        assert all(0.03 <= share <= 0.07 for share in found.values()), (name, found)
        assert np.mean([int((table.q < 0.05).sum()) for table in tables]) <= 0.25, name


def test_replicates_count_what_the_closed_form_says():
    known = fits(5, 14, 100)[0]
    closed, counted = task_statistics(known), task_statistics(known, replicates=60, seed=0)
    apart = (closed.infit_p - counted.infit_p).values
    assert np.nanmean(np.abs(apart)) < 0.1
    assert abs(np.nanmean(apart)) < 0.06
    assert float(counted.p.min()) < 0.3


def test_runs_that_resemble_each_other_are_no_misfit_where_the_fit_knows_it():
    rng = np.random.default_rng(3)
    able, hard = rng.normal(0, 1.2, 40), rng.normal(0, 1.5, 60)
    p = expit(able[:, None] - hard)
    outcomes = plain(rng.binomial(5, rng.beta(3 * p, 3 * (1 - p))), np.full(p.shape, 5))
    aware = task_statistics(by_hand(outcomes, able, hard, noise="beta-binomial", concentration=((), 3.0)))
    naive = task_statistics(by_hand(outcomes, able, hard))
    assert (aware.infit_p < 0.05).mean() < 0.15
    assert (naive.infit_p < 0.05).mean() > 0.5


# --- power ---


@pytest.mark.parametrize("spread", [0.0, 0.3, 1.0])
def test_a_slope_for_each_task_leaves_no_task_odd_however_alike_the_agents_are(spread):
    rng = np.random.default_rng(1)
    logit = rng.normal(0, spread, (30, 1)) - rng.normal(0, 1.0, 60)
    outcomes = from_arrays(rng.binomial(1, expit(logit)), agents=[f"a{i}" for i in range(30)], tasks=[f"t{j}" for j in range(60)])
    found = task_statistics(fit(outcomes, "2pl", ability="agent", check=False, draws=200, progress=False))
    assert (found.q < 0.05).sum() <= 2


def test_seven_of_eight_inverted_tasks_of_200_are_found_at_half_a_false_one_a_board():
    tables = [task_statistics(each) for each in fits(3, 60, 200, 100, inverted=8)]
    assert np.mean([table.inverted[:8].sum() for table in tables]) >= 7
    assert np.mean([table.inverted[8:].sum() for table in tables]) <= 0.5
    assert np.mean([(table.q[:8] < 0.05).sum() for table in tables]) >= 7


def test_a_coin_is_told_from_an_inverted_task():
    tables = [task_statistics(each) for each in fits(3, 60, 200, 300, coins=8)]
    assert np.mean([table.coin[:8].sum() for table in tables]) >= 4
    assert np.mean([table.coin[8:].sum() for table in tables]) <= 1
    assert np.mean([table.inverted.sum() for table in tables]) <= 1


@pytest.mark.slow
def test_inverted_tasks_and_coins_are_found_on_twenty_boards():
    tables = [task_statistics(each) for each in fits(20, 60, 200, 1000, inverted=8)]
    assert np.mean([table.inverted[:8].sum() for table in tables]) >= 7
    assert np.mean([table.inverted[8:].sum() for table in tables]) <= 0.5
    tables = [task_statistics(each) for each in fits(20, 60, 200, 1100, coins=8)]
    assert np.mean([table.coin[:8].sum() for table in tables]) >= 4
    assert np.mean([table.coin[8:].sum() + table.inverted.sum() for table in tables]) <= 1


def test_copies_hang_together_and_nothing_else_does():
    tables = [local_dependence(each) for each in fits(2, 60, 200, 200, copies=6)]
    planted = {(f"task {j:03}", f"task {j + 6:03}") for j in range(189, 195)}
    for table in tables:
        named = table.dependent | table.same
        pairs = set(zip(table.task.values[named].tolist(), table.other.values[named].tolist()))
        assert len(pairs & planted) >= 5
        assert len(pairs - planted) <= 1
        assert (table.cluster > 0).sum() >= 10


def test_pairs_of_sound_tasks_are_left_alone_far_into_the_tail():
    for agents, tasks, number in ((14, 100, 5), (60, 200, 3)):
        tables = [local_dependence(each) for each in fits(number, agents, tasks)]
        p = np.concatenate([table.p.values for table in tables])
        assert 0.03 <= np.nanmean(p < 0.05) <= 0.07
        assert np.nanmean(p < 0.001) <= 0.002
        assert sum(int(table.dependent.sum()) for table in tables) <= 1


def test_tasks_that_misfit_each_alone_do_not_hang_together():
    known = fit(board(60, 200, 8, slopes=0.7), ability="agent", progress=False)
    assert local_dependence(known).dependent.sum() <= 1


# --- the simplest inputs ---


def test_the_simplest_outcomes_give_a_table_without_a_claim():
    for name, (k, n) in simplest().items():
        known = by_hand(plain(k, n))
        table, pairs = task_statistics(known), local_dependence(known)
        assert table.sizes["task"] == k.shape[1] and pairs.sizes["pair"] == k.shape[1] * (k.shape[1] - 1) // 2
        assert not (table.inverted | table.coin).any() and not pairs.dependent.any(), name
        if name in ("all pass", "all fail", "nothing"):
            assert np.isnan(table.p).all() and np.isnan(pairs.p).all()


def test_every_curve_and_noise_is_checked_by_its_own_chances():
    rng = np.random.default_rng(2)
    k, n = rng.binomial(5, 0.5, (20, 15)), np.full((20, 15), 5)
    runs = plain(k, n)
    flat = dict(difficulty=np.zeros(15), ability=np.zeros(20))
    tight = task_statistics(by_hand(runs, **flat))
    loose = task_statistics(by_hand(runs, **flat, noise="beta-binomial", concentration=((), 2.0)))
    assert 0.7 < tight.outfit.mean() < 1.3
    assert loose.outfit.mean() < 0.6  # five runs that resemble each other scatter more than these
    two = by_hand(board(20, 15, 0), curve="2pl", discrimination=(("task",), np.full(15, 2.0)))
    assert np.isnan(task_statistics(two).item_rest_p).sum() < 15
    assert task_statistics(two).infit.notnull().all()


def test_a_fit_of_shares_or_without_outcomes_is_refused_in_a_sentence():
    known = by_hand(board(5, 6, 0))
    with pytest.raises(FitError, match="is one of shares"):
        task_statistics(by_hand(board(5, 6, 0), noise="quasi-binomial"))
    bare = known.copy()
    bare["observed_data"] = xr.DataTree(known["observed_data"].to_dataset().drop_vars(["successes", "trials"]))
    with pytest.raises(FitError, match="has not kept its outcomes"):
        local_dependence(bare)


@pytest.mark.data
def test_a_fitted_verified_is_checked_in_seconds_and_its_requests_hang_together():
    verified = fit(load_leaderboard("swebench_verified", progress=False), progress=False)
    start = time.process_time()
    table, pairs = task_statistics(verified), local_dependence(verified)
    assert time.process_time() - start < 15  # two on an idle machine
    assert 100 < (table.q < 0.05).sum() < 250
    sets = pairs.cluster.sel(of_task=["psf__requests-1724", "psf__requests-1921", "psf__requests-2317"]).values
    assert sets[0] == sets[1] == sets[2] > 0
