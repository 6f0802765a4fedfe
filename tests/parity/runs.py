"""Whole runs of mneme on a small data set in a fixed order, and what they leave in their files.

Nothing about such a run is random but what a strategy draws: the weights come from a file, images as
they are stored.  A reference can therefore go the same way in PyTorch.
"""

import json
import os
import sqlite3
import struct
import subprocess

import numpy as np
import torch
import torch.nn.functional as F

import philox
import safetensors

TASK_CLASSES = (3, 2, 4, 1)
CLASSES, TASKS = sum(TASK_CLASSES), len(TASK_CLASSES)
SIDE, A_CLASS = 5, 13  # pixels; images of each class
BATCH = 8  # the last batch of every task is short
WIDTHS = (14, 9)
ALIGNED = 16  # floats that a parameter's place in the slab is rounded up to


def images(seed):
    """Classes that overlap, in turn; pixels 0 to 255."""
    random = np.random.RandomState(seed)
    prototypes = np.random.RandomState(7).uniform(0, 255, (CLASSES, SIDE, SIDE))
    labels = np.arange(A_CLASS * CLASSES) % CLASSES
    noisy = prototypes[labels] + 70 * random.standard_normal((labels.size, SIDE, SIDE))
    return noisy.clip(0, 255).astype(np.uint8), labels.astype(np.uint8)


def write_idx(path, array):
    with open(path, "wb") as file:
        file.write(struct.pack(">HBB", 0, 8, array.ndim))
        file.write(struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes())


KINK = 5e-7  # a unit or a margin nearer to 0 might lie on the other side in floats


def clear(x):
    """x, of which no element may be near 0: what comes of it turns there."""
    near = x.detach().abs()
    near = near[near > 0].min().item() if near.any() else 1
    assert near > KINK, f"a unit or a margin is {near:.1e} from 0: too near for floats"
    return x


def rectified(x):
    return F.relu(clear(x))


class Network(torch.nn.Module):
    """An mlp with mneme's names, in double."""

    def __init__(self, batch_norm=False):
        super().__init__()
        self.track = True  # whether running statistics follow
        if batch_norm:
            self.bn1, self.bn2 = (torch.nn.BatchNorm1d(width) for width in WIDTHS)
        self.fc1 = torch.nn.Linear(SIDE * SIDE, WIDTHS[0])
        self.fc2 = torch.nn.Linear(*WIDTHS)
        self.classifier = torch.nn.Linear(WIDTHS[1], CLASSES)
        self.double()

    def normalised(self, x, name):
        if not hasattr(self, name):
            return x
        norm = getattr(self, name)
        if self.track:
            return norm(x)
        return F.batch_norm(x, None, None, norm.weight, norm.bias, training=True)

    def features(self, x):
        x = rectified(self.normalised(self.fc1(x), "bn1"))
        return rectified(self.normalised(self.fc2(x), "bn2"))

    def forward(self, x):
        return self.classifier(self.features(x))


def initial(batch_norm=False):
    torch.manual_seed(11)
    network = Network(batch_norm)
    for parameter in network.parameters():  # what a file of floats can hold
        parameter.data = parameter.data.float().double()
    return network


def labelled_places(labels, of_each):
    """By class, in order of place: those whose labels a run is told with so many of each class."""
    chosen = {}
    for label in range(CLASSES):
        (places,) = np.nonzero(labels == label)
        order = philox.permutation(philox.key_at(philox.key_of(0, "stream.labels"), label), A_CLASS)
        chosen[label] = sorted(int(places[i]) for i in order[:of_each])
    return chosen


class Task:
    """Training data of a task: (x, y) as PyTorch sees it, and each image's place in the data set."""

    def __init__(self, pixels, labels, task):
        first = sum(TASK_CLASSES[:task])
        self.number, self.seen = task, first + TASK_CLASSES[task]
        self.past, self.present = range(first), range(first, self.seen)
        (self.places,) = np.nonzero(np.isin(labels, self.present))
        self.x = torch.from_numpy(pixels[self.places].reshape(-1, SIDE * SIDE) / np.float32(255))
        self.x = self.x.double()
        self.y = torch.from_numpy(labels[self.places].astype(np.int64))

    def batches(self, epochs=1):
        for first in list(range(0, len(self.y), BATCH)) * epochs:
            yield self.x[first : first + BATCH], self.y[first : first + BATCH]


class Runs:
    """Makes runs in a folder; results are read from their files."""

    def __init__(self, mneme, folder):
        self.mneme, self.folder = mneme, folder
        os.mkdir(f"{folder}/mnist")
        self.pixels, self.labels = images(2)
        for part, (pixels, labels) in (("train", images(2)), ("t10k", images(3))):
            write_idx(f"{folder}/mnist/{part}-images-idx3-ubyte", pixels)
            write_idx(f"{folder}/mnist/{part}-labels-idx1-ubyte", labels)
        for batch_norm in (False, True):
            state = initial(batch_norm).state_dict().items()
            tensors = {n: p.numpy().astype(np.float32) for n, p in state if "tracked" not in n}
            safetensors.save(tensors, f"{folder}/in-{batch_norm}.safetensors")

    def tasks(self):
        return [Task(self.pixels, self.labels, task) for task in range(TASKS)]

    def run(self, strategy, settings, start=None):
        """`start` names the file of first weights, where it is not the mlp's."""
        start = settings.get("network.batch_norm", False) if start is None else start
        benchmark = {
            "name": "parity",
            "dataset": {"name": "mnist"},
            "stream": {"tasks": TASKS, "task_classes": TASK_CLASSES},
            "network": {"name": "mlp", "widths": ",".join(str(width) for width in WIDTHS)},
            "train": {"batch": BATCH, "shuffle": False, "log_every": 1},
        }
        with open(f"{self.folder}/parity.json", "w") as file:
            json.dump(benchmark, file)
        path = f"{self.folder}/run.mneme"
        if os.path.exists(path):
            os.remove(path)
        text = {True: "true", False: "false"}
        flags = [f"--set={key}={text[value] if value is True or value is False else value}" for key, value in settings.items()]
        words = [self.mneme, "run", f"{self.folder}/parity.json", strategy, "--quiet"]
        words += ["--init", f"{self.folder}/in-{start}.safetensors", "--out", path, *flags]
        environment = {**os.environ, "MNEME_DATA": self.folder}
        done = subprocess.run(words, capture_output=True, text=True, env=environment)
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(words)}: {done.stderr.strip()}")
        return Run(path)


class Run:
    def __init__(self, path):
        self.path = path

    def rows(self, query, *values):
        database = sqlite3.connect(self.path)
        try:
            return database.execute(query, values).fetchall()
        finally:
            database.close()

    def tensor(self, name):
        ((shape, data),) = self.rows("SELECT shape, data FROM tensor WHERE name = ?", name)
        shape = [int(size) for size in shape.strip("()").split(",") if size]
        return np.frombuffer(data, np.float32).astype(np.float64).reshape(shape)

    def weights(self):
        names = self.rows("SELECT name FROM tensor WHERE name LIKE 'run/network/%'")
        return {name.removeprefix("run/network/"): self.tensor(name) for (name,) in names}

    def slab(self, name):
        """A kept tensor that lies as the network's parameters do, cut into those."""
        flat, at, parts = self.tensor(name), 0, {}
        for parameter, value in initial().named_parameters():
            parts[parameter] = flat[at : at + value.numel()].reshape(value.shape)
            at += (value.numel() + ALIGNED - 1) // ALIGNED * ALIGNED
        assert at == flat.size, f"{name}: {flat.size} floats, expected {at}"
        return parts

    def losses(self, term, phase="train"):
        query = "SELECT value FROM scalar WHERE name = ? AND phase = ? ORDER BY step"
        return np.array([value for (value,) in self.rows(query, term, phase)])

    def column(self, name):
        """Of what the buffer holds, (rows, width) in order of slot."""
        rows = self.rows("SELECT data FROM exemplar_column WHERE name = ? ORDER BY slot", name)
        return np.array([np.frombuffer(data, np.float32) for (data,) in rows], np.float64)

    def exemplars(self, task=None):
        """Places in the data set of what the buffer holds, in order of slot."""
        query = "SELECT source FROM exemplar WHERE ?1 IS NULL OR task = ?1 ORDER BY slot"
        return [source for (source,) in self.rows(query, task)]
