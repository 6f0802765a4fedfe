"""Contrastive representation distillation in PyTorch, written from the paper's description: features of
the network and of the one after the last task, projected and told apart within the batch.
"""

import math
from functools import partial

import torch
import torch.nn.functional as F

from classics import gradients_of, named, step
from philox import key_at, key_of, uniform
from runs import WIDTHS, initial

WIDTH = 7  # of the projections
MASKED_FROM = 4


def projection(name, task, features=WIDTHS[1]):
    """Of so many features, as the run draws it anew for a task: PyTorch's defaults, by key."""
    key = key_at(key_of(0, f"network.initial.crd/{name}"), task)
    bound = 1 / math.sqrt(features)
    draw = lambda i, count: [bound * (2 * u - 1) for u in uniform(key_at(key, i), count)]
    weight = torch.tensor(draw(0, WIDTH * features)).float().double().view(WIDTH, features)
    bias = torch.tensor(draw(1, WIDTH)).float().double()
    return [weight.requires_grad_(), bias.requires_grad_()]


def contrast(u, v, labels, temperature):
    scores = u @ v.t() / temperature
    if labels.unique().numel() >= MASKED_FROM:
        same = (labels[:, None] == labels[None, :]) & ~torch.eye(len(labels), dtype=torch.bool)
        scores = scores.masked_fill(same, -math.inf)
    own = torch.arange(len(labels))
    return (F.cross_entropy(scores, own) + F.cross_entropy(scores.t(), own)) / 2


def crd(runs, rate, weight, temperature, warm_up, kd, kd_temperature):
    network = initial()
    parameters = list(network.parameters())
    losses = {"stream": [], "crd/crd": []}
    if kd > 0:
        losses["crd/kd"] = []
    for task in runs.tasks():
        student, teacher = projection("student", task.number), projection("teacher", task.number)
        moved = parameters + student + teacher
        for i, (x, y) in enumerate(task.batches()):
            features = network.features(x)
            logits = network.classifier(features)
            loss = F.cross_entropy(logits, y)
            losses["stream"].append(loss.item())
            if task.number == 0:
                step(parameters, gradients_of(loss, parameters), rate)
                continue
            with torch.no_grad():
                target = old.features(x)
                old_logits = old.classifier(target)
            u = F.normalize(F.linear(features.detach() if i < warm_up else features, *student), dim=1)
            v = F.normalize(F.linear(target, *teacher), dim=1)
            more = contrast(u, v, y, temperature)
            losses["crd/crd"].append(more.item())
            loss = loss + weight * more
            if kd > 0:
                past, t = slice(0, len(task.past)), kd_temperature
                q = F.log_softmax(logits[:, past] / t, 1)
                p = F.softmax(old_logits[:, past] / t, 1)
                more = t * t * F.kl_div(q, p, reduction="batchmean")
                losses["crd/kd"].append(more.item())
                loss = loss + kd * more
            step(moved, gradients_of(loss, moved), rate)
        old = initial()
        old.load_state_dict(network.state_dict())
    return named(network, parameters), {}, losses


def cases(runs):
    for weight, temperature, warm_up, kd in ((0.8, 0.1, 0, 0), (0.5, 0.07, 3, 0.5)):
        settings = {
            "crd.weight": weight,
            "crd.temperature": temperature,
            "crd.warm_up": warm_up,
            "crd.kd": kd,
            "crd.width": WIDTH,
            "lr": 0.2,
        }
        reference = partial(crd, runs, 0.2, weight, temperature, warm_up, kd, 2)
        yield "finetune+crd", settings, lambda run, reference=reference: reference()
