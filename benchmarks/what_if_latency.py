"""Time from a slider key press to the redrawn number and chart of the what-if explorer, in a real JupyterLab and browser.

    python benchmarks/what_if_latency.py [notebook] [presses]

Prints one JSON line with milliseconds: median, 90th percentile and worst over single presses; for a key held down (30
repeats a second), the delay after release until the last value is shown."""

import json
import shutil
import statistics
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))
from lab_driver import explorer, jupyterlab, opened_notebook, run_all  # noqa: E402

TUTORIAL = ROOT / "nbs" / "tutorials" / "01_which_agent_is_really_better.ipynb"
STOPWATCH = """box => {
    const watch = window.stopwatch = {start: 0, number: 0, chart: 0};
    const note = name => requestAnimationFrame(() => {  // the frame that will show it; the message comes after its paint
        const channel = new MessageChannel();
        channel.port1.onmessage = () => { watch[name] = performance.now(); };
        channel.port2.postMessage(0);
    });
    box.addEventListener('keydown', event => { watch.start = event.timeStamp; watch.number = watch.chart = 0; }, true);
    const see = (selector, name) => new MutationObserver(() => note(name)).observe(
        box.querySelector(selector), {subtree: true, childList: true, attributes: true, characterData: true});
    see('.agentirt-number-box', 'number');
    if (!box.querySelector('canvas')) return see('.vega-embed', 'chart');
    const draw = CanvasRenderingContext2D.prototype.fill;  // a canvas has no mutations: listen to its pen
    let queued = false;
    CanvasRenderingContext2D.prototype.fill = function (...args) {
        if (!queued && box.contains(this.canvas)) {
            queued = true;
            queueMicrotask(() => { queued = false; note('chart'); });
        }
        return draw.apply(this, args);
    };
}"""


def press(page, key: str) -> float:
    "One key press; milliseconds until both the new number and the new chart are painted."
    page.keyboard.press(key)
    page.wait_for_function("window.stopwatch.number && window.stopwatch.chart", polling=5)
    page.wait_for_timeout(150)  # let stragglers count
    return page.evaluate("Math.max(window.stopwatch.number, window.stopwatch.chart) - window.stopwatch.start")


def hold(page, key: str, repeats: int = 25) -> float:
    "A key held down; milliseconds from the last repeat until nothing changes any more."
    for _ in range(repeats):
        page.keyboard.down(key)
        page.wait_for_timeout(33)
    page.keyboard.up(key)
    page.wait_for_timeout(1500)
    return page.evaluate("Math.max(window.stopwatch.number, window.stopwatch.chart) - window.stopwatch.start")


def measure(notebook: Path, presses: int) -> dict:
    "All figures for one notebook that ends in a what-if explorer."
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        work = Path(name) / "work"
        work.mkdir()
        shutil.copy(notebook, work / "notebook.ipynb")
        with jupyterlab(Path(name), work) as address, opened_notebook(address, "notebook.ipynb") as (page, _):
            if errors := run_all(page):
                raise SystemExit(f"A cell failed: {errors[0]}")
            box = explorer(page)
            box.locator("input[type=range]").first.focus()
            box.evaluate(STOPWATCH)
            keys = ["ArrowRight", "ArrowLeft"]
            times = [press(page, keys[i // 10 % 2]) for i in range(presses)][2:]
            held = hold(page, "ArrowRight")
    times.sort()
    figures = {
        "median_ms": statistics.median(times),
        "p90_ms": times[int(0.9 * len(times))],
        "worst_ms": times[-1],
        "after_held_key_ms": held,
    }
    return {"presses": len(times)} | {name: round(value, 1) for name, value in figures.items()}


if __name__ == "__main__":
    notebook = Path(sys.argv[1]) if len(sys.argv) > 1 else TUTORIAL
    print(json.dumps(measure(notebook, int(sys.argv[2]) if len(sys.argv) > 2 else 62)))
