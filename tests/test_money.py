"""The judge against a server that wants money, memory, time or keys: what it gets is what was set aside for it, and no more."""

import gzip
import hashlib
import json
import math
import os
import socket
import stat
import threading
import time
import traceback
import tracemalloc
import warnings
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pandas as pd
import pytest

pytest.importorskip("litellm", reason="the extra 'judge' is not installed")

from agentirt_nb.data import judge as jd

KEY = "sk-local-5d0c7b1e9f3a4286"
MODELS = ["openai/local-judge", "anthropic/claude-local-judge"]
AXES = jd.load_rubric(level="problem").iloc[:2]
CAP = 1000  # tokens that a call may write
PRICE = (3, 15)


class Server(ThreadingHTTPServer):
    """Speaks two providers' protocols, bills for each request, and does what `step` says."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.lock, self.host = threading.Lock(), "127.0.0.1"
        self.reset()

    def reset(self):
        self.step, self.usage, self.text, self.billed = "good", "honest", None, CAP
        self.requests, self.dollars, self.sent, self.delay, self.place = [], 0.0, 0, 0.0, ""

    @property
    def base(self) -> str:
        return f"http://{self.host}:{self.server_port}"

    def handle_error(self, *_):
        pass  # the client hung up, as it should


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        self.do_POST()

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        ours, read = self.server, len(body) // 4
        with ours.lock:
            ours.requests.append((dict(self.headers), body))
            if ours.step not in (429, 400):
                ours.dollars += (read * PRICE[0] + ours.billed * PRICE[1]) / 1e6
        time.sleep(ours.delay)
        scores = json.dumps(dict.fromkeys(AXES.index, 2))
        text = scores if ours.text is None else ours.text
        usage = {"honest": ours.billed, "zero": 0, "negative": -4_400_000, "nan": math.nan, "huge": 10**12, "half": 12.5}
        written = usage.get(ours.usage)
        if self.path.endswith("/messages"):
            counted = dict(input_tokens=read, output_tokens=written)
            reply = dict(id="1", type="message", role="assistant", model="m", content=[dict(type="text", text=text)])
            reply |= dict(stop_reason="end_turn", stop_sequence=None)
        else:
            counted = dict(prompt_tokens=read, completion_tokens=written, total_tokens=read + (written or 0))
            message = dict(role="assistant", content=text)
            reply = dict(id="1", object="chat.completion", created=0, model="m")
            reply |= dict(choices=[dict(index=0, finish_reason="stop", message=message)])
        reply |= {} if written is None else dict(usage=counted)
        self.act(ours.step, json.dumps(reply).encode())

    def act(self, step, data: bytes):
        match step:
            case "good":
                self.start(200, {"Content-Length": len(data)})
                self.send(data)
            case int():
                self.start(step, {"Content-Length": 2, "retry-after": "0", **self.place()})
                self.send(b"{}")
            case "drip":
                self.start(200, {"Content-Length": len(data)})
                self.drip(data)
            case "drip of headers":
                self.send(b"HTTP/1.1 200 OK\r\n")
                self.drip(b"".join(f"X-{n}: y\r\n".encode() for n in range(1000)))
            case "silence":
                time.sleep(2)
                self.send(b"HTTP/1.1 500 Late\r\nContent-Length: 0\r\n\r\n")
            case "flood":
                self.start(200, {"Content-Length": 40_000_000 + len(data)})
                self.send(data[:-1])
                for _ in range(40):
                    self.send(b" " * 1_000_000)
                self.send(data[-1:])
            case "bomb":
                self.start(200, {"Content-Length": len(self.server.packed), "Content-Encoding": "gzip"})
                self.send(self.server.packed)
            case "packed":
                packed = gzip.compress(data)
                self.start(200, {"Content-Length": len(packed), "Content-Encoding": "gzip"})
                self.send(packed)

    def place(self) -> dict:
        return {"Location": self.server.place} if self.server.place else {}

    def start(self, status: int, headers: dict):
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **headers}.items():
            self.send_header(name, str(value))
        self.end_headers()

    def send(self, data: bytes):
        self.wfile.write(data)
        self.server.sent += len(data)

    def drip(self, data: bytes):
        for byte in data[:80]:
            self.send(bytes([byte]))
            time.sleep(0.2)


@pytest.fixture(scope="module")
def pair():
    with Server() as one, Server() as other:
        for server in (one, other):
            threading.Thread(target=server.serve_forever, kwargs=dict(poll_interval=0.02), daemon=True).start()
        yield one, other
        one.shutdown(), other.shutdown()


@pytest.fixture
def servers(pair, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    for server in pair:
        server.reset()
    return pair


@pytest.fixture
def server(servers):
    return servers[0]


@pytest.fixture
def ask(server, tmp_path):
    def run(n: int = 1, model: str = MODELS[0], **changes):
        table = pd.DataFrame(dict(task=[f"t{i}" for i in range(n)], text=[f"Repair part {i}." for i in range(n)]))
        base = server.base + ("/v1" if model.startswith("openai") else "")
        options = dict(api_base=base, max_tokens=CAP) | changes.pop("options", {})
        arguments = dict(level="problem", rubric=AXES, cache=tmp_path / "answers", price=PRICE, progress=False, concurrency=1)
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            features = jd.judge_tasks(table, model, options=options, **(arguments | changes))
        return features, " ".join(str(w.message) for w in said if issubclass(w.category, UserWarning))

    return run


# ---------------------------------------------------------------- money


@pytest.mark.parametrize("concurrency", [1, 8, 64])
def test_hidden_reasoning_stays_within_the_budget_at_any_concurrency(ask, server, concurrency):
    server.delay = 0.05
    features, said = ask(80, budget=0.12, concurrency=concurrency)
    assert 0.09 < server.dollars <= 0.12
    assert features.attrs["dollars"] == pytest.approx(server.dollars) and features.attrs["unsaid"] == 0
    unasked = 80 - len(server.requests)
    assert f"{unasked} of 80 calls have no answer" in said and f"{unasked} of them were not asked" in said
    assert "it could cost 0.0" in said and "of the budget are left" in said


@pytest.mark.parametrize(
    ("model", "usage"), [(MODELS[0], u) for u in ("none", "zero", "negative", "nan", "huge", "half")] + [(MODELS[1], "negative")]
)
def test_an_answer_without_a_count_that_makes_sense_costs_what_was_set_aside(ask, server, usage, model):
    server.usage, server.delay = usage, 0.02
    features, _ = ask(40, model, budget=0.12, concurrency=8, retries=0)
    assert 0 < server.dollars <= features.attrs["dollars"] <= 0.12
    assert features.attrs["unsaid"] == pytest.approx(features.attrs["dollars"])


@pytest.mark.parametrize("step", [500, 408, "silence"])
def test_what_failed_after_it_was_sent_counts_as_spent(ask, server, step):
    server.step = step
    features, _ = ask(9, budget=0.12, concurrency=8, retries=2, timeout=0.5)
    assert 1 < len(server.requests) <= 7
    assert 0 < server.dollars <= features.attrs["dollars"] <= 0.12 and features.isnull().all()


def test_what_was_surely_not_answered_costs_nothing(ask, server):
    server.step = 429
    features, _ = ask(2, budget=0.12, retries=1)
    assert len(server.requests) == 4 and features.attrs["dollars"] == 0
    with socket.create_server(("127.0.0.1", 0)) as closed:
        nobody = f"http://127.0.0.1:{closed.getsockname()[1]}/v1"
    features, _ = ask(2, budget=0.12, retries=0, options=dict(api_base=nobody))
    assert features.isnull().all() and features.attrs["dollars"] == 0


@pytest.mark.parametrize("concurrency", [1, 64])
def test_a_server_that_bills_more_than_it_may_write_does_so_once(ask, server, concurrency):
    server.billed, server.delay = 100 * CAP, 0.02
    features, said = ask(80, budget=0.12, concurrency=concurrency)
    assert len(server.requests) == 1 and features.attrs["dollars"] == pytest.approx(server.dollars)
    assert "100,000 out for one call, more than it was allowed" in said and "79 of them were not asked" in said


def test_reasoning_that_stands_only_in_the_total_is_counted():
    class Usage:
        prompt_tokens, completion_tokens, total_tokens = 100, 10, 4110

    assert jd._used(Usage()) == (100, 4010)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (dict(budget=math.nan), "The budget is nan"),
        (dict(budget=-1), "The budget is -1"),
        (dict(budget="20"), "The budget is '20'"),
        (dict(price=(-3, 15)), "The price is"),
        (dict(price=(3, math.nan)), "The price is"),
        (dict(price=3), "The price is"),
        (dict(budget=1, options=dict(max_tokens=None)), "without a bound on what it writes; set max_tokens"),
        (dict(budget=1, options=dict(max_tokens=-5)), "without a bound on what it writes"),
        (dict(budget=1, options=dict(service_tier="priority")), "'service_tier', whose price is unknown"),
        (dict(budget=1, options=dict(extra_body={"n": 9})), "'extra_body', whose price is unknown"),
        (dict(budget=0.01), r"One call can cost 0.0\d+ dollars \(max_tokens = 1000\), against a budget of 0.01"),
        (dict(options=dict(fallbacks=["openai/dearer"])), "'fallbacks' is set by judge_tasks itself"),
    ],
)
def test_a_budget_that_cannot_be_kept_is_refused_before_anything_is_asked(ask, server, changes, sentence):
    with pytest.raises(jd.JudgeError, match=sentence) as caught:
        ask(1, **changes)
    assert server.requests == [] and "\n" not in str(caught.value)


FIRST, SECOND = AXES.index
ODD = [
    f'{{"{FIRST}": 2.0, "{SECOND}": "2"}}',
    f'Let me think about {{it}}. I say {{"{FIRST}": 2, "{SECOND}": 2}}, and mean it.',
    f'Here you are:\n```json\n{{"{FIRST}": 2, "{SECOND}": 2.0}}\n```\n',
    f'{{"scores": {{"{FIRST}": 2, "{SECOND}": 2}}}}',
    f'[{{"{FIRST}": 2, "{SECOND}": 2}}]',
]


@pytest.mark.parametrize("text", ODD)
def test_a_right_answer_oddly_written_is_paid_for_once(ask, server, text):
    server.text = text
    features, said = ask()
    assert (features == 2).all() and len(server.requests) == 1 and said == ""


WRONG = {
    f'{{"{FIRST}": true, "{SECOND}": 2}}': "as true",
    f'{{"{FIRST}": 2.5, "{SECOND}": 2}}': "as 2.5",
    f'{{"{FIRST}": "²", "{SECOND}": 2}}': "as",
    f'{{"{FIRST}": 1e999, "{SECOND}": 2}}': "as Infinity",
    f'{{"{FIRST}": 1, "{SECOND}": 2}} or {{"{FIRST}": 2, "{SECOND}": 2}}': "different scores in two places",
    f'{{"{FIRST}": 1, "{FIRST}": 2, "{SECOND}": 2}}': "a key twice",
    '{"a":' * 15_000: "no JSON object",
    "{" * 90_000: "no JSON object",
}


@pytest.mark.parametrize("text", WRONG, ids=range(len(WRONG)))
def test_a_wrong_answer_is_refused_fast(text):
    start = time.monotonic()
    with pytest.raises(jd.BadAnswer, match=WRONG[text]):
        jd.read_answer(text, AXES)
    assert time.monotonic() - start < 2


# ---------------------------------------------------------------- time and memory


@pytest.mark.parametrize("step", ["drip", "drip of headers"])
@pytest.mark.parametrize("model", MODELS)
def test_a_server_that_drips_has_no_more_time_than_one_that_is_silent(ask, server, model, step):
    ask(1, model)  # litellm's own first steps take a while
    server.step = step
    start = time.monotonic()
    features, said = ask(2, model, timeout=0.6, retries=0, concurrency=2)
    assert time.monotonic() - start < 2.5
    assert features.isnull().any() and "no answer in time" in said


@pytest.mark.parametrize("step", ["flood", "bomb"])
@pytest.mark.parametrize("model", MODELS)
def test_an_answer_too_large_is_cut_off(ask, server, model, step):
    server.step, server.packed = step, gzip.compress(b" " * 40_000_000)
    tracemalloc.start()
    features, said = ask(1, model, retries=4)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert features.isnull().all() and "the server sends more than the 4 MB that an answer may have" in said
    assert len(server.requests) == 1 and peak < 30e6


def test_an_honest_packed_answer_is_read(ask, server):
    server.step = "packed"
    assert (ask()[0] == 2).all()


# ---------------------------------------------------------------- keys and addresses


@pytest.mark.parametrize("status", [301, 302, 307, 308])
@pytest.mark.parametrize("model", MODELS)
def test_neither_key_nor_prompt_follows_a_redirect(ask, servers, model, status):
    server, other = servers
    server.step, server.place = status, f"http://{KEY}:x@localhost:{other.server_port}/v1/messages?key={KEY}"
    with pytest.raises(jd.JudgeError, match=rf"points to localhost:{other.server_port}; no key and no prompt follows") as caught:
        ask(3, model)
    assert other.requests == [] and len(server.requests) == 1
    assert KEY not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("place", ["file:///etc/passwd", "/v1/elsewhere", ""])
def test_odd_redirects_lead_nowhere(ask, server, place):
    server.step, server.place = 307, place
    with pytest.raises(jd.JudgeError, match=r"points to|refused the request"):
        ask()
    assert len(server.requests) == 1


HELD = [f"http://me:{KEY}@127.0.0.1:9/v1", f"http://{KEY}@127.0.0.1:9/v1", f"http://127.0.0.1:9/v1?key={KEY}", "file:///etc", 3]


@pytest.mark.parametrize("base", HELD)
def test_an_address_holds_no_key(ask, server, base):
    with pytest.raises(jd.JudgeError, match="api_base") as caught:
        ask(options=dict(api_base=base))
    assert KEY not in "".join(traceback.format_exception(caught.value))


def test_two_servers_share_no_answer(ask, servers, monkeypatch):
    server, other = servers
    ask()
    other.text = json.dumps(dict.fromkeys(AXES.index, 3))
    features, _ = ask(options=dict(api_base=f"{other.base}/v1"))
    assert (features == 3).all() and len(other.requests) == 1
    assert ask(options=dict(api_base=f"{server.base}/v1/"))[0].attrs["from_cache"] == 1  # the same server
    monkeypatch.setenv("OPENAI_BASE_URL", f"{other.base}/v1")
    assert ask(options=dict(api_base=None))[0].attrs["from_cache"] == 1


def test_old_answers_stay_those_of_the_providers_own_address():
    tasks = pd.DataFrame(dict(task=["a"], text=["Repair it."]))
    plain, elsewhere = (
        jd._calls(tasks, MODELS[0], "problem", AXES, "x", options, 9_000)[0] for options in ({}, dict(api_base="http://a/v1"))
    )
    assert plain.file.stem == hashlib.sha256("\0".join([MODELS[0], "{}", jd._SYSTEM, plain.prompt]).encode()).hexdigest()
    assert elsewhere.file != plain.file


def test_answers_are_readable_by_their_owner_alone(ask, tmp_path):
    before = os.umask(0)
    try:
        ask()
    finally:
        os.umask(before)
    (file,) = (tmp_path / "answers").iterdir()
    assert [stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "answers", file)] == [0o700, 0o600]


# ---------------------------------------------------------------- what others do with litellm


def test_the_bounds_are_ours_alone(ask, servers):
    import litellm

    ask()
    server, other = servers
    server.step, server.place = 307, f"{other.base}/v1/chat/completions"
    reply = litellm.completion(MODELS[0], [dict(role="user", content="Hello")], api_base=f"{server.base}/v1", max_retries=0)
    assert "2" in reply.choices[0].message.content and len(other.requests) == 1
