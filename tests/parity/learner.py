"""What the references of rehearsal strategies share."""

import numpy as np
import torch
import torch.nn.functional as F

from runs import SIDE, initial


class Learner:
    """The network of a run and what it should leave."""

    def __init__(self, rate):
        self.network, self.rate = initial(), rate
        self.losses, self.tensors, self.kept, self.columns = {}, {}, {}, {}
        self.tolerance = 2e-5  # of the largest element of what is compared
        self.scores, self.still = None, ()  # still: beginnings of names of what must not move
        self.x, self.y = torch.zeros(0, SIDE * SIDE).double(), torch.zeros(0, dtype=torch.int64)

    @property
    def parameters(self):
        return list(self.network.parameters())

    def log(self, name, value):
        self.losses.setdefault(name, []).append(value.item())
        return value

    def step(self, loss):
        gradients = torch.autograd.grad(loss, self.parameters, allow_unused=True)
        with torch.no_grad():
            for parameter, gradient in zip(self.parameters, gradients):
                if gradient is not None:
                    parameter -= self.rate * gradient

    def remember(self, x, y):
        self.x, self.y = torch.cat([self.x, x]), torch.cat([self.y, y])

    def copy(self):
        copy = initial()
        copy.load_state_dict(self.network.state_dict())
        return copy


ROUNDED = 1e-9  # of a length, in double: rows that are nearer are equal
APART = 5e-4  # rows that are not are at least this far apart, or floats would turn the slope


def row_distance(x, y, least=APART):
    """|x - y| of each row, without a gradient where rows are equal but for rounding."""
    squared, lengths = ((x - y) ** 2).sum(1), (y**2).sum(1)
    relative = (squared / lengths).sqrt()
    apart = relative > ROUNDED
    nearest = relative[apart].min().item() if apart.any() else 1
    assert nearest > least, f"rows lie {nearest:.1e} of their length apart: too near for floats"
    return torch.where(apart, squared, torch.ones_like(squared)).sqrt() * apart


def cross_entropy(network, x, y):
    return F.cross_entropy(network(x), y) if len(y) > 0 else torch.zeros(()).double()


def rows_of_buffer(runs, run, tasks):
    """(x, y) of the rows that came in the first so many tasks, in order of slot."""
    query = "SELECT source FROM exemplar WHERE task < ? ORDER BY slot"
    places = [place for (place,) in run.rows(query, tasks)]
    x = runs.pixels[places].reshape(-1, SIDE * SIDE) / np.float32(255)
    return torch.from_numpy(x).double(), torch.from_numpy(runs.labels[places].astype(np.int64))
