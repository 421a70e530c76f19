"""Logs of agent benchmarks: the samples' totals, the traps of each format, and files that are broken."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from log_files import format_of, read_or_refused, samples, spoiled, trials_in

from agentirt_nb.data.agent_logs import AGENT_BENCHMARKS
from agentirt_nb.data.log_files import Choices, LogError, LogFile
from agentirt_nb.data.trials import Trial, gather, plain_llm

TAU = "tool-calling-airline-{}-0.0_range_0--1_user-openai-gpt-4o-20240806-llm_{}.json"


def put(path: Path, data: Any, *more: Any) -> Path:
    "A made-up file: JSON, or JSON lines where there is more."
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(json.dumps(row) for row in (data, *more)))
    return path


def read(path: Path, root: Path, **choices: Any) -> list[Trial]:
    return trials_in(path, root, AGENT_BENCHMARKS, **choices)


def notes(path: Path, root: Path) -> str:
    "What a reader tells the report of a file."
    file = LogFile(path, root)
    list(format_of(path, root, AGENT_BENCHMARKS).read(file, Choices()))
    return " ".join(file.notes)


def sees(path: Path, root: Path) -> str:
    return format_of(path, root, AGENT_BENCHMARKS).name


def without_outcomes(path: Path, root: Path) -> bool:
    return bool(format_of(path, root, AGENT_BENCHMARKS).no_outcomes)


def total(trials: list[Trial]) -> tuple[int, int, int, int]:
    "Agents, tasks, successes and trials that count."
    outcomes, tally = gather(trials)
    return outcomes.sizes["agent"], outcomes.sizes["task"], tally.passed, tally.counted


# ---- the samples


@pytest.mark.parametrize(
    ("model", "stamp", "passed", "died"),
    [
        ("DeepSeek-V3-0324", "0813191457", 17, 0),
        ("Kimi-K2-Instruct", "0816025139", 21, 0),
        ("Qwen3-235B-A22B-Instruct-2507-FP8", "0822070006", 18, 15),
        ("Qwen3-235B-A22B-Thinking-2507-FP8", "0816084901", 22, 4),
        ("Qwen3-32B", "0808092845", 13, 0),
        ("claude-4-sonnet-thinking-off", "0816020105", 27, 0),
        ("claude-4-sonnet-thinking-on-10k", "0819145023", 25, 0),
        ("gpt-4.1", "0816022412", 27, 0),
        ("gpt-4o-20240806", "0725102321", 26, 0),
        ("gpt-4o-mini", "0816022417", 11, 0),
        ("o4-mini-high", "0808101203", 27, 0),
    ],
)
def test_the_tau_bench_files_have_the_totals_that_were_counted_by_hand(model, stamp, passed, died):
    root = samples("tau_bench")
    trials = read(root / "results" / TAU.format(model, stamp), root)
    assert total(trials) == (1, 50, passed, 50 - died)
    assert {(x.llm, x.scaffold, x.benchmark) for x in trials} == {(model, "tool-calling", "tau-bench airline")}
    assert Counter(x.state for x in trials)["died"] == died


def test_fifteen_errors_of_a_provider_in_one_tau_bench_file_are_told_by_their_class():
    root = samples("tau_bench")
    trials = read(root / "results" / TAU.format("Qwen3-235B-A22B-Instruct-2507-FP8", "0822070006"), root)
    assert Counter(x.failure for x in trials if x.state == "died") == {"Timeout": 14, "BadRequestError": 1}


def test_all_tau_bench_files_together_are_eleven_agents_on_fifty_tasks():
    root = samples("tau_bench")
    trials = [x for path in sorted((root / "results").glob("*.json")) for x in read(path, root)]
    assert total(trials) == (11, 50, 234, 531)
    assert total([*trials, *trials]) == (11, 50, 234, 531)  # a copy of the folder within itself


@pytest.mark.parametrize(
    ("part", "llm", "tasks", "passed", "ran", "missing"),
    [
        ("o3-high_user", "o3-high", 50, 32, 50, 0),
        ("gpt-4.1_user", "gpt-4.1", 50, 20, 50, 0),
        ("Qwen3-8B_user", "Qwen3-8B", 50, 16, 46, 4),
        ("grok-3-mini_user", "grok-3-mini", 1, 0, 4, 0),
        ("grok-4-fast-reasoning_user", "grok-4-fast-reasoning", 1, 3, 4, 0),
        ("grok-4_user", "grok-4", 50, 8, 12, 38),
    ],
)
def test_the_tau2_files_have_the_totals_that_were_counted_by_hand(part, llm, tasks, passed, ran, missing):
    root = samples("tau2_bench")
    (path,) = (root / "data").rglob(f"*llm_agent_*{part}*.json")
    trials = read(path, root)
    agents, _, right, counted = total(trials)
    assert (agents, len({x.task for x in trials}), right, counted) == (1, tasks, passed, ran)
    assert sum(x.state == "not run" for x in trials) == missing
    assert gather(trials)[0].llm.values.tolist() == [llm]
    assert gather(trials)[0].scaffold.values.tolist() == ["llm_agent"]


def test_spoken_tau2_runs_without_rewards_died_and_name_their_agent_from_the_folder():
    root = samples("tau2_bench")
    trials = [x for path in sorted((root / "experiment_dir").rglob("*.json")) for x in read(path, root)]
    assert Counter((x.state, x.failure, x.task) for x in trials) == {
        ("died", "no reward", task): 1 for task in ("20", "40", "98")
    }
    assert {plain_llm(x.llm) for x in trials} == {"gpt-realtime-2"} and {x.benchmark for x in trials} == {"tau2-bench retail"}
    assert {x.date for x in trials} == {"2026-06-30"}


@pytest.mark.parametrize(
    ("folder", "llm", "java", "javascript", "live_parallel", "live_relevance"),
    [
        ("_home*", "Qwen3-32B", 65, 35, 14, 13),
        ("anthropic*", "claude-4-sonnet-thinking-off", 62, 31, 14, 9),
        ("openai*", "gpt-4.1", 64, 39, 15, 16),
        ("togetherai*", "Kimi-K2-Instruct", 64, 38, 14, 13),
    ],
)
def test_the_bfcl_files_have_the_totals_that_were_counted_by_hand(folder, llm, java, javascript, live_parallel, live_relevance):
    root = samples("bfcl")
    (home,) = (root / "score").glob(folder)
    rights = {"java": java, "javascript": javascript, "live_parallel": live_parallel, "live_relevance": live_relevance}
    for category, right in rights.items():
        trials = read(home / f"BFCL_v3_{category}_score.json", root)
        tasks = {"java": 100, "javascript": 50, "live_parallel": 16, "live_relevance": 18}[category]
        assert total(trials) == (1, tasks, right, tasks)
        assert {x.group for x in trials} == {category} and {x.benchmark for x in trials} == {"BFCL v3"}
        assert {plain_llm(x.llm) for x in trials} == {llm}
        assert all(x.failure for x in trials if not x.passed) and all(x.tokens > 0 for x in trials)


def test_the_livecodebench_file_has_the_totals_that_were_counted_by_hand():
    root = samples("livecodebench")
    (path,) = root.rglob("*_eval_all.json")
    trials = read(path, root)
    assert total(trials) == (1, 880, 602, 880)
    assert Counter(x.group for x in trials) == {"medium": 331, "easy": 279, "hard": 270}
    assert gather(trials)[0].llm.values.tolist() == ["O1-Mini-2024-09-12"]


@pytest.mark.parametrize(
    ("run", "last", "first", "died"), [("01-10-00-00--model-a", 15, 13, 1), ("02-10-00-00--model-b", 10, 6, 0)]
)
def test_the_aider_folders_have_the_totals_that_were_counted_by_hand(run, last, first, died):
    root = samples("aider")
    paths = sorted((root / f"2025-05-{run}-diff").rglob(".aider.results.json"))
    assert total([x for path in paths for x in read(path, root)]) == (1, 18, last, 18 - died)
    assert total([x for path in paths for x in read(path, root, first_try=True)]) == (1, 18, first, 18 - died)


def test_the_agentlab_folder_holds_one_run_that_died():
    root = samples("agentlab")
    (path,) = root.rglob("summary_info.json")
    (trial,) = read(path, root)
    assert (trial.task, trial.benchmark, trial.scaffold, trial.llm) == (
        "miniwob.ascending-numbers",
        "miniwob",
        "GenericAgent",
        "",
    )
    assert (trial.state, trial.passed, trial.tokens, trial.turns, trial.date) == ("died", False, 17022, 10, "2024-08-01")
    assert trial.cost == pytest.approx(0.025914)


def test_tables_leaderboards_and_answers_among_the_samples_hold_no_trials():
    for folder, names in {
        "aider": ["polyglot_leaderboard.yml", "summary_csv/results.csv"],
        "agentlab": ["reproducibility_journal.csv"],
        "bfcl": ["score/data_non_live.csv", "result/openai_gpt-4.1/BFCL_v3_java_result.json"],
        "tau2_bench": ["leaderboard/claude-3-7-sonnet_anthropic_2024-06-20/submission.json"],
    }.items():
        for name in names:
            assert without_outcomes(samples(folder) / name, samples(folder)), name


def test_no_file_of_other_formats_is_taken_for_an_agent_benchmark():
    ours = {"tau_bench", "tau2_bench", "bfcl", "livecodebench", "aider", "agentlab"}
    root = samples("")
    for path in sorted(path for path in root.rglob("*") if path.is_file() and path.suffix != ".md"):
        seen = [one.name for one in AGENT_BENCHMARKS if one.sees(LogFile(path, root))]
        assert len(seen) == (path.relative_to(root).parts[0] in ours), (path.relative_to(root), seen)


# ---- τ-bench

RUNS = [
    {"task_id": 0, "reward": 1.0, "info": {"user_cost": 0.1}, "traj": [{"role": "assistant"}], "trial": 0},
    {"task_id": 0, "reward": 0.0, "info": {"error": "litellm.Timeout: x", "traceback": "/home/me"}, "traj": [], "trial": 1},
]


@pytest.mark.parametrize(
    ("name", "llm", "scaffold", "benchmark"),
    [
        ("tool-calling-gpt-4o-0.0_range_0-115_user-gpt-4o-llm_0816022412", "gpt-4o", "tool-calling", "tau-bench"),
        ("react-airline-m-react-1-0.7_range_5--1_user-a-b-react_0816022412", "m-react-1", "react", "tau-bench airline"),
        ("few-shot-retail-o3-1.0_range_0--1_user-gpt-4o-verify_x1", "o3", "few-shot", "tau-bench retail"),
        ("tool-calling-airline--0.0_range_0--1_user-u-llm_0816022412", "", "tool-calling", "tau-bench airline"),
        ("act-models--Qwen--Qwen3-8B-0.0_range_0--1_user-u-llm_1", "models--Qwen--Qwen3-8B", "act", "tau-bench"),
    ],
)
def test_who_ran_tau_bench_is_read_from_the_name_of_its_file(tmp_path, name, llm, scaffold, benchmark):
    trials = read(put(tmp_path / f"{name}.json", RUNS), tmp_path)
    assert {(x.llm, x.scaffold, x.benchmark, x.agent) for x in trials} == {(llm, scaffold, benchmark, "")}
    assert ("undisclosed" in notes(tmp_path / f"{name}.json", tmp_path)) == (llm == "")


def test_two_tau_bench_files_whose_names_say_nothing_are_not_one_agent(tmp_path):
    trials = [x for name in ("first.json", "second.json") for x in read(put(tmp_path / name, RUNS), tmp_path)]
    assert total(trials)[0] == 2
    assert "named by it" in notes(tmp_path / "first.json", tmp_path)


def test_a_tau_bench_file_that_does_not_say_its_domain_is_known_by_the_tools_of_its_tasks(tmp_path):
    for tool, domain in {"book_reservation": "airline", "cancel_pending_order": "retail"}.items():
        rows = [RUNS[0] | {"info": {"task": {"actions": [{"name": "think"}, {"name": tool}]}}}]
        name = "tool-calling-gpt-4o-0.0_range_0--1_user-u-llm_0816022412.json"
        assert read(put(tmp_path / name, rows), tmp_path)[0].benchmark == f"tau-bench {domain}"


def test_task_three_of_the_airline_is_not_task_three_of_the_shop(tmp_path):
    paths = [put(tmp_path / f"act-{where}-m-0.0_range_0--1_user-u-llm_1.json", RUNS) for where in ("airline", "retail")]
    outcomes, _ = gather(x for path in paths for x in read(path, tmp_path))
    assert sorted(outcomes.task.values.tolist()) == ["tau-bench airline/0", "tau-bench retail/0"]


def test_a_full_context_is_the_agents_own_fault_and_a_silent_provider_is_not(tmp_path):
    for error, state in {
        "litellm.ContextWindowExceededError: x": "own limit",
        "This model's maximum context length is 8192 tokens": "own limit",
        "prompt is too long: 205000 tokens > 200000 maximum": "own limit",
        "litellm.RateLimitError: too many tokens per minute": "died",
        "'NoneType' object has no attribute 'model_dump'": "died",
    }.items():
        path = put(
            tmp_path / "x.json", [RUNS[0] | {"reward": 0.0, "info": {"error": error, "traceback": "KeyError: '/home/me'"}}]
        )
        (trial,) = read(path, tmp_path)
        assert (trial.state, trial.passed) == (state, False), error
        assert "home" not in trial.failure and trial.failure


def test_a_row_of_tau_bench_that_is_no_run_is_named(tmp_path):
    with pytest.raises(LogError, match=r"Entry 1 of x\.json is no run"):
        read(put(tmp_path / "x.json", [RUNS[0], "nothing"]), tmp_path)


# ---- τ²-bench

INFO = {
    "num_trials": 2,
    "agent_info": {"implementation": "llm_agent", "llm": "/nethome/me/.cache/models--Qwen--Qwen3-8B/snapshots/b9/"},
    "user_info": {"llm": "openai/gpt-4o"},
    "environment_info": {"domain_name": "telecom"},
}
ONE = {"id": "s1", "task_id": "1", "trial": 0, "start_time": "2025-08-12T19:11:35", "agent_cost": 0.0, "duration": 7.5}
ONE |= {"termination_reason": "user_stop", "reward_info": {"reward": 1.0}, "messages": []}
TAU2 = {"timestamp": "2025-08-12T19:11:29.2", "info": INFO, "tasks": [{"id": "1"}, {"id": "2"}], "simulations": [ONE]}


@pytest.mark.parametrize(
    ("end", "reward", "state", "passed"),
    [
        ("user_stop", 0.0, "scored", False),
        ("agent_stop", 1.0, "scored", True),
        ("max_steps", 0.0, "own limit", False),
        ("max_steps", None, "own limit", False),
        ("too_many_errors", 0.0, "own limit", False),
        ("context_window_exceeded", None, "own limit", False),
        ("agent_error", None, "scored", False),
        ("infrastructure_error", 0.0, "died", False),
        ("user_error", None, "died", None),
        ("user_stop", None, "died", None),
    ],
)
def test_how_a_tau2_simulation_ended_says_whether_it_counts(tmp_path, end, reward, state, passed):
    row = ONE | {"termination_reason": end, "reward_info": None if reward is None else {"reward": reward}}
    trial = read(put(tmp_path / "x.json", TAU2 | {"simulations": [row]}), tmp_path)[0]
    assert (trial.state, trial.passed) == (state, passed)
    assert trial.failure == ("no reward" if end == "user_stop" and reward is None else "" if end.endswith("_stop") else end)


def test_tau2_runs_that_nobody_made_are_told_of_as_not_run_and_once(tmp_path):
    trials = read(put(tmp_path / "x.json", TAU2), tmp_path) + read(put(tmp_path / "copy" / "x.json", TAU2), tmp_path)
    outcomes, tally = gather(trials)
    assert tally.states["not run"] == 3 and tally.counted == 1 and tally.duplicates == 4
    assert outcomes.llm.values.tolist() == ["Qwen3-8B"] and outcomes.trials.values.tolist() == [[1]]
    assert "played by gpt-4o" in notes(tmp_path / "x.json", tmp_path)


def test_a_tau2_file_without_simulations_has_no_outcomes_but_says_what_was_meant(tmp_path):
    trials = read(put(tmp_path / "x.json", TAU2 | {"simulations": []}), tmp_path)
    assert [x.state for x in trials] == ["not run"] * 4


def test_a_tau2_folder_tells_each_simulation_once_and_knows_what_is_missing(tmp_path):
    results = put(tmp_path / "run" / "results.json", {name: TAU2[name] for name in ("timestamp", "info", "tasks")})
    parts = [put(tmp_path / "run" / "simulations" / f"s{i}.json", ONE | {"id": f"s{i}"}) for i in (1, 2)]
    (tmp_path / "run" / "simulations" / "broken.json").write_text("{")
    assert [(x.task, x.passed) for part in parts for x in read(part, tmp_path)] == [("1", True), ("1", True)]
    assert [(x.task, x.state) for x in read(results, tmp_path)] == [("2", "not run"), ("2", "not run")]
    index = [{"id": "s1", "task_id": "2", "trial": 0, "reward": 0.0}]
    put(results, {name: TAU2[name] for name in ("timestamp", "info", "tasks")} | {"simulation_index": index})
    assert [x.task for x in read(results, tmp_path)] == ["1", "1", "2"]


def test_a_simulation_without_its_results_file_is_refused_with_what_to_give(tmp_path):
    path = put(tmp_path / "simulations" / "s1.json", ONE)
    with pytest.raises(LogError, match="give that folder"):
        read(path, tmp_path)


def test_a_billion_trials_that_a_file_asks_for_are_refused(tmp_path):
    with pytest.raises(LogError, match=r"set info\.num_trials right"):
        read(put(tmp_path / "x.json", TAU2 | {"info": INFO | {"num_trials": 10**9}}), tmp_path)


# ---- BFCL

SCORE = [
    {"accuracy": 0.5, "correct_count": 2, "total_count": 4},
    {"id": "java_1", "valid": False, "error_type": "type_error:simple"},
    {"id": "java_2", "valid": False, "error": {"error_message": [], "error_type": "multi_turn:force_terminated"}},
]
ANSWER = {"result": "f()", "input_token_count": [[5], [6]], "output_token_count": 0, "latency": 1.5}
ANSWERS = [{"id": f"java_{i}"} | ANSWER for i in range(4)]


def test_what_bfcl_does_not_list_as_failed_was_passed_if_the_answers_name_it(tmp_path):
    score = put(tmp_path / "score" / "m" / "BFCL_v3_java_score.json", *SCORE)
    with pytest.raises(LogError, match="names only what failed"):
        read(score, tmp_path)
    put(tmp_path / "result" / "m" / "BFCL_v3_java_result.json", *ANSWERS)
    trials = read(score, tmp_path)
    assert [(x.task, x.passed) for x in trials] == [("java_0", True), ("java_1", False), ("java_2", False), ("java_3", True)]
    assert [x.failure for x in trials[1:3]] == ["type_error:simple", "multi_turn:force_terminated"]
    assert {(x.tokens, x.duration, x.benchmark) for x in trials} == {(11, 1.5, "BFCL v3")}


def test_the_answers_of_a_newer_bfcl_lie_deeper_and_those_outside_the_folder_are_not_read(tmp_path):
    score = put(tmp_path / "score" / "m" / "agentic" / "memory" / "kv" / "BFCL_v4_memory_kv_score.json", *SCORE)
    prereq = {"id": "memory_kv_prereq_0", "result": "f()"}
    put(tmp_path / "result" / "m" / "agentic" / "memory" / "kv" / "BFCL_v4_memory_kv_result.json", *ANSWERS, prereq)
    trials = read(score, tmp_path)
    assert [x.task for x in trials] == [row["id"] for row in ANSWERS]
    assert {(x.llm, x.group, x.benchmark) for x in trials} == {("m", "memory_kv", "BFCL v4")}
    with pytest.raises(LogError, match="both score and result"):
        read(score, tmp_path / "score")


def test_a_bfcl_score_without_failures_is_one_line_and_all_are_passed(tmp_path):
    put(tmp_path / "result" / "m" / "BFCL_v3_java_result.json", *ANSWERS)
    score = put(tmp_path / "score" / "m" / "BFCL_v3_java_score.json", {"accuracy": 1.0, "correct_count": 4, "total_count": 4})
    assert all(x.passed for x in read(score, tmp_path))


def test_an_answer_of_bfcl_that_is_an_error_died_even_where_the_score_counts_it_as_right(tmp_path):
    answers = [*ANSWERS[:3], {"id": "java_3", "result": "Error during inference: APITimeoutError at /home/me"}]
    put(tmp_path / "result" / "m" / "BFCL_v3_java_result.json", *answers)
    trial = read(put(tmp_path / "score" / "m" / "BFCL_v3_java_score.json", *SCORE), tmp_path)[-1]
    assert (trial.task, trial.state, trial.passed, trial.failure) == ("java_3", "died", True, "APITimeoutError")


def test_answers_of_bfcl_that_were_not_scored_make_no_passes(tmp_path):
    score = put(tmp_path / "score" / "m" / "BFCL_v3_java_score.json", *SCORE)
    put(tmp_path / "result" / "m" / "BFCL_v3_java_result.json", *ANSWERS, {"id": "java_4", "result": "f()"})
    with pytest.raises(LogError, match="score all of them again"):
        read(score, tmp_path)
    put(tmp_path / "result" / "m" / "BFCL_v3_java_result.json", *ANSWERS[:2])
    assert [(x.task, x.passed) for x in read(score, tmp_path)] == [("java_0", True), ("java_1", False), ("java_2", False)]
    assert "tasks without an answer are left out" in notes(score, tmp_path)


# ---- LiveCodeBench

PROBLEM = {"question_id": "1873_A", "platform": "codeforces", "difficulty": "easy", "graded_list": [True, False], "pass@1": 0.5}
PROBLEM |= {"metadata": ["{}", '{"error": "x", "error_code": -2, "error_message": "Wrong Answer"}'], "code_list": ["", ""]}


def test_attempts_at_a_problem_of_livecodebench_are_repeats(tmp_path):
    path = put(tmp_path / "m" / "Scenario.codegeneration_2_0.2_eval_all.json", [PROBLEM])
    trials = read(path, tmp_path)
    assert [(x.task, x.passed, x.failure) for x in trials] == [
        ("codeforces/1873_A", True, ""),
        ("codeforces/1873_A", False, "Wrong Answer"),
    ]
    assert total(trials) == (1, 1, 1, 2) and "folder's name" in notes(path, tmp_path)


def test_tests_of_one_problem_of_livecodebench_are_tasks_of_their_own_and_scenarios_are_benchmarks(tmp_path):
    rows = [PROBLEM | {"test_id": i, "graded_list": [True]} for i in (0, 1)]
    trials = read(put(tmp_path / "m" / "Scenario.testoutputprediction_1_0.2_eval_all.json", rows), tmp_path)
    assert [x.task for x in trials] == ["codeforces/1873_A/0", "codeforces/1873_A/1"]
    assert {x.benchmark for x in trials} == {"LiveCodeBench testoutputprediction"}


def test_a_grader_that_broke_and_a_problem_without_attempts_do_not_count(tmp_path):
    broken = ['{"error": "x", "error_code": -5, "error_message": "TestRunnerError"}']
    rows = [PROBLEM | {"graded_list": [False], "metadata": broken}, PROBLEM | {"question_id": "b", "graded_list": []}]
    trials = read(put(tmp_path / "m" / "x_eval_all.json", rows), tmp_path)
    assert [(x.state, x.passed) for x in trials] == [("died", False), ("not run", None)]


def test_what_lies_beside_the_verdicts_of_livecodebench_holds_no_outcomes(tmp_path):
    answers = {name: value for name, value in PROBLEM.items() if name not in ("graded_list", "pass@1", "metadata")}
    assert without_outcomes(put(tmp_path / "Scenario.codegeneration_2_0.2.json", [answers]), tmp_path)
    assert without_outcomes(
        put(tmp_path / "Scenario.codegeneration_2_0.2_eval.json", [{"pass@1": 0.5, "detail": {}}, {}]), tmp_path
    )


# ---- Aider

EXERCISE = {"testcase": "forth", "model": "x/m", "edit_format": "diff", "tests_outcomes": [False, True], "cost": 0.0}
EXERCISE |= {"prompt_tokens": 5, "completion_tokens": 2, "duration": 3.5}
EXERCISE |= {"testdir": "/b/2025-05-01-10-00-00--m/rust/exercises/practice/forth"}
PLACE = "2025-05-01-10-00-00--m/rust/exercises/practice/forth/.aider.results.json"


def test_a_second_try_of_aider_is_no_second_trial(tmp_path):
    path = put(tmp_path / PLACE, EXERCISE)
    (last,), (first,) = read(path, tmp_path), read(path, tmp_path, first_try=True)
    assert (last.passed, first.passed, last.tokens, last.scaffold, last.date) == (True, False, 7, "Aider diff", "2025-05-01")
    assert "first_try=True" in notes(path, tmp_path)


def test_an_exercise_of_aider_that_was_moved_is_still_the_same_trial(tmp_path):
    paths = [put(tmp_path / PLACE, EXERCISE), put(tmp_path / "pass-at-2" / "forth" / ".aider.results.json", EXERCISE)]
    trials = [x for path in paths for x in read(path, tmp_path)]
    assert {x.task for x in trials} == {"rust/forth"} and total(trials) == (1, 1, 1, 1)


def test_one_exercise_in_two_languages_is_two_tasks_and_an_old_one_has_no_language(tmp_path):
    own = {name: value for name, value in EXERCISE.items() if name != "testdir"}
    trials = [read(put(tmp_path / PLACE.replace("rust", where), own), tmp_path)[0] for where in ("rust", "go")]
    assert [x.task for x in trials] == ["rust/forth", "go/forth"]
    (old,) = read(put(tmp_path / "2024-05-01-10-00-00--m" / "forth" / ".aider.results.json", own), tmp_path)
    assert (old.task, old.benchmark, old.group) == ("forth", "Aider", "")


def test_aider_with_more_effort_is_another_agent(tmp_path):
    for more, scaffold in {
        ("reasoning_effort", "high"): "Aider diff (high effort)",
        ("thinking_tokens", 32000): "Aider diff (32000 thinking tokens)",
    }.items():
        assert read(put(tmp_path / PLACE, EXERCISE | dict([more])), tmp_path)[0].scaffold == scaffold


def test_an_exercise_of_aider_that_died_has_the_agent_of_its_neighbours(tmp_path):
    put(tmp_path / PLACE, EXERCISE)
    (dead,) = read(
        put(tmp_path / PLACE.replace("forth", "grep"), {"exception": "litellm.APIConnectionError: /home/me"}), tmp_path
    )
    assert (dead.task, dead.llm, dead.state, dead.passed, dead.failure) == (
        "rust/grep",
        "x/m",
        "died",
        None,
        "APIConnectionError",
    )
    (alone,) = read(put(tmp_path / "b" / PLACE, {"exception": "x"}), tmp_path)
    assert (alone.llm, alone.scaffold, alone.failure) == ("", "Aider", "error")


def test_aider_with_a_full_context_and_no_pass_used_up_its_own(tmp_path):
    full = EXERCISE | {"num_exhausted_context_windows": 1, "tests_outcomes": [False, False]}
    assert read(put(tmp_path / PLACE, full), tmp_path)[0].state == "own limit"
    assert read(put(tmp_path / PLACE, EXERCISE | {"num_exhausted_context_windows": 1}), tmp_path)[0].state == "scored"
    assert read(put(tmp_path / PLACE, EXERCISE | {"tests_outcomes": []}), tmp_path)[0].failure == "no tests"


# ---- AgentLab

RUN = {
    "n_steps": 4,
    "cum_reward": 0.0,
    "err_msg": None,
    "stack_trace": None,
    "terminated": True,
    "truncated": False,
    "stats.cum_cost": 0.0,
}
WHERE = "2024-08-01_10-20-52_{}_on_{}/summary_info.json"


@pytest.mark.parametrize(
    ("agent", "task", "scaffold", "llm", "name"),
    [
        ("GenericAgent-gpt-4o", "miniwob.click-button_64_e6d2d5", "GenericAgent", "gpt-4o", "miniwob.click-button"),
        ("GenericAgent", "workarena.servicenow.sort-list_0", "GenericAgent", "", "workarena.servicenow.sort-list"),
        ("My_on_Agent-x", "webarena.310_None_1", "My_on_Agent", "x", "webarena.310"),
        ("GenericAgent-m_large", "miniwob.a_b_7", "GenericAgent", "m_large", "miniwob.a_b"),
    ],
)
def test_agent_and_task_of_agentlab_are_read_from_the_folders_name(tmp_path, agent, task, scaffold, llm, name):
    (trial,) = read(put(tmp_path / WHERE.format(agent, task), RUN), tmp_path)
    assert (trial.scaffold, trial.llm, trial.task, trial.benchmark) == (scaffold, llm, name, name.split(".")[0])


def test_other_seeds_of_agentlab_are_repeats_and_runs_that_were_made_again_are_left_out(tmp_path):
    names = ["miniwob.a_1_e6d2d5", "miniwob.a_2_e6d2d6"]
    trials = [x for name in names for x in read(put(tmp_path / WHERE.format("GenericAgent", name), RUN), tmp_path)]
    assert total(trials) == (1, 1, 0, 2)
    assert read(put(tmp_path / ("_" + WHERE.format("GenericAgent", names[0])), RUN), tmp_path) == []
    with pytest.raises(LogError, match="DATE_AGENT_on_TASK_SEED_HASH"):
        read(put(tmp_path / "odd" / "summary_info.json", RUN), tmp_path)


@pytest.mark.parametrize(
    ("change", "state", "passed"),
    [
        ({}, "scored", False),
        ({"cum_reward": 1.0}, "scored", True),
        ({"cum_reward": -1.0}, "scored", False),
        ({"truncated": True}, "own limit", False),
        ({"err_msg": "x.\nTimeoutError:\n"}, "died", False),
        ({"err_msg": "openai: maximum context length"}, "own limit", False),
        ({"err_msg": "late", "cum_reward": 1.0}, "scored", True),
        ({"cum_reward": None}, "died", None),
    ],
)
def test_an_error_of_agentlab_died_unless_it_was_rewarded_all_the_same(tmp_path, change, state, passed):
    (trial,) = read(put(tmp_path / WHERE.format("GenericAgent", "miniwob.a_1"), RUN | change), tmp_path)
    assert (trial.state, trial.passed) == (state, passed)


# ---- ToolSandbox, and what is none

SCENARIOS = {"per_scenario_results": [{"name": "a", "similarity": 0.6, "exception_type": None, "turn_count": 9}]}
SCENARIOS["per_scenario_results"].append({"name": "b", "similarity": 0, "exception_type": "APITimeoutError", "turn_count": 30})


def test_a_similarity_of_toolsandbox_is_a_share_and_an_exception_is_no_failure(tmp_path):
    path = put(tmp_path / "agent_gpt_4_user_gpt_4o_06_05_2024_12_55_46" / "result_summary.json", SCENARIOS)
    a, b = read(path, tmp_path)
    assert (a.passed, a.share, a.llm, a.date, a.turns) == (False, 0.6, "gpt_4", "2024-06-05", 9)
    assert (b.state, b.failure) == ("died", "APITimeoutError")
    assert read(path, tmp_path, threshold=0.5)[0].passed is True
    assert "played by gpt_4o" in notes(path, tmp_path) and "a pass from 1 on" in notes(path, tmp_path)
    assert read(put(tmp_path / "elsewhere" / "result_summary.json", SCENARIOS), tmp_path)[0].agent == "elsewhere"


@pytest.mark.parametrize("name", ["exp_args.pkl", "lb.pickle", "step_0.pkl.gz", "leaderboard.bundle"])
def test_pickles_and_bundles_are_refused_by_name_and_never_opened(tmp_path, name):
    (tmp_path / name).write_bytes(b"\x80\x04cos\nsystem\n")
    assert without_outcomes(tmp_path / name, tmp_path)


@pytest.mark.parametrize("data", [[], {}, [[]], [1], {"simulations": 3}, {"results": {}}, "", [{}], {"exception": "x"}])
def test_other_json_is_nobodys(tmp_path, data):
    path = put(tmp_path / "x.json", data)
    assert [one.name for one in AGENT_BENCHMARKS if one.sees(LogFile(path, tmp_path))] == []


# ---- broken files

WHOLE = {
    "tau-bench": (TAU.format("m", 1), [RUNS]),
    "tau2": ("x.json", [TAU2]),
    "tau2-simulation": ("run/simulations/s1.json", [ONE]),
    "bfcl": ("score/m/BFCL_v3_java_score.json", SCORE),
    "livecodebench": ("m/Scenario.codegeneration_2_0.2_eval_all.json", [[PROBLEM]]),
    "aider": (PLACE, [EXERCISE]),
    "agentlab": (WHERE.format("GenericAgent-m", "miniwob.a_1_e6d2d5"), [RUN]),
    "toolsandbox": ("agent_gpt_4_user_gpt_4o_06_05_2024_12_55_46/result_summary.json", [SCENARIOS]),
}


@pytest.mark.parametrize("name", WHOLE)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_spoiled_file_is_read_or_refused_in_words(tmp_path, name, data):
    where, rows = WHOLE[name]
    put(tmp_path / "run" / "results.json", data.draw(spoiled(TAU2)) if name == "tau2-simulation" else TAU2)
    put(tmp_path / "result" / "m" / "BFCL_v3_java_result.json", *(data.draw(spoiled(ANSWERS)) if name == "bfcl" else ANSWERS))
    path = put(tmp_path / where, *data.draw(spoiled(rows)) or [None])
    read_or_refused(path, tmp_path, AGENT_BENCHMARKS)


def test_each_whole_file_is_seen_by_its_own_format_alone(tmp_path):
    for name, (where, rows) in WHOLE.items():
        assert sees(put(tmp_path / where, *rows), tmp_path) == name


@pytest.mark.parametrize("deep", ["[" * 5000, '{"a": ' * 5000, "[[" + "[" * 800 + "]" * 802])
def test_deep_nesting_is_refused_or_read_and_does_not_overflow(tmp_path, deep):
    (tmp_path / "x_score.json").write_text(deep)
    read_or_refused(tmp_path / "x_score.json", tmp_path, AGENT_BENCHMARKS)
    put(tmp_path / "score" / "m" / "BFCL_v3_java_score.json", *SCORE)
    nested = '{"id": "java_0", "result": "", "latency": ' + "[" * 800 + "1.5" + "]" * 800 + "}\n"
    (tmp_path / "result" / "m").mkdir(parents=True, exist_ok=True)
    (tmp_path / "result" / "m" / "BFCL_v3_java_result.json").write_text(nested)
    assert read(tmp_path / "score" / "m" / "BFCL_v3_java_score.json", tmp_path)[0].duration == 1.5
