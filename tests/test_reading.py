"""What strangers made: a file is refused for what it claims before it is read, and no text of it orders anything about."""

import gzip
import json
import os
import subprocess
import sys
import textwrap
import warnings
import zipfile
import zlib
from io import StringIO
from pathlib import Path

import h5py
import numcodecs
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st
from test_cli import inside

from agentirt_nb import messages
from agentirt_nb.csv_files import json_lines, read_table, write_table
from agentirt_nb.data import building, reading
from agentirt_nb.data import outcomes as oc
from agentirt_nb.files import SEAL_FILE, seal
from agentirt_nb.guards import plain_files
from agentirt_nb.stores import open_arrays, open_xarray, save_xarray

ORDERS = "\x1b[31m\x07\x01\x0b\ufffe\u202e\u2066\u200b\x9b\ud800"


def small() -> xr.Dataset:
    """Two agents on two tasks."""
    return building.from_dicts({"a": {"x": 1, "y": 0}, "b": {"x": 1, "y": 1}}, attrs={"source": "here"})


@pytest.fixture(autouse=True)
def one_gibibyte(monkeypatch):
    monkeypatch.setenv("AGENTIRT_MEMORY", "1")


# ---------------------------------------------------------------- zarr


def grid(*chunk: int) -> dict:
    return {"name": "regular", "configuration": {"chunk_shape": list(chunk)}}


def claims(path: Path, name: str, **changes) -> Path:
    """Change what an array says of itself."""
    file = path / name / "zarr.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))
    return path


def piece(path: Path) -> Path:
    return path / "successes" / "c" / "0" / "0"


def without_pieces(path: Path, **changes) -> Path:
    piece(path).unlink()
    return claims(path, "successes", **changes)


def packed(path: Path, content: bytes) -> None:
    piece(path).write_bytes(content)


SWOLLEN = numcodecs.Zstd(level=3).encode(np.zeros(2**29, np.uint8))
ZARR = {
    "two billion cells": (
        lambda p: without_pieces(p, shape=[40_000, 50_000], chunk_grid=grid(4000, 5000)),
        "claims to hold 7.5 GiB; opening it needs about 29.8 GiB",
    ),
    "four million absent pieces": (
        lambda p: without_pieces(p, shape=[2000, 2000], chunk_grid=grid(1, 1)),
        "cut into 4,000,000 pieces",
    ),
    "pieces longer than the array": (lambda p: without_pieces(p, chunk_grid=grid(16_000, 16_000)), "claims to hold"),
    "a piece that swells": (lambda p: packed(p, SWOLLEN), "does not have the length it should have"),
    "a second piece behind the first": (
        lambda p: packed(p, piece(p).read_bytes() + SWOLLEN),
        "does not have the length it should have",
    ),
    "a piece that is mostly padding": (lambda p: packed(p, piece(p).read_bytes() + bytes(10**6)), "length it should have"),
    "a text that fills": (
        lambda p: claims(p, "llm", shape=[10**8], chunk_grid=grid(10**8), fill_value="", data_type="string"),
        "claims to hold 6.0 GiB",
    ),
    "another packing": (lambda p: claims(p, "trials", codecs=[{"name": "bytes"}, {"name": "gzip"}]), "packed by bytes, gzip"),
    "shards": (
        lambda p: claims(p, "trials", codecs=[{"name": "sharding_indexed", "configuration": {}}]),
        "packed by sharding_indexed",
    ),
    "a deep description": (lambda p: (p / "llm" / "zarr.json").write_text("[" * 10**5), "llm is damaged"),
    "a long description": (
        lambda p: claims(p, "llm", attributes={"text": "x" * (2**24 + 1)}),
        "in more than 16,777,216 bytes",
    ),
    "a link out of the folder": (lambda p: (piece(p).unlink(), piece(p).symlink_to("/etc/hostname")), "a link or a pipe"),
    "a pipe": (lambda p: (piece(p).unlink(), os.mkfifo(piece(p))), "a link or a pipe"),
    "a file of a terabyte": (lambda p: os.truncate(piece(p), 2**40), "claims to hold 256.0 GiB"),
}


@pytest.mark.parametrize("attack", ZARR)
def test_a_hostile_zarr_is_refused_before_it_is_read(tmp_path, attack):
    """Sealed where a seal can be made: it says that nothing changed since, not that its maker means well."""
    path = oc.save_outcomes(small(), tmp_path / "a.zarr")
    (path / SEAL_FILE).unlink()
    change, sentence = ZARR[attack]
    change(path)
    if attack not in ("a pipe", "a file of a terabyte"):
        seal(path)
    with pytest.raises(oc.OutcomesError) as caught:
        oc.open_outcomes(path)
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


def test_too_many_arrays_are_refused(tmp_path):
    path = oc.save_outcomes(small(), tmp_path / "a.zarr")
    for i in range(2001):
        (path / f"v{i}").mkdir()
        (path / f"v{i}" / "zarr.json").write_text("{}")
    with pytest.raises(oc.OutcomesError, match="describes more than 2,000 arrays"):
        oc.open_outcomes(path)


def test_a_hostile_fit_is_refused_like_hostile_outcomes(tmp_path):
    tree = xr.DataTree.from_dict({"/": xr.Dataset(), "/posterior": xr.Dataset({"ability": ("agent", np.ones(3))})})
    path = save_xarray(tree, tmp_path / "fit.zarr")
    claims(path, "posterior/ability", shape=[250_000_000], chunk_grid=grid(250_000_000))
    (path / "posterior" / "ability" / "c" / "0").unlink()
    seal(path)
    with pytest.raises(messages.AgentirtError, match=r"claims to hold 1\.9 GiB"):
        open_xarray(path, tree=True)


def test_the_bound_is_a_setting(tmp_path, monkeypatch):
    path = without_pieces(oc.save_outcomes(small(), tmp_path / "a.zarr"), shape=[10_000, 10_000], chunk_grid=grid(10_000, 10_000))
    seal(path)
    with pytest.raises(oc.OutcomesError, match="AGENTIRT_MEMORY"):
        oc.open_outcomes(path)
    monkeypatch.setenv("AGENTIRT_MEMORY", "2")
    with pytest.raises(oc.OutcomesError, match=r"cannot be read|does not hold valid outcomes"):  # now read, and no outcomes
        oc.open_outcomes(path)


# ---------------------------------------------------------------- netCDF


def letter(path: Path) -> str:
    (path.parent / "letter").write_bytes(bytes(range(16)))
    return str(path.parent / "letter")


def virtual(file: h5py.File, path: Path) -> None:
    other = path.with_name("other.nc")
    with h5py.File(other, "w") as source:
        source["x"] = np.zeros(4)
    layout = h5py.VirtualLayout((4,), "f8")
    layout[:] = h5py.VirtualSource(str(other), "x", (4,))
    file.create_virtual_dataset("v", layout)


def swelling(file: h5py.File) -> None:
    data = file.create_dataset("s", (10,), "f8", chunks=(10,), compression="gzip")
    data.id.write_direct_chunk((0,), zlib.compress(bytes(2**28), 1))


HDF5 = {
    "numbers of another file": (
        lambda f, p: f.create_dataset("e", (4,), "i4", external=[(letter(p), 0, 16)]),
        "/e is damaged or of a kind that is not read (its numbers stand in another file)",
    ),
    "made of other files": (virtual, "its numbers stand in another file"),
    "an external link": (lambda f, p: f.update({"l": h5py.ExternalLink("/etc/passwd", "/x")}), "a name that leads elsewhere"),
    "a soft link": (lambda f, p: f.update({"l": h5py.SoftLink("/successes")}), "a name that leads elsewhere"),
    "a circle": (lambda f, p: f.create_group("g").update({"again": f["/"]}), "it has two names"),
    "two billion cells": (lambda f, p: f.create_dataset("d", (40_000, 50_000), "f4"), "claims to hold 7.5 GiB"),
    "many pieces": (lambda f, p: f.create_dataset("d", (2000, 2000), "f4", chunks=(1, 1)), "cut into 4,000,000 pieces"),
    "a long piece": (lambda f, p: f.create_dataset("d", (1,), "f8", chunks=(2**28,), maxshape=(None,)), "claims to hold 2.0"),
    "a piece that swells": (lambda f, p: swelling(f), "a piece of it is longer than it should be"),
    "another packing": (lambda f, p: f.create_dataset("d", (9,), "f4", compression="lzf"), "packed in a way that is not read"),
    "a structure": (lambda f, p: f.create_dataset("d", (9,), [("a", "f4")]), "neither text nor numbers"),
    "an attribute of many texts": (
        lambda f, p: f.attrs.update({"t": np.array(["x" * 100] * 4000, object), "long": "x" * 10**5}),
        "an attribute of many texts",
    ),
    "many members": (lambda f, p: [f.create_group(f"g{i}") for i in range(2001)], "members"),
}


@pytest.mark.parametrize("attack", HDF5)
def test_a_hostile_netcdf_is_refused_before_it_is_read(tmp_path, attack):
    path = tmp_path / "a.nc"
    small().to_netcdf(path, engine="h5netcdf")
    change, sentence = HDF5[attack]
    with h5py.File(path, "a", libver="latest") as file:
        change(file, path)
    seal(path)
    with pytest.raises(oc.OutcomesError) as caught:
        oc.open_outcomes(path)
    assert sentence in str(caught.value)


@pytest.mark.skipif(sys.platform == "win32", reason="has no pipes with names")
@pytest.mark.parametrize("name", ["pipe.nc", "pipe.zarr"])
def test_a_pipe_is_refused_and_not_waited_for(tmp_path, name):
    os.mkfifo(tmp_path / name)
    with pytest.raises(messages.AgentirtError, match="pipe or a device"):
        plain_files(tmp_path / name)


def test_many_labels_that_share_one_long_text_are_refused(tmp_path):
    path = tmp_path / "a.nc"
    with h5py.File(path, "w") as file:
        texts = file.create_dataset("agent", (4000,), h5py.string_dtype())
        texts[0] = "x" * 2**20
        file.flush()
        place = texts.id.get_offset()
    content = bytearray(path.read_bytes())
    content[place : place + 16 * 4000] = content[place : place + 16] * 4000  # 4 GiB of text in a file of one megabyte
    path.write_bytes(content)
    with pytest.raises(oc.OutcomesError, match="its texts need more memory than is allowed"):
        oc.open_outcomes(path)


# ---------------------------------------------------------------- arrays, tables, records


def test_arrays_that_claim_or_swell_too_much_are_refused(tmp_path):
    path = tmp_path / "a.npz"
    head = {"descr": "<f8", "fortran_order": False, "shape": (40_000, 50_000)}
    with zipfile.ZipFile(path, "w") as archive, archive.open("w.npy", "w") as file:
        np.lib.format.write_array_header_1_0(file, head)
    with pytest.raises(messages.AgentirtError, match=r"claims to hold 14\.9 GiB"):
        open_arrays(path)
    np.savez_compressed(path, w=np.zeros(2**26, np.uint8), v=np.zeros((2**28), np.uint8))
    with pytest.raises(messages.AgentirtError, match=r"claims to hold 0\.3 GiB"):
        open_arrays(path)


TABLES = {
    "one line without end": (b"agent,task,success\n" + b"a" * 20_000_000, "a line of more than 10,000,000 characters"),
    "blank lines": (b"agent,task,success\n" + b"\n" * 500_000, "more than the 0.1 GiB allowed; split it"),
    "many rows": (b"agent,task,success\n" + b"a,b,1\n" * 400_000, "more than the 0.1 GiB allowed; split it"),
    "many columns": (b"," * 30_000 + b"a\n" + b"1," * 30_000 + b"a\n", "more than 20,000 columns"),
}


@pytest.mark.parametrize("attack", TABLES)
def test_a_packed_table_is_read_no_further_than_memory_goes(tmp_path, monkeypatch, attack):
    monkeypatch.setenv("AGENTIRT_MEMORY", "0.0625")
    content, sentence = TABLES[attack]
    path = tmp_path / "a.csv.gz"
    path.write_bytes(gzip.compress(content, 1))
    with pytest.raises(oc.OutcomesError) as caught:
        reading.read_outcomes(path)
    assert sentence in str(caught.value)


def test_records_that_may_not_fit_are_not_read(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text("[]\n")
    os.truncate(path, 2**30)
    with pytest.raises(messages.AgentirtError, match=r"needs about 32\.0 GiB"):
        json_lines(path)


def test_one_long_label_among_many_does_not_fill_the_memory():
    tasks = [f"t{i}" for i in range(5000)] + ["x" * 100_000]
    with pytest.raises(oc.OutcomesError, match="A task of 100,000 characters needs about"):
        building.from_arrays(np.ones((1, 5001)), agents=["a"], tasks=tasks)


@pytest.mark.skipif(not Path("/proc/self/status").is_file(), reason="the peak of a process is read from Linux's /proc")
def test_hostile_files_need_little_memory(tmp_path):
    """Peak of a process of its own that tries every large one, with the limit of `ulimit -v` as a net."""
    names = ["two billion cells", "pieces longer than the array", "a piece that swells", "a second piece behind the first"]
    paths = [oc.save_outcomes(small(), tmp_path / f"{i}.zarr") for i in range(len(names))]
    for name, path in zip(names, paths, strict=True):
        ZARR[name][0](path)
        seal(path)
    swollen = tmp_path / "swollen.nc"
    small().to_netcdf(swollen, engine="h5netcdf")
    with h5py.File(swollen, "a") as file:
        swelling(file)
    table = tmp_path / "a.csv.gz"
    table.write_bytes(gzip.compress(b"agent,task,success\n" + b"a" * 2**28, 1))
    code = f"""
        import resource
        resource.setrlimit(resource.RLIMIT_AS, (8 * 2**30, 8 * 2**30))
        from agentirt_nb.data.outcomes import OutcomesError
        from agentirt_nb.data.reading import read_outcomes
        import h5netcdf, zarr

        def peak():  # not ru_maxrss, which a process takes over from the one that started it
            lines = open("/proc/self/status").read().splitlines()
            return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))

        for path in {[*map(str, paths), str(swollen), str(table)]}:
            before = peak()
            try:
                read_outcomes(path)
            except OutcomesError:
                print((peak() - before) // 1024)
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    grown = [int(line) for line in done.stdout.split()]  # MiB
    assert len(grown) == len(paths) + 2
    assert max(grown) < 200, grown


# ---------------------------------------------------------------- text that orders


DOORS = {
    "from_dicts": lambda name: building.from_dicts({name: {"x": 1}}),
    "from_arrays": lambda name: building.from_arrays([[1]], agents=[name], tasks=["x"]),
    "from_wide": lambda name: building.from_wide(pd.DataFrame({"x": [1]}, index=[name])),
    "from_long": lambda name: building.from_long(pd.DataFrame({"agent": [name], "task": ["x"], "success": [1]})),
    "validate": lambda name: oc.validate(small().isel(agent=[0]).assign_coords(agent=[name])),
}


@pytest.mark.parametrize("door", DOORS)
def test_labels_are_cleaned_where_they_enter_and_that_is_said_once(door):
    with pytest.warns(UserWarning, match=r"taken out of 1 name: .* is now 'a\[31m b'") as caught:
        ds = DOORS[door](f"a{ORDERS}b")
    assert len(caught) == 1
    assert ds.agent.values.tolist() == ["a[31m b"]
    assert str(caught[0].message).isprintable()


@pytest.mark.parametrize("door", ["from_long", "from_dicts"])
def test_labels_that_become_one_are_an_error(door):
    pair = ["Warp", "Wa\u200brp"]
    with pytest.raises(oc.OutcomesError, match=r"differ only in characters that nobody sees; rename one"):
        if door == "from_dicts":
            building.from_dicts({pair[0]: {"x": 1}, pair[1]: {"y": 1}})
        else:
            building.from_long(pd.DataFrame({"agent": pair, "task": ["x", "y"], "success": [1, 0]}))


@pytest.mark.parametrize("name", ["a.zarr", "a.nc"])
def test_a_strangers_file_is_cleaned_and_hashed_anew(tmp_path, name):
    ds = small().assign_coords(agent=["a\x1b[31m", "b"], llm=("agent", ["x\x07", ""]))
    ds.attrs |= {"source": "he\u202ere", "content_hash": oc._digest(ds.drop_attrs())}
    path = save_xarray(ds, tmp_path / name)
    with pytest.warns(UserWarning, match="taken out of 3 names") as caught:
        again = oc.open_outcomes(path)
    assert len([w for w in caught if "taken out" in str(w.message)]) == 1
    assert again.agent.values.tolist() == ["a[31m", "b"]
    assert again.llm.values.tolist() == ["x", ""]
    assert again.attrs["source"] == "here"
    assert again.attrs["content_hash"] == oc.content_hash(again)
    with pytest.raises(oc.OutcomesError, match="content hash differs"):
        oc.open_outcomes(save_xarray(ds.assign(successes=ds.successes * 0), tmp_path / name))


@pytest.mark.parametrize("name", ["a.zarr", "a.nc"])
def test_a_strangers_fit_is_cleaned(tmp_path, name):
    part = xr.Dataset({"ability": ("agent", [1.0, 2.0])}, {"agent": ["a\x1b[31m", "b"]})
    tree = xr.DataTree.from_dict({"/": xr.Dataset(attrs={"verdict": "fi\x07ne"}), "/posterior": part})
    with pytest.warns(UserWarning, match="taken out of 2 names"):
        again = open_xarray(save_xarray(tree, tmp_path / name), tree=True)
    assert again["posterior"].agent.values.tolist() == ["a[31m", "b"]
    assert again.attrs["verdict"] == "fine"
    again["posterior"].sel(agent="b")


def every_kind(kind: type) -> list[type]:
    return [kind, *(below for each in kind.__subclasses__() for below in every_kind(each))]


def test_no_message_of_an_error_orders_a_terminal_about():
    import agentirt_nb.data.judge
    import agentirt_nb.data.leaderboards
    import agentirt_nb.irt.fits  # noqa: F401  # so that their errors are known

    kinds = [kind for kind in every_kind(messages.AgentirtError) if kind.__module__.startswith("agentirt_nb")]
    assert len(kinds) > 5
    for kind in kinds:
        assert str(kind(f"a{ORDERS}b")).split() == ["a[31m", "b"], kind


def test_the_command_never_prints_a_raw_name_of_a_file(tmp_path):
    name = "o\x1b[31m\x07"
    (tmp_path / f"{name}.csv").write_text("agent,task,success,mood\na,t,1,x\na,u,0,x\nb,t,0,x\nb,u,1,x\n")
    done = inside("fit", f"{name}.csv", "--out", f"{name}.zarr", "--quiet", cwd=tmp_path)
    assert "not used: mood" in done.stderr
    assert "Written: " in done.stdout
    assert all(line.isprintable() for line in (done.stdout + done.stderr).splitlines())


def test_a_column_with_an_odd_name_is_named_safely(tmp_path):
    (tmp_path / "a.csv").write_text("agent,task,success,mo\x1b[31mod\na,b,1,x\n")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        reading.read_outcomes(tmp_path / "a.csv")
    assert caught
    assert all(str(warning.message).isprintable() for warning in caught)


def test_a_picture_survives_any_label(tmp_path):
    code = f"""
        import pandas as pd
        from agentirt_nb.views.theme import alt, save_chart
        table = pd.DataFrame({{"agent": ["a" + chr(c) for c in [1, 7, 11, 27, 0xFFFE, 0xFFFF, 0xD800, 0x202E]], "x": 1.0}})
        chart = alt.Chart(table, title="t" + chr(1)).mark_point().encode(x="x", y="agent")
        for ending in ("png", "svg", "pdf"):
            save_chart(chart, {str(tmp_path)!r} + "/chart." + ending)
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-500:]
    assert "\u202e" not in (tmp_path / "chart.svg").read_text(encoding="utf-8")


# ---------------------------------------------------------------- cells that a spreadsheet would run

CELLS = st.text(st.sampled_from("'=+-@\t =1.ea\uff1d"), min_size=1, max_size=6).map(str.strip).filter(bool)


@effort(max_examples=60, deadline=None)
@given(cells=st.lists(CELLS, min_size=1, max_size=8))
def test_every_table_is_read_as_it_was_written_and_no_cell_is_a_formula(cells, tmp_path_factory):
    path = tmp_path_factory.mktemp("table") / "a.csv"
    table = pd.DataFrame({"name": cells, "ability": np.linspace(-1, 1, len(cells))})
    written = write_table(table, StringIO()).getvalue()
    write_table(table, path)
    assert path.read_text(encoding="utf-8") == written
    assert read_table(path)["name"].tolist() == cells
    for raw, ability in pd.read_csv(path, dtype=str, keep_default_na=False).itertuples(index=False):
        assert not raw.strip().startswith(tuple("=+-@\uff1d")) or np.isfinite(float(raw)), raw
        assert float(ability) <= 1  # a number is never touched


def test_names_of_columns_are_guarded_too_and_terminals_are_safe():
    written = write_table(pd.DataFrame({"=1+1": ["a\x1b[31m"], "-2": [-2.0]}), StringIO()).getvalue()
    assert written == "'=1+1,-2\na[31m,-2.0000\n"
