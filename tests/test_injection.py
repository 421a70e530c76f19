"""Names that are HTML, scripts, links or expressions stay text: in JupyterLab's outputs and tooltips, and in saved pages."""

import json
from urllib.parse import urlsplit

import pytest
from lab_driver import jupyterlab, opened_notebook, run_all, write_notebook
from test_lab import needs_browser
from test_network import called, watching

BEYOND = "//127.0.0.1:9/pwned"  # asked for only where a name became HTML
pytestmark = pytest.mark.slow  # three minutes
PAYLOADS = [
    "<script>pwned=1</script>",
    f"<img src={BEYOND} onerror=pwned=1>",
    '"><svg onload=pwned=1>',
    "'><details open ontoggle=pwned=1>",
    '" onmouseover=pwned=1 style="position:fixed;inset:0',
    "</script><script>pwned=1</script>",
    "</title></style></textarea><script>pwned=1</script>",
    "--><script>pwned=1</script><!--",
    "]]><svg xmlns='http://www.w3.org/2000/svg' onload='pwned=1'/>",
    "<iframe srcdoc='<script>parent.pwned=1</script>'></iframe>",
    f"<link rel=stylesheet href={BEYOND}><style>@import '{BEYOND}'</style>",
    f"<object data={BEYOND}></object><embed src={BEYOND}>",
    "<a href=javascript:pwned=1>link</a>",
    "&lt;script&gt;pwned=1&lt;/script&gt;&#60;img src=x onerror=pwned=1&#62;",
    "javascript:pwned=1//",
    f"[link](javascript:pwned=1) ![picture](http:{BEYOND})",
    "'+warn('pwned')+'",
    '"+warn("pwned")+"',
    "datum['pwned'] {{pwned=1}} ${pwned=1} {% pwned %}",
    rf"$\href{{javascript:pwned=1}}{{x}}\require{{html}}\style{{background:url({BEYOND})}}{{y}}$",
    "__proto__",
    "<math><mtext></mtext><mglyph><style><!--</style><img src=x onerror=pwned=1>",
    "<b>" + "W" * 2000,
]
FORMULA = PAYLOADS[-4]
LINES = "\u2028pwned=1\u2029"  # ends a line of JavaScript, not of JSON
CELLS = [
    """
import json
import warnings
import numpy as np
import pandas as pd
import xarray as xr
import agentirt_nb as irt
from agentirt_nb.irt.fits import upgraded
from agentirt_nb.messages import AgentirtError
from agentirt_nb.views.explorers import WhatIf
from agentirt_nb.views.frontier_explorer import ScalingWhatIf
from agentirt_nb.views.quanta_charts import cluster_browser, token_chart
from agentirt_nb.views.scaling_charts import studies_chart
from agentirt_nb.views.theme import save_chart
*P, LINES = json.load(open("payloads.json", encoding="utf-8"))
n, rng = len(P), np.random.default_rng(0)
T = P + [f"{name} 2" for name in P]
easy = np.linspace(-2, 2, n)[:, None] - rng.normal(0.5, 1.5, len(T))
days = pd.date_range("2024-01-01", periods=n, freq="20D")
agents = pd.DataFrame(dict(organisation=P, date=days), index=P)
agents["llm"], agents["scaffold"] = [P[i // 2] for i in range(n)], [P[i % 5] for i in range(n)]
tasks = pd.DataFrame(dict(benchmark=[P[1]] * len(T), group=2 * P), index=T)
features = pd.DataFrame(rng.normal(size=(len(T), 3)), index=T, columns=P[:3])
attrs = dict(source=P[0], licence=LINES, retrieved=P[5])
won = (rng.random(easy.shape) < 1 / (1 + np.exp(-easy))).astype(int)
outcomes = irt.from_arrays(won, agents=agents, tasks=tasks, features=features, attrs=attrs)
fit = irt.fit(outcomes, "1pl", ability="llm_scaffold", progress=False)
""",
    "irt.describe(outcomes)",
    "outcomes",
    "fit",
    "display(fit['posterior'], irt.summarise(fit, 'difficulty'), irt.ladder(fit), irt.feature_effects(fit))",
    "display(irt.ladder(fit).to_dataframe(), irt.predict(fit, agents=P[:2]), irt.describe(outcomes).data)",
    """
difficulty = fit["posterior"].difficulty.stack(sample=("chain", "draw")).transpose("sample", "task")[:, :n]
marks = xr.DataArray([0.0, 1.0], dims="name", coords=dict(name=P[:2]))
few = pd.DataFrame(rng.dirichlet([1, 1, 1], n), index=pd.Index(P, name="task"), columns=["too easy", "frontier", "out of reach"])
zones = xr.Dataset(dict(probability=(("task", "zone"), few)), dict(task=P, zone=list(few)))
studies = irt.scaling_studies()
studies = studies.assign(**{name: P[:len(studies)] for name in ("paper", "task", "details", "architecture")})
context, answer = [f"{p} before" for p in P], P
clusters = xr.DataArray(np.arange(n) // 6, dims="sample")
losses = xr.DataArray(rng.random((5, n)) + 1, dims=("step", "token"), coords=dict(step=2.0 ** np.arange(5), text=("token", P)))
law = irt.failure_law(fit)
charts = dict(
    agents=irt.ability_ladder(fit),
    tasks=irt.interval_ladder(difficulty.assign_attrs(fit.attrs), "difficulty (logits)", marks=marks, title=P[0]),
    map=irt.wright_map(fit, title=P[1]), curves=irt.item_characteristic_curve(fit, P[:6]),
    zones=irt.zone_chart(zones.assign_attrs(converged="yes", kind="simulated"), title=P[5], about=P[6]),
    failure=irt.failure_chart(law, title=P[7]), frontier=irt.frontier_chart(law, irt.frontier_trend(fit)),
    studies=studies_chart(studies), clusters=cluster_browser(clusters, context, answer), tokens=token_chart(losses),
)
for name, chart in charts.items():
    save_chart(chart, f"{name}.html")
    if name in ("agents", "map", "zones"):
        save_chart(chart, f"{name}.svg")
    display(chart)
""",
    "explorers = WhatIf(fit), ScalingWhatIf(fit)\nexplorers[0]",
    "explorers[1]",
    """
for bad in [*P, LINES]:
    warnings.warn(bad)
    print(bad)
for call in (lambda: irt.fit(outcomes, P[0]), lambda: WhatIf(fit, P[2]), lambda: irt.summarise(fit, P[3])):
    try:
        call()
    except AgentirtError:
        get_ipython().showtraceback()
""",
]
FIRED = """() => [...document.querySelectorAll('iframe')].map(e => e.contentWindow).concat([window])
    .filter(w => { try { return w.pwned } catch { return false } }).length"""
LINKS = """() => [...document.querySelectorAll('*')].filter(e => [...e.attributes].some(a =>
    /href|src|action/.test(a.name) && /^\\s*javascript:/i.test(a.value) || /^on/.test(a.name) && /pwned/.test(a.value)))
    .map(e => e.outerHTML.slice(0, 200))"""
SWEEP = """place => {  // the mouse over a chart, dot by dot: what the tooltips say, and as what
    const box = place.getBoundingClientRect(), said = {};
    for (let y = 4; y < box.height && Object.keys(said).length < 40; y += 8) for (let x = 4; x < box.width; x += 24) {
        for (const kind of ["mousemove", "pointermove"]) place.dispatchEvent(new PointerEvent(kind,
            {clientX: box.x + x, clientY: box.y + y, bubbles: true, view: window}));
        const tip = document.querySelector("#vg-tooltip-element.visible");
        if (tip) said[tip.innerText] = [...tip.querySelectorAll("*")].map(e => e.tagName).join(" ");
    }
    return said;
}"""


def asked(urls: list[str]) -> list[str]:
    "The requests that only a name can have made; JupyterLab asks its own server whether a path in a text is a file."
    return [url for url in urls if urlsplit(url).path.rstrip("/").endswith("/pwned")]


def plain(text: str) -> str:
    "A text as it is compared: white space is one blank."
    return " ".join(text.split())


def harmless(page, urls: list[str]) -> bool:
    "Whether no name ran, asked for anything or left a link that would run; says what did."
    found = [page.evaluate(FIRED), page.evaluate(LINKS), asked(urls)]
    assert found == [0, [], []]
    return True


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    "Everything that shows names, run in JupyterLab: (page, watch, addresses asked for, errors, folder)."
    needs_browser()
    folder = tmp_path_factory.mktemp("injection")
    work = folder / "work"
    work.mkdir()
    (work / "payloads.json").write_text(json.dumps([*PAYLOADS, LINES]), encoding="utf-8")
    write_notebook(work / "names.ipynb", CELLS)
    with (
        jupyterlab(folder, work, watching(folder / "server.strace")) as address,
        opened_notebook(address, "names.ipynb", height=20_000) as (page, watch),
    ):
        urls: list[str] = []
        page.context.on("request", lambda request: urls.append(request.url))
        errors = run_all(page)
        page.wait_for_timeout(1000)
        page.evaluate("window.jupyterapp.commands.execute('docmanager:save')")
        yield page, watch, urls, errors, folder


@pytest.mark.browser
def test_no_name_becomes_more_than_text_in_an_output(lab):
    page, watch, urls, errors, _ = lab
    assert len(errors) == 3 and all("unknown" in error or "has no" in error for error in errors), errors
    shown = plain(page.evaluate("document.querySelector('.jp-Notebook').textContent"))
    assert [name for name in PAYLOADS if plain(name) not in shown and name != FORMULA] == []
    assert harmless(page, urls)
    assert "pwned" not in " ".join(watch.complaints)


@pytest.mark.browser
def test_no_name_becomes_more_than_text_in_a_tooltip(lab):
    page, _, urls, _, _ = lab
    said: dict[str, str] = {}
    places = page.locator(".jp-OutputArea-output canvas")
    assert places.count() >= 13
    for i in range(places.count()):
        said |= places.nth(i).evaluate(SWEEP)
    words = plain(" ".join(said))
    assert [name for name in PAYLOADS if plain(name)[:60] not in words] == []
    assert {tag for tags in said.values() for tag in tags.split()} <= {"TABLE", "TBODY", "TR", "TD"}
    assert harmless(page, urls)


@pytest.mark.browser
def test_no_name_becomes_more_than_text_in_an_explorer(lab):
    page, _, urls, _, _ = lab
    box = page.locator(".agentirt-what-if").first
    lists = box.locator("select")
    offered = plain(" ".join(lists.nth(i).inner_text() for i in range(lists.count())))
    llms = PAYLOADS[: len(PAYLOADS) // 2]  # an LLM for every two agents
    assert [name for name in llms if plain(name)[:40] not in offered] == []
    lists.nth(1).select_option(index=2)
    page.wait_for_timeout(1500)
    assert harmless(page, urls)


def opened(page, path) -> list[str]:
    "Open a file, wait until it is at rest; the addresses that it asked for."
    urls: list[str] = []
    page.on("request", lambda request: urls.append(request.url))
    page.goto(path.as_uri())
    page.wait_for_load_state("load")
    page.wait_for_timeout(200)
    return urls


@pytest.mark.browser
def test_no_name_becomes_more_than_text_in_a_saved_page(lab):
    lab_page, _, _, _, folder = lab
    pages = sorted(path for path in (folder / "work").iterdir() if path.suffix in (".html", ".svg"))
    assert len(pages) == 13
    for path in pages:
        page = lab_page.context.browser.new_page()
        urls = opened(page, path)
        assert page.locator("canvas, svg").count(), path.name
        if path.name == "agents.html":
            said = plain(page.locator("svg").first.text_content() or "")
            assert sum(plain(name)[:12] in said for name in PAYLOADS) > 10
        assert harmless(page, urls), path.name
        assert [url for url in urls if not url.startswith(("file:", "data:"))] == []
        page.close()


@pytest.mark.browser
def test_no_name_becomes_more_than_text_on_the_page_of_nbconvert(lab):
    from nbconvert import HTMLExporter

    lab_page, _, _, _, folder = lab
    text, _ = HTMLExporter().from_filename(str(folder / "work" / "names.ipynb"))
    (folder / "names.html").write_text(text, encoding="utf-8")
    page = lab_page.context.browser.new_page()
    page.route("http*://**", lambda route: route.abort())  # its template asks for MathJax and RequireJS
    urls = opened(page, folder / "names.html")
    shown = plain(page.evaluate("document.body.textContent"))
    assert [name for name in PAYLOADS if plain(name) not in shown and name != FORMULA] == []
    assert harmless(page, urls)


@pytest.mark.browser
def test_the_same_names_do_run_where_they_are_not_guarded(lab):  # so the tests above can fail
    lab_page, _, _, _, folder = lab
    fired = []
    for name in PAYLOADS:
        (folder / "raw.html").write_text(f"<p title=\"{name}\">{name}</p><script>x = '{name}'</script>", encoding="utf-8")
        page = lab_page.context.browser.new_page()
        page.route("http*://**", lambda route: route.abort())
        urls = opened(page, folder / "raw.html")
        fired += [name] if page.evaluate(FIRED) or page.evaluate(LINKS) or asked(urls) else []
        page.close()
    assert len(fired) >= 10, fired


@pytest.mark.browser
def test_jupyterlab_would_run_them_too(lab):  # the last one: its page is spoiled
    page, _, urls, _, _ = lab
    code = "from IPython.display import HTML, display\n[display(HTML(bad)) for bad in P[:3]];"
    page.evaluate(
        """code => {
        const panel = window.jupyterapp.shell.currentWidget, kernel = panel.sessionContext.session.kernel;
        const area = panel.content.widgets[1].outputArea;
        area.future = kernel.requestExecute({code});
        return area.future.done;
    }""",
        code,
    )
    page.wait_for_function("window.pwned === 1", timeout=20_000)
    assert asked(urls)


@pytest.mark.browser
def test_jupyterlab_and_its_kernel_reach_nothing_beyond_this_machine(lab):
    _, watch, _, _, folder = lab
    assert [url for url in watch.foreign if "pwned" not in url] == []
    assert called(folder / "server.strace") == set()
