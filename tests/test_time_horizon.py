"""Time horizons: METR's weights, scikit-learn's curve, ends that are honest, and what is left out is said."""

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
from agentirt_nb.irt.time_horizon import horizon_weights, logistic_curves, time_horizon


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
        for name in ("horizon", "lower", "upper"):
            assert found[f"{name}_{level}"].values.tolist() == [np.inf, 0.0]
        assert found[f"extrapolated_{level}"].all()
    assert np.isnan(found.slope).all()


def test_where_success_does_not_fall_with_length_there_is_no_crossing():
    tasks = pd.DataFrame(dict(human_minutes=2.0 ** np.arange(6)), index=list("abcdef"))
    rises = [[0, 1, 1, 2, 3, 4], [0, 0, 0, 1, 1, 2], [4, 4, 3, 4, 4, 4]]
    found = time_horizon(from_arrays(rises, np.full((3, 6), 4), agents=["x", "y", "z"], tasks=tasks), replicates=0)
    assert (found.slope[:2] > 0).all()
    assert found.horizon_50.values[:2].tolist() == [0.0, 0.0] and np.isinf(found.horizon_80[2])


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
