"""LUCIR, written down from its paper and the authors' recipe: whole batches of task and exemplars."""

from functools import partial

import torch
import torch.nn.functional as F

from learner import Learner
from runs import rectified

MOMENTUM = 0.9  # of the classifier on the exemplars


def angle(learner, x):
    """(B, classes)"""
    classifier = learner.network.classifier
    return F.normalize(learner.network.features(x)) @ F.normalize(classifier.weight).T


def scaled(learner, cosines):
    return (1 + learner.network.classifier.bias[0]) * cosines


def imprint(learner, task):
    weight = learner.network.classifier.weight
    length = weight[: len(task.past)].norm(dim=1).mean()
    directions = F.normalize(learner.network.features(task.x))
    for k in task.present:
        weight[k] = length * F.normalize(directions[task.y == k].mean(0), dim=0)


def overtaken(cosines, y, task, margin, nearest):
    old = y < len(task.past)
    own = cosines[old, y[old]]
    others = cosines[old][:, task.present.start : task.seen].topk(min(nearest, len(task.present))).values
    return rectified(margin - own[:, None] + others).mean()


def lucir(runs, _, rate, strength, rank, margin, nearest, epochs, finetune, finetune_rate, drop, ranks, sigma):
    learner = Learner(rate)
    for task in runs.tasks():
        old, past = learner.copy(), len(task.past)
        if past > 0:
            with torch.no_grad():
                imprint(learner, task)
        learner.remember(task.x, task.y)
        x, y, weight = learner.x, learner.y, learner.network.classifier.weight
        for _ in range(epochs):
            cosines = angle(learner, x)
            labels = F.cross_entropy(scaled(learner, cosines)[:, : task.seen], y)
            loss = learner.log("labels", labels)
            if past > 0:
                same = F.cosine_similarity(learner.network.features(x), old.features(x).detach())
                turned = learner.log("turned", (1 - same).mean())
                loss = loss + strength * (past / len(task.present)) ** 0.5 * turned
                behind = overtaken(cosines, y, task, margin, nearest)
                loss = loss + rank * learner.log("overtaken", behind)
            still = weight[:past].detach().clone()
            learner.step(loss)
            weight.data[:past] = still
        head = learner.network.classifier
        moved = head.parameters() if sigma else [head.weight]
        classifier = torch.optim.SGD(moved, finetune_rate, momentum=MOMENTUM)
        for epoch in range(finetune if past > 0 else 0):
            classifier.param_groups[0]["lr"] = finetune_rate / (10 if 0 < drop <= epoch else 1)
            head.zero_grad()
            cosines = angle(learner, x)
            loss = learner.log("balance", F.cross_entropy(scaled(learner, cosines)[:, : task.seen], y))
            if ranks:
                behind = overtaken(cosines, y, task, margin, nearest)
                loss = loss + rank * learner.log("balance overtaken", behind)
            loss.backward()
            classifier.step()
    learner.scores = lambda x: scaled(learner, angle(learner, x))
    return learner


def cases(_):
    for nearest, finetune, authors in ((2, 5, True), (2, 5, False), (3, 0, True)):
        given = {"rank": 0.7, "margin": 0.4, "nearest": nearest, "finetune": finetune}
        settings = {f"lucir.{name}": value for name, value in given.items()}
        form = {"drop": 3 if authors else 0, "rank": authors, "sigma": not authors}
        settings.update({f"lucir.finetune_{name}": value for name, value in form.items()})
        given.update({"drop": form["drop"], "ranks": form["rank"], "sigma": form["sigma"]})
        settings.update({"lucir.lambda": 3, "lucir.finetune_lr": 0.3})
        settings.update({"lr": 1, "epochs": 6, "batch": 256})
        reference = partial(lucir, rate=1, strength=3, epochs=6, finetune_rate=0.3, **given)
        yield "lucir", settings, reference
