"""PyTorch as the reference: on one thread, and without oneDNN where that computes wrongly.

oneDNN 3.7.2, which Debian 13's PyTorch is linked to, brings weights wrongly into padded layouts:
convolutions of 20 channels are then off by a third.
"""

import sys

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
