"""Write agentirt_nb/__init__.pyi from the table in agentirt_nb/__init__.py: what editors and mypy see of the lazy names."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def stub(
    steps: dict[str, dict[str, str]],  # what a person does -> module -> its names
) -> str:
    "The text of the stub: one import a name, under the step that it belongs to."
    lines = ["# Written by tools/make_stub.py from the table in __init__.py; edit that.", ""]
    for step, modules in steps.items():
        lines.append(f"# {step}")
        for module, names in modules.items():
            lines += [f"from agentirt_nb.{module} import {name} as {name}" for name in names.split()]
        lines.append("")
    return "\n".join([*lines, "__version__: str", ""])


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    from agentirt_nb import _STEPS

    (ROOT / "agentirt_nb" / "__init__.pyi").write_text(stub(_STEPS), encoding="utf-8")
