"""DER++ on Split Fashion-MNIST in plain PyTorch, written from the paper's equations: the loop that
a careful user writes, with all images in memory as float tensors and no DataLoader.  It is the
peer of `mneme run split-fmnist derpp`: same network, batch, buffer, recipe and evaluations.

    python3 derpp_torch.py FOLDER [SEED]     prints seconds and class-IL accuracy as JSON
"""
import gzip
import json
import sys
import time

import numpy
import torch
import torch.nn.functional as F

ALPHA, BETA, RATE, BATCH, REPLAY, BUFFER = 1.0, 0.5, 0.03, 10, 10, 500


def idx(path):
    data = gzip.open(path).read()
    rank = data[3]
    shape = [int.from_bytes(data[4 + 4 * i:8 + 4 * i], "big") for i in range(rank)]
    return torch.from_numpy(numpy.frombuffer(data, numpy.uint8, offset=4 + 4 * rank)
                            .reshape(shape).copy())


class Reservoir:
    def __init__(self, generator):
        self.x, self.y = torch.zeros(BUFFER, 784), torch.zeros(BUFFER, dtype=torch.long)
        self.z, self.seen, self.generator = torch.zeros(BUFFER, 10), 0, generator

    def offer(self, x, y, z):
        for i in range(len(x)):
            slot = self.seen
            if slot >= BUFFER:
                slot = int(torch.randint(self.seen + 1, (1,), generator=self.generator))
            if slot < BUFFER:
                self.x[slot], self.y[slot], self.z[slot] = x[i], y[i], z[i]
            self.seen += 1

    def draw(self):
        used = min(self.seen, BUFFER)
        return torch.randperm(used, generator=self.generator)[:REPLAY]


def main():
    folder, seed = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 0
    began = time.perf_counter()
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    train = idx(folder + "/train-images-idx3-ubyte.gz").reshape(-1, 784).float() / 255
    test = idx(folder + "/t10k-images-idx3-ubyte.gz").reshape(-1, 784).float() / 255
    train_y = idx(folder + "/train-labels-idx1-ubyte.gz").long()
    test_y = idx(folder + "/t10k-labels-idx1-ubyte.gz").long()
    net = torch.nn.Sequential(torch.nn.Linear(784, 100), torch.nn.ReLU(), torch.nn.Linear(100, 100),
                              torch.nn.ReLU(), torch.nn.Linear(100, 10))
    for layer in net[::2]:
        torch.nn.init.xavier_uniform_(layer.weight)
        torch.nn.init.zeros_(layer.bias)
    optimiser = torch.optim.SGD(net.parameters(), RATE)
    memory = Reservoir(generator)
    for task in range(5):
        images = ((train_y // 2) == task).nonzero()[:, 0]
        for rows in images[torch.randperm(len(images), generator=generator)].split(BATCH):
            x, y = train[rows], train_y[rows]
            optimiser.zero_grad()
            logits = net(x)
            loss = F.cross_entropy(logits, y)
            if memory.seen > 0:
                old = memory.draw()
                loss = loss + ALPHA * F.mse_loss(net(memory.x[old]), memory.z[old])
                old = memory.draw()
                loss = loss + BETA * F.cross_entropy(net(memory.x[old]), memory.y[old])
            loss.backward()
            optimiser.step()
            memory.offer(x, y, logits.detach())
        with torch.no_grad():
            accuracy = [float((net(test[(test_y // 2) == t])[:, :2 * task + 2].argmax(1) ==
                               test_y[(test_y // 2) == t]).float().mean()) for t in range(task + 1)]
    print(json.dumps({"seconds": time.perf_counter() - began,
                      "average_accuracy": 100 * sum(accuracy) / len(accuracy)}))


main()
