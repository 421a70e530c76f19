"""Pictures last: a notebook shows them unrun, run, reopened, distrusted, and as a page made by nbconvert."""

import json
import shutil
import time
from pathlib import Path

import pytest
from lab_driver import bring_up, jupyterlab, opened_notebook, run_all, wait_idle, write_notebook
from test_lab import needs_browser

NOTEBOOKS = Path(__file__).resolve().parents[1] / "nbs"
CLONES = [NOTEBOOKS / "4_views" / "00_theme.ipynb", *sorted((NOTEBOOKS / "tutorials").glob("*.ipynb"))]
CELLS = [
    """
import ipywidgets as widgets
from agentirt_nb.views.theme import Lasting, alt
import pandas as pd
rows = pd.DataFrame({"ability": [-1.0, 0.0, 1.0], "agent": ["a", "b", "c"]})
def chart(title):
    point = alt.Chart(rows, title=title, height=120).mark_circle(size=4000, opacity=1)
    return point.encode(alt.X("ability:Q", title="ability (logits)"), alt.Y("agent:N"), tooltip=["agent"])
""",
    "chart('Alone')",
    "chart('Left').properties(width=200) | chart('Right').properties(width=200)",
    """
class Explorer(Lasting, widgets.VBox):
    def __init__(self):
        self.slider = widgets.FloatSlider(step=1)
        super().__init__([self.slider])
        self.slider.observe(lambda change: self.keep(), "value")
    def picture(self):
        return chart(f"The slider stands at {self.slider.value:g}")
Explorer()
""",
]
SHOWN = """() => {
    const panel = [...document.querySelectorAll('.jp-NotebookPanel')].find(e => e.offsetParent);
    return [...panel.querySelectorAll('.jp-OutputArea-output :is(img, canvas)')]
        .filter(e => e.checkVisibility() && e.getBoundingClientRect().width > 50 && (e.naturalWidth ?? e.width) > 50)
        .map(e => [e.tagName, e.alt || e.parentElement.closest('[aria-label]')?.ariaLabel || e.ariaLabel]);
}"""
LIVE = [
    ["CANVAS", "Alone. Horizontal axis: ability (logits). Vertical axis: agent. 3 rows."],
    ["CANVAS", "Left. Right. Horizontal axis: ability (logits). Vertical axis: agent. 3 rows."],
]
STILL = ["IMG", "The slider stands at 1. Horizontal axis: ability (logits). Vertical axis: agent. 3 rows."]


def stored_pictures(path: Path) -> int:
    "How many outputs of a notebook hold a PNG; each of them holds words too, and no live view without them."
    outputs = [out for cell in json.loads(path.read_text(encoding="utf-8"))["cells"] for out in cell.get("outputs", [])]
    pictures = [out["data"] for out in outputs if "image/png" in out.get("data", {})]
    assert all("object at" not in "".join(data["text/plain"]) for data in pictures)
    return len(pictures)


@pytest.mark.parametrize("path", sorted(NOTEBOOKS.rglob("*.ipynb")), ids=lambda path: path.stem)
def test_no_stored_picture_is_an_svg_alone(path):
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    stored = [out.get("data", {}) for cell in cells for out in cell.get("outputs", [])]
    assert not [data for data in stored if "image/svg+xml" in data and "image/png" not in data]


def shows(page, expected: list) -> None:
    "Wait until exactly these pictures are on show, and no error."
    end = time.monotonic() + 30
    while page.evaluate(SHOWN) != expected and time.monotonic() < end:
        page.wait_for_timeout(200)
    assert page.evaluate(SHOWN) == expected
    assert not any(e.is_visible() for e in page.get_by_text("model not found").all())


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    "A notebook run, played with, saved, and reopened in a real JupyterLab: (page, watch, folders of notebooks, screenshots)."
    needs_browser()
    folder = tmp_path_factory.mktemp("pictures")
    work = folder / "work"
    work.mkdir()
    write_notebook(work / "small.ipynb", CELLS)
    for path in CLONES:
        shutil.copy(path, work / f"clone {path.name}")
    with jupyterlab(folder, work) as address:
        with opened_notebook(address, "small.ipynb", width=1920) as (page, watch):
            assert run_all(page) == []
            shows(page, LIVE)
            page.screenshot(path=folder / "run.png")
            canvas = page.locator(".jp-OutputArea-output canvas").first
            assert canvas.bounding_box()["width"] == 1200
            canvas.hover(position={"x": canvas.bounding_box()["width"] / 2, "y": 100})
            page.locator("#vg-tooltip-element.visible").wait_for(timeout=20_000)
            page.locator("[role=slider]").focus()
            page.keyboard.press("ArrowRight")
            page.wait_for_function("document.querySelector('.agentirt-still img').alt.includes('stands at 1')", timeout=20_000)
            page.evaluate("window.jupyterapp.commands.execute('docmanager:save')")
            page.evaluate("void window.jupyterapp.shell.currentWidget.sessionContext.restartKernel()")
            shows(page, [*LIVE, STILL])  # the slider has lost its kernel: the picture takes its place
            assert not page.locator("[role=slider]").is_visible()
            assert watch.foreign == []
            assert watch.complaints == []
            wait_idle(page)
            page.evaluate("window.jupyterapp.shell.currentWidget.sessionContext.shutdown()")
        # a second browser that knows nothing of the first; reset: without the notebooks that were open before
        with opened_notebook(f"{address}&reset", "small.ipynb") as (page, watch):
            yield page, watch, work, folder


def is_trusted(page) -> bool:
    "Whether JupyterLab trusts the notebook in front."
    return page.evaluate("[...window.jupyterapp.shell.currentWidget.content.model.cells].every(cell => cell.trusted)")


@pytest.mark.browser
def test_a_saved_notebook_shows_its_pictures_when_it_is_reopened(saved):
    page, watch, work, folder = saved
    assert stored_pictures(work / "small.ipynb") == 3
    assert is_trusted(page)
    shows(page, [*LIVE, STILL])
    page.screenshot(path=folder / "reopened.png")
    sizes = page.evaluate("[...document.querySelectorAll('.jp-OutputArea-output')].map(e => [e.scrollWidth, e.clientWidth])")
    assert all(inside <= outside for inside, outside in sizes), "no scroll bars at 1280 pixels"
    assert watch.foreign == []


@pytest.mark.browser
def test_a_copy_that_is_not_trusted_shows_its_pictures(saved):
    page, _, work, folder = saved
    (work / "copy.ipynb").write_text((work / "small.ipynb").read_text().replace("import pandas as pd", "import pandas as pd "))
    bring_up(page, "copy.ipynb")
    shows(page, [*LIVE, STILL])
    assert not is_trusted(page)
    page.screenshot(path=folder / "copy.png")


@pytest.mark.browser
@pytest.mark.parametrize("path", CLONES, ids=lambda path: path.stem)
def test_a_fresh_clone_shows_its_pictures_without_being_run(saved, path):
    page, watch, _, folder = saved
    page.set_viewport_size({"width": 1280, "height": 30_000})  # a notebook draws what is near the window only
    bring_up(page, f"clone {path.name}")
    page.wait_for_function(f"count => ({SHOWN})().length === count", arg=stored_pictures(path))
    page.screenshot(path=folder / f"{path.stem}.png")
    assert stored_pictures(path) > 1
    assert watch.foreign == []


@pytest.mark.browser
def test_nbconvert_makes_a_page_with_the_pictures(saved):
    from nbconvert import HTMLExporter

    lab, _, work, folder = saved
    text, _ = HTMLExporter().from_filename(str(work / "small.ipynb"))
    (work / "small.html").write_text(text, encoding="utf-8")
    page = lab.context.browser.new_page()
    page.goto((work / "small.html").as_uri())
    pictures = page.evaluate("[...document.images].filter(e => e.checkVisibility() && e.naturalWidth > 50).map(e => e.alt)")
    page.screenshot(path=folder / "nbconvert.png", full_page=True)
    assert len(pictures) == 3
    assert pictures[-1] == STILL[1]  # its template passes over the words beside a PNG


def test_nbconvert_makes_a_page_of_the_first_tutorial_with_all_its_pictures():
    from nbconvert import HTMLExporter

    text, _ = HTMLExporter().from_filename(str(CLONES[1]))
    outputs = [out for cell in json.loads(CLONES[1].read_text())["cells"] for out in cell.get("outputs", [])]
    stored = ["".join(out["data"]["image/png"]).strip() for out in outputs if "image/png" in out.get("data", {})]
    assert len(stored) == stored_pictures(CLONES[1]) > 2
    assert [png in text for png in stored] == [True] * len(stored)  # each of them, not only as many
