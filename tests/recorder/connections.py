"""Writes down each attempt of a Python process to reach another machine; what is on this machine is not written down.

A way out through a proxy of this machine (HTTP_PROXY, HTTPS_PROXY, ALL_PROXY) counts as an attempt."""

import json
import os
import sys
from pathlib import Path

LOG = "RECORD_CONNECTIONS"  # environment variable: the file to write to
PLACE = {"socket.connect": 1, "socket.sendto": 1, "socket.sendmsg": 1}  # event of Python's audit -> where its address stands
NAME = {"socket.getaddrinfo": 0, "socket.gethostbyname": 0, "socket.gethostbyaddr": 0}  # the same for a host's name
HERE = {"", "localhost", "0.0.0.0", "::"}  # noqa: S104
_state: dict = {"on": False, "asked": ""}


def is_here(host: str) -> bool:
    "Whether a host is this machine."
    from ipaddress import ip_address
    from socket import gethostname

    host = host.strip("[]").partition("%")[0].rstrip(".").lower()
    try:
        address = ip_address(host)
    except ValueError:
        return host in HERE or host == gethostname().lower()
    return host in HERE or (getattr(address, "ipv4_mapped", None) or address).is_loopback


def is_proxy(host: str, port: object) -> bool:
    "Whether the environment sends what goes out through this address."
    ways = (text for name, text in os.environ.items() if name.lower() in ("http_proxy", "https_proxy", "all_proxy"))
    return any(way.rstrip("/").endswith(f"{host}:{port}") for way in ways)


def attempt(event: str, arguments: tuple) -> dict | None:
    "What an event of Python's audit tries to reach beyond this machine, or None."
    if event in NAME:
        host, port = arguments[NAME[event]], None
    elif event in PLACE and isinstance(arguments[PLACE[event]], tuple) and isinstance(arguments[PLACE[event]][0], str | bytes):
        host, port = arguments[PLACE[event]][:2]
    else:
        return None  # a socket of the file system, or one that is connected already
    host = host.decode(errors="replace") if isinstance(host, bytes) else str(host or "")
    if is_here(host) and not (event in PLACE and is_proxy(host, port)):
        return None
    asked, _state["asked"] = _state["asked"], host if event in NAME else _state["asked"]
    test = os.environ.get("PYTEST_CURRENT_TEST", "").rpartition(" (")[0]
    command = " ".join(getattr(sys, "orig_argv", [])[:4])[:200]
    return dict(event=event, host=host, port=port, asked=asked, test=test, command=command)


def record() -> None:
    "Write the attempts of this process to the file that the environment names, once and as long as it lives."
    if _state["on"] or LOG not in os.environ:
        return
    _state["on"], log = True, os.environ[LOG]

    def heard(event: str, arguments: tuple) -> None:
        if event.startswith("socket.") and (found := attempt(event, arguments)):
            with open(log, "a", encoding="utf-8") as file:
                file.write(json.dumps(found) + "\n")

    sys.addaudithook(heard)


def attempts(log: str | Path) -> list[dict]:
    "The attempts in a file."
    path = Path(log)
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []
