"""The steps of bench_addons.c in PyTorch:

    addons_torch.py STRATEGY NETWORK WIDTH BATCH THREADS STEPS LAYOUT

STRATEGY is finetune, finetune+zipf, finetune+crd or lwf, written from their papers; NETWORK is
plain-convnet or resnet18; LAYOUT is default or channels-last."""

import copy
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../../tests/parity"))

import torch
import torch.nn.functional as F
from networks import ResNet
from timing import time_steps
from torch import nn

CLASSES, OLD, SIDE, RATE, WARM_UP = 10, 5, 28, 0.01, 5
LAMBDA, WEIGHT, TAU, PROJECTED, TEMPERATURE = 0.1, 0.8, 0.1, 64, 2
strategy, name = sys.argv[1:3]
width, batch, threads, steps = map(int, sys.argv[3:7])
layout = sys.argv[7]
torch.set_num_threads(threads)
torch.manual_seed(1)


class ConvNet(nn.Module):
    def __init__(self):
        super().__init__()
        layers, inputs = [], 1
        for i in range(3):
            outputs = width << i
            layers += [nn.Conv2d(inputs, outputs, 3, 2 if i else 1, 1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()]
            inputs = outputs
        self.body, self.classifier = nn.Sequential(*layers), nn.Linear(inputs, CLASSES)

    def maps(self, x):
        return self.body(x)


class Resnet(ResNet):
    def maps(self, x):
        x = self.relu1(self.bn1(self.conv1(x)))
        for stage in range(self.stages):
            x = getattr(self, f"layer{stage + 1}")(x)
        return x


def forward(model, x):
    maps = model.maps(x)
    features = maps.mean((2, 3))
    return maps, features, model.classifier(features)


def zipf(maps, logits, labels):
    """Of the map, twice as large, each position votes; the others' shares fall as 1 / rank."""
    with torch.no_grad():
        local = F.conv2d(maps, model.classifier.weight[:, :, None, None], model.classifier.bias)
        local = F.interpolate(local, scale_factor=2, mode="bilinear", align_corners=False)
        votes = F.one_hot(local.flatten(2).argmax(1), CLASSES).sum(1)
        ranks = 1 + (votes[:, None, :] > votes[:, :, None]).sum(2)
        others = F.one_hot(labels, CLASSES) == 0
        target = (1 / ranks)[others].view(batch, -1)
        target = target / target.sum(1, keepdim=True)
    return F.kl_div(F.log_softmax(logits[others].view(batch, -1), 1), target, reduction="batchmean")


def crd(features, old_features, labels):
    u, v = F.normalize(student(features)), F.normalize(teacher(old_features))
    scores = u @ v.t() / TAU
    same = (labels[:, None] == labels[None, :]).fill_diagonal_(False)
    scores = scores.masked_fill(same, -torch.inf)
    own = torch.arange(batch)
    return (F.cross_entropy(scores, own) + F.cross_entropy(scores.t(), own)) / 2


def lwf(logits, old_logits):
    q, p = (z[:, :OLD] / TEMPERATURE for z in (logits, old_logits))
    return TEMPERATURE**2 * F.kl_div(F.log_softmax(q, 1), F.softmax(p, 1), reduction="batchmean")


model = ConvNet() if name == "plain-convnet" else Resnet(1, width, 4, 2, CLASSES)
x, y = torch.randn(batch, 1, SIDE, SIDE), OLD + torch.arange(batch) % (CLASSES - OLD)
if layout == "channels-last":
    model, x = model.to(memory_format=torch.channels_last), x.contiguous(memory_format=torch.channels_last)
old = copy.deepcopy(model).eval().requires_grad_(False)
student, teacher = (nn.Linear(model.classifier.in_features, PROJECTED) for _ in range(2))
parameters = list(model.parameters())
if "crd" in strategy:
    parameters += [*student.parameters(), *teacher.parameters()]
optimiser = torch.optim.SGD(parameters, RATE)


def step():
    maps, features, logits = forward(model, x)
    loss = F.cross_entropy(logits, y)
    if "crd" in strategy or "lwf" in strategy:
        with torch.no_grad():
            _, old_features, old_logits = forward(old, x)
    if "zipf" in strategy:
        loss = loss + LAMBDA * zipf(maps, logits, y)
    if "crd" in strategy:
        loss = loss + WEIGHT * crd(features, old_features, y)
    if "lwf" in strategy:
        loss = loss + lwf(logits, old_logits)
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()


time_steps(step, steps, WARM_UP)
