"""The step of bench_step.c in PyTorch:

    step_torch.py WORK NETWORK CxHxW BATCH THREADS STEPS LAYOUT

LAYOUT is default or channels-last; vit-tiny and mobilenet-v2-imagenet are torchvision's."""

import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../../tests/parity"))

import torch
import torch.nn.functional as F
import torchvision
from networks import ResNet
from timing import time_steps
from torch import nn

ALPHA, BETA, RATE, CLASSES, WARM_UP = 0.2, 0.5, 0.01, 10, 3

work, name, shape, batch, threads, steps, layout = sys.argv[1:8]
shape, batch, steps = [int(n) for n in shape.split("x")], int(batch), int(steps)
torch.set_num_threads(int(threads))
torch.manual_seed(1)
if name == "mlp":
    pixels = shape[0] * shape[1] * shape[2]
    model = nn.Sequential(nn.Flatten(), nn.Linear(pixels, 100), nn.ReLU(), nn.Linear(100, 100),
                          nn.ReLU(), nn.Linear(100, CLASSES))
elif name == "vit-tiny":
    model = torchvision.models.VisionTransformer(shape[1], 4, 6, 3, 192, 768, num_classes=CLASSES)
elif name == "mobilenet-v2-imagenet":
    model = torchvision.models.mobilenet_v2(num_classes=CLASSES, dropout=0)
else:
    model = ResNet(shape[0], {"resnet18": 64, "resnet18-reduced": 20}[name], 4, 2, CLASSES)
draws, labels = [torch.randn(batch, *shape) for _ in range(3)], torch.arange(batch) % CLASSES
logits = torch.zeros(batch, CLASSES)
if layout == "channels-last":
    model = model.to(memory_format=torch.channels_last)
    draws = [draw.contiguous(memory_format=torch.channels_last) for draw in draws]
optimiser = torch.optim.SGD(model.parameters(), lr=RATE)


def descend(loss):
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()


def step():
    if work == "evaluate":
        with torch.no_grad():
            return model(draws[0])
    loss = F.cross_entropy(model(draws[0]), labels)
    if work == "derpp":
        loss = loss + ALPHA * F.mse_loss(model(draws[1]), logits)
        loss = loss + BETA * F.cross_entropy(model(draws[2]), labels)
    return descend(loss)


model.train(work != "evaluate")
time_steps(step, steps, WARM_UP)
