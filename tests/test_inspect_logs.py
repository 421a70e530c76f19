"""Logs of Inspect: the totals of the samples, every trap that real logs hold, and archives made to harm."""

import json
import math
import subprocess
import sys
import tracemalloc
import zipfile
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from log_files import check_trial, format_of, read_or_refused, samples, spoiled, trials_in

from agentirt_nb.data.harness_logs import HARNESSES
from agentirt_nb.data.inspect_logs import INSPECT, MOST_ENTRY, read_inspect
from agentirt_nb.data.log_files import Choices, LogError, LogFile
from agentirt_nb.data.trials import Trial, gather

OWN = Path(__file__).parent / "data" / "inspect"
STRONG, WEAK, MINI = "mockllm/strong-model", "mockllm/weak-model", "openai/gpt-4o-mini"
GOLDEN = {  # end of the file's name -> llm, scaffold, ids, epochs, passed, failed, without a score
    "toy-epochs_AK3uXBbkZKaWMRf5kxzwv2.eval": (STRONG, "plain", 8, 4, 27, 5, 0),
    "toy-epochs_SzLxPHJCruYmxNtDHPToeY.eval": (WEAK, "plain", 8, 4, 9, 23, 0),
    "toy-epochs-reduced_DVVybdWMeteKbbgnxrPDx2.eval": (STRONG, "react_like", 8, 3, 19, 5, 0),
    "toy-cipn_Q2TCyXZd4BBitmyyNfvtne.eval": (STRONG, "react_like", 8, 1, 3, 5, 0),
    "toy-cipn_AfKutcWPUYUBcy68ezTHX3.eval": (WEAK, "react_like", 8, 1, 3, 5, 0),
    "toy-multi_Q4ahAF8mfXXvMRmoDqMmmv.eval": (STRONG, "react_like", 8, 1, 0, 8, 0),
    "toy-frac_XnkSdNfvFbqXhPjXnwoeR4.json": (STRONG, "react_like", 8, 1, 0, 7, 1),
    "toy-errors_PPUFRxDCJhtTQgsjioZKt3.eval": (STRONG, "react_like", 8, 1, 6, 1, 1),
    "toy-errors_NR6cVBSm4HYy69ywxnDGXD.eval": (WEAK, "react_like", 8, 1, 2, 5, 1),
    "toy-fatal_o8td8DBBvQBkAdRFVpRnVk.eval": (STRONG, "react_like", 5, 1, 2, 1, 2),
    "toy-fatal_6N9aBzu5UBkr8CtEEyyKRA.eval": (WEAK, "react_like", 5, 1, 1, 2, 2),
    "toy-limit_jn94cm7DPKoaVAnNkhyoC8.json": (STRONG, "plain", 8, 2, 14, 2, 0),
    "toy-cancelled_ZooT8xAFxV9sTusp3ALEE7.eval": (STRONG, "slow", 5, 1, 4, 0, 1),
    "mmlu-summary-choices.eval": ("openai/gpt-4o", "multiple_choice", 1, 1, 0, 1, 0),
    "log_formats.eval": ("ollama/llama3.1", "", 1, 1, 0, 1, 0),
    "log_formats.json": ("ollama/llama3.1", "", 1, 1, 0, 1, 0),
    "log_read_sample.eval": ("ollama/gemma3", "", 1, 1, 1, 0, 0),
    "input-task_8zXjbRzCWrL9GXiXo2vus9.json": (MINI, "input_solver", 1, 1, 1, 0, 0),
    "input-task_hxs4q9azL3ySGkjJirypKZ.eval": (MINI, "input_solver", 1, 1, 1, 0, 0),
    "popularity_dPiJifoWeEQBrfWsAopzWr.eval": (MINI, "", 10, 1, 0, 0, 10),
    "data_arc_qwen.json": ("ollama/qwen2.5:0.5b", "multiple_choice", 3, 1, 1, 2, 0),
    "data_cyse2_vuln_exploit_challenges.json": ("mistral/mistral-large-latest", "", 1, 1, 0, 1, 0),
    "data_intercode_ctf_local_path.json": ("mistral/mistral-small-latest", "", 1, 1, 0, 1, 0),
}


@pytest.mark.parametrize("name", GOLDEN)
def test_totals_of_logs_of_inspect(name):
    root = samples("inspect")
    (path,) = root.rglob(f"*{name}")
    trials = trials_in(path, root, INSPECT)
    ids, epochs = {trial.task for trial in trials}, {trial.key.rsplit("/", 1)[1] for trial in trials}
    verdicts = [sum(trial.passed is which for trial in trials) for which in (True, False, None)]
    assert (trials[0].llm, trials[0].scaffold, len(ids), len(epochs), *verdicts) == GOLDEN[name]
    assert len({(trial.llm, trial.scaffold, trial.benchmark) for trial in trials}) == 1
    limited = sum(trial.state == "own limit" for trial in trials)
    assert limited == {"toy-limit_jn94cm7DPKoaVAnNkhyoC8.json": 16, "data_intercode_ctf_local_path.json": 1}.get(name, 0)
    cancelled = sum(trial.state == "cancelled" for trial in trials)
    assert cancelled == (1 if "toy-fatal" in name or "toy-cancelled" in name else 0)


def test_every_log_of_the_samples_is_among_those_with_totals_but_one_without_samples():
    root = samples("inspect")
    logs = [path for path in root.rglob("*") if path.suffix in (".eval", ".json")]
    rest = [path for path in logs if not any(path.name.endswith(name) for name in GOLDEN)]
    assert [path.name for path in rest] == ["2025-05-12T20-28-13-04-00_no-samples.json"]
    with pytest.raises(LogError, match="holds totals and no samples"):
        trials_in(rest[0], root, INSPECT)
    outcomes, tally = gather(trial for path in logs if path != rest[0] for trial in trials_in(path, root, INSPECT))
    assert (tally.counted, tally.passed, tally.duplicates) == (169, 94, 1)  # log_formats is there as .eval and .json
    assert (tally.states["died"], tally.states["cancelled"]) == (15, 3)
    assert outcomes.sizes["agent"] == 13


def test_files_of_other_harnesses_are_not_seen_and_one_format_sees_each():
    root = samples("")
    for path in sorted(root.rglob("*")):
        if path.is_file() and path.relative_to(root).parts[0] != "inspect":
            assert not INSPECT[0].sees(LogFile(path, root)), path
        elif path.suffix in (".eval", ".json"):
            assert format_of(path, root, HARNESSES + INSPECT).name == "inspect"


def test_an_archive_that_inspect_wrote_says_what_its_json_says():
    packed, plain = (trials_in(OWN / name, OWN, INSPECT) for name in ("toy.eval", "toy.json"))
    assert {zipfile.ZipFile(OWN / "toy.eval").getinfo("summaries.json").compress_type} == {93}
    strip = lambda trials: sorted(repr(trial).replace("toy.eval", "toy.json") for trial in trials)
    assert strip(packed) == strip(plain)
    assert Counter((trial.state, trial.passed, trial.failure) for trial in packed) == {
        ("scored", True, ""): 3,
        ("scored", False, ""): 2,
        ("died", None, "ConnectionError"): 1,
    }
    outcomes, tally = gather([*packed, *plain])
    assert (outcomes.agent.values.tolist(), tally.duplicates, tally.counted) == (["model-a in shy"], 6, 5)
    assert outcomes.trials.sel(task=["1", "two", "three"]).values.tolist() == [[2, 2, 1]]


def test_without_the_package_for_zstandard_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "zstandard", None)
    with pytest.raises(LogError, match=r"install agentirt_nb\[inspect\]"):
        trials_in(OWN / "toy.eval", OWN, INSPECT)


def test_inspect_itself_is_not_imported():
    code = (
        "import sys; from pathlib import Path; from agentirt_nb.data.inspect_logs import read_inspect; "
        "from agentirt_nb.data.log_files import Choices, LogFile; "
        f"print(len(list(read_inspect(LogFile(Path({str(OWN / 'toy.eval')!r})), Choices())))); "
        "print([x for x in ('inspect_ai', 'zipfile_zstd') if x in sys.modules])"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True).split("\n")[:2] == ["6", "[]"]


# made up

EVAL = dict(task="suite/toy", task_id="T1", eval_id="E1", run_id="R1", model="acme/model-a", created="2026-01-02T10:00:00Z")
LOG = dict(version=2, status="success", eval=EVAL, plan=dict(name="plan", steps=[dict(solver="react")]))
SAMPLE = dict(
    id=1,
    epoch=1,
    scores=dict(match=dict(value="C")),
    model_usage={"acme/model-a": dict(input_tokens=30, output_tokens=10), "acme/judge": dict(input_tokens=999, output_tokens=1)},
    started_at="2026-01-02T10:00:00Z",
    total_time=9.0,
    working_time=5.0,
    turn_count=2,
    uuid="x",
)


def put(root: Path, name: str, *sample: Any, **log: Any) -> Path:
    "A JSON log."
    (root / name).write_text(json.dumps(LOG | dict(samples=list(sample)) | log))
    return root / name


def pack(path: Path, entries: dict[str, Any], method: int = zipfile.ZIP_DEFLATED) -> Path:
    "An archive of entries that are JSON, or bytes as they are."
    if method == 93:
        import zipfile_zstd  # noqa: F401 - zipfile can write Zstandard then
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in entries.items():
            archive.writestr(name, content if isinstance(content, bytes) else json.dumps(content))
    return path


def read(path: Path, **choices: Any) -> tuple[list[Trial], list[str]]:
    "Trials and notes."
    file = LogFile(path, path.parent)
    assert INSPECT[0].sees(file)
    trials = list(read_inspect(file, Choices(**choices)))
    for trial in trials:
        check_trial(trial)
    return trials, list(file.notes)


def one(root: Path, threshold: float = 1.0, metric: str = "", **change: Any) -> Trial:
    return read(put(root, "log.json", SAMPLE | change), threshold=threshold, metric=metric)[0][0]


@pytest.mark.parametrize(
    "value, passed, share",
    [
        ("C", True, 1),
        ("P", False, 0.5),
        ("I", False, 0),
        ("N", False, 0),
        (True, True, 1),
        (False, False, 0),
        (1, True, 1),
        (0.65, False, 0.65),
        ("yes", True, 1),
        ("False", False, 0),
        ("0.25", False, 0.25),
        (7, True, math.nan),
        (-1, False, math.nan),
        (math.nan, None, math.nan),
        (math.inf, None, math.nan),
        ("maybe", None, math.nan),
        ("1" * 400, None, math.nan),
        ([1, 0], None, math.nan),
        ({}, None, math.nan),
        (None, None, math.nan),
    ],
)
def test_what_a_score_says(tmp_path, value, passed, share):
    trial = one(tmp_path, scores=dict(match=dict(value=value)))
    assert trial.passed is passed and repr(trial.share) == repr(float(share))
    assert (trial.state, trial.failure) == (("died", "no score") if passed is None else ("scored", ""))


def test_a_threshold_makes_partial_credit_a_pass(tmp_path):
    assert one(tmp_path, threshold=0.5, scores=dict(match=dict(value="P"))).passed is True
    assert one(tmp_path, threshold=8, scores=dict(match=dict(value=7))).passed is False


def test_scores_above_one_are_told_of(tmp_path):
    notes = read(put(tmp_path, "log.json", SAMPLE | dict(scores=dict(judge=dict(value=dict(points=7))))))[1]
    assert any("above 1" in note for note in notes)


MANY = dict(scores={"judge": dict(value=dict(tone=0.5, right="C")), "pkg/match": dict(value="I"), "last": dict(value=1)})


@pytest.mark.parametrize(
    "metric, share",
    [("", 0.5), ("judge", 0.5), ("judge/tone", 0.5), ("judge/right", 1), ("pkg/match", 0), ("last", 1)],
)
def test_one_of_several_scores_counts_and_the_others_are_named(tmp_path, metric, share):
    path = put(tmp_path, "log.json", SAMPLE | MANY, SAMPLE | MANY | dict(epoch=2))
    trials, notes = read(path, metric=metric)
    assert [trial.share for trial in trials] == [share, share]
    (note,) = [note for note in notes if "several scores" in note]
    assert all((name in note.split("another:")[1]) == (f"{name!r}" not in note) for name in ("judge/right", "pkg/match", "last"))


def test_an_unknown_score_is_refused_with_those_there_are(tmp_path):
    with pytest.raises(LogError, match="give metric= one of judge/tone, judge/right, pkg/match, last"):
        one(tmp_path, metric="f1", **MANY)


def test_the_score_of_the_first_sample_that_has_any_is_taken_for_all(tmp_path):
    broke = SAMPLE | dict(scores={}, error=dict(message="ValueError('x')"))
    other = SAMPLE | dict(id=3, scores=dict(late=dict(value="C"), match=dict(value="I")))
    trials, _ = read(put(tmp_path, "log.json", broke, SAMPLE | dict(id=2), other))
    assert [trial.passed for trial in trials] == [None, True, False]


@pytest.mark.parametrize(
    "change, state, failure",
    [
        (dict(error="RuntimeError('/data/somebody/x')"), "died", "RuntimeError"),
        (dict(error=dict(message="openai.RateLimitError: 429", traceback="…")), "died", "RateLimitError"),
        (dict(error=dict(message="The sandbox in /data/somebody did not start")), "died", "error"),
        (dict(error=dict(message="CancelledError('Cancelled via cancel scope')")), "cancelled", "CancelledError"),
        (dict(error="CancelledError()"), "cancelled", "CancelledError"),
        (dict(limit="message"), "own limit", "message limit"),
        (dict(limit=dict(type="token", limit=5.0)), "own limit", "token limit"),
        (dict(limit="operator"), "cancelled", "operator limit"),
        (dict(invalidation=dict(author="somebody")), "died", "invalidated"),
        (dict(error=None, limit=None, error_retries=[{}]), "scored", ""),
    ],
)
def test_errors_and_limits_make_the_state_and_the_score_stays(tmp_path, change, state, failure):
    trial = one(tmp_path, **change)
    assert (trial.state, trial.failure, trial.passed) == (state, failure, True)
    assert "somebody" not in repr(trial)


def test_only_the_model_that_is_tested_spends_tokens(tmp_path):
    assert one(tmp_path).tokens == 40
    assert one(tmp_path, model_usage={"acme/model-a": dict(input_tokens=1, total_tokens=50, total_cost=0.5)}).tokens == 50
    assert one(tmp_path, model_usage={"acme/model-a": dict(total_cost=0.5)}).cost == 0.5
    for usage in (
        {},
        None,
        {"acme/judge": dict(total_tokens=9)},
        {"acme/model-a": dict(input_tokens=0, output_tokens=0, total_tokens=0)},
    ):
        assert math.isnan(one(tmp_path, model_usage=usage).tokens)


def test_facts_of_a_sample(tmp_path):
    trial = one(tmp_path)
    assert (trial.duration, trial.turns, trial.date, trial.benchmark, trial.key) == (5, 2, "2026-01-02", "toy", "T1/1/1")
    assert one(tmp_path, working_time=None).duration == 9
    assert [one(tmp_path, id=name).task for name in (0, "task-1", "x" * 9000)] == ["0", "task-1", "x" * 500]


@pytest.mark.parametrize(
    "change, scaffold",
    [
        ({}, "react"),
        (dict(plan=dict(steps=[dict(solver="system_message"), dict(solver="use_tools"), dict(solver="generate")])), ""),
        (dict(plan=dict(steps=[dict(solver="pkg/plain"), dict(solver="plain"), dict(solver="pkg/critic")])), "plain+critic"),
        (dict(eval=EVAL | dict(solver="pkg/claude_code")), "claude_code"),
        (dict(eval=EVAL | dict(solver="generate")), ""),
        (dict(plan=dict(steps=None)), ""),
    ],
)
def test_the_scaffold_is_the_solver_or_what_is_left_of_the_plan(tmp_path, change, scaffold):
    assert read(put(tmp_path, "log.json", SAMPLE, **change))[0][0].scaffold == scaffold


def test_the_organisation_comes_from_metadata_and_no_model_is_no_llm(tmp_path):
    path = put(tmp_path, "log.json", SAMPLE, eval=EVAL | dict(model="none/none", metadata=dict(organisation="Example Org")))
    outcomes, _ = gather(read(path)[0])
    assert (outcomes.organisation.values.tolist(), outcomes.llm.values.tolist()) == (["Example Org"], [""])


def test_a_retried_log_adds_what_the_first_try_lacks_and_a_second_run_adds_runs(tmp_path):
    broke = SAMPLE | dict(id=2, scores={}, error="ConnectionError('x')")
    first = put(tmp_path, "first.json", SAMPLE, broke, status="error")
    retried = put(tmp_path, "second.json", SAMPLE, SAMPLE | dict(id=2), eval=EVAL | dict(eval_id="E2", run_id="R2"))
    for order in ([first, retried], [retried, first]):
        outcomes, tally = gather(trial for path in order for trial in read(path)[0])
        assert outcomes.successes.values.tolist() == outcomes.trials.values.tolist() == [[1, 1]]
        assert (tally.duplicates, tally.states["died"]) == (1, 1)
    again = put(tmp_path, "again.json", SAMPLE, eval=EVAL | dict(task_id="T2", eval_id="E3"))
    assert gather([*read(first)[0], *read(again)[0]])[0].trials.sel(task="1").values.tolist() == [2]


def test_epochs_are_runs_and_reductions_are_not(tmp_path):
    epochs = [SAMPLE | dict(epoch=number) for number in (1, 2, 3)]
    reductions = [dict(scorer="match", samples=[dict(sample_id=1, value=1.0)])]
    trials, _ = read(put(tmp_path, "log.json", *epochs, reductions=reductions, results=dict(total_samples=3)))
    assert gather(trials)[0].trials.values.tolist() == [[3]]


@pytest.mark.parametrize(
    "log, says",
    [
        (dict(samples=[], results=dict(total_samples=3)), "holds totals and no samples"),
        (dict(samples=None, results=dict(scores=[dict(name="match")])), "holds totals and no samples"),
        (dict(samples=[], status="cancelled"), "ended before one was finished"),
        (dict(samples="none"), "no list under 'samples'"),
        (dict(samples=[SAMPLE, None]), "sample 2 has no id"),
        (dict(samples=[SAMPLE, SAMPLE | dict(id=None)]), "sample 2 has no id"),
        (dict(samples=[SAMPLE, SAMPLE | dict(id=[1])]), "sample 2 has no id"),
    ],
)
def test_a_log_without_samples_and_a_sample_without_an_id_are_refused(tmp_path, log, says):
    with pytest.raises(LogError, match=says):
        read(put(tmp_path, "log.json", **log))


@pytest.mark.parametrize(
    "log, says",
    [
        (dict(status="error"), "status 'error' are read as far as they go"),
        (dict(results=dict(total_samples=79)), "count more samples than they hold"),
        (dict(eval=EVAL | dict(task_args=dict(level=1))), "arguments for the task"),
        (dict(samples=[SAMPLE | dict(scores=None)]), "without any score were read"),
    ],
)
def test_what_the_report_must_tell(tmp_path, log, says):
    assert any(says in note for note in read(put(tmp_path, "log.json", SAMPLE, **log))[1])
    assert not any(says in note for note in read(put(tmp_path, "log.json", SAMPLE, results=dict(total_samples=1)))[1])


def test_what_only_looks_like_inspect_is_left_to_others(tmp_path):
    for content in (dict(eval={}, plan={}), dict(eval="x", plan=[]), dict(plan={}, eval=dict(task="t")), [LOG], {}, 3):
        (tmp_path / "a.json").write_text(json.dumps(content))
        assert not INSPECT[0].sees(LogFile(tmp_path / "a.json", tmp_path))
    assert not INSPECT[0].sees(LogFile(pack(tmp_path / "a.zip", {"header.json": LOG}), tmp_path))
    assert not INSPECT[0].sees(LogFile(pack(tmp_path / "b.eval", {"other.json": LOG}), tmp_path))
    (tmp_path / "c.eval").write_text(json.dumps(LOG))
    assert not INSPECT[0].sees(LogFile(tmp_path / "c.eval", tmp_path))


# archives

LATER = SAMPLE | dict(epoch=2)
WHOLE = {"header.json": LOG, "summaries.json": [SAMPLE, LATER]}


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, 93])
@pytest.mark.parametrize(
    "entries",
    [
        WHOLE,
        WHOLE | {"samples/1_epoch_1.json": b"never read", "_journal/summaries/1.json": b"never read"},
        {
            "_journal/start.json": LOG,
            "_journal/summaries/1.json": [SAMPLE],
            "_journal/summaries/2.json": [SAMPLE | dict(epoch=2)],
        },
        {"header.json": LOG, "samples/1_epoch_1.json": SAMPLE, "samples/a/b_epoch_2.json": LATER},
        {"header.json": LOG, "summaries.json": [], "samples/1.json": SAMPLE, "samples/2.json": LATER},
    ],
)
def test_whole_unfinished_and_bare_archives_are_read(tmp_path, method, entries):
    trials, _ = read(pack(tmp_path / "log.eval", entries, method))
    assert [trial.key for trial in trials] == ["T1/1/1", "T1/1/2"]


def test_names_of_entries_are_never_paths(tmp_path):
    inside = tmp_path / "deep" / "er"
    inside.mkdir(parents=True)
    names = ["../../evil.json", "/tmp/evil.json", "samples/../../../evil.json", "a" * 60000, "c:\\evil.json", "summaries.json/x"]  # noqa: S108
    trials, _ = read(pack(inside / "log.eval", WHOLE | dict.fromkeys(names, SAMPLE)))
    assert len(trials) == 2 and [path.name for path in tmp_path.rglob("*.*")] == ["log.eval"]


def test_thousands_of_entries_are_read_one_after_the_other(tmp_path):
    many = {f"samples/{number}_epoch_1.json": SAMPLE | dict(id=number) for number in range(1500)}
    assert len(read(pack(tmp_path / "log.eval", {"header.json": LOG} | many))[0]) == 1500


def filled(path: Path, name: str, size: int, method: int = zipfile.ZIP_DEFLATED) -> Path:
    "An archive with a header and an entry of so many blanks."
    if method == 93:
        import zipfile_zstd  # noqa: F401
    with zipfile.ZipFile(path, "w", method) as archive:
        archive.writestr("header.json", json.dumps(LOG))
        with archive.open(name, "w") as entry:
            for start in range(0, size, 2**20):
                entry.write(b" " * min(2**20, size - start))
    return path


def patched(path: Path, old: bytes, new: bytes) -> Path:
    content = path.read_bytes()
    assert len(old) == len(new) and old in content
    path.write_bytes(content.replace(old, new))
    return path


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, 93])
@pytest.mark.parametrize("name", ["header.json", "summaries.json", "_journal/summaries/1.json", "samples/1.json"])
def test_an_entry_that_would_be_huge_is_refused_unopened(tmp_path, method, name):
    path = filled(tmp_path / "log.eval", "x" * len(name), 2000, method)  # an honest one …
    size, huge = (2000).to_bytes(4, "little"), (MOST_ENTRY + 1).to_bytes(4, "little")
    patched(path, b"x" * len(name), name.encode())
    patched(path, size, huge)  # … that says of itself that it is huge
    with pytest.raises(LogError, match="more than the 64 that are read at once"):
        read(path)


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, 93])
def test_an_entry_that_unpacks_to_more_than_it_says_is_cut_and_refused(tmp_path, method):
    path = filled(tmp_path / "log.eval", "summaries.json", 2**26 + 12345, method)
    assert path.stat().st_size < 2**19
    patched(path, (2**26 + 12345).to_bytes(4, "little"), (12345).to_bytes(4, "little"))
    tracemalloc.start()
    try:
        with pytest.raises(LogError, match="broken"):
            read(path)
        assert tracemalloc.get_traced_memory()[1] < 2**22
    finally:
        tracemalloc.stop()


def test_many_entries_that_are_huge_together_are_refused(tmp_path):
    path = filled(tmp_path / "log.eval", "samples/00.json", 2000)
    with zipfile.ZipFile(path, "a") as archive:
        for number in range(1, 50):
            archive.writestr(f"samples/{number:02}.json", b" " * 2000)
    patched(path, (2000).to_bytes(4, "little"), (60 * 2**20).to_bytes(4, "little"))
    with pytest.raises(LogError, match=r"unpacks to 2\.9 GiB, more than the 2"):
        read(path)


@pytest.mark.parametrize("values", [b"{}," * 2_600_000, b"0," * 5_000_001, b"[" * 5_000_001, b'{"a":' * 5_000_001])
def test_an_entry_of_too_many_values_is_refused_before_it_fills_the_memory(tmp_path, values):
    path = pack(tmp_path / "log.eval", {"header.json": LOG, "summaries.json": b"[" + values + b"{}]"})
    with pytest.raises(LogError, match="more values than fit into memory"):
        read(path)


def test_summaries_that_are_too_long_are_read_from_the_journal_instead(tmp_path):
    path = filled(tmp_path / "log.eval", "summaries.json", 2000)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("_journal/summaries/1.json", json.dumps([SAMPLE]))
    patched(path, (2000).to_bytes(4, "little"), (MOST_ENTRY + 1).to_bytes(4, "little"))
    assert [trial.key for trial in read(path)[0]] == ["T1/1/1"]


def test_a_directory_that_would_fill_the_memory_is_refused(tmp_path):
    path = pack(tmp_path / "log.eval", WHOLE)
    content = bytearray(path.read_bytes())
    content[-10:-6] = (2**25).to_bytes(4, "little")
    path.write_bytes(content)
    with pytest.raises(LogError, match="lists more entries"):
        read(path)


@pytest.mark.parametrize("method, says", [(zipfile.ZIP_LZMA, "packed by method 14"), (zipfile.ZIP_BZIP2, "packed by method 12")])
def test_other_ways_to_pack_are_refused(tmp_path, method, says):
    with pytest.raises(LogError, match=says):
        read(pack(tmp_path / "log.eval", WHOLE, method))


def test_a_method_that_nobody_knows_and_a_password_are_refused(tmp_path):
    path = pack(tmp_path / "log.eval", WHOLE)
    content = path.read_bytes()
    at = content.rindex(b"PK\1\2")  # summaries.json in the directory
    for place, value, says in [(10, 99, "packed by method 99"), (8, 1, "locked by a password")]:
        path.write_bytes(content[: at + place] + bytes([value]) + content[at + place + 1 :])
        with pytest.raises(LogError, match=says):
            read(path)


@pytest.mark.parametrize(
    "content", [b"[" * 100_000, b"\xff\xfe", b"{", b"[1, 2]", b"7", b"[[]]", b'[{"id": 1' + b"0" * 5000 + b"}]"]
)
def test_entries_that_are_no_samples_are_refused(tmp_path, content):
    with pytest.raises(LogError, match=r"log\.eval, "):
        read(pack(tmp_path / "log.eval", {"header.json": LOG, "summaries.json": content}))


def test_an_archive_that_was_cut_off_anywhere_is_refused(tmp_path):
    whole = pack(tmp_path / "log.eval", WHOLE, 93).read_bytes()
    for size in range(4, len(whole), 7):
        (tmp_path / "log.eval").write_bytes(whole[:size])
        with pytest.raises(LogError, match="no whole zip archive"):
            read(tmp_path / "log.eval")


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, 93])
def test_an_entry_that_is_not_what_its_checksum_says_is_refused(tmp_path, method):
    content = bytearray(pack(tmp_path / "log.eval", WHOLE, method).read_bytes())
    content[content.rindex(b"PK\1\2") + 16] ^= 1
    (tmp_path / "log.eval").write_bytes(content)
    with pytest.raises(LogError, match="the archive is broken"):
        read(tmp_path / "log.eval")


FULL = SAMPLE | MANY | dict(error=dict(message="ValueError('x')"), limit=dict(type="time", limit=1.0))


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_whatever_stands_in_a_json_log_it_is_read_or_refused(tmp_path_factory, data):
    root = tmp_path_factory.getbasetemp()
    log = data.draw(spoiled(LOG | dict(samples=[SAMPLE, FULL], results=dict(total_samples=2, scores=[{}]))))
    (root / "log.json").write_text(json.dumps(log))
    read_or_refused(root / "log.json", root, INSPECT)


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_whatever_stands_in_an_archive_it_is_read_or_refused(tmp_path_factory, data):
    root = tmp_path_factory.getbasetemp()
    header, summaries = data.draw(spoiled(LOG)), data.draw(spoiled([SAMPLE, FULL]))
    pack(root / "log.eval", {"header.json": header, "summaries.json": summaries}, data.draw(st.sampled_from([0, 8, 93])))
    read_or_refused(root / "log.eval", root, INSPECT)


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_whatever_bytes_stand_in_an_archive_it_is_read_or_refused(tmp_path_factory, data):
    root = tmp_path_factory.getbasetemp()
    content = bytearray(pack(root / "log.eval", WHOLE, data.draw(st.sampled_from([0, 8, 93]))).read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.sampled_from([0, 1, 80, 93, 127, 128, 255]))
    (root / "log.eval").write_bytes(content)
    read_or_refused(root / "log.eval", root, INSPECT)
