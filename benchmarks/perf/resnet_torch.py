"""The step of bench_resnet.c in PyTorch:  resnet_torch.py NETWORK BATCH THREADS STEPS LAYOUT

LAYOUT is default or channels-last."""

import os
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../../tests/parity"))

import torch
import torch.nn.functional as F
from networks import ResNet

name, batch, threads, steps, layout = sys.argv[1], *map(int, sys.argv[2:5]), sys.argv[5]
torch.set_num_threads(threads)
torch.manual_seed(1)
model = ResNet(3, {"resnet18": 64, "resnet18-reduced": 20}[name], 4, 2)
images, labels = torch.randn(batch, 3, 32, 32), torch.arange(batch) % 10
if layout == "channels-last":
    model = model.to(memory_format=torch.channels_last)
    images = images.contiguous(memory_format=torch.channels_last)
optimiser = torch.optim.SGD(model.parameters(), lr=0.01)
seconds = []
for step in range(3 + steps):
    before = time.perf_counter()
    optimiser.zero_grad()
    F.cross_entropy(model(images), labels).backward()
    optimiser.step()
    seconds.append(time.perf_counter() - before)
seconds = sorted(seconds[3:])
print(
    f"PyTorch {layout} {name} batch {batch}: median {1e3 * seconds[steps // 2]:.1f} ms, "
    f"fastest {1e3 * seconds[0]:.1f} ms"
)
