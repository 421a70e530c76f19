"""Tutorials in a real JupyterLab and browser: they run, answer to the keyboard, and nothing leaves the machine."""

import importlib.util
import os
import shutil
from pathlib import Path

import pytest
from lab_driver import chromium, explorer, jupyterlab, opened_notebook, picture, run_all

TUTORIAL = Path(__file__).resolve().parents[1] / "nbs" / "tutorials" / "01_which_agent_is_really_better.ipynb"


def needs_browser() -> None:
    "Skip with the reason where there is no browser; on a CI machine there must be one."
    missing = None
    if importlib.util.find_spec("playwright") is None:
        missing = "Python's playwright is not installed (pip install playwright)"
    elif chromium() is None:
        missing = "there is no Chromium on the PATH (apt-get install chromium)"
    if missing and os.environ.get("CI"):
        pytest.fail(f"The browser test cannot run: {missing}.")
    if missing:
        pytest.skip(f"No browser test: {missing}.")


@pytest.mark.browser
def test_the_drafts_tutorial_runs_and_draws(tmp_path):
    # stands first: one browser at a time, and the fixture below keeps its own open
    needs_browser()
    work = tmp_path / "work"
    work.mkdir()
    shutil.copy(TUTORIAL.with_name("03_twenty_drafts_and_no_budget.ipynb"), work / "drafts.ipynb")
    with jupyterlab(tmp_path, work) as address, opened_notebook(address, "drafts.ipynb", height=12_000) as (page, watch):
        assert run_all(page) == []
        drawn = page.locator(".jp-OutputArea-output :is(canvas, svg.marks)")
        drawn.nth(6).wait_for()
        page.screenshot(path=tmp_path / "drafts.png")
        assert drawn.count() == 7
        assert all(drawn.nth(i).bounding_box()["width"] < 800 for i in range(7))
        assert watch.foreign == []
        assert watch.complaints == []


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    "The tutorial, copied, opened, run to its end: (page, watch, errors, folder for screenshots)."
    needs_browser()
    folder = tmp_path_factory.mktemp("lab")
    work = folder / "work"
    work.mkdir()
    shutil.copy(TUTORIAL, work / "tutorial.ipynb")
    with jupyterlab(folder, work) as address, opened_notebook(address, "tutorial.ipynb") as (page, watch):
        errors = run_all(page)
        page.screenshot(path=folder / "tutorial.png")
        yield page, watch, errors, folder


def changed(box, before: str) -> None:
    "Wait (long: this asserts that it happens, not how fast) until the big number is another one."
    box.page.wait_for_function("before => document.querySelector('.agentirt-number').innerText !== before", arg=before)


@pytest.mark.browser
def test_tutorial_runs(lab):
    page, _, errors, _ = lab
    assert errors == []
    assert page.locator(".jp-OutputArea-output :is(canvas, svg.marks)").count() >= 1


@pytest.mark.browser
def test_slider_answers_to_the_keyboard(lab):
    page, _, _, folder = lab
    box = explorer(page)
    number = box.locator(".agentirt-number")
    for i, direction in enumerate(("ArrowRight", "ArrowLeft")):
        before, drawn = number.inner_text(), picture(box)
        box.locator("[role=slider]").nth(i).focus()
        for _ in range(8):
            page.keyboard.press(direction)
        changed(box, before)
        page.wait_for_timeout(1000)
        gain = float(number.inner_text().rstrip("%")) - float(before.rstrip("%"))
        assert (gain > 0) == (direction == "ArrowRight"), f"{before} became {number.inner_text()}"
        assert picture(box) != drawn
    box.screenshot(path=folder / "explorer.png")


@pytest.mark.browser
def test_tab_reaches_every_control(lab):
    page, _, _, _ = lab
    box = explorer(page)
    box.locator("select").first.focus()
    visited = []
    for _ in range(9):  # each slider has a readout that can be typed in
        visited.append(page.evaluate("(e => e.getAttribute('role') || e.tagName.toLowerCase())(document.activeElement)"))
        page.keyboard.press("Tab")
    assert visited.count("select") == 3
    assert visited.count("slider") == 3


@pytest.mark.browser
def test_unseen_scaffold_widens_the_interval(lab):
    page, _, _, _ = lab
    box = explorer(page)
    prob = "([...document.querySelectorAll('.agentirt-interval')][0].innerText.match(/[\\d.]+(?=%)/g).map(Number))"
    low, high = page.evaluate(prob)
    before = box.locator(".agentirt-number").inner_text()
    box.locator("select").nth(2).select_option("an unseen scaffold")
    changed(box, before)
    wider_low, wider_high = page.evaluate(prob)
    assert wider_high - wider_low > high - low


@pytest.mark.browser
def test_words_explain_themselves(lab):
    page, _, _, _ = lab
    titles = explorer(page).evaluate("box => [...box.querySelectorAll('[title]')].map(e => e.title).join(' ')")
    for word in ("the mean chance of success", "One logit turns", "The language model inside", "whose outcome is open"):
        assert word in titles


@pytest.mark.browser
def test_nothing_leaves_the_machine_and_nothing_is_logged(lab):
    _, watch, _, _ = lab
    assert watch.requests > 20
    assert watch.foreign == []
    assert watch.complaints == []
