"""Rehearsal strategies against PyTorch:  rehearsal.py MNEME

Whole runs of a few dozen steps, compared with references written from the specifications alone:
every loss term, how far each weight moved, what is kept, and the scores of the last evaluation.
The buffer is larger than the data and each draw as large as the buffer, so that nothing depends on
which rows a draw brings.  Exits 77 (skipped) without PyTorch.
"""

import os
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

from runs import CLASSES, SIDE, TASKS, Runs, Task, images, initial

TOLERANCE = 2e-5  # of the largest element of the reference
SCORE_TOLERANCE = 2e-3  # scores are kept as half floats
LEAST_MOVE = 0.01  # of a weight: a comparison of what stood still would say little
ALL = 4096  # a buffer, and a draw, of everything
WHOLE = 256  # a batch of a whole task and the buffer


class Learner:
    """The network of a run and what it should leave."""

    def __init__(self, rate):
        self.network, self.rate = initial(), rate
        self.losses, self.tensors, self.scores = {}, {}, None
        self.x, self.y = torch.zeros(0, SIDE * SIDE).double(), torch.zeros(0, dtype=torch.int64)

    @property
    def parameters(self):
        return list(self.network.parameters())

    def log(self, name, value):
        self.losses.setdefault(name, []).append(value.item())
        return value

    def step(self, loss):
        gradients = torch.autograd.grad(loss, self.parameters, allow_unused=True)
        with torch.no_grad():
            for parameter, gradient in zip(self.parameters, gradients):
                if gradient is not None:
                    parameter -= self.rate * gradient

    def remember(self, x, y):
        self.x, self.y = torch.cat([self.x, x]), torch.cat([self.y, y])

    def copy(self):
        copy = initial()
        copy.load_state_dict(self.network.state_dict())
        return copy


def cross_entropy(network, x, y):
    return F.cross_entropy(network(x), y) if len(y) > 0 else torch.zeros(()).double()


# --- ER-ACE ---------------------------------------------------------------------------------------


def er_ace(runs, rate, task_free, batch):
    learner, seen = Learner(rate), 0
    for task in runs.tasks():
        for x, y in zip(task.x.split(batch), task.y.split(batch)):
            logits = learner.network(x)
            seen = max(seen, int(y.max()) + 1)
            if task.number > 0 or task_free:
                gone = [k for k in range(seen) if k not in y]
                logits = logits.index_fill(1, torch.tensor(gone, dtype=torch.int64), -1e9)
            loss = learner.log("stream", F.cross_entropy(logits, y))
            if task.number > 0 or task_free:
                old = cross_entropy(learner.network, learner.x, learner.y)
                loss = loss + learner.log("replay", old)
            learner.step(loss)
            learner.remember(x, y)
    return learner


# --- FDR ------------------------------------------------------------------------------------------


def fdr(runs, rate, alpha, two):
    learner, then = Learner(rate), torch.zeros(0, CLASSES).double()

    def distance():
        now = learner.network(learner.x).softmax(1)
        return learner.log("distance", (now - then).norm(dim=1).mean())

    for task in runs.tasks():
        for x, y in task.batches():
            loss = learner.log("stream", cross_entropy(learner.network, x, y))
            if task.number == 0:
                learner.losses.setdefault("distance", []).append(0)
                learner.step(loss)
            elif two:
                learner.step(loss)
                learner.step(alpha * distance())
            else:
                learner.step(loss + alpha * distance())
        learner.remember(task.x, task.y)
        then = torch.cat([then, learner.network(task.x).softmax(1).detach()])
    return learner


# --- GDumb ----------------------------------------------------------------------------------------


def gdumb_rates(most, least):
    """Warm-up, then cosines of 1, 2, 4, ... epochs."""
    yield most / 10
    length = 1
    while True:
        for at in range(length):
            yield least + (most - least) * (1 + np.cos(np.pi * at / length)) / 2
        length *= 2


def gdumb(runs, most, least, epochs):
    learner = Learner(0)
    for task in runs.tasks():
        learner.remember(task.x, task.y)
        learner.network = initial()
        optimiser = torch.optim.SGD(learner.parameters, most, momentum=0.9, weight_decay=1e-6)
        for _, rate in zip(range(epochs), gdumb_rates(most, least)):
            optimiser.param_groups[0]["lr"] = rate
            optimiser.zero_grad()
            learner.log("fit", cross_entropy(learner.network, learner.x, learner.y)).backward()
            optimiser.step()
    return learner


# --- iCaRL ----------------------------------------------------------------------------------------


def icarl(runs, rate, decay, epochs):
    learner = Learner(rate)
    for task in runs.tasks():
        learner.remember(task.x, task.y)
        before, x = learner.copy(), learner.x
        target = F.one_hot(learner.y, CLASSES).double()
        past = len(task.past)
        target[:, :past] = before(x).sigmoid()[:, :past].detach()
        for _ in range(epochs):
            binary = F.binary_cross_entropy_with_logits(learner.network(x), target)
            learner.log("binary", binary)
            learner.step(binary + decay * sum((p**2).sum() for p in learner.parameters))
    network = learner.network
    unit = F.normalize(network.features(x)).detach()
    sums = F.one_hot(learner.y, CLASSES).double().T @ unit
    learner.tensors["icarl/exemplars"] = sums.numpy()
    means = F.normalize(torch.stack([unit[learner.y == k].mean(0) for k in range(CLASSES)]))
    learner.scores = lambda x: -(torch.cdist(F.normalize(network.features(x)), means) ** 2)
    return learner


# --- comparing ------------------------------------------------------------------------------------


def cases(runs):
    everything = {"buffer_size": ALL}
    for task_free, batch in ((False, 8), (True, 2)):  # two images: classes are missing in a batch
        settings = {"er-ace.replay": ALL, "er-ace.task_free": task_free, "batch": batch}
        yield "er-ace", {"lr": 0.2, **settings, **everything}, er_ace(runs, 0.2, task_free, batch)
    for steps in ("one", "two"):
        settings = {"fdr.replay": ALL, "fdr.alpha": 0.7, "fdr.steps": steps, **everything}
        yield "fdr", {"lr": 0.2, **settings}, fdr(runs, 0.2, 0.7, steps == "two")
    settings = {"gdumb.epochs": 12, "gdumb.lr": 0.1, "gdumb.cutmix": 0, "batch": WHOLE}
    yield "gdumb", {**settings, **everything}, gdumb(runs, 0.1, 0.0005, 12)
    settings = {"lr": 3, "icarl.decay": 1e-3, "epochs": 6, "batch": WHOLE}
    yield "icarl", {**settings, **everything}, icarl(runs, 3, 1e-3, 6)


def distance(got, want):
    if got.shape != want.shape:
        return float("inf")
    error = np.abs(got - want).max() / max(np.abs(want).max(), 1e-12)
    return error if np.isfinite(error) else float("inf")


def scores_of(run, task):
    query = "SELECT rows, width, logits FROM output WHERE on_task = ? ORDER BY after_task DESC"
    rows, width, logits = run.rows(query, task)[0]
    return np.frombuffer(logits, np.float16).astype(np.float64).reshape(rows, width)


def errors(run, reference):
    """(what, error, bound) of everything that the reference foretells."""
    start, got = dict(initial().named_parameters()), run.weights()
    for name, value in reference.network.named_parameters():
        before, want = start[name].detach().numpy(), value.detach().numpy()
        if np.abs(want - before).max() < LEAST_MOVE:
            yield f"{name} hardly moves", float("inf"), TOLERANCE
        yield name, distance(got[name] - before, want - before), TOLERANCE
    for name, want in reference.tensors.items():
        yield name, distance(run.tensor(name), want), TOLERANCE
    query = "SELECT value FROM scalar WHERE name = ? ORDER BY step"
    for term, want in reference.losses.items():
        found = np.array([value for (value,) in run.rows(query, term)])
        yield f"losses of {term}", distance(found, np.array(want)), TOLERANCE
    for test in (Task(*images(3), task) for task in range(TASKS)):
        scores = reference.scores or reference.network
        want = scores(test.x).detach().numpy()
        found = distance(scores_of(run, test.number), want)
        yield f"scores of task {test.number}", found, SCORE_TOLERANCE


def main(mneme):
    torch.set_num_threads(1)
    wrong = []
    with tempfile.TemporaryDirectory() as folder:
        runs = Runs(os.path.abspath(mneme), folder)
        for strategy, settings, reference in cases(runs):
            run = runs.run(strategy, settings)
            found = list(errors(run, reference))
            label = " ".join([strategy, *(f"{key}={value}" for key, value in settings.items())])
            print(f"  {label}: {max(error for _, error, bound in found if bound == TOLERANCE):.1e}")
            wrong += [f"{label}: {what}: {e:.1e}" for what, e, bound in found if not e <= bound]
    for line in wrong:
        print(f"DIFFERS  {line}")
    print(f"{len(wrong)} differences" if wrong else "all agree")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
