"Nothing of the user's is lost: not by a command that reads and writes, not by two writers, not by a kill, not by a full disk."

import contextlib
import errno
import os
import signal
import stat
import subprocess
import sys
import time
import warnings
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import psutil
import pytest
import xarray as xr
from test_cli import AGENTIRT, environment, inside, refused, runs

from agentirt_nb.csv_files import write_table
from agentirt_nb.data.building import from_arrays
from agentirt_nb.data.outcomes import open_outcomes, save_outcomes
from agentirt_nb.files import (
    TakenPathError,
    UnwritableError,
    not_ours,
    private_folder,
    put_back,
    refuse_broken_seal,
    seal,
    write_atomically,
    write_together,
)
from agentirt_nb.irt.fits import open_fit, save_fit
from agentirt_nb.irt.inference import fit

ROOT = Path(__file__).resolve().parent.parent


def outcomes(seed=0):
    "Outcomes of three agents on four tasks."
    passed = np.random.default_rng(seed).integers(0, 2, (3, 4))
    return from_arrays(passed, agents=[f"agent {i}" for i in range(3)], tasks=[f"task {i}" for i in range(4)])


def content(folder):
    "Every file below a folder and its bytes, and where links lead."
    files = (path for path in sorted(Path(folder).rglob("*")) if path.is_symlink() or path.is_file())
    return {str(path.relative_to(folder)): os.readlink(path) if path.is_symlink() else path.read_bytes() for path in files}


def hidden(folder):
    "What writers left behind."
    return [path.name for path in Path(folder).iterdir() if path.name.startswith(".")]


@pytest.fixture(scope="module")
def small():
    "A fit of a few outcomes."
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return fit(outcomes(), ability="agent", draws=20, seed=1, progress=False)


# --- what a command reads ---

JUDGE = ("--model", "openai/x", "--yes")
IN_PLACE = {
    "a table beside the fit": ("fit", "runs-agents.csv", "--out", "runs.zarr"),
    "the outcomes": ("fit", "o.zarr", "--out", "o.zarr"),
    "one of several": ("fit", "runs.csv", "o.nc", "--out", "o.nc"),
    "in the outcomes": ("fit", "o.zarr", "--out", "o.zarr/fit.nc"),
    "around the outcomes": ("fit", "around.zarr/o.nc", "--out", "around.zarr"),
    "a table of features": ("fit", "runs.csv", "--features", "feat-tasks.csv", "--out", "feat.zarr"),
    "a relative name": ("fit", "o.zarr", "--out", "o.zarr/../o.zarr"),
    "a symbolic link": ("fit", "o.nc", "--out", "soft.nc"),
    "a symbolic link to a folder": ("fit", "o.zarr", "--out", "soft.zarr"),
    "read through a link": ("fit", "soft.nc", "--out", "o.nc"),
    "a hard link": ("fit", "o.nc", "--out", "hard.nc"),
    "a link among the tables": ("fit", "runs.csv", "--out", "linked.nc"),
    "agents": ("predict", "f.nc", "--agents", "ag.csv", "--out", "ag.csv"),
    "tasks": ("predict", "f.nc", "--tasks", "ag.csv", "--out", "./ag.csv"),
    "the fit": ("score", "f.nc", "runs.csv", "--out", "f.nc"),
    "the results": ("score", "f.nc", "o.zarr", "--out", "o.zarr"),
    "new results beside": ("score", "f.nc", "runs-tasks.csv", "--out", "runs.nc"),
    "features of score": ("score", "f.nc", "runs.csv", "--features", "feat-llms.csv", "--out", "feat.nc"),
    "texts of tasks": ("judge", "ag.csv", *JUDGE, "--out", "ag.csv"),
}


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    "A folder with what commands read."
    folder = tmp_path_factory.mktemp("inputs")
    for name in ("runs.csv", "runs-agents.csv", "runs-tasks.csv"):
        runs().to_csv(folder / name, index=False)
    for name in ("feat-tasks.csv", "feat-llms.csv"):
        (folder / name).write_text("task,size\n003,1\n")
    (folder / "ag.csv").write_text("task,text,llm,scaffold\n003,Repair it.,LLM A,Scaffold x\n")
    (folder / "around.zarr").mkdir()
    for name in ("o.nc", "o.zarr", "f.nc", "around.zarr/o.nc"):
        save_outcomes(outcomes(), folder / name)
    seal(folder / "around.zarr")
    (folder / "soft.nc").symlink_to("o.nc")
    (folder / "soft.zarr").symlink_to("o.zarr")
    (folder / "hard.nc").hardlink_to(folder / "o.nc")
    (folder / "linked-tasks.csv").symlink_to("runs.csv")
    return folder


@pytest.fixture
def no_work(monkeypatch):
    "Nothing is computed before a request is refused."

    def never(*_, **__):
        raise AssertionError("the work began")

    monkeypatch.setattr("agentirt_nb.irt.inference.fit", never)
    monkeypatch.setattr("agentirt_nb.irt.scoring.score", never)


@pytest.mark.parametrize("force", [(), ("--force",)], ids=["", "forced"])
@pytest.mark.parametrize("case", IN_PLACE)
def test_no_command_writes_over_what_it_reads(inputs, no_work, case, force):
    before = content(inputs)
    refused(inside(*IN_PLACE[case], *force, cwd=inputs), "which is read for it; choose another place")
    assert content(inputs) == before


# --- what others wrote ---

LETTER = "dear reader,years of work\n"


@pytest.mark.parametrize("name", ["fit.nc", "fit-agents.csv", "fit-features.csv", "fit-llms.csv"])
def test_a_file_of_others_is_replaced_by_force_alone(tmp_path, no_work, monkeypatch, small, name):
    runs().to_csv(tmp_path / "runs.csv", index=False)
    (tmp_path / name).write_text(LETTER)
    command = ("fit", "runs.csv", "--out", "fit.nc", "--quiet")
    refused(inside(*command, cwd=tmp_path), f"'{name}' is taken: this program did not write it; .* --force")
    assert content(tmp_path) == {"runs.csv": (tmp_path / "runs.csv").read_bytes(), name: LETTER.encode()}
    monkeypatch.setattr("agentirt_nb.irt.inference.fit", lambda *_, **__: small)
    done = inside(*command, "--force", cwd=tmp_path)
    assert done.returncode in (0, 1), done.stderr
    assert not_ours(tmp_path / "fit.nc") == ""
    left = name in ("fit-features.csv", "fit-llms.csv")  # of a fit that has no such table
    assert ((tmp_path / name).read_bytes() == LETTER.encode()) == left
    assert (f"left as it was, but not of this fit: {name}" in done.stderr) == left


def test_what_the_program_wrote_is_replaced_unless_it_was_edited(tmp_path, small):
    save_fit(small, tmp_path / "fit.zarr")
    command = ("predict", "fit.zarr", "--out", "p.csv")
    for _ in range(2):
        assert inside(*command, cwd=tmp_path).returncode in (0, 1)
    table = pd.read_csv(tmp_path / "p.csv")
    table.assign(notes="mine").to_csv(tmp_path / "p.csv", index=False)
    before = content(tmp_path)
    refused(inside(*command, cwd=tmp_path), "'p.csv' is taken: this program did not write it")
    assert content(tmp_path) == before
    assert inside(*command, "--force", cwd=tmp_path).returncode in (0, 1)
    assert "notes" not in pd.read_csv(tmp_path / "p.csv")


@pytest.mark.parametrize("kind", [".nc", ".zarr"])
def test_leaderboards_are_not_saved_over_others_either(tmp_path, kind):
    xr.Dataset({"letters": ("x", [1, 2])}).to_netcdf(tmp_path / "mine.nc", engine="h5netcdf")
    xr.Dataset({"letters": ("x", [1, 2])}).to_zarr(tmp_path / "mine.zarr", zarr_format=3, consolidated=False)
    before = content(tmp_path)
    refused(inside("leaderboards", "gso", "--save", f"mine{kind}", cwd=tmp_path), "choose another name")
    assert content(tmp_path) == before


def own_group(folder):
    "A zarr group of the user's, with a thesis beside its arrays."
    xr.Dataset({"letters": ("x", [1, 2])}).to_zarr(folder / "fit.zarr", zarr_format=3, consolidated=False)
    (folder / "fit.zarr" / "thesis.txt").write_text("years of work")


def ours_with_a_thesis(folder):
    "Outcomes that we saved, and the user put a thesis there."
    save_outcomes(outcomes(), folder / "fit.zarr")
    (folder / "fit.zarr" / "thesis.txt").write_text("years of work")


def ours_extended(folder):
    "Outcomes that we saved, and the user added an array."
    save_outcomes(outcomes(), folder / "fit.zarr")
    with pytest.warns(UserWarning, match="agentirt.seal is not recognized"):  # zarr's own, of a file that is not zarr's
        xr.Dataset({"mine": ("x", [1, 2])}).to_zarr(folder / "fit.zarr", mode="a", zarr_format=3, consolidated=False)


def ours_edited(folder):
    "Outcomes that we saved, and the user corrected."
    save_outcomes(outcomes(), folder / "fit.zarr")
    with (folder / "fit.zarr" / "zarr.json").open("a") as file:
        file.write(" ")


def with_a_link(folder):
    "Outcomes that we saved, with a link to somewhere else in place of a part."
    save_outcomes(outcomes(), folder / "fit.zarr")
    (folder / "thesis.txt").write_bytes((folder / "fit.zarr" / "zarr.json").read_bytes())
    (folder / "fit.zarr" / "zarr.json").unlink()
    (folder / "fit.zarr" / "zarr.json").symlink_to(folder / "thesis.txt")


OTHERS = [own_group, ours_with_a_thesis, ours_extended, ours_edited, with_a_link]


@pytest.mark.parametrize("make", OTHERS, ids=lambda make: make.__name__)
def test_a_folder_with_anything_of_the_users_stays(tmp_path, no_work, small, make):
    make(tmp_path)
    runs().to_csv(tmp_path / "runs.csv", index=False)
    before = content(tmp_path)
    with pytest.raises(TakenPathError, match="choose another name"):
        save_outcomes(outcomes(), tmp_path / "fit.zarr")
    with pytest.raises(TakenPathError, match="choose another name"):
        save_fit(small, tmp_path / "fit.zarr")
    with pytest.raises(TakenPathError, match="choose another name"), write_atomically(tmp_path / "fit.zarr"):
        raise AssertionError("the work began")
    for force in ((), ("--force",)):
        refused(inside("fit", "runs.csv", "--out", "fit.zarr", *force, cwd=tmp_path), "choose another name")
    assert content(tmp_path) == before


def test_a_store_of_ours_and_an_empty_folder_are_replaced(tmp_path, small):
    (tmp_path / "fit.zarr").mkdir()
    for _ in range(2):
        save_fit(small, tmp_path / "fit.zarr")
    (tmp_path / "fit.zarr" / "zarr.json").unlink()  # damaged: nothing of the user's in it
    (tmp_path / "fit.zarr" / ".DS_Store").write_text("a desktop's")
    save_fit(small, tmp_path / "fit.zarr")
    assert open_fit(tmp_path / "fit.zarr").identical(small) or (tmp_path / "fit.zarr" / "zarr.json").is_file()
    assert hidden(tmp_path) == []


def test_a_thesis_that_arrives_during_the_work_stays(tmp_path):
    save_outcomes(outcomes(), tmp_path / "o.zarr")
    with pytest.raises(TakenPathError, match=r"thesis\.txt"), write_atomically(tmp_path / "o.zarr") as new:
        new.mkdir()
        (new / "part").write_text("new")
        (tmp_path / "o.zarr" / "thesis.txt").write_text("years of work")
    assert (tmp_path / "o.zarr" / "thesis.txt").read_text() == "years of work"
    assert hidden(tmp_path) == []


def test_the_demo_leaves_a_folder_with_other_things_alone(tmp_path):
    (tmp_path / "mine").mkdir()
    for name in ("report.json", "llms.csv"):
        (tmp_path / "mine" / name).write_text("the user's")
    before = content(tmp_path)
    refused(inside("demo", "--out", "mine", cwd=tmp_path), "choose another name")
    refused(inside("demo", "--out", ".", cwd=tmp_path / "mine"), "is in use here")
    assert content(tmp_path) == before


def test_the_demo_replaces_nothing_but_results_of_a_demo(tmp_path, small, monkeypatch):
    monkeypatch.setattr("agentirt_nb.app.demo.demo_outcomes", lambda **_: pytest.fail("the work began"))
    save_fit(small, tmp_path / "hours.zarr")
    save_outcomes(outcomes(), tmp_path / "o.zarr")
    before = content(tmp_path)
    for name in ("hours.zarr", "o.zarr"):
        refused(inside("demo", "--out", name, cwd=tmp_path), "is no folder of results; choose another name")
    assert content(tmp_path) == before


def test_a_hidden_folder_with_links_leads_nobody_elsewhere(tmp_path):
    home, shared = tmp_path / "home", tmp_path / "shared"
    for folder in (home / "work" / "new", home / "work" / "old", shared / ".agentirt-1" / "new", shared / ".agentirt-2" / "new"):
        folder.mkdir(parents=True)
    (home / "thesis.txt").write_text("years of work")
    (home / "work" / "old" / "a.csv").write_text("dear reader")
    (shared / "a.csv").write_text("a stranger's")
    (shared / ".agentirt-1" / "lock").symlink_to(home / "thesis.txt")
    (shared / ".agentirt-2" / "old").symlink_to(home)
    (shared / ".agentirt-3").symlink_to(home / "work")
    before = content(home)
    with write_atomically(shared / "new.txt") as new:
        new.write_text("new")
    put_back(shared / "missing.zarr")
    assert content(home) == before


# --- what cannot be written ---


def test_a_link_to_a_name_that_ends_otherwise_is_refused_before_the_work(tmp_path, no_work):
    runs().to_csv(tmp_path / "runs.csv", index=False)
    (tmp_path / "latest.zarr").symlink_to("fit of today")
    refused(inside("fit", "runs.csv", "--out", "latest.zarr", cwd=tmp_path), r"does not end in \.zarr; name the place itself")


def test_what_cannot_be_written_is_said_before_the_work(tmp_path, no_work):
    runs().to_csv(tmp_path / "runs.csv", index=False)
    (tmp_path / "file").write_text("")
    os.mkfifo(tmp_path / "pipe.nc")
    (tmp_path / "null.nc").symlink_to("/dev/null")
    (tmp_path / "stands.zarr").write_text("a file")
    for out, says in {
        f"{'n' * 260}.zarr": "File name too long; choose another name",
        f"{'n' * 249}.zarr": "File name too long; choose another name",  # its tables have longer names
        "file/fit.nc": "There is no folder",
        "no/fit.nc": "create it first",
        "pipe.nc": "is a device or a pipe",
        "null.nc": "is a device or a pipe",
        "stands.zarr": "it is a file",
    }.items():
        for force in ((), ("--force",)):
            refused(inside("fit", "runs.csv", "--out", out, *force, cwd=tmp_path), says)
    assert {path.name for path in tmp_path.iterdir()} == {"runs.csv", "file", "pipe.nc", "null.nc", "stands.zarr"}


def test_the_longest_name_that_the_disk_takes_is_written(tmp_path):
    write_table(pd.DataFrame({"a": [1]}), tmp_path / f"{'n' * 251}.csv")
    assert len(list(tmp_path.iterdir())) == 1


def test_a_file_that_is_read_only_is_not_replaced(tmp_path, monkeypatch):
    (tmp_path / "kept.csv").write_text("old")
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # who runs as root may change everything
    with pytest.raises(UnwritableError, match="is read-only; choose another name"):
        write_table(pd.DataFrame({"a": [1]}), tmp_path / "kept.csv")
    assert (tmp_path / "kept.csv").read_text() == "old"


FULL = """
import resource, sys, warnings
import pandas as pd
from agentirt_nb.csv_files import write_table
from agentirt_nb.data.outcomes import open_outcomes, save_outcomes
from agentirt_nb.files import check_targets
old = open_outcomes("o.nc")
table = pd.DataFrame({"a": range(5000)})
resource.setrlimit(resource.RLIMIT_FSIZE, (300, resource.RLIM_INFINITY))
for name, write in {"o.nc": lambda: save_outcomes(old, "o.nc"), "o.zarr": lambda: save_outcomes(old, "o.zarr"),
                    "t.csv": lambda: write_table(table, "t.csv"), "checked.csv": lambda: check_targets(["checked.csv"])}.items():
    try:
        write()
        print(name, "was written")
    except OSError as error:
        print(name, type(error).__name__, error)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="has no limit on files")
def test_a_disk_that_takes_no_more_names_the_file_and_leaves_the_old_one(tmp_path):
    for name in ("o.nc", "o.zarr"):
        save_outcomes(outcomes(), tmp_path / name)
    (tmp_path / "t.csv").write_text("old")
    before = content(tmp_path)
    command = [sys.executable, "-c", FULL]
    done = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, check=True, env=os.environ | {"PYTHONPATH": str(ROOT)}
    )
    lines = done.stdout.splitlines()
    for name, line in zip(("o.nc", "o.zarr", "t.csv", "checked.csv"), lines, strict=True):
        assert line.startswith(f"{name} UnwritableError Cannot write "), line
        assert name in line.partition("Cannot write")[2]
        assert os.strerror(errno.EFBIG) in line
    assert content(tmp_path) == before
    assert hidden(tmp_path) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="has no /dev/full")
def test_a_full_disk_behind_standard_output_is_one_sentence(tmp_path, small):
    save_fit(small, tmp_path / "fit.nc")
    with open("/dev/full", "w") as full:
        command = [AGENTIRT, "predict", "fit.nc"]
        done = subprocess.run(
            command, cwd=tmp_path, env=environment(), stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert done.returncode == 2, done.stderr
    assert done.stderr.splitlines()[-1] == "agentirt: No space left on device: standard output or a temporary file."


# --- two writers ---

WRITER = """
import sys, time
from pathlib import Path
from agentirt_nb.files import seal, write_atomically
target, text, count = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
for _ in range(count):
    with write_atomically(target) as new:
        if target.suffix == ".zarr":
            new.mkdir()
            for part in ("zarr.json", "a", "b"):
                (new / part).write_text(text)
            seal(new)
        else:
            new.write_text(text)
print("done")
"""


@pytest.mark.parametrize("name", ["t.zarr", "t.csv"])
def test_two_writers_of_one_target_neither_fail_nor_leave_anything(tmp_path, name):
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", WRITER, str(tmp_path / name)]
    writers = [
        subprocess.Popen([*command, text * 999, "60"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env)
        for text in "AB"
    ]
    said = [writer.communicate(timeout=120) for writer in writers]
    assert said == [("done\n", "")] * 2
    assert [path.name for path in tmp_path.iterdir()] == [name]
    refuse_broken_seal(tmp_path / name)
    files = [tmp_path / name / part for part in ("zarr.json", "a", "b")] if name == "t.zarr" else [tmp_path / name]
    assert {path.read_text() for path in files} in ({"A" * 999}, {"B" * 999})


@pytest.mark.parametrize("kind", ["folder", "file"])
def test_a_writer_whose_target_another_fills_while_it_tidies_up_leaves_the_newer_one(tmp_path, monkeypatch, kind):
    target, rename = tmp_path / "t.zarr", Path.rename

    def write(text):
        with write_atomically(target) as new:
            new.mkdir()
            (new / "zarr.json").write_text(text)
            seal(new)

    def slow(path, to):  # between this writer's look and its step another took the target away and put its own there
        if path.parent.name == "old" and Path(to) == target:
            if kind == "folder":
                target.mkdir()
                (target / "zarr.json").write_text("newest")
            else:
                target.write_text("newest")
        return rename(path, to)

    def take_away(new, to):
        (old := new.parent.with_name("old")).mkdir()
        rename(to, old / to.name)

    write("first")
    monkeypatch.setattr(Path, "rename", slow)
    monkeypatch.setattr("agentirt_nb.files._take_place", take_away)
    write("second")
    text = target / "zarr.json" if kind == "folder" else target
    assert text.read_text() == "newest"
    assert [path.name for path in tmp_path.iterdir()] == ["t.zarr"]


# --- kills ---


class Killed(BaseException):
    "The end of a process, as far as this test can tell."


EVENTS = {"open", "os.rename", "os.mkdir", "os.remove", "os.rmdir", "os.chmod", "os.truncate", "shutil.rmtree"}
LIFE = SimpleNamespace(folder="", left=0)  # how many dealings with files below the folder are left


def reaper(event, arguments):
    "Let the dealing that is one too many, and every later one, not happen."
    if not LIFE.folder or event not in EVENTS or not isinstance(arguments[0], str | os.PathLike):
        return
    if (name := str(arguments[0])).startswith(LIFE.folder) or not os.path.isabs(name):
        LIFE.left -= 1
        if LIFE.left < 0:
            raise Killed


@pytest.fixture(scope="module")
def hook():
    sys.addaudithook(reaper)  # which stays, and does nothing without a folder


def killed(work, folder, after):
    "Do `work` until it has dealt with files that often; whether it was killed."
    LIFE.folder, LIFE.left = str(folder), after
    try:
        work()
    except Killed:
        return True
    finally:
        LIFE.folder = ""
    return False


def write_store(target, text):
    "A sealed folder."
    with write_atomically(target) as new:
        new.mkdir()
        for part in ("zarr.json", "part"):
            (new / part).write_text(text)
        seal(new)


WRITERS = {
    "t.csv": lambda target, text: write_table(pd.DataFrame({"a": [text]}), target),
    "t.folder": write_store,
    "t.nc": lambda target, text: save_outcomes(outcomes(len(text)), target),
    "t.zarr": lambda target, text: save_outcomes(outcomes(len(text)), target),
}


@pytest.mark.parametrize("first", [False, True], ids=["again", "for the first time"])
@pytest.mark.parametrize(
    "name", ["t.csv", "t.folder", *(pytest.param(name, marks=pytest.mark.slow) for name in ("t.nc", "t.zarr"))]
)
def test_a_kill_at_any_moment_leaves_the_old_or_the_new(tmp_path, hook, name, first):
    versions = {}
    for text in ("old", "newer"):
        WRITERS[name](tmp_path / name, text)
        versions[text] = content(tmp_path)
    found, after, put = [], 0, 0
    while True:
        home = tmp_path / f"{after}"
        home.mkdir()
        if not first:
            WRITERS[name](home / name, "old")
        died = killed(lambda: WRITERS[name](home / name, "newer"), home, after)  # noqa: B023
        was_missing = not os.path.lexists(home / name)
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            put_back(home / name)
        put += len(said)
        assert len(said) == (was_missing and not first)
        assert all("was missing, because its writer was killed; its old copy was put back" in str(w.message) for w in said)
        now = {path: data for path, data in content(home).items() if not path.startswith(".")}
        found.append(now)
        assert now in ([{}] if first else [versions["old"]]) + [versions["newer"]], after
        for left in hidden(home):  # later
            os.utime(home / left, (0, 0))
        WRITERS[name](home / name, "newer")
        assert content(home) == versions["newer"]
        assert hidden(home) == []
        if not died:
            break
        after += 1
    assert after > 5
    assert found[0] == ({} if first else versions["old"])
    assert found[-1] == versions["newer"]
    assert put == 0 or not first


def test_a_kill_between_tables_and_fit_never_leaves_a_new_fit_with_old_tables(tmp_path, hook):
    names = ["f-agents.csv", "f.folder"]

    def write(folder, text):
        with write_together([folder / name for name in names]) as beside:
            beside[0].write_text(text)
            write_store(beside[1], text)  # as a fit is saved: one writer in another

    def state(folder):
        return [(folder / name).read_text() for name in (names[0], "f.folder/part")]

    seen, after = [], 0
    while True:
        home = tmp_path / f"{after}"
        home.mkdir()
        write(home, "old")
        died = killed(lambda: write(home, "new"), home, after)  # noqa: B023
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            put_back(home / "f.folder")
        seen += [now] if (now := state(home)) not in seen else []
        for left in hidden(home):  # later
            os.utime(home / left, (0, 0))
        write(home, "new")
        assert state(home) == ["new"] * 2
        assert hidden(home) == []
        if not died:
            break
        after += 1
    assert seen == [["old", "old"], ["new", "old"], ["new", "new"]]


def leftover(folder, name, *, old=True):
    "What a killed writer left."
    for part in ("new", "old") if old else ("new",):
        (folder / ".agentirt-dead" / part / name).mkdir(parents=True)
        (folder / ".agentirt-dead" / part / name / "part").write_text(part)
    return folder / ".agentirt-dead"


def test_a_sweep_that_is_killed_is_taken_up_by_the_next(tmp_path, hook):
    after, died = 0, True
    while died:
        (home := tmp_path / f"{after}").mkdir()
        write_store(home / "t.folder", "old")
        place = leftover(home, "t.folder")
        for i in range(4):  # the disk lists names in an order of its own: some before `new`, some after it
            (place / f"gone-{after}-{i}" / "t.folder").mkdir(parents=True)
        died = killed(lambda: write_store(home / "t.folder", "newer"), home, after)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            put_back(home / "t.folder")
        for left in hidden(home):  # later
            os.utime(home / left, (0, 0))
        write_store(home / "t.folder", "newest")
        assert hidden(home) == [], after
        after += 1


def test_an_old_copy_is_put_back_by_whoever_opens_it(tmp_path, small):
    for name, save, reopen in (("o.zarr", save_outcomes, open_outcomes), ("f.zarr", save_fit, open_fit)):
        save(small if name == "f.zarr" else outcomes(), tmp_path / name)
        place = leftover(tmp_path, name)
        (place / "old" / name / "part").unlink()
        (place / "old" / name).rmdir()
        (tmp_path / name).rename(place / "old" / name)
        with pytest.warns(UserWarning, match=rf"{name} was missing, because its writer was killed; its old copy was put back"):
            reopen(tmp_path / name)
        assert hidden(tmp_path) == []


def test_only_what_the_dead_left_and_what_stands_is_swept(tmp_path):
    place = leftover(tmp_path, "gone.zarr", old=False)  # perhaps whole, and nothing stands in its place
    (tmp_path / ".agentirt-notes").mkdir()
    (tmp_path / ".agentirt-notes" / "mine.txt").write_text("the user's")
    (tmp_path / ".t.csv.new-1234.csv").write_text("the user's")
    with write_atomically(tmp_path / "t.csv") as living:
        living.write_text("1")
        write_store(tmp_path / "t.folder", "x")
        assert living.read_text() == "1"
    assert place.is_dir()
    assert sorted(hidden(tmp_path)) == [".agentirt-dead", ".agentirt-notes", ".t.csv.new-1234.csv"]
    write_store(tmp_path / "gone.zarr", "x")
    assert sorted(hidden(tmp_path)) == [".agentirt-notes", ".t.csv.new-1234.csv"]


def test_an_old_copy_stays_while_its_target_is_damaged(tmp_path):
    write_store(tmp_path / "t.folder", "x")
    place = leftover(tmp_path, "t.folder")
    (tmp_path / "t.folder" / "part").write_text("damaged")
    write_table(pd.DataFrame({"a": [1]}), tmp_path / "t.csv")
    assert (place / "old" / "t.folder" / "part").read_text() == "old"
    (tmp_path / "t.folder" / "part").write_text("x")
    write_table(pd.DataFrame({"a": [1]}), tmp_path / "t.csv")
    assert hidden(tmp_path) == []


# --- Ctrl-C ---

VALIDATION = """
import sys
import numpy as np
from agentirt_nb.app.stopping import stoppable
from agentirt_nb.data.building import from_arrays
from agentirt_nb.irt.evaluation import cross_validate
passed = np.random.default_rng(0).integers(0, 2, (60, 300))
outcomes = from_arrays(passed, agents=[f"a{i}" for i in range(60)], tasks=[f"t{i}" for i in range(300)])
print("at work", flush=True)
with stoppable("interrupted"):
    cross_validate(outcomes, "responses", folds=50, progress=False)
"""


def listening(command, **options):
    "Start a program that hears Ctrl-C, also where this one was told not to."
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, **options)
    finally:
        signal.signal(signal.SIGINT, before)


def all_gone(processes):
    "Whether processes have ended."
    _, alive = psutil.wait_procs(processes, timeout=5)
    return [p for p in alive if p.status() != psutil.STATUS_ZOMBIE] == []


def test_ctrl_c_in_cross_validation_ends_it_and_leaves_no_child(tmp_path):
    running = listening([sys.executable, "-c", VALIDATION], cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(ROOT)})
    assert running.stdout.readline() == "at work\n"
    time.sleep(2)
    assert running.poll() is None, "it was over before it could be interrupted"
    children = psutil.Process(running.pid).children(recursive=True)
    running.send_signal(signal.SIGINT)
    _, said = running.communicate(timeout=30)
    assert running.returncode != 0
    assert "KeyboardInterrupt" in said or "interrupted" in said
    assert all_gone(children)
    assert list(tmp_path.iterdir()) == []


# --- what nobody else should read ---


@pytest.mark.skipif(os.name != "posix", reason="has no such permissions")
def test_a_cache_is_its_owners_alone(tmp_path):
    from agentirt_nb.stores import remembered

    before = os.umask(0o022)
    try:
        made = private_folder(tmp_path / "a" / "b")
        remembered(tmp_path / "c" / "d" / "x.npz", lambda: {"a": np.zeros(3)})
        (tmp_path / "open").mkdir()
        private_folder(tmp_path / "open")
        (tmp_path / "named").mkdir()
        remembered(tmp_path / "named" / "x.npz", lambda: {"a": np.zeros(3)})
    finally:
        os.umask(before)
    for folder in (made, made.parent, tmp_path / "c", tmp_path / "c" / "d", tmp_path / "open"):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "named").stat().st_mode) == 0o755  # the user's own folder is the user's matter


# --- the storm ---

STORM = """
import os, sys
import numpy as np, pandas as pd, xarray as xr
import agentirt_nb.app.demo as demo, agentirt_nb.data.judge as judge, agentirt_nb.data.leaderboards as leaderboards
import agentirt_nb.irt.inference as inference, agentirt_nb.irt.scoring as scoring
import agentirt_nb.irt.prediction, agentirt_nb.irt.tables, zarr
from agentirt_nb.app.cli import main
from agentirt_nb.data.outcomes import open_outcomes
from agentirt_nb.irt.fits import open_fit

# what takes time is made once; all else of the commands is as it is
fits = {1: open_fit("f1.nc"), 2: open_fit("f2.nc")}
boards = {"gso": open_outcomes("o1.nc"), "swebench_pro": open_outcomes("o2.nc")}
rows = pd.DataFrame(1.0, index=["to_ask", "in_cache"], columns=["calls", "input_tokens", "output_tokens", "dollars"])
axes = judge.load_rubric(level="problem").index.tolist()
bill = dict(input_tokens=1, output_tokens=1, failed=0)
inference.fit = lambda *_, seed=None, **__: fits[seed]
scoring.score = lambda *_, seed=None, **__: fits[seed]
leaderboards.load_leaderboard = lambda name, **_: boards[name]
judge.judge_cost = lambda *_, **__: rows
judge.judge_tasks = lambda *_, budget, **__: xr.DataArray(
    np.full((1, len(axes)), budget), coords=dict(task=["003"], feature=axes), name="features", attrs=bill)
demo.demo_outcomes = lambda **_: (None, "")
demo.demo_charts = lambda fit: {}
for line in sys.stdin:
    if (child := os.fork()) == 0:
        sys.stdout, sys.stderr = open("said", "a"), open("said", "a")
        code = main(line.split())
        sys.stderr.flush()
        os._exit(code)
    print(child, flush=True)
    _, how = os.waitpid(child, 0)
    print(how, flush=True)
"""

TABLES = ["fit-agents.csv", "fit-tasks.csv"]
COMMANDS = {  # what is asked, by the number of the version; and what it writes
    "fit to zarr": ("fit runs.csv --out out/fit.zarr --quiet --seed {}", ["fit.zarr", *TABLES]),
    "fit to netCDF": ("fit runs.csv --out out/fit.nc --quiet --seed {}", ["fit.nc", *TABLES]),
    "predict": ("predict f{}.nc --out out/p.csv", ["p.csv"]),
    "score": ("score f1.nc runs.csv --out out/fit.zarr --seed {}", ["fit.zarr", *TABLES]),
    "judge": ("judge tasks.csv --model openai/x --level problem --yes --budget {} --out out/r.csv", ["r.csv"]),
    "leaderboards to zarr": ("leaderboards {} --save out/o.zarr", ["o.zarr"]),
    "leaderboards to netCDF": ("leaderboards {} --save out/o.nc", ["o.nc"]),
    "demo": ("demo --out out/demo", ["demo"]),
}
KILLS = 100


def test_the_storm_knows_every_command_that_writes():
    assert {text.split()[0] for text, _ in COMMANDS.values()} == {"fit", "predict", "score", "judge", "leaderboards", "demo"}


def part(folder, name):
    "One output: a file's bytes, or all of a folder's."
    return content(folder / name) if (folder / name).is_dir() else (folder / name).read_bytes()


def has_ended(process):
    "Whether the process of that number is over, waited for or not."
    try:
        return psutil.Process(process).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills forks")
@pytest.mark.parametrize("name", COMMANDS)
def test_a_hundred_kills_of_every_writing_command(tmp_path, small, name):
    asked, written = COMMANDS[name]
    runs().to_csv(tmp_path / "runs.csv", index=False)
    (tmp_path / "tasks.csv").write_text("task,text\n003,Repair it.\n")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        save_fit(small, tmp_path / "f1.nc")
        save_fit(fit(outcomes(1), ability="agent", draws=20, seed=2, progress=False), tmp_path / "f2.nc")
    save_outcomes(outcomes(), tmp_path / "o1.nc")
    save_outcomes(outcomes(1), tmp_path / "o2.nc")
    (out := tmp_path / "out").mkdir()
    rng, states, put = np.random.default_rng(0), set(), 0
    orders = [asked.format(version) for version in (("gso", "swebench_pro") if "leaderboards" in name else (1, 2))]
    server = subprocess.Popen(
        [sys.executable, "-c", STORM], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )  # fmt: skip

    def begin(order):
        before = {*hidden(out)}  # what the dead left
        server.stdin.write(order + "\n")
        server.stdin.flush()
        child = int(server.stdout.readline())
        while not {*hidden(out)} - before and not has_ended(child):
            time.sleep(0.001)
        return child

    def finish(order):
        begin(order)
        started = time.perf_counter()
        assert int(server.stdout.readline()) in (0, 256), (tmp_path / "said").read_text()
        return time.perf_counter() - started

    versions, lasts = [], []
    for order in orders:
        lasts.append(finish(order))
        versions.append({output: part(out, output) for output in written})
    died = tries = 0
    while died < KILLS and tries < 10 * KILLS:  # on a busy machine many are done before they are killed
        child = begin(orders[tries % 2])
        time.sleep(rng.uniform(0, 1.1 * np.median(lasts)))  # one measured while the machine had other work counts little
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
        died += int(server.stdout.readline()) == signal.SIGKILL
        lost = [output for output in written if not (out / output).exists()]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            now = {output: part(out, output) if put_back(out / output).exists() else None for output in written}
        assert None not in now.values(), (tries, hidden(out))
        if name == "demo":  # tells how long it took, so no two are alike
            assert (out / "demo" / "agentirt.seal").is_file()
            refuse_broken_seal(out / "demo")
        else:
            which = [[version[output] for version in versions].index(now[output]) for output in written]
            states.add(tuple(which))
            put += bool(lost)
        if tries % 10 == 9:
            for left in hidden(out):
                os.utime(out / left, (0, 0))
            lasts.append(finish(orders[tries % 2]))
            assert hidden(out) == []
        tries += 1
    server.stdin.close()
    assert server.wait(timeout=30) == 0
    print(f"{name}: {died} of {tries} killed, {put} put back, {len(states)} states, {np.median(lasts):.3f} s each")
    assert died == KILLS


@pytest.mark.parametrize("line", ["my notes\n", "my notes,,,,,\n", "dora,1.0,yes,sound,observed,f999999999\n"])
def test_a_table_to_which_somebody_added_a_line_is_not_ours(tmp_path, line):
    path = tmp_path / "runs-agents.csv"
    path.write_text("agent,ability_logits,converged,accuracy,outcomes,fit\nada,0.5,yes,sound,observed,f123456789\n")
    assert not_ours(path) == ""
    with path.open("a") as file:
        file.write(line)
    assert not_ours(path) == "this program did not write it"


@pytest.mark.parametrize("name", [".DS_Store", "desktop.ini", "Thumbs.db"])
def test_what_a_desktop_leaves_in_a_folder_does_not_make_it_somebody_elses(tmp_path, name):
    store = tmp_path / "runs.zarr"
    store.mkdir()
    (store / "part").write_text("one")
    seal(store)
    (store / name).write_text("icons")
    assert not_ours(store) == ""
