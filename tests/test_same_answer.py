"The same question has the same answer, whoever is asked; pairs that deviate normally are integrated over, against brute force."

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy.special import expit

from agentirt_nb.data.building import from_arrays
from agentirt_nb.irt.evaluation import cross_validate
from agentirt_nb.irt.fits import check_fit, draws, make_fit, success_probability, task_parameters
from agentirt_nb.irt.prediction import predict, task_draws
from agentirt_nb.irt.rates import ABOUT, expected_pass_rate
from agentirt_nb.irt.scoring import score
from agentirt_nb.irt.snapshot import simulate_outcomes
from agentirt_nb.quanta.skill_order import chances
from agentirt_nb.views.explorers import WhatIf
from agentirt_nb.views.what_if import UNSEEN, chosen_ability, moved, new_task, what_if

AGENTS, TASKS, DRAWS, SPREAD = 5, 12, 4000, 1.5


def board(trials=5, seed=0, groups=None):
    "Outcomes whose pairs deviate normally, by two LLMs in two scaffolds."
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 1, (AGENTS, 1)) - rng.normal(0, 1.5, TASKS) + SPREAD * rng.standard_normal((AGENTS, TASKS))
    agents = pd.DataFrame(dict(llm=list("MMNNM"), scaffold=list("PQPQR")), [f"agent {i}" for i in range(AGENTS)])
    tasks = pd.DataFrame(dict(benchmark="left", group=np.arange(TASKS) % 3), [f"task {j}" for j in range(TASKS)])
    tasks["group"] = tasks.group.map({0: "web", 1: "maths", 2: "code"})
    return from_arrays(rng.binomial(trials, expit(logits)), np.full(logits.shape, trials), agents=agents, tasks=tasks)


def by_hand(noise, seed=0, groups=False, draws=DRAWS):
    "A fit made by hand: every draw has its own abilities, difficulties and noise."
    rng, outcomes = np.random.default_rng(seed + 1), board(seed=seed)
    of = {name: (("chain", "draw", dim), rng.normal(0, 1, n) + 0.3 * rng.standard_normal((1, draws, n))) for name, dim, n in
          (("ability", "agent", AGENTS), ("difficulty", "task", TASKS))}  # fmt: skip
    own = {"logit-normal": dict(spread=SPREAD), "beta-binomial": dict(concentration=2.0)}
    shared = dict(ability_sd=1.0, location=0.0, scale=1.5) | own.get(noise, {})
    of |= {name: (("chain", "draw"), np.full((1, draws), value)) for name, value in shared.items()}
    labels = dict(agent=outcomes.agent.values, task=outcomes.task.values)
    if groups:
        of["group_sd"] = (("chain", "draw"), np.full((1, draws), 1.2))
        of["group_deviation"] = (
            ("chain", "draw", "group", "agent"),
            rng.normal(0, 1.2, (3, AGENTS)) + np.zeros((1, draws, 1, 1)),
        )
        labels["group"] = np.unique(outcomes.group.values)
    about = dict(curve="1pl", noise=noise, method="by hand", converged="yes", verdict="Made by hand.", kind="simulated", seed=0)
    return make_fit(xr.Dataset(of, labels), outcomes, about)


def curve_of_draws(made):
    "The curve's p (draw, agent, task)."
    tasks = task_parameters(made)
    return success_probability(made, xr.Dataset(dict(ability=draws(made))), tasks)


# --- normal deviations of pairs, against brute force ---


def brute_force(p, k=0, n=0, size=3000, seed=0):
    "Rates of one pair and their weights, from draws of the curve's p: deviations thrown at random and weighed by the trials."
    some = p[:: max(1, len(p) // 200)]
    z = np.random.default_rng(seed).standard_normal((len(some), size))
    rate = expit(np.log(some / (1 - some))[:, None] + SPREAD * z)
    weight = rate**k * (1 - rate) ** (n - k)
    return rate, weight / weight.sum(1, keepdims=True)


def ends(rate, weight):
    order = np.argsort(rate.ravel())
    return np.interp([0.05, 0.95], (weight.ravel()[order].cumsum() / len(rate)), rate.ravel()[order])


def test_a_pair_that_ran_goes_by_its_own_normal_deviation():
    made = by_hand("logit-normal")
    found, p, k = predict(made), curve_of_draws(made), made.observed_data.successes.values
    for i, j in ((0, 0), (2, 5), (4, 11), tuple(np.argwhere(k == 5)[0]), tuple(np.argwhere(k == 0)[0])):
        rate, weight = brute_force(p[:, i, j], k[i, j], 5)
        assert found.probability.values[i, j] == pytest.approx((rate * weight).sum(1).mean(), abs=0.01)
        assert (found.lower.values[i, j], found.upper.values[i, j]) == pytest.approx(ends(rate, weight), abs=0.02)


def test_a_new_pair_integrates_over_the_deviation_wherever_it_is_asked():
    made = by_hand("logit-normal")
    table = pd.DataFrame(dict(task=["new", "harder"], difficulty=[1.5, 4.0]))
    this, such = (predict(made, ["agent 0"], table, about=about) for about in ("this cell", "such cells"))
    p = expit(draws(made, "ability", agent=["agent 0"]).values[:, 0, None] - [1.5, 4.0])
    for j in range(2):
        rate, weight = brute_force(p[:, j])
        expected = rate.mean()
        assert this.probability.values[0, j] == pytest.approx(expected, abs=0.01)
        assert such.probability.values[0, j] == pytest.approx(expected, abs=0.005)
        assert (this.lower.values[0, j], this.upper.values[0, j]) == pytest.approx(ends(rate, weight), abs=0.02)
        assert abs(expected - p[:, j].mean()) > 0.02  # what the curve without a deviation would say


def test_rates_and_folds_integrate_over_normal_deviations():
    made = by_hand("logit-normal")
    p, k = curve_of_draws(made), made.observed_data.successes.values
    thrown = np.random.default_rng(0).normal(0, SPREAD, (20, *p.shape[1:]))
    many = np.mean([expit(np.log(p / (1 - p)) + z) for z in thrown[:, None]], (0, 1)).mean(1)
    assert expected_pass_rate(made, about="such tasks").pass_rate.values[:, 0] == pytest.approx(many, abs=0.03)
    own = [
        [(r * w).sum(1).mean() for r, w in [brute_force(p[:, i, j], k[i, j], 5, 2000)]] for i in range(2) for j in range(TASKS)
    ]
    rates = expected_pass_rate(made, ["agent 0", "agent 1"], about="these tasks").pass_rate.values[:, 0]
    assert rates == pytest.approx(np.reshape(own, (2, TASKS)).mean(1), abs=0.01)


def log_loss(cells):
    p, k, n = (cells[name].values for name in ("probability", "successes", "trials"))
    p = p[cells.predictor.values.tolist().index("model")]
    return np.nansum(-(k * np.log(p) + (n - k) * np.log1p(-p))) / n[np.isfinite(p)].sum()


@pytest.mark.slow
def test_held_out_pairs_are_predicted_by_the_mean_over_normal_deviations():
    "The curve's own p is that of a pair without a deviation: too sure of pairs that nobody ran."
    rng = np.random.default_rng(3)
    logits = rng.normal(0, 1.5, (30, 1)) - rng.normal(0, 1.5, 60) + 2.5 * rng.standard_normal((30, 60))
    names = dict(agents=[f"agent {i}" for i in range(30)], tasks=[f"task {j}" for j in range(60)])
    outcomes = from_arrays(rng.binomial(5, expit(logits)), np.full(logits.shape, 5), **names)
    about = dict(only=[0], draws=200, seed=0, progress=False, ability="agent")
    loss = {
        noise: log_loss(cross_validate(outcomes, "responses", noise=noise, **about))
        for noise in ("beta-binomial", "logit-normal")
    }
    assert loss["logit-normal"] < loss["beta-binomial"] + 0.003, loss


# --- the explorer, predict and expected_pass_rate ---

NOISES = ("binomial", "beta-binomial", "logit-normal")


@pytest.mark.parametrize("groups", [False, True])
@pytest.mark.parametrize("noise", NOISES)
def test_a_what_if_that_changes_nothing_is_what_predict_and_expected_pass_rate_say(noise, groups):
    made = by_hand(noise, groups=groups, draws=1500)
    agent, tasks = chosen_ability(made, dict(agent="agent 1")), task_draws(made)
    cells = predict(made, ["agent 1"])
    for about in ABOUT:
        found, rates = what_if(made, agent, tasks, about=about), expected_pass_rate(made, ["agent 1"], about=about)
        assert found.pass_rate.item() == pytest.approx(rates.pass_rate.item(), abs=1e-6)
        ends = found.pass_rate_lower.item(), found.pass_rate_upper.item()
        assert ends == pytest.approx((rates.lower.item(), rates.upper.item()), abs=0.02 if about != "a rerun" else 1 / 60 + 1e-9)
        assert found.probability.values == pytest.approx(cells.probability.values[0], abs=1e-6)
        assert found.lower.values == pytest.approx(cells.lower.values[0], abs=0.04)
        assert found.upper.values == pytest.approx(cells.upper.values[0], abs=0.04)


def test_the_explorer_shows_what_expected_pass_rate_says():
    made = by_hand("beta-binomial", groups=True, draws=1500)
    for about in ABOUT:
        explorer = WhatIf(made, about=about, draws=1500)
        explorer.controls["agent"].value = "agent 2"
        rates = expected_pass_rate(made, ["agent 2"], about=about)
        shown = [explorer.result[f"pass_rate{end}"].item() for end in ("", "_lower", "_upper")]
        assert shown[0] == pytest.approx(rates.pass_rate.item(), abs=1e-5)
        assert shown[1:] == pytest.approx([rates.lower.item(), rates.upper.item()], abs=0.02)


@pytest.mark.parametrize("noise", NOISES)
def test_an_agent_that_nobody_ran_is_a_new_draw_for_every_group(noise):
    made = by_hand(noise, groups=True, draws=3000)
    found = what_if(made, chosen_ability(made, dict(agent=UNSEEN["agent"])), task_draws(made), about="these tasks")
    rates = expected_pass_rate(made, pd.DataFrame(dict(agent=["somebody"])), about="these tasks", seed=5)
    shown = [found[f"pass_rate{end}"].item() for end in ("", "_lower", "_upper")]
    assert shown == pytest.approx([rates.pass_rate.item(), rates.lower.item(), rates.upper.item()], abs=0.03)
    cells = predict(made, pd.DataFrame(dict(agent=["somebody"])), seed=5)
    assert found.lower.values == pytest.approx(cells.lower.values[0], abs=0.05)


@pytest.mark.parametrize("noise", NOISES)
def test_an_agent_made_better_keeps_its_own_deviations(noise):
    made = by_hand(noise, groups=True)
    agent, tasks = chosen_ability(made, dict(agent="agent 3")), task_draws(made)
    rates = [what_if(made, agent, tasks, shift=shift) for shift in (0.0, 0.01, 1.0, 3.0)]
    assert abs(rates[1].pass_rate - rates[0].pass_rate).item() < 0.005  # no leap at zero
    rise = [np.diff([x.probability.values[j] for x in rates]).min() for j in range(TASKS)]
    assert min(rise) > 0
    p = np.clip([x.probability.values for x in rates], 1e-9, 1 - 1e-9)
    assert ((p[2] < 0.5).any() or (p[0] > 0.5).all()) and p[3].mean() < 0.999


def test_a_task_made_harder_has_no_trials_and_a_new_one_belongs_to_no_group():
    made = by_hand("beta-binomial", groups=True)
    agent, tasks = chosen_ability(made, dict(agent="agent 0")), task_draws(made)
    as_it_is, hardly = what_if(made, agent, tasks), what_if(made, agent, moved(tasks, 1e-6))
    assert abs(as_it_is.probability - hardly.probability).max() > 0.05
    new = what_if(made, agent, moved(new_task(task_parameters(made), seed=1), 0.5))
    asked = predict(made, ["agent 0"], pd.DataFrame(dict(task=["new"], difficulty=[0.5])))
    assert new.probability.item() == pytest.approx(asked.probability.item(), abs=0.02)


def test_simulated_worlds_know_that_agents_are_better_at_some_groups():
    made = by_hand("binomial", groups=True, draws=500)
    p = predict(made, about="such cells").probability.values
    assert chances(made, made.observed_data.to_dataset(), range(500)).mean(0) == pytest.approx(p, abs=1e-6)
    worlds = [simulate_outcomes(made, seed=seed).successes.values / 5 for seed in range(60)]
    assert np.mean(worlds, 0) == pytest.approx(p, abs=0.15)


# --- scoring newcomers where agents are better at some groups ---


def test_a_new_agent_has_gifts_of_its_own_that_its_results_tell_of():
    made = by_hand("binomial", groups=True, draws=4000)
    seen = made.observed_data.to_dataset()
    web, code = ([str(t) for t in seen.task.values[seen.group.values == g]] for g in ("web", "code"))
    arrive = from_arrays(
        [[1] * 4], agents=["new"], tasks=pd.DataFrame(dict(benchmark="left", group="web"), web), trials=[[1] * 4]
    )
    scored = check_fit(score(made, arrive, seed=0))
    rng, b = np.random.default_rng(0), draws(made, "difficulty", task=web).values
    theta, gift = (rng.standard_normal((50, len(b))) * sd for sd in (1.0, 1.2))
    weight = expit((theta + gift)[..., None] - b).prod(-1)  # by brute force: four passes on tasks of the web
    mean = lambda x: (weight * x).sum() / weight.sum()
    sd = lambda x: np.sqrt(mean(x**2) - mean(x) ** 2)
    ability, gifts = draws(scored, agent=["new"]).values[:, 0], draws(scored, "group_deviation", agent=["new"]).isel(agent=0)
    for found, true in ((ability, theta), (gifts.sel(group="web").values, gift)):
        assert found.mean() == pytest.approx(mean(true), abs=0.06)
        assert found.std() == pytest.approx(sd(true), abs=0.06)
    assert gifts.sel(group="code").values.mean() == pytest.approx(0.0, abs=0.08)
    assert gifts.sel(group="code").values.std() == pytest.approx(1.2, abs=0.08)
    p = predict(scored, ["new"], [web[0], code[0]])
    apart = expit((theta + gift) - b[:, 0])
    assert p.probability.notnull().all() and draws(scored).shape[0] == 4000
    assert mean(apart) > 0.6


def test_a_new_agent_with_five_hundred_results_in_ten_groups_is_known_as_well_as_by_brute_force():
    rng, draws_, groups, sds = np.random.default_rng(3), 1000, 10, (1.2, 0.6)
    group, b = np.arange(500) % groups, rng.normal(0, 1.5, 500)
    tasks = pd.DataFrame(dict(group=[f"group {g}" for g in group]), [f"task {j:03d}" for j in range(500)])
    of = {name: (("chain", "draw"), np.full((1, draws_), x)) for name, x in zip(("ability_sd", "group_sd"), sds)}
    of |= dict(ability=(("chain", "draw", "agent"), np.zeros((1, draws_, 1))))
    of |= dict(difficulty=(("chain", "draw", "task"), np.tile(b, (1, draws_, 1))))
    of |= dict(group_deviation=(("chain", "draw", "group", "agent"), np.zeros((1, draws_, groups, 1))))
    labels = dict(agent=["old"], task=tasks.index.to_numpy(str), group=sorted({*tasks.group}))
    about = dict(curve="1pl", method="by hand", converged="yes", verdict="Made by hand.", kind="simulated")
    made = make_fit(xr.Dataset(of, labels), from_arrays(np.ones((1, 500), int), agents=["old"], tasks=tasks), about)
    passed = rng.binomial(1, expit(0.4 + (0.6 * rng.standard_normal(groups))[group] - b))
    found = draws(score(made, from_arrays(passed[None], agents=["new"], tasks=tasks), seed=0), agent=["new"]).values[:, 0]
    theta, gift = np.linspace(-6, 6, 601), np.linspace(-3.6, 3.6, 241)
    log_weight = -0.5 * (theta / sds[0]) ** 2
    for g in range(groups):
        p = expit(theta[:, None] + gift - b[group == g][:, None, None])
        each = np.log(np.where(passed[group == g][:, None, None], p, 1 - p)).sum(0) - 0.5 * (gift / sds[1]) ** 2
        log_weight = log_weight + np.log(np.exp(each - each.max()).sum(1)) + each.max()
    weight = np.exp(log_weight - log_weight.max()) / np.exp(log_weight - log_weight.max()).sum()
    lower, upper = np.interp([0.05, 0.95], weight.cumsum() - weight / 2, theta)
    sd = np.sqrt(weight @ (theta - weight @ theta) ** 2)
    assert found.mean() == pytest.approx(weight @ theta, abs=0.12 * sd)
    assert np.ptp(np.quantile(found, [0.05, 0.95])) / (upper - lower) == pytest.approx(1, abs=0.1)  # was 1.25
