"""Start a private JupyterLab and drive it with a real browser; used by the browser tests and benchmarks/what_if_latency.py."""

import contextlib
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import urlsplit

HERE = {"127.0.0.1", "localhost", ""}
QUIET = [
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-domain-reliability",
    "--disable-sync",
    "--no-first-run",
    "--no-pings",
    "--disable-gpu",
    "--disable-features=OptimizationHints,MediaRouter,Translate",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]


def chromium() -> str | None:
    "Path of a Chromium or Chrome on this machine."
    names = ("chromium", "chromium-browser", "google-chrome", "chrome")
    return next(filter(None, map(shutil.which, names)), None)


def free_port() -> int:
    "A port nobody listens on."
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def write_notebook(path: Path, sources: Sequence[str]) -> Path:
    "A notebook of code cells, not run."
    cells = [
        dict(cell_type="code", id=f"c{i}", metadata={}, source=text.strip(), outputs=[], execution_count=None)
        for i, text in enumerate(sources)
    ]
    kernel = dict(kernelspec=dict(display_name="python3", language="python", name="python3"))
    path.write_text(json.dumps(dict(cells=cells, metadata=kernel, nbformat=4, nbformat_minor=5)), encoding="utf-8")
    return path


@contextlib.contextmanager
def jupyterlab(folder: Path, work: Path, before: Sequence[str] = ()) -> Iterator[str]:
    """JupyterLab serving `work` with all its state under `folder`; yields its address with the token.

    What stands in `before` is put before the command that starts it: a program that watches it.

    Every HTTP client that honours proxies, in the server and in the kernels, finds a closed door."""
    config = folder / "config" / "labconfig"
    config.mkdir(parents=True)
    off = {"disabledExtensions": {"@jupyterlab/apputils-extension:announcements": True}}
    (config / "page_config.json").write_text(json.dumps(off))
    places = {
        "JUPYTER_CONFIG_DIR": "config",
        "JUPYTER_DATA_DIR": "data",
        "JUPYTER_RUNTIME_DIR": "runtime",
        "JUPYTERLAB_SETTINGS_DIR": "settings",
        "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
        "IPYTHONDIR": "ipython",
    }
    closed = f"http://127.0.0.1:{free_port()}"
    environment = os.environ | {name: str(folder / place) for name, place in places.items()}
    environment |= dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), closed)
    environment |= {"no_proxy": "127.0.0.1,localhost", "AGENTIRT_RENDERER": "interactive"}
    port, token = free_port(), secrets.token_hex(16)
    command = [
        *before,
        sys.executable,
        "-m",
        "jupyterlab",
        "--no-browser",
        "--allow-root",
        "--ServerApp.ip=127.0.0.1",
        f"--ServerApp.port={port}",
        "--ServerApp.port_retries=0",
        f"--IdentityProvider.token={token}",
        f"--ServerApp.root_dir={work}",
        "--LabApp.expose_app_in_browser=True",
    ]
    with open(folder / "server.log", "w") as log:
        server = subprocess.Popen(command, env=environment, stdout=log, stderr=subprocess.STDOUT, cwd=work)
        try:
            wait_for(f"http://127.0.0.1:{port}/api?token={token}", server, folder / "server.log")
            yield f"http://127.0.0.1:{port}/lab/tree/{{path}}?token={token}"
        finally:
            server.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                server.wait(20)
            server.kill()


def wait_for(url: str, server: subprocess.Popen, log: Path, seconds: float = 90) -> None:
    "Return once the server answers; raise with the end of its log if it does not."
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    end = time.monotonic() + seconds
    while time.monotonic() < end and server.poll() is None:
        with contextlib.suppress(OSError):
            opener.open(url, timeout=5).read()
            return
        time.sleep(0.3)
    raise RuntimeError(f"JupyterLab did not start; the end of its log:\n{log.read_text()[-3000:]}")


class Watch:
    "Everything a page asked for or complained about."

    def __init__(self, context, page):
        self.foreign: list[str] = []
        self.complaints: list[str] = []
        self.requests = 0
        context.route("**/*", self._gate)
        page.on("websocket", lambda socket: self._note(socket.url))
        page.on(
            "console",
            lambda message: (
                message.type == "error" and self.complaints.append(f"{message.text} [{message.location.get('url', '')}]")
            ),
        )
        page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _note(self, url: str) -> bool:
        self.requests += 1
        parts = urlsplit(url)
        here = parts.scheme in ("data", "blob", "about") or (parts.hostname or "") in HERE
        if not here:
            self.foreign.append(url)
        return here

    def _gate(self, route) -> None:
        route.continue_() if self._note(route.request.url) else route.abort()


def launched() -> dict:
    "How playwright starts the browser."
    return dict(executable_path=chromium(), args=QUIET)


@contextlib.contextmanager
def opened_notebook(address: str, path: str, *, width: int = 1280, height: int = 1500, dark: bool = False) -> Iterator[tuple]:
    "A page with the notebook open and its kernel idle; yields (page, watch)."
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(**launched())
        try:
            context = browser.new_context(viewport={"width": width, "height": height})
            page = context.new_page()
            page.set_default_timeout(120_000)
            watch = Watch(context, page)
            page.goto(address.format(path=path))
            page.wait_for_function("window.jupyterapp && window.jupyterapp.shell.currentWidget?.sessionContext?.isReady")
            wait_idle(page)
            if dark:
                page.evaluate("window.jupyterapp.commands.execute('apputils:change-theme', {theme: 'JupyterLab Dark'})")
                page.wait_for_function("document.body.dataset.jpThemeLight === 'false'")
            yield page, watch
        finally:
            browser.close()


def wait_idle(page) -> None:
    "Wait until the kernel of the notebook in front has nothing to do."
    page.wait_for_function("window.jupyterapp.shell.currentWidget.sessionContext.session?.kernel?.status === 'idle'")


def run_all(page, seconds: float = 300) -> list[str]:
    "Run every cell and wait until the kernel is at rest; returns the errors that cells show."
    page.evaluate("void window.jupyterapp.commands.execute('notebook:run-all-cells')")  # not awaited: it may never settle
    done = """() => {
        const panel = window.jupyterapp.shell.currentWidget;
        const code = [...panel.content.model.cells].filter(c => c.type === 'code' && c.sharedModel.source.trim());
        const failed = code.some(c => c.outputs.toJSON().some(o => o.output_type === 'error'));
        return (failed || code.every(c => c.executionCount)) && panel.sessionContext.session.kernel.status === 'idle';
    }"""
    page.wait_for_function(done, timeout=seconds * 1000, polling=500)
    errors = """() => [...window.jupyterapp.shell.currentWidget.content.model.cells]
        .flatMap(cell => cell.type === 'code' ? cell.outputs.toJSON() : [])
        .filter(output => output.output_type === 'error')
        .map(output => output.ename + ': ' + output.evalue)"""
    return page.evaluate(errors)


def explorer(page, which: int = 0):
    "An explorer of the notebook in front, by its number, scrolled into view and drawn."
    page.evaluate(
        """which => {
        const notebook = window.jupyterapp.shell.currentWidget.content;
        const places = [...notebook.model.cells].map((cell, i) => [cell, i]);
        const made = places.filter(([cell]) => cell.type === 'code' && /WhatIf\\(/.test(cell.sharedModel.source));
        void notebook.scrollToItem(made[which][1], 'start');
    }""",
        which,
    )
    box = page.locator(".agentirt-what-if").nth(which)
    box.wait_for()
    box.scroll_into_view_if_needed()
    box.locator("canvas, svg.marks").first.wait_for()
    page.wait_for_timeout(500)
    return box


def bring_up(page, name: str) -> None:
    "Open one more notebook in the same JupyterLab and put it in front."
    page.evaluate("path => void window.jupyterapp.commands.execute('docmanager:open', {path})", name)
    page.wait_for_function("name => window.jupyterapp.shell.currentWidget?.context?.path === name", arg=name)
    page.wait_for_function("window.jupyterapp.shell.currentWidget.context.isReady")


def picture(box) -> str:
    "What the explorer's chart shows: its pixels as a data URL, or its SVG."
    return box.locator("canvas, svg.marks").first.evaluate("e => e.toDataURL ? e.toDataURL() : e.outerHTML")
