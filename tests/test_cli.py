"The command line as a person or a script meets it: a subprocess, its files, its words and its exit codes."

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from io import StringIO
from pathlib import Path

import numpy as np
import pandas as pd
import psutil
import pytest

from agentirt_nb.data.building import from_arrays
from agentirt_nb.irt.fits import save_fit
from agentirt_nb.quanta.task_fits import fit_tasks
from agentirt_nb.settings import settings

AGENTIRT = Path(sys.executable).parent / "agentirt"
DATA = str(settings().data_folder or "")
CLOSED = "http://127.0.0.1:9"  # nobody listens: stands for a machine without network


COMMANDS = "demo fit check import export predict score compare diagnose choose session report judge leaderboards".split()  # noqa: SIM905


def environment(**changes):
    "The environment of this process without settings of its own."
    kept = {name: text for name, text in os.environ.items() if not name.startswith("AGENTIRT_")}
    return kept | changes


def agentirt(*arguments, cwd, **env):
    "Run the command; what it wrote must never be a traceback."
    command = [AGENTIRT, *map(str, arguments)]
    done = subprocess.run(command, cwd=cwd, env=environment(**env), capture_output=True, text=True, timeout=300, check=False)
    assert "--debug" in arguments or "Traceback" not in done.stderr, done.stderr
    return done


def inside(*arguments, cwd):
    "The same in this process, which has the libraries loaded already."
    from agentirt_nb.app.cli import main

    out, err = StringIO(), StringIO()
    with contextlib.chdir(cwd), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = main([*map(str, arguments)])
        except SystemExit as end:  # of the parser of arguments
            code = end.code
    assert "Traceback" not in err.getvalue(), err.getvalue()
    return subprocess.CompletedProcess(arguments, code, out.getvalue(), err.getvalue())


def first_of_each(cases):
    "Cases with the way to run them: the first of each command as a process, as that takes seconds, the others in this one."
    met = set()
    for arguments, *rest in cases:
        command = arguments[:1] if isinstance(arguments, tuple) else ()
        yield agentirt if command not in met else inside, arguments, *rest
        met.add(command)


def refused(done, says):
    "The run ended in code 2 with one sentence that matches."
    lines = done.stderr.splitlines()
    assert done.returncode == 2, done.stderr
    assert re.fullmatch(rf"agentirt: .*{says}.*", lines[-1]), done.stderr


def runs(seed=0):
    "Outcomes of twelve agents, four LLMs under three scaffolds, on 25 tasks of two benchmarks."
    rng = np.random.default_rng(seed)
    difficulty, rows = rng.normal(0, 1.5, 25), []
    for llm, strength in zip("ABCD", (1.5, 0.5, -0.5, -1.5), strict=True):
        for scaffold, help_ in zip("xyz", (0.5, 0, -0.5), strict=True):
            passed = rng.random(25) < 1 / (1 + np.exp(difficulty - strength - help_))
            for task, success in enumerate(passed):
                rows.append(
                    {
                        "agent": f"{llm}+{scaffold}",
                        "llm": f"LLM {llm}",
                        "scaffold": f"Scaffold {scaffold}",
                        "task": f"{task:03d}",
                        "benchmark": "odd" if task % 2 else "even",
                        "success": int(success),
                    }
                )
    return pd.DataFrame(rows)


@pytest.fixture(scope="module")
def fitted(tmp_path_factory):
    "A folder with runs.csv and what `agentirt fit` makes of it."
    folder = tmp_path_factory.mktemp("fitted")
    runs().to_csv(folder / "runs.csv", index=False)
    done = agentirt("fit", "runs.csv", "--out", "runs.zarr", "--draws", 200, "--seed", 1, cwd=folder)
    assert done.returncode in (0, 1), done.stderr
    (folder / "said.json").write_text(json.dumps([done.returncode, done.stdout, done.stderr]))
    return folder


# --- help ---


def test_help_is_quick_and_teaches(tmp_path):
    before = os.times()
    done = agentirt("--help", cwd=tmp_path)
    assert os.times().children_user - before.children_user < 5  # seconds of processor time
    commands = COMMANDS
    for word in (*commands, "130  interrupted", "passes over\n       Ctrl-C"):
        assert word in done.stdout


@pytest.mark.parametrize(
    "command",
    COMMANDS,
)
def test_the_help_of_each_command_has_examples_and_exit_codes(tmp_path, command):
    shown = agentirt(command, "--help", cwd=tmp_path).stdout
    assert f"examples:\n  agentirt {command}" in shown
    assert "exit codes:" in shown


def test_help_loads_no_numerical_library():
    code = (
        "import sys\nfrom agentirt_nb.app.cli import main\nmain(['fit'])\n"
        "print([name for name in ('numpy', 'pandas', 'jax', 'altair', 'xarray', 'importlib.metadata') if name in sys.modules])"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert shown.strip() == "[]"


# --- fit ---


def test_fit_writes_the_fit_and_four_tables(fitted):
    code, stdout, _ = json.loads((fitted / "said.json").read_text())
    assert code == 0
    assert "12 agents on 25 tasks" in stdout
    names = {path.name for path in fitted.iterdir()} - {"runs.csv", "said.json", "agents.csv", "tasks.csv"}
    tables = {f"runs-{name}.csv" for name in ("agents", "llms", "scaffolds", "tasks")}
    assert names == {"runs.zarr", *tables}
    llms = pd.read_csv(fitted / "runs-llms.csv")
    assert llms.llm.tolist() == ["LLM A", "LLM B", "LLM C", "LLM D"]
    assert (llms.lower_90 < llms.ability_logits).all()
    assert (llms.ability_logits < llms.upper_90).all()
    assert set(llms.converged) == {"yes"}
    assert set(llms.outcomes) == {"observed"}
    assert llms.columns[-1] == "fit"
    tasks = pd.read_csv(fitted / "runs-tasks.csv", dtype={"task": str})
    assert set(tasks.task) == {f"{i:03d}" for i in range(25)}
    assert set(tasks.benchmark) == {"odd", "even"}
    assert tasks.difficulty_logits.is_monotonic_decreasing
    agents = pd.read_csv(fitted / "runs-agents.csv")
    named = {"benchmarks", "ability_logits", "sd_logits", "lower_90", "upper_90", "converged", "accuracy", "adequacy", "fit"}
    assert {"agent", "llm", "scaffold", *named} <= set(agents.columns)
    assert set(agents.fit) == set(llms.fit) == set(tasks.fit)


def test_the_same_seed_gives_the_same_tables(fitted, tmp_path):
    command = ("fit", fitted / "runs.csv", "--out", "again.zarr", "--draws", 200, "--seed", 1)
    assert inside(*command, cwd=tmp_path).returncode == 0
    for name in ("agents", "llms", "scaffolds", "tasks"):
        assert (tmp_path / f"again-{name}.csv").read_text() == (fitted / f"runs-{name}.csv").read_text()


def test_trials_two_models_and_netcdf(tmp_path):
    table = runs().rename(columns={"success": "successes"}).drop(columns=["llm", "scaffold", "benchmark"])
    table.assign(successes=table.successes * 3, trials=5).to_csv(tmp_path / "k_of_n.csv", index=False)
    command = ("fit", "k_of_n.csv", "--out", "k.nc", "--model", "2pl", "--ability", "agent", "--quiet", "--draws", 200)
    done = inside(*command, cwd=tmp_path)
    assert done.returncode in (0, 1), done.stderr
    assert done.stderr == "" or done.returncode == 1
    assert "discrimination_lower_90" in pd.read_csv(tmp_path / "k-tasks.csv").columns
    assert not (tmp_path / "k-llms.csv").exists()


@pytest.mark.parametrize(
    ("run", "content", "says"),
    first_of_each(
        [
            ("", "has no rows"),
            ("agent,task,success\n", "has no rows"),
            ("agent;task;success\na;t;maybe\n", "line 2: success is 'maybe', but must be a number"),
            ("agent,taks,success\na,t,1\n", "no column 'task'; did you mean 'taks'"),
            ("agent,task,sucess\na,t,1\n", "no column 'success'"),
            ("agent,task,success,success\na,t,1,0\n", "more than one column 'success'"),
            ("agent,task,success\na,t,1\na,u\n", "line 3: 2 fields, not 3"),
            ("agent,task,success\na,t,1\na,u,maybe\n", "line 3: success is 'maybe', but must be a number"),
            ("agent,task,success\na,t,1\n\na,t,0\n", "'a' and task 't' meet in lines 2, 4, and nothing tells these apart"),
            ("agent,task,success\na,t,2\n", "line 2: the outcome 2 in column 'success' is neither 0 nor 1"),
            ("agent,task,successes,trials\na,t,3,2\n", "successes"),
            ('agent,task,success\n"a,t,1\n', "is no CSV file in UTF-8"),
        ]
    ),
)
def test_a_malformed_csv_is_one_sentence(tmp_path, run, content, says):
    (tmp_path / "runs.csv").write_text(content)
    done = run("fit", "runs.csv", "--out", "fit.zarr", cwd=tmp_path)
    refused(done, f"runs.csv.*{says}")
    assert [path.name for path in tmp_path.iterdir()] == ["runs.csv"]


def test_binary_and_truncated_files_are_refused(tmp_path):
    (tmp_path / "runs.csv").write_bytes(b"agent,task,success\n\xff\xfe,t,1\n")
    refused(inside("fit", "runs.csv", "--out", "fit.zarr", cwd=tmp_path), "is no CSV file in UTF-8")
    (tmp_path / "runs.csv.gz").write_bytes(b"\x1f\x8b\x08\x00half")
    refused(inside("fit", "runs.csv.gz", "--out", "fit.zarr", cwd=tmp_path), "is no CSV file in UTF-8")
    (tmp_path / "runs.nc").write_bytes(b"no outcomes")
    refused(inside("fit", "runs.nc", "--out", "fit.zarr", cwd=tmp_path), "runs.nc")


@pytest.mark.parametrize(
    ("run", "arguments", "says"),
    first_of_each(
        [
            ((), "required: COMMAND"),
            (("fitt",), "invalid choice: 'fitt'"),
            (("fit", "runs.csv"), "required: --out"),
            (("fit", "missing.csv", "--out", "fit.zarr"), "There is no file 'missing.csv'"),
            (("fit", "missing.zarr", "--out", "fit.zarr"), "There is no file 'missing.zarr'"),
            (
                ("fit", "runs.xlsx", "--out", "fit.zarr"),
                "give a folder, a .csv, .json, .jsonl, .eval, .parquet, .zarr or .nc file",
            ),
            (("fit", "swebench_verifed", "--out", "fit.zarr"), "swebench_verified"),
            (("fit", "gso", "--out", "fit.zarr", "--curve", "3pl"), "--curve/--model: invalid choice: '3pl'"),
            (("fit", "gso", "--out", "fit.zarr", "--seed", "x"), "--seed is 'x', but must be a whole number"),
            (
                ("fit", "gso", "--out", "fit.zarr", "--draws", "1"),
                "--draws is '1', but must be a whole number from 2",
            ),
            (("fit", "gso", "--out", "fit.pkl"), r"must end in \.zarr \(a folder\) or \.nc \(one file\)"),
            (("fit", "gso", "--out", "nowhere/fit.zarr"), "There is no folder .*nowhere for fit.zarr; create it"),
            (("fit", "gso", "--out", "a.nc"), "it is a folder"),
            (("predict", "missing.zarr"), "There is no fit 'missing.zarr'"),
            (("predict", "a.nc", "--out", "table.txt"), "must end in .csv"),
            (("predict", "a.nc", "--interval", "90"), "--prob is '90', but must be a number between 0 and 1"),
            (("predict", "a.nc", "--agents", "x.csv", "--llm", "A"), "Give --agents or --llm"),
            (("predict", "a.nc", "--tasks", "x.csv", "--benchmark", "A"), "Give --tasks or --benchmark"),
            (("predict", "a.nc", "--tasks", "x.csv"), "There is no file 'x.csv'"),
            (("score", "missing.zarr", "missing.csv", "--out", "b.nc"), "There is no file 'missing.csv'"),
            (("score", "a.nc", "gso", "--out", "a.nc"), "it is a folder"),
            (("judge", "missing.csv", "--model", "openai/x"), "There is no file 'missing.csv'"),
            (("judge", "x.csv"), "required: --model"),
            (("judge", "x.csv", "--model", "openai/x", "--yes"), "Say where to write the ratings"),
            (("judge", "x.csv", "--model", "openai/x", "--yes", "--dry-run"), "not allowed with"),
            (("judge", "x.csv", "--model", "openai/x", "--budget", "-1"), "'-1' is not a number of dollars"),
            (("judge", "x.csv", "--model", "openai/x", "--level", "patch"), "--level: invalid choice: 'patch'"),
            (("leaderboards", "swebench_verifed"), "swebench_verified"),
            (("leaderboards", "--save", "x.zarr"), "Say which leaderboard to save"),
            (("leaderboards", "gso", "--save", "x.csv"), r"must end in \.zarr \(a folder\) or \.nc"),
            (("demo", "--out", "file"), "file"),
        ]
    ),
)
def test_a_request_that_cannot_be_met_is_one_sentence(tmp_path, run, arguments, says):
    (tmp_path / "a.nc").mkdir()
    (tmp_path / "file").write_text("not a folder")
    refused(run(*arguments, cwd=tmp_path), says)
    assert {path.name for path in tmp_path.iterdir()} == {"a.nc", "file"}


def test_a_fit_never_replaces_a_folder_of_other_things(tmp_path):
    runs().to_csv(tmp_path / "runs.csv", index=False)
    (tmp_path / "thesis.zarr").mkdir()
    (tmp_path / "thesis.zarr" / "chapter.txt").write_text("years of work")
    refused(inside("fit", "runs.csv", "--out", "thesis.zarr", cwd=tmp_path), "choose another name")
    assert (tmp_path / "thesis.zarr" / "chapter.txt").read_text() == "years of work"


@pytest.mark.skipif(sys.platform != "linux", reason="needs a folder that even root cannot write to")
def test_an_unwritable_folder_is_said_before_the_work(tmp_path):
    runs().to_csv(tmp_path / "runs.csv", index=False)
    done = inside("fit", "runs.csv", "--out", "/proc/fit.nc", cwd=tmp_path)
    refused(done, "Cannot write '/proc/fit.nc': .* in /proc")


def test_a_bad_setting_is_one_sentence(tmp_path):
    runs().to_csv(tmp_path / "runs.csv", index=False)
    done = agentirt("fit", "runs.csv", "--out", "fit.zarr", cwd=tmp_path, AGENTIRT_SEEDS="1")
    refused(done, "did you mean 'AGENTIRT_SEED'")


def test_debug_shows_where_an_error_arose(tmp_path):
    done = agentirt("fit", "missing.csv", "--out", "fit.zarr", "--debug", cwd=tmp_path)
    assert done.returncode == 2
    assert "Traceback" in done.stderr
    assert done.stderr.splitlines()[-1] == "agentirt: There is no file 'missing.csv'."


# --- what need not be there ---


def small(llm=None, scaffold=None, agents=4, tasks=12, seed=0):
    "Outcomes of a few agents; `llm` and `scaffold` give a label for an agent's number, or None where there is no such column."
    rng = np.random.default_rng(seed)
    of = {name: label for name, label in (("llm", llm), ("scaffold", scaffold)) if label}
    return pd.DataFrame(
        {"agent": f"agent {i}", "task": f"task {j:02d}", "success": int(rng.random() < 0.7 - 0.1 * i)}
        | {name: label(i) for name, label in of.items()}
        for i in range(agents)
        for j in range(tasks)
    )


LACKING = {
    "no llm": (small(scaffold=lambda i: f"S{i % 2}"), {"agents", "tasks", "scaffolds"}),
    "no scaffold": (small(llm=lambda i: f"M{i % 2}"), {"agents", "tasks", "llms"}),
    "neither": (small(), {"agents", "tasks"}),
    "all blank": (small(llm=lambda i: "", scaffold=lambda i: ""), {"agents", "tasks"}),
    "one agent": (small(llm=lambda i: "M", scaffold=lambda i: "S", agents=1), {"agents", "tasks", "llms", "scaffolds"}),
    "one agent, bare": (small(agents=1), {"agents", "tasks"}),
    "one task": (small(llm=lambda i: f"M{i}", scaffold=lambda i: "S", tasks=1), {"agents", "tasks", "llms", "scaffolds"}),
    "one task, bare": (small(tasks=1), {"agents", "tasks"}),
}


@pytest.fixture(scope="module", params=LACKING)
def lacking(request, tmp_path_factory):
    "A case's table, names of the tables that a fit writes of it, and a folder with runs.csv and that fit."
    table, files = LACKING[request.param]
    folder = tmp_path_factory.mktemp("lacking")
    table.to_csv(folder / "runs.csv", index=False)
    done = inside("fit", "runs.csv", "--out", "runs.nc", "--quiet", "--draws", 200, "--seed", 1, cwd=folder)
    assert done.returncode == 0, done.stderr
    return table, files, folder


def test_what_need_not_be_there_may_be_left_out(lacking, tmp_path):
    table, files, folder = lacking
    assert {path.name for path in folder.glob("*-*.csv")} == {f"runs-{name}.csv" for name in files}
    for name, label in (("agents", "agent"), ("tasks", "task")):
        written = pd.read_csv(folder / f"runs-{name}.csv")
        assert set(written[label]) == set(table[label])
        about = "difficulty_logits" if label == "task" else "ability_logits"
        assert written[[about, "sd_logits", "lower_90", "upper_90"]].notna().all().all()
        assert (written.lower_90 <= written.upper_90).all()
    assert inside("predict", folder / "runs.nc", "--out", "p.csv", cwd=tmp_path).returncode == 0
    assert set(pd.read_csv(tmp_path / "p.csv").agent) == set(table.agent)


@pytest.mark.parametrize("lacking", ["neither", "no scaffold"], indirect=True)
def test_abilities_are_then_those_of_agents_alone_up_to_the_priors(lacking, tmp_path):
    folder = lacking[2]
    command = ("fit", folder / "runs.csv", "--out", "alone.nc", "--ability", "agent", "--quiet", "--draws", 200, "--seed", 1)
    assert inside(*command, cwd=tmp_path).returncode == 0
    written = (folder / "runs-agents.csv", tmp_path / "alone-agents.csv")
    split, alone = (pd.read_csv(path).set_index("agent").sort_index() for path in written)
    assert np.corrcoef(split.ability_logits, alone.ability_logits)[0, 1] > 0.95
    assert ((split.ability_logits - alone.ability_logits).abs() < split.sd_logits).all()


def test_charts_and_explorer_of_such_a_fit_show_it_or_say_that_there_is_nothing(lacking):
    from agentirt_nb.irt.fits import FitError, open_fit
    from agentirt_nb.irt.tables import ladder
    from agentirt_nb.views.explorers import WhatIf
    from agentirt_nb.views.ladders import ability_ladder
    from agentirt_nb.views.maps import wright_map
    from agentirt_nb.views.response_curves import item_characteristic_curve

    _, files, folder = lacking
    fit = open_fit(folder / "runs.nc")
    whole = not {"llms", "scaffolds"} & set(files)  # nothing is disclosed, so nothing is split
    for file, name in (("agents", "ability"), ("llms", "llm_ability"), ("scaffolds", "scaffold_ability")):
        if whole and file != "agents":
            for show in (ability_ladder, ladder):
                with pytest.raises(FitError, match=r"does not split ability .* fit outcomes that name these"):
                    show(fit, name)
            continue
        chart = json.dumps(ability_ladder(fit, name).to_dict())
        assert ("Nothing to show" in chart) == (file not in files)
        assert (ladder(fit, name)["mean"].size == 0) == (file not in files)
    assert wright_map(fit).to_dict()["hconcat"]
    assert item_characteristic_curve(fit).to_dict()["layer"]
    explorer = WhatIf(fit)
    assert 0 <= explorer.result.pass_rate_lower <= explorer.result.pass_rate <= explorer.result.pass_rate_upper <= 1
    part = "llm" if "llm" in explorer.controls else "agent"
    explorer.controls[part].value = f"an unseen {part.replace('llm', 'LLM')}"
    assert explorer.picture().to_dict()["layer"]


def test_a_table_says_which_ability_it_holds(fitted):
    assert set(pd.read_csv(fitted / "runs-agents.csv").measures) == {"ability above the average agent (logits)"}
    assert set(pd.read_csv(fitted / "runs-llms.csv").measures) == {"ability above the average LLM (logits)"}
    assert set(pd.read_csv(fitted / "runs-tasks.csv").measures) == {"difficulty (logits)"}


LATER = ("altair", "vl_convert", "IPython", "ipywidgets", "anywidget", "numpyro", "agentirt_nb.data.features")


def test_a_fit_loads_neither_drawing_nor_sampling_libraries(fitted, tmp_path):  # whose programs are on the disk
    runs().to_csv(tmp_path / "runs.csv", index=False)
    code = (
        "import sys\nfrom agentirt_nb.app.cli import main\n"
        "code = main(['fit', 'runs.csv', '--out', 'runs.nc', '--quiet', '--draws', '200'])\n"
        f"print(code, [name for name in {LATER} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert done.stdout.splitlines()[-1] == "0 []", done.stdout + done.stderr


def test_unused_columns_are_named(tmp_path):
    (tmp_path / "runs.csv").write_text("agent,task,success,scafold\na,t,1,x\n")
    done = inside("fit", "runs.csv", "--out", "fit.zarr", cwd=tmp_path)
    assert "not used: scafold" in done.stderr


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_leaves_what_stood_there_and_no_child(fitted, tmp_path, stop):
    runs().to_csv(tmp_path / "runs.csv", index=False)
    out = tmp_path / "fit.zarr"
    shutil.copytree(fitted / "runs.zarr", out)
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    command = [AGENTIRT, "fit", "runs.csv", "--out", "fit.zarr", "--method", "nuts", "--draws", "100000"]
    # whether a program hears Ctrl-C, it inherits: a job in the background, such as this test may be, is told not to
    heard = signal.signal(signal.SIGINT, signal.default_int_handler if stop is signal.SIGINT else signal.SIG_IGN)
    running = subprocess.Popen(command, cwd=tmp_path, env=environment(), stderr=subprocess.PIPE, text=True)
    signal.signal(signal.SIGINT, heard)
    time.sleep(15 if stop is signal.SIGINT else 3)  # while it samples, and while it starts
    if stop is signal.SIGTERM:
        running.send_signal(signal.SIGINT)
        time.sleep(1)
    assert running.poll() is None, "the fit was over before it could be interrupted, or heard what it should not"
    children = psutil.Process(running.pid).children(recursive=True)
    running.send_signal(stop)
    _, said = running.communicate(timeout=30)
    assert running.returncode == 130
    assert "Traceback" not in said
    assert "agentirt: interrupted" in said
    assert psutil.wait_procs(children, timeout=5)[1] == []
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before
    assert {path.name for path in tmp_path.iterdir()} == {"runs.csv", "fit.zarr"}


# --- features ---


def write_features(folder):
    "Two tables of what is known of the 25 tasks: one that says how difficult they are, and one that says nothing."
    rng, tasks = np.random.default_rng(0), [f"{i:03d}" for i in range(25)]
    pd.DataFrame({"task": tasks, "size": rng.normal(0, 1.5, 25)}).to_csv(folder / "ratings.csv", index=False)  # as in `runs`
    pd.DataFrame({"instance_id": tasks, "noise": rng.normal(0, 1, 25)}).to_csv(folder / "extra.csv", index=False)


@pytest.fixture(scope="module")
def rated(tmp_path_factory):
    "A folder with a fit that knows features of its tasks."
    folder = tmp_path_factory.mktemp("rated")
    runs().to_csv(folder / "runs.csv", index=False)
    write_features(folder)
    options = ("--features", "ratings.csv", "--features", "extra.csv", "--features-as", "linear", "--draws", 200, "--seed", 1)
    done = inside("fit", "runs.csv", "--out", "rated.nc", *options, cwd=folder)
    assert done.returncode == 0, done.stderr
    assert "12 agents on 25 tasks (features: 2)" in done.stdout
    return folder


def test_each_table_of_features_is_a_block(rated):
    blocks = pd.read_csv(rated / "rated-features.csv").set_index("block").feature_sd_logits
    assert set(blocks.index) == {"ratings", "extra"}
    assert blocks["ratings"] > 1.5 * blocks["extra"]


def test_predict_new_tasks_by_their_features(rated, tmp_path):
    (tmp_path / "new.csv").write_text("task,benchmark,size,noise\neasy,odd,-2,0\nhard,odd,2,0\nno idea,odd,,\n")
    options = ("--llm", "LLM B", "--scaffold", "Scaffold y", "--tasks", tmp_path / "new.csv")
    done = agentirt("predict", "rated.nc", *options, cwd=rated)
    table = predicted(done).set_index("task")
    assert "3 new tasks, predicted from benchmark, size, noise" in done.stderr
    assert table.probability["easy"] > table.probability["no idea"] > table.probability["hard"]
    width = table.upper_90 - table.lower_90
    assert max(width["easy"], width["hard"]) < width["no idea"]


def test_tasks_of_the_fit_and_others_are_not_mixed(rated, tmp_path):
    (tmp_path / "mixed.csv").write_text("task,size\n003,1\nnew,1\n")
    refused(inside("predict", "rated.nc", "--tasks", tmp_path / "mixed.csv", cwd=rated), "line 3: the fit has no task 'new'")
    (tmp_path / "word.csv").write_text("task,size\nnew,large\n")
    refused(inside("predict", "rated.nc", "--tasks", tmp_path / "word.csv", cwd=rated), "line 2: size is 'large'")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "There is no file 'f.csv'"),
        ("tsk,size\n003,1\n", "no column 'task'"),
        ("task,size\n003,large\n", "f.csv: .*large"),
        ("task,size\nother,1\n", "f.csv: .*None of its labels is a task of these outcomes"),
        ("task,size,size\n003,1,2\n", "f.csv: .*size"),
        ("task,noise\n003,1\n", "f.csv: it has a feature 'noise', which is there already; rename that column"),
    ],
)
def test_a_bad_table_of_features_is_one_sentence(rated, tmp_path, content, says):
    for name in ("runs.csv", "extra.csv"):
        (tmp_path / name).write_text((rated / name).read_text())
    if content:
        (tmp_path / "f.csv").write_text(content)
    done = inside("fit", "runs.csv", "--out", "fit.nc", "--features", "extra.csv", "--features", "f.csv", cwd=tmp_path)
    refused(done, says)
    assert not list(tmp_path.glob("fit*"))


def test_a_task_without_a_row_is_said_and_stays_in(rated, tmp_path):
    (tmp_path / "some.csv").write_text("task,size\n003,1\n004,2\n005,1.5\n006,-1\n")
    done = inside("fit", rated / "runs.csv", "--out", "fit.nc", "--features", "some.csv", "--quiet", "--draws", 200, cwd=tmp_path)
    assert done.returncode in (0, 1), done.stderr
    assert "no row for '000'" in done.stderr
    assert len(pd.read_csv(tmp_path / "fit-tasks.csv")) == 25


def test_dated_abilities_tell_a_trend_and_place_a_later_llm_higher(tmp_path):
    date = {"LLM A": "2026-01-01", "LLM B": "2025-07-01", "LLM C": "2025-01-01", "LLM D": "2024-07-01"}
    table = runs()
    table.assign(date=table.llm.map(date)).to_csv(tmp_path / "runs.csv", index=False)
    (tmp_path / "new.csv").write_text("llm,scaffold,date\nlater,Scaffold x,2026-07-01\nearlier,Scaffold x,2024-01-01\n")
    done = inside("fit", "runs.csv", "--out", "dated.nc", "--ability", "dated", "--quiet", "--draws", 200, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert re.search(r"Ability gained per year of release: [1-3]\.\d\d logits", done.stdout)
    table = predicted(inside("predict", "dated.nc", "--agents", "new.csv", cwd=tmp_path)).set_index(["llm", "benchmark"])
    assert table.pass_rate["later", "odd"] > table.pass_rate["earlier", "odd"] + 0.2
    (tmp_path / "new.csv").write_text("llm,scaffold,date\nlater,Scaffold x,sometime\n")
    refused(inside("predict", "dated.nc", "--agents", "new.csv", cwd=tmp_path), "sometime")


# --- score ---


def test_score_takes_a_new_agent_into_a_fit(rated, tmp_path):
    cells = runs().query("agent == 'A+x'").head(12).assign(success=1)
    cells.assign(agent="E+x", llm="LLM E", scaffold="Scaffold x").to_csv(tmp_path / "e.csv", index=False)
    done = agentirt("score", "rated.nc", tmp_path / "e.csv", "--out", tmp_path / "with_e.zarr", "--seed", 1, cwd=rated)
    assert done.returncode == 0, done.stderr
    assert "New agents: 1; new tasks: 0." in done.stdout
    agents = pd.read_csv(tmp_path / "with_e-agents.csv").set_index("agent")
    assert len(agents) == 13
    assert agents.ability_logits["E+x"] > agents.ability_logits["B+x"]
    again = inside("score", tmp_path / "with_e.zarr", tmp_path / "e.csv", "--out", tmp_path / "twice.nc", cwd=tmp_path)
    refused(again, r"the fit has seen 12 of the results already, such as E\+x on 000")
    assert len(predicted(inside("predict", "with_e.zarr", cwd=tmp_path))) == 13 * 2


def test_score_takes_a_new_task_with_its_features(rated, tmp_path):
    rows = [{"agent": f"{llm}+y", "task": "new", "benchmark": "odd", "success": 0} for llm in "ABCD"]
    pd.DataFrame(rows).to_csv(tmp_path / "new.csv", index=False)
    (tmp_path / "ratings.csv").write_text("task,size,noise\nnew,3,0\n")
    options = ("--out", tmp_path / "more.nc", "--features", tmp_path / "ratings.csv", "--seed", 1)
    done = inside("score", "rated.nc", tmp_path / "new.csv", *options, cwd=rated)
    assert done.returncode == 0, done.stderr
    assert "New agents: 0; new tasks: 1." in done.stdout
    tasks = pd.read_csv(tmp_path / "more-tasks.csv").set_index("task")
    assert len(tasks) == 26
    assert tasks.difficulty_logits["new"] > tasks.difficulty_logits.median() + 1


# --- judge ---


def write_tasks(folder):
    "Two tasks to be judged, one with a text longer than the csv module reads by itself."
    pd.DataFrame({"task": ["a", "b"], "text": ["Repair it.", "word " * 40_000]}).to_csv(folder / "tasks.csv", index=False)


@pytest.fixture
def server(tmp_path, monkeypatch):
    "A provider on this machine that gives every axis its lowest score, 1000 tokens in and 100 out a call."
    pytest.importorskip("litellm", reason="the extra 'judge' is not installed")
    import threading
    from http.server import ThreadingHTTPServer

    from test_judge import Handler, Story

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        running.daemon_threads, running.story = True, Story({})
        threading.Thread(target=running.serve_forever, kwargs=dict(poll_interval=0.02), daemon=True).start()
        monkeypatch.setenv("OPENAI_API_BASE", f"http://127.0.0.1:{running.server_port}/v1")
        monkeypatch.setenv("OPENAI_API_KEY", SECRET)
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
        yield running.story
        running.shutdown()


JUDGE = ("judge", "tasks.csv", "--model", "openai/local-judge", "--level", "problem", "--quiet")
SECRET = "sk-local-5b1d0c9f"  # noqa: S105


def test_judge_asks_nobody_until_told_to(server, tmp_path):
    write_tasks(tmp_path)
    done = inside(*JUDGE, "--price", 3, 15, "--out", "ratings.csv", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    found = re.search(r"2 tasks, level problem: (\d+) calls .* ([\d,]+) tokens in .* for (\d+\.\d\d) dollars", done.stdout)
    assert int(found[1]) > 2
    assert float(found[3]) > 0
    assert "Nothing was asked" in done.stdout
    done = inside(*JUDGE, "--price", 3, 15, "--yes", "--out", "ratings.csv", "--budget", 0.001, cwd=tmp_path)
    refused(done, "against a budget of 0.001 dollars; nothing was asked")
    assert server.asked == []
    assert {path.name for path in tmp_path.iterdir()} <= {"tasks.csv", "cache"}


def test_judge_writes_ratings_and_pays_once(server, tmp_path):
    write_tasks(tmp_path)
    order = (*JUDGE, "--price", 3, 15, "--yes", "--budget", 1, "--out", "ratings.csv")
    done = agentirt(*order, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    calls = len(server.asked)
    assert f"Used: {calls * 1000:,} tokens in and {calls * 100} out for {calls * 0.0045:.2f} dollars." in done.stdout
    ratings = pd.read_csv(tmp_path / "ratings.csv", index_col="task")
    assert ratings.index.tolist() == ["a", "b"]
    assert ratings.shape[1] == 15
    assert (ratings.dtypes == "int64").all()
    again = inside(*order, cwd=tmp_path)
    assert (again.returncode, len(server.asked)) == (0, calls)
    assert re.search(r": 0 calls .*Used: 0 tokens in and 0 out for 0.00 dollars", again.stdout, re.DOTALL)
    files = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    assert SECRET not in "".join(run.stdout + run.stderr for run in (done, again))
    assert not [data for data in files if SECRET.encode() in data]


def test_ratings_with_gaps_are_written_and_end_in_code_1(server, tmp_path):
    write_tasks(tmp_path)
    server.script = ["I will not."] * 1000
    done = inside(*JUDGE, "--yes", "--out", "ratings.csv", cwd=tmp_path)
    assert done.returncode == 1, done.stderr
    assert "calls have no answer and are NaN" in done.stderr
    assert "an unknown number of dollars" in done.stdout
    assert pd.read_csv(tmp_path / "ratings.csv", index_col="task").isna().all(axis=None)


# --- predict ---


def predicted(done):
    "The CSV on standard output."
    assert done.returncode == 0, done.stderr
    return pd.read_csv(StringIO(done.stdout), dtype={"task": str})


def test_predict_gives_pass_rates_of_every_agent_on_every_benchmark(fitted):
    table = predicted(agentirt("predict", "runs.zarr", cwd=fitted))
    assert len(table) == 12 * 2
    assert ((table.lower_90 <= table.pass_rate) & (table.pass_rate <= table.upper_90)).all()
    assert set(table.converged) == {"yes"}
    assert set(table.fit) == set(pd.read_csv(fitted / "runs-agents.csv").fit)


def test_predict_one_pair_on_one_benchmark(fitted):
    options = ("--llm", "LLM A", "--scaffold", "Scaffold x", "--benchmark", "even")
    known = predicted(inside("predict", "runs.zarr", *options, cwd=fitted))
    assert len(known) == 1
    options = ("--llm", "never seen", "--scaffold", "Scaffold x", "--benchmark", "even")
    done = inside("predict", "runs.zarr", *options, cwd=fitted)
    unknown = predicted(done)
    assert "has not met the llm 'never seen'" in done.stderr
    assert (unknown.upper_90 - unknown.lower_90).item() > (known.upper_90 - known.lower_90).item()


def test_predict_agents_on_tasks_from_tables_into_a_table(fitted, tmp_path):
    (tmp_path / "agents.csv").write_text("llm,scaffold\nLLM A,Scaffold z\nLLM D,\n")
    (tmp_path / "tasks.csv").write_text("task\n007\n011\n003\n")
    options = (
        "--agents",
        tmp_path / "agents.csv",
        "--tasks",
        tmp_path / "tasks.csv",
        "--out",
        tmp_path / "p.csv",
    )
    done = inside("predict", "runs.zarr", *options, cwd=fitted)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    table = pd.read_csv(tmp_path / "p.csv", dtype={"task": str})
    assert len(table) == 6
    assert set(table.task) == {"003", "007", "011"}
    assert table.probability.between(0, 1).all()


def test_predict_new_tasks_by_difficulty(fitted, tmp_path):
    (tmp_path / "tasks.csv").write_text("benchmark,difficulty\neven,-2\neven,2\n")
    options = ("--llm", "LLM B", "--scaffold", "Scaffold y", "--tasks", tmp_path / "tasks.csv")
    table = predicted(inside("predict", "runs.zarr", *options, cwd=fitted))
    assert table.probability[0] > table.probability[1]


@pytest.mark.parametrize("lines", ["task\nmine\n", "difficulty\n1\n"])
def test_predict_from_a_fit_with_the_tasks_integrated_out(tmp_path, lines):
    random = np.random.default_rng(0)
    names = dict(agents=[f"agent {i}" for i in range(60)], tasks=[f"t{i}" for i in range(12)])
    outcomes = from_arrays(random.integers(0, 2, (60, 12)), **names)  # of a shape that other tests compile programs for
    save_fit(fit_tasks(outcomes, draws=20, seed=1), tmp_path / "tasks.nc")
    (tmp_path / "tasks.csv").write_text(lines.replace("mine", "t3"))
    done = inside("predict", "tasks.nc", "--tasks", tmp_path / "tasks.csv", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert len(predicted(done)) == 60


def test_predict_names_what_the_fit_does_not_know(fitted, tmp_path):
    (tmp_path / "agents.csv").write_text("agent\nA+xx\n")
    refused(inside("predict", "runs.zarr", "--agents", tmp_path / "agents.csv", cwd=fitted), r"A\+xx")
    refused(inside("predict", "runs.zarr", "--benchmark", "evn", cwd=fitted), "evn")
    (tmp_path / "tasks.csv").write_text("difficulty\nhard\n")
    refused(
        inside("predict", "runs.zarr", "--tasks", tmp_path / "tasks.csv", cwd=fitted),
        "line 2: difficulty is 'hard'",
    )


def test_predict_refuses_what_is_no_fit(tmp_path):
    (tmp_path / "no.zarr").mkdir()
    refused(inside("predict", "no.zarr", cwd=tmp_path), "no.zarr")
    (tmp_path / "no.nc").write_bytes(b"\x89HDF\r\n\x1a\n cut short")
    refused(inside("predict", "no.nc", cwd=tmp_path), "no.nc")


def test_a_reader_that_goes_away_is_no_error(tmp_path):
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [AGENTIRT, "leaderboards"], cwd=tmp_path, env=environment(), stdout=writing, stderr=subprocess.PIPE, check=False
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (0, b"")


# --- leaderboards ---


def test_leaderboards_are_listed_without_loading_them(tmp_path):
    done = agentirt("leaderboards", cwd=tmp_path, HTTPS_PROXY=CLOSED, XDG_CACHE_HOME=str(tmp_path / "cache"))
    assert done.returncode == 0, done.stderr
    names = [line.split()[0] for line in done.stdout.splitlines()]
    assert {"swebench_verified", "swebench_pro", "terminal_bench", "gso", "terminal_bench_trials"} <= set(names)


@pytest.mark.data
def test_a_leaderboard_is_described_saved_and_fitted(tmp_path):
    done = agentirt("leaderboards", "gso", "--save", "gso.zarr", cwd=tmp_path, AGENTIRT_DATA_FOLDER=DATA)
    assert done.returncode == 0, done.stderr
    assert "15" in done.stdout
    assert "102" in done.stdout
    done = inside("fit", "gso.zarr", "--out", "fit.nc", "--ability", "agent", "--draws", 200, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert len(pd.read_csv(tmp_path / "fit-agents.csv")) == 15


@pytest.mark.skipif(sys.platform == "win32", reason="has no >&-")
def test_closed_streams_are_no_fault_and_warnings_never_enter_the_table(tmp_path):
    for closed in (">&-", "2>&-"):
        command = ["sh", "-c", f"'{AGENTIRT}' leaderboards --save x.nc {closed}"]
        done = subprocess.run(command, cwd=tmp_path, env=environment(), capture_output=True, text=True, check=False)
        assert done.returncode == 2, done.stderr
        assert (done.stdout, "Say which leaderboard" in done.stderr) == ("", closed == ">&-")


# --- demo ---

DEMO_FILES = {"report.html", "fit.zarr", "report.json", "README.md", "agentirt.seal"}
DEMO_FILES |= {f"{name}.csv" for name in ("llms", "scaffolds", "agents", "tasks")} | {
    f"{name}.{kind}"
    for name in ("llms", "scaffolds", "agents", "wright_map", "item_characteristic_curves")
    for kind in ("html", "png")
}


def check_demo(folder, outcomes):
    "The folder is complete and every file says what its outcomes are."
    assert {path.name for path in folder.iterdir()} == DEMO_FILES
    report = json.loads((folder / "report.json").read_text())
    assert report["outcomes"] == outcomes
    assert report["converged"] in ("yes", "no")
    assert re.fullmatch(r"\d{4}(-\d\d){2}", report["retrieved"])
    assert len(report["seconds"]) == 6
    for name in ("llms", "scaffolds", "agents", "tasks"):
        table = pd.read_csv(folder / f"{name}.csv")
        assert set(table.outcomes) == {outcomes}
        assert (table.lower_90 <= table[next(c for c in table if c.endswith("y_logits"))]).all()
        assert set(table.fit) == {report["fit"]}
    for path in folder.glob("*.html"):
        page = path.read_text(encoding="utf-8")
        assert not re.search(r"<(script|link)[^>]+(src|href)=", page), f"{path.name} needs the network"
        assert outcomes == "observed" or f"From the {outcomes}" in page or f"the {outcomes} of " in page
    for path in folder.glob("*.png"):
        assert path.read_bytes()[:4] == b"\x89PNG"


@pytest.mark.data
def test_demo_on_the_leaderboards(tmp_path):
    done = agentirt("demo", "--out", "here/demo", cwd=tmp_path, AGENTIRT_DATA_FOLDER=DATA)
    assert done.returncode == 0, done.stderr
    assert "SNAPSHOT" not in done.stdout
    check_demo(tmp_path / "here" / "demo", "observed")
    assert len(pd.read_csv(tmp_path / "here" / "demo" / "agents.csv")) == 275


def test_demo_with_a_broken_data_folder_does_not_pretend(tmp_path):
    (tmp_path / "data").mkdir()
    refused(agentirt("demo", "--out", "demo", cwd=tmp_path, AGENTIRT_DATA_FOLDER="data"), "data")
