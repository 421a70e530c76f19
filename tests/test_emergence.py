"""Failure law, exponents, frontier and forecasts against simulated truth; verdicts, censoring and bad input."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from numpyro.infer import MCMC, NUTS
from scipy.integrate import quad
from scipy.special import expit

from agentirt_nb.data.building import from_arrays
from agentirt_nb.irt.fits import FitError
from agentirt_nb.irt.inference import fit
from agentirt_nb.irt.snapshot import load_snapshot
from agentirt_nb.quanta.dated_abilities import benchmark_draws
from agentirt_nb.quanta.difficulty_tails import difficulty_tail
from agentirt_nb.quanta.failure import EXPONENTS, FORMS, _curve, compare_exponents, failure_curve, failure_law, weighted_line
from agentirt_nb.quanta.forecasts import (
    FORECASTERS,
    _frontier_draws,
    _scores,
    emergence,
    first_solves,
    forecast_check,
    frontier_model,
    frontier_trend,
)
from agentirt_nb.quanta.steps import STEP_CURVES, _fit_smooth, _fit_step, step_share
from agentirt_nb.quanta.task_fits import fit_tasks

C, SPEED = 0.4, 3.0  # exponent per logit, logits a year


def world(seed, agents=90, tasks=200, years=3.0, seen=2.0, scatter=0.4):
    "Outcomes until `seen` of agents whose ability is linear in date, on tasks with exponential difficulties; and the truth."
    rng = np.random.default_rng([5, seed])
    known = round(agents * seen / years)  # the same in every world, so that all share their programs
    year = np.sort(np.r_[rng.uniform(0, seen, known), rng.uniform(seen, years, agents - known)])
    ability, difficulty = SPEED * year + scatter * rng.standard_normal(agents), rng.exponential(1 / C, tasks)
    labels = [f"agent {i}" for i in range(agents)]
    about = pd.DataFrame(
        dict(llm=[f"LLM {i // 2}" for i in range(agents)], scaffold=[f"scaffold {i % 3}" for i in range(agents)]), index=labels
    )
    about["date"] = pd.Timestamp("2024-01-01") + pd.to_timedelta((year * 365.2425).round(), unit="D")
    solved = (rng.random((agents, tasks)) < expit(ability[:, None] - difficulty)).astype(int)
    passing = np.where(ability[:, None] >= difficulty, about.date.values[:, None], np.datetime64("2100-01-01")).min(0)
    make = lambda n: from_arrays(
        solved[:n],
        agents=about.iloc[:n],
        tasks=[f"task {j}" for j in range(tasks)],
        benchmark="world",
        attrs=dict(kind="simulated"),
    )
    return make(known), make(agents), ability[:known], difficulty, passing


@pytest.fixture(scope="module")
def one():
    outcomes, everything, ability, difficulty, passing = world(0)
    return outcomes, everything, fit(outcomes, progress=False), ability, difficulty, passing


def recovered(seeds):
    "Shares of intervals that hold the truth: c, slope of ability against date, dates of emergence (pooled over tasks); c found."
    holds, dates, found = [], [], []
    for seed in seeds:
        outcomes, _, _, _, passing = world(seed)
        fitted = fit_tasks(outcomes, "1pl", "exponential", seed=seed)
        law = failure_law(fitted, draws=150, seed=seed)
        speed = law.sel(law="ability against date")
        exponent = law.sel(way="ability, exponential")
        holds.append(
            [
                float(exponent.exponent_lower) < C < float(exponent.exponent_upper),
                float(speed.slope_lower) < SPEED < float(speed.slope_upper),
            ]
        )
        found.append(float(exponent.exponent))
        when = emergence(fitted, draws=200, seed=seed)
        scored = (passing > np.datetime64("2025-01-01")) & (passing < np.datetime64("2026-12-01"))
        inside = (when.date_lower <= passing) & ((when.date_upper >= passing) | when.date_upper.isnull())
        dates.append(inside.values[scored].mean())
    return np.mean(holds, 0), np.mean(dates), np.array(found)


def test_slopes_and_dates_are_recovered():
    (c, speed), dates, found = recovered(range(4))
    assert c >= 2 / 4 and speed >= 2 / 4
    assert dates > 0.8
    assert abs(found.mean() - C) < 0.06


@pytest.mark.slow
def test_coverage_over_sixty_worlds():
    (c, speed), dates, found = recovered(range(60))
    print(f"coverage: c {c:.2f}, speed {speed:.2f}, dates {dates:.2f}; mean c {found.mean():.3f}, sd {found.std():.3f}")
    assert c >= 0.85 and speed >= 0.8
    assert 0.85 <= dates <= 0.99
    assert abs(found.mean() / C - 1) < 0.05


def test_exact_failure_is_the_integral():
    for theta, c, easiest, slope in [(-1.0, 0.3, 0.5, 1.0), (3.0, 0.4, 0.0, 1.0), (4.0, 0.9, 1.0, 2.0)]:
        whole = quad(lambda b, t=theta, c=c, e=easiest, k=slope: c * np.exp(-c * (b - e)) * expit(k * (b - t)), easiest, 200)[0]
        at = dict(easiest=easiest, slope=slope)
        found = failure_curve(theta, c, **at)
        assert float(found.failure[0]) == pytest.approx(whole, rel=1e-6)
        gumbel = lambda b, t=theta, c=c, e=easiest, k=slope: c * np.exp(-c * (b - e) - np.exp(-c * (b - e))) * expit(k * (b - t))
        whole = quad(gumbel, easiest - 60, 200, points=[easiest, theta], limit=400)[0]
        assert float(failure_curve(theta, c, **at, density="gumbel").failure[0]) == pytest.approx(whole, rel=1e-5)
    far = failure_curve(30.0, 0.4)
    assert float(far.failure[0]) == pytest.approx(float(far.asymptote[0]), rel=1e-4)


def test_curve_and_line_find_what_was_put_in():
    x = np.tile(np.linspace(1, 6, 25), (2, 1))
    y = np.log(failure_curve(x[0], 0.35, easiest=-0.7).failure.values)
    c, easiest = _curve(x, np.tile(y, (2, 1)), np.ones_like(x), "exponential")
    assert c == pytest.approx(0.35, abs=1e-3) and easiest == pytest.approx(-0.7, abs=0.01)
    y = np.log(failure_curve(x[0], 0.35, easiest=-0.7, density="gumbel").failure.values)
    c, mode = _curve(x, np.tile(y, (2, 1)), np.ones_like(x), "gumbel")
    assert c == pytest.approx(0.35, abs=1e-3) and mode == pytest.approx(-0.7, abs=0.01)
    slope, intercept, r2 = weighted_line(x, 2 - 3 * x, np.ones_like(x))
    assert slope == pytest.approx(-3) and intercept == pytest.approx(2) and r2 == pytest.approx(1)
    assert np.isnan(weighted_line(np.ones((1, 4)), np.ones((1, 4)), np.ones((1, 4)))[0]).all()


def made_law(ability, date, sd=0.01, size=500):
    "A law with given exponents, as far as compare_exponents looks at it."
    rng = np.random.default_rng(3)
    draws = np.stack([x + sd * rng.standard_normal(size) for _ in FORMS for x in (ability, date)])
    ways = EXPONENTS
    return xr.Dataset(dict(exponent_draws=(["way", "sample"], draws)), dict(way=ways), dict(prob=0.9))


@pytest.mark.parametrize(
    ("law", "tail", "verdict"),
    [
        (made_law(0.4, 0.4), dict(mean=0.4, lower=0.38, upper=0.42), "agree"),
        (made_law(0.4, 0.4), dict(mean=0.8, lower=0.78, upper=0.82), "disagree"),
        (made_law(0.4, 0.4), dict(mean=0.4, lower=0.1, upper=0.7), "not enough data"),
        (made_law(0.4, 0.4, sd=0.2), dict(mean=0.4, lower=0.38, upper=0.42), "not enough data"),
        (made_law(0.4, np.nan), dict(mean=0.4, lower=0.38, upper=0.42), "not enough data"),
        (made_law(0.4, np.nan), dict(mean=0.8, lower=0.78, upper=0.82), "disagree"),
        (made_law(0.4, 0.4), None, "not enough data"),
        (made_law(0.4, 0.45), xr.DataArray(np.random.default_rng(0).normal(0.42, 0.01, 300), dims="draw"), "agree"),
    ],
)
def test_verdict(law, tail, verdict):
    found = compare_exponents(law, tail)
    assert found.attrs["verdict"] == verdict
    assert found.sizes == dict(estimate=3, pair=3)


def test_bad_exponents_are_named():
    law = made_law(0.4, 0.4)
    with pytest.raises(ValueError, match="lacks 'mean'"):
        compare_exponents(law, dict(lower=0.1, upper=0.2))
    with pytest.raises(ValueError, match="must lie between its lower"):
        compare_exponents(law, dict(mean=0.5, lower=0.1, upper=0.2))
    with pytest.raises(ValueError, match="form 'bent' is unknown"):
        compare_exponents(law, form="bent")
    with pytest.raises(ValueError, match="tolerance=2"):
        compare_exponents(law, tolerance=2)


def test_exponents_of_different_densities_are_not_compared(one):
    tail = difficulty_tail(one[0], ["exponential"]).sel(density="exponential")
    with pytest.raises(ValueError, match="exponential difficulties"):
        compare_exponents(made_law(0.4, 0.4), tail)
    assert compare_exponents(made_law(0.4, 0.4), tail, form="exponential").attrs["form"] == "exponential"
    assert compare_exponents(made_law(0.4, 0.4), tail, form="straight").attrs["form"] == "straight"


def test_only_logistic_curves_are_read(one):
    with pytest.raises(FitError, match="the lpe curve"):
        benchmark_draws(fit_tasks(one[0].isel(task=slice(12)), "lpe", draws=20))


def test_five_questions_take_the_same_draws(one):
    fitted = one[2]
    found = benchmark_draws(fitted, draws=100)
    assert failure_law(found, seed=1).equals(failure_law(fitted, draws=100, seed=1))
    assert emergence(found, seed=1).equals(emergence(fitted, draws=100, seed=1))
    assert frontier_trend(found, seed=1).equals(frontier_trend(fitted, draws=100, seed=1))
    assert first_solves(found, seed=1).equals(first_solves(fitted, draws=100, seed=1))
    assert step_share(benchmark_draws(fitted, dates=None), seed=1).equals(step_share(fitted, seed=1))
    undated = emergence(benchmark_draws(fitted, dates=None, draws=100))
    assert "date" not in undated


def test_scores_treat_censored_tasks_honestly():
    first = np.array([2025.3, np.inf, np.inf, 2025.3])
    draws = np.tile(np.linspace(2025.0, 2026.2, 101)[:, None], (1, 4))
    draws[:, 2] = np.linspace(2025.0, 2025.4, 101)  # surely before the end, and it did not fall
    draws[:, 3] = 2025.3
    covered, error, brier, crps = _scores(draws, first, 2025.0, 2025.5, 2030.0, 0.9)
    assert covered.tolist() == [1, 1, 0, 1]
    assert np.isfinite(error).tolist() == [True, False, False, True]
    assert error[3] == pytest.approx(0, abs=1e-6)
    assert brier[2] == pytest.approx(1) and brier[3] == pytest.approx(0)
    assert crps.argmax() == 2 and crps[3] == pytest.approx(0, abs=2)
    share = lambda t: np.clip((t - 2025) / 1.2, 0, 1)
    whole = quad(lambda t: (share(t) - (t >= 2025.3)) ** 2, 2025, 2025.5, points=[2025.3])[0] * 365.2425
    assert crps[0] == pytest.approx(whole, rel=0.03)


def test_forecast_check_scores_the_later_agents_only(one):
    _, everything, *_ = one
    check = forecast_check(everything, "2025-06-01", draws=150)
    assert check.forecaster.values.tolist() == FORECASTERS
    early = everything.isel(agent=everything.date.values < np.datetime64("2025-06-01"))
    unsolved = early.task.values[early.successes.sum("agent").values == 0]
    assert set(check.task.values) == set(unsolved)
    assert check.solved == int(check.first_solve.notnull().sum())
    assert (check.first_solve.dropna("task") >= np.datetime64("2025-06-01")).all()
    assert float(check.coverage.sel(forecaster="ability trend")) > 0.7
    assert ((check.brier >= 0) & (check.brier <= 1)).all()
    never = everything.copy(deep=True)
    never.successes[:, np.isin(never.task.values, unsolved)] = 0
    nothing = forecast_check(never, "2025-06-01", draws=150)
    assert nothing.solved == 0 and nothing.mean_error.isnull().all()
    assert nothing.brier.notnull().all()


def test_forecast_check_refuses(one):
    _, everything, *_ = one
    with pytest.raises(ValueError, match="0 after"):
        forecast_check(everything, "2030-01-01")
    with pytest.raises(ValueError, match="agents are dated before"):
        forecast_check(everything, "2023-01-01")
    with pytest.raises(ValueError, match="prob is 2"):
        forecast_check(everything, "2025-06-01", prob=2)
    easy = everything.isel(task=(everything.successes.sum("agent") > 20).values)
    with pytest.raises(ValueError, match="tasks were unsolved before"):
        forecast_check(easy, "2025-10-01", draws=50)


@pytest.mark.slow
def test_grid_agrees_with_nuts():
    years = np.sort(np.random.default_rng(1).uniform(0, 2, 14))
    ability = 3 * years + 0.3 * np.random.default_rng(2).standard_normal(14)
    covariance = 0.02 * np.eye(14)
    wander, scatter, slope, _ = _frontier_draws(years, ability, covariance, 2.0, 4000, np.random.default_rng(0))
    from jax import random

    mcmc = MCMC(NUTS(frontier_model), num_warmup=500, num_samples=3000, progress_bar=False)
    mcmc.run(random.PRNGKey(0), years, ability, covariance)
    drawn = mcmc.get_samples()
    for mine, theirs in ((wander, drawn["wander"]), (scatter, drawn["scatter"])):
        assert np.quantile(mine, [0.1, 0.5, 0.9]) == pytest.approx(np.quantile(theirs, [0.1, 0.5, 0.9]), abs=0.08)
    assert 2 < slope.mean() < 4


def test_trend_is_sure_of_a_straight_line_only():
    years = np.linspace(0, 2, 20)
    noise = np.random.default_rng(4).standard_normal(20)
    draw = lambda y: _frontier_draws(years, y, 1e-4 * np.eye(20), 2.0, 1000, np.random.default_rng(0))
    straight, wandering = draw(3 * years), draw(3 * years + (0.5 * noise).cumsum())
    assert straight[2].mean() == pytest.approx(3, abs=0.05)
    assert wandering[2].std() > 4 * straight[2].std()
    assert wandering[0].mean() > straight[0].mean()


def test_emergence_knows_widths_chances_and_never_solved(one):
    outcomes, _, fitted, *_ = one
    plain = emergence(fitted, dates=None)
    assert "date" not in plain and np.allclose(plain.width, 4.394, atol=1e-3)
    harder = emergence(fitted, dates=None, chance=0.8)
    assert np.allclose(harder.ability - plain.ability, np.log(4), atol=1e-6)  # discrimination 1
    assert (plain.never_solved.values == (outcomes.successes.sum("agent").values == 0)).all()
    dated = emergence(fitted)
    late = dated.date.isnull() | (dated.date >= dated.date_lower)
    assert (
        late.all()
        and dated.reached.values[plain.ability.values.argmin()]
        > 0.99
        > 0.05
        > dated.reached.values[plain.ability.values.argmax()]
    )
    with pytest.raises(ValueError, match="chance is 1"):
        emergence(fitted, chance=1)


def test_trend_and_path(one):
    fitted = one[2]
    trend = frontier_trend(fitted, years=2)
    assert (trend.path.diff("time").values >= -1e-12).all()
    assert trend.time.dtype == "datetime64[ns]" and str(trend.time.values[-1])[:10] == trend.attrs["horizon"]
    assert benchmark_draws(fitted).date.dtype == failure_law(fitted).date_zero.dtype == "datetime64[ns]"
    ahead = np.datetime64(trend.attrs["horizon"]) - np.datetime64(trend.attrs["end"])
    assert ahead / np.timedelta64(1, "D") == pytest.approx(2 * 365.2425, abs=11)
    with pytest.raises(ValueError, match="years is 0"):
        frontier_trend(fitted, years=0)
    soon = first_solves(fitted, draws=100)
    assert (soon.date_lower <= soon.date).all() and soon.within_a_year.max() <= 1


def test_too_little_is_refused_in_words(one):
    outcomes, _, fitted, *_ = one
    undated = fit(
        outcomes.assign_coords(date=("agent", np.full(outcomes.sizes["agent"], np.datetime64("NaT", "ns")))), progress=False
    )
    with pytest.raises(ValueError, match="0 dated agents"):
        frontier_trend(undated)
    lone = fit(outcomes.isel(agent=[0]), ability="agent", progress=False)
    with pytest.raises(ValueError, match="of 1 agents leaves 1: a slope needs five"):
        failure_law(lone, dates=None)
    with pytest.raises(ValueError, match=r"1 record over 0\.00 years"):
        failure_law(lone)
    with pytest.raises(ValueError, match="do not allow 5 folds"):
        step_share(lone)
    with pytest.raises(ValueError, match="top=0 of"):
        failure_law(fitted, top=0, dates=None)
    with pytest.raises(FitError, match="no benchmark 'gsm'"):
        benchmark_draws(load_snapshot(), "gsm")


def test_the_snapshot_needs_no_outcomes():
    law = failure_law(load_snapshot(), "swebench_verified", draws=100)
    assert law.observed_failure.isnull().all() and np.isnan(law.slope.sel(law="observed against date"))
    assert float(law.slope_upper.sel(law="expected against date")) < 0
    dated = emergence(load_snapshot(), "swebench_verified", draws=100)
    assert not dated.never_solved.any() and dated.date.notnull().any()


def test_step_is_the_likeliest_one():
    rng = np.random.default_rng(0)
    theta = rng.normal(size=(1, 40))
    s = (rng.random((1, 40)) < np.where(theta > 0.3, 0.9, 0.1)).astype(float)
    at, low, high = _fit_step(theta, s, np.ones((1, 40)), 1e-9)
    best = -np.inf
    for cut in np.sort(theta[0])[:-1]:
        above = theta[0] > cut
        p = np.where(above, s[0, above].mean(), s[0, ~above].mean()).clip(1e-9, 1 - 1e-9)
        best = max(best, (s[0] * np.log(p) + (1 - s[0]) * np.log1p(-p)).sum())
    p = np.where(theta[0] > at[0], high[0], low[0]).clip(1e-9, 1 - 1e-9)
    assert (s[0] * np.log(p) + (1 - s[0]) * np.log1p(-p)).sum() == pytest.approx(best)
    falling = _fit_step(theta, 1 - s, np.ones((1, 40)), 0.5)
    assert falling[1] <= falling[2]


def test_smooth_curves_find_their_parameters():
    theta = np.tile(np.linspace(-4, 4, 400), (1, 1))
    n = np.full((1, 400), 50.0)
    s = n * expit(1.5 * (theta - 0.5))
    p, _ = _fit_smooth(theta, s, n, np.zeros((1, 3)), False)
    assert np.asarray(p[0]) == pytest.approx([np.log(1.5), 0.5, 0], abs=0.02)
    s = n * expit(1.2 * (theta + 1)) ** 3
    p, _ = _fit_smooth(theta, s, n, np.array([[0.0, 0.0, 0.5]]), True)
    assert np.exp(np.asarray(p[0])[[0, 2]]) == pytest.approx([1.2, 3], rel=0.1)
    assert len(STEP_CURVES) == 3
