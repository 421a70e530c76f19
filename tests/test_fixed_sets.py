"A fixed set of tasks: what it loses on real leaderboards, the list that a harness reads, and the simplest inputs."

import json
import time

import numpy as np
import pytest
import xarray as xr
from scipy.special import expit

from agentirt_nb.data.building import from_arrays
from agentirt_nb.data.leaderboards import load_leaderboard
from agentirt_nb.irt.fits import FitError
from agentirt_nb.irt.fixed_sets import anchor_set, mini_benchmark, open_task_set, save_task_set, score_by_set
from agentirt_nb.views.selection_charts import mini_benchmark_chart
from agentirt_nb.views.theme import chart_words


def board(passed, trials=None):
    passed = np.asarray(passed)
    names = dict(
        agents=[f"agent {i + 1:03d}" for i in range(len(passed))], tasks=[f"task {j + 1:04d}" for j in range(passed.shape[1])]
    )
    return from_arrays(passed, trials, **names, attrs=dict(kind="simulated"))


def rasch(agents=60, tasks=80, seed=0):
    rng = np.random.default_rng(seed)
    p = expit(rng.normal(0, 1.2, agents)[:, None] - rng.normal(0, 1.5, tasks))
    return board((rng.random(p.shape) < p).astype(float))


@pytest.fixture(scope="module")
def verified():
    return load_leaderboard("swebench_verified", progress=False)


def test_errors_on_real_leaderboards_are_as_small_as_promised(verified):
    few = [10, 25, 50, 100]
    found = [mini_benchmark(verified, 100, sizes=few, replicates=2, seed=s).error.sel(set="best").values for s in range(2)]
    assert (np.mean(found, 0) <= [5.2, 3.9, 3.1, 2.2]).all()
    terminal = load_leaderboard("terminal_bench", progress=False)
    found = [mini_benchmark(terminal, 50, sizes=few[:3], replicates=2, seed=s).error.sel(set="best").values for s in range(2)]
    assert (np.mean(found, 0) <= [5.3, 3.4, 2.1]).all()  # over more ways to deal the folds: 4.8, 3.0, 1.6


def test_choosing_is_not_praised_where_it_hardly_helps(verified):
    large, small = (mini_benchmark(verified, size, sizes=[size], seed=1) for size in (100, 15))
    assert large.attrs["pays"] == "hardly" and "Choosing hardly pays" in large.attrs["says"]
    assert "plain mean to 3.2" in large.attrs["says"]
    assert large.ratio.item() > 0.75 and small.error.sel(set="best").item() < small.error.sel(set="plain mean").item() / 2
    coins = [board((np.random.default_rng(s).random((40, 60)) < 0.5).astype(float)) for s in range(5)]  # nothing to choose by
    assert sum(mini_benchmark(x, 20, sizes=[20], replicates=50).attrs["pays"] == "yes" for x in coins) <= 1


def test_agents_held_out_have_no_part_in_choosing():
    noise = board((np.random.default_rng(1).random((30, 200)) < 0.5).astype(float))
    best, luck = (mini_benchmark(noise, 20, sizes=[20]).error.sel(set=name).item() for name in ("best", "random"))
    assert best > 0.8 * luck  # agents that had a part in choosing would look far better


def test_random_is_the_exact_expectation(verified):
    found = mini_benchmark(load_leaderboard("swebench_pro", progress=False), 100, sizes=[10, 25, 50, 100, 200], replicates=2)
    assert found.error.sel(set="plain mean").values == pytest.approx([10.81, 6.67, 4.62, 3.14, 2.02], abs=0.006)


def test_a_harness_gets_the_same_score_from_csv_and_json(tmp_path):
    outcomes = rasch()
    found = mini_benchmark(outcomes, 20, sizes=[20])
    one = outcomes.isel(agent=[5])
    result = dict(zip(one.task.values.tolist(), one.successes.values[0].tolist()))
    by_hand = json.loads(save_task_set(found, tmp_path / "set.json").read_text())
    score = by_hand["intercept"] + sum(row["weight"] * result[row["task"]] for row in by_hand["tasks"])
    lines = save_task_set(found, tmp_path / "set.csv").read_text().splitlines()[1:]
    weights = {task: float(weight) for task, weight in (line.rsplit(",", 1) for line in lines)}
    again = weights.pop("(intercept)") + sum(w * result[task] for task, w in weights.items())
    exact = score_by_set(found, one)
    for opened in (open_task_set(tmp_path / "set.json"), open_task_set(tmp_path / "set.csv")):
        assert float(score_by_set(opened, result).score[0]) == pytest.approx(float(exact.score[0]), abs=1e-6)
    assert score == pytest.approx(float(exact.score[0]), abs=1e-6) and again == pytest.approx(score, abs=1e-6)
    assert float(exact.lower[0]) < score < float(exact.upper[0])
    assert np.isnan(score_by_set(open_task_set(tmp_path / "set.csv"), result).lower[0])


def test_a_run_without_answer_is_no_failure():
    outcomes = rasch(seed=3)
    found = mini_benchmark(outcomes, 20, sizes=[20])
    able = outcomes.successes.sum("task").argmax("agent").item()
    result = outcomes.successes.isel(agent=able).sel(task=found.task).to_series()
    gone = result.astype(object).copy()
    gone.iloc[:5] = None
    whole, lacks, failed = (score_by_set(found, x) for x in (result, gone, result.where(gone.notna(), 0)))
    assert float(failed.score[0]) < float(lacks.score[0]) == pytest.approx(float(whole.score[0]), abs=0.08)
    assert float(lacks.upper[0] - lacks.lower[0]) > float(whole.upper[0] - whole.lower[0])


def test_intervals_hold_nine_of_ten_new_agents():
    held = []
    for seed in range(4):
        outcomes = rasch(120, 100, seed)
        found = mini_benchmark(outcomes.isel(agent=slice(60)), 25, sizes=[25], replicates=2)
        new = outcomes.isel(agent=slice(60, None))
        scored = score_by_set(found, new, prob=0.9)
        truth = new.successes.mean("task").values
        held += list((scored.lower.values <= truth) & (truth <= scored.upper.values))
    assert 0.84 < np.mean(held) < 0.96


def test_simple_inputs_end_in_one_sentence_or_a_finite_answer():
    outcomes = rasch(12, 15)
    for size, says in ((0, "size is 0"), (16, "15 tasks have been run"), (2.5, "size is 2.5"), (True, "size is True")):
        with pytest.raises(FitError, match=says):
            mini_benchmark(outcomes, size)
    with pytest.raises(FitError, match="three or more; these are of 1 agent"):
        mini_benchmark(outcomes.isel(agent=[0]), 3)
    nobody = outcomes.assign(successes=0 * outcomes.successes, trials=0 * outcomes.trials)
    with pytest.raises(FitError, match="these are of 0 agents"):
        mini_benchmark(nobody, 3)
    for name, wrong in (("folds", 1), ("rule", "best"), ("benchmark", "none")):
        with pytest.raises(FitError):
            mini_benchmark(outcomes, 3, **{name: wrong})
    whole = mini_benchmark(outcomes, 15)
    assert float(whole.error.sel(set="best", size=15)) < 1e-6 and "all there are" in whole.attrs["says"]
    for plain in (
        board(np.ones((5, 6))),
        board(np.zeros((5, 6))),
        board(np.tile([0, 1, 1, 0, 1], (4, 1))),
        rasch(3, 1),
        rasch(3, 4),
    ):
        found = mini_benchmark(plain, 1)
        assert np.isfinite(found.weight).all() and np.isfinite(found.error.sel(set="best")).all()
        assert np.isfinite(score_by_set(found, plain).score).all()
        assert "nan" not in found.attrs["says"] and "task" in chart_words(mini_benchmark_chart(found))


def test_missing_cells_and_several_runs_are_handled():
    full = rasch(40, 30)
    rng = np.random.default_rng(0)
    k, n = full.successes.values * 3, np.full((40, 30), 3)
    k = rng.binomial(3, (0.2 + 0.6 * full.successes.values))
    gone = rng.random(n.shape) < 0.3
    n[gone] = k[gone] = 0
    found = mini_benchmark(board(k, n), 10)
    assert np.isfinite(found.error.sel(set=["best", "random"])).all() and found.attrs["runs"] == 3
    assert float(found.error.sel(set="best", size=10)) < float(found.error.sel(set="plain mean", size=10)) * 1.1


def test_what_is_no_list_is_named_in_one_sentence(tmp_path):
    (tmp_path / "a.json").write_text("[1, 2]")
    (tmp_path / "b.csv").write_text("task,weight\nx,0.5\n")
    (tmp_path / "c.csv").write_text("task,weight\n(intercept),0.1\nx,0.5\nx,0.5\n")
    (tmp_path / "d.json").write_text('{"tasks": [{"task": "x", "weight": "much", "pass_rate": 1}]}')
    for name in ("a.json", "b.csv", "c.csv", "d.json", "none.csv", "none.json"):
        with pytest.raises(FitError) as error:
            open_task_set(tmp_path / name)
        assert "\n" not in str(error.value) and name in str(error.value)
    with pytest.raises(FitError, match="is no set with weights"):
        save_task_set(xr.Dataset(), tmp_path / "e.csv")


def test_anchors_are_weighed_by_their_clusters():
    outcomes = rasch()
    found = anchor_set(outcomes, 10, seed=0)
    assert float(found.weight.sum()) == pytest.approx(1) and len(set(found.task.values)) == 10
    with pytest.raises(FitError, match="need a fit"):
        anchor_set(outcomes, 10, by="parameters")


def test_a_set_of_1421_tasks_takes_seconds():
    outcomes = rasch(134, 1421)
    start = time.process_time()
    mini_benchmark(outcomes, 100)
    assert time.process_time() - start < 6  # measured: 1.6
