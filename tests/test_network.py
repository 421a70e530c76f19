"""Nothing goes beyond this machine unasked: every attempt of the tests is written down, and of native code by strace.

What tests of other files try is written down too: see conftest.py, which fails a session with an unexpected attempt."""

import json
import os
import re
import shutil
import subprocess
import sys
from functools import lru_cache
from pathlib import Path

import pandas as pd
import pytest
from connections import LOG, attempts
from lab_driver import launched
from test_cli import AGENTIRT, CLOSED, DATA, check_demo, environment, runs
from test_lab import needs_browser

TESTS = Path(__file__).resolve().parent
WITHOUT = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"), CLOSED)
SYSTEM_CALL = re.compile(r"(?:connect|sendto)\(.*?sa_family=AF_INET6?, .*?(?:inet_addr\(|inet_pton\(AF_INET6, )\"([^\"]+)\"")
SYSTEM_PORT = re.compile(r"sin6?_port=htons\((\d+)\)")


@lru_cache
def no_strace() -> str | None:
    "Why the system's calls cannot be watched here, or None."
    if shutil.which("strace") is None:
        return "there is no strace on the PATH (apt-get install strace)"
    code = "import socket; socket.socket(type=socket.SOCK_DGRAM).connect(('192.0.2.1', 9))"  # sends nothing
    command = ["strace", "-D", "-f", "-qq", "-e", "trace=connect", "-o", "/dev/stdout", sys.executable, "-S", "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, env=environment(PYTHONPATH=""), check=False)
    return None if "192.0.2.1" in done.stdout else f"strace may not watch here: {done.stderr.strip()[-200:]}"


def watching(log: Path) -> list[str]:
    "The command to put before another so that its system calls are written down; empty where that cannot be."
    only = ["-e", "trace=connect,sendto", "-e", "signal=none"]
    return [] if no_strace() else ["strace", "-D", "-f", "-qq", "--seccomp-bpf", *only, "-o", str(log)]


def called(log: Path) -> set[tuple[str, int]]:
    "Addresses and ports beyond this machine that a log of strace names."
    found = set()
    for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if log.exists() else []:
        if (match := SYSTEM_CALL.search(line)) and not match[1].startswith(("127.", "::1", "::ffff:127.")):
            found.add((match[1], int(SYSTEM_PORT.search(line)[1])))
    return found


def watched(*command, cwd: Path, **env) -> tuple[subprocess.CompletedProcess, list[dict], set[tuple[str, int]]]:
    "Run a command; its result, its attempts as Python knows them, and those that strace saw."
    python, system = cwd / "attempts.jsonl", cwd / "strace.log"
    env = environment(**env) | {LOG: str(python)}
    env.pop("LITELLM_LOCAL_MODEL_COST_MAP", None)  # the package sets it itself
    whole = [*watching(system), *map(str, command)]
    done = subprocess.run(whole, cwd=cwd, env=env, capture_output=True, text=True, timeout=300, check=False)
    return done, attempts(python), called(system)


def test_an_attempt_is_written_down_wherever_it_is_made(tmp_path):
    code = """
        import os, socket, sys
        def tries(act, *arguments):
            try: act(*arguments)
            except OSError: pass
        udp = lambda: socket.socket(type=socket.SOCK_DGRAM)  # its connect sends nothing
        tries(udp().connect, ("127.0.0.1", 10))
        tries(socket.getaddrinfo, "localhost", 80)
        tries(socket.socket(socket.AF_UNIX).connect, "/nowhere")
        tries(udp().connect, ("192.0.2.1", 9))
        tries(socket.getaddrinfo, "a.test", 80, 0, 0, 0, socket.AI_NUMERICHOST)  # asks nobody
        tries(socket.socket().connect, ("127.0.0.1", int(os.environ["HTTPS_PROXY"].rpartition(":")[2])))
    """
    child = f"import subprocess, sys, textwrap; subprocess.run([sys.executable, '-c', textwrap.dedent({code!r})])"
    _, heard, seen = watched(sys.executable, "-c", child, cwd=tmp_path, HTTPS_PROXY=CLOSED)
    assert [(one["host"], one["port"]) for one in heard] == [("192.0.2.1", 9), ("a.test", None), ("127.0.0.1", 9)]
    assert [one["asked"] for one in heard] == ["", "", "a.test"]
    assert heard[0]["test"].endswith("::test_an_attempt_is_written_down_wherever_it_is_made")
    assert seen == (set() if no_strace() else {("192.0.2.1", 9)})


def test_a_session_with_an_attempt_fails_and_names_the_test(tmp_path):
    text = "    socket.socket(type=socket.SOCK_DGRAM).connect(('{}', 9))  # sends nothing\n"
    calm, loud = "def test_calm():\n" + text.format("127.0.0.1"), "def test_loud():\n" + text.format("192.0.2.1")
    (tmp_path / "test_two.py").write_text(f"import socket\n{calm}{loud}")
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers = data: needs data\n")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "conftest", "-p", "no:cacheprovider", "test_two.py"]
    paths = os.pathsep.join([str(TESTS), str(TESTS.parent)])
    env = {name: value for name, value in os.environ.items() if name != LOG} | {"PYTHONPATH": paths}
    done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, check=False)
    assert "2 passed" in done.stdout, done.stdout + done.stderr
    assert "192.0.2.1:9 by socket.connect" in done.stdout and "'test_two.py::test_loud'" in done.stdout
    assert "127.0.0.1" not in done.stdout and "test_calm" not in done.stdout
    assert done.returncode == pytest.ExitCode.TESTS_FAILED


IMPORTS = """
import importlib, pkgutil, agentirt_nb
for found in pkgutil.walk_packages(agentirt_nb.__path__, "agentirt_nb."):
    if not found.name.endswith("__main__"):
        importlib.import_module(found.name)
import jax
jax.devices()
from agentirt_nb.app.cli import main
for line in open("commands.txt", encoding="utf-8"):
    code = main(line.split())
    print("CODE", code, line)
"""
COMMANDS = """
fit runs.csv --out fit.zarr --quiet
predict fit.zarr
score fit.zarr new.csv --out scored.nc
leaderboards
judge tasks.csv --model openai/gpt-4.1 --level problem --dry-run
"""


def test_every_module_and_command_stays_on_this_machine(tmp_path):
    table = runs()
    table.to_csv(tmp_path / "runs.csv", index=False)
    table[table.agent == "A+x"].assign(agent="new").to_csv(tmp_path / "new.csv", index=False)
    (tmp_path / "tasks.csv").write_text("task,text\na,Repair it.\n")
    (tmp_path / "commands.txt").write_text(COMMANDS.strip())
    done, heard, seen = watched(sys.executable, "-c", IMPORTS, cwd=tmp_path, AGENTIRT_RENDERER="static")
    assert re.findall("^CODE (.*?) ", done.stdout, re.MULTILINE) == ["0"] * 5, done.stdout + done.stderr
    assert heard == []
    assert seen == set()


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    "The demo where there are no data and no network: (folder, its result, attempts that Python and strace saw)."
    folder = tmp_path_factory.mktemp("demo")
    return folder, *watched(AGENTIRT, "demo", "--out", "demo", cwd=folder, XDG_CACHE_HOME=str(folder / "cache"), **WITHOUT)


def test_the_demo_without_data_tries_the_download_and_nothing_else(demo):
    _, done, heard, seen = demo
    assert done.returncode == 0, done.stderr
    assert "cannot be reached" in done.stdout
    assert heard and {(one["host"], one["port"]) for one in heard} == {("127.0.0.1", 9)}  # the proxy, one try a file
    assert seen == set()


def test_the_demo_without_data_shows_the_snapshot_and_says_so(demo):
    folder, done, _, _ = demo
    check_demo(folder / "demo", "snapshot")
    day = json.loads((folder / "demo" / "report.json").read_text())["retrieved"]
    assert f"What follows is the SNAPSHOT of {day} that ships with the package" in done.stdout
    best = pd.read_csv(folder / "demo" / "llms.csv").llm[0]
    assert re.search(rf"^{re.escape(best)} +\d", done.stdout, re.MULTILINE)


@pytest.mark.slow  # test_cli.py runs the same without strace
@pytest.mark.data
def test_the_demo_on_the_leaderboards_tries_nothing_at_all(tmp_path):
    done, heard, seen = watched(AGENTIRT, "demo", "--out", "demo", cwd=tmp_path, AGENTIRT_DATA_FOLDER=DATA)
    assert done.returncode == 0, done.stderr
    assert (heard, seen) == ([], set())


@pytest.mark.browser
def test_saved_pages_draw_and_ask_nobody(demo):
    needs_browser()
    from playwright.sync_api import sync_playwright

    pages = sorted((demo[0] / "demo").glob("*.html"))
    assert len(pages) == 6
    asked = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(**launched())
        page = browser.new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.on("websocket", lambda socket: asked.append(socket.url))
        for path in pages:
            page.goto(path.as_uri())
            page.locator("main :is(canvas, svg.marks, img)").first.wait_for()
        browser.close()
    assert {json.dumps(url)[1:5] for url in asked} == {"file"} and len(asked) == 6


def test_the_calls_of_native_code_are_watched_here():
    if reason := no_strace():
        pytest.skip(f"Python's attempts are recorded, those of native code are not: {reason}.")
