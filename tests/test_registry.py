"""The registry (agents.csv, llms.csv) must describe every published submission exactly once."""

import csv
import datetime
import json
import re
from collections import Counter
from importlib.resources import files
from pathlib import Path

import pytest

from agentirt_nb.data.leaderboards import fetch

MAIN_BOARDS = {"swebench_verified": 134, "swebench_pro": 14, "gso": 15, "terminal_bench": 112}
TRIALS = "terminal_bench_trials"
SUBMISSION_FILES = {
    "swebench_verified": "swebench_verified/responses.jsonl",
    "swebench_pro": "swebench_pro/responses.jsonl",
    "gso": "gso/responses.jsonl",
    "terminal_bench": "terminalbench/responses.jsonl",
    TRIALS: "terminalbench/responses_raw.jsonl",
}


def read_table(name: str) -> list[dict[str, str]]:
    text = (files("agentirt_nb") / "shipped" / name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


def squeeze(text: str) -> str:
    """Lower case without spaces and punctuation, so that near-duplicates collide."""
    return re.sub(r"[^a-z0-9]", "", text.lower())


@pytest.fixture(scope="module")
def agents() -> list[dict[str, str]]:
    return read_table("agents.csv")


@pytest.fixture(scope="module")
def llms() -> list[dict[str, str]]:
    return read_table("llms.csv")


def published(path: str) -> Path:
    return fetch(f"data/{path}", progress=False)


def records(benchmark: str) -> list[dict]:
    lines = published(SUBMISSION_FILES[benchmark]).read_text(encoding="utf-8").split("\n")
    return [json.loads(line) for line in lines if line.strip()]


def test_columns(agents, llms):
    assert list(agents[0]) == ["benchmark", "submission", "llm", "scaffold", "date", "organisation", "note"]
    assert list(llms[0]) == ["llm", "organisation", "release_date", "aliases"]
    for row in agents + llms:
        assert None not in row and None not in row.values(), f"a row has too many or too few cells: {row}"
        assert all(cell == cell.strip() for cell in row.values()), f"a cell has spaces at its ends: {row}"


def test_row_counts(agents):
    counts = Counter(row["benchmark"] for row in agents)
    assert {board: counts[board] for board in MAIN_BOARDS} == MAIN_BOARDS
    assert sum(counts[board] for board in MAIN_BOARDS) == 275
    assert counts[TRIALS] == 83
    assert set(counts) == {*MAIN_BOARDS, TRIALS}
    keys = Counter((row["benchmark"], row["submission"]) for row in agents)
    assert [key for key, count in keys.items() if count > 1] == []


@pytest.mark.data
@pytest.mark.parametrize("benchmark", list(SUBMISSION_FILES))
def test_every_submission_has_exactly_one_row(agents, benchmark):
    in_file = Counter(record["subject_id"] for record in records(benchmark))
    in_table = Counter(row["submission"] for row in agents if row["benchmark"] == benchmark)
    assert in_table == in_file, f"missing {in_file - in_table}, spare {in_table - in_file}"


@pytest.mark.data
def test_pro_rows_are_the_models_of_the_raw_runs(agents):
    with open(published("swebench_pro/swe-bench-pro.csv"), newline="", encoding="utf-8") as handle:
        models = {run["metadata.model_name"] for run in csv.DictReader(handle)}
    assert models == {row["submission"] for row in agents if row["benchmark"] == "swebench_pro"}


def test_dates_are_iso(agents, llms):
    for row in agents:
        date = datetime.date.fromisoformat(row["date"])
        assert datetime.date(2023, 1, 1) < date < datetime.date(2027, 1, 1), row
        if row["benchmark"] == "swebench_verified":
            assert row["date"].replace("-", "") == row["submission"][:8], row
    for row in llms:
        if row["release_date"]:
            datetime.date.fromisoformat(row["release_date"])


@pytest.mark.data
def test_published_dates(agents):
    table = {(row["benchmark"], row["submission"]): row["date"] for row in agents}
    for record in records("terminal_bench"):
        assert table["terminal_bench", record["subject_id"]] == record["date"]
    meta = json.loads(published("terminalbench/meta.json").read_text(encoding="utf-8"))
    shifted = {result["detail_url"]: result["agent_org"] for result in meta["results"]}
    for record in records(TRIALS):
        assert table[TRIALS, record["subject_id"]] == shifted[record["metadata"]["detail_url"]]


def test_llms_of_both_tables_agree(agents, llms):
    used = {row["llm"] for row in agents if row["llm"]}
    listed = [row["llm"] for row in llms]
    assert used == set(listed), f"not listed: {used - set(listed)}; never used: {set(listed) - used}"
    assert len(listed) == len(set(listed))


@pytest.mark.parametrize("column", ["llm", "scaffold", "organisation"])
def test_one_spelling_each(agents, column):
    spellings: dict[str, set[str]] = {}
    for row in agents:
        if row[column]:
            spellings.setdefault(squeeze(row[column]), set()).add(row[column])
    assert [names for names in spellings.values() if len(names) > 1] == []


def test_an_alias_names_one_llm(llms):
    """Compared as spelt: "claude3.5sonnet" and "claude-3-5-sonnet" named two versions."""
    owners: dict[str, set[str]] = {}
    for row in llms:
        for name in [row["llm"], *filter(None, row["aliases"].split("|"))]:
            owners.setdefault(name.lower(), set()).add(row["llm"])
    assert {name: rows for name, rows in owners.items() if len(rows) > 1} == {}


def test_missing_llm_is_explained(agents):
    for row in agents:
        marked = row["note"].startswith(("undisclosed LLM", "multiple LLMs: "))
        assert marked == (row["llm"] == ""), row


def test_missing_scaffold_is_explained(agents):
    for row in agents:
        assert row["scaffold"] or "scaffold undisclosed" in row["note"], row


def test_no_agent_is_older_than_its_llm(agents, llms):
    """A preview may run some days before its public release, never months."""
    released = {row["llm"]: row["release_date"] for row in llms if row["release_date"]}
    for row in agents:
        if row["llm"] in released:
            early = datetime.date.fromisoformat(released[row["llm"]]) - datetime.date.fromisoformat(row["date"])
            assert early.days <= 7, row


@pytest.mark.data
def test_trials_agree_with_the_leaderboard(agents):
    table = {(row["benchmark"], row["submission"]): row for row in agents}
    by_url = {record["detail_url"]: record["subject_id"] for record in records("terminal_bench")}
    shared = 0
    for record in records(TRIALS):
        subject = by_url.get(record["metadata"]["detail_url"])
        if subject is None:
            continue
        shared += 1
        trial, whole = table[TRIALS, record["subject_id"]], table["terminal_bench", subject]
        assert (trial["llm"], trial["scaffold"]) == (whole["llm"], whole["scaffold"])
    assert shared == 83
