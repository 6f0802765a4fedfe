"""Numbers of authors' own code: how they are written, read and held against ours.

What is written has seven digits, and what goes in is made anew by `numbers`, so a file holds answers
alone.  Where theirs is in single precision, so are its answers.
"""

import json
import os

import numpy as np
import torch

TOLERANCE = 2e-5  # of the largest number


def numbers(seed, *shape):
    return torch.from_numpy(np.random.RandomState(seed).standard_normal(shape))


def gist(x):
    """Of many numbers two: their length, and what they share with a fixed direction."""
    x = x.detach().double().flatten()
    return [x.norm().item(), (x @ numbers(x.numel(), x.numel())).item()]


def write(found):
    text = json.dumps(found)
    short = json.loads(text, parse_float=lambda digits: float(f"{float(digits):.7g}"))
    print(json.dumps(short, indent=None, separators=(",", ":")).replace("],", "],\n"))


def read(name):
    with open(os.path.join(os.path.dirname(__file__), name)) as file:
        return json.load(file)


def distance(got, want):
    got, want = (np.array(x.detach() if torch.is_tensor(x) else x) for x in (got, want))
    if got.shape != want.shape:
        return float("inf")
    error = np.abs(got - want).max() / np.abs(want).max()
    return error if np.isfinite(error) else float("inf")


def apart(got, want, least=1e-4):
    """Of many gists the largest distance, each of its own length, or of a share of the longest."""
    longest = max(length for length, _ in want)
    errors = [
        max(abs(g - w) for g, w in zip(*pair)) / max(pair[1][0], least * longest)
        for pair in zip(got, want, strict=True)
    ]
    return max(errors)


def report(what, error, tolerance=TOLERANCE):
    """1 where it is too far off."""
    differs = not error <= tolerance
    print(f"  {what}: {error:.1e}{' DIFFERS' if differs else ''}")
    return int(differs)


def verdict(wrong):
    """The exit status."""
    print(f"{wrong} differences" if wrong else "all agree")
    return 1 if wrong else 0
