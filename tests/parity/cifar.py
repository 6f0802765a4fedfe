"""CIFAR-10 for PyTorch: the records of its files, and images as networks see them."""

import lzma

import numpy
import torch

MEAN = torch.tensor([0.4914, 0.4822, 0.4465]).view(1, 3, 1, 1)
DEVIATION = torch.tensor([0.247, 0.2435, 0.2615]).view(1, 3, 1, 1)


def records(path):
    """Images (N, 3, 32, 32) in bytes, and labels."""
    rows = numpy.frombuffer(lzma.open(path).read(), numpy.uint8).reshape(-1, 1 + 3 * 32 * 32)
    return (
        torch.from_numpy(rows[:, 1:].reshape(-1, 3, 32, 32).copy()),
        torch.from_numpy(rows[:, 0].astype(numpy.int64)),
    )


def normalised(images):
    return (images.float() / 255 - MEAN) / DEVIATION
