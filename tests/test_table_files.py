"""Tables as people write them: read in the one way that they can mean, or refused in a sentence that names what works."""

import json
import os
import time
import warnings
from contextlib import suppress
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as effort
from hypothesis import strategies as st
from test_cli import inside

from agentirt_nb.data.building import from_arrays, from_dicts, from_long, from_wide
from agentirt_nb.data.describing import describe
from agentirt_nb.data.joining import combine
from agentirt_nb.data.outcomes import OutcomesError, as_dates, open_outcomes, save_outcomes
from agentirt_nb.data.reading import read_outcomes
from agentirt_nb.data.reading_reports import reading_report
from agentirt_nb.data.tables import outcomes_from_table, rename_labels, suggest_names
from agentirt_nb.irt.fits import FitError, open_fit
from agentirt_nb.irt.scoring import score, score_on_bank

LOGS = os.environ.get("LOGS_FOLDER")
needs_logs = pytest.mark.skipif(not LOGS, reason="LOGS_FOLDER does not say where logs of other programs are")
FITS = Path(__file__).parent / "data" / "fits"


def quietly(call, *args, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return call(*args, **options)


def written(folder, text, name="runs.csv"):
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def totals(outcomes):
    "agents, tasks, cells run, trials, successes"
    s, n = outcomes.successes.values, outcomes.trials.values
    return [*s.shape, int((n > 0).sum()), int(n.sum()), int(s.sum())]


def long(**columns):
    return pd.DataFrame(dict(agent=["a", "a", "b", "b"], task=["x", "y"] * 2, success=[1, 0, 0, 1]) | columns)


# ---------------------------------------------------------------- the golden totals


@needs_logs
def test_logs_of_tables_have_their_golden_totals():
    folder = Path(LOGS) / "tables"
    irw = quietly(read_outcomes, folder / "irw_long.csv")
    assert totals(irw) == [5, 8, 37, 38, 19]
    assert irw.trials.sel(agent="1", task="q0") == 2  # the duplicate is told apart by its time
    booleans = quietly(read_outcomes, folder / "long_mixed_booleans.csv")
    assert totals(booleans) == [2, 4, 8, 18, 13]
    assert booleans.llm.values.tolist() == ["m1", "m2"]
    assert booleans.scaffold.values.tolist() == ["cli", "cli"]
    assert totals(read_outcomes(folder / "wide_noheader.csv")) == [6, 8, 48, 48, 21]
    r = read_outcomes(folder / "wide_r_rownames.csv")
    assert r.agent.values.tolist() == ["agent-one", "agent-two", "agent three", "agent;four"]
    assert totals(r) == [4, 12, 33, 33, 22]
    semicolons = read_outcomes(folder / "wide_semicolon_decimal_comma.csv", threshold=1)
    assert semicolons.share.values.tolist()[0] == [0.5, 1, 0]
    assert totals(semicolons) == [2, 3, 5, 5, 2]


@needs_logs
def test_logs_of_py_irt_have_their_golden_totals():
    folder = Path(LOGS) / "py_irt"
    assert totals(read_outcomes(folder / "minitest.jsonlines")) == [4, 4, 16, 16, 8]
    assert totals(read_outcomes(folder / "with_missing.jsonlines")) == [3, 6, 17, 17, 12]
    counts = read_outcomes(folder / "counts.jsonlines", share="response")
    assert totals(counts)[:3] == [2, 6, 12]
    assert counts.share.sum() == 4.5


# ---------------------------------------------------------------- counts, columns, booleans (cases 02, 08, 09)


def test_success_beside_trials_is_counts(tmp_path):
    rows = [f"{a},t{t},{s},5" for a, won in {"mini": "101001", "open": "110101"}.items() for t, s in enumerate(won)]
    read = read_outcomes(written(tmp_path, "agent,task,success,trials\n" + "\n".join(rows)))
    assert totals(read) == [2, 6, 12, 60, 7]
    assert "success is read as the number of successes in trials" in repr(reading_report(read))


def test_a_share_beside_trials_is_multiplied_and_one_that_fits_no_number_is_refused():
    read = outcomes_from_table(pd.DataFrame(dict(agent=["a", "b"], task="t", success=[0.333, 1.0], trials=3)))
    assert read.successes.values.tolist() == [[1], [3]]
    with pytest.raises(OutcomesError, match="not a whole number"):
        outcomes_from_table(pd.DataFrame(dict(agent=["a", "b"], task="t", success=[0.4, 1.0], trials=3)))


@pytest.mark.parametrize("counts", [dict(successes=[1, 0]), dict(success=[1, 0])])
def test_a_share_beside_counts_is_kept_as_the_mean_share_of_the_trials(counts):
    frame = pd.DataFrame(dict(agent="a", task="t", run=[1, 2], trials=[3, 1], share=[0.5, 0.1], cost=[1, 5], **counts))
    read = outcomes_from_table(frame)
    assert (read.successes.item(), read.trials.item(), read.share.item(), read.cost.item()) == (1, 4, 0.4, 2)
    alone = outcomes_from_table(frame.assign(task=["t", "u"]))
    assert alone.share.values.tolist() == [[0.5, 0.1]]


@pytest.mark.parametrize("trials", ["", ",trials"])
@pytest.mark.parametrize(("share", "says"), [("1.5", "a share of 1.5 is above 1"), ("-0.5", "a share of -0.5 is below 0")])
def test_a_share_that_is_none_is_refused_with_its_line(tmp_path, trials, share, says):
    head, rows = f"agent,task,success,share{trials}\n", [f"a,t{i},1,{x}{trials and ',2'}\n" for i, x in enumerate(("0.5", share))]
    with pytest.raises(OutcomesError, match=f"line 3: {says}"):
        read_outcomes(written(tmp_path, head + "".join(rows)))


def test_trials_beside_a_share_alone_are_not_passed_over_in_silence():
    read = outcomes_from_table(pd.DataFrame(dict(agent=["a", "b"], task="t", share=[0.5, 1.0], trials=4)))
    assert read.trials.values.tolist() == [[1], [1]]
    assert "trials says nothing here" in repr(reading_report(read))


def test_columns_are_recognised_named_and_those_unused_are_said(tmp_path):
    path = written(tmp_path, "Model,Test,Passed,mood\nA,t1,TRUE,x\nA,t2,NA,y\nB,t1,no,z\n")
    with pytest.warns(UserWarning, match="not used: mood"):
        read = read_outcomes(path)
    assert totals(read) == [2, 2, 2, 2, 1]
    report = reading_report(read)
    assert report.columns == {"Model": "agent", "Test": "task", "Passed": "success"}
    assert report.unused == ["mood"]
    assert report.aside == {"without an outcome (not run)": 1}
    named = quietly(read_outcomes, path, agent="mood", task="Test", success="Passed")
    assert named.agent.values.tolist() == ["x", "y", "z"]
    with pytest.raises(OutcomesError, match=r"no column 'Modell', which agent= names; did you mean 'Model'\?"):
        read_outcomes(path, agent="Modell")


def test_two_columns_that_could_be_one_thing_are_asked_for():
    with pytest.raises(OutcomesError, match="'passed' or 'correct'; say which: success='passed'"):
        outcomes_from_table(long().rename(columns={"success": "passed"}).assign(correct=1))


@pytest.mark.parametrize(
    ("text", "meant"), [("yes", 1), ("F", 0), ("Passed", 1), ("✗", 0), ("100%", 1), ("0 %", 0), ("1.0", 1), ("1e0", 1)]
)
def test_outcomes_as_text_are_read(tmp_path, text, meant):
    read = read_outcomes(written(tmp_path, f"agent,task,success\na,t,{text}\na,u,1\n"))
    assert read.successes.values[0, 0] == meant


@pytest.mark.parametrize("text", ["maybe", "inf", "-1", "1e999", "0x1", "1_0", "2", "0.5", "75%", "nan(1)"])
def test_outcomes_that_say_nothing_sure_are_refused_with_their_line(tmp_path, text):
    with pytest.raises(OutcomesError, match="line 3"):
        read_outcomes(written(tmp_path, f"agent,task,success\na,t,1\na,u,{text}\n"))


def test_partial_credit_has_three_ways(tmp_path):
    path = written(tmp_path, "agent,task,success\nA,t1,0.75\nA,t2,1\nB,t1,0\nB,t2,75%\n")
    with pytest.raises(OutcomesError, match=r"say share='success' to keep partial credit .* threshold=0.5"):
        read_outcomes(path)
    assert read_outcomes(path, threshold=0.5).successes.values.tolist() == [[1, 1], [0, 1]]
    share = read_outcomes(path, share="success")
    assert share.share.values.tolist() == [[0.75, 1], [0, 0.75]]
    assert share.successes.values.tolist() == [[0, 1], [0, 0]]
    tests = written(tmp_path, "agent,task,tests_passed,tests_run\nA,t1,3,4\n", "tests.csv")
    assert totals(read_outcomes(tests)) == [1, 1, 1, 4, 3]


def test_what_the_command_advises_about_partial_credit_works(tmp_path):
    written(tmp_path, "agent,task,success\nA,t1,0.75\nA,t2,1\nB,t1,0\nB,t2,1\n", "partial.csv")
    done = inside("fit", "partial.csv", "--out", "f.nc", "--quiet", cwd=tmp_path)
    assert "say --share 'success' to keep partial credit (and --noise quasi-binomial to fit it)" in done.stderr
    fit = ("fit", "partial.csv", "--out", "f.nc", "--quiet", "--ability", "agent", "--draws", "200")
    done = inside(*fit, "--share", "success", "--noise", "quasi-binomial", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "f.nc" in done.stdout


def test_rows_of_attempts_are_summed_and_rows_that_nothing_tells_apart_are_not(tmp_path):
    epochs = written(tmp_path, "agent,task,epoch,success\nA,t1,1,1\nA,t1,2,0\n")
    assert totals(read_outcomes(epochs)) == [1, 1, 1, 2, 1]
    same = written(tmp_path, "agent,task,success\nA,t1,1\nA,t2,1\nA,t1,0\n")
    with pytest.raises(OutcomesError, match=r"'A' and task 't1' meet in lines 2, 4, .* repeats='sum'"):
        read_outcomes(same)
    assert totals(read_outcomes(same, repeats="sum")) == [1, 2, 2, 3, 2]
    again = written(tmp_path, "agent,task,epoch,success\nA,t1,1,1\nA,t1,1,0\n")
    with pytest.raises(OutcomesError, match="lines 2, 3"):
        read_outcomes(again)


def test_layers_of_repeated_runs_are_averaged():
    read = outcomes_from_table(
        pd.DataFrame(dict(agent="a", task="t", run=[1, 2], success=[1, 0], cost=[1.0, 3.0], tokens=[None, 5]))
    )
    assert [read.cost.item(), read.tokens.item()] == [2, 5]


def test_wide_tables_of_r_and_pandas_are_read(tmp_path):
    read = read_outcomes(written(tmp_path, '"","q1","q2","q3"\n"s1",1,NA,0\n"s3",1,1,1\n'))
    assert totals(read) == [2, 3, 5, 5, 4]
    assert read.trials.sel(agent="s1", task="q2") == 0
    frame = pd.DataFrame([[1, np.nan], [True, "NA"]], index=["a", "b"], columns=["x", "y"])
    assert totals(outcomes_from_table(frame)) == [2, 2, 2, 2, 2]
    turned = read_outcomes(written(tmp_path, "task;A;B\nt1;1;0\nt2;0;0\nt3;1;1\n"))
    assert turned.agent.values.tolist() == ["A", "B"]
    assert totals(turned) == [2, 3, 6, 6, 3]
    bare = read_outcomes(written(tmp_path, "1,0,0\n0,1,1\n"))
    assert totals(bare) == [2, 3, 6, 6, 3]
    assert "no line of names" in repr(reading_report(bare))


def test_json_lines_of_py_irt_and_of_records_are_read(tmp_path):
    rows = {"s1": [1, 0, 1, 0], "s2": [1, 1, 0, 0], "s3": [1, 1, 1, 1], "s4": [0, 0, 0, 0]}
    lines = [json.dumps(dict(subject_id=s, responses={f"q{i}": v for i, v in enumerate(r)})) for s, r in rows.items()]
    read = read_outcomes(written(tmp_path, "\n".join(lines), "a.jsonlines"))
    assert read.successes.sum("task").values.tolist() == [2, 2, 4, 0]
    records = "\n".join(json.dumps(dict(model="m", item=f"t{i}", correct=bool(i))) for i in range(3))
    assert totals(read_outcomes(written(tmp_path, records, "b.jsonl"))) == [1, 3, 3, 3, 2]


def test_a_frame_of_polars_or_arrow_is_read_by_what_it_gives():
    class Arrow:
        def to_pydict(self):
            return dict(agent=["a", "b"], task=["t", "t"], success=[True, None])

    assert totals(outcomes_from_table(Arrow())) == [2, 1, 1, 1, 1]


def test_polars_and_parquet_are_read(tmp_path):
    pl = pytest.importorskip("polars")
    frame = pl.DataFrame(dict(agent=["a", "b"], task=["t", "t"], success=[True, None]))
    assert totals(outcomes_from_table(frame)) == totals(outcomes_from_table(frame.lazy())) == [2, 1, 1, 1, 1]
    frame.write_parquet(tmp_path / "a.parquet")
    frame.write_ipc(tmp_path / "a.arrow")
    pytest.importorskip("pyarrow")
    for name in ("a.parquet", "a.arrow"):
        assert totals(read_outcomes(tmp_path / name)) == [2, 1, 1, 1, 1]
    with pytest.raises(OutcomesError, match="is no parquet file"):
        read_outcomes(written(tmp_path, b"PAR1 nothing", "b.parquet"))


def test_what_is_not_installed_is_said(tmp_path):
    try:
        import pyarrow  # noqa: F401
    except ImportError:
        with pytest.raises(OutcomesError, match=r"needs pyarrow, which is not installed; install agentirt_nb\[tables\]"):
            read_outcomes(written(tmp_path, b"PAR1", "a.parquet"))


# ---------------------------------------------------------------- dates (case 04)


@pytest.mark.parametrize(
    "day", [20250227, 1740614400, 1740614400000, "20250227", "1740614400", "2025-02-27", "27 Feb 2025", 20250227.0]
)
def test_a_date_given_as_a_number_is_that_day(day):
    assert from_long(long(date=day)).date.values.astype("M8[D]").astype(str).tolist() == ["2025-02-27"] * 2


def test_decimal_years_are_dates():
    assert from_long(long(date=2025.5)).date.values.astype("M8[D]").astype(str).tolist() == ["2025-07-02"] * 2


@pytest.mark.parametrize(
    "day", [45715, 5, -1.0, 10**400, True, "2025.05", "10:05", "today", "27/02/25", np.inf, [1], "20251345", 20251345]
)
def test_what_may_be_another_date_or_none_is_refused(day):
    with pytest.raises(OutcomesError):
        from_long(long(date=[day] * 4))


def test_day_first_and_month_first_are_decided_for_a_column_as_a_whole():
    first = as_dates(["02/03/2025", "13/03/2025"], ["a", "b"])
    assert first.astype("M8[D]").astype(str).tolist() == ["2025-03-02", "2025-03-13"]
    with pytest.raises(OutcomesError, match="may begin with the day or the month"):
        as_dates(["02/03/2025"], ["a"])
    with pytest.raises(OutcomesError, match="begins with the day, '03/13/2025' with the month"):
        as_dates(["13/03/2025", "03/13/2025"], ["a", "b"])


@pytest.mark.parametrize("reader", [from_long, outcomes_from_table])
def test_the_same_day_in_two_forms_is_one_day_and_two_days_are_two(reader):
    for days in (["2025-02-27", "27 Feb 2025"], ["2025-02-27 10:05", "2025-02-27 11:35"], [20250227, "2025-02-27"]):
        read = reader(long(date=[*days, None, None]))
        assert read.date.values.astype("M8[D]").astype(str).tolist() == ["2025-02-27", "NaT"]
    with pytest.raises(OutcomesError, match="two values of 'date'"):
        reader(long(date=["2025-02-27", "2025-02-28", None, None]))


# ---------------------------------------------------------------- names (case 07)


@pytest.mark.parametrize("word", ["undisclosed", "Unknown", "N/A", "None", "-", "?", " ", None, pd.NA])
def test_placeholders_mean_undisclosed_everywhere(word):
    table = long(llm=[word, word, "GPT", "GPT"], scaffold=word)
    for read in (from_long(table), outcomes_from_table(table)):
        assert read.llm.values.tolist() == ["", "GPT"]
        assert read.scaffold.values.tolist() == ["", ""]
    agents = pd.DataFrame(dict(llm=[word]), index=["a"])
    assert from_arrays([[1]], agents=agents, tasks=["t"]).llm.values.tolist() == [""]


def test_placeholders_read_as_undisclosed_are_said():
    read = outcomes_from_table(long(llm=["undisclosed"] * 2 + ["GPT"] * 2))
    assert "llm 'undisclosed': read as undisclosed." in reading_report(read).notes


def test_names_that_may_be_one_are_suggested_edited_and_fed_back():
    names = ["GPT-5", "gpt-5", "openai/gpt-5", "GРT-5", "GPT 5", "ＧＰＴ-5", "GPT-5.1", "GPT-5-mini"]
    agents = pd.DataFrame(dict(llm=names), index=[f"agent {i}" for i in range(8)])
    outcomes = from_arrays(np.ones((8, 2)), agents=agents, tasks=["x", "y"])
    table = suggest_names(outcomes)
    assert set(table.name) == {"gpt-5", "openai/gpt-5", "GРT-5", "GPT 5", "ＧＰＴ-5"}
    assert set(table.suggestion) == {"GPT-5"}
    assert dict(zip(table.name, table.why, strict=True)) == {
        "gpt-5": "capitals",
        "openai/gpt-5": "a provider in front",
        "GРT-5": "look-alike characters",
        "GPT 5": "blanks, hyphens or other marks",
        "ＧＰＴ-5": "another Unicode form",
    }
    table.loc[table.name == "gpt-5", "suggestion"] = ""
    assert set(rename_labels(outcomes, table).llm.values) == {"GPT-5", "gpt-5", "GPT-5.1", "GPT-5-mini"}
    with pytest.raises(OutcomesError, match="There is no llm 'GPT-9'"):
        rename_labels(outcomes, table.assign(name="GPT-9"))


def test_agents_that_become_one_are_summed_or_refused():
    outcomes = from_long(long(llm=["G", "G", "H", "H"]))
    both = pd.DataFrame([("agent", "b", "a")], columns=["kind", "name", "suggestion"])
    with pytest.raises(OutcomesError, match="two values of 'llm'"):
        rename_labels(outcomes, both)
    one = rename_labels(from_long(long()), both)
    assert one.successes.values.tolist() == [[1, 1]]
    assert one.trials.values.tolist() == [[2, 2]]


# ---------------------------------------------------------------- several files, groups apart (cases 05, 06)


def campaign(folder):
    rng = np.random.default_rng(0)
    paths = []
    for name in ("first", "second"):
        rows = [f"m{m},{name}-{t},{int(rng.random() < m / 5)},{name}" for m in range(1, 5) for t in range(20)]
        paths.append(written(folder, "agent,task,success,benchmark\n" + "\n".join(rows) + "\n", f"{name}.csv"))
    whole = paths[0].read_text() + paths[1].read_text().split("\n", 1)[1]
    return *paths, written(folder, whole, "both.csv")


def test_files_of_one_campaign_are_as_one_file(tmp_path):
    first, second, whole = campaign(tmp_path)
    together, one = read_outcomes([first, second]), read_outcomes(whole)
    assert together.attrs["content_hash"] == one.attrs["content_hash"]
    assert len(reading_report(together).files) == 2
    with pytest.raises(OutcomesError, match="hold the same outcomes; give them once"):
        read_outcomes([first, first])
    apart = combine([read_outcomes(first), read_outcomes(second)])
    assert apart.sizes["agent"] == 8


def test_agents_of_tables_far_apart_are_told_to_be_the_same(tmp_path):
    for i, agents in enumerate(("ab", "cd", "ae", "fg")):  # the first and the third have one in common
        rows = [f"{agent},t{i}{t},{t % 2},b{i}" for agent in agents for t in range(4)]
        written(tmp_path, "agent,task,success,benchmark\n" + "\n".join(rows) + "\n", f"{i}.csv")
    done = inside("fit", *(f"{i}.csv" for i in range(4)), "--out", "f.nc", "--ability", "agent", "--draws", 50, cwd=tmp_path)
    assert "agents of several tables are the same agents: a (--agents-apart keeps them apart)" in done.stderr


def test_the_command_joins_files_of_one_campaign_and_says_so(tmp_path):
    campaign(tmp_path)
    options = ("--quiet", "--ability", "agent", "--draws", "200", "--check", "off")
    done = inside("fit", "first.csv", "second.csv", "--out", "a.nc", *options, cwd=tmp_path)
    assert "the same agents: m1, m2, m3, m4 (--agents-apart keeps them apart)" in done.stderr
    assert "4 agents on 40 tasks" in done.stdout
    done = inside("fit", "first.csv", "second.csv", "--out", "a.nc", "--agents-apart", *options, cwd=tmp_path)
    assert "8 agents on 40 tasks" in done.stdout


def test_groups_that_share_no_task_are_said_by_describe_and_by_the_report(tmp_path):
    rows = [f"lab{lab}-a{a},lab{lab}-t{t},{(a + t) % 2}" for lab in (0, 1) for a in range(3) for t in range(4)]
    read = read_outcomes(written(tmp_path, "agent,task,success\n" + "\n".join(rows)))
    says = "The agents fall into 2 groups (3, 3 agents) that share no task, even indirectly"
    assert any(text.startswith(says) for text in describe(read).sentences())
    assert says in repr(reading_report(read))
    linked = read_outcomes(written(tmp_path, "agent,task,success\n" + "\n".join([*rows, "lab0-a0,lab1-t0,1"])))
    assert says not in repr(describe(linked)) + repr(reading_report(linked))


def test_a_report_is_kept_with_saved_outcomes_and_is_there_for_a_notebook(tmp_path):
    read = quietly(outcomes_from_table, long(mood="<b>").rename(columns={"agent": "Model"}))
    kept = open_outcomes(save_outcomes(read, tmp_path / "a.zarr"))
    assert reading_report(kept) == reading_report(read)
    assert "<td>mood</td>" in reading_report(kept)._repr_html_()
    with pytest.raises(OutcomesError, match="hold no reading report"):
        reading_report(from_dicts({"a": {"x": 1}}))


# ---------------------------------------------------------------- score (cases 10, 13)


@pytest.fixture(scope="module")
def fitted():
    return quietly(open_fit, FITS / "1pl_split.nc")


def test_results_that_contradict_the_fit_are_refused(fitted):
    observed = fitted.observed_data
    agent, task = str(observed.agent.values[0]), str(observed.task.values[0])
    benchmark = str(observed.benchmark.values[0])
    results = lambda **about: from_arrays(
        [[1]], agents=pd.DataFrame(about, index=[agent]), tasks=pd.DataFrame(dict(benchmark=[benchmark]), index=["a new task"])
    )
    llm = str(observed.llm.values[0])
    with pytest.raises(FitError, match=f"agent '.*' has two values of 'llm', '{llm}' in the fit and 'GPT-99' in the results"):
        score(fitted, results(llm=["GPT-99"]))
    with pytest.raises(FitError, match="two values of 'scaffold'"):
        score(fitted, results(scaffold=["Nobody's"]))
    assert "a new task" in quietly(score, fitted, results(llm=["undisclosed"])).posterior.task.values
    of_another = from_arrays([[1]], agents=["new"], tasks=pd.DataFrame(dict(benchmark=["another"]), index=[task]))
    with pytest.raises(FitError, match="two values of 'benchmark'"):
        score(fitted, of_another)
    if "unnamed" not in observed.benchmark.values:
        with pytest.raises(FitError, match="task 'n1' is new and has no benchmark"):
            score(fitted, from_arrays([[1]], agents=["new"], tasks=["n1"]))


def test_a_new_agent_is_scored_on_published_difficulties(tmp_path):
    bank = pd.DataFrame(dict(item=["x", "y", "z"], b=[1.5, 2.0, 1.0]))
    results = from_arrays([[1, 0, 1], [1, 1, 1]], agents=["new", "all"], tasks=["x", "y", "z"])
    found = score_on_bank(bank, results).sel(agent="new")
    due = dict(likeliest=2.221, likeliest_se=1.247, warm=2.042, mean=0.885, sd=0.791)
    assert {name: round(found[name].item(), 3) for name in due} == due
    assert np.isinf(score_on_bank(bank, results).likeliest.sel(agent="all"))
    twice = score_on_bank(bank.assign(a=2.0), results).sel(agent="new")  # by SciPy's root of Σ a (x − p)
    from scipy.optimize import brentq

    root = brentq(lambda t: sum(x - 1 / (1 + np.exp(-2 * (t - b))) for x, b in zip([1, 0, 1], bank.b, strict=True)), -9, 9)
    assert abs(twice.likeliest.item() - root) < 1e-4
    for wrong in (bank.assign(b=np.inf), bank.assign(b="x"), bank.assign(a=0), bank[:1], bank.assign(item="x"), [1]):
        with pytest.raises(FitError):
            score_on_bank(wrong, results)
    bank.to_csv(tmp_path / "bank.csv", index=False)
    written(tmp_path, "agent,task,success\nnew,x,1\nnew,y,0\nnew,z,1\n", "new.csv")
    done = inside("score", "bank.csv", "new.csv", "--out", "-", cwd=tmp_path)
    assert "new,2.2209,1.2471,2.0423,0.8850,0.7910" in done.stdout
    bank.rename(columns=dict(item="item_id")).assign(topic="algebra").to_csv(tmp_path / "bank.csv", index=False)
    assert inside("score", "bank.csv", "new.csv", "--out", "-", cwd=tmp_path).stdout == done.stdout


# ---------------------------------------------------------------- hostility


HOSTILE = [
    pd.NA,
    None,
    [1],
    {"a": 1},
    {1},
    b"x",
    10**400,
    -(10**400),
    np.inf,
    np.nan,
    "inf",
    "NaN",
    "",
    " ",
    "\ud800",
    "x" * 300,
    1e308,
    object(),
]


@pytest.mark.parametrize("column", ["agent", "task", "success", "trials", "llm", "date", "benchmark", "cost", "run", "score"])
def test_hostile_values_end_in_an_error_of_ours_or_none(column):
    for i, value in enumerate(HOSTILE):
        table = long().assign(**{column: pd.Series([value] * 4 if i % 2 else [value, *long().task[1:]], dtype=object)})
        for reader in (from_long, outcomes_from_table):
            try:
                quietly(reader, table)
            except OutcomesError as error:
                assert len(str(error)) < 700


@pytest.mark.parametrize("value", HOSTILE, ids=lambda v: f"{type(v).__name__}")
def test_hostile_cells_of_matrices_and_dicts_end_in_an_error_of_ours_or_none(value):
    for call in (
        lambda: from_dicts({"a": {"x": value, "y": 1}}),
        lambda: from_dicts({"a": {"x": {"successes": value, "trials": value}, "y": 1}}),
        lambda: from_arrays([[value, 1]], agents=["a"], tasks=["x", "y"]),
        lambda: from_arrays([[1, 1]], [[value, 1]], agents=["a"], tasks=["x", "y"]),
        lambda: from_arrays([[1], [1, 0]], agents=["a", "b"], tasks=["x", "y"]),
        lambda: from_wide(pd.DataFrame([[value, 1]], index=["a"], columns=["x", "y"], dtype=object)),
        lambda: from_arrays([[1]], agents=pd.DataFrame({"llm": pd.Series([value], ["a"], dtype=object)}), tasks=["x"]),
    ):
        try:
            quietly(call)
        except OutcomesError as error:
            assert len(str(error)) < 700


@pytest.mark.parametrize(
    "content", ["agent,task,success\nä,t,1\n".encode("latin-1"), "agent,task,success\na,t,1\n".encode("utf-16"), b"\0\1\2", b""]
)
def test_other_encodings_are_refused(tmp_path, content):
    with pytest.raises(OutcomesError):
        read_outcomes(written(tmp_path, content))


def test_a_file_with_a_mark_of_its_encoding_is_read(tmp_path):
    assert totals(read_outcomes(written(tmp_path, "\ufeffagent,task,success\nä,t,1\n".encode()))) == [1, 1, 1, 1, 1]


def test_very_wide_tables_take_time_by_their_width(tmp_path):
    def seconds(n):
        header = ",".join(["agent", *(f"t{i}" for i in range(n))])
        path = written(tmp_path, header + "\n" + "\n".join(",".join([a, *["1", "0"] * (n // 2)]) for a in "ab"))
        start = time.process_time()
        assert read_outcomes(path).sizes["task"] == n
        return time.process_time() - start

    seconds(100)
    assert seconds(12_000) < 12 * seconds(3_000) + 1  # four times the width; by the square it would be sixteen


WORDS = st.sampled_from(
    ["agent", "task", "success", "trials", "llm", "date", "Model", "passed", "", "id", "epoch", "t1", "t2", "score", "share"]
)
CELLS = st.one_of(
    st.sampled_from(["", "1", "0", "NA", "TRUE", "0.5", "50%", "a", "b", "2025-01-01", "02/03/2025", "5", "inf"]),
    st.text(max_size=4),
)


@effort(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.lists(st.one_of(WORDS, CELLS), min_size=1, max_size=5), min_size=1, max_size=5), st.sampled_from(",;\t"))
def test_any_text_for_a_table_ends_in_outcomes_or_an_error_of_ours(tmp_path, rows, mark):
    path = written(tmp_path, "\n".join(mark.join(row) for row in rows).encode("utf-8", "surrogatepass"))
    for options in ({}, {"threshold": 0.5, "repeats": "sum"}):
        with suppress(OutcomesError):
            reading_report(quietly(read_outcomes, path, **options))


VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=3), st.lists(st.integers(), max_size=1), st.just(pd.NA)
)


@effort(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data(), st.lists(WORDS, min_size=1, max_size=5, unique=True), st.integers(1, 4))
def test_any_frame_ends_in_outcomes_or_an_error_of_ours(data, columns, rows):
    frame = pd.DataFrame({c: pd.Series(data.draw(st.lists(VALUES, min_size=rows, max_size=rows)), dtype=object) for c in columns})
    for reader in (outcomes_from_table, from_long):
        with suppress(OutcomesError):
            quietly(reader, frame)


@effort(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.lists(
        st.one_of(
            st.dictionaries(
                st.sampled_from(["subject_id", "responses", "item", "agent", "success"]), VALUES.filter(lambda v: v is not pd.NA)
            ),
            st.integers(),
        ),
        min_size=1,
        max_size=4,
    )
)
def test_any_records_end_in_outcomes_or_an_error_of_ours(tmp_path, records):
    path = written(tmp_path, "\n".join(map(json.dumps, records)), "a.jsonl")
    with suppress(OutcomesError):
        quietly(read_outcomes, path)
