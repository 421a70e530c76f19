"""Logs of Terminal-Bench and Harbor: the totals of the samples, every trap that real files hold, and files that were spoiled."""

import json
import math
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from log_files import format_of, read_or_refused, samples, spoiled, trials_in

from agentirt_nb.data.harness_logs import HARNESSES
from agentirt_nb.data.log_files import Choices, LogError, LogFile
from agentirt_nb.data.trials import Trial, gather, plain_llm, plain_scaffold

OLD = "leaderboard/results/terminal-bench-core@0.1.1/20250901_terminus_model-a/2025-09-0"
CLI = "leaderboard/results/terminal-bench-core:0.1.1/20250902_plain-cli_model-b"
RUNS = {  # folder -> passed, failed, no verdict; how they failed
    "2025-09-03__10-00-00": (7, 12, 2, {"parse_error": 1, "test_timeout": 1, "agent_timeout": 3}),
    CLI: (5, 12, 4, {"agent_timeout": 1, "unknown_agent_error": 2, "test_timeout": 1, "parse_error": 1}),
    f"{OLD}1__10-00-00": (2, 4, 1, {"test_timeout": 1, "agent_timeout": 1}),
    f"{OLD}2__10-00-00": (4, 3, 0, {"agent_timeout": 1}),
    f"{OLD}3__10-00-00": (4, 2, 1, {"test_timeout": 1, "agent_timeout": 1}),
    f"{OLD}4__10-00-00": (2, 3, 2, {"agent_timeout": 1, "test_timeout": 1, "unknown_agent_error": 1}),
    f"{OLD}5__10-00-00": (2, 4, 1, {"unknown_agent_error": 1}),
}
SINGLE = {  # folder -> passed, failed, no verdict, in the files of single trials
    CLI: (3, 10, 3),
    f"{OLD}1__10-00-00": (2, 4, 1),
    f"{OLD}2__10-00-00": (4, 3, 0),
    f"{OLD}3__10-00-00": (4, 2, 1),
    f"{OLD}4__10-00-00": (2, 3, 2),
    f"{OLD}5__10-00-00": (2, 4, 1),
}
HARBOR = {  # job, agent -> trials, tasks, passed, failed, died
    ("jobs/toy-suite__coin-agent", "weak-2 in coin-agent"): (21, 7, 4, 8, 9),
    ("jobs/toy-suite__coin-agent", "oracle"): (21, 7, 15, 0, 6),
    ("jobs/toy-suite__coin-agent", "strong-1 in coin-agent"): (21, 7, 9, 3, 9),
    ("jobs_interrupted/toy-suite__interrupted", "strong-1 in coin-agent"): (9, 3, 3, 0, 6),
    ("jobs_legacy_schema/2025-11-20__09-00-00", "weak-2 in coin-agent"): (12, 4, 3, 6, 3),
    ("jobs_legacy_schema/2025-11-20__09-00-00", "strong-1 in coin-agent"): (12, 4, 6, 3, 3),
}


def verdicts(trials: list[Trial]) -> tuple[int, int, int]:
    return tuple(sum(trial.passed is which for trial in trials) for which in (True, False, None))


@cache
def below(folder: Path, root: Path) -> list[Trial]:
    "The trials of every file of a folder that holds some."
    files = [path for path in sorted(folder.rglob("*.json")) if not format_of(path, root, HARNESSES).no_outcomes]
    return [trial for path in files for trial in trials_in(path, root, HARNESSES)]


@pytest.mark.parametrize("folder", RUNS)
def test_totals_of_runs_of_terminal_bench(folder):
    root = samples("terminal_bench/generated/runs")
    trials = trials_in(root / folder / "results.json", root, HARNESSES)
    assert verdicts(trials) == RUNS[folder][:3]
    assert Counter(trial.failure for trial in trials if trial.failure) == RUNS[folder][3]
    assert len({trial.task for trial in trials}) == 7
    assert all((trial.state == "died") == (trial.passed is None) for trial in trials)
    assert all((trial.state == "own limit") == (trial.failure == "agent_timeout") for trial in trials)


@pytest.mark.parametrize("folder", SINGLE)
def test_totals_of_trials_of_terminal_bench_which_are_those_of_the_run(folder):
    root = samples("terminal_bench/generated/runs")
    files = sorted((root / folder).glob("*/*/results.json"))
    trials = [trial for path in files for trial in trials_in(path, root, HARNESSES)]
    assert verdicts(trials) == SINGLE[folder] and len({trial.task for trial in trials}) == 7
    whole = {trial.key: trial for trial in trials_in(root / folder / "results.json", root, HARNESSES)}
    for trial in trials:
        trial.source = whole[trial.key].source
        assert repr(trial) == repr(whole[trial.key])  # repr, since NaN is not NaN


def test_a_whole_tree_of_terminal_bench_counts_every_trial_once():
    root = samples("terminal_bench/generated/runs")
    outcomes, tally = gather(below(root, root))
    assert outcomes.agent.values.tolist() == ["model-c in terminus", "model-b in plain-cli", "model-a in terminus"]
    assert outcomes.sizes["task"] == 7 and set(outcomes.benchmark.values) == {"terminal-bench-core@0.1.1"}
    assert (tally.passed, tally.counted, tally.states["died"], tally.duplicates) == (26, 66, 11, 51)
    assert outcomes.trials.sel(agent="model-a in terminus").sum() == 30  # five runs of seven tasks, five without a verdict


@pytest.mark.parametrize("job, agent", HARBOR)
def test_totals_of_jobs_of_harbor(job, agent):
    root = samples("harbor")
    name = lambda trial: " in ".join(filter(None, [plain_llm(trial.llm), plain_scaffold(trial.scaffold)]))
    trials = [trial for trial in below(root / job, root) if name(trial) == agent]
    passed, failed, died = (
        sum(trial.passed is True and trial.state != "died" for trial in trials),
        sum(trial.passed is False and trial.state != "died" for trial in trials),
        sum(trial.state == "died" for trial in trials),
    )
    assert (len(trials), len({trial.task for trial in trials}), passed, failed, died) == HARBOR[job, agent]


def test_harbor_itself_differs_in_the_connection_that_closed_and_in_nothing_else():
    root = samples("harbor")
    for path in sorted((root / "jobs").glob("*/*/result.json")):
        (trial,) = trials_in(path, root, HARNESSES)
        valid = json.loads(path.read_text())["reward_valid"]
        assert valid == (trial.state != "died") or trial.failure == "ConnectionError", path


def test_jobs_of_harbor_are_known_as_finished_or_open():
    root = samples("harbor")
    kinds = {path.parent.name: format_of(path, root, HARNESSES).name for path in root.glob("*/*/result.json")}
    assert kinds == {
        "toy-suite__coin-agent": "harbor-job",
        "toy-suite__interrupted": "harbor-open-job",
        "2025-11-20__09-00-00": "harbor-job",
    }


def test_files_of_other_harnesses_are_not_seen():
    root = samples("")
    for path in sorted(root.rglob("*.json*")):
        if path.relative_to(root).parts[0] not in ("terminal_bench", "harbor"):
            assert not [one.name for one in HARNESSES if one.sees(LogFile(path, root))], path


# Terminal-Bench, made up

ROW = dict(
    id="u-1",
    trial_name="t1.1-of-1.2025-09-01__10-00-00",
    task_id="t1",
    instruction="…",
    is_resolved=True,
    failure_mode="unset",
    parser_results={"one": "passed", "two": "failed"},
    recording_path="2025-09-01__10-00-00/t1/x.cast",
    total_input_tokens=10,
    total_output_tokens=5,
    trial_started_at="2025-09-01T10:00:00+00:00",
    agent_started_at="2025-09-01T10:00:00+00:00",
    agent_ended_at="2025-09-01T10:02:00+00:00",
)
WHO = dict(
    run_id="2025-09-01__10-00-00",
    uuid="run-1",
    agent_name="terminus",
    model_name="acme/model-a",
    dataset_name="core",
    dataset_version="1",
    username="somebody",
    output_path="/data/somebody/runs",
    start_time="2025-09-01T09:00:00+00:00",
)


def put(root: Path, name: str, content: Any) -> Path:
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_text(json.dumps(content))
    return root / name


def run_of(*rows: Any) -> dict[str, Any]:
    return dict(id="r", results=list(rows), n_resolved=1, n_unresolved=len(rows) - 1, pass_at_k={}, accuracy=1.0)


def one_row(root: Path, **change: Any) -> Trial:
    return trials_in(put(root, "run/results.json", run_of(ROW | change)), root, HARNESSES)[0]


@pytest.mark.parametrize(
    "change, state, passed",
    [
        ({}, "scored", True),
        (dict(is_resolved=False, failure_mode="none"), "scored", False),
        (dict(is_resolved=True, failure_mode="agent_timeout"), "own limit", True),
        (dict(is_resolved=False, failure_mode="context_length_exceeded"), "own limit", False),
        (dict(is_resolved=None, failure_mode="test_timeout"), "died", None),
        (dict(is_resolved=None, failure_mode="unset"), "died", None),
        (dict(is_resolved=None, failure_mode="agent_timeout"), "died", None),
        (dict(is_resolved=False, failure_mode="unknown_agent_error"), "scored", False),
        (dict(is_resolved=False, failure_mode="fatal_llm_parse_error"), "scored", False),
        (dict(is_resolved=False, failure_mode="agent_installation_failed"), "died", False),
        (dict(is_resolved="yes"), "died", None),
    ],
)
def test_a_verdict_and_a_way_to_fail_make_the_state(tmp_path, change, state, passed):
    trial = one_row(tmp_path, **change)
    assert (trial.state, trial.passed) == (state, passed)
    assert trial.failure == ("" if (mode := change.get("failure_mode", "unset")) in ("unset", "none") else mode)


def test_tests_give_a_share_and_an_empty_report_none(tmp_path):
    assert one_row(tmp_path).share == 0.5
    assert math.isnan(one_row(tmp_path, parser_results={}).share)
    assert math.isnan(one_row(tmp_path, parser_results=None).share)


@pytest.mark.parametrize("counts", [(0, 0), (None, None), (0, None), ("3", 4)])
def test_tokens_of_zero_are_not_known_and_the_report_says_so_once(tmp_path, counts):
    row = ROW | dict(total_input_tokens=counts[0], total_output_tokens=counts[1])
    path = put(tmp_path, "run/results.json", run_of(row, row, row))
    file = LogFile(path, tmp_path)
    trials = list(format_of(path, tmp_path, HARNESSES).read(file, Choices()))
    assert all(math.isnan(trial.tokens) for trial in trials)
    assert [(n, "not known" in note) for note, n in file.notes.items()] == [(1, True)]
    assert one_row(tmp_path).tokens == 15


def test_a_copy_of_a_run_inside_another_counts_once(tmp_path):
    for folder in ("runs/a", "runs/b/copy/a"):
        put(tmp_path, f"{folder}/results.json", run_of(ROW))
        put(tmp_path, f"{folder}/run_metadata.json", WHO)
    assert gather(below(tmp_path, tmp_path))[1].duplicates == 1


@pytest.mark.parametrize("name", ["uuid", None])
def test_older_trials_have_a_uuid_or_no_id_and_are_known_by_their_name_and_run_then(tmp_path, name):
    old = {key: value for key, value in ROW.items() if key != "id" and not key.endswith("_at")} | ({name: "v-1"} if name else {})
    put(tmp_path, "a/results.json", run_of(old))
    put(tmp_path, "a/t1/t1.1-of-1/results.json", old)
    put(tmp_path, "a/run_metadata.json", WHO)
    put(tmp_path, "b/results.json", run_of(old | ({name: "v-2"} if name else {})))
    put(tmp_path, "b/run_metadata.json", WHO | dict(uuid="run-2"))
    outcomes, tally = gather(below(tmp_path, tmp_path))
    assert (outcomes.trials.values.tolist(), tally.duplicates) == ([[2]], 1)
    assert outcomes.date.values[0] == outcomes.date.values[0]  # of the run's metadata


def test_runs_without_ids_or_metadata_are_told_apart_by_their_folder(tmp_path):
    row = {key: value for key, value in ROW.items() if key != "id"} | dict(trial_name="t1.1-of-1")
    for name in ["1/results", "2/results", "2025-09-01__10-00-00__results", "2025-09-02__10-00-00_results"]:
        put(tmp_path, f"x/{name}.json", run_of(row))
    outcomes, tally = gather(below(tmp_path, tmp_path))
    assert (outcomes.trials.values.tolist(), tally.duplicates) == ([[4]], 0)


@pytest.mark.parametrize("dataset", ["terminal-bench-core@0.1.1", "terminal-bench-core:0.1.1"])
@pytest.mark.parametrize(
    "folder, agent, llm, scaffold",
    [
        ("20250722_goose_model-b", "", "model-b", "goose"),
        ("20250722_big-agent_with_model-b", "big-agent_with_model-b", "", ""),
        ("openhands-sonnet4", "openhands-sonnet4", "", ""),
    ],
)
def test_without_metadata_a_leaderboards_folder_says_who_ran(tmp_path, dataset, folder, agent, llm, scaffold):
    run = f"results/{dataset}/{folder}/2025-07-22__10-00-00"
    put(tmp_path, f"{run}/results.json", run_of(ROW))
    put(tmp_path, f"{run}/t1/t1.1-of-1/results.json", ROW)
    for trial in below(tmp_path, tmp_path):
        assert (trial.agent, trial.llm, trial.scaffold) == (agent, llm, scaffold)
        assert trial.benchmark == "terminal-bench-core@0.1.1"
    assert gather(below(tmp_path, tmp_path))[1].duplicates == 1


def test_a_folder_that_is_no_leaderboards_names_nobody(tmp_path):
    assert (one_row(tmp_path).agent, one_row(tmp_path).llm, one_row(tmp_path).scaffold) == ("", "", "")


@pytest.mark.parametrize(
    "who, llm",
    [
        (WHO | dict(model_name=None, agent_kwargs=dict(model_name="acme/model-k")), "acme/model-k"),
        (WHO | dict(model_name=None, agent_kwargs=None), ""),
        ([], ""),
        ("x", ""),
    ],
)
def test_metadata_may_be_poor_or_broken(tmp_path, who, llm):
    put(tmp_path, "run/run_metadata.json", who)
    assert one_row(tmp_path).llm == llm


def test_metadata_that_is_no_json_does_not_spoil_the_run(tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run/run_metadata.json").write_text("{")
    assert one_row(tmp_path).passed


def test_the_lock_file_says_who_ran_and_no_home_is_carried(tmp_path):
    lock = dict(
        lockfile_version="1.0",
        harness={},
        run_config={},
        agent=dict(name=None, import_path="agents.codex:CodexAgent", model_name="acme/model-l"),
        dataset=dict(name=None, version=None, local_path="/data/somebody/tasks/usaco"),
        local_config=dict(run_id="2025-08-24__02-56-58"),
        created_at="2025-08-24T02:56:59-04:00",
    )
    put(tmp_path, "run/tb.lock", lock)
    trial = one_row(tmp_path, trial_started_at=None)
    assert (trial.llm, trial.benchmark, trial.date) == ("acme/model-l", "usaco", "2025-08-24")
    assert gather([trial])[0].agent == "model-l in CodexAgent"
    assert "somebody" not in repr(trial)
    put(tmp_path, "run/run_metadata.json", WHO)
    assert "somebody" not in repr(one_row(tmp_path)) and one_row(tmp_path).llm == "acme/model-a"


def test_a_run_whose_totals_are_of_other_trials_says_so(tmp_path):
    path = put(tmp_path, "run/results.json", run_of(ROW) | dict(n_unresolved=79))
    file = LogFile(path, tmp_path)
    assert len(list(format_of(path, tmp_path, HARNESSES).read(file, Choices()))) == 1
    assert any("more or fewer trials than it lists" in note for note in file.notes)


@pytest.mark.parametrize("row", [None, "x", {}, ROW | dict(task_id=None), ROW | dict(task_id=[])])
def test_a_row_that_is_no_trial_is_refused_with_its_place(tmp_path, row):
    with pytest.raises(LogError, match=r"run/results\.json, trial 2 names no task"):
        trials_in(put(tmp_path, "run/results.json", run_of(ROW, row)), tmp_path, HARNESSES)


# Harbor, made up

TRIAL = dict(
    id="h-1",
    task_name="t1",
    trial_name="t1__abc",
    trial_uri="file:///data/somebody/jobs/t1__abc",
    task_id=dict(path="tasks/t1"),
    source="toy",
    task_checksum="0",
    config=dict(job_id="j-1", agent=dict(name=None, import_path="mine:CoinAgent", model_name="acme/strong-1")),
    agent_info=dict(name="coin-agent", version="1", model_info=dict(name="strong-1", provider="acme")),
    agent_result=dict(n_input_tokens=900, n_cache_tokens=100, n_output_tokens=100, cost_usd=0.01, metadata=dict(n_episodes=3)),
    verifier_result=dict(rewards=dict(reward=1.0)),
    exception_info=None,
    started_at="2026-01-01T10:00:00Z",
    agent_execution=dict(started_at="2026-01-01T10:00:00Z", finished_at="2026-01-01T10:01:30.5Z"),
    step_results=None,
)


def one_trial(root: Path, metric: str = "", threshold: float = 1.0, **change: Any) -> Trial:
    path = put(root, "job/t1__abc/result.json", TRIAL | change)
    return trials_in(path, root, HARNESSES, metric=metric, threshold=threshold)[0]


def raised(name: str, **more: Any) -> dict[str, Any]:
    trace = 'Traceback (most recent call last):\n  File "/data/somebody/x.py"'
    return dict(exception_type=name, exception_message="no /data/somebody", exception_traceback=trace, **more)


@pytest.mark.parametrize(
    "change, state, passed",
    [
        ({}, "scored", True),
        (dict(verifier_result=None), "died", None),
        (dict(verifier_result=dict(rewards=None)), "died", None),
        (dict(verifier_result=dict(rewards={})), "died", None),
        (dict(verifier_result=dict(rewards=dict(reward=math.nan))), "died", None),
        (dict(verifier_result=dict(rewards=dict(reward=None))), "died", None),
        (dict(verifier_result=dict(rewards=dict(reward=True))), "scored", True),
        (dict(verifier_result=dict(rewards=dict(reward=-1))), "scored", False),
        (dict(verifier_result=dict(rewards=dict(reward=7))), "scored", True),
        (dict(exception_info=raised("ConnectionError")), "died", True),
        (dict(exception_info=raised("OSError")), "died", True),
        (dict(exception_info=raised("RewardFileNotFoundError"), verifier_result=None), "died", None),
        (dict(exception_info=raised("RateLimitError")), "died", True),
        (dict(exception_info=raised("EnvironmentStartTimeoutError")), "died", True),
        (dict(exception_info=raised("AgentAuthenticationError")), "died", True),
        (dict(exception_info=raised("CancelledError")), "cancelled", True),
        (dict(exception_info=raised("CancelledError"), verifier_result=None), "cancelled", None),
        (dict(exception_info=raised("AgentTimeoutError")), "own limit", True),
        (dict(exception_info=raised("AgentTimeoutError"), verifier_result=None), "died", None),
        (dict(exception_info=raised("OutputLengthExceededError")), "own limit", True),
        (dict(exception_info=raised("NonZeroAgentExitCodeError")), "scored", True),
        (dict(exception_info=raised("AgentSafetyRefusalError")), "scored", True),
        (dict(exception_info=raised("SomethingNewError")), "scored", True),
        (dict(exception_info=raised("SomethingNewError", policy=dict(has_valid_reward=False))), "died", True),
        (dict(step_results=[{}, dict(exception_info=raised("ApiOverloadedError"))]), "died", True),
        (dict(step_results=[dict(exception_info=raised("AgentTimeoutError"))]), "own limit", True),
    ],
)
def test_a_reward_and_an_exception_make_the_state(tmp_path, change, state, passed):
    trial = one_trial(tmp_path, **change)
    assert (trial.state, trial.passed) == (state, passed)
    steps = [pair.get("exception_info") or {} for pair in change.get("step_results") or []]
    name = [x["exception_type"] for x in [change.get("exception_info") or {}, *steps] if x]
    assert trial.failure == (name[0] if name else "no reward" if passed is None else "")
    assert "somebody" not in repr(trial) and "Traceback" not in repr(trial)


@pytest.mark.parametrize("name, told", [("ConnectionError", 1), ("RateLimitError", 0), ("SomethingNewError", 0)])
def test_only_exceptions_of_our_own_list_are_named_in_the_report(tmp_path, name, told):
    file = LogFile(put(tmp_path, "job/t1__abc/result.json", TRIAL | dict(exception_info=raised(name))), tmp_path)
    list(format_of(file.path, tmp_path, HARNESSES).read(file, Choices()))
    assert [*file.notes] == ["Harbor trials that ended in ConnectionError count as died; Harbor itself counts their reward."][
        :told
    ]


def test_of_several_rewards_one_is_chosen_and_one_that_is_not_there_was_not_seen(tmp_path):
    several = dict(verifier_result=dict(rewards=dict(f2p=0.0, reward=0.25, p2p=1)))
    assert (one_trial(tmp_path, **several).share, one_trial(tmp_path, **several).passed) == (0.25, False)
    assert one_trial(tmp_path, threshold=0.25, **several).passed is True
    assert one_trial(tmp_path, "p2p", **several).passed is True
    assert (one_trial(tmp_path, "f1", **several).state, one_trial(tmp_path, "f1", **several).passed) == ("died", None)
    assert one_trial(tmp_path, verifier_result=dict(rewards=dict(score=1))).passed is True  # there is no "reward"


def test_facts_of_a_trial_of_harbor(tmp_path):
    trial = one_trial(tmp_path)
    assert (trial.tokens, trial.cost, trial.turns, trial.duration) == (1000, 0.01, 3, 90.5)
    assert (trial.date, trial.key, trial.benchmark) == ("2026-01-01", "h-1", "toy")
    assert (trial.llm, trial.scaffold) == ("strong-1", "coin-agent")


def test_names_of_agents_tasks_and_benchmarks_that_stand_elsewhere(tmp_path):
    bare = one_trial(tmp_path, agent_info={}, task_name=None, source="/data/somebody/tasks", id=None)
    assert gather([bare])[0].agent == "strong-1 in CoinAgent"
    assert (bare.task, bare.benchmark, bare.key) == ("t1", "tasks", "j-1/t1__abc")
    assert one_trial(tmp_path, task_name="org/name").task == "org/name"
    assert one_trial(tmp_path, source=None).benchmark == ""
    oracle = one_trial(tmp_path, agent_info=dict(name="oracle", model_info=None), config={})
    assert gather([oracle])[0].agent == "oracle"


def test_a_trial_that_was_graded_again_is_the_trial_that_it_comes_from(tmp_path):
    again = one_trial(tmp_path, id="h-2", config=TRIAL["config"] | dict(source_trial=dict(action="regrade", trial_id="h-1")))
    assert gather([one_trial(tmp_path), again])[1].duplicates == 1


def test_a_trial_of_harbor_without_a_task_is_refused(tmp_path):
    with pytest.raises(LogError, match="names no task"):
        one_trial(tmp_path, task_name=None, task_id=dict(name=3))


@pytest.mark.parametrize(
    "name, content, kind",
    [
        ("job/result.json", dict(n_total_trials=3, finished_at="2026", stats=dict(n_pending_trials=0)), "harbor-job"),
        ("job/result.json", dict(n_total_trials=3, finished_at="2026", stats=dict(n_cancelled_trials=1)), "harbor-open-job"),
        ("job/result.json", dict(n_total_trials=3, stats=None), "harbor-open-job"),
        ("job/config.json", dict(job_name="j", jobs_dir="jobs"), "harbor-settings"),
        ("job/t/config.json", dict(trial_name="t", trials_dir="jobs"), "harbor-settings"),
        ("job/lock.json", dict(harbor={}, trials=[]), "harbor-settings"),
        ("job/t/lock.json", dict(task={}, agent={}, install_only=False), "harbor-settings"),
        ("job/t/verifier/reward.json", dict(reward=1), "harbor-part"),
        ("job/t/verifier/ctrf.json", dict(results=dict(tool={}, tests=[])), "harbor-part"),
        ("job/t/agent/trajectory.json", dict(schema_version="ATIF-v1.5", agent={}, steps=[]), "harbor-part"),
        ("run/run_metadata.json", WHO, "terminal-bench-settings"),
        ("run/results.json", dict(results=[], pass_at_k={}), "terminal-bench"),
    ],
)
def test_files_without_outcomes_are_known_for_what_they_are(tmp_path, name, content, kind):
    one = format_of(put(tmp_path, name, content), tmp_path, HARNESSES)
    assert one.name == kind and (one.no_outcomes.endswith(".") or kind == "terminal-bench")


@pytest.mark.parametrize("content", [dict(reward=1), dict(results=dict(a=1), pass_at_k={}), [ROW], [TRIAL], {}, [], 3])
def test_what_only_looks_like_ours_is_left_to_others(tmp_path, content):
    path = put(tmp_path, "results.json", content)
    assert not [one.name for one in HARNESSES if one.sees(LogFile(path, tmp_path))]


@pytest.mark.parametrize(
    "name, content",
    [
        ("run/results.json", run_of(ROW, ROW | dict(id="u-2"))),
        ("run/t1/t1.1-of-1/results.json", ROW),
        ("job/t1__abc/result.json", TRIAL | dict(exception_info=raised("ConnectionError"), step_results=[{}])),
    ],
)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_whatever_stands_in_a_file_it_is_read_or_refused(tmp_path_factory, name, content, data):
    root = tmp_path_factory.getbasetemp() / "fuzz"
    put(root, "run/run_metadata.json", data.draw(spoiled(WHO)))
    read_or_refused(put(root, name, data.draw(spoiled(content))), root, HARNESSES)
