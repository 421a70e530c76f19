"""Write README.md, and its pictures in images/, from nbs/index.ipynb.

Takes the notebook as it is saved: text cells, code cells with their outputs, no front matter and no hidden
cells. Runs nothing, so the same notebook always gives the same bytes.
"""

import base64
import json
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NOTE = "<!-- Rendered from nbs/index.ipynb by tools/render_readme.py (make readme); edit the notebook. -->"
PICTURES = {"image/png": ".png", "image/svg+xml": ".svg"}


def joined(text: str | list[str]) -> str:
    "Notebooks hold text as one string or as a list of lines."
    return text if isinstance(text, str) else "".join(text)


def split_directives(source: str) -> tuple[set[str], str]:
    "The `#|` lines of a cell, and the rest of it."
    lines = source.splitlines()
    directives = {line[2:].strip() for line in lines if line.startswith("#|")}
    return directives, "\n".join(line for line in lines if not line.startswith("#|")).strip()


def from_root(markdown: str, folder: Path) -> str:
    "Links to files beside the notebook, made to work from the root."

    def moved(match: re.Match[str]) -> str:
        target = folder / match[2]
        return f"{match[1]}{target.resolve().relative_to(ROOT).as_posix()}" if target.exists() else match[0]

    return re.sub(r"(\]\(|src=\")(?!\w+:|#|/)([^)\s\"#]+)", moved, markdown)


def fenced(text: str, language: str = "") -> str:
    "A block of code that no back-tick inside it can end."
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", text)), default=0))
    return f"{fence}{language}\n{text.rstrip()}\n{fence}"


def rendered_output(output: dict, pictures: dict[str, bytes], alt: str, folder: Path) -> str:
    "One output of a code cell; a picture is put into `pictures` under its path."
    if output["output_type"] == "stream":
        return "" if output["name"] == "stderr" else fenced(joined(output["text"]))
    data = output.get("data", {})
    for kind, suffix in PICTURES.items():
        if kind in data:
            text = joined(data[kind])
            name = f"images/readme-{len(pictures) + 1}{suffix}"
            pictures[name] = text.encode() if suffix == ".svg" else base64.b64decode(text)
            return f"![{alt}]({name})"
    if "text/markdown" in data:
        return from_root(joined(data["text/markdown"]), folder)
    return fenced(joined(data["text/plain"])) if "text/plain" in data else ""


def rendered(notebook: dict, folder: Path) -> tuple[str, dict[str, bytes]]:
    "README text and pictures of a notebook that lies in `folder`."
    parts, pictures, heading = [NOTE], {}, "picture"
    for cell in notebook["cells"]:
        directives, source = split_directives(joined(cell["source"]))
        if cell["cell_type"] == "raw" or directives & {"hide", "default_exp"} or not source:
            continue
        if cell["cell_type"] == "markdown":
            headings = re.findall(r"^#+ (.+)$", source, re.MULTILINE)
            heading = headings[-1] if headings else heading
            parts.append(from_root(source, folder))
            continue
        if "echo: false" not in directives:
            parts.append(fenced(source, "python"))
        parts += [rendered_output(output, pictures, heading, folder) for output in cell.get("outputs", [])]
    return "\n\n".join(filter(None, parts)) + "\n", pictures


def main() -> None:
    path = ROOT / "nbs" / "index.ipynb"
    text, pictures = rendered(json.loads(path.read_text(encoding="utf-8")), path.parent)
    (ROOT / "README.md").write_text(text, encoding="utf-8")
    for old in (ROOT / "images").glob("readme-*"):
        old.unlink()
    for name, content in pictures.items():
        (ROOT / name).parent.mkdir(exist_ok=True)
        (ROOT / name).write_bytes(content)


if __name__ == "__main__":
    main()
