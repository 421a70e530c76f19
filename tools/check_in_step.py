"""Fail where a notebook is unclean, or where the module, its stub or README.md is not what the notebooks say.

Copies the working tree (without what git ignores), cleans, exports and renders there, and compares every
file, new ones included. Nothing in the working tree is changed.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent


def working_files(root: Path) -> list[Path]:
    "The files git tracks or would add, relative to `root`."
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=root, check=True, capture_output=True).stdout.decode().split("\0")
    return sorted({Path(name) for name in listed if name and (root / name).is_file()})


def files_below(root: Path) -> set[Path]:
    "All files below `root` but caches, relative to it."
    return {path.relative_to(root) for path in root.rglob("*") if path.is_file() and "__pycache__" not in path.parts}


def rebuild(root: Path) -> None:
    "Clean, export and render in `root` what is generated."
    env = {name: text for name, text in os.environ.items() if name != "PYTHONPATH"}
    for command in (
        [BIN / "nbdev-clean"],
        [BIN / "nbdev-export"],
        [sys.executable, "tools/make_stub.py"],
        [sys.executable, "tools/render_readme.py"],
    ):
        subprocess.run(command, cwd=root, check=True, env=env, stdin=subprocess.DEVNULL)


def changed(before: Path, after: Path, known: list[Path]) -> list[str]:
    "One line for each file that the rebuild changed, added or removed."
    lines = [f"{path} would be new" for path in sorted(files_below(after) - set(known))]
    for path in known:
        if not (after / path).is_file():
            lines.append(f"{path} would go away")
        elif (before / path).read_bytes() != (after / path).read_bytes():
            lines.append(f"{path} is unclean" if path.suffix == ".ipynb" else f"{path} is out of step")
    return lines


def main() -> int:
    known = working_files(ROOT)
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "copy"
        for path in known:
            (copy / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / path, copy / path)
        rebuild(copy)
        lines = changed(ROOT, copy, known)
    for line in lines:
        print(line)
    notebooks = sum(path.suffix == ".ipynb" for path in known)
    print("Run `make export readme` and commit." if lines else f"{notebooks} notebooks are clean and in step.")
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())
