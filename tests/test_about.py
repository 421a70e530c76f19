"""What an interval is about: rates of these tasks, a rerun or such tasks; this cell or such cells. Each is covered as named."""

from functools import cache

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy.special import expit

from agentirt_nb.data.building import from_arrays
from agentirt_nb.irt.fits import FitError, make_fit
from agentirt_nb.irt.inference import fit
from agentirt_nb.irt.prediction import predict
from agentirt_nb.irt.rates import ABOUT, bootstrap_ahead, chance_ahead, expected_pass_rate, rate_draws
from agentirt_nb.irt.snapshot import load_snapshot
from agentirt_nb.irt.tables import ladder
from agentirt_nb.views.ladders import interval_ladder

KINDS = {  # how difficulties are spread: as the fit supposes, and in three other ways
    "normal": lambda rng, size: rng.normal(0, 1.5, size),
    "uniform": lambda rng, size: rng.uniform(-3, 3, size),
    "skewed": lambda rng, size: rng.exponential(1.8, size) - 1.5,
    "two heaps": lambda rng, size: np.where(rng.random(size) < 0.6, rng.normal(-2, 0.5, size), rng.normal(2.5, 0.5, size)),
}


def labels(agents, tasks):
    return dict(agents=[f"agent {i + 1:02d}" for i in range(agents)], tasks=[f"task {j + 1:03d}" for j in range(tasks)])


def world(kind, rng, agents, tasks, runs, concentration=None):
    "Outcomes, the curve's abilities, difficulties and cell rates, and what the three kinds of rate truly are."
    ability, difficulty = rng.normal(0, 1.2, agents), KINDS[kind](rng, tasks)
    p = expit(ability[:, None] - difficulty)
    rate = p if concentration is None else rng.beta(concentration * p, concentration * (1 - p))
    true = {
        "these tasks": rate.mean(1),
        "a rerun": rng.binomial(runs, rate).mean(1) / runs,
        "such tasks": expit(ability[:, None] - KINDS[kind](rng, 20_000)).mean(1),
    }
    outcomes = from_arrays(rng.binomial(runs, rate), np.full(p.shape, runs), **labels(agents, tasks))
    return outcomes, dict(ability=ability, difficulty=difficulty, rate=rate), true


def inside(found, true):
    "The share of agents whose interval holds the truth."
    return ((found.lower.values[:, 0] <= true + 1e-12) & (true <= found.upper.values[:, 0] + 1e-12)).mean()


def known_fit(outcomes, values, concentration, draws=200):
    "A fit that knows abilities, difficulties and concentration: what is left is cells' own rates, luck, and the draw of tasks."
    of = {
        name: (("chain", "draw", dim), np.tile(values[name], (1, draws, 1)))
        for name, dim in (("ability", "agent"), ("difficulty", "task"))
    }
    of |= {name: (("chain", "draw"), np.full((1, draws), float(value))) for name, value in (("location", 0), ("scale", 1.5))}
    of |= dict(concentration=(("chain", "draw"), np.full((1, draws), float(concentration)))) if concentration else {}
    about = dict(curve="1pl", method="by hand", converged="yes", verdict="Made by hand.", kind="simulated")
    return make_fit(xr.Dataset(of, dict(agent=outcomes.agent.values, task=outcomes.task.values)), outcomes, about)


@cache
def worlds(kind, boards):
    "Boards of single runs, each with its fit."
    rng, found = np.random.default_rng(1), []
    for _ in range(boards):
        outcomes, _, true = world(kind, rng, 30, 100, 1)
        found.append((fit(outcomes, progress=False), true))
    return found


def coverage(kind, boards, about, of=None):
    "How often the interval of one kind holds the truth of that kind, or of another."
    return np.mean(
        [inside(expected_pass_rate(made, about=about, seed=1), true[of or about]) for made, true in worlds(kind, boards)]
    )


# --- rates ---


@pytest.mark.parametrize("kind", ["normal", "skewed"])
def test_each_rate_is_covered_as_it_is_named_and_luck_is_not_forgotten(kind):
    assert {about: coverage(kind, 8, about) for about in ABOUT} == pytest.approx(dict.fromkeys(ABOUT, 0.9), abs=0.06)
    assert coverage(kind, 8, "these tasks", of="a rerun") < 0.83  # what was given for the score of a rerun


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_on_many_boards_each_rate_is_covered_as_it_is_named(kind):
    found = {about: coverage(kind, 60, about) for about in ABOUT}
    print(kind, found)
    assert all(0.86 < covered < 0.945 for covered in found.values()), found  # a rerun's score is a whole number: a little more


@pytest.mark.parametrize("kind, concentration", [("normal", 2.7), ("skewed", 1.0)])
def test_cells_with_rates_of_their_own_are_covered_once_the_curve_is_known(kind, concentration):
    rng, covered, cells = np.random.default_rng(2), {about: [] for about in ABOUT}, []
    for board in range(12):
        outcomes, values, true = world(kind, rng, 12, 90, 5, concentration)
        made = known_fit(outcomes, values, concentration)
        for about in ABOUT:
            covered[about].append(inside(expected_pass_rate(made, about=about, seed=board), true[about]))
        p = predict(made, seed=board)
        cells.append(((p.lower <= values["rate"]) & (values["rate"] <= p.upper)).mean().item())
    assert np.mean(cells) == pytest.approx(0.9, abs=0.015)
    assert np.mean(covered["these tasks"]) == pytest.approx(0.9, abs=0.06)
    assert np.mean(covered["a rerun"]) == pytest.approx(0.9, abs=0.06)
    assert np.mean(covered["such tasks"]) == pytest.approx(0.9, abs=0.14)  # twelve draws of tasks, shared by all agents


def test_the_curve_alone_calls_too_much_luck_where_cells_have_rates_of_their_own():
    "Without each cell's own rate a rerun looks less certain than it is: five of five go on to pass."
    outcomes, values, true = world("normal", np.random.default_rng(3), 40, 90, 5, 1.0)
    own, curve = (expected_pass_rate(known_fit(outcomes, values, c), about="these tasks") for c in (1.0, None))
    error = lambda found: abs(found.pass_rate.values[:, 0] - true["these tasks"]).mean()
    assert error(own) < 0.75 * error(curve)
    assert inside(own, true["these tasks"]) > 0.8 and inside(curve, true["these tasks"]) < 0.1


# --- cells ---


def dispersed(runs=5, **more):
    outcomes, values, _ = world("normal", np.random.default_rng(4), 10, 20, runs, 2.0)
    return outcomes, known_fit(outcomes, values, 2.0, **more)


def test_a_run_pair_goes_by_its_own_trials_and_a_new_one_by_many_such_cells():
    outcomes, made = dispersed()
    p, k = predict(made, about="such cells").probability, outcomes.successes
    assert predict(made).probability.values == pytest.approx(((2 * p + k) / 7).values)
    new = predict(made, pd.DataFrame(dict(agent=["agent 01"])), pd.DataFrame(dict(task=["new"], difficulty=[0.0])))
    such = predict(made, ["agent 01"], pd.DataFrame(dict(task=["new"], difficulty=[0.0])), about="such cells")
    assert new.probability.item() == pytest.approx(such.probability.item())
    assert (new.upper - new.lower).item() > 0.5 > 1e-6 + (such.upper - such.lower).item()


def test_a_task_supposed_to_be_harder_is_not_the_task_that_was_run():
    made = dispersed()[1]
    as_it_is = predict(made, ["agent 01"], pd.DataFrame(dict(task=["task 001"], benchmark=["unnamed"])))
    harder = predict(made, ["agent 01"], pd.DataFrame(dict(task=["task 001"], difficulty=[5.0])))
    assert as_it_is.task_run.item() and not harder.task_run.item()
    assert as_it_is.probability.item() == pytest.approx(predict(made, ["agent 01"], ["task 001"]).probability.item())
    assert harder.probability.item() == pytest.approx(expit(made.posterior.ability.values[0, 0, 0] - 5.0))


def test_a_fit_without_rates_of_cells_answers_both_alike_and_says_why():
    four = load_snapshot()
    some = dict(agents=four.observed_data.agent.values[:2].tolist(), tasks=four.observed_data.task.values[:3].tolist())
    one, many = predict(four, **some), predict(four, **some, about="such cells")
    xr.testing.assert_equal(one, many)
    assert (one.attrs["about"], many.attrs["about"]) == ("this cell", "such cells")
    assert "alike" in one.attrs["about_says"]
    with pytest.raises(FitError, match="did you mean 'such cells'"):
        predict(four, **some, about="such cell")


# --- who is ahead ---


def test_a_claim_to_be_ahead_comes_true_as_often_as_it_says():
    claimed, came = {about: [] for about in ABOUT}, {about: [] for about in ABOUT}
    for made, true in worlds("skewed", 8):
        for about in ABOUT:
            chance = chance_ahead(made, about=about, replicates=2).ahead.values
            at = (chance > 0.75) & (chance < 0.97)
            claimed[about].append(chance[at])
            came[about].append((np.sign(true[about][:, None] - true[about]) / 2 + 0.5)[at])
    for about in ABOUT:
        assert np.concatenate(claimed[about]).mean() == pytest.approx(np.concatenate(came[about]).mean(), abs=0.05), about


def test_the_bootstrap_of_tasks_agrees_with_the_fit_and_that_of_groups_heeds_groups():
    rng = np.random.default_rng(5)
    group = np.repeat(np.arange(8), 15)
    ability, habit = np.zeros((12, 1)), rng.normal(0, 1, (12, 8))  # nobody is better; each has its repositories
    hard = rng.normal(0, 3, 8)[group] + rng.normal(0, 0.5, 120)  # and repositories are hard or easy
    passed = rng.binomial(1, expit(ability + habit[:, group] - hard))
    names = labels(12, 120)
    tasks = pd.DataFrame(dict(group=[f"repository {g}" for g in group]), index=names["tasks"])
    made = fit(from_arrays(passed, agents=names["agents"], tasks=tasks), progress=False)
    found = chance_ahead(made)
    sure = lambda name: (abs(found[name].values - 0.5) > 0.45).mean()
    assert abs(found.ahead - found.by_task).max() < 0.15
    assert sure("by_group") < sure("by_task")
    wide, plain = (expected_pass_rate(made, about="such tasks", groups=groups) for groups in (True, False))
    assert (wide.upper - wide.lower).mean() > 1.2 * (plain.upper - plain.lower).mean()


def test_few_groups_and_no_outcomes_leave_the_bootstrap_out_and_do_not_fail():
    four = load_snapshot()
    found = chance_ahead(four, four.observed_data.agent.values[:3])
    assert found.by_task.isnull().all() and not found.ahead.isnull().any()
    made = fit(from_arrays(np.eye(4, 6), **labels(4, 6)), progress=False)
    found = chance_ahead(made)
    assert found.by_group.isnull().all() and not found.by_task.isnull().any()
    with pytest.raises(FitError, match="takes 5 or more; leave out groups=True"):
        expected_pass_rate(made, about="such tasks", groups=True)


def test_the_bootstrap_is_fair_to_ties_and_to_how_tasks_are_ordered():
    rng = np.random.default_rng(6)
    passed, runs = rng.binomial(5, 0.6, (5, 40)), np.full((5, 40), 5)
    passed[1] = passed[0]  # twins
    outcomes = from_arrays(passed, runs, **labels(5, 40))
    units = rng.integers(0, 7, 40)
    shares = bootstrap_ahead(outcomes, units).ahead.values
    assert shares[0, 1] == 0.5 and shares + shares.T == pytest.approx(np.ones((5, 5)))
    order = rng.permutation(40)
    assert bootstrap_ahead(outcomes.isel(task=order), units[order]).ahead.values == pytest.approx(shares)


# --- what is said ---


def test_every_result_names_what_it_is_about():
    four = load_snapshot()
    who = four.observed_data.agent.values[:2]
    for about in ABOUT:
        drawn = rate_draws(four, who, "gso", about=about)
        for result in (expected_pass_rate(four, who, "gso", about=about), chance_ahead(four, who, "gso", about=about), drawn):
            assert result.attrs["about"] == about and ABOUT[about] in result.attrs["about_says"]
        chart = interval_ladder(drawn.rate.isel(benchmark=0, drop=True), "pass rate").to_dict()
        assert chart["layer"][0]["encoding"]["x"]["title"] == f"pass rate, {about}"
    assert ladder(four).attrs["ranks_about"] == "such tasks"


def test_ranks_of_a_rerun_hold_the_ranks_of_a_rerun():
    covered = []
    for made, true in worlds("normal", 8):
        found = ladder(made, about="a rerun").sel(agent=made.posterior.agent)
        rank = 1 + (true["a rerun"][:, None] < true["a rerun"]).sum(1)
        covered.append(((found.rank_lower <= rank) & (rank <= found.rank_upper)).mean().item())
    assert np.mean(covered) == pytest.approx(0.92, abs=0.05)


def test_an_agent_that_is_better_at_a_group_of_tasks_passes_more_of_it():
    outcomes, values, _ = world("normal", np.random.default_rng(8), 4, 40, 1)
    outcomes = outcomes.assign_coords(group=("task", np.repeat(["web", "maths"], 20)))
    made = known_fit(outcomes, values, None)
    gifted = np.zeros((1, 200, 2, 4))
    gifted[0, :, 1, 0] = 3.0  # the first agent, at the web
    more = dict(
        group_deviation=(("chain", "draw", "group", "agent"), gifted), group_sd=(("chain", "draw"), np.full((1, 200), 1.0))
    )
    grouped = made.copy(deep=True)
    grouped["posterior"] = made["posterior"].to_dataset().assign(more).assign_coords(group=["maths", "web"])
    gain = (predict(grouped).probability - predict(made).probability).values
    assert (gain[0, :20] > 0.05).any() and gain[0, :20].min() > 0 and gain[0, 20:] == pytest.approx(0) == abs(gain[1:]).max()
    new = pd.DataFrame(dict(task=["a", "b"], difficulty=[1.0, 1.0], group=["web", "physics"]))
    one, two = predict(grouped, ["agent 01"], new).probability.values[0]
    assert one > two
    rates = [expected_pass_rate(fitted, about="these tasks").pass_rate.values[:, 0] for fitted in (grouped, made)]
    assert rates[0][0] > rates[1][0] + 0.02 and rates[0][1:] == pytest.approx(rates[1][1:])
