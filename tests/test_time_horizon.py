"""Time horizons: METR's weights, scikit-learn's curve, ends that are honest, and what is left out is said."""

import time

import numpy as np
import pandas as pd
import pytest
from log_files import samples, trials_in
from scipy.special import expit, logit
from sklearn.linear_model import LogisticRegression

from agentirt_nb.data.building import from_arrays
from agentirt_nb.data.evaluation_logs import EVALUATIONS
from agentirt_nb.data.log_files import parsed
from agentirt_nb.data.outcomes import OutcomesError
from agentirt_nb.data.trials import gather
from agentirt_nb.irt.horizons import horizon_weights, logistic_curves, time_horizon
from agentirt_nb.messages import AgentirtError
from agentirt_nb.views.horizon_charts import horizon_chart, success_by_length


def sample():
    "METR's sample: outcomes, and its rows."
    root = samples("metr")
    (path,) = root.rglob("runs.jsonl")
    outcomes, _ = gather(trials_in(path, root, EVALUATIONS))
    return outcomes, pd.DataFrame([parsed(line, "") for line in path.read_text().splitlines()])


def world(families=12, thetas=(3.0, 6.0), runs=4, seed=0, steep=0.8):
    "Outcomes of agents whose success falls with length."
    rng = np.random.default_rng(seed)
    family = np.repeat(np.arange(families), rng.integers(1, 5, families))
    length = rng.uniform(-2, 10, len(family))
    chance = expit(steep * (np.array(thetas)[:, None] - length) + rng.normal(0, 1, families)[family])
    tasks = pd.DataFrame(dict(group=[f"family {i}" for i in family], human_minutes=2.0**length))
    tasks.index = [f"task {i:03d}" for i in range(len(family))]
    ran = np.full(chance.shape, runs)
    return from_arrays(rng.binomial(ran, chance), ran, agents=[f"agent {i:02d}" for i in range(len(thetas))], tasks=tasks)


@pytest.mark.parametrize("weights, column", [("invsqrt", "invsqrt_task_weight"), ("equal", "equal_task_weight")])
def test_weights_are_those_that_metr_wrote(weights, column):
    outcomes, rows = sample()
    theirs = rows.groupby(["alias", "task_id"])[column].sum()
    ours = horizon_weights(outcomes, weights).to_series()
    ours = ours[ours > 0].rename_axis(theirs.index.names).sort_index()
    assert len(ours) == len(theirs) == 54
    np.testing.assert_allclose(ours, theirs.sort_index(), atol=1e-8)
    np.testing.assert_allclose(horizon_weights(outcomes, weights).sum("task"), 1)


def by_scikit(rows: pd.DataFrame, weight: str, penalty: float) -> list[float]:
    "Horizons at 50 and 80 %, and the slope, run by run."
    model = LogisticRegression(C=1 / penalty, tol=1e-12, solver="newton-cholesky", max_iter=10_000)
    model.fit(np.log2(rows[["human_minutes"]].values), rows.score_binarized, sample_weight=rows[weight])
    height, slope = model.intercept_[0], model.coef_[0, 0]
    return [2 ** ((logit(p) - height) / slope) for p in (0.5, 0.8)] + [slope]


@pytest.mark.parametrize("penalty", [1e-5, 0.1])
def test_horizons_of_metrs_runs_are_those_of_scikit_learn(penalty):
    outcomes, rows = sample()
    found = time_horizon(outcomes, penalty=penalty, replicates=0)
    for alias, own in rows.groupby("alias"):
        ours = found.sel(agent=alias)
        theirs = by_scikit(own, "invsqrt_task_weight", penalty)
        np.testing.assert_allclose([ours.horizon_50, ours.horizon_80, ours.slope], theirs, rtol=1e-3)


@pytest.mark.parametrize("seed", range(12))
def test_curves_are_those_of_scikit_learn_where_runs_are_separated_too(seed):
    rng = np.random.default_rng(seed)
    length = rng.uniform(-4, 12, 15)
    rate = (length < rng.uniform(-3, 11)).astype(float)
    if seed % 3:
        rate[rng.integers(15)] = rng.uniform()
    weight = rng.exponential(size=15) + 1e-3
    if 0 < rate.mean() < 1:
        (height, slope) = logistic_curves(length, rate[None], weight[None], 1e-5)[0]
        model = LogisticRegression(C=1e5, tol=1e-13, solver="newton-cholesky", max_iter=10_000)
        share = weight / weight.sum()
        model.fit(np.r_[length, length][:, None], np.repeat([1, 0], 15), sample_weight=np.r_[share * rate, share * (1 - rate)])
        np.testing.assert_allclose([height, slope], [model.intercept_[0], model.coef_[0, 0]], rtol=1e-3, atol=1e-3)


def test_a_curve_is_at_the_bottom_of_what_it_minimises():
    rng = np.random.default_rng(5)
    length, rate, weight = rng.normal(4, 3, 30), rng.random((200, 30)).round(), rng.exponential(size=(200, 30))
    found = logistic_curves(length, rate, weight, 1e-5)
    share = weight / weight.sum(1, keepdims=True)
    off = share * (expit(found[:, :1] + found[:, 1:] * length) - rate)
    assert np.abs(off.sum(1)).max() < 1e-8 and np.abs(off @ length + 1e-5 * found[:, 1]).max() < 1e-7


def test_runs_of_a_task_are_one_weight_however_many_they_are():
    outcomes = world()
    more = from_arrays(
        outcomes.successes.values * 5, outcomes.trials.values * 5, agents=outcomes.agent.values,
        tasks=outcomes.task.to_dataframe()[["group", "human_minutes"]],
    )  # fmt: skip
    for weights in ("invsqrt", "equal"):
        first, second = (time_horizon(x, weights=weights, replicates=0) for x in (outcomes, more))
        np.testing.assert_allclose(first.horizon_50, second.horizon_50, rtol=1e-9)


def test_one_family_of_many_like_tasks_does_not_outweigh_the_others():
    tasks = pd.DataFrame(dict(group=["big"] * 100 + ["a", "b", "c"], human_minutes=2.0 ** np.r_[np.full(100, 5), 1, 6, 9]))
    tasks.index = [f"task {i}" for i in range(103)]
    outcomes = from_arrays(np.ones((1, 103), int), np.ones((1, 103), int), agents=["a"], tasks=tasks)
    of_big = {name: float(horizon_weights(outcomes, name)[0, :100].sum()) for name in ("invsqrt", "equal")}
    assert of_big == pytest.approx(dict(invsqrt=10 / 13, equal=100 / 103))


def test_families_count_by_the_tasks_that_the_agent_ran():
    tasks = pd.DataFrame(dict(group=["f"] * 4 + ["g"], human_minutes=[1.0, 2, 4, 8, 16]), index=list("abcde"))
    outcomes = from_arrays([[1, 1, 1, 1, 0], [1, 0, 0, 0, 0]], [[1, 1, 1, 1, 1], [1, 0, 0, 0, 1]], agents=["x", "y"], tasks=tasks)
    np.testing.assert_allclose(horizon_weights(outcomes)[1], [0.5, 0, 0, 0, 0.5])


def test_who_passes_or_fails_everything_has_an_endless_horizon_or_none():
    outcomes = world()
    about = outcomes.task.to_dataframe()[["group", "human_minutes"]]
    passed = np.stack([outcomes.trials.values[0], 0 * outcomes.trials.values[1]])
    found = time_horizon(from_arrays(passed, outcomes.trials.values, agents=["all", "none"], tasks=about), replicates=50)
    for level in (50, 80):
        assert found[f"horizon_{level}"].values.tolist() == [np.inf, 0.0]
        assert found[f"extrapolated_{level}"].all()
    assert np.isnan(found.slope).all()


def made(passed, ran, minutes, **about):
    "Outcomes of tasks of these lengths."
    tasks = pd.DataFrame(dict(human_minutes=minutes, **about), index=[f"task {i}" for i in range(len(minutes))])
    return from_arrays(passed, ran, agents=[f"agent {i}" for i in range(len(passed))], tasks=tasks)


def test_an_interval_claims_no_certainty_where_all_runs_were_passed_or_none():
    found = time_horizon(made([[1] * 5, [0] * 5], [[1] * 5] * 2, [1, 2, 4, 8, 16.0]), replicates=100, seed=0)
    for level in (50, 80):
        assert np.isnan(found[f"lower_{level}"][0]) and found[f"upper_{level}"][0] == np.inf
        assert found[f"lower_{level}"][1] == 0 and np.isnan(found[f"upper_{level}"][1])
    assert "the bootstrap cannot tell (NaN), as where all runs were passed, or none: 2 agents" in found.says
    assert "cannot tell" not in time_horizon(world(families=40), replicates=100).says


def test_nor_where_nearly_all_draws_are_endless_or_none():
    nearly = [[3, 4, 4, 4, 4, 4, 4, 4], [0, 0, 0, 0, 0, 0, 0, 1]]  # success rises, above the level or below
    found = time_horizon(made(nearly, [[4] * 8] * 2, 2.0 ** np.arange(8)), replicates=200, seed=0)
    assert found.horizon_50.values.tolist() == [np.inf, 0.0]
    assert np.isnan(found.lower_50[0]) and np.isnan(found.upper_50[1])


def test_intervals_hold_as_often_where_tasks_are_short_for_the_agent():
    def short(families, seed):
        rng = np.random.default_rng(seed)
        family = np.repeat(np.arange(families), rng.integers(1, 4, families))
        length = rng.uniform(0, 4, len(family))
        chance = expit(0.8 * (9.5 - length) + rng.normal(0, 1, families)[family])[None]
        runs = np.full(chance.shape, 2)
        return made(rng.binomial(runs, chance), runs, 2.0**length, group=[f"family {i:04d}" for i in family])

    truth = float(time_horizon(short(6000, 7), replicates=0).horizon_50[0])
    worlds = [time_horizon(short(8, 100 + i), replicates=100, prob=0.9, seed=i).isel(agent=0) for i in range(60)]
    assert np.mean([np.isinf(x.horizon_50) for x in worlds]) > 0.4
    assert np.mean([not (x.lower_50 > truth or x.upper_50 < truth) for x in worlds]) > 0.85


def test_families_of_one_name_in_two_benchmarks_are_two():
    names = ["puzzle"] * 4 + ["code"] * 4 + ["proof"] * 4
    minutes, passed = 2.0 ** np.arange(12), (np.arange(12) % 3 < 2).astype(int)[None]
    benchmark = ["first", "first", "second", "second"] * 3
    same = made(passed, [[1] * 12], minutes, group=names, benchmark=benchmark)
    apart = made(passed, [[1] * 12], minutes, group=[f"{a} {b}" for a, b in zip(benchmark, names)], benchmark=benchmark)
    np.testing.assert_allclose(horizon_weights(same), horizon_weights(apart))
    first, second = (time_horizon(x, replicates=100, seed=3) for x in (same, apart))
    assert first.families == 6 and np.array_equal(first.lower_50, second.lower_50) and first.lower_50.notnull()


def test_one_length_says_nothing():
    found = time_horizon(made([[1, 0, 0], [1, 2, 0]], [[2, 0, 0], [2, 2, 2]], [4.0, 8, 16]), replicates=20)
    assert np.isnan(found.horizon_50[0]) and np.isnan(found.slope[0]) and not found.extrapolated_50[0]
    assert np.isfinite(found.horizon_50[1]) and "for want of tasks of two lengths: 1 agent" in found.says


@pytest.mark.parametrize("zeros", range(1, 8))
def test_a_curve_that_rises_through_the_level_tells_no_horizon(zeros):
    rises = (np.arange(8) >= zeros).astype(int)[None]
    found = time_horizon(made(rises, [[1] * 8], 2.0 ** np.arange(8)), replicates=50)
    assert found.slope > 0
    for name in ("horizon", "lower", "upper"):
        assert np.isnan(found[f"{name}_50"][0])
    assert "through which success rises with the length: 1 agent" in found.says


def test_an_agent_with_few_families_is_named_beside_one_with_many():
    did = np.array([[1] * 8, [1] * 4 + [0] * 4])
    passed = np.array([[1, 1, 1, 0, 1, 0, 0, 0], [1, 0, 1, 0, 0, 0, 0, 0]])
    found = time_horizon(made(passed, did, 2.0 ** np.arange(8)), replicates=50)
    assert found.lower_50.notnull().values.tolist() == [True, False]
    assert "fewer than 5 families say nothing of others: 1 agent." in found.says


def test_where_success_does_not_fall_with_length_there_is_no_crossing():
    tasks = pd.DataFrame(dict(human_minutes=2.0 ** np.arange(6)), index=list("abcdef"))
    rises = [[0, 1, 1, 2, 3, 4], [0, 0, 0, 1, 1, 2], [4, 4, 3, 4, 4, 4]]
    found = time_horizon(from_arrays(rises, np.full((3, 6), 4), agents=["x", "y", "z"], tasks=tasks), replicates=0)
    assert (found.slope[:2] > 0).all()
    assert np.isnan(found.horizon_50[:2]).all() and found.horizon_80[1] == 0 and np.isinf(found.horizon_50[2])


def test_a_horizon_beyond_the_longest_task_is_said_to_be_extrapolated():
    found = time_horizon(world(thetas=(-6.0, 4.0, 13.0), families=40), replicates=0)
    assert found.extrapolated_50.values.tolist() == [True, False, True]
    assert "extrapolated" in found.says


def test_intervals_hold_the_horizon_are_seeded_and_widen_with_fewer_families():
    few, many = (time_horizon(world(families=n, seed=2), replicates=300, seed=1) for n in (12, 120))
    for found in (few, many):
        for level in (50, 80):
            assert (found[f"lower_{level}"] <= found[f"horizon_{level}"]).all()
            assert (found[f"horizon_{level}"] <= found[f"upper_{level}"]).all()
    wide = lambda x: np.log2(x.upper_50 / x.lower_50)
    assert (wide(few) > 1.5 * wide(many).values).all()
    again, other = (time_horizon(world(families=12, seed=2), replicates=300, seed=seed) for seed in (1, 2))
    assert again.identical(few) and not np.array_equal(other.lower_50, few.lower_50)
    narrow = time_horizon(world(families=12, seed=2), replicates=300, seed=1, prob=0.5)
    assert (wide(narrow) < wide(few)).all() and narrow.prob == 0.5


def test_fewer_than_five_families_say_nothing_of_others():
    found = time_horizon(world(families=4), replicates=50)
    assert np.isnan(found.lower_50).all() and np.isfinite(found.horizon_50).all() and "5 families" in found.says


def test_tasks_without_a_length_are_left_out_and_counted():
    outcomes = world()
    minutes = outcomes.human_minutes.values.copy()
    minutes[:3] = [np.nan, 0.0, -1.0]
    found = time_horizon(outcomes.assign_coords(human_minutes=("task", minutes)), replicates=0)
    rest = time_horizon(outcomes.isel(task=slice(3, None)), replicates=0)
    assert found.left_out == 3 and "3 tasks" in found.says
    np.testing.assert_allclose(found.horizon_50, rest.horizon_50)


def test_an_agent_without_runs_on_such_tasks_has_no_horizon():
    outcomes = world(thetas=(3.0, 6.0, 5.0))
    trials = outcomes.trials.values.copy()
    trials[2, 1:] = 0
    minutes = np.r_[np.nan, outcomes.human_minutes.values[1:]]
    about = outcomes.task.to_dataframe()[["group", "human_minutes"]].assign(human_minutes=minutes)
    found = time_horizon(from_arrays(np.minimum(outcomes.successes.values, trials), trials, agents=list("xyz"), tasks=about))
    assert (
        np.isnan(found.sel(agent="z").horizon_50) and found.sel(agent="z").tasks == 0 and not found.sel(agent="z").extrapolated_50
    )


def test_what_is_wrong_is_said():
    outcomes = world()
    with pytest.raises(OutcomesError, match="do not say how long"):
        time_horizon(outcomes.drop_vars("human_minutes"))
    with pytest.raises(OutcomesError, match="tasks of two lengths or more"):
        time_horizon(outcomes.isel(task=[0]))
    with pytest.raises(OutcomesError, match="invsqrt"):
        time_horizon(outcomes, weights="sqrt")
    for wrong in (dict(penalty=0.0), dict(penalty=np.nan), dict(replicates=-1)):
        with pytest.raises(OutcomesError, match="give a penalty above 0"):
            time_horizon(outcomes, **wrong)
    for wrong in (dict(penalty="a"), dict(penalty=True), dict(replicates=2.5), dict(replicates=True), dict(replicates="9")):
        with pytest.raises(OutcomesError, match="give a penalty above 0"):
            time_horizon(outcomes, **wrong)
    with pytest.raises(OutcomesError, match="do not say how long"):
        time_horizon(outcomes.assign_coords(human_minutes=("task", ["long"] * outcomes.sizes["task"])))


def test_the_chart_refuses_other_outcomes_than_the_horizons_were_made_of():
    outcomes = world(thetas=(3.0, 5.0, 6.0), families=20)
    found = time_horizon(outcomes, replicates=30)
    for other, what in {
        "no agent 'agent 01'": outcomes.isel(agent=[0]),
        "do not say how long": outcomes.drop_vars("human_minutes"),
        "another curve": outcomes.isel(task=slice(None, None, 2)),
        "give 'agent 02' another curve": outcomes.assign(successes=outcomes.successes.where(outcomes.agent != "agent 02", 1)),
    }.items():
        with pytest.raises(AgentirtError, match=other):
            horizon_chart(what, found)
    with pytest.raises(AgentirtError, match="do not say how long"):
        success_by_length(outcomes.drop_vars("human_minutes"))
    some = horizon_chart(outcomes.isel(agent=[2, 0]), found.isel(agent=[0, 2])).to_dict()  # of fewer agents
    assert "agent 02" in some["description"] and "agent 01" not in some["description"]


def test_the_chart_names_its_grey_whenever_it_draws_it():
    outcomes = made([[2, 2, 2, 1, 1, 0, 0, 0]], [[2] * 8], 2.0 ** np.arange(8))
    spec = horizon_chart(outcomes, time_horizon(outcomes, replicates=30, seed=0)).to_dict()
    assert spec["layer"][0]["mark"]["type"] == "rect" and "grey: longer than any task" in "".join(spec["title"]["subtitle"])


def test_the_chart_gives_each_bar_a_row_of_its_own_and_none_to_an_interval_that_is_not_known():
    outcomes = world(families=8, thetas=tuple(np.linspace(2, 16, 12)), seed=3)
    spec = horizon_chart(outcomes, time_horizon(outcomes, replicates=50, seed=1)).to_dict()
    data = [rows for rows in spec["datasets"].values() if "interval" in rows[0]]
    assert len(data) == 1 and len({row["row"] for row in data[0]}) == 7 and max(row["row"] for row in data[0]) < 0
    (bare,) = (row for row in data[0] if row["says"].startswith("endless"))
    assert bare["interval"] == "not known to endless" and bare["lower"] is None and bare["height"] is None
    assert "no bar: interval not known" in "".join(spec["title"]["subtitle"])


def test_the_chart_draws_a_rising_curve_without_a_diamond():
    outcomes = made([[0, 0, 0, 1, 1, 1, 1, 1]], [[1] * 8], 2.0 ** np.arange(8))
    spec = horizon_chart(outcomes, time_horizon(outcomes, replicates=30)).to_dict()
    assert "agent 0: not known, for the curve rises (no interval)" in spec["description"]
    assert any("chance" in row for rows in spec["datasets"].values() for row in rows[:1])


def test_the_chart_says_each_horizon_and_draws_those_beyond_the_tasks():
    outcomes = world(thetas=(3.0, 13.0), families=20)
    found = time_horizon(outcomes, replicates=30)
    spec = horizon_chart(outcomes, found).to_dict()
    assert "agent 01" in spec["description"] and "beyond the tasks" in spec["description"]
    assert "grey: longer than any task" in "".join(spec["title"]["subtitle"])


def test_the_chart_stands_ends_that_are_endless_and_missing_intervals():
    about = world().task.to_dataframe()[["group", "human_minutes"]]
    trials = world().trials.values
    ends = from_arrays(np.stack([trials[0], 0 * trials[1]]), trials, agents=["all", "none"], tasks=about)
    spec = horizon_chart(ends, time_horizon(ends, replicates=30)).to_dict()
    assert "all: endless, beyond the tasks (not known to endless)" in spec["description"]
    assert "none: none, beyond the tasks (none to not known)" in spec["description"]
    few = world(families=4)
    assert "(no interval)" in horizon_chart(few, time_horizon(few, replicates=30)).to_dict()["description"]


def test_groups_by_length_leave_out_what_was_not_run():
    outcomes = world(families=6)
    trials = outcomes.trials.values.copy()
    trials[0, :5] = 0
    about = outcomes.task.to_dataframe()[["group", "human_minutes"]]
    some = from_arrays(np.minimum(outcomes.successes.values, trials), trials, agents=["x", "y"], tasks=about)
    groups = success_by_length(some, bins=3)
    assert groups.groupby("agent").tasks.sum().to_dict() == {"x": some.sizes["task"] - 5, "y": some.sizes["task"]}
    assert groups.rate.between(0, 1).all()


def test_many_tasks_and_agents_take_little_time_and_memory():
    outcomes = world(families=800, thetas=tuple(np.linspace(0, 9, 10)))
    started = time.process_time()
    found = time_horizon(outcomes, replicates=20)
    assert time.process_time() - started < 8 and np.isfinite(found.upper_50).all()
