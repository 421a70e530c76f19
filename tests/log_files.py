"""What the tests of all readers of logs share: where the samples are, what a trial may hold, and how a file is spoiled."""

import copy
import math
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st

from agentirt_nb.data.log_files import Choices, LogError, LogFile, LogFormat
from agentirt_nb.data.trials import STATES, Trial


def samples(folder: str) -> Path:
    "A folder of the samples; the test is skipped without them."
    home = os.environ.get("LOGS_FOLDER")
    if not home:
        pytest.skip("LOGS_FOLDER is not set: no samples of logs here")
    return Path(home) / folder


def format_of(path: Path, root: Path, formats: tuple[LogFormat, ...]) -> LogFormat:
    "The one format that knows a file as its own."
    seen = [one for one in formats if one.sees(LogFile(path, root))]
    assert len(seen) == 1, f"{path.relative_to(root)} is seen as {[one.name for one in seen]}"
    return seen[0]


def trials_in(path: Path, root: Path, formats: tuple[LogFormat, ...], **choices: Any) -> list[Trial]:
    "The trials of a file, each checked for what a trial may hold."
    trials = list(format_of(path, root, formats).read(LogFile(path, root), Choices(**choices)))
    for trial in trials:
        check_trial(trial)
    return trials


def check_trial(trial: Trial) -> None:
    "That a trial holds what it may, whatever stood in the file."
    assert trial.state in STATES and trial.passed in (True, False, None), trial
    assert isinstance(trial.task, str) and (trial.task != "") == (trial.state != "rest"), trial
    for name in ["agent", "llm", "scaffold", "benchmark", "group", "organisation", "date", "failure", "key", "source"]:
        assert isinstance(getattr(trial, name), str), (name, trial)
    for name in ["share", "cost", "tokens", "duration", "turns", "human_minutes"]:
        value = getattr(trial, name)
        assert isinstance(value, float) and (math.isnan(value) or (math.isfinite(value) and value >= 0)), (name, trial)
    assert math.isnan(trial.share) or trial.share <= 1, trial


ODD = st.sampled_from(
    [None, True, "", " ", "x", -1, 0, 2, 10**400, 1e308, math.nan, math.inf, [], {}, [[]], {"a": {}}, ["a"], "\ud800", "a" * 5000]
)


@st.composite
def spoiled(draw: Any, data: Any) -> Any:
    "The same JSON with one to three places replaced by something odd, or left out."
    data = copy.deepcopy(data)
    for _ in range(draw(st.integers(1, 3))):
        at = data
        while isinstance(at, dict | list) and at:
            key = draw(st.sampled_from(list(at) if isinstance(at, dict) else range(len(at))))
            if isinstance(at[key], dict | list) and at[key] and draw(st.integers(0, 3)):
                at = at[key]
            elif draw(st.booleans()):
                at[key] = copy.deepcopy(draw(ODD))
                break
            else:
                del at[key]
                break
    return data


def read_or_refused(path: Path, root: Path, formats: tuple[LogFormat, ...]) -> None:
    "Whatever stands in a file, its reader gives trials or refuses it in its own words."
    for one in formats:
        file = LogFile(path, root)
        try:
            if one.sees(file) and not one.no_outcomes:
                for trial in one.read(file, Choices()):
                    check_trial(trial)
        except LogError:
            pass


def harbor_trial(number: int, reward: float | None, task: str = "t1", model: str = "acme/strong-1", padding: int = 0) -> dict:
    "A trial as Harbor writes it, without what no reader asks for."
    return {
        "id": f"00000000-0000-0000-0000-{number:012d}",
        "task_name": task,
        "trial_name": f"{task}__{number}",
        "source": "toy-suite",
        "config": {"agent": {"name": "shell"}, "job_id": "job"},
        "agent_info": {"name": "shell", "version": "1", "model_info": {"name": model, "provider": None}},
        "agent_result": {"n_input_tokens": 900, "n_output_tokens": 100, "cost_usd": 0.5},
        "verifier_result": None if reward is None else {"rewards": {"reward": reward}},
        "exception_info": {"exception_type": "EnvironmentStartTimeoutError"} if reward is None else None,
        "started_at": "2026-03-01T10:00:00Z",
        "finished_at": "2026-03-01T10:02:00Z",
        "trajectory": "x" * padding,
    }
