"""Learning from networks that are given, written from Hinton's paper and CRD's: their answers about
all images, labels of some, and features that are told apart.
"""

from functools import partial

import numpy as np
import torch
import torch.nn.functional as F

import philox
import safetensors
from classics import gradients_of, named, step
from contrast import WIDTH, contrast, projection
from runs import CLASSES, SIDE, clear, initial, labelled_places

RATE = 0.2
LABELS = 5  # of each class, where not all images have one
TEACHER_WIDTH = 11  # another network than the student


class Teacher(torch.nn.Module):
    """An mlp of one hidden layer with mneme's names, in double."""

    def __init__(self, seed):
        super().__init__()
        torch.manual_seed(seed)
        self.fc1 = torch.nn.Linear(SIDE * SIDE, TEACHER_WIDTH)
        self.classifier = torch.nn.Linear(TEACHER_WIDTH, CLASSES)
        for name, parameter in self.named_parameters():  # what a file of floats can hold
            large = 4 if name == "classifier.weight" else 1  # else its answers are much alike
            parameter.data = (large * parameter.data).float().double()
            parameter.requires_grad_(False)
        self.double()

    def features(self, x):
        return F.relu(clear(self.fc1(x)))

    def forward(self, x):
        return self.classifier(self.features(x))


def drawn(labelled, task, wanted, number):
    """Places of `wanted` labelled images of each of the task's classes, for a step."""
    key = philox.key_at(philox.key_of(0, "draw-labelled.distil/labelled"), number)
    places = []
    for label in task.present:
        turn = philox.key_at(key, label, 0)
        places += [labelled[label][i] for i in philox.subset(turn, LABELS, wanted)]
    return places


def divergence(student, teacher, temperature):
    """T^2 times the mean over rows of KL(softmax(teacher / T) || softmax(student / T))."""
    p, q = F.softmax(teacher / temperature, 1), F.log_softmax(student / temperature, 1)
    return temperature**2 * (p * (p.log() - q)).sum(1).mean()


class Contrast:
    """crd in the batch beside it: a pair of projections for each teacher."""

    def __init__(self, count, weight, temperature, warm_up):
        self.count, self.weight, self.temperature, self.warm_up = count, weight, temperature, warm_up

    def begin(self, task):
        suffix = ["", " 2"]
        self.pairs = [
            (
                projection("student" + suffix[i], task.number),
                projection("teacher" + suffix[i], task.number, TEACHER_WIDTH),
            )
            for i in range(self.count)
        ]
        return [parameter for pair in self.pairs for side in pair for parameter in side]

    def loss(self, features, targets, labels, i):
        """`labels` None: those of some rows are not known."""
        told = torch.zeros(len(features)).long() if labels is None else labels
        sum_ = 0
        for (student, teacher), target in zip(self.pairs, targets):
            u = F.normalize(F.linear(features.detach() if i < self.warm_up else features, *student), dim=1)
            v = F.normalize(F.linear(target, *teacher), dim=1)
            sum_ = sum_ + contrast(u, v, told, self.temperature)
        return sum_


def distil(runs, count, o, partly, beside):
    """With `count` teachers; `partly`: LABELS of each class are known; `beside`: a Contrast."""
    network, teachers = initial(), [Teacher(seed) for seed in range(count)]
    parameters, labelled, number = list(network.parameters()), labelled_places(runs.labels, LABELS), 0
    known = {place for places in labelled.values() for place in places}
    losses = {"labels": [], "teacher": [], "crd/crd": []}
    for task in runs.tasks():
        moved = parameters + (beside.begin(task) if beside else [])
        at = 0
        for i, (x, y) in enumerate(task.batches()):
            places = task.places[at : at + len(y)]
            at += len(y)
            has = torch.tensor([not partly or place in known for place in places])
            features = network.features(x)
            logits = network.classifier(features)
            # Of several teachers the mean of each one's divergence; the sum is logged.
            apart = sum(divergence(logits, teacher(x), o["temperature"]) for teacher in teachers)
            losses["teacher"].append(apart.item())
            loss = o["kd"] / count * apart
            all_features, targets, told, sure = features, [t.features(x) for t in teachers], y, has
            if o["labelled"] > 0:
                rows = drawn(labelled, task, o["labelled"], number)
                more = torch.from_numpy(runs.pixels[rows].reshape(-1, SIDE * SIDE) / np.float32(255))
                more, y = more.double(), torch.from_numpy(runs.labels[rows].astype(np.int64))
                more_features = network.features(more)
                logits, has = network.classifier(more_features), torch.ones(len(y), dtype=torch.bool)
                all_features = torch.cat([features, more_features])
                targets = [torch.cat([t, teacher.features(more)]) for t, teacher in zip(targets, teachers)]
                told, sure = torch.cat([told, y]), torch.cat([sure, has])
            labels = F.cross_entropy(logits[has], y[has]) if has.any() else torch.zeros(())
            losses["labels"].append(labels.item())
            loss = loss + o["ce"] * labels
            if beside:
                term = beside.loss(all_features, targets, told if sure.all() else None, i)
                losses["crd/crd"].append(term.item())
                loss = loss + beside.weight * term
            step(moved, gradients_of(loss, moved), RATE)
            number += 1
    if partly and o["labelled"] == 0:
        assert 0 in losses["labels"], "every batch has a label: nothing is shown of one without"
    return named(network, parameters), {}, {term: values for term, values in losses.items() if values}


# teachers; options of distil; whether few are labelled; weight, temperature and warm-up of crd
CASES = [
    (1, {}, False, None),
    (1, {"ce": 0.6, "kd": 0.3, "temperature": 1.5}, False, None),
    (2, {"kd": 2.0, "temperature": 2.0}, False, None),
    (1, {"kd": 0.7}, True, None),
    (2, {"labelled": 2}, True, None),
    (1, {"kd": 0.5, "temperature": 2.0}, False, (0.8, 0.1, 0)),
    (2, {"labelled": 3}, True, (0.5, 0.2, 3)),
    (1, {"kd": 0.7}, True, (0.5, 0.1, 0)),
]
DEFAULTS = {"ce": 1.0, "kd": 1.0, "temperature": 4.0, "labelled": 0}


def cases(runs):
    files = [f"{runs.folder}/teacher-{seed}.safetensors" for seed in range(2)]
    for seed, path in enumerate(files):
        state = Teacher(seed).state_dict().items()
        safetensors.save({name: value.numpy().astype(np.float32) for name, value in state}, path)
    for count, options, partly, crd in CASES:
        settings = {f"distil.{name}": value for name, value in options.items()}
        settings["teacher"] = ",".join(files[:count])
        settings["teacher_network"] = f'{{"name":"mlp","widths":"{TEACHER_WIDTH}"}}'
        settings["lr"] = RATE
        if partly:
            settings["labels.per_class"] = LABELS
        if crd:
            settings |= dict(zip(("crd.weight", "crd.temperature", "crd.warm_up"), crd))
            settings["crd.width"] = WIDTH
        reference = partial(distil, runs, count, {**DEFAULTS, **options}, partly, crd and Contrast(count, *crd))
        strategy = "distil+crd" if crd else "distil"
        yield strategy, settings, lambda run, reference=reference: reference()
