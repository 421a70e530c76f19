"""Bad tables, bad files and bad servers: each gets one clear sentence, and nothing is left half done."""

import hashlib
import json
import os
import pickle
import shutil
import signal
import subprocess
import sys
import textwrap
import threading
import warnings
from functools import partial
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import HealthCheck, given
from hypothesis import settings as effort
from hypothesis import strategies as st

from agentirt_nb.data import building, describing, joining
from agentirt_nb.data import leaderboards as lb
from agentirt_nb.data import outcomes as oc
from agentirt_nb.files import seal
from agentirt_nb.messages import cleaned

FORMATS = ["saved.zarr", "saved.nc"]


def small(**changes) -> xr.Dataset:
    """Two agents on three tasks, one cell missing."""
    arguments = {
        "agents": pd.DataFrame({"llm": ["A", ""], "date": ["2025-01-31", None]}, index=["one", "two"]),
        "tasks": ["x", "y", "z"],
        "benchmark": "toy",
        "cost": [[0.5, np.nan, 1.0], [2.0, 0.0, np.nan]],
        "attrs": {"source": "here", "licence": "MIT"},
    }
    return building.from_arrays([[1, 0, np.nan], [0, 1, 1]], **(arguments | changes))


# ---------------------------------------------------------------- bad tables

LONG = pd.DataFrame({"agent": ["a", "a", "b", "b"], "task": ["x", "y", "x", "y"], "success": [1, 0, 1, 0], "n": 1})
BAD_TABLES = {
    "duplicate rows": (
        lambda: building.from_long(pd.concat([LONG, LONG.iloc[[1, 2]]], ignore_index=True)),
        "Agent 'a' and task 'y' meet in rows 1, 4 (counted from 0), and 1 more",
    ),
    "duplicates after trimming": (
        lambda: building.from_long(LONG.assign(task=["x", " x", "x", "y"])),
        "Agent 'a' and task 'x' meet in rows 0, 1",
    ),
    "successes above trials": (
        lambda: building.from_long(LONG.assign(success=[1, 3, 0, 0], n=2), trials="n"),
        "3 successes in 2 trials of agent 'a' on task 'y'",
    ),
    "count in a binary column": (
        lambda: building.from_long(LONG.assign(success=[1, 0, 2, 0])),
        "The outcome 2 in row 2 (counted from 0; agent 'b', task 'x') is neither 0 nor 1",
    ),
    "partial credit as success": (
        lambda: building.from_wide(pd.DataFrame({"x": [0.5]}, index=["a"])),
        "The outcome 0.5 of agent 'a' on task 'x' is neither 0 nor 1",
    ),
    "text as outcome": (
        lambda: building.from_long(LONG.assign(success=["1", "pass", "0", "1"])),
        "The outcome '1' in row 0",
    ),
    "infinite": (
        lambda: building.from_arrays([[np.inf]], agents=["a"], tasks=["x"]),
        "The outcome inf of agent 'a' on task 'x' is neither 0 nor 1",
    ),
    "negative trials": (
        lambda: building.from_arrays([[0]], [[-1]], agents=["a"], tasks=["x"]),
        "trials -1 of agent 'a' on task 'x' is not a whole number of 0 or more",
    ),
    "negative successes": (
        lambda: building.from_dicts({"a": {"x": {"successes": -1, "trials": 2}}}),
        "successes -1 of agent 'a' on task 'x'",
    ),
    "half a trial": (
        lambda: building.from_arrays([[1]], [[2.5]], agents=["a"], tasks=["x"]),
        "trials 2.5 of agent 'a' on task 'x'",
    ),
    "trials beyond int32": (
        lambda: building.from_arrays([[1]], [[2.0**40]], agents=["a"], tasks=["x"]),
        "is not a whole number of 0 or more",
    ),
    "successes without number": (
        lambda: building.from_arrays([[np.nan]], [[5]], agents=["a"], tasks=["x"]),
        "5 trials of agent 'a' on task 'x' have no number of successes",
    ),
    "score above 1": (
        lambda: small(score=[[0, 0, 1.5], [0, 0, 0]]),
        "The score 1.5 of agent 'one' on task 'z' must be from 0 to 1",
    ),
    "negative cost": (
        lambda: small(cost=[[0, 0, 0], [0, -2, 0]]),
        "The cost -2 of agent 'two' on task 'y' must be 0 or more",
    ),
    "no rows": (lambda: building.from_long(LONG.iloc[:0]), "The table has no rows"),
    "no column": (lambda: building.from_long(LONG, success="sucess"), "did you mean 'success'?"),
    "no agent": (lambda: building.from_dicts({}), "There is no agent in this selection"),
    "no task": (lambda: building.from_dicts({"a": {}}), "There is no task in this selection"),
    "label missing": (
        lambda: building.from_long(LONG.assign(agent=["a", None, "b", "b"])),
        "Row 1 (counted from 0) has no 'agent'",
    ),
    "label twice": (
        lambda: building.from_wide(pd.DataFrame([[1], [0]], index=["a", "a"], columns=["x"])),
        "The agent 'a' is there more than once (positions 0 and 1",
    ),
    "labels that look alike": (
        lambda: building.from_dicts({"a\0b": {"x": 1}, "ab": {"x": 1}}),
        "'a\\x00b' and 'ab' differ only in characters that nobody sees; rename one",
    ),
    "shape": (
        lambda: building.from_arrays([[1, 0]], agents=["a", "b"], tasks=["x"]),
        "successes has shape (1, 2), but there are 2 agents and 1 tasks",
    ),
    "shape of a layer": (lambda: small(cost=[1, 2]), "cost has shape (2,)"),
    "a date that is none": (
        lambda: small(agents=pd.DataFrame({"date": ["2025-01-31", "31/31"]}, index=["one", "two"])),
        "The date '31/31' of 'two' is not a date",
    ),
    "facts disagree": (
        lambda: building.from_long(LONG.assign(llm=["A", "B", "C", "C"])),
        "agent 'a' has two values of 'llm', 'A' and 'B'",
    ),
    "facts lack an agent": (
        lambda: building.from_long(LONG, agents=pd.DataFrame({"llm": ["A"]}, index=["a"])),
        "The table about agents has no row for 'b'",
    ),
    "keys of a dict": (
        lambda: building.from_dicts({"a": {"x": {"passed": 1}}}),
        "has the keys ['passed'], but needs 'successes' and 'trials'",
    ),
    "outcome of an agent": (lambda: building.from_dicts({"a": 1}), "Agent 'a' has 1, but needs a dict"),
    "a list of facts": (lambda: building.from_long(LONG, agents=["a", "b"]), "must be a pandas DataFrame, not a list"),
    "not a table": (lambda: building.from_wide([[1]]), "The wide table must be a pandas DataFrame, not a list"),
    "a year beyond reach": (
        lambda: small(agents=pd.DataFrame({"date": ["2025-01-31", "3025-01-31"]}, index=["one", "two"])),
        "of 'two' is not a date from 1678 to 2261",
    ),
    "a feature in words": (
        lambda: small(features=pd.DataFrame({"length": [1, "long", 2]}, index=list("xyz"))),
        "The value 'long' of task 'y' on feature 'length' is not a number",
    ),
    "nothing to combine": (lambda: joining.combine([]), "There is nothing to combine"),
    "one agent twice": (lambda: joining.combine([small(), small()]), "Agent 'toy/one' is in 2 of the datasets"),
    "tasks disagree": (
        lambda: joining.combine(
            [
                small(tasks=pd.DataFrame({"group": ["g", "", ""]}, index=["x", "y", "z"])),
                building.from_dicts({"me": {"x": 1}}, benchmark="toy", tasks=pd.DataFrame({"group": ["h"]}, index=["x"])),
            ]
        ),
        "disagree about 'group' of task 'x': 'g', 'h'",
    ),
}


@pytest.mark.parametrize("name", BAD_TABLES)
def test_bad_table_gets_one_clear_sentence(name):
    build, sentence = BAD_TABLES[name]
    with pytest.raises(oc.OutcomesError) as caught:
        build()
    message = str(caught.value)
    assert sentence in message
    assert "\n" not in message
    assert len(message) < 400
    assert "np." not in message


BAD_DATASETS = {
    "not a dataset": (lambda ds: ds.trials, "an xarray.Dataset, not a DataArray"),
    "no trials": (lambda ds: ds.drop_vars("trials"), "no variable 'trials'"),
    "one task": (lambda ds: ds.sel(task="x"), "keep it a list"),
    "a third dim": (lambda ds: ds.expand_dims(run=[0, 1]), "has dims"),
    "no llm": (lambda ds: ds.drop_vars("llm"), "The coordinate 'llm' on 'agent' is missing"),
    "no labels": (lambda ds: ds.drop_vars("agent"), "The coordinate 'agent' on 'agent' is missing"),
    "llm of tasks": (lambda ds: ds.drop_vars("llm").assign_coords(llm=("task", list("abc"))), "has dims ('task',)"),
    "no benchmark": (lambda ds: ds.assign_coords(benchmark=("task", ["", "b", "b"])), "The task 'x' has no benchmark"),
    "empty": (lambda ds: ds.sel(task=ds.benchmark == "none"), "There is no task in this selection"),
    "label twice": (lambda ds: ds.isel(agent=[0, 0]), "is there more than once"),
    "other dims": (lambda ds: ds.assign(size=("task", [1, 2, 3])), "so use ds.set_coords"),
    "table as coordinate": (lambda ds: ds.set_coords("cost"), "a table over agents and tasks is a variable"),
    "slash": (lambda ds: ds.assign_coords({"a/b": ("agent", [1, 2])}), "no '/' in its name"),
    "float": (lambda ds: ds.assign(trials=ds.trials * 0.5), "is not a whole number"),
    "nan": (lambda ds: ds.assign(trials=ds.trials.where(ds.trials > 0)), "trials nan of agent 'one' on task 'z'"),
    "more successes": (lambda ds: ds.assign(successes=ds.successes + 1), "2 successes in 1 trials"),
}


@pytest.mark.parametrize("name", BAD_DATASETS)
def test_validate_names_the_fault(name):
    change, sentence = BAD_DATASETS[name]
    with pytest.raises(oc.OutcomesError) as caught:
        oc.validate(change(small()))
    assert sentence in str(caught.value)


def test_missing_is_never_failure():
    ds = small()
    assert ds.trials.sel(agent="one", task="z").item() == 0
    assert describing.describe(ds).data.agent_pass_rate.sel(agent="one").item() == 0.5


def test_validate_leaves_its_argument_alone():
    ds = small()
    before = ds.copy(deep=True)
    ds.attrs["content_hash"] = "stale"
    assert oc.validate(ds.transpose()).attrs["content_hash"] == before.attrs["content_hash"]
    assert ds.attrs["content_hash"] == "stale"


def test_disconnected_graph_warns_and_names_the_components():
    agents = pd.DataFrame({"llm": ["L1", "L1", "L2", ""], "scaffold": ["S1", "S2", "S3", "S4"]}, index=list("abcd"))
    ds = building.from_arrays(np.ones((4, 1)), agents=agents, tasks=["x"])
    with pytest.warns(UserWarning, match=r"3 components: \[0\] LLMs L1 with scaffolds S1, S2; \[1\] LLMs L2 with") as w:
        described = describing.describe(ds)
    assert len(w) == 1
    assert describing.components(ds).values.tolist() == [0, 0, 1, 2]
    assert described.data.component.values.tolist() == [0, 0, 1, 2]
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        describing.describe(ds.isel(agent=[0, 1]))


# ---------------------------------------------------------------- bad files


@pytest.mark.parametrize("name", FORMATS)
def test_round_trip_keeps_everything(tmp_path, name):
    ds = small(features=pd.DataFrame({"length": [1.5, 2.0, np.nan]}, index=list("xyz")))
    again = oc.open_outcomes(oc.save_outcomes(ds, tmp_path / name))
    xr.testing.assert_identical(again, ds)
    assert {n: v.dtype for n, v in again.variables.items()} == {n: v.dtype for n, v in ds.variables.items()}
    assert [p.name for p in tmp_path.iterdir()] == [name]
    with pytest.raises(OSError, match=r"There is no folder"):
        oc.save_outcomes(ds, tmp_path / "absent" / name)


def test_hash_changes_with_every_cell_and_name():
    ds = small()
    other = [
        ds.assign(successes=ds.successes.where(ds.task != "y", 0)),
        ds.assign(trials=ds.trials + 1),
        ds.assign(cost=ds.cost.fillna(0)),
        ds.assign_coords(llm=("agent", ["A", "A"])),
        ds.assign_coords(date=("agent", np.array(["2025-01-31", "2025-01-31"], "datetime64[ns]"))),
        ds.isel(agent=[1, 0]),
    ]
    hashes = {oc.content_hash(d) for d in [ds, *other]}
    assert len(hashes) == 1 + len(other)
    assert oc.content_hash(ds.assign_attrs(source="elsewhere")) == oc.content_hash(ds)


@pytest.mark.parametrize("name", FORMATS)
def test_cut_short_or_changed_file(tmp_path, name):
    path = oc.save_outcomes(small(), tmp_path / name)
    parts = [p for p in ([path] if path.is_file() else sorted(path.rglob("*"))) if p.is_file()]
    for part in parts:
        whole = part.read_bytes()
        for bad in (whole[: len(whole) // 2], b"", whole[:-1], b"\0" * len(whole)):
            part.write_bytes(bad)
            try:
                again = oc.open_outcomes(path)
            except oc.OutcomesError as error:
                assert str(path) in str(error)
                assert "\n" not in str(error)
            else:  # padding at the end may be lost without harm
                assert oc.content_hash(again) == oc.content_hash(small())
        part.write_bytes(whole)
    xr.testing.assert_identical(oc.open_outcomes(path), small())


def test_any_wrong_byte_in_netcdf_is_noticed(tmp_path):
    """Without the seal some of them send the HDF5 library into an endless loop."""
    path = oc.save_outcomes(small(), tmp_path / "saved.nc")
    whole = path.read_bytes()
    rng = np.random.default_rng(0)
    for place in rng.integers(0, len(whole) - 100, 200):
        damaged = bytearray(whole)
        damaged[place] ^= int(rng.integers(1, 256))
        path.write_bytes(damaged)
        with pytest.raises(oc.OutcomesError, match="its seal is broken"):
            oc.open_outcomes(path)
    path.write_bytes(whole)
    assert xr.load_dataset(path, engine="h5netcdf").sizes == {"agent": 2, "task": 3}  # others do not mind it


def test_zarr_that_lost_a_chunk(tmp_path):
    path = oc.save_outcomes(small(), tmp_path / "saved.zarr")
    (path / "successes" / "c" / "0" / "0").unlink()  # zarr itself reads zeros there
    with pytest.raises(oc.OutcomesError, match=r"its seal is broken \(successes/c/0/0\)"):
        oc.open_outcomes(path)
    seal(path)  # who takes a piece away can seal what is left
    with pytest.raises(oc.OutcomesError, match="content hash differs"):
        oc.open_outcomes(path)


def test_edited_cell_is_noticed(tmp_path):
    path = oc.save_outcomes(small(), tmp_path / "saved.nc")
    ds = xr.load_dataset(path, engine="h5netcdf")
    ds["successes"][0, 0] = 0
    ds.to_netcdf(tmp_path / "edited.nc", engine="h5netcdf")
    with pytest.raises(oc.OutcomesError, match="content hash differs"):
        oc.open_outcomes(tmp_path / "edited.nc")


@pytest.mark.parametrize("name", FORMATS)
def test_not_outcomes(tmp_path, name):
    path = tmp_path / name
    with pytest.raises(oc.OutcomesError, match="There is no file"):
        oc.open_outcomes(path)
    path.write_text("agent,task,success\n")
    with pytest.raises(oc.OutcomesError, match="cannot be read as outcomes"):
        oc.open_outcomes(path)
    path.unlink()
    path.mkdir()
    with pytest.raises(oc.OutcomesError, match="cannot be read as outcomes"):
        oc.open_outcomes(path)
    other = xr.Dataset({"temperature": ("time", [1.0])})
    if path.suffix == ".zarr":
        other.to_zarr(path, mode="w", zarr_format=3, consolidated=False)
    else:
        path.rmdir()
        other.to_netcdf(path, engine="h5netcdf")
    with pytest.raises(oc.OutcomesError, match="no variable 'successes'"):
        oc.open_outcomes(path)
    with pytest.raises(oc.OutcomesError, match=r"must end in \.zarr"):
        oc.open_outcomes(tmp_path / "saved.pkl")


def test_file_of_a_later_version(tmp_path):
    ds = small()
    ds.attrs["schema_version"] = "99"
    ds.to_netcdf(tmp_path / "later.nc", engine="h5netcdf")
    with pytest.raises(oc.OutcomesError, match="schema version 99"):
        oc.open_outcomes(tmp_path / "later.nc")


@pytest.mark.parametrize("sealed", [True, False])
@pytest.mark.parametrize(
    ("key", "emptied", "sentence"),
    [
        ("shape", False, "pieces, more than 100,000"),
        ("chunk", False, "does not have the length it should have"),
        ("chunk", True, "claims to hold"),  # without pieces zarr would fill in zeros
    ],
)
def test_file_that_claims_to_be_huge(tmp_path, key, emptied, sentence, sealed):
    path = oc.save_outcomes(small(), tmp_path / "saved.zarr")
    for name in ("agent", "successes"):
        meta = json.loads((path / name / "zarr.json").read_text())
        huge = [10**7] * len(meta["shape"])
        if key == "shape":
            meta["shape"] = huge
        else:
            meta["chunk_grid"]["configuration"]["chunk_shape"] = [10**12] * len(huge)
        (path / name / "zarr.json").write_text(json.dumps(meta))
        if emptied:
            shutil.rmtree(path / name / "c")
    (path / "agentirt.seal").unlink()
    if sealed:  # a seal says that nothing changed since, not that its maker means well
        seal(path)
    with pytest.raises(oc.OutcomesError, match=sentence):
        oc.open_outcomes(path)


class Trap:
    def __reduce__(self):
        return os.system, (f"touch {os.environ['TRAP']}",)


def test_opening_never_runs_what_a_file_holds(tmp_path, monkeypatch):
    """Version 2 of zarr can store pickles, which run code when read; such folders are not opened."""
    monkeypatch.setenv("TRAP", str(tmp_path / "sprung"))
    path = tmp_path / "trap.zarr"
    array = path / "successes"
    array.mkdir(parents=True)
    (path / ".zgroup").write_text('{"zarr_format": 2}')
    meta = {
        "zarr_format": 2, "shape": [1], "chunks": [1], "dtype": "|O", "fill_value": None, "order": "C",
        "compressor": None, "filters": [{"id": "pickle", "protocol": 5}],
    }  # fmt: skip
    (array / ".zarray").write_text(json.dumps(meta))
    (array / ".zattrs").write_text('{"_ARRAY_DIMENSIONS": ["agent"]}')
    (array / "0").write_bytes(pickle.dumps([Trap()]))
    with pytest.raises(oc.OutcomesError, match="cannot be read as outcomes"):
        oc.open_outcomes(path)
    assert not (tmp_path / "sprung").exists()


# ---------------------------------------------------------------- interrupted writing


@pytest.mark.parametrize("name", FORMATS)
def test_failed_write_keeps_the_old_file(tmp_path, monkeypatch, name):
    path = oc.save_outcomes(small(), tmp_path / name)
    method = "to_zarr" if name.endswith("zarr") else "to_netcdf"
    real = getattr(xr.Dataset, method)

    def full_disk(self, *target, **options):
        real(self, *target, **options)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(xr.Dataset, method, full_disk)
    with pytest.raises(OSError, match="No space left"):
        oc.save_outcomes(small(benchmark="new"), path)
    monkeypatch.undo()
    xr.testing.assert_identical(oc.open_outcomes(path), small())
    assert [p.name for p in tmp_path.iterdir()] == [name]


def test_killed_write_keeps_the_old_file(tmp_path):
    path = oc.save_outcomes(small(), tmp_path / "saved.zarr")
    code = f"""
        import os, signal
        import xarray as xr
        from agentirt_nb.data.outcomes import open_outcomes, save_outcomes
        real = xr.Dataset.to_zarr
        def killed(self, target, **options):
            real(self, target, **options)
            os.kill(os.getpid(), signal.SIGKILL)
        xr.Dataset.to_zarr = killed
        ds = open_outcomes({str(path)!r})
        save_outcomes(ds.assign(trials=ds.trials + 1), {str(path)!r})
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, timeout=120)
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()
    xr.testing.assert_identical(oc.open_outcomes(path), small())


# ---------------------------------------------------------------- properties

LABELS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12).map(cleaned).map(str.strip).filter(bool)
NAMES = st.one_of(st.just(""), LABELS)


@st.composite
def any_outcomes(draw):
    agents = draw(st.lists(LABELS, min_size=1, max_size=4, unique=True))
    tasks = draw(st.lists(LABELS, min_size=1, max_size=4, unique=True))
    cells = len(agents) * len(tasks)
    trials = np.array(draw(st.lists(st.integers(0, 2**31 - 1), min_size=cells, max_size=cells)))
    share = np.array(draw(st.lists(st.floats(0, 1), min_size=cells, max_size=cells)))
    score = draw(st.lists(st.one_of(st.just(np.nan), st.floats(0, 1)), min_size=cells, max_size=cells))
    column = st.lists(NAMES, min_size=len(agents), max_size=len(agents))
    date = st.one_of(st.none(), st.datetimes(pd.Timestamp("1900-01-01"), pd.Timestamp("2200-01-01")))
    about = pd.DataFrame(
        {
            "llm": draw(column),
            "scaffold": draw(column),
            "date": pd.Series(draw(st.lists(date, min_size=len(agents), max_size=len(agents))), dtype=object).values,
        },
        index=pd.Index(agents, dtype=object),
    )
    shape = (len(agents), len(tasks))
    return building.from_arrays(
        np.floor(trials * share).reshape(shape),
        trials.reshape(shape),
        agents=about,
        tasks=tasks,
        benchmark=draw(LABELS),
        score=np.array(score).reshape(shape),
        attrs={"source": draw(NAMES), "rank": draw(st.integers(0, 9))},
    )


QUICK = effort(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))


@QUICK
@given(ds=any_outcomes(), name=st.sampled_from(FORMATS))
def test_any_outcomes_survive_saving(ds, name, tmp_path_factory):
    path = tmp_path_factory.mktemp("any") / name
    xr.testing.assert_identical(oc.open_outcomes(oc.save_outcomes(ds, path)), ds)


@QUICK
@given(first=any_outcomes(), second=any_outcomes())
def test_combining_invents_and_loses_nothing(first, second):
    try:
        both = joining.combine([first, second])
    except oc.OutcomesError as error:
        assert "rename one" in str(error)
        return
    assert both.sizes["agent"] == first.sizes["agent"] + second.sizes["agent"]
    for name in ("successes", "trials"):
        total = int(both[name].astype("int64").sum())
        assert total == int(first[name].astype("int64").sum()) + int(second[name].astype("int64").sum())


@QUICK
@given(cells=st.dictionaries(st.tuples(st.sampled_from("abc"), st.sampled_from("xyz")), st.sampled_from([0, 1]), min_size=1))
def test_all_ways_to_build_agree(cells):
    table = pd.DataFrame([(a, t, v) for (a, t), v in cells.items()], columns=["agent", "task", "success"])
    nested: dict = {}
    for (a, t), v in cells.items():
        nested.setdefault(a, {})[t] = v
    wide = table.pivot(index="agent", columns="task", values="success")
    built = [building.from_long(table), building.from_dicts(nested), building.from_wide(wide)]
    built = [oc.validate(ds.sortby(["agent", "task"])) for ds in built]
    assert len({oc.content_hash(ds) for ds in built}) == 1


# ---------------------------------------------------------------- bad servers

PATH = "data/tiny/file.txt"
CONTENT = b"outcomes\n" * 30_000


class Naughty(BaseHTTPRequestHandler):
    """Answers according to the first part of the path."""

    release = threading.Event()

    def log_message(self, *_):
        pass

    def do_GET(self):
        manner = self.path.split("/")[1]
        if manner.isdigit():
            self.send_error(int(manner))
            return
        body = {"ok": CONTENT, "short": CONTENT[:1000], "other": CONTENT[::-1], "long": CONTENT * 200, "empty": b""}
        self.send_response(200)
        if manner in ("broken", "stuck"):
            self.send_header("Content-Length", str(len(CONTENT)))
            self.end_headers()
            self.wfile.write(CONTENT[: len(CONTENT) // 2])
            self.wfile.flush()
            if manner == "stuck":
                self.release.wait(60)
            return
        self.end_headers()  # no length: the connection's end is the end
        try:
            self.wfile.write(body[manner])
        except ConnectionError:
            self.server.cut_off = True


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    row = {"sha256": hashlib.sha256(CONTENT).hexdigest(), "bytes": len(CONTENT), "folder": "agent-psychometrics"}
    monkeypatch.setattr(lb, "sources", lambda: pd.DataFrame([row], index=[PATH]))
    Naughty.release = threading.Event()
    with ThreadingHTTPServer(("127.0.0.1", 0), Naughty) as httpd:
        httpd.cut_off = False
        threading.Thread(target=httpd.serve_forever, daemon=True).start()
        yield httpd
        Naughty.release.set()
        httpd.shutdown()


def address(server, manner: str) -> str:
    return f"http://127.0.0.1:{server.server_port}/{manner}"


def files_in(folder: Path) -> list[str]:
    return [p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()]


def test_download_and_cache(server, tmp_path, capsys):
    path = lb.fetch(PATH, base_url=address(server, "ok"), cache=tmp_path)
    assert path.read_bytes() == CONTENT
    assert "file.txt" in capsys.readouterr().err  # the progress bar
    again = lb.fetch(PATH, base_url=address(server, "404"), cache=tmp_path, progress=False)
    assert again == path
    assert capsys.readouterr().err == ""


FAULTS = {
    "404": "answered 404 Not Found",
    "500": "answered 500 Internal Server Error",
    "short": "cut short, 1,000 of 270,000 bytes expected",
    "empty": "cut short, 0 of 270,000 bytes expected",
    "broken": "broke off before the end",
    "other": "does not match its checksum",
    "long": "longer than the 270,000 bytes expected",
}


@pytest.mark.parametrize("manner", FAULTS)
def test_bad_answer(server, tmp_path, manner):
    with pytest.raises(lb.DownloadError) as caught:
        lb.fetch(PATH, base_url=address(server, manner), cache=tmp_path, progress=False)
    message = str(caught.value)
    assert FAULTS[manner] in message
    assert "load_snapshot()" in message
    assert f"/{manner}/{PATH}" in message
    assert "\n" not in message
    assert isinstance(caught.value, OSError)
    assert isinstance(caught.value, oc.OutcomesError)
    assert files_in(tmp_path) == []
    assert lb.fetch(PATH, base_url=address(server, "ok"), cache=tmp_path, progress=False).is_file()


def test_endless_answer_is_cut_off(server, tmp_path):
    with pytest.raises(lb.DownloadError):
        lb.fetch(PATH, base_url=address(server, "long"), cache=tmp_path, progress=False)
    for _ in range(100):
        if server.cut_off:
            break
        threading.Event().wait(0.05)
    assert server.cut_off


def test_nobody_listens(server, tmp_path):
    server.shutdown()
    server.server_close()
    with pytest.raises(lb.DownloadError, match=r"127\.0\.0\.1:\d+ cannot be reached\. .*load_snapshot"):
        lb.fetch(PATH, base_url=address(server, "ok"), cache=tmp_path, progress=False)


def test_damaged_cache_is_fetched_anew(server, tmp_path):
    path = lb.fetch(PATH, base_url=address(server, "ok"), cache=tmp_path, progress=False)
    path.write_bytes(CONTENT[:5])
    lb.fetch(PATH, base_url=address(server, "ok"), cache=tmp_path, progress=False)
    assert path.read_bytes() == CONTENT
    path.write_bytes(CONTENT[:5])
    with pytest.raises(lb.DownloadError):  # what is damaged is never given out
        lb.fetch(PATH, base_url=address(server, "500"), cache=tmp_path, progress=False)


def test_cache_that_cannot_be_written(server, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(lb.DownloadError, match="Cannot fetch"):
        lb.fetch(PATH, base_url=address(server, "ok"), cache=tmp_path / "file", progress=False)


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGKILL])
def test_killed_download_leaves_nothing_half_written(server, tmp_path, sign):
    code = f"""
        import pandas as pd
        from agentirt_nb.data import leaderboards as lb
        row = {{"sha256": {hashlib.sha256(CONTENT).hexdigest()!r}, "bytes": {len(CONTENT)}, "folder": "agent-psychometrics"}}
        lb.sources = lambda: pd.DataFrame([row], index=[{PATH!r}])
        print("ready", flush=True)
        lb.fetch({PATH!r}, base_url={address(server, "stuck")!r}, cache={str(tmp_path)!r}, progress=False)
    """
    with subprocess.Popen([sys.executable, "-c", textwrap.dedent(code)], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
        assert child.stdout.readline() == b"ready\n"
        for _ in range(600):  # until half of the file is here
            if any((tmp_path / f).stat().st_size > 1000 for f in files_in(tmp_path)):
                break
            threading.Event().wait(0.05)
        child.send_signal(sign)
        child.communicate(timeout=60)
    assert child.returncode != 0
    assert not (tmp_path / PATH).exists()
    if sign == signal.SIGINT:
        assert files_in(tmp_path) == []
    assert lb.fetch(PATH, base_url=address(server, "ok"), cache=tmp_path, progress=False).read_bytes() == CONTENT


@pytest.mark.parametrize("base", ["file:///etc/", "ftp://host/", "relative", ""])
def test_only_web_addresses(server, tmp_path, base):
    with pytest.raises(oc.OutcomesError, match="no web address"):
        lb.fetch(PATH, base_url=base, cache=tmp_path)


@pytest.mark.parametrize("path", ["../../etc/passwd", "/etc/passwd", "data/gso/../../x", ""])
def test_only_listed_files(path):
    with pytest.raises(oc.OutcomesError, match="There is no source file"):
        lb.fetch(path)


# ---------------------------------------------------------------- data folder


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("AGENTIRT_DATA_FOLDER", str(tmp_path))
    file = tmp_path / "agent-psychometrics" / "data" / "gso" / "responses.jsonl"
    file.parent.mkdir(parents=True)
    return file


def test_data_folder_without_the_file(folder):
    with pytest.raises(lb.DownloadError, match=r"has no agent-psychometrics/data/gso/responses\.jsonl; copy it there"):
        lb.load_leaderboard("gso")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"{}", "is cut short: 2 of 49,751 bytes"),
        (b"x" * 49_751, "has other content than expected"),
        (b"x" * 50_000, "is too long: 50,000 bytes instead of 49,751"),
    ],
)
def test_data_folder_with_a_wrong_file(folder, content, sentence):
    folder.write_bytes(content)
    with pytest.raises(lb.DownloadError) as caught:
        lb.load_leaderboard("gso")
    assert str(folder) in str(caught.value)
    assert sentence in str(caught.value)
    assert "replace it by the file at https://" in str(caught.value)


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("swebench_verifed", "did you mean 'swebench_verified'?"),
        ("GSO ", "There is no leaderboard 'GSO '"),
        ("terminalbench", "did you mean 'terminal_bench'?"),
        (["gso", "gso"], "named twice"),
        ([], "No leaderboard is named"),
    ],
)
def test_leaderboard_names(name, sentence):
    with pytest.raises(oc.OutcomesError) as caught:
        lb.load_leaderboard(name)
    assert sentence in str(caught.value)


def test_submission_that_the_registry_lacks(monkeypatch):
    table = lb.agent_registry()
    without = table[table["submission"] != "gpt-5"]
    with pytest.raises(oc.OutcomesError, match=r"no row for 'gpt-5' of gso .*agents\.csv"):
        lb._registered("gso", ["o3", "gpt-5"], without)


# ---------------------------------------------------------------- the real files


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.mark.data
def test_leaderboard_over_http_equals_the_local_one(tmp_path, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    names = ["data/gso/responses.jsonl", "data/swebench_pro/swe-bench-pro.csv"]
    for name in names:
        (tmp_path / "home" / name).parent.mkdir(parents=True)
        (tmp_path / "home" / name).write_bytes(lb.fetch(name, progress=False).read_bytes())
    serve = partial(Quiet, directory=str(tmp_path / "home"))
    with ThreadingHTTPServer(("127.0.0.1", 0), serve) as httpd:
        threading.Thread(target=httpd.serve_forever, daemon=True).start()
        base = f"http://127.0.0.1:{httpd.server_port}"
        far = lb.load_leaderboard(["gso", "swebench_pro"], base_url=base, cache=tmp_path / "cache", progress=False)
        httpd.shutdown()
    near = lb.load_leaderboard(["gso", "swebench_pro"])
    assert oc.content_hash(far) == oc.content_hash(near)
    assert sorted(files_in(tmp_path / "cache")) == names


@pytest.mark.data
@pytest.mark.parametrize("name", list(lb.LEADERBOARDS))
def test_every_leaderboard(name):
    ds = lb.load_leaderboard(name)
    row = lb.list_leaderboards().loc[name]
    assert ds.sizes == {"agent": row.agents, "task": row.tasks}
    assert set(ds.benchmark.values) == {name.removesuffix("_trials")}
    assert (ds.group.values != "").all()
    assert ds.attrs["licence"] == "MIT"
    assert lb.COMMIT in ds.attrs["source"]
    assert ds.llm_release_date.dtype == ds.date.dtype == np.dtype("datetime64[ns]")
    if not name.endswith("_trials"):
        published = ds.attrs["source"].removeprefix(lb.BASE_URL).replace("swe-bench-pro.csv", "responses.jsonl")
        lines = lb.fetch(published, progress=False).read_bytes().splitlines()
        matrix = {r["subject_id"]: r["responses"] for r in map(json.loads, lines)}
        assert list(matrix) == ds.agent.values.tolist()
        expected = pd.DataFrame(matrix).T.loc[ds.agent.values, ds.task.values].to_numpy()
        run = ds.trials.values == 1
        assert (ds.successes.values[run] == expected[run]).all()
        assert (~run).sum() == (491 if name == "swebench_pro" else 0)
        assert sorted(ds.task.values) == ds.task.values.tolist()


@pytest.mark.data
def test_trials_and_majorities_tell_the_same_story():
    with pytest.warns(UserWarning, match="count twice"):
        both = lb.load_leaderboard(["terminal_bench", "terminal_bench_trials"])
    assert both.sizes == {"agent": 195, "task": 89}
    binary, counts = both.isel(agent=slice(0, 112)), both.isel(agent=slice(112, None))
    rate = (counts.successes.sum("agent") / counts.trials.sum("agent")).values
    assert np.corrcoef(rate, binary.successes.mean("agent").values)[0, 1] > 0.95
