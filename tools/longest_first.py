"""nbdev-test with the longest notebooks first, so that neither worker waits for the other at the end. Same arguments."""

import sys
from pathlib import Path

from fastcore.parallel import parallel
from nbdev import test

LONGEST = (  # from the slowest on; the others follow by name
    "2_irt/08_inference",
    "3_quanta/03_sparse_parity",
    "3_quanta/01_scaling_fits",
    "tutorials/06_are_agents_learning_quanta",
    "tutorials/05_skills_all_at_once",
    "2_irt/10_prediction",
    "3_quanta/12_failure",
    "3_quanta/04_discovery",
    "2_irt/07_laplace",
    "3_quanta/09_skill_order",
    "2_irt/28_soundness",
    "3_quanta/07_task_fits",
    "3_quanta/13_forecasts",
)


def in_order(files: list[Path]) -> list[Path]:
    "The longest first."
    place = {name: i for i, name in enumerate(LONGEST)}
    return sorted(files, key=lambda file: place.get(f"{file.parent.name}/{file.stem}", len(LONGEST)))


def longest_first(function, files, **options):
    "What `parallel` gives, in the order of the files, whichever is run first."
    order = in_order(files)
    found = dict(zip(order, parallel(function, order, **options), strict=True))
    return [found[file] for file in files]


if __name__ == "__main__":
    test.parallel = longest_first
    sys.exit(test.nbdev_test())
