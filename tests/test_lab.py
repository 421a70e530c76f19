"""Tutorials in a real JupyterLab and browser: they run, answer to the keyboard, and nothing leaves the machine."""

import importlib.util
import os
import shutil
from pathlib import Path

import pytest
from lab_driver import bring_up, chromium, explorer, jupyterlab, opened_notebook, picture, run_all, wait_idle

TUTORIALS = Path(__file__).resolve().parents[1] / "nbs" / "tutorials"


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


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    "The first tutorial, copied, opened, run to its end: (page, watch, errors, folder for screenshots)."
    needs_browser()
    folder = tmp_path_factory.mktemp("lab")
    work = folder / "work"
    work.mkdir()
    shutil.copy(TUTORIALS / "01_which_agent_is_really_better.ipynb", work / "tutorial.ipynb")
    shutil.copy(TUTORIALS / "03_twenty_drafts_and_no_budget.ipynb", work / "drafts.ipynb")
    with jupyterlab(folder, work) as address, opened_notebook(address, "tutorial.ipynb") as (page, watch):
        errors = run_all(page)
        page.screenshot(path=folder / "tutorial.png")
        yield page, watch, errors, folder


def changed(box, before: str) -> None:
    "Wait (long: this asserts that it happens, not how fast) until the explorer's big number is another one."
    box.page.wait_for_function(
        "([box, before]) => box.querySelector('.agentirt-number').innerText !== before", arg=[box.element_handle(), before]
    )


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
        box.get_by_role("slider").nth(i).focus()
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
    for _ in range(7):
        visited.append(page.evaluate("document.activeElement.type || document.activeElement.tagName"))
        page.keyboard.press("Tab")
    assert visited == ["select-one"] * 3 + ["range"] * 3 + ["submit"]  # what a button's type is, unless it is given one


@pytest.mark.browser
def test_unseen_scaffold_widens_the_interval(lab):
    page, _, _, _ = lab
    box = explorer(page)
    ends = "document.querySelector('.agentirt-interval').innerText.match(/[\\d.]+(?=%)/g).map(Number)"
    low, high = page.evaluate(ends)
    before = box.locator(".agentirt-number").inner_text()
    box.locator("select").nth(2).select_option("an unseen scaffold")
    changed(box, before)
    wider_low, wider_high = page.evaluate(ends)
    assert wider_high - wider_low > high - low


@pytest.mark.browser
def test_words_explain_themselves(lab):
    page, _, _, _ = lab
    titles = explorer(page).evaluate("box => [...box.querySelectorAll('[title]')].map(e => e.title).join(' ')")
    for word in ("the mean chance of success", "One logit turns", "The language model inside", "whose outcome is open"):
        assert word in titles


@pytest.mark.slow  # it runs among the notebooks, the first tutorial runs here, and test_pictures.py shows what it has stored
@pytest.mark.data
@pytest.mark.browser
def test_the_drafts_tutorial_runs_and_draws(lab):
    page, _, _, folder = lab
    page.set_viewport_size({"width": 1280, "height": 12_000})
    bring_up(page, "drafts.ipynb")
    wait_idle(page)
    assert run_all(page) == []
    drawn = page.locator(".jp-NotebookPanel:visible .jp-OutputArea-output :is(canvas, svg.marks)")
    drawn.nth(6).wait_for()
    page.screenshot(path=folder / "drafts.png")
    assert drawn.count() == 7
    assert all(drawn.nth(i).bounding_box()["width"] < 800 for i in range(7))


@pytest.mark.browser
def test_nothing_leaves_the_machine_and_nothing_is_logged(lab):
    _, watch, _, _ = lab
    assert watch.requests > 20
    assert watch.foreign == []
    assert watch.complaints == []
