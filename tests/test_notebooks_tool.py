"What makes a notebook's stored output out of date, and which notebooks need real outcomes."

import json
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tools"))

from longest_first import LONGEST, in_order  # noqa: E402
from run_notebooks import data_use, differs, numbers, stale  # noqa: E402


def printed(*lines: str) -> dict:
    "A code cell that printed lines."
    outputs = [{"output_type": "stream", "name": "stdout", "text": [line + "\n" for line in lines]}]
    return {"cell_type": "code", "id": "0", "source": [], "outputs": outputs}


def drew(text: str, *kinds: str) -> dict:
    "A code cell that showed a result."
    data = {"text/plain": [text]} | dict.fromkeys(kinds, "…")
    return {"cell_type": "code", "id": "0", "source": [], "outputs": [{"output_type": "execute_result", "data": data}]}


def saved(path: Path, *cells: dict) -> Path:
    path.write_text(json.dumps({"cells": cells}), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("before", "now"),
    [
        ("better with probability 0.50", "better with probability 0.52"),
        ("-0.278  1,204 tasks", "-0.281  1,210 tasks"),
        ("−0.278", "-0.278"),
        ("width   7.6", "width 7.6"),
        ("fitted in 12.3 s, 40 it/s, 3 seconds", "fitted in 1.2 s, 55 it/s, 9 seconds"),
        ("<Thing at 0x7f31ab>", "<Thing at 0x55ce90>"),
        ("    retrieved:       2026-11-26", "    retrieved:       2027-01-02"),  # when the data came to this machine
    ],
)
def test_small_differences_and_times_are_no_matter(before, now):
    assert differs(printed(before), printed(now)) is None


@pytest.mark.parametrize(
    ("before", "now", "says"),
    [
        ("Sonnet 4  1.87", "Sonnet 4  2.17", "stored 1.87, now 2.17"),
        ("20 of 20 intervals", "19 of 20 intervals", "stored 20, now 19"),
        ("width 0.04", "width -0.04", "stored 0.04, now -0.04"),
        ("rivals: 3", "rivals: none", "stored 'rivals: 3"),
        ("Opus 4.5 leads", "Opus 4.6 leads", "stored 'Opus 4.5"),
        ("GPT-5.1 leads", "GPT-5.2 leads", "stored 'GPT-5.1"),
        ("django__django-11433", "django__django-11434", "stored 'django"),
        ("by 2026-03-02", "by 2027-03-02", "stored 'by 2026"),
        ("in 2026", "in 2027", "stored 'in 2026"),
        ("converged: yes", "converged: no", "stored 'converged: yes"),
        ("one", "one\ntwo", "stored 'one"),
        ("1.0", "nan", "stored '1.0"),
    ],
)
def test_what_a_reader_would_notice_is_told(before, now, says):
    assert (differs(printed(before), printed(now)) or "").startswith(says)


def test_pictures_are_counted_and_what_they_say_is_compared():
    stored = drew("WhatIf: 79.2%", "image/png")
    assert differs(stored, drew("WhatIf: 79.3%", "image/svg+xml")) is None
    assert differs(stored, drew("WhatIf: 79.2%")) == "1 pictures stored, 0 drawn now"
    assert differs(stored, drew("WhatIf: 99.2%", "image/png")).startswith("stored 79.2, now 99.2")


def test_warnings_and_bars_are_not_compared():
    bar = printed("50 %")
    bar["outputs"][0]["name"] = "stderr"
    assert differs(bar, printed()) is None


def test_numbers_are_told_from_names():
    text, found = numbers("o3 and Claude 3.7 Sonnet on 2025-08-07: 20.3% (1e-3, .5) of 1,200; k = 2.")
    assert text == "o3 and Claude 3.7 Sonnet on 2025-08-07: #% (#, #) of #; k = #"
    assert found == [20.3, 0.001, 0.5, 1200, 2]


def test_each_stale_cell_is_named(tmp_path):
    stored = saved(tmp_path / "a.ipynb", printed("same"), {**printed("1.00"), "id": "b2"})
    fresh = saved(tmp_path / "b.ipynb", printed("same"), {**printed("2.00"), "id": "b2"})
    assert [line.split(": stored")[0] for line in stale(stored, fresh)] == ["a.ipynb, cell b2"]
    assert stale(stored, stored) == []


def test_a_cell_may_name_its_own_tolerance(tmp_path):
    stored, fresh = ({**printed(text), "source": ["#| share: 0.2\n", "show()"]} for text in ("1.00", "1.15"))
    far = {**fresh, "outputs": printed("1.40")["outputs"]}
    assert stale(saved(tmp_path / "a.ipynb", stored), saved(tmp_path / "b.ipynb", fresh)) == []
    assert len(stale(saved(tmp_path / "a.ipynb", stored), saved(tmp_path / "b.ipynb", far))) == 1


def test_a_cell_may_say_how_many_days_its_dates_may_be_off(tmp_path):
    days = ("first on 2026-01-05.", "first on 2026-01-12.", "first on 2026-04-12.", "last on 2026-01-05.")
    stored, near, far, other = ({**printed(text), "source": ["#| days: 30\n", "show()"]} for text in days)
    strict = {**stored, "source": ["show()"]}
    saves = {name: saved(tmp_path / f"{name}.ipynb", cell) for name, cell in dict(near=near, far=far, other=other).items()}
    kept = saved(tmp_path / "stored.ipynb", stored)
    assert {name: len(stale(kept, path)) for name, path in saves.items()} == {"near": 0, "far": 1, "other": 1}
    assert len(stale(saved(tmp_path / "strict.ipynb", strict), saves["near"])) == 1


FALLBACK = "try:\n    gso = load_leaderboard('gso')\nexcept OSError as error:\n    print(error)"


def code(source: str) -> dict:
    "A code cell without output."
    return {"cell_type": "code", "id": "0", "source": source.splitlines(keepends=True), "outputs": []}


@pytest.mark.parametrize(
    ("source", "use"),
    [
        ("gso = load_leaderboard('gso')", "needed"),
        ("#| hide\ntexts = irt.task_texts()", "needed"),
        ("from agentirt_nb.data.leaderboards import load_leaderboard", "no"),
        ("a, b = map(irt.load_leaderboard, names)", "needed"),
        ("x = 1  # as load_leaderboard does", "no"),
        ("#| export\ndef f(): return fetch('x')", "no"),
        ("#| slow\ngso = load_leaderboard('gso')", "no"),
        ("#| echo: false\n#| eval: false\ngso = load_leaderboard('gso')", "no"),
        (FALLBACK, "optional"),
        (FALLBACK.replace("OSError", "(KeyError, ValueError)"), "needed"),
        ("gso = load_snapshot()", "no"),
    ],
)
def test_what_a_notebook_asks_for_is_known(tmp_path, source, use):
    assert data_use(saved(tmp_path / "a.ipynb", code("x = 1"), code(source))) == use
    assert data_use(saved(tmp_path / "a.ipynb", {**code(source), "cell_type": "markdown"})) == "no"


def test_one_cell_that_cannot_do_without_decides(tmp_path):
    path = saved(tmp_path / "a.ipynb", code("load_leaderboard('gso')"), code(FALLBACK))
    assert data_use(path) == "needed"


def test_slow_cells_count_where_they_are_run(tmp_path):
    path = saved(tmp_path / "a.ipynb", code("#| slow\nload_leaderboard('gso')"))
    assert data_use(path) == "no"
    assert data_use(path, ("--flags", "slow")) == "needed"


def test_the_longest_notebooks_exist_and_come_first():
    every = sorted((ROOT / "nbs").rglob("*.ipynb"))
    order = in_order(every)
    assert [f"{path.parent.name}/{path.stem}" for path in order[: len(LONGEST)]] == list(LONGEST)
    assert sorted(order) == every
