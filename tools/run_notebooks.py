"""Run every notebook once, on a copy, and compare what the tutorials show with what they have stored.

Arguments are passed on to nbdev-test (for instance --flags slow), which takes the longest first (`longest_first.py`). Where
neither a data folder nor the leaderboards' home can be reached, notebooks that need real outcomes are left out, each with its
reason; the last line counts them.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from datetime import date
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tools")]

from check_in_step import BIN, working_files  # noqa: E402

from agentirt_nb.data.leaderboards import fetch, sources  # noqa: E402
from agentirt_nb.settings import settings  # noqa: E402

_BY_NAME = "load_leaderboard|published_features|published_embeddings|task_texts|scaling_studies"
NEEDS_DATA = re.compile(rf"\b(?:(?:{_BY_NAME})\b|fetch\()")
NO_CALL = re.compile(r"^\s*(?:from|import) .*$|#.*$", re.MULTILINE)  # imports and comments ask for nothing
FALLS_BACK = re.compile(r"^\s*except .*(OSError|DownloadError)", re.MULTILINE)
DIRECTIVE = re.compile(r"^#\|\s*(.+?)\s*$", re.MULTILINE)
TOLD = {
    "needed": "is left out: it needs real outcomes",
    "optional": "does without real outcomes, so what it has stored is not compared",
}
LONG = r"\d+(?:\.\d+)?(?= ?(?:[mµn]?s|seconds?|minutes?|it/s)\b)"
TIME = re.compile(rf"{LONG}|(?<=0x)[0-9a-f]+|retrieved: +\d{{4}}-\d\d-\d\d")  # how long, where in memory, when data were fetched
WORD = r"[^\W\d][\w-]*(?:\.\d+)*"  # GPT-5.2, o3, django__django-11433: a digit in a name is no number
NAME = r"[A-Z][\w-]*(?:\.\d+)* \d\d?(?:\.\d)?(?![\w,]|\.\d)"  # Opus 4.5
DAY = re.compile(r"\b(?:19|20)\d\d-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])\b")
DATE = r"\b(?:19|20)\d\d(?:-\d\d)*\b(?!\.\d)"
NUMBER = r"(?<![\w.])[-+−]?(?:\d+(?:,\d{3})*(?:\.\d*)?|\.\d+)(?:e[-+]?\d+)?(?!\w)"
TOKEN = re.compile(rf"{NAME}|{WORD}|{DATE}|(?P<number>{NUMBER})")


def cells(path: Path) -> list[dict]:
    "The code cells of a notebook."
    return [cell for cell in json.loads(path.read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == "code"]


def data_use(path: Path, flags: tuple[str, ...] = ()) -> str:
    "Whether the cells that are run ask for real outcomes: 'no', 'needed', or 'optional' where each says `except OSError`."
    asked = []
    for source in ("".join(cell["source"]) for cell in cells(path)):
        directives = set(DIRECTIVE.findall(source))
        left_out = directives & ({"slow", "browser", "eval: false"} - set(flags))
        if not left_out and "export" not in directives and NEEDS_DATA.search(NO_CALL.sub("", source)):
            asked.append("optional" if FALLS_BACK.search(source) else "needed")
    return max(asked, default="no", key=("optional", "needed").index)


def no_data() -> str | None:
    "Why real outcomes cannot be had, or None; what a data folder lacks is for those to say who ask for it."
    if settings(start=ROOT).data_folder:
        return None
    with tempfile.TemporaryDirectory() as empty:
        try:
            fetch(sources()["bytes"].idxmin(), cache=empty, progress=False)
        except OSError as error:
            return f"no data folder is set, and {str(error).partition('. ')[0].rpartition(': ')[2]}"
    return None


def shown(cell: dict) -> tuple[str, int]:
    "What a cell shows as text, and how many pictures."
    text, pictures = [], 0
    for output in cell.get("outputs", []):
        data = output.get("data", {})
        pictures += any(kind.startswith("image/") for kind in data)
        text += output["text"] if output.get("name") == "stdout" else data.get("text/plain", [])
    return TIME.sub("…", "".join(text)), pictures


def numbers(text: str) -> tuple[str, list[float]]:
    "A text with # for each number, and the numbers; names, versions and dates stay text."
    found = []

    def kept(match: re.Match) -> str:
        if match["number"] is None:
            return match[0]
        found.append(float(match[0].replace(",", "").replace("−", "-")))
        return "#"

    return " ".join(TOKEN.sub(kept, text).split()), found


def differs(stored: dict, fresh: dict, share: float = 0.02, days: float = 0, least: float = 0.03) -> str | None:
    "In what a cell's stored output differs from a fresh one by more than the tolerance, or None."
    (before, pictures), (now, drawn) = shown(stored), shown(fresh)
    if pictures != drawn:
        return f"{pictures} pictures stored, {drawn} drawn now"
    if days:  # else dates are text
        for day, other in zip(DAY.findall(before), DAY.findall(now), strict=False):
            if abs(date.fromisoformat(day) - date.fromisoformat(other)).days > days:
                return f"stored {day}, now {other} in {before[:200]!r}"
        before, now = DAY.sub("(a day)", before), DAY.sub("(a day)", now)
    (text, old), (new_text, new) = numbers(before), numbers(now)
    if text != new_text:
        return f"stored {before[:300]!r}, now {now[:300]!r}"
    for a, b in zip(old, new, strict=True):
        if abs(a - b) > least + share * abs(a):
            return f"stored {a:g}, now {b:g} in {before[:200]!r}"
    return None


def tolerance(cell: dict) -> dict[str, float]:
    "What a cell may be off where another machine rounds another way: `#| share: 0.2` (else 0.02), `#| days: 60` (else 0)."
    named = (text.partition(":") for text in DIRECTIVE.findall("".join(cell["source"])))
    return {what: float(much) for what, _, much in named if what in ("share", "days")}


def stale(stored: Path, fresh: Path) -> list[str]:
    "One line for each cell of a notebook whose stored output is not what it shows now."
    pairs = zip(cells(stored), cells(fresh), strict=True)
    return [f"{stored.name}, cell {a['id']}: {why}" for a, b in pairs if (why := differs(a, b, **tolerance(a)))]


def notebooks() -> list[Path]:
    "Every notebook, relative to the project's folder."
    return [path for path in working_files(ROOT) if path.suffix == ".ipynb" and path.parts[0] == "nbs"]


def run(copy: Path, arguments: list[str]) -> int:
    "Run the notebooks of a copy and store what they show; the exit status."
    folder = str(settings(start=ROOT).data_folder or "")
    env = os.environ | {"AGENTIRT_RENDERER": "static", "AGENTIRT_DATA_FOLDER": folder, "COLUMNS": "130"}  # width of tables
    command = [BIN / "python", ROOT / "tools" / "longest_first.py", "--n-workers", "2", "--timing", "--save", *arguments]
    return subprocess.run(command, cwd=copy, env=env, check=False).returncode


def main(arguments: list[str]) -> int:
    reason, flags = no_data(), tuple(word for text in arguments for word in text.split())
    use = {path: data_use(ROOT / path, flags) if reason else "no" for path in notebooks()}
    left_out = [path for path in use if use[path] == "needed"]
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder).resolve() / "copy"
        for path in set(working_files(ROOT)) - set(left_out):
            (copy / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / path, copy / path)
        failed = run(copy, arguments)
        tutorials = [path for path in use if path.parent.name == "tutorials" and use[path] == "no"]
        lines = [line for path in tutorials for line in stale(ROOT / path, copy / path)]
    for line in (*(f"{path} {TOLD[how]}; {reason}." for path, how in use.items() if how in TOLD), *lines):
        print(line)
    ran = len(use) - len(left_out)
    print(f"{ran} notebooks run, {len(left_out)} left out, {len(lines)} stored outputs of tutorials out of date.")
    return 1 if failed or lines else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
