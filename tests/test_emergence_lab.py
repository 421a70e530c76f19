"""The what-if scaling explorer in a real JupyterLab and browser: it draws, links its sliders and answers to the keyboard."""

import json

import pytest
from lab_driver import explorer, jupyterlab, opened_notebook, picture, run_all
from test_lab import changed, needs_browser

CELLS = [
    "from agentirt_nb.views.emergence_charts import ScalingWhatIf\nfrom agentirt_nb.data.leaderboards import load_snapshot",
    "ScalingWhatIf(load_snapshot())",
]


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    "A notebook with the explorer of the snapshot, run to its end: (page, watch, errors, folder for screenshots)."
    needs_browser()
    folder = tmp_path_factory.mktemp("emergence")
    work = folder / "work"
    work.mkdir()
    cells = [
        dict(cell_type="code", id=f"cell{i}", metadata={}, source=s, outputs=[], execution_count=None)
        for i, s in enumerate(CELLS)
    ]
    kernel = dict(kernelspec=dict(display_name="python3", language="python", name="python3"))
    (work / "scaling.ipynb").write_text(json.dumps(dict(cells=cells, metadata=kernel, nbformat=4, nbformat_minor=5)))
    with jupyterlab(folder, work) as address, opened_notebook(address, "scaling.ipynb") as (page, watch):
        errors = run_all(page)
        yield page, watch, errors, folder


@pytest.mark.browser
def test_it_draws(lab):
    page, _, errors, folder = lab
    assert errors == []
    box = explorer(page)
    box.screenshot(path=folder / "scaling.png")
    assert box.locator(".agentirt-table tr").count() == 9
    assert box.locator("select").count() == 1 and box.locator("[role=slider]").count() == 2


@pytest.mark.browser
def test_sliders_answer_to_the_keyboard_and_to_each_other(lab):
    page, _, _, folder = lab
    box = explorer(page)
    number, readouts = box.locator(".agentirt-number"), box.locator(".widget-readout")
    for i, key in enumerate(("ArrowRight", "ArrowLeft")):
        before, drawn, shown = number.inner_text(), picture(box), readouts.all_inner_texts()
        box.locator("[role=slider]").nth(i).focus()
        for _ in range(9):
            page.keyboard.press(key)
        changed(box, before)
        page.wait_for_timeout(1000)
        better = float(number.inner_text().rstrip("%")) < float(before.rstrip("%"))
        assert better == (key == "ArrowRight")
        assert picture(box) != drawn
        assert all(a != b for a, b in zip(readouts.all_inner_texts(), shown))  # the other slider followed
    box.screenshot(path=folder / "moved.png")


@pytest.mark.browser
def test_a_benchmark_without_a_trend_says_so(lab):
    page, _, _, folder = lab
    box = explorer(page)
    before = box.locator(".agentirt-number").inner_text()
    box.locator("select").select_option("swebench_pro")
    changed(box, before)
    page.wait_for_timeout(1000)
    assert "14 dated agents" in box.inner_text()
    box.screenshot(path=folder / "pro.png")
    box.locator("select").select_option("swebench_verified")
    page.wait_for_function("document.querySelector('.agentirt-number-box').innerText.includes('The best agent gets there')")


@pytest.mark.browser
def test_words_explain_themselves_and_nothing_leaves_the_machine(lab):
    page, watch, _, _ = lab
    titles = explorer(page).evaluate("box => [...box.querySelectorAll('[title]')].map(e => e.title).join(' ')")
    assert "still out of reach" in titles and "expected to fail" in titles
    assert watch.foreign == []
    assert watch.complaints == []
