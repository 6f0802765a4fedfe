"""NNCSL, CSL and PAWS against PyTorch:  nncsl.py MNEME

Whole runs of a few dozen steps, compared with a reference written from the specification alone: every
loss term, how far each weight moved, and the statistics of the projection head.  Views differ by
mirroring alone; what is mirrored, labelled and drawn is looked up from mneme's keys.  Exits 77
(skipped) without PyTorch.
"""

import copy
import os
import sys
import tempfile
from math import cos, pi

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
from runs import BATCH, SIDE, WIDTHS, Runs, initial, labelled_places, rectified
from training import Lars

TOLERANCE = 1e-3  # of the largest element of the reference: a run in floats through norms and votes
LEAST_MOVE = 1e-3
LABELS, ROWS, HIDDEN, EMBEDDING = 6, 25, (7, 6), 5
WARM_UP, START, LEAST = 3, 0.2, 0.08
MEAN, DEVIATION = 0.5, 0.1  # features large beside the epsilon of norms
EPOCHS = 4  # so that the running statistics are those of the first task
LARS = {"momentum": 0.9, "weight_decay": 1e-3, "trust": 0.05, "head_rate": 0.3}
SGD = {"momentum": 0.9, "weight_decay": 1e-3}
RATES = {"lars": 0.01, "sgd": 0.003, "still": 0}  # still: as given to users, without a step

# Votes softer than the defaults, with which a run magnifies rounding a hundredfold in a few steps.
OPTIONS = {
    "temperature": 0.5,
    "smoothing": 0.1,
    "sharpening": 0.5,
    "threshold": 0.1,
    "neighbours": 1.0,
    "entropy": 1.0,
    "linear": 0.005,
    "labelled": 3,
    "small": 0,
    "freeze_norms": True,
    "support_gradient": True,
}
NETWORK = {"batch_norm": False}
VARIANTS = {
    "nncsl": {"mask": True, "detach": False, "distil": 0.2},
    "csl": {"mask": True, "detach": False, "distil": 0.0},
    "paws": {"mask": False, "detach": True, "distil": 0.0},
}


# --- the specification's formulas -----------------------------------------------------------------


def vote(queries, supports, labels, temperature):
    queries = queries / queries.norm(dim=1, keepdim=True).clamp(min=1e-12)
    supports = supports / supports.norm(dim=1, keepdim=True).clamp(min=1e-12)
    return F.softmax(queries @ supports.T / temperature, 1) @ labels


def sharpen(p, temperature):
    powers = p ** (1 / temperature)
    return powers / powers.sum(1, keepdim=True)


def smooth(labels, first, classes, epsilon):
    rows = torch.full((len(labels), classes), epsilon / classes).double()
    rows[range(len(labels)), labels - first] = 1 - epsilon + epsilon / classes
    return rows


def targets(p, count, small, sharpening, threshold):
    """Swapped views, and for small ones the mean of what is already sharp."""
    p = p.detach()
    raw = sharpen(torch.cat([p[count : 2 * count], p[:count]]), sharpening)
    mean = 0.5 * (raw[:count] + raw[count:])
    made = torch.cat([raw] + [mean] * small)
    made[made < threshold] = 0
    return made


def cross_entropy(wanted, p):
    return -(wanted * p.log()).sum(1).mean()


def negentropy(p, sharpening):
    mean = sharpen(p, sharpening).mean(0)
    return (mean * mean.log()).sum()


def check_worked_vector():
    """The one of the specification: two supports at right angles, a query on one of them."""
    labels = smooth(torch.tensor([0, 1]), 0, 2, 0.1)
    p = vote(torch.eye(2).double()[:1], torch.eye(2).double(), labels, 0.1)
    sharp = sharpen(p, 0.25)
    assert torch.allclose(labels, torch.tensor([[0.95, 0.05], [0.05, 0.95]]).double())
    assert torch.allclose(p, torch.tensor([[0.949959, 0.050041]]).double(), atol=1e-6)
    assert torch.allclose(sharp, torch.tensor([[0.9999923, 7.7e-6]]).double(), atol=1e-7)


# --- what is labelled, kept, drawn and mirrored ---------------------------------------------------


class Projection(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1, self.bn1 = torch.nn.Linear(WIDTHS[1], HIDDEN[0]), torch.nn.BatchNorm1d(HIDDEN[0])
        self.fc2, self.bn2 = torch.nn.Linear(*HIDDEN), torch.nn.BatchNorm1d(HIDDEN[1])
        self.fc3 = torch.nn.Linear(HIDDEN[1], EMBEDDING)
        self.double()

    def forward(self, x):
        x = rectified(self.bn1(self.fc1(x)))
        return self.fc3(rectified(self.bn2(self.fc2(x))))


def keep_first(buffer, labelled, task):
    """buffer: places by class, brought to the quotas of after the task."""
    new = {label: labelled[label] for label in task.present}
    everything = {**buffer, **new}
    if sum(map(len, everything.values())) <= ROWS:
        return everything
    share, rest = divmod(ROWS, task.seen)
    return {label: rows[: share + (label < rest)] for label, rows in everything.items()}


def step_key(purpose, step):
    return philox.key_at(philox.key_of(0, purpose), step)


class Draws:
    """One step's batches of a strategy."""

    def __init__(self, runs, strategy, step):
        self.runs, self.strategy, self.step = runs, strategy, step

    def labelled(self, task, labelled, buffer, wanted):
        """Places: present classes first, each class's in the order in which they are drawn."""
        key = step_key(f"draw-labelled.{self.strategy}/labelled", self.step)
        drawn = {}
        for label in range(task.seen):
            rows, left, taken, number = (
                (labelled if label in task.present else buffer)[label],
                wanted,
                [],
                0,
            )
            while left > 0 and rows:
                some = min(left, len(rows))
                turn = philox.key_at(key, label, number)
                taken += [rows[i] for i in philox.subset(turn, len(rows), some)]
                left, number = left - some, number + 1
            drawn[label] = taken
        order = [*task.present, *task.past]
        return [place for label in order for place in drawn[label]], sum(
            len(drawn[label]) for label in task.present
        )

    def views(self, name, places, count):
        """(count x len(places), pixels): mirrored where the coin says so."""
        key = step_key(f"views.{self.strategy}/{name}", self.step)
        made = []
        for view in range(count):
            for row, place in enumerate(places):
                image = (self.runs.pixels[place] / 255 - MEAN) / DEVIATION
                (coin,) = philox.uniform(philox.key_at(key, row, view), 1)
                made.append(image[:, ::-1] if coin < 0.5 else image)
        return torch.from_numpy(np.array(made).reshape(-1, SIDE * SIDE)).double()


# --- the reference --------------------------------------------------------------------------------


class Learner:
    def __init__(self, strategy, options, projection, rule):
        self.strategy, self.o = strategy, {**NETWORK, **OPTIONS, **VARIANTS[strategy], **options}
        self.network, self.projection = initial(self.o["batch_norm"]), projection
        self.old, self.losses = None, {}
        modules, rate = (self.network, projection), RATES[rule]
        if rule == "lars":
            self.optimisers = [Lars(module, rate, **LARS) for module in modules]
        else:
            self.optimisers = [torch.optim.SGD(m.parameters(), rate, **SGD) for m in modules]
        self.rule = rule

    def log(self, name, value):
        self.losses.setdefault(name, []).append(value.item())
        return value

    def encode(self, networks, big, small, supports):
        network, projection = networks
        features = network.features(big)
        z = projection(features)
        s, anchors = z[:supports], z[supports:]
        if small is not None:
            anchors = torch.cat([anchors, projection(network.features(small))])
        f = features[:supports]
        return s, anchors, network.classifier(f.detach() if self.o["detach"] else f)

    def vote(self, encoded, rows, labels):
        s = encoded[0][rows]
        if not self.o["support_gradient"]:
            s = s.detach()
        return vote(encoded[1], s, labels, self.o["temperature"])

    def loss(self, task, draws, labelled, buffer, places, y_of):
        o = self.o
        drawn, present = draws.labelled(task, labelled, buffer, o["labelled"])
        total, count = len(drawn), len(places)
        y = torch.from_numpy(y_of[drawn].astype(np.int64))
        big = torch.cat(
            [draws.views("labelled", drawn, 2), draws.views("unlabelled", places, 2)]
        )
        small = draws.views("small", places, o["small"]) if o["small"] else None
        e = self.encode((self.network, self.projection), big, small, 2 * total)
        first, classes, rows = 0, task.seen, range(total)
        if o["mask"]:
            first, classes, rows = min(task.present), len(task.present), range(present)
        both = [*rows, *(total + row for row in rows)]
        labels = smooth(torch.cat([y, y])[both], first, classes, o["smoothing"])
        p = self.vote(e, both, labels)
        t = targets(p, count, o["small"], o["sharpening"], o["threshold"])
        loss = o["neighbours"] * self.log("neighbours", cross_entropy(t, p))
        loss = loss + o["entropy"] * self.log("entropy", negentropy(p, o["sharpening"]))
        linear = F.cross_entropy(e[2][:, : task.seen], torch.cat([y, y]))
        loss = loss + o["linear"] * self.log("linear", linear)
        if task.number > 0 and o["distil"] > 0:
            past = [*range(present, total), *range(total + present, 2 * total)]
            labels = smooth(torch.cat([y, y])[past], 0, len(task.past), o["smoothing"])
            with torch.no_grad():
                then = self.vote(self.encode(self.old, big, small, 2 * total), past, labels)
            kept = cross_entropy(then, self.vote(e, past, labels))
            loss = loss + o["distil"] * self.log("distil", kept)
        return loss

    def begin(self, task):
        if task.number > 0:
            if self.o["freeze_norms"]:
                self.network.eval(), self.projection.eval()
            # Norms as the student's, so that equal weights vote alike.
            self.old = copy.deepcopy((self.network, self.projection))
            for network in self.old:
                network.train(not self.o["freeze_norms"])

    def step(self, loss, factor):
        for optimiser in self.optimisers:
            optimiser.zero_grad()
        loss.backward()
        for optimiser in self.optimisers:
            if self.rule == "lars":
                optimiser.rate = RATES["lars"] * factor
            else:
                optimiser.param_groups[0]["lr"] = RATES[self.rule] * factor
            optimiser.step()


def factor(step, steps):
    if step < WARM_UP:
        return START + (1 - START) * (step + 1) / WARM_UP
    return LEAST + (1 - LEAST) * (1 + cos(pi * (step - WARM_UP) / (steps - WARM_UP))) / 2


def reference(runs, strategy, options, projection, rule):
    learner = Learner(strategy, options, projection, rule)
    labelled, buffer, step = labelled_places(runs.labels, LABELS), {}, 0
    for task in runs.tasks():
        learner.begin(task)
        firsts = [*range(0, len(task.places), BATCH)] * EPOCHS
        for at, first in enumerate(firsts):
            draws = Draws(runs, strategy, step)
            places = task.places[first : first + BATCH]
            loss = learner.loss(task, draws, labelled, buffer, places, runs.labels)
            learner.step(loss, factor(at, len(firsts)))
            step += 1
        buffer = keep_first(buffer, labelled, task)
    return learner


# --- the comparison -------------------------------------------------------------------------------


def settings_of(strategy, options, rule):
    """Views that are mirrored by chance and nothing else."""
    given = {
        f"network.{name}" if name in NETWORK else f"{strategy}.{name}": value
        for name, value in {**OPTIONS, **options}.items()
    }
    views = {"area_least": 0, "flip": 0.5, "jitter": 0, "solarise": 0, "equalise": 0}
    views |= {"small_size": SIDE, "small_area_least": 0}
    given |= {f"views.{name}": value for name, value in views.items()}
    given |= {f"optimiser.{name}": value for name, value in {"lars": LARS, "sgd": SGD, "still": SGD}[rule].items()}
    given |= {"normalise.mean": MEAN, "normalise.deviation": DEVIATION}
    given |= {"schedule.name": "cosine", "schedule.warm_up": WARM_UP}
    given |= {"schedule.start": START, "schedule.least": LEAST}
    given |= {f"{strategy}.projection": ",".join(map(str, HIDDEN))}
    given |= {f"{strategy}.embedding": EMBEDDING, "labels.per_class": LABELS, "buffer_size": ROWS, "epochs": EPOCHS}
    name = "lars" if rule == "lars" else "sgd"
    return {"optimiser.name": name, "lr": RATES[rule], **given}


def projection_from(run, strategy):
    projection = Projection()
    with torch.no_grad():
        for name, value in projection.state_dict().items():
            if "batches" not in name:
                value.copy_(torch.from_numpy(run.tensor(f"{strategy}/projection/{name}")))
    return projection


def errors(run, strategy, learner, start):
    for term, want in learner.losses.items():
        found = run.losses(term)
        yield f"losses of {term}", pytorch.distance(found, np.array(want))
    if learner.rule == "still":
        return
    modules = {"run/network": learner.network, f"{strategy}/projection": learner.projection}
    largest = 0
    for owner, module in modules.items():
        for name, value in module.state_dict().items():
            if "batches" in name:
                continue
            before = start[owner][name].numpy()
            move = value.numpy() - before
            largest = max(largest, np.abs(move).max())
            # A bias before a norm in training has no gradient but rounding.
            normed = "projection" in owner or learner.o["batch_norm"]
            floor = 1e-2 if name in ("fc1.bias", "fc2.bias") and normed else 1e-12
            got = run.tensor(f"{owner}/{name}") - before
            yield f"{owner}/{name}", np.abs(got - move).max() / max(np.abs(move).max(), floor)
    if largest < LEAST_MOVE:
        yield "hardly anything moves", float("inf")


HARD = {"temperature": 0.1, "sharpening": 0.25, "threshold": 1e-4}
CASES = [
    ("nncsl", {"small": 2, **HARD}, "still"),
    ("paws", HARD, "still"),
    ("nncsl", {}, "sgd"),
    ("nncsl", {"small": 2}, "sgd"),
    ("nncsl", {"freeze_norms": False, "linear": 1.0, "labelled": 5}, "sgd"),
    ("nncsl", {"support_gradient": False, "small": 1}, "sgd"),
    ("nncsl", {"freeze_norms": False}, "lars"),
    ("nncsl", {"batch_norm": True, "freeze_norms": False}, "sgd"),
    ("nncsl", {"batch_norm": True, "freeze_norms": True}, "sgd"),
    ("csl", {"small": 1}, "sgd"),
    ("paws", {"linear": 1.0}, "sgd"),
]


def main(mneme):
    pytorch.begin()
    check_worked_vector()
    wrong = []
    with tempfile.TemporaryDirectory() as folder:
        runs = Runs(os.path.abspath(mneme), folder)
        for strategy, options, rule in CASES:
            settings = settings_of(strategy, options, rule)
            projection = projection_from(runs.run(strategy, {**settings, "lr": 0}), strategy)
            projection.bn1.reset_running_stats(), projection.bn2.reset_running_stats()
            start = {
                "run/network": initial(options.get("batch_norm", False)).state_dict(),
                f"{strategy}/projection": copy.deepcopy(projection.state_dict()),
            }
            run = runs.run(strategy, settings)
            learner = reference(runs, strategy, options, projection, rule)
            found = list(errors(run, strategy, learner, start))
            label = " ".join([strategy, rule, *(f"{key}={value}" for key, value in options.items())])
            print(f"  {label}: {max(error for _, error in found):.1e}")
            wrong += [f"{label}: {what}: {e:.1e}" for what, e in found if not e <= TOLERANCE]
    return pytorch.verdict(wrong)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
