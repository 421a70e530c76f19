"""Readers of SWE-bench and its relatives on real files, on each trap that real files hold, and on spoiled ones."""

import json
import math
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from log_files import format_of, read_or_refused, samples, spoiled, trials_in

from agentirt_nb.data.log_files import Choices, LogError, LogFile
from agentirt_nb.data.swebench_logs import SWEBENCH
from agentirt_nb.data.trials import Trial, gather

VEXP = "harness/vexp-swebench-1774184993333.vexp-swebench-1774184993333.json"
TDAD = "harness_tdad/tdad/eval/runs"
BASE, TREATED = "opencode-qwen3.5-35B-A3B-baseline", "opencode-qwen3.5-35B-A3B-tdad"
VORFLUX, SHELL = "20250519_vorflux_opus46-code_gpt55h-review", "20260101_mini-v2.0.0_model-x"
VERIFIED = f"experiments/evaluation/verified/{VORFLUX}"
SMITH = "swesmith_gen__claude-3.7__t-0.00_p-1.00__c.2.00__exp9__ig_orig"
OPENHANDS = (
    "output/princeton-nlp__SWE-bench_Verified-test/CodeActAgent/claude-3-5-sonnet-20241022_maxiter_50_N_v0.15.0-no-hint-run_1"
)


def kept(root: Path, place: str, data: Any) -> Path:
    "A file with content, below a folder; a list of objects as lines where its name ends so."
    path = root / place
    path.parent.mkdir(parents=True, exist_ok=True)
    text = "\n".join(map(json.dumps, data)) if place.endswith("jsonl") else data if isinstance(data, str) else json.dumps(data)
    path.write_text(text)
    return path


def ended(trials: list[Trial]) -> Counter[tuple[bool | None, str]]:
    "How many trials ended in each way."
    return Counter((trial.passed, trial.state) for trial in trials)


def read(root: Path, place: str, data: Any) -> list[Trial]:
    "The trials of a made-up file."
    return trials_in(kept(root, place, data), root, SWEBENCH)


@pytest.mark.parametrize(
    ("place", "agent", "passed", "failed", "empty", "died", "not_run", "rest"),
    [
        (f"constructed/evaluation/bash-only/{SHELL}/per_instance_details.json", SHELL, 20, 20, 0, 0, 0, 0),
        ("constructed/evaluation/verified/20240601_old_agent/results/results.json", "20240601_old_agent", 15, 0, 2, 1, 0, 1),
        (
            f"{VERIFIED}/results/results.json",
            VORFLUX,
            442,
            0,
            0,
            0,
            0,
            1,
        ),
        (VEXP, "vexp-swebench", 73, 26, 1, 0, 0, 0),
        (f"{TDAD}/20260310_223213_20260310_223213/evaluations/{BASE}.eval_20260310_230926.json", BASE, 1, 0, 1, 0, 498, 0),
        (f"{TDAD}/20260310_233300_batch25/evaluations/{BASE}.eval_20260311_034331.json", BASE, 6, 1, 15, 3, 475, 0),
        (f"{TDAD}/20260311_233939_tdad_smoke2/evaluations/{TREATED}.eval_20260312_001527.json", TREATED, 1, 0, 0, 0, 499, 0),
        (f"{TDAD}/20260312_020206_tdad_batch25_v2/evaluations/{TREATED}.eval_20260312_065239.json", TREATED, 3, 2, 18, 2, 475, 0),
        ("legacy_report/evaluations/20240402_sweagent_gpt4/report.json", "20240402_sweagent_gpt4", 54, 230, 15, 0, 0, 0),
        ("legacy_report/evaluations/SWE-bench_Lite_golden/report.json", "SWE-bench_Lite_golden", 318, 5, 0, 0, 0, 0),
        ("sb_cli/sb-cli-reports/swe-bench_verified__test__polydev_v3_30tasks.json", "polydev_v3_30tasks", 26, 4, 0, 0, 470, 0),
        ("swesmith/logs/run_evaluation/report.json", SMITH, 3, 50, 0, 0, 0, 0),
    ],
)
def test_a_real_file_has_the_totals_that_were_counted_by_hand(place, agent, passed, failed, empty, died, not_run, rest):
    trials = trials_in(samples("swebench") / place, samples("swebench"), SWEBENCH)
    states = Counter(trial.state for trial in trials)
    assert (states["empty"], states["died"], states["not run"], states["rest"]) == (empty, died, not_run, rest)
    scored = Counter(trial.passed for trial in trials if trial.state == "scored")
    assert (scored[True], scored[False], scored[None]) == (passed, failed, 0)
    named = [trial.task for trial in trials if trial.task]
    assert len(named) == len({*named}) == passed + failed + empty + died + not_run
    assert {trial.agent or trial.llm for trial in trials} == {agent}
    assert {trial.group for trial in trials if trial.task} <= {trial.group for trial in trials} - {""} or not named


@pytest.mark.parametrize(
    ("place", "name"),
    [
        (f"swebench/{VERIFIED}/results/resolved_by_repo.json", "swebench-summary"),
        (f"swebench/{VERIFIED}/results/resolved_by_time.json", "swebench-summary"),
        (f"swebench/{VERIFIED}/all_preds.jsonl", "swebench-predictions"),
        ("swebench/swesmith/logs/run_validation/report.json", "swebench-validation"),
        ("swe_agent/preds/all_preds.jsonl", "swebench-predictions"),
        ("swe_agent/preds/mini_swe_agent_preds.json", "swebench-predictions"),
        (f"openhands/{OPENHANDS}/output.jsonl", "openhands-output"),
        (f"openhands/{OPENHANDS}/metadata.json", "openhands-metadata"),
    ],
)
def test_a_real_file_without_outcomes_is_known_as_what_it_is(place, name):
    found = format_of(samples("") / place, samples(""), SWEBENCH)
    assert found.name == name and found.no_outcomes.endswith(".")


def test_no_other_real_file_is_taken_for_one_of_these():
    mine = {"swebench", "openhands", "hal", "swe_agent"}
    for path in samples("").rglob("*"):
        file = LogFile(path, samples(""))
        if path.is_file() and path.relative_to(file.root).parts[0] not in mine:
            assert [one.name for one in SWEBENCH if one.sees(file)] == [], path


def test_reports_of_98_real_tasks_tell_again_what_the_report_of_the_run_tells():
    home = samples("swebench") / "harness"
    run = trials_in(home / VEXP.removeprefix("harness/"), home, SWEBENCH)
    single = [trial for path in sorted(home.rglob("report.json")) for trial in trials_in(path, home, SWEBENCH)]
    assert ended(single) == {(True, "scored"): 73, (False, "scored"): 25}
    outcomes, tally = gather([*run, *single])
    assert dict(outcomes.sizes) == dict(agent=1, task=100) and tally.duplicates == 98
    assert (int(outcomes.successes.sum()), int(outcomes.trials.sum())) == (73, 100)
    assert outcomes.agent.item() == "vexp-swebench" and outcomes.share.notnull().all()
    assert str(outcomes.date.values[0])[:10] == "2026-03-22"


def test_the_four_real_tasks_of_swe_smith_are_solved_though_no_patch_applied_and_count_once():
    home = samples("swebench") / "swesmith"
    paths = sorted(home.rglob("run_evaluation/**/report.json"))
    single = [trial for path in paths[:-1] for trial in trials_in(path, home, SWEBENCH)]
    assert ended(single) == {(True, "scored"): 3, (False, "scored"): 1}
    outcomes, tally = gather([*single, *trials_in(paths[-1], home, SWEBENCH)])
    assert tally.duplicates == 4 and (int(outcomes.successes.sum()), int(outcomes.trials.sum())) == (3, 53)


def test_two_real_runs_of_one_agent_are_repeats():
    home = samples("swebench") / "harness_tdad"
    outcomes, tally = gather([trial for path in home.rglob("*.json") for trial in trials_in(path, home, SWEBENCH)])
    assert outcomes.sizes["agent"] == 2 and tally.duplicates == 0
    assert outcomes.trials.sum("task").values.tolist() == [24, 24]
    assert outcomes.successes.sum().item() == 1 + 6 + 1 + 3


def test_openhands_is_told_once_by_three_real_shaped_files():
    home = samples("openhands")
    evaluated = trials_in(home / OPENHANDS / "output.swebench_eval.jsonl", home, SWEBENCH)
    report = trials_in(home / OPENHANDS / "report.json", home, SWEBENCH)
    assert ended(evaluated) == ended(report) == {(True, "scored"): 11, (False, "scored"): 7, (False, "died"): 2}
    outcomes, tally = gather([*report, *evaluated])
    assert tally.duplicates == 20 and (int(outcomes.successes.sum()), int(outcomes.trials.sum())) == (11, 18)
    assert outcomes.agent.item() == "claude-3-5-sonnet-20241022 in CodeActAgent"
    assert {*outcomes.benchmark.values} == {"swebench_verified"} and outcomes.cost.notnull().sum() == 18
    assert "api_key" not in str(evaluated) and tally.failures["RuntimeError"] == 2


@pytest.mark.parametrize(
    ("run", "llm", "passed"), [("0", "openai/gpt-4.1-2025-04-14", 9), ("1", "anthropic/claude-opus-4-1", 15)]
)
def test_hal_counts_a_broken_run_as_failed_and_we_do_not(run, llm, passed):
    name = f"taubench_airline_toolcalling_{run}_1755000000"
    trials = trials_in(samples("hal") / f"results/taubench_airline/{name}/{name}_UPLOAD.json", samples("hal"), SWEBENCH)
    assert ended(trials) == {(True, "scored"): passed, (False, "scored"): 19 - passed, (None, "died"): 1}
    assert {trial.llm for trial in trials} == {llm} and {trial.scaffold for trial in trials} == {"TAU-bench Tool Calling"}
    assert {trial.benchmark for trial in trials} == {"taubench_airline"} and {trial.date for trial in trials} == {"2025-08-12"}
    assert all(trial.duration >= 60 and trial.cost > 0 for trial in trials if trial.state == "scored")


REPORT = dict(
    total_instances=500,
    submitted_instances=4,
    resolved_instances=1,
    completed_ids=["a__b-1", "a__b-2"],
    incomplete_ids=[],
    empty_patch_ids=["a__b-3"],
    submitted_ids=["a__b-1", "a__b-2", "a__b-3", "a__b-4"],
    resolved_ids=["a__b-1"],
    unresolved_ids=["a__b-2"],
    error_ids=["a__b-4"],
    schema_version=2,
)


@pytest.mark.parametrize(
    ("name", "llm", "agent", "run"),
    [
        ("openai__gpt-4.1.run_2.json", "openai/gpt-4.1", "", "run_2"),
        ("gpt-4.1.run-2.json", "gpt-4.1", "", "run-2"),
        ("qwen2.5-coder.r1.json", "qwen2.5-coder", "", "r1"),
        ("model.20250101_lite.json", "model", "", "20250101_lite"),
        ("x-1774184993333.x-1774184993333.json", "", "x", "x-1774184993333"),
        ("gpt4__swe-bench__default__t-0.00__p-0.95.try.json", "", "gpt4__swe-bench__default__t-0.00__p-0.95", "try"),
    ],
)
def test_the_model_of_a_report_is_in_its_name_which_may_have_points(name, llm, agent, run, tmp_path):
    trial = read(tmp_path, name, REPORT)[0]
    assert (trial.llm, trial.agent) == (llm, agent)
    assert trial.key.endswith(f"/{run}/a__b-1") and trial.benchmark == ""


def test_folders_of_the_harness_settle_where_the_name_is_cut(tmp_path):
    (tmp_path / "logs/run_evaluation/0.9.b/model-4").mkdir(parents=True)
    trial = read(tmp_path, "model-4.0.9.b.json", REPORT)[0]
    assert (trial.llm, trial.key) == ("model-4", "model-4/0.9.b/a__b-1")


def test_the_fifth_version_names_the_model_in_a_folder_beside(tmp_path):
    one = read(tmp_path, "logs/evaluation/try_1/openai__m/a__b-1/report.json", {"a__b-1": dict(patch_exists=True, resolved=True)})
    run = read(tmp_path, "logs/evaluation/try_1/results.json", REPORT)
    assert {trial.llm for trial in [*one, *run]} == {"openai/m"} and gather([*one, *run])[1].duplicates == 1


def test_infrastructure_failures_of_the_fifth_version_stay_in_the_other_lists_and_do_not_count(tmp_path):
    labels = dict(
        infra_failure_ids=["a__b-2"], ambiguous_failure_ids=["a__b-5"], failure_reasons={"a__b-5": "no_tests_collected"}
    )
    data = REPORT | labels | dict(unresolved_ids=["a__b-2", "a__b-5"])
    trials = {trial.task: trial for trial in read(tmp_path, "m.r.json", data)}
    assert (trials["a__b-2"].state, trials["a__b-2"].passed) == ("died", False)
    assert (trials["a__b-5"].state, trials["a__b-5"].passed, trials["a__b-5"].failure) == ("scored", False, "no_tests_collected")
    assert gather(trials.values())[1].counted == 3


def test_what_was_completed_and_could_not_be_read_died(tmp_path):
    trials = {trial.task: trial for trial in read(tmp_path, "m.r.json", REPORT | dict(error_ids=["a__b-2"], unresolved_ids=[]))}
    assert trials["a__b-2"].state == "died" and trials["a__b-4"].failure == "no verdict"


def test_the_size_of_the_benchmark_is_not_the_number_of_runs(tmp_path):
    outcomes, tally = gather(read(tmp_path, "m.r.json", REPORT))
    assert outcomes.sizes["task"] == 4 and tally.counted == 3


def test_a_report_that_counts_otherwise_than_it_names_says_so(tmp_path):
    file = LogFile(kept(tmp_path, "m.r.json", REPORT | dict(resolved_instances=7)), tmp_path)
    found = format_of(file.path, tmp_path, SWEBENCH)
    assert sum(trial.passed is True for trial in found.read(file, Choices())) == 1
    assert any("counts more or fewer" in note for note in file.notes)


def test_a_submission_that_ran_1_of_91_scores_100_or_1_percent_by_choice(tmp_path):
    tasks = [f"a__b-{i}" for i in range(91)]
    data = dict(total_instances=91, resolved_instances=1, resolved=tasks[:1], unresolved=[], incomplete_ids=tasks[1:])
    trials = read(tmp_path, "evaluation/java/verified/20250329_shell/results/results.json", data)
    assert {trial.benchmark for trial in trials} == {"multi_swe_bench"} and {trial.agent for trial in trials} == {
        "20250329_shell"
    }
    assert gather(trials)[1].counted == 1
    strict = gather(trials, observed=["scored", "not run"])[1]
    assert (strict.counted, strict.passed) == (91, 1)


def test_the_newer_multi_swe_bench_and_swe_bench_live_are_read(tmp_path):
    data = {key: value for key, value in REPORT.items() if key != "schema_version"} | dict(incomplete_instances=0)
    trials = read(tmp_path, "shell/final_report.json", data)
    assert {(trial.agent, trial.benchmark) for trial in trials} == {("shell", "multi_swe_bench")} and len(trials) == 4
    live = dict(submitted=3, success_ids=["a__b-1"], failure_ids=["a__b-2"], error_ids=["a__b-3"], empty_patch_ids=["a__b-4"])
    trials = read(tmp_path, "live_1/results.json", live)
    assert [trial.state for trial in trials] == ["scored", "empty", "died", "scored"]
    tests = dict(success=["x"], failure=[])
    one = read(
        tmp_path, "live_1/a__b-1/report.json", dict(instance_id="a__b-1", resolved=True, PASS_TO_PASS=tests, FAIL_TO_PASS=tests)
    )
    assert gather([*trials, *one])[1].duplicates == 1 and {trial.benchmark for trial in [*trials, *one]} == {"swebench_live"}
    null = read(
        tmp_path, "live_1/a__b-9/report.json", dict(instance_id="a__b-9", resolved=None, PASS_TO_PASS=tests, FAIL_TO_PASS=tests)
    )
    assert null[0].state == "died"


def test_pending_and_failed_tasks_of_the_cloud_client_are_unobserved(tmp_path):
    data = REPORT | dict(pending_ids=["a__b-8"], failed_ids=["a__b-9"])
    trials = {trial.task: trial for trial in read(tmp_path, "Subset.swe_bench_verified__Split.test__shell.json", data)}
    assert (trials["a__b-8"].state, trials["a__b-9"].state) == ("not run", "died")
    assert (trials["a__b-1"].benchmark, trials["a__b-1"].agent, trials["a__b-1"].llm) == ("swebench_verified", "shell", "")


def test_the_first_harness_counts_broken_tests_and_leaves_out_broken_installations(tmp_path):
    tasks = [f"a__b-{i}" for i in range(8)]
    lists = dict(no_generation=tasks[:1] * 2, resolved=tasks[1:2], install_fail=tasks[2:3], reset_failed=tasks[3:4])
    lists |= dict(
        test_errored=tasks[4:5], test_timeout=tasks[5:6], no_apply=tasks[6:7], generated=tasks[1:], with_logs=tasks[1:7]
    )
    trials = read(tmp_path, "shell/report.json", lists)
    found = {trial.task: (trial.state, trial.failure) for trial in trials}
    died, scored = ["install_fail", "reset_failed", "no log"], ["", "test_errored", "test_timeout", "no_apply"]
    assert len(trials) == 8 and found["a__b-0"] == ("empty", "no_generation")
    assert {way for state, way in found.values() if state == "died"} == {*died}
    assert {way for state, way in found.values() if state == "scored"} == {*scored}


@pytest.mark.parametrize(
    ("row", "passed", "state", "share"),
    [
        (dict(patch_is_None=True, patch_exists=False, resolved=False), False, "empty", math.nan),
        (dict(patch_exists=True, patch_successfully_applied=False, resolved=False), False, "scored", math.nan),
        (dict(patch_exists=True, patch_successfully_applied=False, resolved=True), True, "scored", math.nan),
        (dict(patch_exists=True, resolved=None), None, "died", math.nan),
        (dict(patch_exists=True, resolved=False, infra_failure=True, infra_failure_reason="disk full"), False, "died", math.nan),
        (
            dict(patch_exists=True, resolved=False, tests_status=dict(FAIL_TO_PASS=dict(success=["x"], failure=["y"]))),
            False,
            "scored",
            0.5,
        ),
    ],
)
def test_a_report_of_one_task_says_how_it_ended(row, passed, state, share, tmp_path):
    (trial,) = read(tmp_path, "logs/run_evaluation/r/m/a__b-1/report.json", {"a__b-1": row})
    assert (trial.passed, trial.state, trial.key) == (passed, state, "m/r/a__b-1")
    assert trial.share == share or (math.isnan(trial.share) and math.isnan(share))


def test_logs_of_a_submission_tell_again_what_its_results_tell(tmp_path):
    folder = "evaluation/lite/20250101_shell"
    board = read(tmp_path, f"{folder}/results/results.json", dict(resolved=["a__b-1"], no_logs=[]))
    row = dict(patch_exists=True, resolved=True)
    logs = [trial for i in (1, 2) for trial in read(tmp_path, f"{folder}/logs/a__b-{i}/report.json", {f"a__b-{i}": row})]
    outcomes, tally = gather([*board, *logs])
    assert tally.duplicates == 1 and outcomes.sizes["agent"] == 1 and {*outcomes.benchmark.values} == {"swebench_lite"}


@pytest.mark.parametrize("checked", ["false", "true", "null", '"false (See README.md: how to)"'])
@pytest.mark.parametrize("attempts", ["1", '"1"', '"2+"'])
def test_metadata_of_a_submission_name_several_models_and_attempts(checked, attempts, tmp_path):
    about = (
        f"tags:\n  checked: {checked}\n  model:\n  - https://hub.example/org/model-a\n  - model-b # new\n  org: [Lab, Other]\n"
    )
    kept(tmp_path, "evaluation/test/20250101_x/metadata.yml", f"{about}  system:\n    attempts: {attempts}\n")
    path = kept(tmp_path, "evaluation/test/20250101_x/results/results.json", dict(resolved=["a__b-1"], no_logs=[]))
    file = LogFile(path, tmp_path)
    trial = next(format_of(path, tmp_path, SWEBENCH).read(file, Choices()))
    assert (trial.llm, trial.organisation, trial.benchmark) == ("model-a + model-b", "Lab, Other", "swebench")
    assert bool(file.notes) == ("2+" in attempts)


def test_an_old_submission_and_one_without_metadata_are_known_by_their_folder(tmp_path):
    kept(tmp_path, "evaluation/lite/20240101_x/metadata.yaml", "name: X\noss: true\nverified: false\n")
    for place in ("evaluation/lite/20240101_x", "evaluation/lite/20240202_y"):
        trial = read(tmp_path, f"{place}/results/results.json", dict(resolved=["a__b-1"]))[0]
        assert (trial.agent, trial.llm, trial.scaffold) == (place.rsplit("/", 1)[1], "", "")


def test_a_folder_that_stands_above_the_one_that_was_given_names_no_agent_but_a_submission(tmp_path):
    kept(tmp_path, "somebody/results/results.json", dict(resolved=["a__b-1"], no_logs=[]))
    kept(tmp_path, "20250101_x/results/results.json", dict(resolved=["a__b-1"], no_logs=[]))
    for name, agent in (("somebody", ""), ("20250101_x", "20250101_x")):
        root = tmp_path / name / "results"
        assert trials_in(root / "results.json", root, SWEBENCH)[0].agent == agent


@pytest.mark.parametrize(
    ("error", "state"),
    [
        ("RuntimeError: Agent reached maximum iteration.", "own limit"),
        ("AgentStuckInLoopError: Agent got stuck in a loop", "own limit"),
        ("litellm.RateLimitError: /data/somebody/key", "died"),
        (None, "scored"),
    ],
)
def test_openhands_own_limits_count_and_errors_of_the_provider_do_not(error, state, tmp_path):
    kept(tmp_path, "run_1/metadata.json", dict(agent_class="CodeAct", llm_config=dict(model="m"), dataset="x"))
    kept(
        tmp_path,
        "run_1/output.jsonl",
        [dict(instance_id="a__b-1", error=error, test_result={}, metrics=dict(accumulated_cost=0.0))],
    )
    rows = [dict(instance_id="a__b-1", test_result=dict(report=dict(resolved=False)))]
    (trial,) = read(tmp_path, "run_1/output.swebench_eval.jsonl", rows)
    assert trial.state == state and "somebody" not in trial.failure and math.isnan(trial.cost)


@pytest.mark.parametrize("way", ["error_eval", "test_timeout"])
def test_an_evaluation_by_openhands_that_broke_is_no_failure_unless_it_passed(way, tmp_path):
    rows = [dict(instance_id=f"a__b-{i}", test_result=dict(report={"resolved": bool(i), way: True})) for i in (0, 1)]
    assert ended(read(tmp_path, "run/output.swebench_eval.jsonl", rows)) == {(False, "died"): 1, (True, "scored"): 1}


@pytest.mark.parametrize(
    ("raw", "ways"),
    [
        ({"1": dict(score=True, explanation="x"), "2": dict(score=0)}, [(True, "scored"), (False, "scored")]),
        ({"individual": {"1": dict(success=True), "2": dict(success=False)}}, [(True, "scored"), (False, "scored")]),
        (
            {"sdict": {"1": [dict(result=dict(fraction_passed=1.0))], "2": [dict(result=dict(fraction_passed=0.5))]}},
            [(True, "scored"), (False, "scored")],
        ),
        (dict(resolved_ids=["1"], unresolved_ids=["2"], error_ids=["3"]), [(True, "scored"), (None, "died"), (False, "scored")]),
        ({"1": dict(reward=1.0), "2": "ConnectionError"}, [(True, "scored"), (None, "died")]),
    ],
)
def test_results_of_hal_have_a_shape_for_each_benchmark(raw, ways, tmp_path):
    data = dict(config=dict(agent_name="A (m)", run_id="r"), results={}, raw_eval_results=raw)
    assert [(trial.passed, trial.state) for trial in read(tmp_path, "r_UPLOAD.json", data)] == ways


def test_lists_of_hal_are_read_where_its_results_are_not_understood(tmp_path):
    data = dict(config={}, results=dict(successful_tasks=["1"], failed_tasks=["2"]), raw_eval_results={"1": {"odd": "x"}})
    assert [trial.passed for trial in read(tmp_path, "r_UPLOAD.json", data)] == [True, False]


def test_the_index_of_openhands_keeps_the_same_task_of_two_benchmarks_apart(tmp_path):
    kept(tmp_path, "m1/metadata.json", dict(agent_name="OpenHands", model="m1", submission_time="2026-01-27T01:24:15"))
    rows = {"a__b-1": dict(cost=None, resolved=True), "a__b-2": dict(cost=1.0, resolved=None)}
    trials = [t for name in ("swe-bench", "swt-bench") for t in read(tmp_path, f"m1/instance_results/{name}.json", rows)]
    outcomes, tally = gather(trials)
    assert outcomes.trials.values.tolist() == [[1, 0, 1, 0]] and tally.states["died"] == 2 and tally.duplicates == 0
    assert outcomes.agent.item() == "m1 in OpenHands"


def test_a_table_of_counts_is_never_taken_for_verdicts(tmp_path):
    for place, rows in (("a.json", {"2013": dict(resolved=1, total=1)}), ("b.json", {"a/b": dict(resolved=0, total=1)})):
        assert format_of(kept(tmp_path, place, rows), tmp_path, SWEBENCH).name == "swebench-summary"


@pytest.mark.parametrize(
    "data",
    [
        [],
        {},
        [1],
        None,
        "text",
        {"resolved": 1},
        {"resolved": ["a"]},
        {"resolved": {"a": 1}, "no_logs": []},
        {"a": {"resolved": 1, "cost": 2}},
        {"results": [], "resolved_ids": [], "unresolved_ids": [], "pass_at_k": {}, "accuracy": 0},
        {"resolved_ids": 3, "submitted_ids": 2},
        {"success_ids": [1], "failed_ids": [2]},
        {"a": {"cost": 1}, "b": 3},
        {"info": {}, "messages": []},
    ],
)
def test_other_files_are_not_taken_for_these(data, tmp_path):
    file = LogFile(kept(tmp_path, "report.json", data), tmp_path)
    assert [one.name for one in SWEBENCH if one.sees(file)] == []


VALID: dict[str, tuple[str, Any]] = {
    "swebench-leaderboard": (
        "evaluation/lite/20250101_x/results/results.json",
        dict(resolved=["a__b-1"], no_logs=["a__b-2"], no_generation=[]),
    ),
    "swebench-details": (
        "d/per_instance_details.json",
        {"a__b-1": dict(resolved=True, cost=1.0, api_calls=3), "a__b-2": dict(resolved=False, cost=1)},
    ),
    "swebench-report": (
        "m.r.json",
        REPORT | dict(infra_failure_ids=["a__b-2"], failure_reasons={"a__b-2": "x"}, pending_ids=[], failed_ids=[]),
    ),
    "swebench-1": (
        "s/report.json",
        dict(generated=["a__b-1"], no_generation=["a__b-3"], with_logs=["a__b-1"], resolved=["a__b-1"]),
    ),
    "swebench-task": (
        "logs/run_evaluation/r/m/a__b-1/report.json",
        {
            "a__b-1": dict(
                patch_exists=True,
                resolved=True,
                infra_failure=False,
                tests_status=dict(FAIL_TO_PASS=dict(success=["x"], failure=[])),
            )
        },
    ),
    "swe-smith": ("s/report.json", dict(resolved=1, total=2, ids_resolved=["a__b-1"], ids_unresolved=["a__b-2"])),
    "openhands": (
        "oh/output.swebench_eval.jsonl",
        [
            dict(instance_id=f"a__b-{i}", error="x", test_result=dict(git_patch="", report=dict(resolved=True, error_eval=False)))
            for i in range(3)
        ],
    ),
    "hal": (
        "r_UPLOAD.json",
        dict(
            config=dict(agent_name="A (m)", run_id="r", date="2025-01-01", agent_args=dict(model_name="m"), benchmark_name="b"),
            results=dict(successful_tasks=["1"], failed_tasks=["2"], latencies={"1": dict(total_time=1.0)}),
            raw_eval_results={"1": dict(reward=1.0, cost=1.0), "2": "error"},
        ),
    ),
}


def test_every_format_with_outcomes_is_spoiled_below(tmp_path):
    assert {one.name for one in SWEBENCH if not one.no_outcomes} == {*VALID}
    for name, (place, data) in VALID.items():
        path = kept(tmp_path / name, place, data)
        assert format_of(path, tmp_path, SWEBENCH).name == name and trials_in(path, tmp_path, SWEBENCH)


@pytest.mark.parametrize("name", VALID)
def test_a_spoiled_file_is_read_or_refused_in_our_own_words(name, tmp_path):
    place, valid = VALID[name]

    @settings(max_examples=60, deadline=None)
    @given(spoiled(valid))
    def holds(data: Any) -> None:
        read_or_refused(kept(tmp_path, place, data), tmp_path, SWEBENCH)

    holds()


@settings(max_examples=60, deadline=None)
@given(st.one_of(st.text(max_size=200), st.lists(st.sampled_from([*"tags:model-[]#'\" \n\t", "- ", "  ", ": "])).map("".join)))
def test_spoiled_metadata_of_a_submission_never_break_a_reading(tmp_path_factory, text):
    root = tmp_path_factory.getbasetemp() / "metadata"
    place, data = VALID["swebench-leaderboard"]
    (kept(root, "evaluation/lite/20250101_x/metadata.yaml", "")).write_text(text, errors="replace")
    assert len(read(root, place, data)) == 3


def test_a_row_of_openhands_that_is_no_object_is_named_by_its_line(tmp_path):
    rows = [VALID["openhands"][1][0], [1]]
    with pytest.raises(LogError, match="line 2"):
        read(tmp_path, "oh/output.swebench_eval.jsonl", rows)


def test_a_verdict_that_is_missing_at_first_does_not_hide_those_that_follow(tmp_path):
    rows = [dict(instance_id="a__b-1", test_result={}), dict(instance_id="a__b-2", test_result=dict(report=dict(resolved=True)))]
    assert ended(read(tmp_path, "oh/output.swebench_eval.jsonl", rows)) == {(None, "died"): 1, (True, "scored"): 1}


def test_renamed_reports_in_one_folder_are_different_agents_and_the_reading_says_so(tmp_path):
    trials, notes = [], Counter[str]()
    for name in ("claude", "gpt-4"):
        file = LogFile(kept(tmp_path, f"reports/{name}.json", REPORT), tmp_path)
        trials += format_of(file.path, tmp_path, SWEBENCH).read(file, Choices())
        notes += file.notes
    outcomes, tally = gather(trials)
    assert outcomes.agent.values.tolist() == ["claude", "gpt-4"] and tally.duplicates == 0
    assert len(notes) == 1 and notes.total() == 2 and "does not say whose it is" in next(iter(notes))


def test_reports_without_a_name_in_folders_of_one_name_are_repeats(tmp_path):
    trials = [trial for run in "12" for trial in read(tmp_path, f"run{run}/shell/report.json", REPORT)]
    outcomes, tally = gather(trials)
    assert outcomes.agent.item() == "shell" and tally.duplicates == 0 and outcomes.trials.sum().item() == 6


def test_a_submission_copied_inside_another_folder_counts_once(tmp_path):
    place, data = "evaluation/verified/20250101_x/results/results.json", dict(resolved=["a__b-1"], no_logs=[])
    trials = [trial for up in ("", "old/") for trial in read(tmp_path, up + place, data)]
    outcomes, tally = gather(trials)
    assert outcomes.trials.values.tolist() == [[1]] and tally.duplicates == 1 and tally.rest == 1


def test_details_of_a_submission_agree_with_its_results(tmp_path):
    folder = "evaluation/bash-only/20250101_x"
    details = read(tmp_path, f"{folder}/per_instance_details.json", {"a__b-1": dict(resolved=True, cost=1.0)})
    results = read(tmp_path, f"{folder}/results/results.json", dict(resolved=["a__b-1"], no_logs=[]))
    assert gather([*details, *results])[1].duplicates == 1 and details[0].benchmark == "swebench_verified"


def test_the_newer_openhands_is_known_by_its_settings(tmp_path):
    about = dict(
        llm=dict(model="proxy/model-a"), dataset="princeton-nlp/SWE-bench_Verified", max_iterations=100, eval_output_dir="x"
    )
    kept(tmp_path, "run/metadata.json", about)
    kept(
        tmp_path, "run/output.jsonl", [dict(instance_id="a__b-1", error=None, test_result={}, metrics=dict(accumulated_cost=2.0))]
    )
    trials = {trial.task: trial for trial in read(tmp_path, "run/output.report.json", REPORT)}
    one = trials["a__b-1"]
    assert (one.llm, one.scaffold, one.benchmark, one.cost) == ("proxy/model-a", "OpenHands", "swebench_verified", 2.0)
    assert format_of(tmp_path / "run/metadata.json", tmp_path, SWEBENCH).no_outcomes


def test_results_of_hal_in_an_unknown_shape_are_not_taken_for_tasks(tmp_path):
    data = dict(config={}, results=dict(successful_tasks=["1"], failed_tasks=["2"]), raw_eval_results=dict(scores={}, details={}))
    file = LogFile(kept(tmp_path, "r_UPLOAD.json", data), tmp_path)
    trials = list(format_of(file.path, tmp_path, SWEBENCH).read(file, Choices()))
    assert {trial.task: trial.passed for trial in trials} == {"1": True, "2": False} and file.notes.total() == 1


def test_a_share_of_hal_counts_from_the_threshold_where_no_list_has_the_task(tmp_path):
    path = kept(tmp_path, "r_UPLOAD.json", dict(config={}, results={}, raw_eval_results={"1": dict(score=0.5)}))
    assert [trials_in(path, tmp_path, SWEBENCH, threshold=at)[0].passed for at in (1.0, 0.5)] == [False, True]


def test_predictions_of_multi_swe_bench_and_tests_of_one_of_its_tasks_hold_no_outcomes(tmp_path):
    row = dict(org="a", repo="b", number=1, fix_patch="diff")
    names = [
        format_of(kept(tmp_path, place, data), tmp_path, SWEBENCH).name
        for place, data in (("preds.jsonl", [row, row]), ("logs/a/b/evals/pr-1/report.json", row | dict(fix_patch_result={})))
    ]
    assert names == ["swebench-predictions", "multi-swe-bench-task"]


def test_a_task_with_the_name_of_a_path_leads_nowhere(tmp_path):
    kept(tmp_path, "secret/report.json", dict(model_name_or_path="secret", resolved=True, patch_exists=True))
    data = dict(resolved=1, unresolved=2, total=3, ids_resolved=["../secret", "x" * 400], ids_unresolved=["\x00"])
    assert {trial.llm for trial in read(tmp_path, "smith/report.json", data)} == {""}


def test_what_is_looked_up_for_a_report_of_one_task_is_remembered_with_it(tmp_path):
    folder = "evaluation/lite/20250101_x"
    about = kept(tmp_path, f"{folder}/metadata.yaml", "tags:\n  system:\n    attempts: 3\n")
    file = LogFile(
        kept(tmp_path, f"{folder}/logs/a__b-1/report.json", {"a__b-1": dict(patch_exists=True, resolved=True)}), tmp_path
    )
    assert len(list(format_of(file.path, tmp_path, SWEBENCH).read(file, Choices()))) == 1
    assert file.notes.total() == 1 and about.resolve() in {path.resolve() for path in file.asked}
