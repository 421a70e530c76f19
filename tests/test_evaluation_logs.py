"""Readers of Every Eval Ever, HELM, the LM evaluation harness, METR's runs and py-irt: totals of real and made-up files,
their traps, and whatever may stand in a file."""

import json
import math
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from log_files import format_of, read_or_refused, samples, spoiled, trials_in

from agentirt_nb.data.evaluation_logs import EVALUATIONS
from agentirt_nb.data.log_files import Choices, LogError, LogFile
from agentirt_nb.data.trials import Trial, gather

EEE = "data/toy/acme/strong-1"
PHILOSOPHY = "benchmark_output/runs/v1/mmlu-subject=philosophy,method=multiple_choice_joint,model=openai_gpt2"
X, REPO = (
    "outputs/acme__model-x/samples_math_perturbed_full_2026-02-01T10-00-00.000001.jsonl",
    "outputs/repo_sample/samples_math_perturbed_full_2026-01-21T03-44-18.458309.jsonl",
)
GOLDEN = [  # folder, files, choices, trials, passed, tasks, died, sum of shares
    ("every_eval_ever", "converted_by_package/data/**/*_samples.jsonl", {}, 10, 0, 10, 0, 0.0),
    ("every_eval_ever", "generated/data/demo-agentic/acme/strong-1/*_samples.jsonl", {}, 13, 10, 12, 1, 11.0),
    ("every_eval_ever", "generated/data/demo-agentic/acme/weak-2/*_samples.jsonl", {}, 13, 2, 12, 1, 4.5),
    ("every_eval_ever", "generated/data/demo-qa/acme/strong-1/*_samples.jsonl", {}, 16, 13, 15, 1, 13.5),
    ("every_eval_ever", "generated/data/demo-qa/other/mid-3/*_samples.jsonl", {}, 16, 7, 15, 1, 8.0),
    ("every_eval_ever", "repo_skill_reference_conversion/data/**/*_samples.jsonl", {}, 1, 1, 1, 0, 1.0),
    ("helm", f"{PHILOSOPHY}/per_instance_stats.json", {}, 10, 1, 10, 0, 1.0),
    ("lm_eval", X, {}, 9, 4, 9, 0, 4.0),
    ("lm_eval", X, dict(metric="flexible-extract"), 9, 5, 9, 0, 5.0),
    ("lm_eval", X, dict(metric="exact_match,flexible-extract"), 9, 5, 9, 0, 5.0),
    ("lm_eval", REPO, {}, 10, 0, 10, 0, 0.0),
    ("metr", "**/runs.jsonl", {}, 213, 114, 18, 0, 114.693664),
    ("py_irt", "counts.jsonlines", {}, 12, 2, 6, 0, 4.5),
    ("py_irt", "minitest.jsonlines", {}, 16, 8, 4, 0, 8.0),
    ("py_irt", "with_missing.jsonlines", {}, 17, 12, 6, 0, 12.0),
]


@pytest.mark.parametrize("folder, files, choices, n, passed, tasks, died, shares", GOLDEN)
def test_totals_are_those_counted_by_hand(folder, files, choices, n, passed, tasks, died, shares):
    root = samples(folder)
    (path,) = root.glob(files)
    trials = trials_in(path, root, EVALUATIONS, **choices)
    assert len(trials) == n and sum(trial.passed is True for trial in trials) == passed
    assert len({trial.task for trial in trials}) == tasks and sum(trial.state == "died" for trial in trials) == died
    total = sum(float(trial.passed is True) if math.isnan(trial.share) else trial.share for trial in trials)
    assert total == pytest.approx(shares, abs=1e-6)


@pytest.mark.parametrize(
    "folder, agents, tasks, successes, trials",
    [
        ("every_eval_ever/generated", [f"{name} in demo-scaffold" for name in ("strong-1", "weak-2", "mid-3")], 27, 32, 54),
        ("helm", ["gpt2"], 10, 1, 10),
        ("metr", ["Model A (Inspect)", "Model B (Inspect)", "Model C"], 18, 114, 213),
        ("py_irt", ["s1", "s2", "pedro", "pinguino", "ken", "burt", "s3"], 6, 22, 45),
    ],
)
def test_a_folder_gathers_to_outcomes(folder, agents, tasks, successes, trials):
    root = samples(folder)
    found: list[Trial] = []
    for path in sorted(root.rglob("*.json*")):
        one = [one for one in EVALUATIONS if one.sees(LogFile(path, root))]
        found += [trial for fmt in one if not fmt.no_outcomes for trial in fmt.read(LogFile(path, root), Choices())]
    outcomes, tally = gather(found)
    assert sorted(outcomes.agent.values.tolist()) == sorted(agents) and outcomes.sizes["task"] == tasks
    assert (int(outcomes.successes.sum()), int(outcomes.trials.sum())) == (successes, trials)
    assert tally.counted == trials


def test_files_without_outcomes_are_known_and_say_where_the_outcomes_are():
    kinds = Counter()
    for folder in ("every_eval_ever", "helm", "lm_eval"):
        for path in samples(folder).rglob("*.json*"):
            if "schemas" not in path.parts and (one := format_of(path, samples(folder), EVALUATIONS)).no_outcomes:
                kinds[one.name] += 1
                assert "outcomes" in one.no_outcomes or "samples" in one.no_outcomes
    assert kinds == {"every-eval-ever-total": 5, "helm-part": 4, "lm-eval-results": 2}


def test_schemas_are_no_logs():
    for path in samples("every_eval_ever/schemas").iterdir():
        assert not [one.name for one in EVALUATIONS if one.sees(LogFile(path, path.parent))]


def test_facts_of_metrs_sample_are_carried():
    root = samples("metr")
    (path,) = root.rglob("runs.jsonl")
    trials = trials_in(path, root, EVALUATIONS)
    assert sum(trial.failure != "" for trial in trials) == 8 and {trial.state for trial in trials} == {"scored"}
    assert Counter(Counter((trial.agent, trial.task) for trial in trials).values()) == {4: 53, 1: 1}
    assert len({trial.key for trial in trials}) == 213 and all(trial.human_minutes > 0 for trial in trials)
    outcomes, _ = gather(trials)
    assert "human_minutes" in outcomes.coords and set(outcomes.group.values) == {trial.group for trial in trials}


def put(folder: Path, name: str, *rows: Any, lines: bool = True) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(json.dumps(row) for row in rows) if lines else json.dumps(rows[0]))
    return path


def read(path: Path, **choices: Any) -> tuple[list[Trial], list[str]]:
    "The trials of a file, and what its reader notes."
    file = LogFile(path, path.parent)
    return list(format_of(path, path.parent, EVALUATIONS).read(file, Choices(**choices))), list(file.notes)


def eee(sample: str, correct: Any = True, **more: Any) -> dict[str, Any]:
    row = dict(schema_version="0.3.0", evaluation_id="toy/acme_m/1760000000", model_id="acme/m", evaluation_name="toy")
    return row | dict(sample_id=sample, evaluation=dict(score=float(bool(correct)), is_correct=correct)) | more


def test_every_eval_ever_an_error_is_no_failure(tmp_path):
    path = put(
        tmp_path, "a_samples.jsonl", eee("1", False), eee("2", False, error="RateLimitError: /data/somebody/run.py said no")
    )
    trials, _ = read(path)
    assert [(t.state, t.passed, t.failure) for t in trials] == [("scored", False, ""), ("died", None, "RateLimitError")]


def test_every_eval_ever_identical_lines_are_one_and_others_are_repeats(tmp_path):
    trials, _ = read(put(tmp_path, "a_samples.jsonl", eee("1"), eee("1"), eee("1", metadata=dict(run="1"))))
    outcomes, tally = gather(trials)
    assert (int(outcomes.trials.sum()), tally.duplicates) == (2, 1)


def test_every_eval_ever_lines_of_several_scores_are_one_trial(tmp_path):
    rows = [eee("1", True, evaluation_result_id=name) for name in ("exact:test", "quasi:test", "exact:test:typos")]
    rows += [eee("2", False, evaluation_result_id=name) for name in ("exact:valid", "quasi:valid")]
    trials, notes = read(put(tmp_path, "a_samples.jsonl", *rows))
    assert [(t.task, t.passed) for t in trials] == [("1", True), ("2", False)]
    assert any("'exact:test' counts, not 'quasi:test'" in note for note in notes) and any(
        "altered conditions" in n for n in notes
    )
    assert len(read(put(tmp_path, "a_samples.jsonl", *rows), metric="quasi")[0]) == 2
    with pytest.raises(LogError, match="no score 'f1'"):
        read(put(tmp_path, "a_samples.jsonl", *rows), metric="f1")


def test_every_eval_ever_filters_of_a_converted_run_are_no_trials(tmp_path):
    both = [
        eee(
            "0",
            how == "loose",
            evaluation_name=f"sums/{how}",
            evaluation_result_id=f"exact_match:{how}",
            metadata=dict(filter=how),
        )
        for how in ("strict", "loose")
    ]
    trials, _ = read(put(tmp_path, "a_samples.jsonl", *both))
    assert [(t.benchmark, t.task, t.passed) for t in trials] == [("sums", "0", False)]
    assert [t.passed for t in read(put(tmp_path, "a_samples.jsonl", *both), metric="loose")[0]] == [True]


WRITTEN = Path(__file__).parent / "data" / "every_eval_ever"


@pytest.mark.parametrize("metric, passed", [("", 1), ("flexible-extract", 3), ("f1", 0)])
def test_every_eval_ever_what_its_own_converter_writes_is_read(metric, passed):
    trials, _ = read(WRITTEN / "converted_samples.jsonl", metric=metric)  # 12 lines of 3 answers
    assert len(trials) == 3 and sum(t.passed is True for t in trials) == passed
    assert {(t.benchmark, t.llm, t.date) for t in trials} == {("sums", "lab/m1", "2026-01-01")}


def test_every_eval_ever_what_its_own_types_write_is_read():
    (first, second, third), _ = read(WRITTEN / "agentic_samples.jsonl")
    assert (first.tokens, first.duration, first.turns, first.scaffold, first.group) == (120, 1.5, 4, "shell", "sums")
    assert (second.passed, second.share, third.state, third.failure) == (False, 0.5, "died", "APIError")


@pytest.mark.parametrize(
    "score, correct, share", [(1.0, True, None), (0, False, None), (0.0, True, 0.0), (1.0, False, 1.0), (0.25, True, 0.25)]
)
def test_every_eval_ever_a_score_that_repeats_the_verdict_is_no_share(tmp_path, score, correct, share):
    (trial,), _ = read(put(tmp_path, "a_samples.jsonl", eee("1", evaluation=dict(score=score, is_correct=correct))))
    assert trial.passed is correct and (math.isnan(trial.share) if share is None else trial.share == share)


OURS = dict(cost="0.25", tokens="1e+16", duration="3", turns="7.0", human_minutes="0.1", organisation="lab", failure="timeout")


def test_every_eval_ever_our_own_exports_say_more_in_metadata_and_others_do_not(tmp_path):
    rows = [eee("1", metadata=OURS | dict(agent_label="m in bash")), eee("2", metadata=OURS)]
    (own, other), _ = read(put(tmp_path, "a_samples.jsonl", *rows))
    assert (own.agent, own.cost, own.tokens, own.duration, own.turns) == ("m in bash", 0.25, 1e16, 3, 7)
    assert (own.human_minutes, own.organisation, own.failure) == (0.1, "lab", "timeout")
    assert (other.agent, other.organisation, other.failure) == ("", "", "") and math.isnan(other.cost)


@pytest.mark.parametrize(
    "value", ["many", "", "-1", "nan", "inf", "1e999", "1_0", "١", "9" * 5000, 7, None, [], {}, "1.2.3", "0x1"]
)
def test_every_eval_ever_what_is_no_number_as_text_is_unknown(tmp_path, value):
    (trial,), _ = read(put(tmp_path, "a_samples.jsonl", eee("1", metadata=dict(agent_label="m", cost=value, turns=value))))
    assert math.isnan(trial.cost) and math.isnan(trial.turns) and trial.agent == "m"


def test_every_eval_ever_scores_of_different_samples_all_count(tmp_path):
    rows = [eee(str(i), evaluation_result_id=f"subject {i}") for i in range(4)]
    trials, notes = read(put(tmp_path, "a_samples.jsonl", *rows))
    assert len(trials) == 4 and not [note for note in notes if "scores" in note]


def test_every_eval_ever_the_total_beside_knows_when_it_ran(tmp_path):
    path = put(tmp_path, "a_samples.jsonl", eee("1"))
    (fetched,), notes = read(path)
    assert fetched.date == "2025-10-09" and any("when the results were fetched" in note for note in notes)
    total = dict(
        evaluation_results=[], model_info=dict(additional_details=dict(agent="shell")), evaluation_timestamp="1735689600"
    )
    put(tmp_path, "a.json", total, lines=False)
    (ran,), notes = read(path)
    assert (ran.date, ran.scaffold, notes) == ("2025-01-01", "shell", [])


def test_every_eval_ever_other_hashes_of_a_sample_are_told(tmp_path):
    _, notes = read(put(tmp_path, "a_samples.jsonl", eee("1", sample_hash="x"), eee("1", sample_hash="y")))
    assert any("sample_hash" in note for note in notes)


def stat(name: str, mean: Any, **more: Any) -> dict[str, Any]:
    return dict(name=dict(name=name, split="test") | more, count=int(mean is not None), sum=mean or 0, mean=mean)


def question(name: str, *stats: dict[str, Any], **more: Any) -> dict[str, Any]:
    return dict(instance_id=name, train_trial_index=0, stats=[stat("num_prompt_tokens", 9), *stats]) | more


def test_helm_perturbations_are_no_trials_and_train_trials_are_repeats(tmp_path):
    rows = [question("id1", stat("exact_match", float(i == 1)), train_trial_index=i) for i in range(2)]
    rows += [question("id1", stat("exact_match", 0.0), perturbation=dict(name="dialect"))]
    path = put(tmp_path, "toy-subject=trees,model=acme_m/per_instance_stats.json", rows, lines=False)
    trials, notes = read(path)
    outcomes, _ = gather(trials)
    assert (int(outcomes.successes.sum()), int(outcomes.trials.sum())) == (1, 2)
    assert any("perturbation" in note for note in notes)
    assert outcomes.task.values.tolist() == ["toy:subject=trees/id1"] and outcomes.llm.values.tolist() == ["m"]


def test_helm_scores_under_a_perturbation_do_not_pass_for_the_plain_ones(tmp_path):
    rows = [question("id1", stat("exact_match", 1.0, perturbation=dict(name="robustness")), stat("exact_match", 0.0))]
    assert [t.passed for t in read(put(tmp_path, "per_instance_stats.json", rows, lines=False))[0]] == [False]


def test_helm_the_score_of_the_scenario_counts_before_exact_matches(tmp_path):
    rows = [question("id1", stat("exact_match", 0.0), stat("final_number_exact_match", 1.0))]
    trials, notes = read(put(tmp_path, "per_instance_stats.json", rows, lines=False))
    assert trials[0].passed and any("'final_number_exact_match' counts, not 'exact_match'" in note for note in notes)
    assert not read(put(tmp_path, "per_instance_stats.json", rows, lines=False), metric="exact_match")[0][0].passed


def test_helm_a_question_without_a_score_is_no_failure(tmp_path):
    rows = [question("id1", stat("exact_match", 1.0)), question("id2", stat("exact_match", None)), question("id3")]
    trials, _ = read(put(tmp_path, "per_instance_stats.json", rows, lines=False))
    assert [(t.state, t.passed) for t in trials] == [("scored", True), ("died", None), ("died", None)]


def test_helm_a_score_that_is_none_from_0_to_1_is_refused(tmp_path):
    rows = [question("id1", stat("quality", 1.0)), question("id2", stat("quality", 7.0))]
    path = put(tmp_path, "per_instance_stats.json", rows, lines=False)
    with pytest.raises(LogError, match=r"no score that a pass can be told by.*quality"):
        read(path)
    with pytest.raises(LogError, match="entry 2 has a score 'quality' that is no number from 0 to 1"):
        read(path, metric="quality")


def test_helm_a_copied_run_counts_once(tmp_path):
    rows = [question("id1", stat("exact_match", 1.0))]
    spec = dict(name="toy:model=acme_m", scenario_spec=dict(args={}), adapter_spec=dict(model="acme/m"))
    trials = []
    for suite in ("v1", "v2"):
        put(tmp_path, f"{suite}/toy-model=acme_m/run_spec.json", spec, lines=False)
        trials += read(put(tmp_path, f"{suite}/toy-model=acme_m/per_instance_stats.json", rows, lines=False))[0]
    assert gather(trials)[1].duplicates == 1


def document(number: Any, right: Any, how: str = "none", metric: str = "exact_match", **more: Any) -> dict[str, Any]:
    row = dict(doc_id=number, resps=[["7"]], filtered_resps=["7"], filter=how, metrics=[metric], doc=dict(x=1), target="7")
    return row | {metric: right} | more


TIME = "2026-02-01T10-00-00.5"


def test_lm_eval_filters_are_no_trials(tmp_path):
    rows = [document(i, float(how == "loose"), how) for how in ("strict", "loose") for i in range(3)]
    path = put(tmp_path, f"acme__m/samples_sums_{TIME}.jsonl", *rows)
    for choices, passed in [
        ({}, 0),
        (dict(metric="loose"), 3),
        (dict(metric="exact_match,loose"), 3),
        (dict(metric="exact_match"), 0),
    ]:
        trials, notes = read(path, **choices)
        assert (len(trials), sum(t.passed is True for t in trials)) == (3, passed)
        assert any("Several scores of one answer" in note for note in notes)
    with pytest.raises(LogError, match="no score 'f1'; give one of exact_match,strict, exact_match,loose"):
        read(path, metric="f1")


def test_lm_eval_a_single_score_counts_whatever_is_asked_for_and_says_so(tmp_path):
    trials, notes = read(put(tmp_path, f"acme__m/samples_sums_{TIME}.jsonl", document(0, 1.0)), metric="loose")
    assert trials[0].passed and any("where 'loose' was asked for" in note for note in notes)


def test_lm_eval_the_model_is_in_the_results_or_the_folder(tmp_path):
    path = put(tmp_path, f"acme__m/samples_sums_{TIME}.jsonl", document(0, True))
    trials, notes = read(path)
    assert trials[0].llm == "acme/m" and any("called by its folder" in note for note in notes)
    for results in (
        dict(model_name="lab/n"),
        dict(config=dict(model_args="pretrained=lab/n,dtype=float")),
        dict(config=dict(model_args=dict(pretrained="lab/n"))),
    ):
        put(tmp_path, f"acme__m/results_{TIME}.json", results, lines=False)
        trials, notes = read(path)
        assert trials[0].llm == "lab/n" and not any("folder" in note for note in notes)


def test_lm_eval_what_has_no_line_was_not_run(tmp_path):
    path = put(tmp_path, f"acme__m/samples_sums_{TIME}.jsonl", document(0, 1.0))
    put(tmp_path, f"acme__m/results_{TIME}.json", {"model_name": "m", "n-samples": {"sums": {"effective": 9}}}, lines=False)
    trials, notes = read(path)
    assert len(trials) == 1 and any("what has no line was not run" in note for note in notes)


def test_lm_eval_subtasks_belong_to_their_group(tmp_path):
    path = put(tmp_path, f"acme__m/samples_mmlu_law_{TIME}.jsonl", document(0, 1.0, metric="acc"))
    groups = dict(mmlu=["mmlu_humanities"], mmlu_humanities=["mmlu_law", "mmlu_humanities"])
    put(tmp_path, f"acme__m/results_{TIME}.json", dict(model_name="m", group_subtasks=groups), lines=False)
    (trial,), _ = read(path)
    assert (trial.task, trial.benchmark, trial.group) == ("mmlu_law/0", "mmlu", "mmlu_law")


@pytest.mark.parametrize("value", [37.2, [1.0, 2.0], "yes", -1.0])
def test_lm_eval_what_is_no_share_is_never_a_pass(tmp_path, value):
    with pytest.raises(LogError, match="no score from 0 to 1"):
        read(put(tmp_path, f"samples_sums_{TIME}.jsonl", document(0, value)))
    rows = [document(i, value, acc=1, metrics=["exact_match", "acc"]) for i in range(2)]
    assert [t.passed for t in read(put(tmp_path, f"samples_sums_{TIME}.jsonl", *rows))[0]] == [True, True]


def test_lm_eval_a_score_that_is_better_where_it_is_lower_does_not_count(tmp_path):
    path = put(tmp_path, f"acme__m/samples_sums_{TIME}.jsonl", document(0, 0.9, metric="error_rate"))
    put(tmp_path, f"acme__m/results_{TIME}.json", dict(higher_is_better=dict(sums=dict(error_rate=False))), lines=False)
    with pytest.raises(LogError, match="better where it is higher"):
        read(path)


def test_lm_eval_a_document_without_a_score_is_no_failure(tmp_path):
    path = put(tmp_path, f"samples_sums_{TIME}.jsonl", document(0, 1.0), document(1, None), document(2, math.nan))
    assert [(t.state, t.passed) for t in read(path)[0]] == [("scored", True), ("died", None), ("died", None)]


def test_lm_eval_a_copy_counts_once_and_another_run_is_a_repeat(tmp_path):
    names = [f"a/m/samples_sums_{TIME}.jsonl", f"b/m/samples_sums_{TIME}.jsonl", "a/m/samples_sums_2026-03-01T10-00-00.5.jsonl"]
    trials = [trial for name in names for trial in read(put(tmp_path, name, document(0, 1.0)))[0]]
    outcomes, tally = gather(trials)
    assert (int(outcomes.trials.sum()), tally.duplicates) == (2, 1)


def metr(**more: Any) -> dict[str, Any]:
    row = dict(
        task_id="maze/a", task_family="maze", run_id="r", alias="A (Inspect)", model="a", score_binarized=1, score_cont=0.5
    )
    return row | dict(human_minutes=8.0, task_source="HCAST", fatal_error_from=None, scaffold="metr_agents/react") | more


def test_metr_success_is_not_drawn_anew_from_the_share(tmp_path):
    rows = [metr(run_id="1", score_binarized=0, score_cont=0.49), metr(run_id="2", score_cont=0.2)]
    trials, _ = read(put(tmp_path, "runs.jsonl", *rows), threshold=0.3)
    assert [(t.passed, t.share) for t in trials] == [(False, 0.49), (True, 0.2)]


def test_metr_a_fatal_error_counts_as_scored_and_is_told(tmp_path):
    (trial,), notes = read(put(tmp_path, "runs.jsonl", metr(fatal_error_from="usageLimits", score_binarized=0)))
    assert (trial.state, trial.passed, trial.failure) == ("scored", False, "usageLimits")
    assert any("fatal_error_from" in note for note in notes)


def test_metr_a_run_without_a_score_is_no_failure_and_a_copy_counts_once(tmp_path):
    trials, _ = read(put(tmp_path, "runs.jsonl", metr(), metr(), metr(run_id="s", score_binarized=None)))
    outcomes, tally = gather(trials)
    assert (int(outcomes.trials.sum()), tally.duplicates, tally.states["died"]) == (1, 1, 1)


def test_metr_a_price_of_0_is_unknown(tmp_path):
    (trial,), _ = read(put(tmp_path, "runs.jsonl", metr(generation_cost=0.0, tokens_count=0.0)))
    assert math.isnan(trial.cost) and math.isnan(trial.tokens)


def test_metr_versions_of_a_task_are_told(tmp_path):
    _, notes = read(put(tmp_path, "runs.jsonl", metr(task_version="1.0"), metr(run_id="2", task_version="1.1")))
    assert any("several versions" in note for note in notes)


def test_py_irt_what_is_missing_was_not_answered(tmp_path):
    path = put(
        tmp_path, "a.jsonlines", dict(subject_id="s", responses=dict(a=1, b=None)), dict(subject_id=7, responses=dict(b=0))
    )
    assert [(t.agent, t.task, t.passed) for t in read(path)[0]] == [("s", "a", True), ("7", "b", False)]


def test_py_irt_names_of_items_may_be_long_and_stay_apart(tmp_path):
    long = "word " * 300
    (first, second), _ = read(put(tmp_path, "a.jsonlines", dict(subject_id="s", responses={f"{long}x": 1, f"{long}y": 0})))
    assert first.task != second.task and max(len(first.task), len(second.task)) <= 120


def test_that_scores_are_shares_is_told(tmp_path):
    half = eee("1", False, evaluation=dict(score=0.5, is_correct=False))
    for name, row, lines in [
        ("a.jsonlines", dict(subject_id="s", responses=dict(a=0.5)), True),
        (f"samples_s_{TIME}.jsonl", document(0, 0.5), True),
        ("per_instance_stats.json", [question("1", stat("f1_score", 0.5))], False),
        ("a_samples.jsonl", half, True),
    ]:
        (trial,), notes = read(put(tmp_path, name, row, lines=lines))
        assert trial.passed is False and trial.share == 0.5 and any("scores are shares" in note for note in notes)
    (trial,), notes = read(put(tmp_path, "a.jsonlines", dict(subject_id="s", responses=dict(a=0.5))), threshold=0.5)
    assert trial.passed and any("from 0.5 on" in note for note in notes)
    assert not read(put(tmp_path, "a.jsonlines", dict(subject_id="s", responses=dict(a=1))))[1]


@pytest.mark.parametrize("value", [2, -1, "1", [1], {}, 1e9])
def test_py_irt_counts_and_words_are_refused_with_their_place(tmp_path, value):
    rows = [dict(subject_id="s", responses=dict(a=1)), dict(subject_id="t", responses=dict(a=value))]
    with pytest.raises(LogError, match=r"line 2 has a response to 'a' that is no number from 0 to 1"):
        read(put(tmp_path, "a.jsonlines", *rows))


def test_rows_that_are_no_objects_are_refused_with_their_place(tmp_path):
    for row in (metr(), eee("1"), document(0, 1.0)):
        with pytest.raises(LogError, match="line 2 is no object"):
            read(put(tmp_path, "runs.jsonl", row, 3))


def test_a_line_that_is_nested_deeply_is_refused(tmp_path):
    path = put(tmp_path, "a.jsonl", eee("1"))
    for depth in (500, 5_000, 50_000, 500_000):
        path.write_text(json.dumps(eee("1"))[:-1] + ', "input": ' + "[" * depth + "]" * depth + "}\n" + json.dumps(eee("2")))
        read_or_refused(path, tmp_path, EVALUATIONS)


VALID = {
    "eee": ("x/a_samples.jsonl", [eee("1"), eee("2", False, evaluation_result_id="b"), eee("2", evaluation_result_id="a")], True),
    "helm": (
        "toy-model=a/per_instance_stats.json",
        [[question("1", stat("exact_match", 1.0)), question("2", stat("exact_match", 0.0), stat("f1_score", 0.5))]],
        False,
    ),
    "lm-eval": (f"m/samples_s_{TIME}.jsonl", [document(0, 1.0, "a"), document(0, 0.0, "b"), document(1, 0.5, "a")], True),
    "metr": ("runs.jsonl", [metr(), metr(run_id="s", score_binarized=0, started_at=1758952844000.0)], True),
    "py-irt": (
        "a.jsonlines",
        [dict(subject_id="s", responses=dict(a=1, b=0)), dict(subject_id="t", responses=dict(a=0.5))],
        True,
    ),
}
BESIDE = {
    "eee": (
        "x/a.json",
        dict(evaluation_results=[], model_info=dict(additional_details=dict(agent="b")), evaluation_timestamp="1"),
    ),
    "helm": (
        "toy-model=a/run_spec.json",
        dict(name="toy:x=1", scenario_spec=dict(args=dict(x="1")), adapter_spec=dict(model="a/b")),
    ),
    "lm-eval": (
        f"m/results_{TIME}.json",
        {"group_subtasks": {"g": ["s"]}, "config": {"model_args": "model=a"}, "n-samples": {"s": {"effective": 2}},
         "configs": {"s": {"repeats": 2}}, "higher_is_better": {"s": {"exact_match": True}}, "date": 1.7e9},
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", list(VALID))
def test_whatever_stands_in_a_file_it_is_read_or_refused(kind, tmp_path):
    name, rows, lines = VALID[kind]

    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
    @given(spoiled(rows), spoiled(BESIDE[kind][1]) if kind in BESIDE else spoiled([1]))
    def check(bad: Any, beside: Any) -> None:
        if not bad:
            return
        path = put(tmp_path, name, *bad, lines=lines)
        if kind in BESIDE:
            put(tmp_path, BESIDE[kind][0], beside, lines=False)
        read_or_refused(path, tmp_path, EVALUATIONS)

    check()
