"""Finetune, ER and DER++ on a fifth of CIFAR-10 in plain PyTorch, written from the papers: the peer
of `mneme sweep benchmarks/studies/small-cifar10.json`, for accuracy.

    python3 small_cifar10_torch.py FOLDER RUNS.jsonl [SEEDS [PART of PARTS]]

FOLDER holds train.bin.xz and test.bin.xz in the records of CIFAR-10. Every finished run appends a
line to RUNS.jsonl; runs that are there already are not run again, so the same command continues.
Run number r belongs to part r modulo PARTS, for one process a core. At the end it prints a table.

The settings are those of split-cifar10 with a buffer of 500: 5 tasks of 2 classes, 5 epochs of
batches of 32, SGD without momentum, images padded by 4 and cropped, flipped half the time, for
replay too. The buffer keeps images as they came, and logits of the augmented view of a batch before
the step. Random numbers are PyTorch's own: the runs agree in distribution, not draw by draw.
"""

import json
import os
import statistics
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../../tests/parity"))

import torch
import torch.nn.functional as F
from cifar import normalised, records
from networks import ResNet

TASKS, CLASSES, EPOCHS, BATCH, REPLAY, BUFFER = 5, 10, 5, 32, 32, 500
RATE = {"finetune": 0.1, "er": 0.1, "derpp": 0.03}
ALPHA, BETA = 0.2, 0.5


def augmented(images):
    """Pad by 4 with black, crop, flip; then normalise."""
    padded = F.pad(images, (4, 4, 4, 4))
    rows = []
    for image in padded:
        y, x = torch.randint(9, (2,)).tolist()
        image = image[:, y : y + 32, x : x + 32]
        rows.append(image.flip(2) if torch.rand(()) < 0.5 else image)
    return normalised(torch.stack(rows))


class Reservoir:
    def __init__(self):
        self.images = torch.zeros(BUFFER, 3, 32, 32, dtype=torch.uint8)
        self.labels = torch.zeros(BUFFER, dtype=torch.long)
        self.logits = torch.zeros(BUFFER, CLASSES)
        self.seen = 0

    def offer(self, images, labels, logits):
        for image, label, row in zip(images, labels, logits):
            slot = self.seen if self.seen < BUFFER else int(torch.randint(self.seen + 1, ()))
            if slot < BUFFER:
                self.images[slot], self.labels[slot], self.logits[slot] = image, label, row
            self.seen += 1

    def draw(self):
        return torch.randperm(min(self.seen, BUFFER))[:REPLAY]


def step(strategy, net, memory, images, labels):
    """The loss of one batch, and the logits of its rows."""
    if strategy == "er" and memory.seen > 0:
        old = memory.draw()
        both = torch.cat([images, memory.images[old]])
        logits = net(augmented(both))
        return F.cross_entropy(logits, torch.cat([labels, memory.labels[old]])), logits
    logits = net(augmented(images))
    loss = F.cross_entropy(logits, labels)
    if strategy == "derpp" and memory.seen > 0:
        old = memory.draw()
        again = net(augmented(memory.images[old]))
        loss = loss + ALPHA * F.mse_loss(again, memory.logits[old])
        old = memory.draw()
        again = net(augmented(memory.images[old]))
        loss = loss + BETA * F.cross_entropy(again, memory.labels[old])
    return loss, logits


def accuracies(net, test, labels):
    """Per cent on each task, among all classes."""
    net.eval()
    with torch.no_grad():
        said = torch.cat([net(normalised(rows)).argmax(1) for rows in test.split(200)])
    net.train()
    right = (said == labels).float()
    return [100 * float(right[labels // 2 == task].mean()) for task in range(TASKS)]


def run(strategy, seed, train, train_labels, test, test_labels):
    torch.manual_seed(seed)
    net, memory = ResNet(3, 20, 4, 2), Reservoir()
    for task in range(TASKS):
        optimiser = torch.optim.SGD(net.parameters(), RATE[strategy])
        ours = (train_labels // 2 == task).nonzero()[:, 0]
        for _ in range(EPOCHS):
            for rows in ours[torch.randperm(len(ours))].split(BATCH):
                loss, logits = step(strategy, net, memory, train[rows], train_labels[rows])
                optimiser.zero_grad()
                loss.backward()
                optimiser.step()
                if strategy != "finetune":
                    memory.offer(train[rows], train_labels[rows], logits.detach()[: len(rows)])
    return accuracies(net, test, test_labels)


def read(path):
    if not os.path.exists(path):
        return {}
    with open(path) as lines:
        done = [json.loads(line) for line in lines]
    return {(one["strategy"], one["seed"]): one for one in done}


def main():
    folder, path = sys.argv[1:3]
    seeds = int(sys.argv[3]) if len(sys.argv) > 3 else 3
    part, parts = (int(sys.argv[4]), int(sys.argv[6])) if len(sys.argv) > 6 else (0, 1)
    data = (*records(folder + "/train.bin.xz"), *records(folder + "/test.bin.xz"))
    runs = [(strategy, seed) for seed in range(seeds) for strategy in RATE]
    for strategy, seed in runs[part::parts]:
        if (strategy, seed) in read(path):
            continue
        began = time.perf_counter()
        by_task = run(strategy, seed, *data)
        line = {
            "strategy": strategy,
            "seed": seed,
            "average_accuracy": sum(by_task) / TASKS,
            "accuracy": by_task,
            "seconds": time.perf_counter() - began,
        }
        with open(path, "a") as out:
            out.write(json.dumps(line) + "\n")
    for strategy in RATE:
        found = [r["average_accuracy"] for (s, _), r in read(path).items() if s == strategy]
        if len(found) > 1:
            mean, deviation = statistics.mean(found), statistics.stdev(found)
            print(f"{strategy:9} class-il average_accuracy {mean:.2f} ± {deviation:.2f}  {len(found)}")


main()
