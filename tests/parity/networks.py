"""Twenty steps of networks on images: the DER authors' ResNet-18 at two widths, and the others.

Their modules are written from the papers, with the names of the DER authors' backbone.
"""

import json

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

import training
from training import STEPS

LOGITS_TOLERANCE = 1e-4
DRAWS = (2, 3, 4)


def images(rows, channels, size, draw, classes=10):
    """A smooth prototype for each class, and noise."""
    random = np.random.RandomState(draw)
    prototypes = random.standard_normal((classes, channels, size // 4, size // 4))
    prototypes = prototypes.repeat(4, 2).repeat(4, 3)
    labels = random.randint(0, classes, (STEPS + 1) * rows)
    noise = random.standard_normal((labels.size, channels, size, size))
    return (prototypes[labels] + 0.3 * noise).astype(np.float32), labels


class BasicBlock(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.shortcut = nn.Sequential()
        if stride != 1 or inputs != outputs:
            projection = nn.Conv2d(inputs, outputs, 1, stride, bias=False)
            self.shortcut = nn.Sequential(projection, nn.BatchNorm2d(outputs))

    def forward(self, x):
        y = F.relu(self.bn1(self.conv1(x)))
        return F.relu(self.bn2(self.conv2(y)) + self.shortcut(x))


class ResNet(nn.Module):
    def __init__(self, channels, width, stages, blocks, classes=10):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, width, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.stages, inputs = stages, width
        for stage in range(stages):
            layer = []
            for block in range(blocks):
                outputs = width << stage
                layer.append(BasicBlock(inputs, outputs, 2 if stage > 0 and block == 0 else 1))
                inputs = outputs
            setattr(self, f"layer{stage + 1}", nn.Sequential(*layer))
        self.classifier = nn.Linear(inputs, classes)

    def forward(self, x):
        x = F.relu(self.bn1(self.conv1(x)))
        for stage in range(self.stages):
            x = getattr(self, f"layer{stage + 1}")(x)
        return self.classifier(x.mean((2, 3)))


class ConvNet(nn.Module):
    def __init__(self, channels, size, width, depth, norm, pooling, classes=10):
        super().__init__()
        layers, inputs = [], channels
        for block in range(depth):
            padding = 3 if block == 0 and channels == 1 else 1
            layers.append(nn.Conv2d(inputs, width, 3, 1, padding))
            if norm == "batch":
                layers.append(nn.BatchNorm2d(width))
            if norm == "instance":
                layers.append(nn.GroupNorm(width, width))
            layers += [nn.ReLU(), nn.MaxPool2d(2) if pooling == "max" else nn.AvgPool2d(2)]
            size, inputs = (size + 2 * padding - 2) // 2, width
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Linear(width * size * size, classes)

    def forward(self, x):
        return self.classifier(self.features(x).flatten(1))


class ImageTraining(training.Training):
    """The same steps and figures, for another network and its options."""

    def __init__(self, name, network, options, make, rows, channels, size, rate, draw):
        self.name = f"{name}, data {draw}"
        self.network, self.network_options = network, options
        self.optimiser, self.rate, self.options = "sgd", rate, {"momentum": 0.9}
        self.images, self.labels = images(rows, channels, size, draw)
        self.logits_tolerance, self.noise = LOGITS_TOLERANCE, 1e-3
        if network == "resnet32":  # 31 layers multiply rounding in 20 steps
            self.loss_tolerance = 0.1
        torch.manual_seed(3)
        self.model = make()
        self.before = self.weights()

    def batches(self):
        return self.images.reshape(STEPS + 1, -1, *self.images.shape[1:])

    def described_network(self):
        return {"network": self.network, "options": json.dumps(self.network_options)}


def convnet(norm, pooling, channels, size):
    return (
        f"convnet, norm {norm}, pooling {pooling}",
        "convnet",
        {"norm": norm, "pooling": pooling, "width": 24, "depth": 2},
        lambda: ConvNet(channels, size, 24, 2, norm, pooling),
        8,
        channels,
        size,
        0.01,
    )


# name, network, options, PyTorch's module, rows of a batch, channels and size of images, rate
NETWORKS = [
    ("resnet18", "resnet18", {}, lambda: ResNet(3, 64, 4, 2), 8, 3, 16, 2e-4),
    ("resnet18-reduced", "resnet18-reduced", {}, lambda: ResNet(3, 20, 4, 2), 16, 3, 16, 6e-4),
    ("resnet32", "resnet32", {}, lambda: ResNet(3, 16, 3, 5), 8, 3, 32, 2e-3),
    convnet("instance", "average", 3, 32),
    convnet("batch", "max", 1, 28),
    convnet("none", "max", 3, 20),
]


def check(exchange):
    """A ReLU whose input is within rounding of 0 turns one way here and the other way there, and
    changes gradients by more than rounding; one image in some hundreds has one.  So a network that
    differs gets other data, twice: a mistake would differ on all of them."""
    wrong = []
    for network in NETWORKS:
        for draw in DRAWS:
            found = training.compare(exchange, [ImageTraining(*network, draw)])
            if not found:
                break
        wrong += found
    return wrong
