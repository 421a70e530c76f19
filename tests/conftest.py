"""Tests marked `data` need real outcomes: they are skipped, with the reason, where these cannot be had.

Every attempt of a test, or of a Python process that it starts, to reach another machine is written down, and a session in
which there was one that is not expected fails (`RECORD_CONNECTIONS=file` keeps the list)."""

import os
import sys
import tempfile
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import getproxies

import pytest

ROOT = Path(__file__).resolve().parent.parent
RECORDER = ROOT / "tests" / "recorder"
sys.path[:0] = [str(ROOT / "tools"), str(RECORDER)]

from connections import LOG, attempts, record  # noqa: E402

if LOG not in os.environ:  # the workers of pytest-xdist find it set
    place = tempfile.TemporaryDirectory()
    os.environ[LOG] = str(Path(place.name) / "connections.jsonl")
if str(RECORDER) not in os.environ.get("PYTHONPATH", "").split(os.pathsep):
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(RECORDER), os.environ.get("PYTHONPATH")]))
record()
os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"  # tests import transformers without the package, which would report lookups
os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # tests import litellm without the package, which would ask for prices

from run_notebooks import data_use, no_data, notebooks  # noqa: E402

from agentirt_nb.data.leaderboards import PLACES  # noqa: E402
from agentirt_nb.settings import settings  # noqa: E402

NEEDS = "needs real outcomes"
LONGEST = ["task_quanta", "cli", "load", "lab", "pictures", "screens", "small_data", "scaling_laws", "emergence", "explorers_lab"]
LONGEST += ["writing", "network", "sparse_parity", "data_faults", "evaluation", "intervals", "judge", "features", "accuracy"]


def is_expected(attempt: dict) -> bool:
    "Whether an attempt is the download of real outcomes where no folder has them; who tries on purpose keeps their own list."
    doors = {urlsplit(url).hostname for url in (*PLACES.values(), *getproxies().values())}
    return not settings(start=ROOT).data_folder and bool(doors & {attempt["host"], attempt["asked"]})


@pytest.hookimpl(trylast=True)  # after -m and -k have chosen
def pytest_collection_modifyitems(items):
    place = {f"test_{name}": i for i, name in enumerate(LONGEST)}  # so that neither worker waits for the other at the end
    items.sort(key=lambda item: place.get(item.path.stem, len(place)))
    marked = [item for item in items if item.get_closest_marker("data")]
    if marked and (reason := no_data()):
        for item in marked:
            item.add_marker(pytest.mark.skip(f"{NEEDS}: {reason}"))


def unexpected() -> list[str]:
    "A line for each attempt to reach another machine that nobody asked for."
    found = [attempt for attempt in attempts(os.environ[LOG]) if not is_expected(attempt)]
    where = "{host}:{port} by {event} (name asked before: {asked!r}) in {test!r}, process {command!r}"
    return list(dict.fromkeys(where.format(**attempt) for attempt in found))


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session):
    if not hasattr(session.config, "workerinput") and unexpected():
        session.exitstatus = max(session.exitstatus, pytest.ExitCode.TESTS_FAILED)


def pytest_terminal_summary(terminalreporter):
    if lines := unexpected():
        terminalreporter.section("attempts to reach another machine", red=True)
        terminalreporter.write_line("\n".join(lines))


def pytest_unconfigure(config):
    "The last line: what was left out for want of real outcomes, notebooks of `make test` too."
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    skipped = reporter.stats.get("skipped", []) if reporter else []
    tests = [report for report in skipped if NEEDS in str(report.longrepr)]
    if tests:
        left_out = [path for path in notebooks() if data_use(ROOT / path) == "needed"]
        print(f"Without real outcomes: {len(tests)} tests and {len(left_out)} notebooks of `make test` left out.")
