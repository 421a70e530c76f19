"""Run every notebook once, on a copy, and compare what the tutorials show with what they have stored.

Arguments are passed on to nbdev-test (for instance --flags slow). Where neither a data folder nor the leaderboards' home
can be reached, notebooks that need real outcomes are left out, each with its reason; the last line counts them.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tools"))

from check_in_step import BIN, working_files  # noqa: E402

NEEDS_DATA = re.compile(r"\b(load_leaderboard|published_features|published_embeddings|task_texts|scaling_studies|fetch)\(")
LEFT_OUT = ("#| slow", "#| browser", "#| eval: false")
NUMBER = re.compile(r"[-+−]?\d+(?:,\d{3})*(?:\.\d+)?(?:e[-+]?\d+)?")
SECONDS = re.compile(r"\d+(?:\.\d+)?(?= ?(?:s|ms|seconds|it/s)\b)")  # how long something took is another number every time


def cells(path: Path) -> list[dict]:
    "The code cells of a notebook."
    return [cell for cell in json.loads(path.read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == "code"]


def source(cell: dict) -> str:
    "The text of a cell."
    return "".join(cell["source"])


def needs_data(path: Path) -> bool:
    "Whether a notebook asks for real outcomes in a cell that is run; one that can do without says `except OSError`."
    run = [source(cell) for cell in cells(path) if not source(cell).startswith(LEFT_OUT)]
    calls = [text for text in run if not text.startswith("#| export") and NEEDS_DATA.search(text)]
    return any("except OSError" not in text for text in calls)


def no_data() -> str | None:
    "Why real outcomes cannot be had, or None."
    code = "from agentirt_nb.data.leaderboards import fetch; fetch('data/gso/responses.jsonl', progress=False)"
    tried = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    return tried.stderr.strip().splitlines()[-1] if tried.returncode else None


def shown(cell: dict) -> tuple[str, int]:
    "What a cell shows as text, and how many pictures."
    text, pictures = [], 0
    for output in cell.get("outputs", []):
        if output["output_type"] == "stream" and output["name"] == "stdout":
            text.append("".join(output["text"]))
        data = output.get("data", {})
        if any(kind.startswith("image/") for kind in data):
            pictures += 1
        elif "text/plain" in data:
            text.append("".join(data["text/plain"]))
    return SECONDS.sub("…", "\n".join(text)), pictures


def as_number(text: str) -> float:
    "A number as notebooks write it."
    return float(text.replace(",", "").replace("−", "-"))


def differs(stored: dict, fresh: dict, share: float = 0.02, least: float = 0.03) -> str | None:
    "In what a cell's stored output differs from a fresh one by more than the tolerance, or None."
    (before, pictures), (now, drawn) = shown(stored), shown(fresh)
    if pictures != drawn:
        return f"{pictures} pictures stored, {drawn} drawn now"
    plain = [" ".join(NUMBER.sub("#", text).split()) for text in (before, now)]
    if plain[0] != plain[1]:
        return f"stored {before[:300]!r}, now {now[:300]!r}"
    for a, b in zip(NUMBER.findall(before), NUMBER.findall(now), strict=True):
        if abs(as_number(a) - as_number(b)) > least + share * abs(as_number(a)):
            return f"stored {a}, now {b} in {before[:200]!r}"
    return None


def stale(stored: Path, fresh: Path) -> list[str]:
    "One line for each cell of a notebook whose stored output is not what it shows now."
    pairs = zip(cells(stored), cells(fresh), strict=True)
    return [f"{stored.name}, cell {a['id']}: {why}" for a, b in pairs if (why := differs(a, b))]


def main() -> int:
    known = working_files(ROOT)
    notebooks = [path for path in known if path.suffix == ".ipynb" and path.parts[0] == "nbs"]
    reason = no_data()
    left_out = [path for path in notebooks if reason and needs_data(ROOT / path)]
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder).resolve() / "copy"
        for path in known:
            (copy / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / path, copy / path)
        for path in left_out:
            (copy / path).unlink()
        env = os.environ | {"AGENTIRT_RENDERER": "static"}
        ran = subprocess.run([BIN / "nbdev-test", "--n-workers", "2", "--timing", "--save", *sys.argv[1:]], cwd=copy, env=env)
        tutorials = [path for path in notebooks if path.parent.name == "tutorials" and path not in left_out]
        lines = [line for path in tutorials for line in stale(ROOT / path, copy / path)] if not ran.returncode else []
    print(*lines, *(f"not run: {path}: needs real outcomes. {reason}" for path in left_out), sep="\n")
    print(f"{len(notebooks) - len(left_out)} notebooks run, {len(left_out)} left out, {len(lines)} stored outputs out of date.")
    return 1 if ran.returncode or lines else 0


if __name__ == "__main__":
    sys.exit(main())
