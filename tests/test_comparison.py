"Is number 1 really better: known figures of SWE-bench Verified, level and power of every test, and the simplest inputs."

import contextlib
from functools import cache
from io import StringIO

import numpy as np
import pytest
import xarray as xr
from scipy.special import expit
from scipy.stats import binomtest

from agentirt_nb.app.cli import main
from agentirt_nb.data.building import from_arrays
from agentirt_nb.data.leaderboards import load_leaderboard
from agentirt_nb.irt.comparison import (
    check_order,
    compare,
    compare_all,
    deciding_tasks,
    flip_test,
    side_by_side,
    tasks_to_tell,
    variance_shares,
)
from agentirt_nb.irt.fits import FitError, make_fit, save_fit
from agentirt_nb.irt.inference import fit
from agentirt_nb.irt.rates import chance_ahead, drawn_again, task_weights
from agentirt_nb.irt.tables import ladder

ALMOST = 0.07  # a nominal 5 % may be at most that


def labels(agents, tasks):
    return dict(agents=[f"agent {i + 1:02d}" for i in range(agents)], tasks=[f"task {j + 1:03d}" for j in range(tasks)])


def board(rng, ability, tasks, runs=1, concentration=None, of_group=None):
    "Outcomes of agents with these abilities on tasks of normal difficulty, with groups that agents may be better at."
    import pandas as pd

    p = expit(np.asarray(ability)[:, None] - rng.normal(0, 1.5, tasks))
    names = labels(len(ability), tasks)
    if of_group is not None:
        groups, sd = of_group
        p = expit(np.log(p / (1 - p)) + rng.normal(0, sd, (len(ability), max(groups) + 1))[:, groups])
        names["tasks"] = pd.DataFrame({"group": [f"group {g:02d}" for g in groups]}, index=names["tasks"])
    rate = p if concentration is None else rng.beta(concentration * p, concentration * (1 - p))
    return from_arrays(rng.binomial(runs, rate), np.full(p.shape, runs), **names)


def by_hand(outcomes, ability=None, difficulty=None, sd=0.3, draws=200, **more):
    "A fit that knows these abilities and difficulties up to sd, without fitting; more variables of the posterior by name."
    rng, sizes = np.random.default_rng(0), (1, draws)
    of = {}
    for name, dim, middle in (("ability", "agent", ability), ("difficulty", "task", difficulty)):
        middle = np.zeros(outcomes.sizes[dim]) if middle is None else np.asarray(middle)
        of[name] = ("chain", "draw", dim), middle + rng.normal(0, sd, (*sizes, len(middle)))
    for name, (dims, values) in more.items():
        of[name] = ("chain", "draw", *dims), np.broadcast_to(values, (*sizes, *np.shape(values))).copy()
    about = dict(curve="1pl", method="by hand", converged="yes", verdict="Made by hand.", kind="simulated")
    about |= dict(noise="beta-binomial") if "concentration" in more else {}
    labels = {dim: outcomes[dim].values for dim in ("agent", "task")}
    labels |= dict(group=np.unique(outcomes.group)) if "group_deviation" in more else {}
    return make_fit(xr.Dataset(of, labels), outcomes, about)


@cache
def verified():
    return fit(load_leaderboard("swebench_verified", progress=False), progress=False)


# --- known figures ---


@pytest.mark.data
def test_the_top_eight_of_134_tie_with_number_one_and_129_of_133_neighbours_are_not_told_apart():
    pairs = compare_all(verified())
    expected = [1, 0.90, 0.24, 0.25, 0.155, 0.134, 0.114, 0.025]
    np.testing.assert_allclose(pairs.p.values[0, 1:9], expected, atol=5e-3)
    assert pairs.tie_group.values[:9].tolist() == [1] * 8 + [2]
    assert (np.diagonal(pairs.p.values, 1) >= 0.05).sum() == 129
    assert "8 of 134" in pairs.attrs["says"] and "129" in pairs.attrs["says"]


@pytest.mark.data
def test_270_of_500_tasks_are_dead_among_the_top_25():
    pairs, seen = compare_all(verified()), verified()["observed_data"].to_dataset()
    top = seen.successes.sel(agent=pairs.agent.values[:25]).transpose("agent", "task").values
    assert (int(top.all(0).sum()), int((~top.astype(bool)).all(0).sum())) == (230, 40)


@pytest.mark.data
def test_number_one_and_two_have_eighteen_tasks_each_and_the_sentence_says_so():
    found = compare(verified(), "20251205_sonar-foundation-agent_claude-opus-4-5", "20251215_livesweagent_claude-opus-4-5")
    assert "passed 18 that the rival failed and failed 18" in found.says.item()
    assert found.p.sel(by="exact test").item() == 1.0
    assert 0.3 < found.ability_ahead.item() < 0.7


# --- the exact test ---


def test_the_exact_test_of_single_runs_is_the_binomial_test_and_of_several_sizes_goes_through_all_flips():
    rng = np.random.default_rng(0)
    for won, lost in rng.integers(0, 40, (30, 2)):
        steps = np.r_[np.ones(won), -np.ones(lost), np.zeros(5)]
        expected = binomtest(int(won), int(won + lost)).pvalue if won + lost else 1.0
        assert flip_test(steps)[0] == pytest.approx(expected, rel=1e-9)
    signs = 1 - 2 * ((np.arange(2**12)[:, None] >> np.arange(12)) & 1)
    several = rng.integers(-60, 61, (20, 12))
    brute = [(np.abs(signs @ row) >= abs(row.sum())).mean() for row in several]
    np.testing.assert_allclose(flip_test(several), brute, atol=1e-9)


def test_five_identical_runs_of_each_task_are_worth_no_more_than_one():
    once = board(np.random.default_rng(1), [0.8, 0, -0.3], 60)
    five = once.assign(successes=once.successes * 5, trials=once.trials * 5)
    one, many = (compare_all(by_hand(x)) for x in (once, five))
    np.testing.assert_allclose(one.p.values, many.sel(agent=one.agent.values, rival=one.rival.values).p.values, atol=1e-9)


def test_a_lead_in_one_group_of_tasks_alone_convinces_the_test_by_tasks_but_not_that_by_groups():
    import pandas as pd

    passes = np.zeros((2, 60), int)
    passes[0, :14] = passes[1, 20:22] = 1
    tasks = pd.DataFrame({"group": [f"g{j // 6}" for j in range(60)]}, index=[f"t{j:02d}" for j in range(60)])
    tasks.iloc[:14, 0] = "g0"
    found = compare(by_hand(from_arrays(passes, agents=["A", "B"], tasks=tasks)), "A", "B").isel(rival=0)
    assert found.p.sel(by="exact test") < 0.01 and found.p.sel(by="exact test by groups") > 0.2
    assert found.lower.sel(by="tasks drawn again") > 0 > found.lower.sel(by="groups drawn again")
    assert "the lead differs between groups, and 'g0' alone makes +23.3 points" in found.says.item()


# --- level and power ---

UNEVEN = np.repeat(np.arange(12), [46, 15, 9, 7, 7, 6, 5, 4, 4, 4, 2, 1])  # a dozen groups, as uneven as Verified's
EQUAL = np.arange(110) % 6
LEVELS = {  # tasks, runs, concentration, groups, how much agents differ between groups (logits)
    "single runs": (110, 1, None, None, 0.0),
    "single runs on few tasks": (24, 1, None, None, 0.0),
    "five runs alike": (60, 5, 2.0, None, 0.0),
    "uneven groups": (110, 1, None, UNEVEN, 0.0),
    "agents better at some of uneven groups": (110, 1, None, UNEVEN, 0.6),
    "agents better at some of six groups": (110, 1, None, EQUAL, 0.6),
}


def rejected(kind, pairs, seed, gap=0.0):
    "How often each way calls two agents different at a nominal 5 %; agents of each pair are `gap` logits apart."
    (tasks, runs, concentration, groups, sd), rng = LEVELS[kind], np.random.default_rng(seed)
    logit = rng.normal(0, 1.5, (pairs, 1, tasks)) + gap * np.array([0.5, -0.5])[:, None]
    if groups is not None:
        logit = logit + rng.normal(0, sd, (pairs, 2, groups.max() + 1))[..., groups]
    rate = expit(logit)
    rate = rate if concentration is None else rng.beta(concentration * rate, concentration * (1 - rate))
    steps = np.subtract(*rng.binomial(runs, rate).swapaxes(0, 1))
    found = {}
    for way, units in ({"tasks": np.arange(tasks)} | ({} if groups is None else {"groups": groups})).items():
        sums, both = (x @ np.eye(units.max() + 1)[units] for x in (steps, np.ones_like(steps)))
        weight = task_weights(np.arange(units.max() + 1), 1000, rng)
        again = drawn_again(sums / runs, both, weight, 0.95)
        found[f"exact test, {way}"] = float((flip_test(sums) <= 0.05).mean())
        found[f"{way} drawn again"] = float(((again.lower > 0) | (again.upper < 0)).mean())
    return found


def by_right_units(kind, found):
    "What counts: where agents differ between groups, ways that take tasks as independent are about something else."
    return {way: x for way, x in found.items() if "groups" in way or not LEVELS[kind][-1]}


@pytest.mark.parametrize("kind", LEVELS)
def test_equal_agents_are_told_apart_in_at_most_seven_of_a_hundred_cases(kind):
    found = by_right_units(kind, rejected(kind, 800, 1))
    assert max(found.values()) <= ALMOST + 0.012, found  # about 1.5 standard errors of 800 pairs


@pytest.mark.slow
@pytest.mark.parametrize("kind", LEVELS)
def test_the_level_holds_over_many_pairs(kind):
    found = by_right_units(kind, rejected(kind, 10_000, 2))
    print(kind, found)
    assert max(found.values()) <= ALMOST, found
    assert all(x > 0.03 for way, x in found.items() if "drawn again" in way), found  # exact tests may be below


def test_where_agents_differ_between_groups_ways_by_tasks_reject_too_often_and_those_by_groups_do_not():
    found = rejected("agents better at some of uneven groups", 800, 3)
    assert found["exact test, tasks"] > 0.12 and found["tasks drawn again"] > 0.12, found
    assert found["exact test, groups"] < ALMOST and found["groups drawn again"] < ALMOST + 0.012, found


def test_an_agent_that_is_one_logit_better_is_told_apart():
    found = rejected("uneven groups", 400, 4, gap=1.0)
    assert found["exact test, tasks"] > 0.6 and found["tasks drawn again"] > 0.6, found
    assert found["exact test, groups"] > 0.4 and found["groups drawn again"] > 0.4, found
    assert rejected("five runs alike", 400, 4, gap=1.0)["exact test, tasks"] > 0.6


def test_the_fit_calls_equal_agents_different_in_at_most_seven_of_a_hundred_cases():
    rng, level = np.random.default_rng(4), []
    for _ in range(8):
        ability = np.repeat(rng.normal(0, 1, 7), 2)  # seven pairs of twins
        made = fit(board(rng, ability, 100), ability="agent", check=False, progress=False)
        ahead = compare_all(made).ahead
        twins = [float(ahead.sel(agent=f"agent {2 * i + 1:02d}", rival=f"agent {2 * i + 2:02d}")) for i in range(7)]
        level.append(np.mean(np.abs(np.array(twins) - 0.5) > 0.475))
    assert np.mean(level) <= ALMOST, level


def test_of_the_pairs_that_are_called_settled_at_most_one_in_twenty_is_between_equals():
    rng, false, all_ = np.random.default_rng(5), 0, 0
    for _ in range(12):
        ability = np.repeat([0.0, 0.9], 10)
        pairs = compare_all(by_hand(board(rng, ability, 150)))
        first = np.array([int(x[-2:]) <= 10 for x in pairs.agent.values])
        settled = np.triu(pairs.settled.values, 1)
        false, all_ = false + settled[first[:, None] == first[None]].sum(), all_ + settled.sum()
    assert all_ > 200 and false / all_ <= 0.05, (false, all_)


def test_with_nearly_equal_agents_the_paired_normal_believes_too_much_and_the_fit_does_not():
    rng = np.random.default_rng(6)
    outcomes = board(rng, rng.normal(0, 0.25, 30), 160)
    order = check_order(outcomes, claims=("1pl", "paired normal"), halves=2, ability="agent")
    sure = order.sel(claim="paired normal", band=["0.8 to 0.9", "0.9 to 1.0"]).weighted(order.pairs.sel(claim="paired normal"))
    assert float(sure.mean().claimed - sure.mean().seen) > 0.1
    gap = np.abs(order.claimed - order.seen).sel(claim="1pl").where(order.pairs.sel(claim="1pl") > 100)
    assert float((gap - 2 * order.se.sel(claim="1pl")).max()) < 0.03
    assert order.log_loss.mean("half").sel(claim="1pl") < order.log_loss.mean("half").sel(claim="paired normal")


@pytest.mark.data
@pytest.mark.slow
@pytest.mark.parametrize("name", ["swebench_verified", "terminal_bench", "gso", "swebench_pro"])
def test_claimed_and_seen_order_agree_in_every_band_on_twenty_halves_of_each_leaderboard(name):
    order = check_order(load_leaderboard(name, progress=False), claims=("1pl",), halves=10, seed=20)
    gap, sure = np.abs(order.claimed - order.seen), np.maximum(0.03, 2 * order.se)
    print(name, order[["claimed", "seen", "se", "pairs"]].to_dataframe().round(3))
    assert (gap <= sure).where(order.pairs > 0, True).all(), order


def test_the_power_that_is_foretold_is_the_power_of_fresh_boards():
    rng = np.random.default_rng(7)
    ability, difficulty = [1.0, 0.5, 0.0], rng.normal(0, 1.5, 300)
    made = by_hand(board(rng, ability, 300), ability, difficulty, sd=0.01)
    plan = tasks_to_tell(made, "agent 01", "agent 02", trials=(1,), worlds=400)
    tasks = round(plan.needed.item())
    rate = expit(np.array([1.0, 0.5])[:, None, None] - rng.choice(difficulty, (1, 1000, tasks)))
    steps = np.subtract(*rng.binomial(1, rate))
    power = ((flip_test(steps) <= 0.05) & (steps.sum(1) > 0)).mean()
    assert plan.attrs["gap"] == pytest.approx((expit(1 - difficulty) - expit(0.5 - difficulty)).mean(), abs=0.005)
    assert 0.74 < power < 0.86, (tasks, power)


# --- what decides, and whose credit it is ---


def test_what_a_task_adds_is_what_a_fit_without_it_loses():
    outcomes = board(np.random.default_rng(8), [0.8, 0.3, 0, -0.5, 0.2, -1, 1, 0.5], 40)
    how = dict(ability="agent", check=False, progress=False, seed=1, draws=4000)
    made = fit(outcomes, **how)
    found = deciding_tasks(made, "agent 01", "agent 02")
    adds, lost = [], []
    for task in found.task.values[[0, 1, 2, 3]]:
        hidden = (outcomes.task == task) & outcomes.agent.isin(["agent 01", "agent 02"])
        rest = outcomes.assign({x: outcomes[x].where(~hidden, 0).astype(int) for x in ("successes", "trials")})
        adds.append(float(found.adds.sel(task=task)))
        lost.append(found.attrs["log_odds"] - deciding_tasks(fit(rest, **how), "agent 01", "agent 02").attrs["log_odds"])
    np.testing.assert_allclose(adds, lost, atol=0.35, rtol=0.15)
    assert found.adds[0] == abs(found.adds).max() * np.sign(found.adds[0])


def test_shares_of_variance_find_what_was_planted():
    rng = np.random.default_rng(9)
    import pandas as pd

    llm, scaffold = rng.normal(0, 1.5, 8), rng.normal(0, 0.5, 6)
    ability = (llm[:, None] + scaffold).ravel()
    facts = dict(llm=[f"LLM {i:02d}" for i in range(8) for _ in range(6)], scaffold=[f"s{j}" for _ in range(8) for j in range(6)])
    agents = pd.DataFrame(facts, index=[f"agent {k:02d}" for k in range(48)])
    passed = (rng.random((48, 120)) < expit(ability[:, None] - rng.normal(0, 1.5, 120))).astype(int)
    made = fit(from_arrays(passed, agents=agents, tasks=labels(1, 120)["tasks"]), check=False, progress=False)
    share = variance_shares(made).sel(of="these agents")
    true = llm.var() / (llm.var() + scaffold.var())
    assert share.lower.sel(part="LLM") <= true <= share.upper.sel(part="LLM"), share
    assert share.share.sel(part="pairing") < 0.05
    assert side_by_side(made).leaderboard.values.tolist() == ["LLM", "scaffold", "agent"]


def test_cost_comes_from_the_outcomes_or_from_a_number():
    outcomes = board(np.random.default_rng(10), [1.0, 0.0, -0.5], 50, runs=2)
    outcomes = outcomes.assign(cost=(("agent", "task"), np.full((3, 50), 3.0)))
    made = by_hand(outcomes, [1.0, 0.0, -0.5], concentration=((), 3.0))
    how = dict(trials=(1,), worlds=40)
    of_layer, of_number = (tasks_to_tell(made, "agent 01", gap=0.15, cost=x, **how) for x in (outcomes, 1.5))
    np.testing.assert_allclose(of_layer.cost.values, of_number.cost.values)
    with pytest.raises(FitError, match="no layer `cost`"):
        tasks_to_tell(made, "agent 01", gap=0.15, cost=outcomes.drop_vars("cost"), **how)


# --- the simplest inputs ---


def test_one_agent_one_task_no_llm_agents_that_never_met_and_a_board_that_all_passed_run_to_their_end():
    how = dict(check=False, progress=False)
    lone = fit(from_arrays(np.ones((1, 3), int), agents=["only"], tasks=list("xyz")), **how)
    assert compare(lone, "only").sizes["rival"] == 0 and compare_all(lone).sizes["agent"] == 1
    task = fit(from_arrays(np.array([[1], [0], [1]]), agents=list("abc"), tasks=["t"]), **how)
    assert compare(task, "a", "b").p.sel(by="exact test").item() == 1.0 and not compare_all(task).settled.any()
    assert deciding_tasks(task, "a", "b").adds.item() > 0
    passed = fit(from_arrays(np.ones((3, 4), int), agents=list("abc"), tasks=list("wxyz")), **how)
    assert (compare_all(passed).tie_group == 1).all() and compare(passed, "a", "b").p.sel(by="exact test").item() == 1.0
    ran = np.array([[1, 1, 0, 0], [0, 0, 1, 1]])
    apart = fit(from_arrays(ran, ran, agents=["a", "b"], tasks=list("wxyz")), **how)
    assert "no outcome tells" in compare(apart, "a", "b").says.item()
    assert not compare_all(apart).settled.any() and compare_all(apart).p.isnull().all()
    assert side_by_side(passed).leaderboard.values.tolist() == ["agent"]


@pytest.mark.parametrize("about", ["such tasks", "these tasks", "a rerun"])
@pytest.mark.parametrize("kind", ["repeated runs", "groups"])
def test_every_about_runs_with_repeats_and_groups_names_itself_and_agrees_between_one_pair_and_all(about, kind):
    ability = [1.0, 0.2, 0.0, -0.8, 0.5, 0.1]
    outcomes = board(np.random.default_rng(11), ability, 60, 3, 3.0, (np.arange(60) % 6, 0.5))
    more = dict(concentration=((), 3.0))
    if kind == "groups":
        more = dict(group_deviation=(("agent", "group"), np.eye(6)), group_sd=((), 0.5))
    made = by_hand(outcomes, ability, **more)
    pairs, found = compare_all(made, about=about), compare(made, "agent 01", about=about)
    named = "tasks of other groups" if (about, kind) == ("such tasks", "groups") else about
    assert pairs.attrs["about"] == found.attrs["about"] == named and f"by score ({named})" in found.says.values[0]
    np.testing.assert_allclose(pairs.ahead.values + pairs.ahead.values.T, 1)
    one = pairs.ahead.sel(agent="agent 01", rival=found.rival.values)
    np.testing.assert_allclose(one, found.ahead.sel(by="fit"), atol=0.12)  # two hundred draws each
    assert "by the exact paired test (signs flipped task by task)" in found.says.values[0]


def test_agents_that_share_nothing_are_not_called_different_and_every_answer_says_why(tmp_path):
    outcomes = board(np.random.default_rng(14), [3.0, 3.0, 2.5, -3.0, -3.0, -2.5], 24)
    own = (np.arange(6) < 3)[:, None] == (np.arange(24) < 12)
    outcomes = outcomes.assign({name: outcomes[name] * own for name in ("successes", "trials")})
    made = by_hand(outcomes, [3.0, 3.0, 2.5, -3.0, -3.0, -2.5])
    pairs, found = compare_all(made), compare(made, "agent 01", ["agent 02", "agent 04"])
    assert (pairs.apart.values == pairs.ahead.isnull().values).all() and pairs.apart.sum() == 18
    assert pairs.tie_group.values[3] > pairs.tie_group.values[2] and not (pairs.settled & pairs.apart).any()
    assert (pairs.rank_lower <= 3).all() and (pairs.rank_upper >= 4).all() and "2 groups (3, 3 agents)" in pairs.attrs["says"]
    ranks = ladder(made).sel(agent=pairs.agent)
    assert (ranks.rank_lower == pairs.rank_lower).all() and (ranks.rank_upper == pairs.rank_upper).all()
    assert found.apart.values.tolist() == [False, True]
    assert found.says.values[0].startswith("By the fit, agent 01 is ahead of agent 02 with")
    assert found.says.values[1].startswith("Whether agent 01 is ahead of agent 04 no outcome tells")
    assert "by way of other agents" not in found.says.values[1] and "rest on the prior" in found.says.values[1]
    code, out, _ = said("compare", save_fit(made, tmp_path / "labs.nc"))
    assert code == 0 and "share no task" in out and "ranks that each may hold on such tasks" in out


def test_with_groups_an_ability_names_other_groups_and_ranks_have_one_meaning():
    outcomes = board(np.random.default_rng(15), [0.6, 0.4, 0.0, 0.0, 0.0, -0.5], 60, of_group=(np.arange(60) % 6, 0.5))
    deviation = np.zeros((6, 6))
    deviation[2] = 2.0  # good at all groups that there are, which is to say nothing of others
    made = by_hand(outcomes, sd=0.3, group_deviation=(("agent", "group"), deviation), group_sd=((), 1.0))
    pairs, found, ranks = compare_all(made), compare(made, "agent 03", "agent 01"), ladder(made)
    by_fit = (
        f"{found.ability_ahead.item():.2f} by ability and {found.ahead.sel(by='fit').item():.2f} by score (tasks of other groups)"
    )
    assert by_fit in found.says.item() and found.ability_ahead.item() < 0.6
    assert abs(found.ability_ahead - found.ahead.sel(by="fit")) < 0.03
    assert {x.attrs[name] for x in (ranks, pairs) for name in x.attrs if name.endswith("about")} == {"tasks of other groups"}
    assert "by score (these tasks)" in compare(made, "agent 03", "agent 01", about="these tasks").says.item()
    assert "on tasks of other groups" in ranks["mean"].attrs["long_name"]
    ranks = ranks.sel(agent=pairs.agent)
    assert (ranks.rank_lower == pairs.rank_lower).all() and (ranks.rank_upper == pairs.rank_upper).all()
    assert ranks.rank_upper.sel(agent="agent 03") > 1 == ladder(made, about="these tasks").rank_upper.sel(agent="agent 03")
    by_group = chance_ahead(made).by_group.sel(agent=pairs.agent, rival=pairs.rival)
    np.testing.assert_allclose(by_group, pairs.by_group)


def test_a_slip_in_a_name_gets_the_nearest_and_an_agent_is_not_compared_with_itself():
    made = by_hand(board(np.random.default_rng(12), [0, 0, 0], 10))
    with pytest.raises(FitError, match="did you mean 'agent 01'"):
        compare(made, "agnt 01")
    with pytest.raises(FitError, match="with itself"):
        compare(made, "agent 01", ["agent 02", "agent 01"])
    with pytest.raises(FitError, match="with itself"):
        deciding_tasks(made, "agent 01", "agent 01")
    with pytest.raises(FitError, match="did you mean 'such tasks'"):
        compare_all(made, about="such task")
    with pytest.raises(FitError, match="not possible below"):
        tasks_to_tell(made, "agent 01", gap=0.99)


# --- the command line ---


def said(*arguments):
    out, err = StringIO(), StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main([*map(str, arguments)])
    return code, out.getvalue(), err.getvalue()


def test_the_command_answers_in_sentences_writes_a_table_and_refuses_in_one_sentence(tmp_path):
    made = by_hand(board(np.random.default_rng(13), [1.5, 0, 0, -1], 40))
    path = save_fit(made, tmp_path / "runs.nc")
    code, out, _ = said("compare", path, "agent 01", "agent 04", "--tasks", "3", "--out", tmp_path / "pairs.csv")
    assert code == 0 and "by the exact paired test (McNemar's)" in out and "Tasks that decide it" in out
    assert (tmp_path / "pairs.csv").read_text().startswith("rival,by,ahead")
    code, out, _ = said("compare", path)
    assert code == 0 and "not told apart from number 1" in out
    for arguments, says in (
        (("agent 01", "agent 44"), "did you mean"),
        (("agent 01", "--tasks", "3"), "--tasks is about two agents"),
        (("agent 01", "--tasks", "0"), "not a whole number"),
        (("agent 01", "--out", tmp_path / "pairs.txt"), "pairs.txt"),
    ):
        code, _, err = said("compare", path, *arguments)
        assert code == 2 and says in err and err.count("\n") == 1, err
