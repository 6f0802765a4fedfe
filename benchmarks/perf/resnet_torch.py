"""The step of bench_resnet.c in PyTorch:  resnet_torch.py NETWORK BATCH THREADS STEPS WORK LAYOUT

WORK is train, rehearse or evaluate, LAYOUT default or channels-last."""

import os
import resource
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../../tests/parity"))

import torch
import torch.nn.functional as F
from networks import ResNet

name, batch, threads, steps = sys.argv[1], *map(int, sys.argv[2:5])
work, layout = sys.argv[5:7]
torch.set_num_threads(threads)
torch.manual_seed(1)
model = ResNet(3, {"resnet18": 64, "resnet18-reduced": 20}[name], 4, 2)
images, labels = torch.randn(batch, 3, 32, 32), torch.arange(batch) % 10
if layout == "channels-last":
    model = model.to(memory_format=torch.channels_last)
    images = images.contiguous(memory_format=torch.channels_last)
optimiser = torch.optim.SGD(model.parameters(), lr=0.01)


def loss():
    value = F.cross_entropy(model(images), labels)
    if work == "rehearse":
        value = value + 0.3 * F.mse_loss(model(images), torch.zeros(batch, 10))
        value = value + 0.3 * F.cross_entropy(model(images), labels)
    return value


def train():
    optimiser.zero_grad()
    loss().backward()
    optimiser.step()


def evaluate():
    with torch.inference_mode():
        model(images)


model.train(work != "evaluate")
seconds = []
for step in range(3 + steps):
    before = time.perf_counter()
    evaluate() if work == "evaluate" else train()
    seconds.append(time.perf_counter() - before)
seconds = sorted(seconds[3:])
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
print(
    f"PyTorch {layout} {work} {name} batch {batch}: median {1e3 * seconds[steps // 2]:.1f} ms, "
    f"fastest {1e3 * seconds[0]:.1f} ms, peak {peak} MB"
)
