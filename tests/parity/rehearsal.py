"""Rehearsal strategies against PyTorch:  rehearsal.py MNEME

Whole runs of a few dozen steps, compared with references written from the specifications alone:
every loss term, how far each weight moved, what is kept, and the scores of the last evaluation.
The buffer is larger than the data and most draws as large as the buffer, so that it does not matter
which rows a draw brings; where it does (what BiC holds out, CutMix), the reference draws the same.
Exits 77 (skipped) without PyTorch.
"""

import itertools
import os
import sys
import tempfile
from functools import partial

try:
    import numpy as np
    import torch
    import torch.nn.functional as F
except ImportError as why:
    print(f"skipped: {sys.executable}: {why}; on Debian: apt install python3-torch python3-numpy")
    sys.exit(77)

sys.dont_write_bytecode = True  # the sources' folder stays as it is

import dgr
import lucir
import mog
import philox
import pytorch
import selection
import squeeze
from learner import Learner, cross_entropy, row_distance, rows_of_buffer
from runs import CLASSES, SIDE, TASKS, Runs, Task, images, initial

SCORE_TOLERANCE = 2e-3  # scores are kept as half floats
LEAST_MOVE = 0.01  # of a weight: a comparison of what stood still would say little
ALL = 4096  # a buffer, and a draw, of everything
WHOLE = 256  # a batch of a whole task and the buffer


# --- ER-ACE ---------------------------------------------------------------------------------------


def er_ace(runs, _, rate, task_free, batch):
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


# --- DER++ ----------------------------------------------------------------------------------------


def derpp(runs, _, rate, alpha, beta, present_only):
    learner, then = Learner(rate), torch.zeros(0, CLASSES).double()
    for task in runs.tasks():
        own = slice(min(task.present), task.seen) if present_only else slice(None)
        for x, y in task.batches():
            logits = learner.network(x)
            labels = y - (own.start or 0)
            loss = learner.log("stream", F.cross_entropy(logits[:, own], labels))
            zero = torch.zeros(()).double()
            old = learner.network(learner.x) if len(then) > 0 else None
            dark = zero if old is None else F.mse_loss(old, then)
            replay = zero if old is None else F.cross_entropy(old, learner.y)
            loss = loss + alpha * learner.log("dark", dark) + beta * learner.log("replay", replay)
            learner.step(loss)
            learner.remember(x, y)
            then = torch.cat([then, logits.detach()])
    return learner


# --- ER by tasks (van de Ven and Tolias) ------------------------------------------------------------


def er(runs, _, rate):
    """The buffer is filled at the end of a task, so that it holds what is past."""
    learner = Learner(rate)
    for task in runs.tasks():
        share = 1 / (task.number + 1)
        for x, y in task.batches():
            seen = lambda x: learner.network(x)[:, : task.seen]
            loss = share * learner.log("stream", cross_entropy(seen, x, y))
            if task.past:
                old = learner.log("replay", cross_entropy(seen, learner.x, learner.y))
                loss = loss + (1 - share) * old
            learner.step(loss)
        learner.remember(task.x, task.y)
    return learner


# --- FDR ------------------------------------------------------------------------------------------


def fdr(runs, _, rate, alpha, two):
    learner, then = Learner(rate), torch.zeros(0, CLASSES).double()

    def distance():
        now = learner.network(learner.x).softmax(1)
        return learner.log("distance", row_distance(now, then).mean())

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


def pasted(images, others, number):
    """The box of other images in images (N, SIDE * SIDE), and its share of the area."""
    side, centre = (1 - number[1]) ** 0.5, [int(n * SIDE) for n in number[2:]]
    half = int(SIDE * side) // 2
    rows, columns = (slice(max(c - half, 0), min(c + half, SIDE)) for c in centre)
    mixed = images.reshape(-1, SIDE, SIDE).clone()
    mixed[:, rows, columns] = others.reshape(-1, SIDE, SIDE)[:, rows, columns]
    area = (rows.stop - rows.start) * (columns.stop - columns.start)
    return mixed.reshape(images.shape), area / SIDE**2


def gdumb(runs, run, most, least, epochs, cutmix):
    learner, step = Learner(0), 0
    for task in runs.tasks():
        x, y = rows_of_buffer(runs, run, task.number + 1)
        learner.network = initial()
        optimiser = torch.optim.SGD(learner.parameters, most, momentum=0.9, weight_decay=1e-6)
        step += 1  # the one that filled the buffer
        for epoch, rate in zip(range(epochs), gdumb_rates(most, least)):
            shuffle = philox.key_at(philox.key_of(0, "stream.shuffle"), task.number, 1, epoch)
            order = philox.subset(shuffle, len(y), len(y))
            number = philox.uniform(
                philox.key_at(philox.key_of(0, "uniform.gdumb/cutmix"), step), 4
            )
            mixed, labels, step = x[order], y[order], step + 1
            optimiser.param_groups[0]["lr"] = rate
            optimiser.zero_grad()
            share = 0
            if number[0] < cutmix:
                mixed, share = pasted(mixed, mixed.roll(-1, 0), number)
            logits = learner.network(mixed)
            loss = (1 - share) * learner.log("fit", F.cross_entropy(logits, labels))
            if number[0] < cutmix:
                other = F.cross_entropy(logits, labels.roll(-1))
                loss = loss + share * learner.log("pasted", other)
            loss.backward()
            optimiser.step()
    return learner


# --- HAL ------------------------------------------------------------------------------------------


def hal(runs, run, rate, strength, beta, gamma, epochs, climbed):
    """With the anchors as the run has them; those of the first task after `climbed` made one step
    more, when `climbed` is where another run stopped."""
    learner = Learner(rate)
    anchors = torch.from_numpy(run.tensor("hal/anchors"))
    for task in runs.tasks():
        phi = torch.zeros(learner.network.classifier.in_features).double()
        x, y = task.x, task.y
        for epoch in range(epochs):
            learner.rate = rate if epoch < 4 else rate / 10  # of no weight after them
            network = learner.network
            both, labels = torch.cat([x, learner.x]), torch.cat([y, learner.y])
            loss = learner.log("stream+replay", F.cross_entropy(network(both), labels))
            phi = beta * phi + (1 - beta) * network.features(x).mean(0).detach()
            if task.number > 0:
                ahead = learner.copy()
                for there, g in zip(
                    ahead.parameters(),
                    torch.autograd.grad(loss, learner.parameters, retain_graph=True),
                ):
                    there.data -= learner.rate * g
                e = anchors[: len(task.past)]
                kept = F.mse_loss(network(e), ahead(e).detach())
                loss = loss + strength * learner.log("anchors", kept)
            learner.step(loss)
            learner.remember(x, y)
        if task.number == 0 and climbed is not None:
            memory = Learner(rate)
            memory.network = learner.copy()
            memory.step(cross_entropy(memory.network, learner.x, learner.y))
            e = torch.from_numpy(climbed[: task.seen]).requires_grad_()
            own = torch.arange(task.seen)
            height = -F.cross_entropy(memory.network(e), own, reduction="sum")
            height = height + F.cross_entropy(learner.network(e), own, reduction="sum")
            height = height + gamma * ((learner.network.features(e) - phi) ** 2).sum()
            one_more = e - rate * torch.autograd.grad(height, e)[0]
            learner.tensors["hal/anchors"] = torch.cat([one_more, anchors[task.seen :]])
            learner.tensors["hal/anchors"] = learner.tensors["hal/anchors"].detach().numpy()
    return learner


# --- BiC ------------------------------------------------------------------------------------------


def held_of(labels, classes, wanted, key):
    """Which of the rows are held out: `wanted`, of each class its share; what rounding leaves goes to
    classes in an order that is drawn."""
    held = torch.zeros(len(labels), dtype=torch.bool)
    rows = {label: (labels == label).nonzero()[:, 0] for label in classes}
    shares = {label: wanted * len(rows[label]) // max(len(labels), 1) for label in classes}
    left = wanted - sum(shares.values())
    for at in philox.permutation(philox.key_at(key, 4096), len(classes)):
        label = classes[at]
        more = int(left > 0 and shares[label] < len(rows[label]))
        some = philox.subset(philox.key_at(key, label), len(rows[label]), shares[label] + more)
        held[rows[label][some]] = True
        left -= more
    return held


def bic(runs, run, rate, fraction, temperature, epochs, bias_rate, bias_steps, port):
    """`port`: as the DER authors have it."""
    learner = Learner(rate)
    line, old = torch.tensor([1.0, 0.0]).double(), None
    for task in runs.tasks():
        past, present = len(task.past), slice(len(task.past), task.seen)
        x, y = rows_of_buffer(runs, run, task.number)
        order = philox.subset(philox.key_of(0, "buffer.all"), len(y), len(y))
        x, y, key = x[order], y[order], philox.key_at(philox.key_of(0, "held-out"), task.number)
        wanted = int(fraction * len(y) + 0.5)
        held = held_of(y, range(CLASSES), wanted, philox.key_at(key, 0))
        if not port:
            wanted = int(wanted / max(past, 1) * len(task.present) + 0.5)
        wanted = min(wanted, len(task.y))
        held = torch.cat([held_of(task.y, task.present, wanted, philox.key_at(key, 1)), held])
        x, y = torch.cat([task.x, x]), torch.cat([task.y, y])
        if past > 0:
            then = learner.network(x[~held])[:, :past].detach()
            then[:, old] = then[:, old] * line[0] + line[1]
            then = F.softmax(then / temperature, 1)
        for _ in range(epochs):
            logits, weight = learner.network(x[~held]), past / task.seen
            if port and past > 0:
                weight = 1 / (task.number + 1)
            labels = learner.log("labels", F.cross_entropy(logits[:, : task.seen], y[~held]))
            loss = (1 - weight) * labels
            if past > 0:
                now = F.log_softmax(logits[:, :past] / temperature, 1)
                distil = temperature**2 * (then * (then.log() - now)).sum(1).mean()  # as it is logged
                learner.log("distil", distil)
                loss = loss + weight * distil / (1 if port else temperature**2)
            learner.step(loss)
        line = torch.tensor([1.0, 0.0]).double().requires_grad_()
        adam = torch.optim.Adam([line], lr=bias_rate)
        logits = learner.network(x[held])[:, : task.seen].detach()
        for _ in range(bias_steps if held.any() else 0):
            adam.zero_grad()
            newest = logits[:, present] * line[0] + line[1]
            F.cross_entropy(torch.cat([logits[:, :past], newest], 1), y[held]).backward()
            adam.step()
        line, old = line.detach(), present
    learner.kept = {"bic/scale": line[0].item(), "bic/shift": line[1].item()}

    def scores(x):
        logits = learner.network(x).detach()
        logits[:, old] = logits[:, old] * line[0] + line[1]
        return logits

    learner.scores = scores
    return learner


# --- iCaRL ----------------------------------------------------------------------------------------


def icarl(runs, _, rate, decay, epochs, seen_only=False, temperature=1):
    learner = Learner(rate)
    for task in runs.tasks():
        learner.remember(task.x, task.y)
        before, x = learner.copy(), learner.x
        target = F.one_hot(learner.y, CLASSES).double()
        past = len(task.past)
        target[:, :past] = (before(x) / temperature).sigmoid()[:, :past].detach()
        outputs = task.seen if seen_only else CLASSES
        for _ in range(epochs):
            logits = learner.network(x)[:, :outputs]
            binary = F.binary_cross_entropy_with_logits(logits, target[:, :outputs])
            learner.log("binary", binary)
            binary = binary * (outputs if seen_only else 1)
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
    """(strategy, settings, reference): what reference(runs, run) foretells of the run."""
    for task_free, batch in ((False, 8), (True, 2)):  # two images: classes are missing in a batch
        settings = {"lr": 0.2, "er-ace.replay": ALL, "er-ace.task_free": task_free, "batch": batch}
        yield "er-ace", settings, partial(er_ace, rate=0.2, task_free=task_free, batch=batch)
    for classes in ("all", "present"):
        settings = {"lr": 0.2, "derpp.replay": ALL, "derpp.alpha": 0.6, "derpp.beta": 0.7}
        reference = partial(derpp, rate=0.2, alpha=0.6, beta=0.7, present_only=classes == "present")
        yield "derpp", {**settings, "derpp.classes": classes}, reference
    for steps in ("one", "two"):
        settings = {"lr": 0.2, "fdr.replay": ALL, "fdr.alpha": 0.7, "fdr.steps": steps}
        yield "fdr", settings, partial(fdr, rate=0.2, alpha=0.7, two=steps == "two")
    for cutmix in (0, 0.7):
        settings = {"gdumb.epochs": 12, "gdumb.lr": 0.1, "gdumb.cutmix": cutmix, "batch": WHOLE}
        yield "gdumb", settings, partial(gdumb, most=0.1, least=5e-4, epochs=12, cutmix=cutmix)
    settings = {"lr": 3, "icarl.decay": 1e-3, "epochs": 6, "batch": WHOLE}
    yield "icarl", settings, partial(icarl, rate=3, decay=1e-3, epochs=6)
    settings = {"lr": 0.3, "icarl.decay": 0, "epochs": 6, "batch": WHOLE}
    settings.update({"icarl.classes": "seen", "icarl.temperature": 2})
    own = {"seen_only": True, "temperature": 2}
    yield "icarl", settings, partial(icarl, rate=0.3, decay=0, epochs=6, **own)
    settings = {"lr": 0.2, "er.replay": ALL, "er.weighting": "tasks", "er.classes": "seen"}
    settings.update({"buffer_policy": "tasks", "buffer.share": "classes"})
    yield "er", settings, partial(er, rate=0.2)
    settings = {"lr": 0.2, "hal.replay": ALL, "hal.lambda": 0.8, "hal.gamma": 0.5}
    settings.update({"batch": WHOLE, "epochs": 6})
    settings.update({"schedule.name": "multistep", "schedule.milestones": "4", "schedule.factor": 0.1})
    reference = partial(hal, rate=0.2, strength=0.8, beta=0.5, gamma=0.5, epochs=6)
    climbed = None
    for steps in (1, 2):
        yield "hal", {**settings, "hal.anchor_steps": steps}, partial(reference, climbed=climbed)
        climbed = runs.last.tensor("hal/anchors")
    settings = {"lr": 0.5, "epochs": 6, "batch": WHOLE, "bic.held_out": 0.3}
    settings.update({"bic.bias_steps": 40, "bic.bias_lr": 0.05})
    given = {"fraction": 0.3, "epochs": 6, "bias_rate": 0.05, "bias_steps": 40}
    yield "bic", settings, partial(bic, rate=0.5, temperature=2, port=False, **given)
    settings = {**settings, "bic.weight": "one_task", "bic.squared": True, "bic.new": "as_many"}
    settings.update({"bic.bias_steps": 0, "bic.bias_epochs": 40})
    yield "bic", settings, partial(bic, rate=0.5, temperature=2, port=True, **given)
    # Shares below one of a class: some are held out all the same.
    settings = {"lr": 0.5, "epochs": 6, "batch": WHOLE, "bic.held_out": 0.05, "bic.bias_lr": 0.05}
    settings["bic.bias_steps"] = 40
    given["fraction"] = 0.05
    yield "bic", settings, partial(bic, rate=0.5, temperature=2, port=False, **given)


def scores_of(run, task):
    query = "SELECT rows, width, logits FROM output WHERE on_task = ? ORDER BY after_task DESC"
    rows, width, logits = run.rows(query, task)[0]
    return np.frombuffer(logits, np.float16).astype(np.float64).reshape(rows, width)


def errors(run, reference):
    """(what, error, bound) of everything that the reference foretells."""
    start, got = dict(initial().named_parameters()), run.weights()
    for name, value in reference.network.named_parameters():
        before, want = start[name].detach().numpy(), value.detach().numpy()
        if name.startswith(tuple(reference.still)):
            yield f"{name} stays", np.abs(got[name] - before).max(), 0
            continue
        if np.abs(want - before).max() < LEAST_MOVE:
            yield f"{name} hardly moves", float("inf"), reference.tolerance
        yield name, pytorch.distance(got[name] - before, want - before), reference.tolerance
    for name, want in reference.tensors.items():
        yield name, pytorch.distance(run.tensor(name), want), reference.tolerance
    for name, want in reference.kept.items():
        ((got,),) = run.rows("SELECT value FROM kept WHERE name = ?", name)
        yield name, abs(got - want), reference.tolerance
    for name, want in reference.columns.items():
        yield f"column {name}", pytorch.distance(run.column(name), want), reference.tolerance
    query = "SELECT value FROM scalar WHERE name = ? ORDER BY step, update_name"
    for term, want in reference.losses.items():
        found = np.array([value for (value,) in run.rows(query, term)])
        yield f"losses of {term}", pytorch.distance(found, np.array(want)), reference.tolerance
    for test in (Task(*images(3), task) for task in range(TASKS)):
        scores = reference.scores or reference.network
        want = scores(test.x).detach().numpy()
        found = pytorch.distance(scores_of(run, test.number), want)
        yield f"scores of task {test.number}", found, SCORE_TOLERANCE


def main(mneme):
    pytorch.begin()
    wrong, references = [], (cases, selection.cases, lucir.cases, dgr.cases, mog.cases, squeeze.cases)
    with tempfile.TemporaryDirectory() as folder:
        runs = Runs(os.path.abspath(mneme), folder)
        for strategy, settings, reference in itertools.chain(*(of(runs) for of in references)):
            runs.last = run = runs.run(strategy, {"buffer_size": ALL, **settings})
            found = list(errors(run, reference(runs, run)))
            label = " ".join([strategy, *(f"{key}={value}" for key, value in settings.items())])
            print(f"  {label}: {max(error for _, error, bound in found if bound != SCORE_TOLERANCE):.1e}")
            wrong += [f"{label}: {what}: {e:.1e}" for what, e, bound in found if not e <= bound]
    return pytorch.verdict(wrong)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
