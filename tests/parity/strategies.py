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
import pytorch
import xder
from runs import Runs, initial

TOLERANCE = 2e-5  # of the largest element of the reference
LEAST_MOVE = 0.01  # of a weight: a comparison of what stood still would say little


def distance(got, want):
    error = np.abs(got - want).max() / max(np.abs(want).max(), 1e-12)
    return error if np.isfinite(error) else float("inf")


def errors(run, weights, kept, losses):
    """(what, error) of everything that the reference foretells."""
    start = initial("bn1.weight" in weights).state_dict()
    got = run.weights()
    for name, want in weights.items():
        before = start[name].numpy()
        move = want - before
        if np.abs(move).max() < LEAST_MOVE:
            yield f"{name} hardly moves", float("inf")
        yield name, distance(got[name] - before, move)
    for name, parts in kept.items():
        slab = run.slab(name)
        for parameter, want in parts.items():
            yield f"{name} of {parameter}", distance(slab[parameter], want)
    for term, want in losses.items():
        found = run.losses(term)
        same = found.shape == np.shape(want)
        yield f"losses of {term}", distance(found, np.array(want)) if same else float("inf")


def main(mneme):
    pytorch.begin()
    wrong = []
    with tempfile.TemporaryDirectory() as folder:
        runs = Runs(os.path.abspath(mneme), folder)
        for strategy, settings, reference in itertools.chain(
            classics.cases(runs), contrast.cases(runs), xder.cases(runs)
        ):
            run = runs.run(strategy, {"lr": 0.2, **settings})
            found = list(errors(run, *reference(run)))
            label = " ".join([strategy, *(f"{key}={value}" for key, value in settings.items())])
            print(f"  {label}: {max(error for _, error in found):.1e}")
            wrong += [f"{label}: {what}: {error:.1e}" for what, error in found if not error <= TOLERANCE]
    for line in wrong:
        print(f"DIFFERS  {line}")
    print(f"{len(wrong)} differences" if wrong else "all agree")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
