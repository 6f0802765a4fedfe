"""Strategies against PyTorch:  strategies.py MNEME

Whole runs of a few dozen steps, compared with references that were written from the specifications
alone: every loss, how far each weight moved, and what the strategy keeps.  Exits 77 (skipped)
without PyTorch.
"""

import itertools
import os
import sys
import tempfile

try:
    import numpy as np
    import torch
except ImportError as why:
    print(f"skipped: {sys.executable}: {why}; on Debian: apt install python3-torch python3-numpy")
    sys.exit(77)

sys.dont_write_bytecode = True  # the sources' folder stays as it is

import classics
import contrast
import distil
import pytorch
import xder
from runs import Runs, initial

TOLERANCE = 2e-5  # of the largest element of the reference
LEAST_MOVE = 0.01  # of a weight: a comparison of what stood still would say little


def errors(run, weights, kept, losses):
    """(what, error) of everything that the reference foretells."""
    start = initial("bn1.weight" in weights).state_dict()
    got = run.weights()
    for name, want in weights.items():
        before = start[name].numpy()
        move = want - before
        if np.abs(move).max() < LEAST_MOVE:
            yield f"{name} hardly moves", float("inf")
        yield name, pytorch.distance(got[name] - before, move)
    for name, parts in kept.items():
        slab = run.slab(name)
        for parameter, want in parts.items():
            yield f"{name} of {parameter}", pytorch.distance(slab[parameter], want)
    for term, want in losses.items():
        found = run.losses(term)
        yield f"losses of {term}", pytorch.distance(found, np.array(want))


def main(mneme):
    pytorch.begin()
    wrong = []
    with tempfile.TemporaryDirectory() as folder:
        runs = Runs(os.path.abspath(mneme), folder)
        for strategy, settings, reference in itertools.chain(
            classics.cases(runs), contrast.cases(runs), distil.cases(runs), xder.cases(runs)
        ):
            run = runs.run(strategy, {"lr": 0.2, **settings})
            found = list(errors(run, *reference(run)))
            label = " ".join([strategy, *(f"{key}={value}" for key, value in settings.items())])
            label = label.replace(f"{folder}/", "")
            print(f"  {label}: {max(error for _, error in found):.1e}")
            wrong += [f"{label}: {what}: {error:.1e}" for what, error in found if not error <= TOLERANCE]
    return pytorch.verdict(wrong)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
