"""Condensed memories against PyTorch:  condensed.py MNEME

Whole runs on images of one and of three channels, compared with a reference that was written from the
method's description: the loss of every iteration, and every pixel in the buffer at the end, which has
gone by the gradients of all of them.  What is drawn is looked up as mneme looks it up.  Exits 77
(skipped) without PyTorch.
"""

import json
import math
import os
import subprocess
import sys
import tempfile

try:
    import numpy as np
    import torch
    import torch.nn.functional as F
except ImportError as why:
    print(f"skipped: {sys.executable}: {why}; on Debian: apt install python3-torch python3-numpy")
    sys.exit(77)

sys.dont_write_bytecode = True  # the sources' folder stays as it is

import philox
from runs import Run

CLASSES, TASKS, A_CLASS, SIDE = 6, 3, 9, 12
WIDTH, DEPTH, REAL, ITERATIONS, RATE, MOMENTUM = 5, 2, 4, 30, 1.0, 0.5
MEAN, DEVIATION = 0.4, 0.25
TOLERANCE = 5e-5  # of the largest loss, and of the largest move of a pixel
NAMES = ("colour", "crop", "cutout", "scale", "rotate", "flip")
OPTIONS = {"per_class": 0, "initial": "real", "augmentation": "shared", "networks": "new", "shrink": "condense", "flip": True}


# --- what is drawn ---


def key_of(kind, name, step):
    return philox.key_at(philox.key_of(0, f"{kind}.condensed/{name}"), step)


def uniform(key, counter):
    return (philox.whole(key, counter) >> 11) * 2.0**-53


def network_of(key, channels):
    """Weights and biases of the convolutions; a norm's two parameters lie between two of them."""
    layers, inputs = [], channels
    for block in range(DEPTH):
        bound = 1 / math.sqrt(inputs * 9)
        shapes = ((WIDTH, inputs, 3, 3), (WIDTH,))
        layer = []
        for i, shape in enumerate(shapes):
            numbers = philox.uniform(philox.key_at(key, 4 * block + i), math.prod(shape))
            numbers = bound * (2 * np.array(numbers) - 1)
            layer.append(torch.tensor(numbers.astype(np.float32)).double().reshape(shape))
        layers.append(layer)
        inputs = WIDTH
    return layers


def embedding(layers, x):
    for block, (weight, bias) in enumerate(layers):
        x = F.conv2d(x, weight, bias, padding=3 if block == 0 and x.shape[1] == 1 else 1)
        x = F.avg_pool2d(F.relu(F.instance_norm(x, eps=1e-5)), 2)
    return x.flatten(1)


# --- the augmentation ---


def shifted(x, down, across):
    padded = F.pad(x, (SIDE,) * 4)
    return padded[:, :, SIDE - down : 2 * SIDE - down, SIDE - across : 2 * SIDE - across]


def warped(x, matrix):
    theta = torch.tensor([matrix[0] + [0.0], matrix[1] + [0.0]], dtype=torch.float32).double()
    grid = F.affine_grid(theta.expand(len(x), 2, 3), x.shape, align_corners=False)
    return F.grid_sample(x, grid, mode="bilinear", padding_mode="zeros", align_corners=False)


def augmented(x, key, flip, drawn):
    operation = NAMES[philox.below(key, 0, len(NAMES) if flip else len(NAMES) - 1)]
    drawn.add(operation)
    key = philox.key_at(key, 0)  # of the first row, and so of all
    first, second = uniform(key, 0), uniform(key, 1)
    if operation == "colour":
        x = x + (first - 0.5)
        if x.shape[1] > 1:
            mean = x.mean(1, keepdim=True)
            x = (x - mean) * (2 * second) + mean
        mean = x.mean((1, 2, 3), keepdim=True)
        return (x - mean) * (uniform(key, 2) + 0.5) + mean
    if operation == "crop":
        most = int(0.125 * SIDE + 0.5)
        return shifted(x, *(philox.below(key, i, 2 * most + 1) - most for i in range(2)))
    if operation == "cutout":
        side = int(0.5 * SIDE + 0.5)
        top, left = (philox.below(key, i, SIDE + 1 - side % 2) - side // 2 for i in range(2))
        mask = torch.ones(SIDE, SIDE).double()
        mask[max(top, 0) : max(top + side, 0), max(left, 0) : max(left + side, 0)] = 0
        return x * mask
    if operation == "scale":
        across, down = (r * (1.2 - 1 / 1.2) + 1 / 1.2 for r in (first, second))
        return warped(x, [[across, 0.0], [0.0, down]])
    if operation == "rotate":
        angle = math.radians(15) * (2 * first - 1)
        return warped(x, [[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    return x.flip(3) if first < 0.5 else x


# --- condensing ---


class Reference:
    def __init__(self, x, labels, capacity, options):
        self.x, self.labels, self.capacity, self.o = x, labels, capacity, options
        self.memory, self.losses, self.moves, self.drawn = [], [], [], set()  # memory: (label, image) by slot

    def share(self, label, seen):
        each = self.capacity // seen + (label < self.capacity % seen)
        return self.o["per_class"] or each

    def of_class(self, name, step, label, wanted):
        (places,) = np.nonzero(self.labels == label)
        key = philox.key_at(key_of("draw-stream-of-class", name, step), label)
        return self.x[places[philox.subset(key, len(places), min(wanted, len(places)))]]

    def stored(self, step, label):
        order = philox.subset(key_of("draw", "stored", step), len(self.memory), len(self.memory))
        rows = [self.memory[i][1] for i in order if self.memory[i][0] == label]
        return torch.stack(rows) if rows else None

    def parts(self, past, seen):
        kept = [label for label, _ in self.memory]
        condenses = self.o["shrink"] == "condense"
        old = [c for c in range(past) if condenses and kept.count(c) > self.share(c, seen)]
        return [(c, c < past, self.share(c, seen)) for c in old + list(range(past, seen))]

    def begin(self, step, parts):
        if self.o["initial"] == "noise":
            shape = (self.rows, *self.x.shape[1:])
            numbers = philox.normal(key_of("noise", "initial", step), math.prod(shape))
            x = torch.tensor(np.float32(numbers)).double().reshape(shape)
            return list(x[: sum(rows for _, _, rows in parts)].split([rows for _, _, rows in parts]))
        images = []
        for label, old, rows in parts:
            real = self.stored(step, label) if old else self.of_class("initial", step, label, rows)
            images.append(torch.cat([real] * math.ceil(rows / len(real)))[:rows])
        return images

    def loss(self, step, parts, images, layers):
        loss = 0
        for (label, old, _), made in zip(parts, images):
            real = self.stored(step, label) if old else self.of_class("real", step, label, REAL)
            key = philox.key_at(key_of("strategy", "augment", step), label)
            other = philox.key_at(key, philox.MASK) if self.o["augmentation"] == "apart" else key
            if self.o["augmentation"] != "none":
                real = augmented(real, key, self.o["flip"], self.drawn)
                made = augmented(made, other, self.o["flip"], self.drawn)
            apart = embedding(layers, real).mean(0) - embedding(layers, made).mean(0)
            loss = loss + (apart**2).sum()
        return loss

    def task(self, past, seen, steps):
        parts = self.parts(past, seen)
        images = [x.clone().requires_grad_() for x in self.begin(steps[0], parts)]
        start = [x.detach().clone() for x in images]
        momenta = [torch.zeros_like(x) for x in images]
        for step in steps:
            if step == steps[0] or self.o["networks"] == "new":
                layers = network_of(key_of("strategy", "random", step), self.x.shape[1])
            loss = self.loss(step, parts, images, layers)
            self.losses.append(loss.item())
            with torch.no_grad():
                for x, v, g in zip(images, momenta, torch.autograd.grad(loss, images)):
                    v.mul_(MOMENTUM).add_(g)
                    x -= RATE * v
        self.moves += [(a.detach() - b).abs().max().item() for a, b in zip(images, start)]
        self.write(past, seen, parts, [x.detach() for x in images])

    def write(self, past, seen, parts, images):
        slots = dict(enumerate(self.memory))
        if self.o["shrink"] == "drop":
            for label in range(past):
                held = [slot for slot in sorted(slots) if slots[slot][0] == label]
                for slot in held[self.share(label, seen) :]:
                    del slots[slot]
        for (label, old, _), made in zip(parts, images):
            slots = {s: row for s, row in slots.items() if not old or row[0] != label}
            for image in made:
                slots[next(s for s in range(self.capacity) if s not in slots)] = (label, image)
        assert sorted(slots) == list(range(len(slots))), "there is a free slot below another row"
        self.memory = [slots[slot] for slot in sorted(slots)]


# --- runs ---


def run(mneme, folder, channels, capacity, options):
    benchmark = {
        "name": "parity",
        "dataset": {"name": "npy", "path": f"{folder}/images.npz"},
        "stream": {"tasks": TASKS},
        "network": {"name": "mlp", "widths": "4"},
        "normalise": {"mean": [MEAN] * channels, "deviation": [DEVIATION] * channels},
        "train": {"batch": 100, "log_every": 1, "buffer_size": capacity, "buffer_values": "f32", "lr": 0.01},
    }
    with open(f"{folder}/parity.json", "w") as file:
        json.dump(benchmark, file)
    settings = {**options, "iterations": ITERATIONS, "real": REAL, "width": WIDTH, "depth": DEPTH, "lr": RATE}
    path = f"{folder}/run.mneme"
    words = [mneme, "run", f"{folder}/parity.json", "condensed", "--quiet", "--overwrite", "--out", path]
    words += [f"--set=condensed.{key}={str(value).lower()}" for key, value in settings.items()]
    done = subprocess.run(words, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(words)}: {done.stderr.strip()}")
    return Run(path)


def images_of(random, channels):
    labels = np.arange(CLASSES * A_CLASS) % CLASSES
    prototypes = random.uniform(0, 255, (CLASSES, channels, SIDE, SIDE))
    noisy = prototypes[labels] + 60 * random.standard_normal((len(labels), channels, SIDE, SIDE))
    return noisy.clip(0, 255).astype(np.uint8), labels


def compare(mneme, folder, pixels, labels, capacity, changes):
    options = {**OPTIONS, **changes}
    got = run(mneme, folder, pixels.shape[1], capacity, options)
    x = np.float32(pixels) / np.float32(255)
    x = (x - np.float32(MEAN)) / np.float32(DEVIATION)
    reference = Reference(torch.from_numpy(x).double(), labels, capacity, options)
    reference.rows = CLASSES // TASKS * options["per_class"] or capacity
    query = "SELECT DISTINCT step FROM scalar WHERE phase = 'condense' ORDER BY step"
    steps = [step for (step,) in got.rows(query)]
    for task in range(TASKS):
        each = CLASSES // TASKS
        reference.task(task * each, (task + 1) * each, steps[task * ITERATIONS : (task + 1) * ITERATIONS])
    losses = got.losses("condensed/match", "condense")
    apart = np.abs(losses - reference.losses).max() / np.max(reference.losses)
    rows = got.rows("SELECT label, source, image FROM exemplar ORDER BY slot")
    assert [row[0] for row in rows] == [label for label, _ in reference.memory]
    assert all(source == -1 for _, source, _ in rows)
    made = np.array([np.frombuffer(image, np.float32) for _, _, image in rows], np.float64)
    made = (made - MEAN) / DEVIATION
    expected = np.array([image.numpy().ravel() for _, image in reference.memory])
    moved = np.abs(made - expected).max() / max(reference.moves)
    return apart, moved, reference


CASES = [
    (1, 6, {}),
    (3, 12, {"per_class": 2}),
    (3, 10, {}),
    (1, 13, {"shrink": "drop"}),
    (1, 12, {"initial": "noise", "flip": False}),
    (3, 12, {"augmentation": "apart", "per_class": 2}),
    (1, 12, {"augmentation": "none", "per_class": 1}),
    (1, 12, {"networks": "fixed", "per_class": 2}),
]


def main():
    mneme, failed, drawn = sys.argv[1], False, set()
    random = np.random.RandomState(4)
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        for channels, capacity, changes in CASES:
            pixels, labels = images_of(random, channels)
            arrays = {"x_train": pixels, "y_train": labels, "x_test": pixels, "y_test": labels}
            np.savez(f"{folder}/images.npz", **arrays)
            loss, moved, reference = compare(mneme, folder, pixels, labels, capacity, changes)
            drawn |= {(name, channels) for name in reference.drawn}
            wrong = not (loss <= TOLERANCE and moved <= TOLERANCE)
            failed |= wrong
            about = " ".join(f"{key}={value}" for key, value in changes.items()) or "shares"
            print(f"{'WRONG ' if wrong else ''}{channels} channel(s), {about}: losses {loss:.1e}, pixels {moved:.1e}")
    missing = {(name, channels) for name in NAMES for channels in (1, 3)} - drawn
    assert not missing, f"never drawn: {missing}"
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
