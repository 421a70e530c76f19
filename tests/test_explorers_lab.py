"""Both explorers in a real JupyterLab and browser: they never say what is not so, whoever reads them, alive or not."""

import pytest
from lab_driver import bring_up, explorer, jupyterlab, opened_notebook, picture, run_all, wait_idle, write_notebook
from test_lab import changed, needs_browser

CELLS = [
    "from agentirt_nb.views.explorers import WhatIf\n"
    "from agentirt_nb.views.frontier_explorer import ScalingWhatIf\n"
    "from agentirt_nb.irt.fits import upgraded\n"
    "from agentirt_nb.irt.snapshot import load_snapshot\n"
    "snapshot = upgraded(load_snapshot())",
    "import time\n"  # on any machine another benchmark takes longer than the busy sign waits
    "quick = ScalingWhatIf.answer\n"
    "def slowly(self, moved):\n"
    "    time.sleep(1.5 if moved == 'benchmark' else 0)\n"
    "    quick(self, moved)\n"
    "ScalingWhatIf.answer = slowly",
    "WhatIf(snapshot, 'swebench_verified')",
    "ScalingWhatIf(snapshot)",
]
WATCH = """box => {
    const text = (selector) => box.querySelector(selector).innerText;
    window.seen = [];
    const note = () => window.seen.push({
        busy: box.ariaBusy === 'true', chosen: box.querySelector('select').value, title: text('.agentirt-title'),
        date: box.querySelectorAll('input')[1].getAttribute('aria-valuetext'), number: text('.agentirt-number-box'),
        at: performance.now(), dim: +getComputedStyle(box.querySelector('.agentirt-charts')).opacity,
    });
    window.watching = setInterval(note, 20);
}"""
OVERFLOW = """box => {
    const room = box.closest('.jp-OutputArea-output').getBoundingClientRect();
    return [...box.querySelectorAll('*')].filter(e => e.checkVisibility() && !e.closest('details, svg, option')).filter(e => {
        const scrolls = /auto|scroll/.test(getComputedStyle(e).overflowX) && e.scrollWidth > e.clientWidth + 1;
        return scrolls || e.getBoundingClientRect().right > room.right + 1;
    }).map(e => e.outerHTML.slice(0, 120));
}"""


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    "A notebook with both explorers of the snapshot, run to its end: (page, watch, errors, folder for screenshots)."
    needs_browser()
    folder = tmp_path_factory.mktemp("explorers")
    work = folder / "work"
    work.mkdir()
    write_notebook(work / "explorers.ipynb", CELLS)
    with jupyterlab(folder, work) as address, opened_notebook(address, "explorers.ipynb", height=2400) as (page, watch):
        errors = run_all(page)
        yield page, watch, errors, folder


def names(box) -> list[tuple[str, str]]:
    "What a screen reader says of each slider: name and value."
    return box.evaluate("box => [...box.querySelectorAll('input')].map(e => [e.labels[0].innerText, e.ariaValueText])")


def widths(page) -> list[float]:
    "How wide the charts are, as shares of the explorer."
    share = "e => e.getBoundingClientRect().width / e.closest('.agentirt-what-if').clientWidth"
    charts = page.locator(".agentirt-what-if canvas")
    return [charts.nth(i).evaluate(share) for i in range(charts.count())]


def faults(page, folder) -> list[str]:
    "What axe finds serious or critical in the explorers on the page."
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page, context=".agentirt-what-if").response["violations"]
    return [
        f"{fault['id']}: {node['html'][:160]} {node['failureSummary'][:300]}"
        for fault in found
        if fault["impact"] in ("serious", "critical")
        for node in fault["nodes"]
    ]


@pytest.mark.browser
def test_they_draw_and_every_control_says_what_it_is(lab):
    page, _, errors, folder = lab
    assert errors == []
    what_if, scaling = explorer(page), explorer(page, 1)
    page.screenshot(path=folder / "explorers.png")
    assert [name for name, _ in names(what_if)] == ["LLM better by", "scaffold better by", "new task difficulty"]
    assert [name for name, _ in names(scaling)] == ["ability", "date"]
    for _ in range(3):
        what_if.get_by_role("slider").first.press("ArrowRight")
    assert names(what_if)[0] == ["LLM better by", "+0.3 logits"]
    charts = page.locator(".agentirt-what-if [role=graphics-document]")
    said = [charts.nth(i).get_attribute("aria-label") for i in range(charts.count())]
    assert len(said) == 3 and "expected pass rate" in said[0] and "expected failure rate" in said[1] and "gets there" in said[2]
    assert scaling.locator(".agentirt-table tr").count() == 9


@pytest.mark.browser
def test_axe_finds_no_serious_fault_in_either_theme(lab):
    page, _, _, folder = lab
    assert faults(page, folder) == []
    page.evaluate("window.jupyterapp.commands.execute('apputils:change-theme', {theme: 'JupyterLab Dark'})")
    page.wait_for_function("document.body.dataset.jpThemeLight === 'false'")
    page.wait_for_timeout(1500)
    page.screenshot(path=folder / "dark.png")
    one, left, right = widths(page)
    assert one > 0.95 and left + right > 0.95
    assert faults(page, folder) == []


@pytest.mark.browser
def test_in_a_narrow_window_all_flows_and_nothing_is_cut(lab):
    page, _, _, folder = lab
    page.set_viewport_size({"width": 760, "height": 2800})
    page.wait_for_timeout(1500)
    page.screenshot(path=folder / "narrow.png")
    assert all(0.95 < width <= 1 for width in widths(page))
    for which in range(2):
        assert explorer(page, which).evaluate(OVERFLOW) == []
    page.set_viewport_size({"width": 1280, "height": 2400})
    page.evaluate("window.jupyterapp.commands.execute('apputils:change-theme', {theme: 'JupyterLab Light'})")
    page.wait_for_timeout(1000)


@pytest.mark.browser
def test_sliders_answer_to_the_keyboard_and_to_each_other(lab):
    page, _, _, folder = lab
    box = explorer(page, 1)
    number = box.locator(".agentirt-number")
    for i, key in enumerate(("ArrowRight", "ArrowLeft")):
        before, drawn, said = number.inner_text(), picture(box), names(box)
        box.get_by_role("slider").nth(i).focus()
        for _ in range(9):
            page.keyboard.press(key)
        changed(box, before)
        page.wait_for_timeout(1000)
        better = float(number.inner_text().rstrip("%")) < float(before.rstrip("%"))
        assert better == (key == "ArrowRight")
        assert picture(box) != drawn
        assert all(a != b for a, b in zip(names(box), said))  # the other slider followed
    box.screenshot(path=folder / "moved.png")


@pytest.mark.browser
def test_nothing_beside_a_slider_can_be_typed_over(lab):
    page, _, _, _ = lab
    editable = "box => box.querySelectorAll('[contenteditable], input:not([type=range]), textarea').length"
    assert [explorer(page, which).evaluate(editable) for which in range(2)] == [0, 0]


@pytest.mark.browser
def test_another_benchmark_is_shown_all_at_once_or_called_busy(lab):
    page, _, _, folder = lab
    box = explorer(page, 1)
    before = box.locator(".agentirt-number").inner_text()
    box.evaluate(WATCH)
    box.locator("select").select_option("terminal_bench")
    page.locator(".agentirt-what-if[aria-busy=true]").wait_for()
    page.wait_for_timeout(400)
    page.screenshot(path=folder / "busy.png")
    changed(box, before)
    page.wait_for_function("document.querySelectorAll('.agentirt-what-if[aria-busy=true]').length === 0")
    page.wait_for_timeout(300)
    page.evaluate("clearInterval(window.watching)")
    seen = page.evaluate("window.seen")
    moved = next(state["at"] for state in seen if state["chosen"] == "terminal_bench")
    mixed = [state for state in seen if state["at"] > moved + 300 and not state["busy"] and state["chosen"] not in state["title"]]
    assert mixed == []
    assert any(state["busy"] and state["dim"] < 0.5 for state in seen)
    assert "no trend" in seen[-1]["date"] and "a trend needs 8 records" in seen[-1]["number"]
    box.locator("select").select_option("swebench_verified")
    page.wait_for_function("[...document.querySelectorAll('.agentirt-number-box')][1].innerText.includes('gets there')")
    assert names(box)[1][1].startswith("202")


@pytest.mark.browser
def test_the_new_task_follows_the_benchmark(lab):
    page, _, _, folder = lab
    box = explorer(page)
    before, number = names(box)[2], box.locator(".agentirt-number").inner_text()
    box.locator("select").first.select_option("terminal_bench")
    changed(box, number)
    page.wait_for_timeout(500)
    after = names(box)[2]
    assert after != before
    assert f"new task of difficulty {after[1].removesuffix(' logits')}:" in box.inner_text()
    box.screenshot(path=folder / "terminal.png")


@pytest.mark.browser
def test_words_explain_themselves_and_nothing_leaves_the_machine(lab):
    page, watch, _, _ = lab
    titles = explorer(page, 1).evaluate("box => [...box.querySelectorAll('[title]')].map(e => e.title).join(' ')")
    assert "still out of reach" in titles and "expected to fail" in titles
    assert watch.foreign == []
    assert watch.complaints == []


def stills(page) -> list[str]:
    "The words of the pictures of explorers that can be seen."
    return page.evaluate("""() => [...document.querySelectorAll('.jp-OutputArea-output img')]
        .filter(e => e.checkVisibility() && e.naturalWidth > 50).map(e => e.alt)""")


@pytest.mark.browser
def test_without_a_kernel_a_picture_and_its_words_remain(lab):
    # the last one: it takes the kernel away
    page, _, _, folder = lab
    rate = explorer(page).locator(".agentirt-number").inner_text()
    page.wait_for_function(
        "rate => document.querySelector('.agentirt-still img').alt.includes(`expected pass rate ${rate}`)", arg=rate
    )
    page.evaluate("void window.jupyterapp.shell.currentWidget.sessionContext.restartKernel()")
    page.wait_for_function("[...document.querySelectorAll('.agentirt-what-if')].every(e => !e.checkVisibility())")
    page.wait_for_timeout(1000)
    page.screenshot(path=folder / "restarted.png")
    assert len(stills(page)) == 2 and f"expected pass rate {rate}" in stills(page)[0]
    assert "tasks out of reach" in stills(page)[1]
    page.evaluate("window.jupyterapp.commands.execute('docmanager:save')")
    wait_idle(page)
    text = (folder / "work" / "explorers.ipynb").read_text(encoding="utf-8")
    (folder / "work" / "copy.ipynb").write_text(text.replace("snapshot = ", "snapshot =  "), encoding="utf-8")
    bring_up(page, "copy.ipynb")  # not trusted
    page.wait_for_timeout(1500)
    page.screenshot(path=folder / "untrusted.png")
    assert len(stills(page)) == 2
    assert not any(e.is_visible() for e in page.get_by_text("model not found").all())
    page.reload()
    page.wait_for_function("window.jupyterapp && window.jupyterapp.shell.currentWidget?.context?.isReady")
    page.wait_for_timeout(2500)
    page.screenshot(path=folder / "reopened.png")
    assert len(stills(page)) >= 2
    assert not any(e.is_visible() for e in page.get_by_text("model not found").all())
