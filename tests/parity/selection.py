"""Replay from buffers whose policy goes by a score: what every exemplar's is at the end of a run.

The buffer is larger than the data, so that it holds all images in the order in which they came.
Which of them leave a full one is a matter of chance, and of tests/buffer/test_scored_policies.c.
"""

from functools import partial

import numpy as np
import torch
import torch.nn.functional as F

import philox
from learner import Learner, cross_entropy

ALL = 4096


def replay(runs, learner, score):
    """Experience replay of everything; score(x, y, loss of each of [stream; buffer]) sees each step."""
    for task in runs.tasks():
        for x, y in task.batches():
            logits = learner.network(torch.cat([x, learner.x]))
            each = F.cross_entropy(logits, torch.cat([y, learner.y]), reduction="none")
            learner.step(learner.log("stream+replay", each.mean()))
            score(x, y, each.detach())
            learner.remember(x, y)


def gradient_of(network, x, y):
    parts = torch.autograd.grad(F.cross_entropy(network(x[None]), y[None]), list(network.parameters()))
    return torch.cat([part.flatten() for part in parts])


def by_steps(runs, learner, score, iterations):
    """A step on the stream, then one on everything in the buffer, so many times to a batch."""
    for task in runs.tasks():
        for x, y in task.batches():
            for _ in range(iterations):
                learner.step(learner.log("stream", cross_entropy(learner.network, x, y)))
                if len(learner.y) > 0:
                    old = cross_entropy(learner.network, learner.x, learner.y)
                    learner.step(learner.log("replay", old))
            score(x, y, None)
            learner.remember(x, y)


def gss(runs, _, rate, compared, iterations):
    """iterations: None for one step on both."""
    learner, scores = Learner(rate), []

    def score(x, y, _):
        seen = len(learner.y)
        key = philox.key_at(philox.key_of(0, "buffer.compared"), seen)
        chosen = philox.subset(key, seen, min(compared, seen))
        known = [gradient_of(learner.network, learner.x[i], learner.y[i]) for i in chosen]
        for image, label in zip(x, y):
            own = gradient_of(learner.network, image, label)
            like = [F.cosine_similarity(own, other, dim=0).item() for other in known]
            scores.append(1 + max(like) if like else 0.1)

    if iterations is None:
        replay(runs, learner, score)
    else:
        by_steps(runs, learner, score, iterations)
    assert min(scores) < 0.5 and max(scores) > 1.5, "the case has no unlike gradients"
    learner.columns["score"] = np.array(scores)[:, None]
    return learner


def loss_aware(runs, _, rate):
    learner, scores = Learner(rate), torch.zeros(0)

    def score(x, _, each):
        nonlocal scores
        scores = torch.cat([each[len(x) :], each[: len(x)]])

    replay(runs, learner, score)
    learner.columns["score"] = scores.numpy()[:, None]
    return learner


def cases(_):
    for compared, iterations in ((ALL, None), (7, None), (7, 1), (7, 3)):
        settings = {"lr": 0.2, "gss.replay": ALL, "buffer.compared": compared}
        settings["gss.steps"] = "one" if iterations is None else "two"
        settings["gss.iterations"] = iterations or 1
        yield "gss", settings, partial(gss, rate=0.2, compared=compared, iterations=iterations)
    settings = {"lr": 0.2, "er.replay": ALL, "buffer_policy": "loss-aware"}
    yield "er", settings, partial(loss_aware, rate=0.2)
