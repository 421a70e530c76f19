"""What is written of a fit: columns say what they hold, rows of which fit they are, and folders are whole or not there."""

import json
import re
import warnings
from contextlib import ExitStack, chdir
from functools import cache
from pathlib import Path
from unittest.mock import patch

import pandas as pd
import pytest

from agentirt_nb.app.cli import main
from agentirt_nb.app.demo import run_demo
from agentirt_nb.files import AgentirtError, TakenPathError, is_sealed, refuse_broken_seal, seal
from agentirt_nb.irt.fits import fit_id, open_fit, save_fit, summarise, upgraded
from agentirt_nb.irt.prediction import predict
from agentirt_nb.irt.rates import expected_pass_rate
from agentirt_nb.irt.snapshot import load_snapshot
from agentirt_nb.irt.tables import COLUMNS, ENDS, explained, fit_tables, ladder, table_of
from agentirt_nb.messages import for_shell
from agentirt_nb.views.ladders import ability_ladder

FOLDER = Path(__file__).parent / "data" / "fits"
KINDS = ["1pl_split.nc", "1pl_features.nc", "1pl_dated.nc", "1pl_scored.nc", "curve_2pl.nc", "curve_slots.nc"]
DAY = "2026-01-02"


@cache
def _opened(file):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return open_fit(FOLDER / file)


def opened(file):
    "A fit of an older version, which is unsealed."
    return _opened(file).copy(deep=True)


def tables_of(fit):
    "All tables that the command line writes of a fit."
    tables = fit_tables(fit)
    if "slots" not in fit["posterior"] and fit.attrs["curve"] == "slots":  # of a version that did not keep what predicting takes
        return tables
    return tables | {"rates": table_of(expected_pass_rate(fit), fit), "cells": table_of(predict(fit), fit)}


# --- columns ---


@pytest.mark.parametrize("file", KINDS)
def test_each_column_of_each_table_says_what_it_holds(file):
    for name, table in tables_of(opened(file)).items():
        for column in table.columns:
            end = re.fullmatch(r"(\w*(?:lower|upper))_90", column)
            assert column in COLUMNS or (end and end[1] in ENDS), f"{name} has a column {column}"
        assert {"converged", "accuracy", "adequacy", "outcomes"} <= set(table.columns)
        words = explained(table).set_index("column")
        assert words.unit["lower_90"] == {"rates": "share", "cells": "share"}.get(name, "logits")
        assert "90 % of the posterior inside" in words.meaning["upper_90"]


@pytest.mark.parametrize("prob", [0.5, 0.975])
def test_the_level_of_an_interval_stands_in_its_name(prob):
    fit = opened("1pl_split.nc")
    for table in (fit_tables(fit, prob=prob)["llms"], table_of(expected_pass_rate(fit, prob=prob), fit)):
        ends = [column for column in table.columns if column.startswith(("lower", "upper"))]
        assert ends == [f"lower_{100 * prob:g}", f"upper_{100 * prob:g}"]
    assert f"rank_upper_{100 * prob:g}" in fit_tables(fit, prob=prob)["agents"]


def test_a_written_table_holds_the_numbers_of_the_result():
    fit = opened("1pl_split.nc")
    table, result = fit_tables(fit)["llms"].set_index("llm"), ladder(fit, "llm_ability").to_dataframe()
    same = {
        "ability_logits": "mean",
        "sd_logits": "sd",
        "lower_90": "lower",
        "rank_upper_90": "rank_upper",
        "tasks_tried": "tasks",
    }
    for written, name in same.items():
        assert table[written].equals(result[name].rename(written)), written


def test_each_agent_and_llm_has_the_benchmarks_that_it_was_tried_on():
    fit = opened("1pl_split.nc")
    seen = fit["observed_data"].to_dataset()
    seen["trials"][0, (seen.benchmark == "left").values] = 0
    fit = fit.copy()
    fit["observed_data"] = seen
    tables = fit_tables(fit)
    on = tables["agents"].set_index("agent").benchmarks
    assert on[str(seen.agent.values[0])] == "right"
    assert set(on.drop(str(seen.agent.values[0]))) == {"left; right"}
    assert set(tables["llms"].benchmarks) == {"left; right"}


# --- of which fit ---


def test_each_table_ends_in_the_id_of_its_fit_in_memory_and_reopened(tmp_path):
    fit = opened("1pl_features.nc")
    again = [open_fit(save_fit(fit, tmp_path / f"fit{suffix}")) for suffix in (".nc", ".zarr")]
    assert {fit_id(x) for x in again} == {fit_id(fit)}
    for table in fit_tables(again[1]).values():
        assert table.columns[-1] == "fit"
        assert set(table["fit"]) == {fit_id(fit)}


def test_a_mixture_of_tables_is_seen(tmp_path):
    fit = opened("1pl_split.nc")
    edited, seeded = fit.copy(deep=True), fit.copy(deep=True)
    edited["posterior"]["difficulty"].values[0, 3, 1] += 1e-3
    seeded.attrs["seed"] = 17
    mixed = pd.concat([fit_tables(x)["tasks"] for x in (fit, edited, seeded)])
    mixed.to_csv(tmp_path / "mixed.csv", index=False)
    assert pd.read_csv(tmp_path / "mixed.csv").fit.nunique() == 3
    assert len({fit_id(opened(file)) for file in KINDS}) == len(KINDS)


def test_an_id_is_text_to_every_reader_of_tables(tmp_path):
    ids = [fit_id(opened(file)) for file in KINDS]
    pd.DataFrame({"fit": ids}).to_csv(tmp_path / "ids.csv", index=False)
    assert pd.read_csv(tmp_path / "ids.csv").fit.tolist() == ids
    assert all(re.fullmatch(r"f[0-9a-f]{9}", one) for one in ids)


# --- the snapshot's day ---


def test_whatever_is_made_of_the_snapshot_says_of_which_day_it_is():
    snapshot = load_snapshot()
    day = snapshot["observed_data"].attrs["retrieved"]
    rates = expected_pass_rate(snapshot, snapshot["posterior"].agent.values[:3], "gso")
    for result in (snapshot, rates, summarise(snapshot, "difficulty"), ladder(snapshot)):
        assert (result.attrs["kind"], result.attrs["retrieved"]) == ("snapshot", day)
    assert set(table_of(rates, snapshot).retrieved) == {day}
    assert set(fit_tables(snapshot)["tasks"].retrieved) == {day}
    assert f"the snapshot of {day}" in json.dumps(ability_ladder(snapshot).to_dict())
    assert "retrieved" not in opened("1pl_split.nc").attrs


# --- the demo's folder ---


@pytest.fixture
def quick(tmp_path):
    "A demo that takes a small fit for the snapshot and whose chart is a word."
    fit = opened("1pl_split.nc")
    fit.attrs |= dict(kind="snapshot")
    fit["observed_data"].attrs["retrieved"] = DAY
    fit = upgraded(fit)
    with ExitStack() as stack:
        for place, thing in {
            "agentirt_nb.app.demo.demo_outcomes": lambda **_: (None, "No network."),
            "agentirt_nb.irt.snapshot.load_snapshot": lambda: fit,
            "agentirt_nb.app.page.report": lambda fit, path: path.write_text("a page"),
            "agentirt_nb.app.demo.demo_charts": lambda fit: {"llms": "a chart"},
            "agentirt_nb.views.theme.save_chart": lambda chart, path: path.write_text(chart),
        }.items():
            stack.enter_context(patch(place, thing))
        stack.enter_context(chdir(tmp_path))
        yield fit


def content(folder):
    "Every file below a folder and its bytes."
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_users_report_and_tables_are_refused_before_the_work(quick, tmp_path, capsys):
    mine = tmp_path / "results"
    mine.mkdir()
    (mine / "report.json").write_text('"years of work"')
    (mine / "llms.csv").write_text("llm\nmine\n")
    before = content(tmp_path)
    with patch("agentirt_nb.app.demo.demo_outcomes", side_effect=AssertionError("worked")):
        assert main(["demo", "--out", "results"]) == 2
    said = capsys.readouterr().err
    assert re.search(r"agentirt: .*results.* is a folder with other things in it", said)
    assert content(tmp_path) == before


@pytest.mark.parametrize("name", [".", "..", "file", "file/below"])
def test_places_that_cannot_be_a_folder_of_results_are_one_sentence(quick, tmp_path, name):
    (tmp_path / "file").write_text("not a folder")
    before = content(tmp_path)
    with pytest.raises(AgentirtError) as caught:
        run_demo(name, progress=False)
    assert re.fullmatch(r"[^\n]+\.", str(caught.value))
    assert content(tmp_path) == before


def test_a_new_nested_or_an_empty_folder_is_filled_and_sealed(quick, tmp_path):
    (tmp_path / "empty").mkdir()
    for name in ("a/b/new", "empty"):
        run_demo(name, progress=False)
        refuse_broken_seal(tmp_path / name)
        assert is_sealed(tmp_path / name)
        assert is_sealed(tmp_path / name / "fit.zarr")
        assert set(pd.read_csv(tmp_path / name / "agents.csv").fit) == {fit_id(open_fit(tmp_path / name / "fit.zarr"))}
    (tmp_path / "empty" / "fit.zarr" / "agentirt.seal").unlink()  # the seal of the whole covers the seal of the part
    with pytest.raises(AgentirtError, match=r"its seal is broken \(fit.zarr/agentirt.seal\)"):
        refuse_broken_seal(tmp_path / "empty")


WRITERS = {
    "the page": "agentirt_nb.app.page.report",
    "the fit": "agentirt_nb.irt.fits.save_fit",
    "a table": "agentirt_nb.app.demo.write_table",
    "a chart": "agentirt_nb.views.theme.save_chart",
    "the README": "agentirt_nb.app.demo.write_readme",
    "the report": "agentirt_nb.app.demo.write_report",
    "the seal": "agentirt_nb.app.demo.seal",
}


def test_a_demo_stopped_while_it_writes_anything_leaves_what_was_there(quick, tmp_path, capsys):
    with patch("agentirt_nb.irt.fits.save_fit", lambda fit, path: path.write_text("a fit")):
        for earlier in (set(), {"demo"}):
            before = content(tmp_path)
            for what, place in WRITERS.items():
                with patch(place, side_effect=KeyboardInterrupt):
                    assert main(["demo", "--out", "demo"]) == 130, what
                assert content(tmp_path) == before, what
                assert {path.name for path in tmp_path.iterdir()} == earlier, what
                assert "what stood there before is whole" in capsys.readouterr().err
            run_demo("demo", progress=False)
            refuse_broken_seal(tmp_path / "demo")
    again = json.loads((tmp_path / "demo" / "report.json").read_text())
    assert (again["fit"], again["retrieved"]) == (fit_id(quick), DAY)


def test_the_readme_of_a_folder_names_each_file_and_each_column(quick, tmp_path):
    run_demo("demo", progress=False)
    text = (tmp_path / "demo" / "README.md").read_text(encoding="utf-8")
    files, columns = text.split("## Files")[1].split("## Columns")
    for path in (tmp_path / "demo").iterdir():
        assert path.name in files or path.name == "README.md", path.name
    for path in (tmp_path / "demo").glob("*.csv"):
        for column in pd.read_csv(path).columns:
            assert re.search(rf"^\| {re.escape(column)} \| .* \| .+ \|$", columns, re.MULTILINE), column
    for words in (fit_id(quick), for_shell(quick.attrs["verdict"]), DAY, "agentirt_nb 0", "written on 20"):
        assert words in text, words


def test_the_demo_refuses_its_own_folder_from_within(quick, tmp_path):
    (tmp_path / "demo" / "fit.zarr").mkdir(parents=True)
    seal(tmp_path / "demo")
    with chdir(tmp_path / "demo" / "fit.zarr"), pytest.raises(TakenPathError, match="name one inside it"):
        run_demo(tmp_path / "demo", progress=False)
    assert is_sealed(tmp_path / "demo")
