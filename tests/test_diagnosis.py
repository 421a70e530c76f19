"""The report on tasks and the table of checks: what was planted is found, regular tasks are not, small inputs have an answer."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

from agentirt_nb.app.cli import main
from agentirt_nb.data.building import from_arrays
from agentirt_nb.data.leaderboards import load_leaderboard
from agentirt_nb.irt import diagnosis
from agentirt_nb.irt.diagnosis import CHECKS, FAULTS, diagnose, runs_of, task_report
from agentirt_nb.irt.fits import FitError, save_fit
from agentirt_nb.irt.inference import fit
from agentirt_nb.irt.item_fit import task_statistics
from agentirt_nb.irt.screens import adequacy_of
from agentirt_nb.irt.snapshot import load_snapshot
from agentirt_nb.irt.soundness import loo_of, predictive_checks
from agentirt_nb.quanta.task_fits import fit_tasks

WRONG = ["inverted", "coin", "leaked", "one family", "favours", "copy", "dependent", "misfit"]  # all that a test says


def names(agents: int, tasks: int) -> dict:
    llms = [f"{['Alpha', 'Beta', 'Gamma', 'Delta'][i % 4]} {i // 8}" for i in range(agents)]
    who = pd.DataFrame(dict(llm=llms), index=[f"agent {i + 1:03d}" for i in range(agents)])
    return dict(agents=who, tasks=[f"task {j + 1:03d}" for j in range(tasks)])


def regular(seed: int, agents: int, tasks: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return (rng.random((agents, tasks)) < expit(rng.normal(0, 1.2, (agents, 1)) - rng.normal(0, 1.5, tasks))).astype(int)


def reported(passes: np.ndarray, runs: np.ndarray | None = None, **options) -> pd.DataFrame:
    outcomes = from_arrays(passes, np.ones_like(passes) if runs is None else runs, **names(*passes.shape))
    return task_report(fit(outcomes, ability="agent", progress=False, seed=0, **options))


@pytest.fixture(scope="module")
def planted():
    passes = regular(1, 60, 90)
    rank = passes[:, 10:].mean(1).argsort().argsort()
    passes[:, 0] = rank < 30  # a grader the wrong way round
    passes[:, 1] = rank % 2  # whoever takes it, able or not
    passes[:, 2] = passes[:, 3]
    alpha = np.arange(60) % 4 == 0
    passes[:, 4] = alpha & (rank > 10)
    passes[:, 5], passes[:, 6] = 0, 1
    return fit(from_arrays(passes, **names(60, 90)), ability="agent", progress=False, seed=0)


def test_each_planted_fault_is_reported_worst_first(planted):
    report = task_report(planted)
    fault = report.set_index("task").fault
    assert fault["task 001"] == "inverted" and fault["task 002"] in ("coin", "misfit")
    assert fault["task 004"] == "copy" and fault["task 005"] in ("one family", "favours")
    assert (fault["task 006"], fault["task 007"]) == ("never solved", "always solved")
    order = [list(FAULTS).index(x) for x in report.fault]
    assert order == sorted(order) and report.task.is_unique
    assert report.reason.str.endswith(".").all() and (report["of"] == 60).all()


def test_the_runs_behind_a_task_are_one_call_away(planted):
    runs = runs_of(planted, "task 001")
    assert runs.ability.is_monotonic_decreasing and len(runs) == 60
    assert runs.passed[:20].sum() == 0 and runs.expected.between(0, 1).all()
    with pytest.raises(FitError, match="did you mean"):
        runs_of(planted, "task 01")


def false_findings(shape: tuple[int, int], seeds: range) -> float:
    return np.mean([reported(regular(seed, *shape)).fault.isin(WRONG).sum() for seed in seeds])


def test_regular_tasks_are_left_alone():
    assert false_findings((14, 100), range(10, 14)) <= 1


@pytest.mark.slow
@pytest.mark.parametrize("shape", [(14, 100), (60, 90), (60, 200)])
def test_a_regular_board_has_less_than_half_a_false_finding(shape):
    assert false_findings(shape, range(100, 140)) <= 0.5


SMALL = {
    "one agent": np.array([[1, 0, 1, 1, 0]]),
    "one task": np.array([[1], [0], [1]]),
    "one run": np.array([[1]]),
    "all pass": np.ones((5, 6), int),
    "all fail": np.zeros((5, 6), int),
}


@pytest.mark.parametrize("name", SMALL)
def test_the_smallest_boards_have_an_answer(name):
    passes = SMALL[name]
    result = fit(
        from_arrays(passes, agents=[f"a{i}" for i in range(len(passes))], tasks=[f"t{j}" for j in range(passes.shape[1])]),
        progress=False,
    )
    report, checks = task_report(result), diagnose(result, seed=0)
    assert not report.fault.isin(WRONG).any()
    assert checks.check.values.tolist() == list(CHECKS) and set(checks.state.values) <= {"sound", "look", "not checked"}
    assert all(checks.says.values)
    untold = {"screens", "tasks", "agents", "leaks", "parts", "reliability"} if name == "one run" else {"screens"}
    assert (checks.state.sel(check=[*untold]) == "not checked").all()  # nothing was looked at, which is not sound
    assert len(runs_of(result, "t0")) == len(passes)


def test_tasks_never_run_and_several_runs_and_shares_have_an_answer():
    rng = np.random.default_rng(2)
    runs = np.full((14, 30), 5)
    runs[:, 0], runs[rng.random(runs.shape) < 0.2] = 0, 0
    report = reported(rng.binomial(runs, 0.5), runs)
    assert report.set_index("task").fault["task 001"] == "never run"
    outcomes = from_arrays(np.zeros((6, 9), int), np.ones((6, 9), int), **names(6, 9))
    shares = fit(outcomes.assign(share=(("agent", "task"), rng.random((6, 9)).round(2))), noise="quasi-binomial", progress=False)
    assert set(task_report(shares).fault) <= set(FAULTS) - set(WRONG)


def test_the_command_prints_checks_and_tasks_and_writes_the_table(planted, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    save_fit(planted, "runs.zarr")
    assert main(["diagnose", "runs.zarr", "--out", "tasks.csv", "--show", "2"]) == 0
    said = capsys.readouterr().out
    assert "look         pairs of tasks: " in said and "task 001: inverted; more able agents fail it more often" in said
    assert "more; --out writes all." in said and "control" not in said
    table = pd.read_csv("tasks.csv")
    assert table.fault[0] == "inverted" and {"reason", "fit", "converged"} <= set(table)
    assert main(["diagnose", "runs.zarr", "--task", "task 001"]) == 0
    assert "60 agents, ablest first" in capsys.readouterr().out


def test_the_command_says_what_is_wrong_with_a_request(planted, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    save_fit(planted, "runs.zarr")
    for arguments, says in (
        (["--task", "task 01"], "did you mean"),
        (["--out", "runs.zarr"], "runs.zarr"),
        (["--task", "task 001", "--out", "x.csv"], "ask for one of them"),
        (["--show", "0"], "not a whole number"),
    ):
        assert main(["diagnose", "runs.zarr", *arguments]) == 2
        assert says in capsys.readouterr().err
    assert main(["diagnose", "run.zarr"]) == 2
    assert "run.zarr" in capsys.readouterr().err


def test_a_fit_that_kept_no_outcomes_says_so_and_what_can_be_asked_is_answered():
    snapshot = load_snapshot()
    checks = diagnose(snapshot, seed=0)
    silent = checks.check.values[checks.state.values == "not checked"].tolist()
    assert {"screens", "tasks", "parts", "skills", "saturation", "left out"} <= set(silent) and "approximation" not in silent
    assert "has not kept its outcomes" in str(checks.says.sel(check="skills").item())
    with pytest.raises(FitError, match="has not kept its outcomes"):
        adequacy_of(snapshot)


def test_very_many_runs_of_a_pair_and_runs_that_slip_are_checked_or_refused_in_a_sentence():
    rng = np.random.default_rng(3)
    passes = rng.binomial(3000, 0.5, (8, 9))
    many = fit(from_arrays(passes, np.full(passes.shape, 3000), **names(8, 9)), ability="agent", progress=False)
    assert np.isfinite(float(loo_of(many).elpd))
    more = from_arrays(rng.binomial(100_000, 0.5, (8, 9)), np.full((8, 9), 100_000), **names(8, 9))
    checked = task_statistics(fit(more, ability="agent", progress=False))  # by a thousand of the runs
    assert (checked.trials == 800_000).all() and (checked.infit_p > 1e-6).all()
    runs = np.full((14, 30), 5)
    slips = fit_tasks(from_arrays(rng.binomial(5, 0.5, runs.shape), runs, **names(14, 30)), "1pl", noise="all-or-none", draws=40)
    assert "look" in predictive_checks(slips, replicates=20).attrs["says"] and np.isfinite(float(loo_of(slips).elpd))
    assert set(task_report(slips).fault) <= set(FAULTS) - set(WRONG)  # whose scatter the tests do not know


def test_the_report_and_the_checks_draw_by_the_same_seed(planted, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    save_fit(planted, "runs.zarr")
    asked = []
    real = diagnosis.leaked_tasks
    monkeypatch.setattr(diagnosis, "leaked_tasks", lambda *a, seed=None, **k: asked.append(seed) or real(*a, seed=seed, **k))
    assert main(["diagnose", "runs.zarr", "--seed", "7"]) == 0
    assert asked == [7, 7]


@pytest.mark.data
def test_of_verified_the_unsolved_tasks_are_listed_and_of_gso_nothing_else():
    verified = task_report(fit(load_leaderboard("swebench_verified"), progress=False))
    assert (verified.fault == "never solved").sum() == 32
    assert "sympy__sympy-18763" in verified.task[verified.fault.isin(["inverted", "coin"])].tolist()
    gso = task_report(fit(load_leaderboard("gso"), progress=False))
    assert (gso.fault == "never solved").sum() == 36 and not gso.fault.isin(WRONG).any()
