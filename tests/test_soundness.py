"Is the benchmark sound: known figures, level and power by simulation, and the simplest inputs."

from functools import cache

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, logsumexp

from agentirt_nb.data.building import from_arrays
from agentirt_nb.data.leaderboards import load_leaderboard
from agentirt_nb.irt.designs import Priors
from agentirt_nb.irt.fits import FitError, draws
from agentirt_nb.irt.inference import fit
from agentirt_nb.irt.soundness import (
    CHECKS,
    dimensionality,
    loo_of,
    negative_control,
    predictive_checks,
    prior_sensitivity,
    saturation,
    score_reliability,
    with_log_likelihood,
)
from agentirt_nb.irt.soundness import (
    test_information as information_of,  # pytest would take it for a test
)


def board(
    agents=14, tasks=100, *, seed=0, spread=1.2, skill=0.0, slopes=0.0, runs=1, concentration=None, hard=1.5, ran=1.0, dates=0
):
    rng = np.random.default_rng(seed)
    able = rng.normal(0, spread, agents)
    able = np.sort(able) if dates else able
    logit = np.exp(rng.normal(0, slopes, tasks)) * (able[:, None] - rng.normal(0, hard, tasks))
    logit += skill * rng.normal(size=(agents, 1)) * np.where(np.arange(tasks) % 2, 1, -1)
    p = expit(logit)
    p = p if concentration is None else rng.beta(concentration * p, concentration * (1 - p))
    n = np.where(rng.random(p.shape) < ran, runs, 0)
    who = pd.DataFrame(index=[f"agent {i + 1:03d}" for i in range(agents)])
    if dates:
        who["date"] = pd.Timestamp("2024-01-01") + pd.to_timedelta(np.arange(agents) * dates, unit="D")
    return from_arrays(rng.binomial(n, p), n, agents=who, tasks=[f"task {j + 1:03d}" for j in range(tasks)])


@cache
def fitted(curve="1pl", **how):
    return fit(board(**how), curve, ability="agent", check=False, draws=200, progress=False)


@cache
def verified():
    return fit(load_leaderboard("swebench_verified", progress=False), progress=False)


@pytest.mark.data
def test_270_of_500_tasks_are_dead_among_the_top_25_of_verified():
    found = saturation(verified())
    row = found.sel(best=25)
    assert (int(row.all_pass), int(row.all_fail), int(row.alive)) == (230, 40, 230)
    assert int(found.all_fail[-1]) == 32  # solved by nobody
    assert "270 of 500 tasks are dead (230 all pass, 40 all fail)" in found.attrs["says"]
    assert 3.0 < found.attrs["pace"] < 5.0  # published: about 4.2 logits a year
    assert (found.early < found.date).all() and (found.date < found.late).all()


@pytest.mark.data
def test_the_top_ten_of_verified_are_told_apart_far_worse_than_all():
    found = score_reliability(verified())
    assert found.reliability.sel(among="all") > 0.98 and found.reliability.sel(among="top 10") < 0.8
    assert (found.lower <= found.reliability).all() and (found.reliability <= found.upper).all()


@pytest.mark.data
def test_verified_is_no_noise_and_more_than_one_skill_and_its_answer_does_not_hang_on_the_prior():
    assert negative_control(verified()).attrs["says"] == ""
    found = dimensionality(verified(), replicates=39)
    assert found.attrs["skills"] >= 3 and 0.2 < found["size"][0] < 0.6
    assert not (prior_sensitivity(verified()).verdict != "").any()
    assert "spread of item-rest correlations" in predictive_checks(verified(), replicates=60).attrs["says"]


def test_information_is_the_sum_of_p_times_one_minus_p_and_of_alike_runs_less():
    one = fitted()
    found = information_of(one, [-1.0, 0.5])
    p = expit(np.array([-1.0, 0.5])[:, None] - draws(one, "difficulty").values.astype(float)[::4][:, None])
    np.testing.assert_allclose(found.information, (p * (1 - p)).sum(2).mean(0), rtol=0.02)
    np.testing.assert_allclose(found.se, found.information**-0.5)
    alike = fitted(runs=5, concentration=2.0)
    gain = information_of(alike, [0.0]).information / information_of(one, [0.0]).information
    assert 1.2 < float(gain[0]) < 3.5  # five runs that are alike are not five times as much


def test_standard_errors_are_those_of_the_posterior():
    one = fitted(agents=60, tasks=200)
    found = information_of(one)
    own = draws(one).std("sample").sel(agent=found.agent.values)
    np.testing.assert_allclose(found.se_at, own, rtol=0.25)


def test_standard_errors_of_a_fit_with_groups_are_about_tasks_of_other_groups():
    rng, group = np.random.default_rng(0), np.arange(90) % 9
    eta = rng.normal(0, 1.2, (60, 1)) + rng.normal(0, 0.6, (60, 9))[:, group] - rng.normal(0, 1.5, 90)
    tasks = pd.DataFrame(dict(group=group.astype(str)), [f"task {j}" for j in range(90)])
    outcomes = from_arrays(
        rng.binomial(5, expit(eta)), np.full(eta.shape, 5), agents=[f"agent {i}" for i in range(60)], tasks=tasks
    )
    made = fit(outcomes, ability="agent", groups=True, check=False, progress=False)
    found = information_of(made)
    own = draws(made).astype(float).sel(agent=found.agent.values).var("sample")
    alone = (1 / own - 1 / (draws(made, "ability_sd").astype(float) ** 2).mean()) ** -0.5  # without the prior
    assert float((found.se_at / alone).mean()) == pytest.approx(1, abs=0.07)  # was 0.5
    assert found.attrs["ability_about"] == "tasks of other groups" and "for tasks of other groups" in found.attrs["says"]


def test_alpha_is_kr20_and_reliability_is_near_the_true_one():
    outcomes = board(agents=60, tasks=90)
    found = score_reliability(fit(outcomes, ability="agent", check=False, draws=200, progress=False)).sel(among="all")
    x = outcomes.successes.values.astype(float)
    np.testing.assert_allclose(float(found.alpha), 90 / 89 * (1 - x.var(0).sum() / x.sum(1).var()), rtol=1e-9)
    assert abs(float(found.reliability) - float(found.alpha)) < 0.05
    noise = score_reliability(fitted(spread=0.0)).sel(among="all")
    assert float(noise.alpha) < 0.4


def test_a_benchmark_with_a_known_pace_ends_when_it_should_and_one_without_dates_says_so():
    undated = saturation(fitted())
    assert np.isnat(undated.date.values).all() and "No day of its end" in undated.attrs["says"]
    dated = fitted(agents=60, tasks=90, dates=12)
    slow, fast = (saturation(dated, pace=pace) for pace in (1.0, 4.0))
    last = np.datetime64("2024-01-01") + np.timedelta64(59 * 12, "D")
    for found, pace in ((slow, 1.0), (fast, 4.0)):
        years = (found.date.values - last) / np.timedelta64(365, "D")
        np.testing.assert_allclose(years, found.gap.values / pace, atol=0.1)
    by_trend = saturation(dated)
    assert by_trend.attrs["pace"] > 0 and (by_trend.early <= by_trend.late).all()


@pytest.mark.parametrize(
    "how", [dict(), dict(agents=60, tasks=90), dict(slopes=0.5, agents=60, tasks=90), dict(runs=5, concentration=2.0)]
)
def test_one_skill_is_seldom_called_two(how):
    assert sum(dimensionality(fitted(seed=s, **how), replicates=39).attrs["skills"] > 1 for s in range(5)) <= 2


def test_a_second_skill_is_found_with_its_size_and_its_tasks():
    found = dimensionality(fitted(agents=60, tasks=90, skill=0.8), replicates=39)
    assert found.attrs["skills"] == 2 and 0.5 < float(found["size"][0]) < 1.1
    sides = np.sign(found.of_task[0].values) * np.where(np.arange(90) % 2, 1, -1)
    assert abs(sides.mean()) > 0.6
    assert dimensionality(fitted(skill=1.0), replicates=39).attrs["skills"] >= 2  # of 14 agents


def test_replicates_look_like_outcomes_of_the_model_and_unlike_others():
    assert sum("different" in predictive_checks(fitted(seed=s)).attrs["says"] for s in range(4)) <= 1
    bent = predictive_checks(fitted(agents=60, tasks=90, slopes=0.8))
    assert "spread of item-rest correlations" in bent.attrs["says"]
    plain = fit(board(runs=5, concentration=1.0), ability="agent", noise="binomial", check=False, draws=200, progress=False)
    assert "pairs with mixed runs" in predictive_checks(plain).attrs["says"]


def test_left_out_scores_are_those_of_arviz_on_all_results():
    one = fitted(agents=30, tasks=40)
    every, some = loo_of(one, cells=10_000), loo_of(one, cells=300)
    from arviz_stats.base import array_stats

    chances = with_log_likelihood(one)["log_likelihood"].successes.values
    direct = array_stats.loo(chances.transpose(2, 0, 1), chain_axis=1, draw_axis=2)[0].sum()
    np.testing.assert_allclose(float(every.elpd), direct, rtol=1e-6)
    assert abs(float(some.elpd - every.elpd)) < 5
    assert float(every.elpd) < (logsumexp(chances[0], 0) - np.log(chances.shape[1])).sum()


@pytest.mark.slow
def test_left_out_scores_prefer_the_right_curve():
    bent = board(agents=60, tasks=90, slopes=0.8)
    of = lambda curve: float(loo_of(fit(bent, curve, ability="agent", check=False, draws=200, progress=False)).elpd)
    assert of("2pl") > of("1pl") + 20


def test_a_tight_prior_is_noticed_and_a_loose_one_is_not():
    tight = fit(board(14, 30), ability="agent", priors=Priors(ability_sd=0.05), check=False, progress=False)
    found = prior_sensitivity(tight).sel(quantity="spread of abilities")
    assert float(found.prior) > 0.05 and float(found.doubled) < 0 and str(found.verdict.item()) != ""
    assert "Nothing" in prior_sensitivity(fitted(agents=60, tasks=90)).attrs["says"]


def test_between_groups_that_share_no_task_the_prior_decides():
    outcomes = board(14, 30)
    own = (np.arange(14) < 7)[:, None] == (np.arange(30) < 15)
    outcomes = outcomes.assign({name: outcomes[name] * own for name in ("successes", "trials")})
    found = prior_sensitivity(fit(outcomes, ability="agent", check=False, progress=False))
    assert found.attrs["says"].startswith("The prior decides between the 2 groups of agents that share no task.")
    assert "Nothing that is" not in found.attrs["says"] and found.verdict.values[-1] == "the prior decides"


def test_noise_is_called_noise_loudly_and_a_real_board_is_not():
    no = [negative_control(board(spread=0.0, seed=s), ability="agent", seed=s) for s in range(4)]
    assert sum(x.attrs["better"] == "no" for x in no) >= 3
    assert all("NO BETTER THAN NOISE" in x.attrs["says"] for x in no if x.attrs["better"] == "no")
    assert all(negative_control(board(seed=s), ability="agent").attrs["says"] == "" for s in range(2))


@pytest.mark.slow
@pytest.mark.parametrize("how", [dict(), dict(agents=60, tasks=200), dict(runs=5)])
def test_noise_is_called_noise_on_nineteen_of_twenty_boards(how):
    said = [
        negative_control(board(spread=0.0, seed=s, **how), ability="agent", seed=s).attrs["better"] == "no" for s in range(60)
    ]
    assert np.mean(said) >= 0.93


@pytest.mark.slow
@pytest.mark.parametrize(
    "how", [dict(), dict(agents=60, tasks=200), dict(agents=60, tasks=200, slopes=0.5), dict(runs=5, concentration=2.0)]
)
def test_one_skill_is_called_two_on_one_board_of_twenty(how):
    assert np.mean([dimensionality(fitted(seed=s, **how)).attrs["skills"] > 1 for s in range(60)]) <= 0.1  # 60 boards


@pytest.mark.parametrize(
    "agents, tasks, rate",
    [(1, 6, 0.5), (2, 6, 0.5), (6, 1, 0.5), (8, 10, 1.0), (8, 10, 0.0)],
    ids=["one", "two", "task", "pass", "fail"],
)
def test_the_simplest_boards_raise_nothing_and_find_nothing(agents, tasks, rate):
    k = np.random.default_rng(0).binomial(1, rate, (agents, tasks))
    outcomes = from_arrays(k, np.ones_like(k), agents=[f"a{i}" for i in range(agents)], tasks=[f"t{j}" for j in range(tasks)])
    one = fit(outcomes, progress=False, draws=50, check=False)
    assert np.isfinite(information_of(one).information).all()
    assert dimensionality(one, replicates=19).attrs["skills"] == 1
    assert "look like" in predictive_checks(one, replicates=20).attrs["says"]
    dead = saturation(one).isel(best=-1)
    assert int(dead.all_pass + dead.all_fail + dead.alive) == tasks
    assert np.isfinite(float(loo_of(one).elpd)) and prior_sensitivity(one).sizes["quantity"] > 0
    assert score_reliability(one).sizes["among"] == 1
    if min(agents, tasks) < 4:
        with pytest.raises(FitError, match="four agents"):
            negative_control(outcomes)
    else:
        assert negative_control(outcomes).attrs["better"] == "no"


HOW = [
    ("1pl", "beta-binomial"),
    *(pytest.param(*x, marks=pytest.mark.slow) for x in (("1pl", "logit-normal"), ("2pl", "binomial"))),
]


@pytest.mark.parametrize("curve, noise", HOW)
def test_missing_cells_several_runs_and_every_noise_are_honoured(curve, noise):
    one = fit(board(14, 30, runs=3, ran=0.7), curve, noise=noise, ability="agent", check=False, draws=60, progress=False)
    checks = predictive_checks(one, replicates=20)
    assert checks.sizes["check"] == len(CHECKS) and np.isfinite(checks.p.sel(check="pairs with mixed runs"))
    assert np.isfinite(float(loo_of(one).elpd)) and dimensionality(one, replicates=9).sizes["skill"] == 5
    assert (with_log_likelihood(one)["log_likelihood"].successes <= 0).all()
