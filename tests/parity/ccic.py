"""CCIC against PyTorch:  ccic.py MNEME

Whole runs of a few dozen steps, compared with a reference written from docs/methods/ccic.md alone:
every loss term, how far each weight moved, what is kept of the buffer, and the scores of the last
evaluation.  Views differ by mirroring alone; what is drawn, mirrored and mixed is looked up from
mneme's keys.  Exits 77 (skipped) without PyTorch.
"""

import os
import sys
import tempfile
from math import exp, log

try:
    import numpy as np
    import torch
    import torch.nn.functional as F
except ImportError as why:
    print(f"skipped: {sys.executable}: {why}; on Debian: apt install python3-torch python3-numpy")
    sys.exit(77)

sys.dont_write_bytecode = True  # the sources' folder stays as it is

import philox
import pytorch
from nncsl import DEVIATION, MEAN, Draws, sharpen, step_key, vote
from runs import BATCH, CLASSES, SIDE, Runs, images, initial, labelled_places, rectified

TOLERANCE = 5e-4  # of the largest element of the reference
SCORE_TOLERANCE = 3e-3  # scores are kept as half floats
LEAST_MOVE = 1e-3
LABELS, ROWS, EPOCHS, REPLAY = 6, 4096, 3, 7
RATE, MOMENTUM = 0.002, 0.9

OPTIONS = {
    "views": 3,
    "pseudo": "classifier",
    "sharpening": 0.5,
    "mixup": 0.75,
    "memory": 1.0,
    "unlabelled": 0.5,
    "negatives": 0.5,
    "margin": 1.0,
    "hardest": 2,
    "neighbours": 3,
}


def beta(key, a):
    """Johnk: the share of u^(1/a) in u^(1/a) + v^(1/a), where that sum is at most 1."""
    turn = 0
    while True:
        u, v = philox.uniform(key, turn + 2)[turn:]
        x, y = log(1 - u) / a, log(1 - v) / a
        total = max(x, y) + log(exp(x - max(x, y)) + exp(y - max(x, y)))
        if total <= 0:
            return exp(x - total)
        turn += 2


def mixing(step, name, count, a):
    key = step_key(f"mix.ccic/{name}", step)
    shares = [beta(philox.key_at(key, 1, row), a) for row in range(count)]
    shares = torch.tensor([max(s, 1 - s) for s in shares]).double()[:, None]
    partner = philox.permutation(philox.key_at(key, 0), count)
    return lambda rows: shares * rows + (1 - shares) * rows[partner]


def triplets(z, labels, hardest, margin, attract):
    """One triplet at a time."""
    found = []
    for i in range(len(labels)):
        d = [((z[i] - z[j]) ** 2).sum() for j in range(len(labels))]
        others = [j for j in range(len(labels)) if j != i]
        far = sorted((d[j] for j in others if labels[j] == labels[i]), reverse=True)
        near = sorted(d[j] for j in others if labels[j] != labels[i])
        for r in range(min(hardest, len(near), len(far) if attract else len(near))):
            found.append(rectified((far[r] if attract else 0) - near[r] + margin))
    return torch.stack(found).mean() if found else z.sum() * 0


class Learner:
    def __init__(self, runs, options, batch_norm):
        self.runs, self.o = runs, {**OPTIONS, **options}
        self.network, self.losses, self.step = initial(batch_norm), {}, 0
        self.optimiser = torch.optim.SGD(self.network.parameters(), RATE, MOMENTUM)
        self.labelled, self.buffer = labelled_places(runs.labels, LABELS), []

    def log(self, name, value):
        self.losses.setdefault(name, []).append(value.item())
        return value

    def labels(self, places):
        return torch.from_numpy(self.runs.labels[places].astype(np.int64))

    def one_hot(self, places, classes):
        return F.one_hot(self.labels(places), classes).double()

    def drawn(self, name):
        key = step_key(f"draw.ccic/{name}", self.step)
        count = len(self.buffer)
        return [self.buffer[i] for i in philox.subset(key, count, min(REPLAY, count))]

    def of_task(self, task):
        places = sorted(place for label in task.present for place in self.labelled[label])
        key = step_key("draw-stream.ccic/task", self.step)
        return [places[i] for i in philox.permutation(key, len(places))[:BATCH]]

    def pseudo(self, supports, targets, views, count, classes):
        """views lie view by view; one answer for all of an image."""
        with torch.no_grad():
            self.network.eval()
            if self.o["pseudo"] == "classifier":
                answers = F.softmax(self.network(views)[:, :classes], 1)
            else:
                seen = self.network.features(supports)
                answers = vote(self.network.features(views), seen, targets, 0.1)
            self.network.train()
        mean = answers.reshape(self.o["views"], count, classes).mean(0)
        return sharpen(mean, self.o["sharpening"]).repeat(self.o["views"], 1)

    def interpolation(self, x, targets, task, memory):
        logits = self.network(x)[:, : targets.shape[1]]
        entropy = -(targets * F.log_softmax(logits, 1)).sum(1)
        loss = self.log("task", entropy[:task].mean())
        n = task + memory
        if memory:
            loss = loss + self.o["memory"] * self.log("memory", entropy[task:n].mean())
        if len(x) > n:
            error = (F.softmax(logits[n:], 1) - targets[n:]) ** 2
            loss = loss + self.o["unlabelled"] * self.log("unlabelled", error.mean())
        return loss

    def loss(self, task, places, mixed):
        o, draws = self.o, Draws(self.runs, "ccic", self.step)
        classes = task.seen
        hidden = [p for p in places if p not in self.labelled[self.runs.labels[p]]]
        present, memory = self.of_task(task), self.drawn("memory")
        parts = [draws.views("task", present, 1)]
        if memory:
            parts.append(draws.views("memory", memory, 1))
        labelled, targets = torch.cat(parts), self.one_hot(present + memory, classes)
        x, t = labelled, targets
        if hidden:
            views = draws.views("unlabelled", hidden, o["views"])
            answers = self.pseudo(labelled, targets, views, len(hidden), classes)
            x, t = torch.cat([labelled, views]), torch.cat([targets, answers])
        mix = mixing(self.step, "images", len(x), o["mixup"])
        loss = self.interpolation(mix(x), mix(t), len(present), len(memory))

        if mixed:
            labelled = mixing(self.step, "features", len(labelled), 1)(labelled)
        z, labels = self.network.features(labelled), self.labels(present + memory).tolist()
        pairs = triplets(z, labels, o["hardest"], o["margin"], True)
        loss = loss + self.log("triplets", pairs)
        if mixed and hidden:
            past = self.drawn("past")
            views = [draws.views("present", hidden, 1), draws.views("past", past, 1)]
            z, side = self.network.features(torch.cat(views)), [0] * len(hidden) + [1] * len(past)
            apart = triplets(z, side, o["hardest"], o["margin"], False)
            loss = loss + o["negatives"] * self.log("negatives", apart)
        return loss

    def train(self, task):
        firsts = [*range(0, len(task.places), BATCH)] * EPOCHS
        for at, first in enumerate(firsts):
            mixed = task.number > 0 and at / len(firsts) < 0.9
            self.optimiser.zero_grad()
            self.loss(task, task.places[first : first + BATCH], mixed).backward()
            self.optimiser.step()
            self.step += 1
        self.buffer += sorted(place for label in task.present for place in self.labelled[label])
        self.step += -(-len(self.buffer) // BATCH)  # looking at the buffer takes steps, too

    def raw_features(self, pixels):
        x = (pixels.reshape(len(pixels), -1) / 255 - MEAN) / DEVIATION
        with torch.no_grad():
            self.network.eval()
            made = self.network.features(torch.from_numpy(x))
            self.network.train()
        return made

    def features(self, pixels):
        return F.normalize(self.raw_features(pixels), dim=1)

    def scores(self, pixels):
        """The least and the largest that they may be: images as near as the last that has a vote,
        to within what floats tell apart, may have one or not."""
        exemplars = self.features(self.runs.pixels[self.buffer])
        queries, labels = self.features(pixels), self.one_hot(self.buffer, CLASSES)
        likeness = queries @ exemplars.T
        last = likeness.topk(self.o["neighbours"])[0][:, -1:]
        soft = 0.5 * vote(queries, exemplars, labels, 0.1)
        sure, perhaps = [(likeness > last + slack).double() @ labels for slack in (1e-6, -1e-6)]
        return (sure + soft).numpy(), (perhaps + soft).numpy()


def settings_of(options, batch_norm):
    given = {f"ccic.{name}": value for name, value in {**OPTIONS, **options}.items()}
    views = {"area_least": 0, "flip": 0.5, "jitter": 0, "solarise": 0, "equalise": 0}
    given |= {f"views.{name}": value for name, value in views.items()}
    given |= {"normalise.mean": MEAN, "normalise.deviation": DEVIATION, "ccic.replay": REPLAY}
    given |= {"optimiser.momentum": MOMENTUM, "lr": RATE, "network.batch_norm": batch_norm}
    return {"labels.per_class": LABELS, "buffer_size": ROWS, "epochs": EPOCHS, **given}


def outputs(run, on_task):
    query = "SELECT rows, width, logits FROM output WHERE after_task = 3 AND on_task = ?"
    ((rows, width, data),) = run.rows(query, on_task)
    return np.frombuffer(data, np.float16).astype(np.float64).reshape(rows, width)


def score_error(run, learner):
    pixels, labels = images(3)
    worst = 0
    for task in learner.runs.tasks():
        least, most = learner.scores(pixels[np.isin(labels, task.present)])
        got = outputs(run, task.number)
        votes = np.floor(got).sum(1)
        worst = max(worst, (least - got).max(), (got - most).max(), learner.o["neighbours"] - votes.min())
    return worst


def errors(run, learner, start):
    for term, want in learner.losses.items():
        found = run.losses(term)
        yield f"losses of {term}", pytorch.distance(found, np.array(want))
    for name, value in learner.network.state_dict().items():
        if "batches" in name:
            continue
        move = value.numpy() - start[name].numpy()
        got = run.tensor(f"run/network/{name}") - start[name].numpy()
        floor = 1e-2 if name in ("fc1.bias", "fc2.bias") and hasattr(learner.network, "bn1") else 0
        yield name, np.abs(got - move).max() / max(np.abs(move).max(), floor, 1e-12)
        if "weight" in name and np.abs(move).max() < LEAST_MOVE:
            yield f"{name}: hardly moves", float("inf")
    kept = run.tensor("ccic/features")[: len(learner.buffer)]  # in any order
    raw = learner.raw_features(learner.runs.pixels[learner.buffer]).numpy()
    length = np.linalg.norm(raw, axis=1)
    want = raw / np.maximum(length, 1e-12)[:, None]
    # Brought to length 1, a short vector's rounding grows as much as the vector does.
    yield "kept features", (np.abs(kept[:, None] - want).max(2) * (length / length.max())).min(1).max()


CASES = [
    ({}, False),
    ({}, True),
    ({"pseudo": "neighbours", "views": 2, "sharpening": 1.0}, False),
    ({"memory": 0.3, "unlabelled": 3.0, "negatives": 2.0, "margin": 6.0, "hardest": 3}, False),
    ({"mixup": 2.0, "views": 1, "neighbours": 5, "hardest": 1}, True),
]


def main(mneme):
    pytorch.begin()
    wrong = []
    with tempfile.TemporaryDirectory() as folder:
        runs = Runs(os.path.abspath(mneme), folder)
        for options, batch_norm in CASES:
            run = runs.run("ccic", settings_of(options, batch_norm))
            learner = Learner(runs, options, batch_norm)
            for task in runs.tasks():
                learner.train(task)
            found = list(errors(run, learner, initial(batch_norm).state_dict()))
            label = f"{options} {'batch norm' if batch_norm else ''}"
            scores = score_error(run, learner)
            print(f"  {label}: {max(error for _, error in found):.1e}, scores {scores:.1e}")
            wrong += [f"{label}: {what}: {e:.1e}" for what, e in found if not e <= TOLERANCE]
            if not scores <= SCORE_TOLERANCE:
                wrong.append(f"{label}: scores: {scores:.1e}")
    return pytorch.verdict(wrong)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
