"""Cross-validation: the published folds exactly, no leak, interruption and resumption, equal seeds."""

import hashlib
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from sklearn.model_selection import KFold

from agentirt_nb.data.building import from_arrays
from agentirt_nb.data.joining import combine
from agentirt_nb.data.leaderboards import load_leaderboard
from agentirt_nb.irt.evaluation import PREDICTORS, cross_validate, evaluate, folds_of
from agentirt_nb.irt.fits import FitError


def simulated(agents=24, tasks=40, seed=0):
    rng = np.random.default_rng(seed)
    p = 1 / (1 + np.exp(rng.normal(0, 1.5, tasks) - rng.normal(0, 1.5, agents)[:, None]))
    return from_arrays(
        (rng.random(p.shape) < p).astype(int), agents=[f"a{i}" for i in range(agents)], tasks=[f"t{j}" for j in range(tasks)]
    )


def md5(text):
    return int(hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()[:8], 16)


@pytest.mark.data
def test_published_folds_follow_the_protocol_to_the_letter():
    gso, pro = load_leaderboard("gso"), load_leaderboard("swebench_pro")
    both = combine([gso, pro])
    tasks = folds_of(both, "tasks")
    for board in (gso, pro):
        expected = np.empty(board.sizes["task"], int)
        for i, (_, test) in enumerate(KFold(5, shuffle=True, random_state=0).split(board.task)):
            expected[test] = i
        assert (tasks.sel(task=board.task).values == expected).all()
    responses = folds_of(both, "responses")
    for agent, task in [("o3", gso.task.values[3]), ("claude-opus-4", gso.task.values[70])]:
        assert int(responses.sel(agent=agent, task=task)) == md5(f"gso::{agent}::{task}::0") % 5
    agent, task = pro.agent.values[2], pro.task.values[5]
    assert int(responses.sel(agent=agent, task=task)) == md5(f"pro::{agent}::{task}::0") % 5
    ordered = sorted(gso.agent.values.tolist(), key=lambda a: md5(f"gso::{a}::0"))
    assert [int(folds_of(gso, "agents").sel(agent=a)) for a in ordered] == [i % 5 for i in range(15)]


@pytest.mark.parametrize("split", ["responses", "tasks", "agents"])
def test_a_fold_never_sees_its_own_cells(split):
    outcomes = simulated()
    cells = cross_validate(
        outcomes, split, "random", only=[0], ability="agent" if split != "agents" else "llm_scaffold", progress=False
    )
    held = cells.probability.sel(predictor="model").notnull()
    flipped = outcomes.assign(successes=xr.where(held, outcomes.trials - outcomes.successes, outcomes.successes))
    again = cross_validate(
        flipped, split, "random", only=[0], ability="agent" if split != "agents" else "llm_scaffold", progress=False
    )
    assert held.any()
    np.testing.assert_array_equal(cells.probability.values, again.probability.values)


def test_every_cell_is_scored_once_by_every_predictor_and_seeds_repeat():
    outcomes = simulated()
    outcomes["trials"][3, 5] = 0
    outcomes["successes"][3, 5] = 0
    cells = cross_validate(outcomes, "responses", "random", ability="agent", seed=3, progress=False)
    assert (cells.probability.notnull() == (outcomes.trials > 0)).all()
    again = cross_validate(outcomes, "responses", "random", ability="agent", seed=3, workers=1, progress=False)
    np.testing.assert_array_equal(cells.probability.values, again.probability.values)
    other = cross_validate(outcomes, "responses", "random", ability="agent", seed=4, progress=False)
    assert (other.probability.values != cells.probability.values).any()
    scores = evaluate(cells, replicates=20).sel(statistic="value").isel(benchmark=0)
    assert (scores.coverage == 1).all()
    assert list(cells.predictor.values) == list(PREDICTORS)
    assert (
        scores.log_loss.sel(predictor="model")
        < scores.log_loss.sel(predictor="margin")
        < scores.log_loss.sel(predictor="global rate")
    )


def test_the_bootstrap_interval_holds_the_value_and_narrows_with_more_tasks():
    few, many = (
        evaluate(cross_validate(simulated(tasks=n), "tasks", "random", ability="agent", progress=False)) for n in (20, 160)
    )
    width = [
        float((s.log_loss.sel(statistic="upper") - s.log_loss.sel(statistic="lower")).sel(predictor="model")[0])
        for s in (few, many)
    ]
    assert width[1] < width[0]
    for s in (few, many):
        value, lower, upper = (s.log_loss.sel(predictor="model", statistic=x)[0] for x in ("value", "lower", "upper"))
        assert lower <= value <= upper


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (dict(split="task"), "'task' is unknown"),
        (dict(split="agents", how="grouped"), "'grouped' is unknown"),
        (dict(split="agents", folds=25), "25 folds"),
        (dict(split="tasks", folds=1), "1 folds"),
        (dict(split="tasks", how="grouped"), "has 1: say with the coord group where its tasks come from"),
    ],
)
def test_wrong_arguments_get_one_sentence(arguments, words):
    with pytest.raises(ValueError, match=words):
        cross_validate(simulated(), progress=False, **arguments)


def test_a_board_without_groups_beside_one_that_has_them_is_named():
    known, unknown = simulated(), simulated(seed=1)
    known = known.assign_coords(group=("task", [f"g{j % 8}" for j in range(40)]), benchmark=("task", ["known"] * 40))
    unknown = unknown.assign_coords(task=[f"u{j}" for j in range(40)], benchmark=("task", ["unknown"] * 40))
    with pytest.raises(FitError, match="unknown has 1: say with the coord group"):
        folds_of(combine([known, unknown]), "tasks", "grouped")
    fold = folds_of(known, "tasks", "grouped")
    assert all(len(np.unique(fold[known.group.values == g])) == 1 for g in np.unique(known.group))


RUN = """
import sys
sys.path.insert(0, {tests!r})
from test_evaluation import simulated
from agentirt_nb.irt.evaluation import cross_validate
print("ready", flush=True)
cross_validate(simulated(60, 120), "responses", "random", folds=12, ability="agent", cache={folder!r}, workers=1, progress=False)
"""


def test_folds_are_fitted_with_any_option_that_a_fit_takes():
    outcomes = simulated(12, 20)
    result = cross_validate(
        outcomes, "responses", folds=2, ability="agent", noise="binomial", check=False, groups=False, progress=False
    )
    assert np.isfinite(result.probability.values).any()


def test_a_killed_run_keeps_its_finished_folds(tmp_path):
    code = RUN.format(tests=str(Path(__file__).parent), folder=str(tmp_path / "cache"))
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "ready\n"
    limit = time.monotonic() + 120
    while (
        len(done := sorted((tmp_path / "cache").glob("responses-*-*[0-9].npz"))) < 3
        and process.poll() is None
        and time.monotonic() < limit
    ):
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    stamps = {path: path.stat().st_mtime_ns for path in done}
    assert len(stamps) >= 3
    outcomes = simulated(60, 120)
    options = dict(how="random", folds=12, ability="agent", progress=False)
    resumed = cross_validate(outcomes, "responses", cache=tmp_path / "cache", **options)
    assert {path: path.stat().st_mtime_ns for path in stamps} == stamps
    names = [path.name for path in (tmp_path / "cache").iterdir()]  # a write that was killed may have left its temporary file
    assert sum(re.fullmatch(r"responses-[0-9a-f]{16}-\d+\.npz", name) is not None for name in names) == 12
    np.testing.assert_array_equal(resumed.probability.values, cross_validate(outcomes, "responses", **options).probability.values)


def test_agents_with_nothing_disclosed_are_scored_too():
    outcomes = simulated()
    assert set(outcomes.llm.values.tolist()) == {""}
    cells = cross_validate(outcomes, "agents", "random", progress=False)
    assert float(evaluate(cells, replicates=0).coverage.sel(predictor="model", statistic="value")[0]) == 1.0
