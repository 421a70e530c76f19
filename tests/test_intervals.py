"""Do intervals hold what they say, where runs of a pair resemble each other and agents are better at some groups of tasks?

Boards come from generators written here, not from the package's own simulation. Few boards and wide bars in the ordinary run;
as many as give a standard error of .01 in the slow one.
"""

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

from agentirt_nb.data.building import from_arrays
from agentirt_nb.data.leaderboards import load_leaderboard
from agentirt_nb.irt.fits import draws
from agentirt_nb.irt.inference import fit
from agentirt_nb.irt.rates import chance_ahead, expected_pass_rate
from agentirt_nb.irt.tables import ladder, possible_ranks


def board(seed, concentration=None, group_sd=0.0, trials=1, agents=60, tasks=90, groups=10):
    "Outcomes, abilities, difficulties and chances (agent, task) of pairs, averaged over their deviations."
    rng = np.random.default_rng(seed)
    ability, difficulty = rng.normal(0, 1.2, agents), rng.normal(0.3, 1.8, tasks)
    ability -= ability.mean()
    group = np.arange(tasks) % groups
    deviation = group_sd * rng.standard_normal((agents, groups))
    p = expit(ability[:, None] + deviation[:, group] - difficulty)
    q = rng.beta(np.maximum(concentration * p, 1e-9), np.maximum(concentration * (1 - p), 1e-9)) if concentration else p
    about = pd.DataFrame(dict(group=[f"group {g}" for g in group]), index=[f"task {j}" for j in range(tasks)])
    labels = dict(agents=[f"agent {i}" for i in range(agents)], tasks=about)
    return from_arrays(rng.binomial(trials, q), np.full(p.shape, trials), **labels), ability, difficulty, p


def covered(samples, truth):
    "Share of truths inside the 90 % interval of samples."
    lower, upper = np.quantile(samples, [0.05, 0.95], axis=0)
    return float(((lower <= truth) & (truth <= upper)).mean())


def looked_at(made, group_sd=0.0, **how):
    "Coverage of abilities, difficulties, chances, rates and ranks, and by how much claims of .8 to .95 are true too seldom."
    outcomes, ability, difficulty, p = made
    found = fit(outcomes, ability="agent", progress=False, **how)
    a = draws(found, agent=outcomes.agent.values.tolist()).values.astype(float)
    b = draws(found, "difficulty", task=outcomes.task.values.tolist()).values.astype(float)
    chance, rank = expit(a[:, :, None] - b[:, None]), 1 + (-ability).argsort().argsort()
    first, last = possible_ranks(found, draws(found, agent=outcomes.agent.values.tolist()), 0.9)
    i, j = np.triu_indices(len(ability), 1)
    ahead = (a[:, i] > a[:, j]).mean(0)
    claim, true = np.maximum(ahead, 1 - ahead), (ability[i] > ability[j]) == (ahead > 0.5)
    some = (claim > 0.8) & (claim < 0.95)
    return dict(
        ability=covered(a, ability),
        difficulty=covered(b, difficulty),
        chance=covered(chance, p),
        rate=covered(chance.mean(2), p.mean(1)),
        rank=float(((first <= rank) & (rank <= last)).mean()),
        surplus=float(claim[some].mean() - true[some].mean()),
        **on_other_groups(found, outcomes, ability, group_sd),
    )


def on_other_groups(found, outcomes, ability, group_sd):
    "Coverage of rates on tasks of other groups, by default, and by how much claims to be ahead on them are true too seldom."
    if not group_sd:
        return {}
    at, share = np.polynomial.hermite_e.hermegauss(21)
    true = expit(ability[:, None] - 0.3 - np.hypot(1.8, group_sd) * at) @ share / share.sum()  # as `board` draws tasks
    rates = expected_pass_rate(found, outcomes.agent.values.tolist(), about="such tasks").isel(benchmark=0)
    assert rates.attrs["about"] == ladder(found).attrs["ranks_about"]
    assert (rates.attrs["about"] == "tasks of other groups") == ("group_deviation" in found["posterior"])
    ahead = chance_ahead(found, outcomes.agent.values.tolist(), replicates=2).ahead.values
    some = (ahead > 0.8) & (ahead < 0.95)
    came = (true[:, None] > true)[some]
    held = (rates.lower.values <= true) & (true <= rates.upper.values)
    return dict(such_rate=float(held.mean()), such_surplus=float(ahead[some].mean() - came.mean()))


def over_boards(count, how, **what):
    "Means over boards, and their standard errors."
    rows = pd.DataFrame([looked_at(board(seed, **what), what.get("group_sd", 0.0), **how) for seed in range(count)])
    return rows.mean(), rows.std() / np.sqrt(count)


COVERED = ["ability", "difficulty", "chance", "rate"]


def test_intervals_hold_where_five_runs_of_a_pair_resemble_each_other():
    mean, _ = over_boards(4, {}, concentration=2.7, trials=5)
    assert mean[COVERED].between(0.84, 0.96).all(), mean
    assert 0.84 < mean["rank"] < 0.98 and abs(mean.surplus) < 0.06, mean
    plain, _ = over_boards(2, dict(noise="binomial"), concentration=2.7, trials=5)
    assert plain.ability < 0.84  # what is mended: a binomial takes five runs for five


@pytest.mark.slow
@pytest.mark.parametrize("concentration", [0.7, 2.7, 10.0, None])
def test_intervals_hold_for_any_resemblance_of_runs(concentration):
    mean, error = over_boards(40, {}, concentration=concentration, trials=5)
    print(concentration, mean.round(3).to_dict(), error.round(3).to_dict())
    assert mean[COVERED].between(0.87, 0.93).all(), mean
    assert 0.87 < mean["rank"] < 0.945 and abs(mean.surplus) < 0.035, mean  # ranks are whole numbers: their intervals hold more


def spread_of_halves(outcomes, seed, **how):
    "Standard deviation, over pairs of agents, of the difference between two halves of the tasks over what intervals allow for."
    order = np.random.default_rng(seed).permutation(outcomes.sizes["task"])
    i, j = np.triu_indices(outcomes.sizes["agent"], 1)
    means, variances = [], []
    for half in np.array_split(order, 2):
        found = fit(outcomes.isel(task=np.sort(half)), progress=False, **how)
        ability = draws(found, agent=outcomes.agent.values.tolist()).values.astype(float)
        difference = ability[:, i] - ability[:, j]
        means.append(difference.mean(0))
        variances.append(difference.var(0))
    return float(((means[0] - means[1]) / np.sqrt(variances[0] + variances[1])).std())


def test_two_halves_of_terminal_bench_differ_as_intervals_allow():
    outcomes = load_leaderboard("terminal_bench_trials")
    spreads = [spread_of_halves(outcomes, seed, ability="agent") for seed in range(3)]
    assert 0.9 < np.mean(spreads) < 1.1 and max(spreads) < 1.2, spreads
    assert spread_of_halves(outcomes, 0, ability="agent", noise="binomial") > 1.3  # as it was


@pytest.mark.slow
def test_two_halves_of_verified_differ_as_intervals_allow():
    outcomes = load_leaderboard("swebench_verified")
    spreads = [spread_of_halves(outcomes, seed, ability="agent") for seed in range(3)]
    print(spreads)
    assert 0.9 < np.mean(spreads) < 1.1, spreads


def test_abilities_on_tasks_of_other_groups_are_known_as_well_as_is_said():
    mean, _ = over_boards(3, dict(groups=True), group_sd=0.6, tasks=120)
    assert 0.82 < mean.ability < 0.97 and abs(mean.surplus) < 0.07, mean
    assert 0.78 < mean.such_rate < 0.99 and abs(mean.such_surplus) < 0.07, mean  # three boards: each shares its draw of tasks


@pytest.mark.slow
def test_abilities_on_tasks_of_other_groups_are_known_as_well_as_is_said_in_many_boards():
    mean, error = over_boards(40, dict(groups=True), group_sd=0.6, tasks=120)
    print(mean.round(3).to_dict(), error.round(3).to_dict())
    assert 0.87 < mean.ability < 0.93 and abs(mean.surplus) < 0.035, mean
    assert 0.86 < mean.such_rate < 0.94 and abs(mean.such_surplus) < 0.035, mean
    plain, _ = over_boards(10, dict(groups=False), group_sd=0.6, tasks=120)
    assert plain.ability < 0.85  # what is mended
