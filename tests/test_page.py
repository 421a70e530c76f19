"""The report as one page: whatever the fit, every name only text, the doubts first, readable for everybody, its place safe."""

import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from test_cli import inside, refused

from agentirt_nb.app.demo import demo_charts
from agentirt_nb.app.page import report
from agentirt_nb.data.building import from_arrays
from agentirt_nb.irt.comparison import compare_all
from agentirt_nb.irt.fits import FitError, fit_id, make_fit, open_fit, save_fit
from agentirt_nb.irt.snapshot import load_snapshot
from agentirt_nb.views.theme import save_chart

FITS = Path(__file__).resolve().parent / "data" / "fits"
SECTIONS = ["trust", "fitted", "ladder", "lead", "parts", "tasks", "left", "words", "cite"]
NASTY = "<script>window.pwned=1</script><img src=x onerror=pwned=1>\"'&{{ 7*7 }}{% raw %}"
VOID = {"meta", "img", "br", "path", "circle"}


def by_hand(agents=9, tasks=12, names=None, curve="1pl", kept=True, seed=0, **attrs):
    "A fit of draws made by hand: no fitting, no compiling."
    rng = np.random.default_rng(seed)
    ability, difficulty = np.linspace(2, -2, agents), np.linspace(-2, 2, tasks)
    won = rng.random((agents, tasks)) < 1 / (1 + np.exp(difficulty - ability[:, None]))
    about = dict(kind="simulated", source=names[0] if names else "", licence=names[0] if names else "")
    labels = dict(agents=[f"agent {i}" for i in range(agents)], tasks=[f"task {j}" for j in range(tasks)])
    if names:
        labels["agents"] = pd.DataFrame(dict(llm=names, scaffold=names[::-1], organisation=names), index=names)
        labels["tasks"] = pd.DataFrame(dict(group=NASTY), index=[f"{NASTY} {j}" for j in range(tasks)])
    outcomes = from_arrays(won.astype(int), **labels, attrs=about)
    draw = lambda at: np.asarray(at) + rng.normal(0, 0.4, (1, 120, len(at)))
    parts = dict(ability=("agent", ability), difficulty=("task", difficulty))
    cells = {name: (("chain", "draw", dim), draw(at)) for name, (dim, at) in parts.items()}
    posterior = xr.Dataset(cells, dict(agent=outcomes.agent.values, task=outcomes.task.values))
    told = dict(curve=curve, method="by hand", converged="yes", verdict="Made by hand. Nobody ran it.", kind="simulated") | attrs
    fit = make_fit(posterior, outcomes, told)
    if not kept:
        fit["observed_data"] = outcomes.drop_vars(["successes", "trials"])
    return fit


class Read(HTMLParser):
    "What a page says of itself; fails on elements that are not closed in order."

    def __init__(self, text):
        super().__init__()
        self.open, self.seen, self.words = [], [], {}
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))
        self.open += [] if tag in VOID else [tag]

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data):
        for tag in self.open:
            self.words[tag] = self.words.get(tag, "") + data

    def all(self, tag):
        return [attrs for name, attrs in self.seen if name == tag]


@pytest.fixture
def quick(monkeypatch):
    "Pages whose pictures are not drawn."
    monkeypatch.setattr("agentirt_nb.app.page.chart_image", lambda chart: '<img alt="" src="data:image/png;base64,">')


@pytest.fixture(scope="module")
def split():
    "A small fit with LLMs, scaffolds, dates and outcomes."
    return open_fit(FITS / "1pl_scored.nc")


@pytest.fixture(scope="module")
def page(split):
    return report(split, top=3)


def test_a_page_has_its_parts_in_order_and_needs_nothing_else(page):
    read = Read(page)
    there = [one["id"] for one in read.all("section")]
    assert there == [name for name in SECTIONS if name in there] and set(SECTIONS) - set(there) <= {"tasks"}
    links = [one["href"] for one in read.all("a") if one["href"].startswith("#")]
    assert links == [f"#{one['id']}" for one in read.all("section")]
    assert not {"script", "link", "iframe", "object", "style src"} & {tag for tag, _ in read.seen}
    assert all(one["src"].startswith("data:image/png;base64,") for one in read.all("img"))
    assert "url(" not in page and "@import" not in page
    assert len(page) < 3_000_000


def test_a_page_has_title_language_headings_landmarks_and_words_for_each_picture(page):
    read = Read(page)
    assert read.all("html") == [{"lang": "en"}]
    assert read.words["title"].strip() == read.words["h1"].strip()
    assert [tag for tag, _ in read.seen if re.fullmatch("h[1-6]", tag)] == ["h1", *["h2"] * len(read.all("section"))]
    assert all(len(read.all(tag)) == 1 for tag in ("header", "nav", "main", "footer", "h1"))
    assert len(read.all("caption")) == len(read.all("table")) > 3
    assert all(one.get("scope") in ("col", "row", "rowgroup") for one in read.all("th"))
    assert all(len(one["alt"]) > 30 for one in read.all("img")) and len(read.all("img")) == 3
    ids = [attrs["id"] for _, attrs in read.seen if "id" in attrs]
    assert len(ids) == len(set(ids))


def test_a_page_gives_the_numbers_of_the_verbs(split, page):
    pairs = compare_all(split, about="such tasks")
    assert pairs.attrs["says"] in page
    assert fit_id(split) in page
    groups = [int(g) for g in re.findall(r"Group (\d+): \d+ agent", page)]
    assert set(groups) == set(pairs.tie_group.values.tolist())


@pytest.mark.parametrize("path", sorted(FITS.glob("*.nc")), ids=lambda path: path.stem)
@pytest.mark.slow
def test_every_kind_of_fit_has_a_page(path):
    assert "How far to trust this page" in Read(report(open_fit(path))).words["main"]


SIMPLEST = {
    "one agent": dict(agents=1),
    "one task": dict(tasks=1),
    "one of each": dict(agents=1, tasks=1),
    "two agents": dict(agents=2),
    "no outcomes": dict(kept=False),
    "a curve of one's own": dict(curve="mine"),
    "another curve without its parameters": dict(curve="lpe"),
}


@pytest.mark.parametrize("name", SIMPLEST)
def test_the_simplest_fits_have_a_page(name):
    read = Read(report(by_hand(**SIMPLEST[name])))
    assert {"trust", "fitted", "ladder", "words", "cite"} <= {one["id"] for one in read.all("section")}
    assert "agent 0" in read.words["table"]
    assert "nan" not in read.words["main"].lower().split()


def test_what_nobody_solved_is_left_out_where_there_is_nothing_to_say(quick):
    one = Read(report(by_hand(agents=1))).all("section")
    assert not {"lead", "parts"} & {x["id"] for x in one}
    none = Read(report(by_hand(kept=False)))
    assert not {"tasks", "parts"} & {x["id"] for x in none.all("section")}
    assert "not told apart" not in none.words["header"]


def test_an_agent_that_was_scored_later_with_an_llm_of_its_own_is_no_fault(quick, split):
    fit = split.copy()
    seen = split["observed_data"].to_dataset()
    fit["observed_data"] = seen.assign_coords(llm=("agent", ["one that the fit has not met", *seen.llm.values[1:]]))
    assert "Of the variance of ability" in Read(report(fit)).words["main"]


def test_a_fit_without_outcomes_does_not_say_that_nobody_ran_the_same_task(quick):
    text = report(by_hand(kept=False))
    assert "kept no outcomes" in text and "No task was run by both" not in text


def test_the_snapshot_says_on_top_of_which_day_it_is(quick):
    snapshot = load_snapshot()
    text = report(snapshot, benchmark="gso", top=3)
    assert f"the snapshot of {snapshot.attrs['retrieved']}" in Read(text).words["section"]
    assert "Which agent is ahead on GSO?" in text and "SWE-bench" not in Read(text).words["table"]
    assert "15 agents" in Read(text).words["section"]


@pytest.mark.parametrize(
    "attrs, lead",
    [
        (dict(converged="no", verdict="R-hat is 1.31."), "NOT CONVERGED"),
        (dict(accuracy="bad"), "NOT CONFIRMED"),
        (dict(adequacy="bad"), "NOT CONFIRMED"),
    ],
)
def test_nobody_can_miss_a_fit_that_must_not_be_read(quick, attrs, lead):
    read = Read(text := report(by_hand(**attrs)))
    assert read.words["title"].startswith(lead) and read.words["h1"].startswith(lead)
    assert read.words["aside"].startswith(lead)
    assert read.all("section")[0]["class"] == "trust bad"
    assert all(said.startswith(lead) for said in re.findall(r"<caption><span>([^<]*)", text))


def test_a_sound_fit_raises_no_alarm_and_a_doubtful_one_is_marked(quick):
    for attrs, look in ((dict(accuracy="sound", adequacy="sound"), "plain"), (dict(adequacy="doubtful"), "doubtful")):
        read = Read(report(by_hand(**attrs)))
        assert read.all("aside") == [] and read.all("section")[0]["class"] == f"trust {look}"
        assert "SIMULATED" in read.words["title"]


def test_whatever_the_outcomes_call_things_is_text():
    names = [f"{NASTY} {i}" for i in range(6)]
    text = report(by_hand(agents=6, names=names, verdict=f"{NASTY}. And more."), title=NASTY)
    read = Read(text)
    assert not {"script", "iframe"} & {tag for tag, _ in read.seen}
    assert {name for _, attrs in read.seen for name in attrs if name.startswith("on")} == set()
    assert all(one["src"].startswith("data:image/png") for one in read.all("img"))
    assert "49" not in read.words["h1"] and "{{ 7*7 }}" in read.words["h1"]
    assert names[0] in read.words["table"] and NASTY in read.words["ul"] and NASTY in read.words["dl"]
    address = by_hand(names=["javascript:pwned()", "https://a.example/?<b>"], agents=2)
    address["observed_data"].attrs["source"] = "javascript:pwned(); https://a.example/?<b>"
    assert [one["href"] for one in Read(report(address)).all("a") if one["href"][0] != "#"] == ["https://a.example/?<b>"]


def test_unknown_names_get_their_nearest(quick):
    fit = by_hand()
    with pytest.raises(FitError, match="did you mean 'agent 3'"):
        report(fit, agent="agnet 3")
    with pytest.raises(FitError, match=r"no benchmark 'gsso'.* did you mean 'gso'"):
        report(load_snapshot(), benchmark="gsso")
    with pytest.raises(FitError, match="about 'those tasks' is unknown"):
        report(fit, about="those tasks")


def test_the_headline_names_fit_and_test_and_says_which_to_believe_where_the_fit_is_too_sure(quick):
    said = Read(report(by_hand(verdict="Reruns resemble each other (χ² 6.0 a cell, 1 is due).", adequacy="bad"))).words["header"]
    assert " by the fit it is ahead of number 2" in said and "By the exact paired test of the tasks that both ran" in said
    assert "Believe the test, which does not rest on the model: reruns resemble each other" in said
    assert "reruns resemble" not in Read(report(by_hand())).words["header"]


def test_one_agent_alone_is_the_zero_of_the_scale_and_its_rate_and_difficulties_come_first(quick):
    said = Read(report(by_hand(agents=1))).words["header"]
    assert "How does agent 0 do on 12 tasks?" in said and said.index("of such tasks (") < said.index("the zero of the scale")


def test_another_agent_is_compared_with_its_neighbours(quick):
    text = Read(report(by_hand(), agent="agent 4")).words["main"]
    assert "Is agent 4 really better?" in text and re.search(r"agent 4 is ahead of agent [35] ", text)


# --- the command ---


def test_the_headline_takes_the_more_cautious_chance_and_ranks_nobody_by_the_prior_alone(quick):
    fit = by_hand()
    cells = fit["observed_data"].to_dataset().assign_coords(group=("task", [f"group {j % 6}" for j in range(12)]))
    fit["observed_data"] = xr.DataTree(cells)
    chances = [compare_all(fit)[name].values[0, 1] for name in ("ahead", "by_group")]
    told = re.search(r"With probability (0[.]\d\d)", report(fit)).group(1)
    assert float(told) == pytest.approx(min(chances, key=lambda x: abs(x - 0.5)), abs=0.006)
    own = (np.arange(9) < 5)[:, None] == (np.arange(12) < 6)
    fit["observed_data"] = xr.DataTree(cells.assign({name: cells[name] * own for name in ("successes", "trials")}))
    page = report(fit, agent="agent 8")
    assert "places hold inside a group only" in page and "2 groups (5, 4 agents) that share no task" in page


@pytest.fixture
def folder(quick, tmp_path):
    save_fit(by_hand(), tmp_path / "runs.nc")
    return tmp_path


def test_the_command_writes_its_page_again_and_no_other(folder):
    done = inside("report", "runs.nc", "--out", "page.html", "--top", "4", cwd=folder)
    assert done.returncode == 0 and "Written: page.html" in done.stdout
    first = (folder / "page.html").read_bytes()
    assert first.rpartition(b"</html>")[2].lstrip().startswith(b"<!--\nsealed by agentirt_nb")
    again = inside("report", "runs.nc", "--out", "page.html", "--agent", "agent 2", "--title", "Mine", cwd=folder)
    assert again.returncode == 0 and b"<h1>SIMULATED: Mine</h1>" in (folder / "page.html").read_bytes()
    (folder / "page.html").write_text("<p>mine")
    refused(inside("report", "runs.nc", "--out", "page.html", cwd=folder), "is taken: this program did not write it")
    assert (folder / "page.html").read_text() == "<p>mine"
    assert inside("report", "runs.nc", "--out", "page.html", "--force", cwd=folder).returncode == 0
    assert b"</html>" in (folder / "page.html").read_bytes()


@pytest.mark.parametrize(
    "arguments, says",
    [
        (("--out", "page.pdf"), r"must end in \.html"),
        (("--out", "there/page.html"), "There is no folder"),
        (("--out", "folder.html"), "folder"),
        (("--out", "page.html", "--agent", "agent 33"), "did you mean 'agent 3'"),
        (("--out", "page.html", "--benchmark", "nothing"), "no benchmark 'nothing'"),
        (("--out", "page.html", "--top", "0"), "not a whole number"),
        ((), "required: --out"),
    ],
)
def test_a_page_that_cannot_be_is_one_sentence_and_no_file(folder, arguments, says):
    (folder / "folder.html").mkdir()
    before = sorted(folder.iterdir())
    refused(inside("report", "runs.nc", *arguments, cwd=folder), says)
    assert sorted(folder.iterdir()) == before


def test_the_help_of_the_command_teaches_and_its_exit_code_warns(folder):
    shown = inside("report", "--help", cwd=folder).stdout
    assert "examples:\n  agentirt report" in shown and "--force" in shown
    save_fit(by_hand(converged="no"), folder / "lost.nc")
    done = inside("report", "lost.nc", "--out", "lost.html", cwd=folder)
    assert done.returncode == 1 and "NOT CONVERGED" in done.stderr
    assert "NOT CONVERGED" in Read((folder / "lost.html").read_text(encoding="utf-8")).words["title"]


# --- in a browser ---

WIDE = """() => [...document.querySelectorAll('body *')].filter(e => e.checkVisibility() && !e.closest('.box'))
    .filter(e => e.getBoundingClientRect().right > innerWidth + 1).map(e => e.outerHTML.slice(0, 100))"""
CUT = """() => [...document.querySelectorAll('caption span, th.group span')].filter(e => e.checkVisibility())
    .filter(e => e.getBoundingClientRect().right > innerWidth + 1).map(e => e.innerText.slice(0, 100))"""


@pytest.mark.browser
def test_pages_have_no_fault_that_axe_finds_and_fit_a_telephone(tmp_path, page, split):
    from lab_driver import launched
    from test_lab import needs_browser

    needs_browser()
    from axe_playwright_python.sync_playwright import Axe
    from playwright.sync_api import sync_playwright

    pages = dict(page=page, bad=report(by_hand(agents=3, names=[NASTY * 2, "b", "c"], converged="no")))
    for name, text in pages.items():
        (tmp_path / f"{name}.html").write_text(text, encoding="utf-8")
    charts = demo_charts(split)
    for name in ("agents", "wright_map"):  # one that follows the window, one that does not
        save_chart(charts[name], tmp_path / f"{name}.html")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(**launched())
        for path in sorted(tmp_path.glob("*.html")):
            asked = []
            tab = browser.new_page(viewport=dict(width=1280, height=800))
            tab.on("request", lambda request, asked=asked: asked.append(request.url))
            tab.goto(path.as_uri())
            if path.stem not in pages:
                tab.locator("canvas, svg.marks").first.wait_for()
            for width in (1280, 375):
                tab.set_viewport_size(dict(width=width, height=800))
                assert tab.evaluate("document.documentElement.scrollWidth") <= width, path.stem
                assert path.stem not in pages or tab.evaluate(WIDE) + tab.evaluate(CUT) == [], path.stem
            found = Axe().run(tab).response["violations"] if path.stem != "wright_map" else []  # made as the other
            assert [(x["id"], x["nodes"][0]["html"][:200]) for x in found] == [], path.stem
            assert not tab.evaluate("window.pwned")
            assert {url.partition(":")[0] for url in asked} <= {"file", "data"}
            tab.close()
        browser.close()
