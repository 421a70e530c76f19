"""Folders of logs as they are: mixed, broken, hostile, very large, and read twice."""

import json
import os
from contextlib import nullcontext
from pathlib import Path

import pytest
from filelock import FileLock
from log_files import harbor_trial, samples

import agentirt_nb as irt
from agentirt_nb.app.cli import main
from agentirt_nb.data import log_folders
from agentirt_nb.data.log_files import LogError, LogFile
from agentirt_nb.data.log_folders import FORMATS, files_below, read_folder
from agentirt_nb.data.log_outcomes import outcomes_from_logs
from agentirt_nb.data.outcomes import OutcomesError


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))


def write(folder: Path, name: str, what: object) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(what if isinstance(what, str) else json.dumps(what), encoding="utf-8")
    return path


def job(folder: Path, n: int, tasks: int = 4) -> None:
    "A Harbor job of `n` trials, of which every third passed."
    for i in range(n):
        write(folder, f"job/t{i % tasks}__{i}/result.json", harbor_trial(i, float(i % 3 == 0), task=f"t{i % tasks}"))


def told(readings: object) -> list[str]:
    "Trials as text, since what is not known is equal to nothing."
    return [repr(one.trials) for one in readings]


def test_no_two_formats_see_one_file_as_theirs_among_all_samples():
    home = samples("")
    files = [path for path in files_below(home)[0] if path.suffix in log_folders.ENDINGS]
    assert len(files) > 400
    several = {}
    for path in files:
        seen = [one.name for one in FORMATS if one.sees(LogFile(path, home))]
        if len(seen) > 1:
            several[str(path)] = seen
    assert not several


def test_all_samples_together_are_read_in_one_line():
    outcomes = irt.read_outcomes(samples(""), progress=False)
    report = irt.reading_report(outcomes)
    assert not [why for why in report.broken.values() if "defeats" in why]
    assert outcomes.sizes["agent"] > 40 and outcomes.trials.values.sum() > 4000


def test_a_broken_file_among_many_is_told_of_and_the_rest_is_read(tmp_path):
    job(tmp_path, 12)
    write(tmp_path, "job/t9__cut/result.json", '{"id": "x", "task_name": ')
    write(tmp_path, "job/deep.json", "[" * 50_000)
    (tmp_path / "latin.json").write_bytes(b'{"caf\xe9": 1}')
    outcomes = irt.read_outcomes(tmp_path, progress=False)
    report = irt.reading_report(outcomes)
    assert outcomes.trials.values.sum() == 12 and set(report.broken) == {"job/t9__cut/result.json", "job/deep.json", "latin.json"}
    assert "Not read, 3 files:" in repr(report)
    with pytest.raises(LogError, match=r"deep.json is nested too deeply|latin.json is no UTF-8|is no JSON"):
        irt.read_outcomes(tmp_path, strict=True, progress=False)


def test_an_infrastructure_failure_is_no_failure_and_the_report_says_what_the_other_choice_would_give(tmp_path):
    for i, reward in enumerate([1.0, 0.0, None, 1.0]):
        write(tmp_path, f"job/t{i}/result.json", harbor_trial(i, reward, task=f"t{i}"))
    outcomes = irt.read_outcomes(tmp_path, progress=False)
    assert (int(outcomes.successes.sum()), int(outcomes.trials.sum())) == (2, 3)
    assert "from 66.7% to 50.0%" in repr(irt.reading_report(outcomes))
    counted = irt.read_outcomes(tmp_path, observed=["scored", "died"], progress=False)
    assert int(counted.trials.sum()) == 4


def test_links_are_not_followed_and_those_that_leave_are_named(tmp_path):
    inside, outside = tmp_path / "in", tmp_path / "out"
    job(inside, 4)
    job(outside, 40)
    (inside / "more").symlink_to(outside)
    (inside / "again").symlink_to(inside / "job")
    (inside / "loop").symlink_to(inside)
    outcomes = irt.read_outcomes(inside, progress=False)
    assert int(outcomes.trials.sum()) == 4
    assert "a link that leaves the folder, not followed (more)" in repr(irt.reading_report(outcomes))


def test_a_folder_copied_into_itself_counts_once(tmp_path):
    job(tmp_path, 8)
    job(tmp_path / "backup", 8)
    outcomes = irt.read_outcomes(tmp_path, progress=False)
    assert int(outcomes.trials.sum()) == 8
    assert "8 trials had the id of another" in repr(irt.reading_report(outcomes))


ODD_NAMES = ["new\nline", "tab\t", "\u202egpj", "a'b\"c", "x" * 200, "-rf", "<b>bold</b>", os.fsdecode(b"caf\xe9")]


@pytest.mark.parametrize("name", ODD_NAMES)
def test_names_of_files_may_be_anything(tmp_path, name):
    write(tmp_path, f"{name}/result.json", harbor_trial(1, 1.0))
    write(tmp_path, f"{name}/broken.json", "{")
    outcomes = irt.read_outcomes(tmp_path, progress=False)
    report = irt.reading_report(outcomes)
    assert len(report.broken) == 1 and "<b>" not in report._repr_html_()
    saved = irt.open_outcomes(irt.save_outcomes(outcomes, tmp_path / "saved.nc"))
    assert irt.reading_report(saved).broken == report.broken


def test_a_folder_of_a_thousand_levels_is_walked(tmp_path):
    folder = tmp_path
    os.chdir(folder)
    for _ in range(300):
        os.mkdir("d")
        os.chdir("d")
    Path("result.json").write_text(json.dumps(harbor_trial(1, 1.0)))
    os.chdir(tmp_path)
    assert int(irt.read_outcomes(tmp_path, progress=False).trials.sum()) == 1


def test_a_pickle_is_never_opened(tmp_path):
    job(tmp_path, 2)
    (tmp_path / "args.pkl").write_bytes(b"cos\nsystem\n(S'touch pwned'\ntR.")
    assert "a pickle, which may run anything" in repr(irt.reading_report(irt.read_outcomes(tmp_path, progress=False)))
    assert not Path("pwned").exists()


def test_nothing_that_can_be_read_is_one_sentence(tmp_path):
    with pytest.raises(LogError, match=r"holds no outcomes that can be read; 0 files looked at"):
        irt.read_outcomes(tmp_path, progress=False)
    write(tmp_path, "a.json", {"name": "package", "version": 1})
    with pytest.raises(LogError, match=r"1 file of no format that is known, or not of the one"):
        irt.read_outcomes(tmp_path, progress=False)
    with pytest.raises(LogError, match="There is no file or folder"):
        outcomes_from_logs(tmp_path / "none")


def interrupted(folder, after=450):
    "A reading that stops in its third chunk; the files and what was read."
    paths = files_below(folder)[0]
    reading = read_folder(folder, paths, workers=1, progress=False)
    first = [next(reading) for _ in range(after)]
    reading.close()
    return paths, first


def test_an_interrupted_reading_goes_on_where_it_stopped(tmp_path, monkeypatch):
    job(tmp_path, 1100)
    paths, first = interrupted(tmp_path)
    changed = paths[5]
    changed.write_text(changed.read_text().replace("acme/strong-1", "acme/weaker-1"))  # of the same length
    asked = []
    real = log_folders.read_log
    monkeypatch.setattr(log_folders, "read_log", lambda file, *more: asked.append(file.name) or real(file, *more))
    again = list(read_folder(tmp_path, paths, workers=1, progress=False))
    assert len(asked) == 1100 - 600 + 1 and told(again[:5] + again[6:450]) == told(first[:5] + first[6:])
    assert again[5].trials[0].llm == "acme/weaker-1"
    asked.clear()
    assert told(read_folder(tmp_path, paths, workers=1, progress=False)) == told(again)
    assert len(asked) == 1100  # it has been read to its end: nothing is kept
    assert not list(Path(os.environ["XDG_CACHE_HOME"]).rglob("readings.jsonl"))


def test_what_was_read_of_a_file_in_motion_or_in_trouble_is_not_kept(tmp_path, monkeypatch):
    job(tmp_path, 1100)
    real, moving = log_folders.read_log, files_below(tmp_path)[0][3]

    def busy(file, *more):
        reading = real(file, *more)
        if file.path == moving:
            moving.write_text(moving.read_text().replace("strong", "longer"))
        return reading

    monkeypatch.setattr(log_folders, "read_log", busy)
    paths, first = interrupted(tmp_path)
    monkeypatch.setattr(log_folders, "read_log", real)
    assert first[3].trials[0].llm == "acme/strong-1"
    assert list(read_folder(tmp_path, paths, workers=1, progress=False))[3].trials[0].llm == "acme/longer-1"


@pytest.mark.parametrize("damage", ["half", "nonsense", "fields", "folder", "locked"])
def test_a_memory_of_an_interrupted_reading_that_is_of_no_use_does_no_harm(tmp_path, damage):
    job(tmp_path, 1001)
    paths, first = interrupted(tmp_path)
    kept = next(Path(os.environ["XDG_CACHE_HOME"]).rglob("readings.jsonl"))
    if damage == "half":
        kept.write_bytes(kept.read_bytes()[: kept.stat().st_size // 2])
    elif damage == "nonsense":
        kept.write_bytes(b"nonsense\n")
    elif damage == "fields":
        kept.write_bytes(kept.read_bytes().replace(b'"trials"', b'"trails"'))
    elif damage == "folder":
        kept.unlink()
        kept.mkdir()
    with FileLock(kept.with_name("lock"), thread_local=False) if damage == "locked" else nullcontext():
        assert told(list(read_folder(tmp_path, paths, workers=1, progress=False))[:450]) == told(first)


def test_a_cache_that_cannot_be_written_is_done_without(tmp_path, monkeypatch):
    job(tmp_path / "logs", 1001)
    (tmp_path / "cache").write_text("a file")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    paths = files_below(tmp_path / "logs")[0]
    assert len(list(read_folder(tmp_path / "logs", paths, workers=1, progress=False))) == 1001


def test_several_programs_read_the_same_as_one(tmp_path):
    job(tmp_path, 450)
    write(tmp_path, "job/broken/result.json", "{")
    paths = files_below(tmp_path)[0]
    one, two = (list(read_folder(tmp_path, paths, workers=workers, progress=False)) for workers in (1, 2))
    assert [(r.name, r.format, r.trouble) for r in one] == [(r.name, r.format, r.trouble) for r in two]
    assert sum(len(r.trials) for r in two) == 450


def test_several_paths_are_read_as_one(tmp_path):
    job(tmp_path / "a", 6)
    job(tmp_path / "b", 6)  # the same trials, by their ids
    write(tmp_path, "dead.json", harbor_trial(99, None))
    given = [tmp_path / name for name in ("a", "b", "a/job/t0__0/result.json", "dead.json")]
    both = irt.read_outcomes(given, progress=False)
    assert int(both.trials.sum()) == 6 and "6 trials had the id of another" in repr(irt.reading_report(both))
    assert "Not counted: 1 died" in repr(irt.reading_report(both))
    write(tmp_path, "sheet.csv", "Model,Test,Passed\nother,t1,1\n")
    more = irt.read_outcomes([tmp_path / "sheet.csv", tmp_path / "a"], progress=False)
    assert int(more.trials.sum()) == 7


def test_pipes_and_links_to_themselves_are_passed_over(tmp_path):
    job(tmp_path, 2)
    (tmp_path / "loop.json").symlink_to("loop.json")
    os.mkfifo(tmp_path / "pipe.json")
    report = repr(irt.reading_report(irt.read_outcomes(tmp_path, progress=False)))
    assert "a link that leads nowhere (loop.json)" in report and "which is never opened (pipe.json)" in report
    os.mkfifo(tmp_path / "pipe.csv")
    with pytest.raises(OutcomesError, match="is a pipe, a socket or a device"):
        irt.read_outcomes(tmp_path / "pipe.csv")


def test_a_list_of_tasks_is_about_what_the_files_name(tmp_path):
    entry = {"resolved": ["django__django-1"], "no_generation": [], "no_logs": []}
    write(tmp_path, "evaluation/verified/20250101_a/results/results.json", entry)
    write(tmp_path, "evaluation/verified/20250102_b/results/results.json", entry | {"resolved": ["django__django-2"]})
    alone = irt.read_outcomes(tmp_path, progress=False)
    assert int(alone.trials.sum()) == 2 and "names only what was solved" in repr(irt.reading_report(alone))
    union = irt.read_outcomes(tmp_path, tasks="union", progress=False)
    assert union.successes.sum("task").values.tolist() == [1, 1] and union.trials.sum("task").values.tolist() == [2, 2]
    assert "Failures for the list of tasks: 2" in repr(irt.reading_report(union))
    (tmp_path / "tasks.txt").write_text("task\ndjango__django-1\ndjango__django-2\ndjango__django-3\n")
    assert int(irt.read_outcomes(tmp_path, tasks=str(tmp_path / "tasks.txt"), progress=False).trials.sum()) == 6
    with pytest.raises(OutcomesError, match="None of the 1 task of tasks= is named by any file"):
        irt.read_outcomes(tmp_path, tasks=["x"], progress=False)


def test_a_copy_of_a_table_is_named_and_left_out(tmp_path):
    for name in ("a.csv", "backup/a.csv"):
        write(tmp_path, name, "Model,Test,Passed\nm,t1,1\nm,t2,0\n")
    outcomes = irt.read_outcomes(tmp_path, progress=False)
    assert int(outcomes.trials.sum()) == 2 and "the same as another (backup/a.csv)" in repr(irt.reading_report(outcomes))


def test_copies_without_ids_count_as_repeats_and_the_report_says_so(tmp_path):
    for name in ("a.jsonlines", "backup/a.jsonlines"):
        write(tmp_path, name, '{"subject_id": "s", "responses": {"q1": 1, "q2": 0}}\n')
    outcomes = irt.read_outcomes(tmp_path, progress=False)
    assert int(outcomes.trials.sum()) == 4 and "1 file (backup/a.jsonlines); they count" in repr(irt.reading_report(outcomes))


def test_of_very_many_broken_files_all_are_counted(tmp_path):
    job(tmp_path, 2)
    for i in range(1203):
        write(tmp_path, f"cut/{i}.json", "{")
    report = irt.reading_report(irt.read_outcomes(tmp_path, progress=False, workers=1))
    assert "Not read, 1,203 files" in repr(report)


@pytest.mark.parametrize("given", [None, 7, b"x", "", "a" * 5000, [None], {}])
def test_what_is_no_name_is_refused_in_a_sentence(given):
    with pytest.raises(OutcomesError):
        irt.read_outcomes(given)


def test_tables_between_logs_are_of_the_same_campaign(tmp_path):
    job(tmp_path, 8)
    write(tmp_path, "sheet.csv", "Model,Test,Passed\nstrong-1 in shell,t1,1\nother,t2,0\n")
    write(tmp_path, "prices.csv", "provider,usd\nacme,3\n")
    outcomes = irt.read_outcomes(tmp_path, progress=False)
    assert outcomes.agent.values.tolist() == ["strong-1 in shell", "other"]
    assert set(outcomes.task.values.tolist()) == {"t0", "t1", "t2", "t3"} and set(outcomes.benchmark.values) == {"toy-suite"}
    assert int(outcomes.trials.sel(agent="strong-1 in shell", task="t1")) == 3
    assert "prices.csv" in repr(irt.reading_report(outcomes))


def test_check_import_fit_and_export_as_commands(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> tuple[int, str]:
        code = main(arguments)
        return code, "".join(capsys.readouterr())

    for i in range(60):
        passed = float((i * 7) % 11 > 3 + i % 3)
        write(tmp_path, f"logs/t{i}/result.json", harbor_trial(i, passed, f"t{i // 3}", f"model {'abc'[i % 3]}"))
    code, said = run("check", "logs")
    assert code == 0 and "3 agents on 20 tasks: 60 cells run" in said
    write(tmp_path, "logs/cut.json", "{")
    code, said = run("check", "logs")
    assert code == 1 and "Not read, 1 file: cut.json is no JSON" in said
    assert list(tmp_path.iterdir()) == [tmp_path / "logs"]
    code, said = run("import", "logs", "-o", "outcomes.zarr", "--quiet")
    assert code == 1 and "Written: outcomes.zarr" in said
    code, said = run("import", "logs", "-o", "logs/outcomes.zarr")
    assert code == 2 and "'logs/outcomes.zarr' would lie in 'logs', which is read for it" in said
    code, said = run("export", "outcomes.zarr", "-o", "runs.csv")
    assert code == 0 and (tmp_path / "runs.csv").read_text().startswith("agent,task,successes,trials")
    code, said = run("export", "outcomes.zarr", "-o", "runs.csv")
    assert code == 2 and "--force" in said
    code, said = run("fit", "outcomes.zarr", "--out", "fit.zarr", "--quiet")
    assert code in (0, 1) and (tmp_path / "fit.zarr").is_dir(), said
    code, said = run("check", "logs", "--format", "harbr")
    assert code == 2 and "did you mean 'harbor'" in said
    code, said = run("check", "logs", "--count", "dead")
    assert code == 2 and "did you mean 'died'" in said
    code, said = run("check", "logs", "--agent", "Model")
    assert code == 2 and "agent says nothing about it" in said
