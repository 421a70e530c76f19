"The project itself: settings, requirements, what a wheel holds, and that no file names a machine."

import ast
import base64
import functools
import json
import os
import re
import signal
import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from agentirt_nb.files import write_atomically
from agentirt_nb.settings import Settings, SettingsError, settings

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tools"))

from check_in_step import changed, working_files  # noqa: E402
from render_readme import rendered  # noqa: E402

PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


@pytest.fixture
def project(tmp_path):
    "A folder with a settings.ini whose lines can be given."

    def write(*lines):
        (tmp_path / "settings.ini").write_text("\n".join(["[agentirt]", *lines]) + "\n", encoding="utf-8")
        return tmp_path

    return write


def test_the_settings_file_of_the_project_holds_the_defaults():
    assert settings(env={}, start=ROOT) == Settings()


def test_environment_wins_over_the_file(project):
    start = project("seed = 7", "draws = 50", "prob = 0.5", "chart_theme = dark", "renderer = static")
    env = {
        "AGENTIRT_SEED": "8",
        "AGENTIRT_DRAWS": "60",
        "AGENTIRT_PROB": "0.8",
        "AGENTIRT_RENDERER": "interactive",
    }
    assert settings(env={}, start=start) == Settings(7, 50, 0.5, None, "dark", "static")
    assert settings(env=env, start=start) == Settings(8, 60, 0.8, None, "dark", "interactive")


def test_the_older_name_of_a_setting_is_still_read(project):
    start = project("interval = 0.5")
    assert settings(env={}, start=start).prob == settings(env={}, start=start).interval == 0.5
    assert settings(env={"AGENTIRT_INTERVAL": "0.8"}, start=start).prob == 0.8
    assert settings(env={"AGENTIRT_PROB": "0.7"}, start=start).prob == 0.7


def test_a_wrong_line_is_no_matter_where_the_environment_overrules_it(project):
    assert settings(env={"AGENTIRT_SEED": "1"}, start=project("seed = one")).seed == 1


def test_the_process_environment_and_folder_are_the_default(project, monkeypatch):
    monkeypatch.chdir(project("draws = 50"))
    monkeypatch.setenv("AGENTIRT_SEED", "9")
    monkeypatch.delenv("AGENTIRT_SETTINGS", raising=False)
    assert (settings().seed, settings().draws) == (9, 50)


def test_a_settings_file_can_be_named(project, tmp_path):
    named = project("seed = 3").rename(tmp_path.with_name("elsewhere")) / "settings.ini"
    assert settings(env={"AGENTIRT_SETTINGS": str(named)}, start="/").seed == 3


def test_data_folder_is_relative_to_the_file(project, tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "deeper").mkdir()
    project("data_folder = data")
    assert settings(env={}, start=tmp_path / "deeper").data_folder == tmp_path.resolve() / "data"
    assert settings(env={"AGENTIRT_DATA_FOLDER": ""}, start=tmp_path).data_folder is None


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("sed = 1", "did you mean 'seed'?"),
        ("wrong = 1", "known are seed, draws"),
        ("seed = one", "seed in .* is 'one', but must be a whole number from 0"),
        ("seed = -1", "must be a whole number from 0"),
        ("draws = 1e9", "must be a whole number from 2 to 100000"),
        ("prob = 90", "prob in .* is '90', but must be a number between 0 and 1"),
        ("interval = nan", "interval in .* is 'nan', but must be a number between 0 and 1"),
        ("prob = 0.9\ninterval = 0.8", "sets both prob and interval, its older name; remove interval"),
        ("renderer = png", "must be interactive or static"),
        ("chart_theme = <b>", "must be a name"),
        ("data_folder = nowhere", "there is no folder"),
        ("seed = 1\nseed = 2", "is not a settings file"),
    ],
)
def test_a_bad_line_is_one_clear_sentence(project, line, says):
    with pytest.raises(SettingsError, match=says) as error:
        settings(env={}, start=project(line))
    assert "\n" not in str(error.value)
    assert "settings.ini" in str(error.value)


@pytest.mark.parametrize(
    ("env", "says"),
    [
        ({"AGENTIRT_SEEDS": "1"}, "did you mean 'AGENTIRT_SEED'?"),
        ({"AGENTIRT_PROB": "1"}, "AGENTIRT_PROB is '1', but must be a number between 0 and 1"),
        ({"AGENTIRT_INTERVAL": "1"}, "AGENTIRT_INTERVAL is '1', but must be a number between 0 and 1"),
        ({"AGENTIRT_SETTINGS": "nowhere.ini"}, "there is no file"),
    ],
)
def test_a_bad_variable_is_one_clear_sentence(tmp_path, env, says):
    with pytest.raises(SettingsError, match=says):
        settings(env=env, start=tmp_path)


def test_a_settings_file_that_is_no_text_is_refused(tmp_path):
    (tmp_path / "settings.ini").write_bytes(b"[agentirt]\nseed = \xff\n")
    with pytest.raises(SettingsError, match="is not a settings file"):
        settings(env={}, start=tmp_path)


def test_a_killed_writer_leaves_the_old_file(tmp_path):
    target = tmp_path / "table.csv"
    target.write_text("old")
    code = (
        "import sys, time; from agentirt_nb.files import write_atomically\n"
        "with write_atomically(sys.argv[1]) as beside:\n"
        "    beside.write_text('half'); print('writing', flush=True); time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(target)], stdout=subprocess.PIPE) as writer:
        writer.stdout.readline()
        writer.send_signal(signal.SIGKILL)
    assert target.read_text() == "old"


def test_a_link_is_written_through(tmp_path):
    (tmp_path / "real.csv").write_text("old")
    (tmp_path / "link.csv").symlink_to("real.csv")
    with write_atomically(tmp_path / "link.csv") as beside:
        beside.write_text("new")
    assert (tmp_path / "link.csv").is_symlink()
    assert (tmp_path / "real.csv").read_text() == "new"


def test_the_package_itself_imports_nothing():
    code = "import sys; before = set(sys.modules); import agentirt_nb; print(sorted(set(sys.modules) - before))"
    shown = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert ast.literal_eval(shown) == ["agentirt_nb"]


@pytest.mark.parametrize("module", ["messages", "files", "settings"])
def test_the_lowest_modules_load_nothing_heavy(module):
    heavy = ("numpy", "pandas", "xarray", "h5py", "jax", "difflib", "scipy")
    code = f"import sys, agentirt_nb.{module}; print([name for name in {heavy} if name in sys.modules])"
    shown = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert ast.literal_eval(shown) == []


def normal(name: str) -> str:
    "A distribution's name as package indexes compare it."
    return name.lower().replace("_", "-")


def declared(*extras: str) -> set[str]:
    "The distributions that pyproject.toml asks for, with those of the extras named."
    project = PYPROJECT["project"]
    lines = [*project["dependencies"], *(line for extra in extras for line in project["optional-dependencies"][extra])]
    return {normal(re.split(r"[<>=!~\[; ]", line)[0]) for line in lines}


def imports(tree: ast.AST) -> set[str]:
    "The top names of what a tree imports from other packages."
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.split(".")[0])
    return names - set(sys.stdlib_module_names) - {"agentirt_nb"}


WHOLLY_OF = {"auditor.py": "inspect"}  # modules that cannot be imported without an extra
OPTIONAL = ("embeddings", "judge", "inspect", "pythia", "tables", "texts")


providers_of = functools.cache(packages_distributions)  # reads what every installed package holds: seconds


def undeclared(path: Path) -> dict[str, bool]:
    "Imports that pyproject.toml does not declare, and whether they stand inside functions; extras may be imported there alone."
    tree, providers = ast.parse(path.read_text(encoding="utf-8")), providers_of()
    at_once = imports(ast.Module([node for node in tree.body if not isinstance(node, ast.FunctionDef | ast.ClassDef)], []))
    extra = [WHOLLY_OF[path.name]] if path.name in WHOLLY_OF else []
    missing = {}
    for top in imports(tree):
        allowed = declared(*extra) if top in at_once else declared(*OPTIONAL)
        if not {normal(name) for name in providers.get(top, [top])} & allowed:
            missing[top] = top not in at_once
    return missing


def test_every_import_of_the_package_is_declared():
    for path in (ROOT / "agentirt_nb").rglob("*.py"):
        assert undeclared(path) == {}, f"{path.name} imports what pyproject.toml does not declare"


def test_an_extra_is_declared_for_functions_alone(tmp_path):
    module = tmp_path / "module.py"
    module.write_text("import litellm, numpy\ndef f():\n    import litellm\n    import nowhere\n")
    assert undeclared(module) == {"litellm": False, "nowhere": True}
    module.write_text("import numpy\ndef f():\n    from litellm.utils import x\n")
    assert undeclared(module) == {}


def test_requirements_pin_versions_and_name_no_address():
    pinned = {}
    for path in sorted((ROOT / "requirements").glob("*.txt")):
        lines = [line for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
        for line in lines:
            assert re.fullmatch(r"[a-z0-9][a-z0-9.-]*==[\w.!+]+( ; [\w .='()!<>]+)?", line), f"{path.name}: {line}"
        pinned[path.stem] = {tuple(line.split(" ;")[0].split("==")) for line in lines}
    assert pinned["run"] <= pinned["test"]
    assert declared() <= set(dict(pinned["run"]))
    asked = declared("test", *OPTIONAL) - {"agentirt-nb"}
    left_out = {"sentence-transformers", "polars", "pyarrow"}  # PyTorch is too large; with pyarrow pandas keeps all text in it
    assert asked - set(dict(pinned["test"])) == left_out


def test_no_file_names_a_machine():
    folders = "|".join(["work", "root", "tmp/wk", r"home/\w+", "Users"])
    machine = re.compile(rf"(?<![\w.~:/-])/(?:{folders})/|{re.escape(str(ROOT))}/")
    for path in working_files(ROOT):
        if path == Path(__file__).relative_to(ROOT):
            continue
        found = machine.search((ROOT / path).read_text(encoding="latin-1"))
        assert found is None, f"{path} names {found[0]}"


def test_settings_and_notebooks_agree_on_nbdev():
    nbdev = PYPROJECT["tool"]["nbdev"]
    assert (nbdev["update_pyproject"], nbdev["jupyter_hooks"], nbdev["tst_flags"]) == (
        False,
        False,
        "slow browser",
    )


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    "A wheel built from a copy of the working tree."
    folder = tmp_path_factory.mktemp("wheel")
    for path in working_files(ROOT):
        if path.parts[0] == "agentirt_nb" or len(path.parts) == 1:
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes((ROOT / path).read_bytes())
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", "dist", "."]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (built,) = (folder / "dist").glob("*.whl")
    return built


def test_a_wheel_holds_modules_data_and_types(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    for path in working_files(ROOT):
        if path.parts[0] == "agentirt_nb":
            assert path.as_posix() in names, f"{path} is missing from the wheel"
    assert "agentirt_nb/py.typed" in names
    assert "agentirt_nb/shipped/agents.csv" in names
    assert not [name for name in names if name.startswith(("nbs/", "tests/", "tools/"))]
    assert any(name.endswith("licenses/LICENSE") for name in names)


def test_a_wheel_works_without_network_and_checkout(wheel, tmp_path):
    zipfile.ZipFile(wheel).extractall(tmp_path / "site")
    code = (
        "import socket\n"
        "def refuse(*_, **__): raise OSError('no network')\n"
        "socket.socket.connect = refuse\n"
        "import agentirt_nb; print(agentirt_nb.__file__)\n"
        "from agentirt_nb.irt.snapshot import load_snapshot, simulate_outcomes\n"
        "print(load_snapshot()['posterior'].sizes['llm'], simulate_outcomes(seed=1).attrs['kind'])\n"
    )
    env = {name: text for name, text in os.environ.items() if not name.startswith("AGENTIRT_")}
    env["PYTHONPATH"] = str(tmp_path / "site")
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    place, snapshot = done.stdout.splitlines()
    assert place.startswith(str(tmp_path))
    assert snapshot.endswith("simulated")


def cell(kind, source, outputs=()):
    return {"cell_type": kind, "source": source, "outputs": list(outputs)}


def test_readme_shows_text_code_and_pictures():
    png = {"image/png": base64.b64encode(b"a picture").decode(), "image/svg+xml": "<svg/>", "text/plain": "a chart"}
    table = {"text/markdown": "[a floor](0_ground/00_settings.ipynb)", "text/plain": "<Markdown>"}
    picture, links = ({"output_type": "display_data", "data": data} for data in (png, table))
    cells = [
        cell("raw", "---\ntitle: no\n---"),
        cell("markdown", "# Title\n\nSee [the first](0_ground/00_settings.ipynb) and [the web](https://example.org)."),
        cell("code", "#| hide\nsecret = 1"),
        cell("code", "#| echo: false\nchart", [picture, links]),
        cell("code", ["x = 1\n", "x"], [{"output_type": "execute_result", "data": {"text/plain": ["```1```"]}}]),
    ]
    text, pictures = rendered({"cells": cells}, ROOT / "nbs")
    assert pictures == {"images/readme-1.png": b"a picture"}
    assert "[the first](nbs/0_ground/00_settings.ipynb) and [the web](https://example.org)" in text
    assert "```python\nx = 1\nx\n```\n\n````\n```1```\n````" in text
    assert "![Title](images/readme-1.png)" in text
    assert "[a floor](nbs/0_ground/00_settings.ipynb)" in text
    assert not re.search("secret|title: no|echo", text)


def links(text):
    "Where a text in Markdown leads to, within the project."
    return re.findall(r"\]\((?!\w+:|#)([^)\s#]+)", text)


def test_links_of_the_readme_lead_somewhere():
    found = links((ROOT / "README.md").read_text(encoding="utf-8"))
    assert len(found) > 50
    assert [link for link in found if not (ROOT / link).exists()] == []


def test_links_of_the_notebooks_lead_somewhere():
    lost, seen = [], 0
    for path in sorted((ROOT / "nbs").rglob("*.ipynb")):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        prose = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
        found = links(prose)
        seen += len(found)
        lost += [f"{path.name}: {link}" for link in found if not (path.parent / link).exists()]
    assert seen > 50
    assert lost == []


def test_the_in_step_check_sees_changed_new_and_missing_files(tmp_path):
    before, after = tmp_path / "before", tmp_path / "after"
    for folder in (before, after):
        folder.mkdir()
        (folder / "same.py").write_text("1")
    for name in ("module.py", "unclean.ipynb", "gone.py"):
        (before / name).write_text("old")
    for name in ("module.py", "unclean.ipynb", "new.py"):
        (after / name).write_text("new")
    known = [Path(name) for name in ("gone.py", "module.py", "same.py", "unclean.ipynb")]
    assert changed(before, after, known) == [
        "new.py would be new",
        "gone.py would go away",
        "module.py is out of step",
        "unclean.ipynb is unclean",
    ]
