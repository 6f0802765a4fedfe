"""Replay from Gaussian mixtures, written from docs/methods/mog-replay.md.

EM goes through the log-densities one image at a time, in double; what is drawn is looked up by key.
"""

import math
from functools import partial

import numpy as np
import philox
import torch
import torch.nn.functional as F
from learner import Learner
from runs import BATCH, CLASSES, WIDTHS

FEATURES = WIDTHS[-1]


class Mixture:
    """Of one class; arrays (components, features)."""

    def __init__(self, features, start, least):
        """start (components, features): standard normal, None for a single Gaussian."""
        components = 1 if start is None else len(start)
        mean, variance = features.mean(0), np.maximum(features.var(0), least)
        self.mean = np.tile(mean, (components, 1))
        self.variance = np.tile(variance, (components, 1))
        self.weight, self.least = np.full(components, 1 / components), least
        if start is not None:
            self.mean += np.sqrt(variance) * start

    def densities(self, x):
        square = (x - self.mean) ** 2 / self.variance
        return np.log(self.weight) - 0.5 * (np.log(2 * math.pi * self.variance) + square).sum(1)

    def iterate(self, features):
        share = np.array([np.exp(self.densities(x)) for x in features])
        share /= share.sum(1, keepdims=True)
        count = share.sum(0)
        self.weight = count / len(features)
        self.mean = share.T @ features / count[:, None]
        for j, mean in enumerate(self.mean):
            spread = (share[:, j, None] * (features - mean) ** 2).sum(0) / count[j]
            self.variance[j] = np.maximum(spread, self.least)


def numbers(kind, name, step, count, draw=philox.normal):
    key = philox.key_at(philox.key_of(0, f"{kind}.mog-replay/{name}"), step)
    return np.array(draw(key, count)).astype(np.float32).astype(np.float64)


def drawn(mixtures, step, rows):
    """Features and labels of one step."""
    where = numbers("uniform", "component", step, 2 * rows, philox.uniform).reshape(rows, 2)
    noise = numbers("noise", "features", step, rows * FEATURES).reshape(rows, FEATURES)
    labels = [int(a * len(mixtures)) for a, _ in where]
    features = []
    for label, (_, b), e in zip(labels, where, noise):
        mixture = mixtures[label]
        j = min(np.searchsorted(np.cumsum(mixture.weight), b, "right"), len(mixture.weight) - 1)
        features.append(mixture.mean[j] + np.sqrt(mixture.variance[j]) * e)
    return torch.from_numpy(np.array(features)), torch.tensor(labels)


def mog(runs, _, rate, head_rate, components, iterations, frozen, rows, epochs, least=1e-3):
    learner, step, mixtures = Learner(rate), 0, []
    network, learner.still = learner.network, ("fc",) if frozen else ()
    for task in runs.tasks():
        share = 1 / (task.number + 1)
        whole = task.number == 0 and not frozen
        optimiser = torch.optim.Adam(network.classifier.parameters(), head_rate)
        for x, y in task.batches(epochs):
            if whole:
                loss = learner.log("stream", F.cross_entropy(network(x)[:, : task.seen], y))
                learner.step(loss)
            else:
                logits = network.classifier(network.features(x).detach())[:, : task.seen]
                loss = share * learner.log("stream", F.cross_entropy(logits, y))
                if task.number > 0:
                    old, labels = drawn(mixtures, step, rows)
                    logits = network.classifier(old)[:, : task.seen]
                    loss = loss + (1 - share) * learner.log("replay", F.cross_entropy(logits, labels))
                optimiser.zero_grad()
                loss.backward()
                optimiser.step()
            step += 1
        batches = (len(task.y) + BATCH - 1) // BATCH
        step += batches  # measuring
        noise = numbers("noise", "start", step, components * CLASSES * FEATURES)
        noise = noise.reshape(components, CLASSES, FEATURES)
        step += 1 + (iterations * batches + 1 if components > 1 else 0)
        features = network.features(task.x).detach().numpy()
        for k in task.present:
            own = features[task.y.numpy() == k]
            mixtures.append(Mixture(own, noise[:, k] if components > 1 else None, least))
            for _ in range(iterations if components > 1 else 0):
                mixtures[-1].iterate(own)
    for name, width in (("mean", FEATURES), ("variance", FEATURES), ("weight", 1)):
        each = np.stack([getattr(m, name).reshape(components, width) for m in mixtures], 1)
        learner.tensors[f"mog-replay/{name}"] = each.reshape(-1, width)
    return learner


def cases(_):
    """Two iterations: a run's variance is the mean of the squares less the square of the mean, which
    nearly cancel in floats, and each iteration adds its rounding to that of those before."""
    for components, frozen, rows in ((1, False, 0), (2, True, 5)):
        settings = {"lr": 0.2, "epochs": 3, "mog-replay.components": components}
        settings.update({"mog-replay.iterations": 2, "mog-replay.lr": 0.02})
        settings.update({"mog-replay.replay": rows, "mog-replay.base": "frozen" if frozen else "train"})
        given = {"components": components, "frozen": frozen, "rows": rows or BATCH, "epochs": 3}
        yield "mog-replay", settings, partial(mog, rate=0.2, head_rate=0.02, iterations=2, **given)
