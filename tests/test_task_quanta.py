"""Quanta on tasks: other people's formulas, simulated truth, and data that cannot say.

Boards are of one shape throughout, 60 agents on 120 tasks, so that each model is compiled once."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from scipy.integrate import quad
from scipy.special import expit
from scipy.stats import betabinom, gumbel_r, norm

from agentirt_nb.data.building import from_arrays
from agentirt_nb.data.leaderboards import load_leaderboard
from agentirt_nb.irt.curves import CURVES, DENSITIES, NOISES, Curve
from agentirt_nb.irt.fits import FitError, alarm, draws, success_probability, task_parameters
from agentirt_nb.irt.inference import fit
from agentirt_nb.irt.programs import forget_programs
from agentirt_nb.messages import AgentirtError
from agentirt_nb.quanta import task_fits as task_quanta
from agentirt_nb.quanta.dated_abilities import benchmark_draws
from agentirt_nb.quanta.difficulty_tails import difficulty_tail, tail_check
from agentirt_nb.quanta.failure import compare_exponents
from agentirt_nb.quanta.skill_order import reversal_rates
from agentirt_nb.quanta.task_fits import chosen_cells, compare_curves, fit_tasks, trial_shares


def board(p, trials=1, seed=0):
    "Outcomes drawn from probabilities (agent, task)."
    counts = np.random.default_rng(seed).binomial(trials, p)
    labels = dict(agents=[f"agent {i}" for i in range(len(p))], tasks=[f"task {j}" for j in range(p.shape[1])])
    return from_arrays(counts, np.full(p.shape, trials), **labels)


@pytest.fixture(scope="module")
def rasch():
    rng = np.random.default_rng(0)
    ability, difficulty = np.sort(rng.normal(0, 1.5, 60)), rng.normal(0.5, 1.5, 120)
    return ability, difficulty, board(expit(ability[:, None] - difficulty))


def test_the_likelihood_of_a_task_is_the_integral_over_its_difficulty(rasch):
    _, _, outcomes = rasch
    fitted = fit_tasks(outcomes, "1pl", "normal")
    tail = difficulty_tail(outcomes, ["gumbel"])
    k = outcomes.successes.values
    theta = fitted.posterior.ability.mean(["chain", "draw"]).values
    theta = theta - theta.mean()
    sd = float(np.exp(np.log(fitted.posterior.scale).mean()))
    at = float(fitted.posterior.location.mean())
    for j in (0, 17, 42):
        signs = 2 * k[:, j] - 1
        likelihood = lambda b, signs=signs: np.exp(-np.logaddexp(0, signs * (b - theta)).sum()) * norm.pdf(b, at, sd)
        direct = quad(likelihood, -12, 12, limit=400)[0]
        ours = float(tail.task_log_likelihood.sel(density="normal", task=f"task {j}"))
        assert abs(np.log(direct) - ours) < 0.15  # posterior means beside the mode


def test_abilities_and_difficulties_are_recovered(rasch):
    ability, difficulty, outcomes = rasch
    fitted = fit_tasks(outcomes, "1pl")
    mean = fitted.posterior.mean(["chain", "draw"])
    assert np.corrcoef(mean.ability, ability)[0, 1] > 0.97 and np.corrcoef(mean.difficulty, difficulty)[0, 1] > 0.95
    again = fit_tasks(outcomes, "1pl")
    assert np.array_equal(again.posterior.ability, fitted.posterior.ability)


def test_tasks_that_nobody_or_everybody_solved_have_finite_posteriors():
    rng = np.random.default_rng(1)
    p = expit(rng.normal(0, 1, (60, 1)) - rng.normal(0, 1, 120))
    p[:, 0], p[:, 1] = 0, 1
    difficulty = fit_tasks(board(p), "2pl").posterior.difficulty
    assert np.isfinite(difficulty).all()
    assert difficulty.sel(task="task 0").mean() > difficulty.sel(task="task 1").mean() + 3


def test_a_missing_cell_is_not_a_failure(rasch):
    _, _, outcomes = rasch
    hidden = np.random.default_rng(2).random(outcomes.trials.shape) < 0.5
    some = outcomes.assign(
        successes=outcomes.successes.where(~hidden, 0).astype(int), trials=outcomes.trials.where(~hidden, 0).astype(int)
    )
    full, half = (fit_tasks(o, "1pl").posterior.location.mean() for o in (outcomes, some))
    assert abs(float(full - half)) < 0.4  # as failures, half of all cells would raise difficulty by a logit or more


@pytest.mark.parametrize("truth", ["lpe", "mirrored lpe"])
def test_the_true_curve_predicts_best(truth):
    rng = np.random.default_rng(3)
    p = expit(rng.normal(0, 1.5, (60, 1)) - rng.normal(0, 1.5, 120))
    p = p**4 if truth == "lpe" else 1 - (1 - p) ** 4
    table = compare_curves(board(p, seed=4), ["1pl", "lpe", "mirrored lpe"], loo=False, progress=False)
    assert table.model.values[0] == truth


def test_leave_one_out_agrees_with_hidden_cells(rasch):
    _, _, outcomes = rasch
    table = compare_curves(outcomes, ["1pl", "2pl"], progress=False)
    per_cell = -table.elpd_loo / outcomes.sizes["agent"] / outcomes.sizes["task"]
    assert np.allclose(per_cell, table.log_loss.sel(statistic="value"), atol=0.01)
    assert (table.doubtful < 0.01).all()


def test_beta_binomial_scatter_is_found_and_matches_scipy():
    rng = np.random.default_rng(5)
    p = expit(rng.normal(0, 1.5, (60, 1)) - rng.normal(0, 1.5, 120))
    own = rng.beta(4 * p, 4 * (1 - p))
    outcomes = board(own, trials=5, seed=6)
    table = compare_curves(outcomes, ["1pl"], ["binomial", "beta-binomial"], loo=False, progress=False)
    assert table.model.values[0] == "1pl, beta-binomial"
    shares = trial_shares(outcomes, ["beta-binomial"], curve="1pl")
    phi = shares.attrs["beta-binomial: concentration"]
    assert 2.5 < phi < 6.5
    direct = betabinom.pmf(np.arange(6)[:, None, None], 5, phi * p, phi * (1 - p)).mean((1, 2))
    assert np.abs(shares.share.sel(scatter="beta-binomial").values - direct).max() < 0.03


def test_the_tail_of_decided_tasks_is_conditional():
    "Leaving unsolved tasks out must not shorten the tail."
    rng = np.random.default_rng(7)
    difficulty = gumbel_r.rvs(loc=0, scale=2.5, size=120, random_state=rng)
    outcomes = board(expit(rng.normal(0, 1.5, (60, 1)) - difficulty), seed=8)
    assert (outcomes.successes.sum("agent") == 0).sum() >= 5
    every, decided = (difficulty_tail(outcomes, ["gumbel"], tasks=tasks).sel(density="gumbel") for tasks in ("all", "decided"))
    assert decided.rate_lower < 0.4 < decided.rate_upper and every.rate_lower < 0.4 < every.rate_upper
    assert decided.rate_upper - decided.rate_lower > every.rate_upper - every.rate_lower


def deviating(kind, size, trials, seed, agents=40, tasks=120):
    "Tasks with a Gumbel tail of .5, and pairs whose rates deviate as the beta-binomial or the logit-normal says."
    rng = np.random.default_rng([seed, 77])
    logits = rng.normal(0, 1.6, agents)[:, None] - 0.5 - rng.gumbel(size=tasks) / 0.5
    p = expit(logits)
    beta = lambda: rng.beta(np.maximum(size * p, 1e-9), np.maximum(size * (1 - p), 1e-9))
    own = beta() if kind == "beta" else expit(logits + size * rng.standard_normal(p.shape))
    names = dict(agents=[f"agent {i}" for i in range(agents)], tasks=[f"task {j}" for j in range(tasks)])
    return from_arrays(rng.binomial(trials, own), np.full(p.shape, trials), **names)


@pytest.mark.slow
@pytest.mark.parametrize(
    "kind, size, trials, noise",
    [("beta", 2.7, 4, "beta-binomial"), ("normal", 1.4, 4, "logit-normal"), ("beta", 2.7, 1, "binomial")],
)
def test_the_rate_of_a_tail_is_covered_however_pairs_deviate(kind, size, trials, noise):
    found = [difficulty_tail(deviating(kind, size, trials, seed), "gumbel", progress=False) for seed in range(80)]
    assert np.mean([tail.attrs["noise"] == noise for tail in found]) > 0.95
    gumbel = xr.concat([tail.sel(density="gumbel")[["rate", "rate_lower", "rate_upper"]] for tail in found], "board")
    covered = ((gumbel.rate_lower <= 0.5) & (gumbel.rate_upper >= 0.5)).mean().item()
    print(kind, size, trials, gumbel.rate.mean().item(), covered)
    assert 0.82 < covered < 0.98  # 80 boards: 90 % and two and a half standard errors
    assert gumbel.rate.mean().item() == pytest.approx(0.5, abs=0.02)


def test_outcomes_choose_their_scatter_and_single_runs_say_what_they_cannot(rasch):
    rerun = deviating("beta", 2.7, 5, 0, 60)
    assert [chosen_cells(board, "1pl")[3].noise.name for board in (rerun, rasch[2])] == ["beta-binomial", "binomial"]
    assert chosen_cells(rerun, "1pl", tasks="decided")[3].decided  # refused before
    tail = difficulty_tail(rasch[2], "gumbel", progress=False)
    assert "Single runs cannot show" in tail.attrs["says"] and "14 % less" in tail.attrs["says"]
    fitted = fit_tasks(rerun, "1pl", draws=20, progress=False)
    assert fitted.attrs["noise"] == "beta-binomial" and "marginal logits" in fitted.attrs["logits"]
    assert "5 of them are worth" in fitted.attrs["verdict"]
    assert 1.8 < float(draws(fitted, "concentration").mean()) < 4.0


def test_one_dispersion_for_all_and_exponents_are_compared_per_the_same_logit():
    rerun = deviating("beta", 2.7, 5, 0, 16, 32)  # as small as boards elsewhere, whose programs it shares
    fitted = fit(rerun, draws=200, seed=0, progress=False)
    own = float(draws(fitted, "concentration").mean())
    assert reversal_rates(rerun, fitted, replicates=2, seed=0).attrs["dispersion"] == pytest.approx(own)  # not estimated twice
    law = xr.Dataset(dict(exponent_draws=(("way", "sample"), np.ones((1, 2)))))
    tail = xr.Dataset(dict(rate=0.5), dict(density="gumbel"), dict(noise="logit-normal"))
    with pytest.raises(AgentirtError, match=r"per logit of a pair .* give the tail of difficulty_tail"):
        compare_exponents(law, tail)
    pairs = fitted.copy()
    pairs.attrs = fitted.attrs | dict(noise="logit-normal")
    with pytest.raises(FitError, match="whose curve is no rate"):
        benchmark_draws(pairs)


def test_what_cannot_be_identified_is_refused(rasch):
    _, _, outcomes = rasch
    for curve, needs in ((name, CURVES[name].agents) for name in ("2pl", "lpe, slopes", "conjunctive", "slots")):
        with pytest.raises(ValueError, match=f"Not identified: .* {needs}"):
            fit_tasks(outcomes.isel(agent=slice(0, needs - 1)), curve)
    with pytest.raises(ValueError, match="tried more than once"):
        fit_tasks(outcomes, "1pl", noise="logit-normal")
    with pytest.raises(ValueError, match="'3pl' is unknown"):
        compare_curves(outcomes, ["3pl"], progress=False)
    with pytest.raises(ValueError, match="say nothing about a tail"):
        difficulty_tail(outcomes.isel(agent=slice(0, 5)))
    with pytest.raises(ValueError, match="truth 'gamma' is unknown"):
        tail_check(outcomes, ["gamma"])


@pytest.mark.data
@pytest.mark.slow
def test_the_rate_is_covered_and_the_density_told_on_the_shape_of_verified():
    check = tail_check(load_leaderboard("swebench_verified"), replicates=60, seed=3, progress=False)
    gumbel, normal = check.sel(truth="gumbel"), check.sel(truth="normal")
    covered = float(((gumbel.rate_lower <= gumbel.true_rate) & (gumbel.true_rate <= gumbel.rate_upper)).mean())
    assert 0.8 <= covered <= 0.98  # 60 replicates: 90 % ± 2.5 standard errors
    assert abs(float((gumbel.rate / gumbel.true_rate - 1).mean())) < 0.1
    assert float((gumbel.lead > 0).mean()) >= 0.95 and float((normal.lead < 0).mean()) >= 0.95


def by_hand(curve, fit):
    "P(success) over (draw, agent, task), from the posterior by the textbook's formulas."
    p = {name: x.values[0] for name, x in fit.posterior.data_vars.items()}
    theta, b, rows = p["ability"][:, :, None], p["difficulty"][:, None], lambda name: p[name][:, None]
    a = rows("discrimination") if "discrimination" in p else 1.0
    x = rows("exponent") if "exponent" in p else 1.0
    if curve == "slots":
        met = expit(p["ability"][:, None, :, None] - p["slots"][:, :, None])  # (draw, slot, agent, task)
        needed = np.arange(met.shape[1])[None, :, None, None] < p["needed"][:, None, None]
        guess, slip = (p[name][:, None, None] for name in ("slot_guess", "slot_slip"))
        return guess + (1 - guess) * (1 - slip) * np.where(needed, met, 1.0).prod(1)
    if curve in ("conjunctive", "disjunctive"):
        first, second = expit(theta - b), expit(p["second_ability"][:, :, None] - rows("second_difficulty"))
        return first * second if curve == "conjunctive" else 1 - (1 - first) * (1 - second)
    if curve.startswith("mirrored"):
        return 1 - expit(-a * (theta - b)) ** x
    if curve.endswith("log-log"):
        return np.exp(-np.exp(-a * (theta - b))) if curve == "log-log" else 1 - np.exp(-np.exp(a * (theta - b)))
    return expit(a * (theta - b)) ** x


QUICK = ("2pl", "lpe", "lpe, slopes", "conjunctive", "slots")  # one of each kind of task; a mirror image in the notebook


@pytest.mark.parametrize("curve", [pytest.param(x, marks=() if x in QUICK else pytest.mark.slow) for x in CURVES])
def test_a_fit_gives_back_its_own_curve(rasch, monkeypatch, curve):
    monkeypatch.setattr(forget_programs, "__defaults__", (1,))  # programs that stay
    fitted = fit_tasks(rasch[2].isel(task=slice(40, 52)), curve, draws=20)
    own = CURVES[curve]
    agents = xr.Dataset({name: draws(fitted, name) for name in ("ability", "second_ability")[: own.abilities]})
    chance = success_probability(fitted, agents, task_parameters(fitted))
    assert np.abs(chance - by_hand(curve, fitted)).max() < 1e-6
    tasks = {name for name, x in fitted.posterior.data_vars.items() if "task" in x.dims}
    assert tasks == {"difficulty", *own.parameters} and all(np.isfinite(fitted.posterior[name]).all() for name in tasks)
    assert task_quanta._energy_and_slope._cache_size() <= 2


def test_the_likelihood_of_a_fit_is_that_of_its_curve(rasch):
    "Between the points of the grid the saved log likelihood and the curve at the drawn difficulty differ by little."
    fitted = fit_tasks(rasch[2].isel(task=slice(40, 52)), "2pl", draws=20)
    agents = xr.Dataset(dict(ability=draws(fitted)))
    chance = success_probability(fitted, agents, task_parameters(fitted))
    solved = fitted.observed_data.successes.values == 1
    direct = np.log(np.where(solved, chance, 1 - chance))
    assert np.abs(direct - fitted.log_likelihood.successes.values[0]).mean() < 0.1


def test_a_fit_is_in_the_schema_of_all_fits(rasch):
    few = rasch[2].isel(task=slice(40, 52))
    fitted = fit_tasks(few, "lpe, slopes", draws=20)
    posterior = fitted.posterior
    assert {"discrimination", "exponent", "discrimination_sd", "exponent_mean", "exponent_sd", "ability_sd"} <= set(posterior)
    assert not any(name.startswith("log_") for name in posterior) and (posterior.ability_sd == 2.5).all()
    assert {posterior[name].attrs["units"] for name in ("discrimination_sd", "exponent_mean", "exponent_sd")} == {"log scale"}
    assert fitted.attrs["accuracy"] == "not checked" and alarm(fitted) is None and fitted.name is None


def test_what_did_not_converge_says_so(rasch, monkeypatch):
    lost = lambda cells, kind, start=None: (np.zeros(task_quanta._sites(kind)[1]), np.eye(task_quanta._sites(kind)[1]), False)
    monkeypatch.setattr(task_quanta, "_laplace", lost)
    with pytest.warns(UserWarning, match="NOT CONVERGED"):
        fitted = fit_tasks(rasch[2].isel(task=slice(40, 52)), "1pl", draws=20)
    assert fitted.attrs["accuracy"] == "bad" and alarm(fitted) == fitted.name == "NOT CONVERGED"


def test_a_curve_and_a_density_of_ones_own_are_fitted(rasch):
    few = rasch[2].isel(task=slice(40, 52))
    twice = lambda theta, t, xp: CURVES["lpe"].log_chances(theta, t | dict(exponent=1.0), xp)
    own = fit_tasks(few, Curve("one quantum", twice), DENSITIES["normal"]._replace(name="bell"), draws=20)
    same = fit_tasks(few, "1pl", draws=20)
    assert own.attrs["curve"] == "one quantum" and own.attrs["density"] == "bell"
    assert np.allclose(own.sample_stats.task_log_likelihood, same.sample_stats.task_log_likelihood, atol=1e-3)
    with pytest.raises(ValueError, match="how 'lapse' is spread over tasks is not known"):
        fit_tasks(few, Curve("with lapses", twice, ("lapse",)))


def test_a_value_of_ones_own_does_not_take_the_name_of_another(rasch):
    taken = dict(curve=CURVES["log-log"]._replace(name="2pl"), density=DENSITIES["gumbel"]._replace(name="normal"))
    taken |= dict(noise=NOISES["beta-binomial"]._replace(name="binomial"))
    for what, value in taken.items():
        with pytest.raises(FitError, match=f"{what} '{value.name}' is not that of the package"):
            fit_tasks(rasch[2], **{what: value})
        with pytest.raises(FitError, match="give it another name"):
            chosen_cells(rasch[2], **dict(curve="1pl") | {what: value})


@pytest.mark.parametrize("few", [0, 1, -3, 2.5])
def test_a_fit_has_two_draws_or_more(rasch, few):
    with pytest.raises(FitError, match=r"draws is .* two or more"):
        fit_tasks(rasch[2], "1pl", draws=few)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda b: difficulty_tail(b, prob=95), "between 0 and 1"),
        (lambda b: compare_curves(b, prob=1.5, progress=False), "between 0 and 1"),
        (lambda b: compare_curves(b, [], progress=False), "no curve is given"),
        (lambda b: compare_curves(b, replicates=0, progress=False), "replicates is 0"),
        (lambda b: trial_shares(b, []), "no noise is given"),
        (lambda b: tail_check(b, rates=[0.4], replicates=2), "1 rates for 2 replicates"),
        (lambda b: tail_check(b.isel(agent=slice(0, 3)), replicates=1), "say nothing about a tail"),
        (lambda b: difficulty_tail(b.assign(successes=0 * b.successes)), "of which 0 were both solved and failed"),
        (lambda b: fit_tasks(b.isel(agent=[0]), "1pl"), "1 agent .* add agents"),
    ],
)
def test_bad_input_is_one_clear_sentence(rasch, call, words):
    with pytest.raises(ValueError, match=words) as caught:
        call(rasch[2])
    assert "\n" not in str(caught.value)


def test_few_families_give_no_interval(rasch):
    relatives = rasch[2].assign_coords(llm=("agent", [f"{'abc'[i % 3]}-{i}" for i in range(60)]))
    table = compare_curves(relatives, "1pl", loo=False, folds=2, progress=False)
    assert table.families == 3 and np.isnan(table.log_loss.sel(statistic="lower")).all()
    assert np.isfinite(table.log_loss.sel(statistic="value")).all()


SLOPE = """
import jax, jax.numpy as jnp, numpy as np
from agentirt_nb.irt.curves import NOISES, log_sigmoid
rng = np.random.default_rng(0)
ability, difficulty = (rng.normal(0, 2, n).astype("f4") for n in (30, 80))
k = rng.integers(0, 5, (30, 80))
def energy(ability, difficulty, log_spread):
    z, share = ability[:, None] - difficulty, dict(spread=jnp.exp(log_spread))
    of = lambda m: NOISES["logit-normal"].log_pmf(log_sigmoid(z, jnp), log_sigmoid(-z, jnp), m, 4, share, jnp)
    return sum(jnp.where(k == m, of(m), 0.0).sum() for m in range(5))
slopes = jax.jit(jax.grad(energy, (0, 1, 2)))(jnp.asarray(ability), jnp.asarray(difficulty), 0.0)
print(all(np.isfinite(x).all() for x in slopes))
"""


def test_the_slope_of_a_pairs_own_scatter_is_finite_however_programs_are_compiled():
    env = os.environ | dict(JAX_DISABLE_MOST_OPTIMIZATIONS="true", PYTHONPATH=str(Path(__file__).resolve().parent.parent))
    done = subprocess.run([sys.executable, "-c", SLOPE], capture_output=True, text=True, timeout=200, env=env, check=False)
    assert done.stdout.strip() == "True", done.stdout + done.stderr
