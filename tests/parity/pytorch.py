"""PyTorch as the reference: on one thread, and without oneDNN where that computes wrongly; and how far
from a reference something is.

oneDNN 3.7.2, which Debian 13's PyTorch is linked to, brings weights wrongly into padded layouts:
convolutions of 20 channels are then off by 43 % of the largest output.
"""

import sys

import numpy as np
import torch
import torch.nn.functional as F


def convolutions_are_right():
    x = torch.linspace(-9, 9, 16 * 20 * 32 * 32).view(16, 20, 32, 32).sin()  # a few go another way
    weight = torch.linspace(-9, 9, 20 * 20 * 9).view(20, 20, 3, 3).cos()
    exact = F.conv2d(x.double(), weight.double())
    return bool((F.conv2d(x, weight) - exact).abs().max() < 1e-4 * exact.abs().max())


def begin():
    torch.set_num_threads(1)
    if not convolutions_are_right():
        torch.backends.mkldnn.set_flags(False)
        print("this PyTorch's oneDNN computes convolutions wrongly: PyTorch does without it", file=sys.stderr)


def exact(model):
    """The model itself, or in doubles without oneDNN: PyTorch's own convolutions round more."""
    return model if torch.backends.mkldnn.enabled else model.double()


def distance(got, want):
    """The largest error, of the largest element of the reference."""
    if np.shape(got) != np.shape(want):
        return float("inf")
    error = np.abs(got - want).max() / max(np.abs(want).max(), 1e-12)
    return error if np.isfinite(error) else float("inf")


def verdict(wrong):
    """Prints what is wrong, a line each; the exit status."""
    for line in wrong:
        print(f"DIFFERS  {line}")
    print(f"{len(wrong)} differences" if wrong else "all agree")
    return 1 if wrong else 0
