"Tests marked `data` need real outcomes: they are skipped, with the reason, where these cannot be had."

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tools"))

from run_notebooks import data_use, no_data, notebooks  # noqa: E402

NEEDS = "needs real outcomes"


@pytest.hookimpl(trylast=True)  # after -m and -k have chosen
def pytest_collection_modifyitems(items):
    marked = [item for item in items if item.get_closest_marker("data")]
    if marked and (reason := no_data()):
        for item in marked:
            item.add_marker(pytest.mark.skip(f"{NEEDS}: {reason}"))


def pytest_unconfigure(config):
    "The last line: what was left out for want of real outcomes, notebooks of `make test` too."
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    skipped = reporter.stats.get("skipped", []) if reporter else []
    tests = [report for report in skipped if NEEDS in str(report.longrepr)]
    if tests:
        left_out = [path for path in notebooks() if data_use(ROOT / path) == "needed"]
        print(f"Without real outcomes: {len(tests)} tests and {len(left_out)} notebooks of `make test` left out.")
