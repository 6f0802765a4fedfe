"""NNCSL's step in the second task in PyTorch, views and all:

    nncsl_torch.py NETWORK WIDTH CxHxW UNLABELLED LABELLED SMALL THREADS STEPS LAYOUT

The step of bench_nncsl.c, written from the method's specification.  LAYOUT is default or
channels-last.  Views are made of whole batches at once: torchvision's transforms of tensors draw one
set of numbers for a batch, so crops and mirroring are one affine_grid and grid_sample of all images,
and brightness and contrast, whose order is drawn once a batch, torchvision's formulas over the batch
with a factor for each image.  Grey values and normalisation are torchvision's.
"""

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
from torchvision.transforms import functional as vision
from training import Lars

CLASSES, OLD, PRESENT, WARM_UP = 4, 2, 2, 5
TAU, EPSILON, SHARP, LEAST = 0.1, 0.1, 0.25, 1e-4
name, width = sys.argv[1], int(sys.argv[2])
channels, side, _ = map(int, sys.argv[3].split("x"))
unlabelled, labelled, small, threads, steps = map(int, sys.argv[4:9])
layout = sys.argv[9]
torch.set_num_threads(threads)
torch.manual_seed(1)


class ConvNet(nn.Module):
    """Three blocks; features are what its classifier sees."""

    def __init__(self):
        super().__init__()
        blocks, inputs = [], channels
        for block in range(3):
            blocks += [nn.Conv2d(inputs, width, 3, padding=3 if block == 0 and channels == 1 else 1), nn.BatchNorm2d(width),
                       nn.ReLU(), nn.AvgPool2d(2)]
            inputs = width
        self.body = nn.Sequential(*blocks, nn.Flatten())
        self.classifier = nn.Linear(width * ((side + 4) // 8) ** 2, CLASSES)


class Resnet(nn.Module):
    def __init__(self):
        super().__init__()
        whole = ResNet(channels, width, 4, 2, CLASSES)
        self.classifier, whole.classifier = whole.classifier, nn.Identity()
        self.body = whole


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.network = ConvNet() if name == "convnet" else Resnet()
        widths = [self.network.classifier.in_features, 64, 64]
        layers = []
        for before, after in zip(widths, widths[1:]):
            layers += [nn.Linear(before, after), nn.BatchNorm1d(after), nn.ReLU()]
        self.projection = nn.Sequential(*layers, nn.Linear(64, 32))

    def forward(self, x):
        features = self.network.body(x)
        return features, self.projection(features)


def views(images, size, area):
    """Random resized crops, mirrored half the time, of changed brightness and contrast: (B, ...)."""
    count = len(images)
    part = torch.empty(count).uniform_(*area)
    ratio = torch.exp(torch.empty(count).uniform_(-0.105, 0.105))
    across, down = (part * ratio).sqrt().clamp(max=1), (part / ratio).sqrt().clamp(max=1)
    theta = torch.zeros(count, 2, 3)
    theta[:, 0, 0] = across * (1 - 2 * (torch.rand(count) < 0.5).float())
    theta[:, 1, 1] = down
    theta[:, 0, 2] = (2 * torch.rand(count) - 1) * (1 - across)
    theta[:, 1, 2] = (2 * torch.rand(count) - 1) * (1 - down)
    grid = F.affine_grid(theta, (count, channels, size, size), align_corners=False)
    x = F.grid_sample(images.float() / 255, grid, align_corners=False, padding_mode="border")
    jittered = torch.rand(count) < 0.8

    def factor():
        return torch.where(jittered, torch.empty(count).uniform_(0.8, 1.2), torch.ones(count)).view(-1, 1, 1, 1)

    for change in torch.randperm(2).tolist():
        if change == 0:
            x = (x * factor()).clamp_(0, 1)
        else:
            f = factor()
            grey = vision.rgb_to_grayscale(x) if channels == 3 else x
            x = (x * f + (1 - f) * grey.mean((1, 2, 3), keepdim=True)).clamp_(0, 1)
    return vision.normalize(x, [0.3] * channels, [0.3] * channels)


def vote(queries, supports, labels):
    return F.softmax(F.normalize(queries) @ F.normalize(supports).T / TAU, 1) @ labels


def sharpen(p):
    powers = p ** (1 / SHARP)
    return powers / powers.sum(1, keepdim=True)


def smooth(labels, classes):
    return F.one_hot(labels, classes).float() * (1 - EPSILON) + EPSILON / classes


def encode(encoder, full, crops, supports):
    features, z = encoder(full)
    anchors = z[supports:]
    if crops is not None:
        anchors = torch.cat([anchors, encoder(crops)[1]])
    return features, z[:supports], anchors


def loss_of(new, old, shown, hidden):
    images, labels = shown
    full = torch.cat([views(images.repeat(2, 1, 1, 1), side, (0.75, 1)),
                      views(hidden.repeat(2, 1, 1, 1), side, (0.75, 1))])
    crops = views(hidden.repeat(small, 1, 1, 1), side * 9 // 16, (0.3, 0.75)) if small else None
    if layout == "channels-last":
        full = full.contiguous(memory_format=torch.channels_last)
        crops = crops.contiguous(memory_format=torch.channels_last) if small else None
    supports, count = 2 * len(labels), len(hidden)
    both = labels.repeat(2)
    features, z, anchors = encode(new, full, crops, supports)
    with torch.no_grad():
        _, z_old, anchors_old = encode(old, full, crops, supports)

    now = both >= OLD
    p = vote(anchors, z[now], smooth(both[now] - OLD, PRESENT))
    with torch.no_grad():
        raw = sharpen(torch.cat([p[count : 2 * count], p[:count]]))
        targets = torch.cat([raw] + [0.5 * (raw[:count] + raw[count:])] * small)
        targets[targets < LEAST] = 0
    mean = sharpen(p).mean(0)
    loss = -(targets * p.log()).sum(1).mean() + (mean * mean.log()).sum()
    loss = loss + 0.005 * F.cross_entropy(new.network.classifier(features[:supports]), both)
    past = smooth(both[~now], OLD)
    with torch.no_grad():
        kept = vote(anchors_old, z_old[~now], past)
    return loss - 0.2 * (kept * vote(anchors, z[~now], past).log()).sum(1).mean()


new = Encoder().eval()  # norms keep their statistics after the first task
if layout == "channels-last":
    new = new.to(memory_format=torch.channels_last)
old = copy.deepcopy(new).requires_grad_(False)
rules = [Lars(part, 0.01, 0.9, 1e-5, 0.001, 1) for part in (new.network, new.projection)]
pixels = torch.randint(0, 256, (unlabelled + labelled * CLASSES, channels, side, side), dtype=torch.uint8)
shown = (pixels[unlabelled:], torch.arange(CLASSES).repeat_interleave(labelled))


def step():
    loss = loss_of(new, old, shown, pixels[:unlabelled])
    for rule in rules:
        rule.zero_grad()
    loss.backward()
    for rule in rules:
        rule.step()


time_steps(step, steps, WARM_UP)
