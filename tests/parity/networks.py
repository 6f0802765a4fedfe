"""Twenty steps of networks on images: the DER authors' ResNet-18 at two widths, and the others.

Their modules are written from the papers, with the names of the DER authors' backbone.

A ReLU whose input is within rounding of 0 turns one way here and the other way there. One such unit
of a late layer changes the gradient of every layer below by some 5e-3, where rounding alone changes
it by 2e-6: PyTorch's own float32 differs from its float64 by as much on one batch in three. Such a
test would say which units lie near 0, not whether a gradient is right. So the shifts of the norms
start where no unit of the first batch lies near 0: each channel's shift goes, by less than
LARGEST_SHIFT, to the middle of the widest gap between its units. Only PyTorch in float64 decides it.
"""

import copy
import json

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

import training
from training import STEPS

LOGITS_TOLERANCE = 1e-4
DRAW = 2
LARGEST_SHIFT, LEAST_GAP = 0.02, 1e-4


def images(rows, channels, size, draw, classes=10):
    """A smooth prototype for each class, and noise."""
    random = np.random.RandomState(draw)
    prototypes = random.standard_normal((classes, channels, size // 4, size // 4))
    prototypes = prototypes.repeat(4, 2).repeat(4, 3)
    labels = random.randint(0, classes, (STEPS + 1) * rows)
    noise = random.standard_normal((labels.size, channels, size, size))
    return (prototypes[labels] + 0.3 * noise).astype(np.float32), labels


class Rectifier(nn.Module):
    """A ReLU that knows the norm whose shift moves its input."""

    def __init__(self, norm):
        super().__init__()
        self.shift = (norm.bias,)  # in a tuple: no parameter of this module

    def forward(self, x):
        return F.relu(x)


def widest_gap(units):
    """The least shift that moves 0 to the middle of the widest gap between units near 0."""
    near = units[units.abs() < LARGEST_SHIFT].sort().values
    edges = torch.cat([near.new_tensor([-LARGEST_SHIFT]), near, near.new_tensor([LARGEST_SHIFT])])
    widest = edges.diff().argmax()
    return -(edges[widest] + edges[widest + 1]) / 2


def clear_of_zero(model, batch):
    """Moves the norms' shifts so that no ReLU's input is near 0 on this batch."""
    exact = copy.deepcopy(model).double()

    def move(rectifier, inputs):
        (x,) = inputs  # (B, C, H, W)
        shifts = torch.stack([widest_gap(units) for units in x.transpose(0, 1).flatten(1)])
        rectifier.shift[0].data += shifts
        x = x + shifts.view(1, -1, 1, 1)
        assert x.abs().min() > LEAST_GAP / 2, "units on both sides of 0 are too close"
        return (x,)

    for module in exact.modules():
        if isinstance(module, Rectifier):
            module.register_forward_pre_hook(move)
    with torch.no_grad():
        exact(torch.tensor(batch).double())
    model.load_state_dict({**model.state_dict(), **dict(exact.named_parameters())})


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
        self.relu1, self.relu2 = Rectifier(self.bn1), Rectifier(self.bn2)

    def forward(self, x):
        y = self.relu1(self.bn1(self.conv1(x)))
        return self.relu2(self.bn2(self.conv2(y)) + self.shortcut(x))


class ResNet(nn.Module):
    def __init__(self, channels, width, stages, blocks, classes=10):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, width, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.relu1 = Rectifier(self.bn1)
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
        x = self.relu1(self.bn1(self.conv1(x)))
        for stage in range(self.stages):
            x = getattr(self, f"layer{stage + 1}")(x)
        return self.classifier(x.mean((2, 3)))


class PreActivationBlock(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.bn1 = nn.BatchNorm2d(inputs)
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.shortcut = None
        if stride != 1 or inputs != outputs:
            self.shortcut = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False))
        self.relu1, self.relu2 = Rectifier(self.bn1), Rectifier(self.bn2)

    def forward(self, x):
        y = self.relu1(self.bn1(x))
        branch = self.conv2(self.relu2(self.bn2(self.conv1(y))))
        return branch + (x if self.shortcut is None else self.shortcut(y))


class PreActivationResNet(nn.Module):
    """Two of these: 4 stages of 2 blocks as wide as the stem, and 3 stages of wide blocks."""

    def __init__(self, channels, stem, width, stages, blocks, classes=10):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, stem, 3, 1, 1, bias=False)
        self.stages, inputs = stages, stem
        for stage in range(stages):
            layer = []
            for block in range(blocks):
                outputs, strides = width << stage, stage > 0 and block == 0
                layer.append(PreActivationBlock(inputs, outputs, 2 if strides else 1))
                inputs = outputs
            setattr(self, f"layer{stage + 1}", nn.Sequential(*layer))
        self.bn = nn.BatchNorm2d(inputs)
        self.relu = Rectifier(self.bn)
        self.classifier = nn.Linear(inputs, classes)

    def forward(self, x):
        x = self.conv1(x)
        for stage in range(self.stages):
            x = getattr(self, f"layer{stage + 1}")(x)
        return self.classifier(self.relu(self.bn(x)).mean((2, 3)))


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
            layers += [Rectifier(layers[-1]), nn.MaxPool2d(2) if pooling == "max" else nn.AvgPool2d(2)]
            size, inputs = (size + 2 * padding - 2) // 2, width
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Linear(width * size * size, classes)

    def forward(self, x):
        return self.classifier(self.features(x).flatten(1))


class ImageTraining(training.Training):
    """The same steps and figures, for another network and its options."""

    def __init__(self, name, network, options, make, rows, channels, size, rate):
        self.name = name
        self.network, self.network_options = network, options
        self.optimiser, self.rate, self.options = "sgd", rate, {"momentum": 0.9}
        self.images, self.labels = images(rows, channels, size, DRAW)
        self.logits_tolerance, self.noise = LOGITS_TOLERANCE, 1e-3
        if network == "resnet32":  # 31 layers multiply rounding in 20 steps
            self.loss_tolerance = 0.1
        torch.manual_seed(3)
        self.model = make()
        clear_of_zero(self.model, self.batches()[0])
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
    ("resnet18", "resnet18", {}, lambda: ResNet(3, 64, 4, 2), 8, 3, 32, 3e-4),
    ("resnet18-reduced", "resnet18-reduced", {}, lambda: ResNet(3, 20, 4, 2), 16, 3, 32, 6e-4),
    ("resnet32", "resnet32", {}, lambda: ResNet(3, 16, 3, 5), 8, 3, 32, 2e-3),
    (
        "preact-resnet18, width 8",
        "preact-resnet18",
        {"width": 8},
        lambda: PreActivationResNet(3, 8, 8, 4, 2),
        8,
        3,
        32,
        5e-3,
    ),
    (
        "wide-resnet, WRN-10-2",
        "wide-resnet",
        {"depth": 10, "widen": 2},
        lambda: PreActivationResNet(3, 16, 32, 3, 1),
        8,
        3,
        32,
        1.3e-2,
    ),
    convnet("instance", "average", 3, 32),
    convnet("batch", "max", 1, 28),
    convnet("none", "max", 3, 20),
]


def check(exchange):
    return training.compare(exchange, [ImageTraining(*network) for network in NETWORKS])
