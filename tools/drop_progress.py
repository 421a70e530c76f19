"""Take progress bars, and all else that went to stderr, out of the stored outputs of the notebooks."""

import json
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def without_stderr(notebook: dict) -> int:
    "Remove the outputs of stderr from a notebook; how many there were."
    found = 0
    for cell in notebook["cells"]:
        kept = [output for output in cell.get("outputs", []) if output.get("name") != "stderr"]
        found += len(cell.get("outputs", [])) - len(kept)
        if "outputs" in cell:
            cell["outputs"] = kept
    return found


def main() -> None:
    for path in sorted((ROOT / "nbs").rglob("*.ipynb")):
        notebook = json.loads(path.read_text(encoding="utf-8"))
        if without_stderr(notebook):
            path.write_text(json.dumps(notebook, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
