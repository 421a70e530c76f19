"""Downloads from a server that drips, or points elsewhere: nothing hangs, nothing is followed, nothing secret is said."""

import contextlib
import hashlib
import threading
import time
import traceback
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pandas as pd
import pytest

from agentirt_nb.data import leaderboards as lb

CONTENT, PATH = b"Outcomes of agents. " * 50, "data/file.txt"


class Handler(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_GET(self):
        manner = self.path.split("/")[1]
        self.server.seen.append(self.path)
        with contextlib.suppress(OSError):
            match manner:
                case "ok":
                    self.send_response(200)
                    self.end_headers()
                    self.wfile.write(CONTENT)
                case "drip":
                    self.send_response(200)
                    self.end_headers()
                    self.drip(CONTENT)
                case "headers":
                    self.wfile.write(b"HTTP/1.1 200 OK\r\n")
                    self.drip(b"X: y\r\n" * 100)
                case "odd":
                    self.send_response(418, "I am\x1b[31m a teapot" + "!" * 500)
                    self.end_headers()
                case status:
                    self.send_response(int(status))
                    self.send_header("Location", self.server.place)
                    self.end_headers()

    def drip(self, data: bytes):
        for byte in data[:40]:
            self.wfile.write(bytes([byte]))
            self.wfile.flush()
            time.sleep(0.1)


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    row = {"sha256": hashlib.sha256(CONTENT).hexdigest(), "bytes": len(CONTENT), "folder": "agent-psychometrics"}
    monkeypatch.setattr(lb, "sources", lambda: pd.DataFrame([row], index=[PATH]))
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as httpd:
        httpd.daemon_threads, httpd.seen, httpd.place = True, [], ""
        threading.Thread(target=httpd.serve_forever, kwargs=dict(poll_interval=0.02), daemon=True).start()
        yield httpd
        httpd.shutdown()


def refused(server, manner: str, folder, user: str = "") -> lb.DownloadError:
    with pytest.raises(lb.DownloadError) as caught:
        lb.fetch(PATH, base_url=f"http://{user}127.0.0.1:{server.server_port}/{manner}", cache=folder, progress=False)
    assert [path for path in folder.rglob("*") if path.is_file()] == []
    return caught.value


@pytest.mark.parametrize("manner", ["drip", "headers"])
def test_a_server_that_drips_is_left(server, tmp_path, monkeypatch, manner):
    monkeypatch.setattr(lb, "_PATIENCE", 0.5, raising=False)
    start = time.monotonic()
    assert "it was not whole after 1 seconds" in str(refused(server, manner, tmp_path))
    assert time.monotonic() - start < 2


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_redirect_is_followed(server, tmp_path, status):
    server.place = f"http://localhost:{server.server_port}/ok/{PATH}"
    assert f"points to localhost:{server.server_port}" in str(refused(server, str(status), tmp_path))
    assert len(server.seen) == 1


@pytest.mark.parametrize("place", ["file:///etc/passwd", "http://[broken", "", "//a\x1b[31mb/"])
def test_an_odd_redirect_is_one_clean_sentence(server, tmp_path, place):
    server.place = place
    said = str(refused(server, "302", tmp_path))
    assert ("points to" in said or "answered cannot be read" in said) and said.isprintable()


def test_what_a_server_says_is_cleaned_and_cut(server, tmp_path):
    said = str(refused(server, "odd", tmp_path))
    assert "answered 418 I am[31m a teapot!!!" in said and said.isprintable() and len(said) < 500


@pytest.mark.parametrize("manner", ["404", "302"])
def test_a_password_in_the_address_is_not_said(server, tmp_path, manner):
    error = refused(server, manner, tmp_path, user="me:secret-word@")
    assert "secret-word" not in "".join(traceback.format_exception(error))
