"""X-DER and its variants in PyTorch, written from the paper's section 3 and the authors' settings.

The draws of a step are as large as the buffer, so that nothing about them is random but the order, and
both hold the same rows: what comes twice must count once.  Contrast is an op with cases of its own.
"""

from functools import partial

import numpy as np
import torch
import torch.nn.functional as F

from classics import named
from ops import implant, simplex
from runs import CLASSES, TASK_CLASSES, TASKS, clear, initial

ENDS = np.cumsum(TASK_CLASSES).tolist()
ROOM = 90  # shares of all tasks are whole numbers
REPLAY = 200  # all of it


def head(label):
    """The columns of the task that brings a class."""
    task = next(t for t in range(TASKS) if label < ENDS[t])
    return slice(ENDS[task] - TASK_CLASSES[task], ENDS[task])


def violated(x):
    x = clear(x)
    return x[x > 0].mean() if (x > 0).any() else torch.zeros(())


class Buffer:
    """Rows by their place in the data set, in the order they came in."""

    def __init__(self):
        self.rows = {}

    def stack(self):
        x = torch.stack([row["x"] for row in self.rows.values()])
        y = torch.tensor([row["y"] for row in self.rows.values()])
        return x, y, torch.stack([row["z"] for row in self.rows.values()])

    def keep(self, share):
        for label in range(CLASSES):
            of_label = [place for place, row in self.rows.items() if row["y"] == label]
            for place in of_label[share(label) :]:
                del self.rows[place]

    def implant(self, logits, first, end, gamma, tasks=None):
        for row, new in zip(self.rows.values(), logits, strict=True):
            if tasks is None or row["task"] < tasks:
                args = [[row["y"]], first, end - first, gamma, False]
                row["z"] = implant(row["z"][None], new[None], *args)[0]


class Run:
    def __init__(self, variant, o):
        self.variant, self.o = variant, o
        self.network, self.buffer, self.losses = initial(o.get("batch_norm", False)), Buffer(), {}

    def logits(self, x, track=True):
        self.network.track = track  # whether running statistics follow
        out = self.network(x)
        return out[:, :-1] @ simplex(CLASSES) if self.variant == "xder-rpc" else out

    def add(self, name, weight, value):
        self.losses.setdefault(name, []).append(value.item())
        return weight * value

    def margins(self, task, out, y, old=None, old_y=()):
        first, end, m, eta = min(task.present), task.seen, self.o["margin"], self.o["eta"]
        loss = 0
        if end < CLASSES:
            above = [out[:, end:].max(1).values + m - out[:, first:end].max(1).values]
            for row, label in zip(old if old is not None else [], old_y):
                above.append((row[end:].max() + m - row[head(label)].max())[None])
            loss = loss + self.add("future", eta, violated(torch.cat(above)))
        if first > 0 and self.o.get("past", True):
            p = out[:, :end] if self.o.get("past_logits", False) else out[:, :end].softmax(1)
            above = p[:, :first].max(1).values.detach() + m - p[:, first:].max(1).values
            loss = loss + self.add("past", eta, violated(above))
        return loss

    def step(self, task, x, y, rate):
        first, end = min(task.present), task.seen
        aligned = self.o.get("align", False) and task.number > 0
        out, old, old_y = self.logits(x, not aligned), None, ()
        self.present_only = self.variant != "xder-ce" or self.o.get("present_only", False)
        last = end if self.present_only else CLASSES
        loss = self.add("stream", 1, F.cross_entropy(out[:, first:last], y - first))
        if self.buffer.rows:
            bx, old_y, z = self.buffer.stack()
            lent = x[: REPLAY // task.number] if aligned else x[:0]
            old = self.logits(torch.cat([bx, lent]))[: len(bx)]
            again = self.logits(bx, not aligned)
            known = first if task.number > 0 else end
            loss = loss + self.add("dark", self.o["alpha"], F.mse_loss(old, z))
            loss = loss + self.add("replay", self.o["beta"], F.cross_entropy(again[:, :known], old_y))
        elif self.variant == "xder-ce" and self.o.get("first_task", True):
            self.add("dark", 0, torch.zeros(()))
            self.add("replay", 0, torch.zeros(()))
        if task.number == 0:
            old, old_y = None, ()
        loss = loss + self.margins(task, out, y, old, old_y)
        parameters = list(self.network.parameters())
        gradients = torch.autograd.grad(loss, parameters)
        if task.number > 0:  # every row is in its first draw of the task
            self.buffer.implant(old.detach(), first, CLASSES, self.o["gamma"])
        with torch.no_grad():
            for parameter, gradient in zip(parameters, gradients, strict=True):
                parameter -= rate * gradient
        return out.detach()

    def finish(self, task):
        """The buffer after a task: shrunk, filled, brought up to date."""
        first, end = min(task.present), task.seen
        self.buffer.keep(lambda label: ROOM // end if label < first else 0)
        lacking = (ROOM - len(self.buffer.rows)) // len(task.present)
        lacks = dict.fromkeys(task.present, lacking)
        with torch.no_grad():
            out = self.logits(task.x, False)
            if first > 0:
                out = implant(out, out, task.y.tolist(), 0, first, self.o["gamma"], False)
            for x, y, z, place in zip(task.x, task.y.tolist(), out, task.places, strict=True):
                if lacks[y] > 0:
                    lacks[y] -= 1
                    self.buffer.rows[place] = {"x": x, "y": y, "z": z, "task": task.number}
            x, _, _ = self.buffer.stack()
            last = CLASSES if self.present_only else end
            self.buffer.implant(self.logits(x, False), first, last, self.o["gamma"], task.number)


def reference(runs, run, variant, o, rate, batch):
    mine = Run(variant, o)
    for task in runs.tasks():
        for at in range(0, len(task.y), batch):
            x, y = task.x[at : at + batch], task.y[at : at + batch]
            out = mine.step(task, x, y, rate)
            if variant == "xder-ce" and task.number == 0 and o.get("first_task", True):
                for i, place in enumerate(task.places[at : at + batch]):
                    row = {"x": x[i], "y": y[i].item(), "z": out[i], "task": 0}
                    mine.buffer.rows[place] = row
        mine.finish(task)
    check_buffer(run, mine.buffer, exact=batch >= len(runs.labels))
    if o["alpha"] == 0:  # later draws refresh at random
        del mine.losses["dark"]
    weights = named(mine.network, list(mine.network.parameters()))
    for name, buffer in mine.network.named_buffers():
        if "running" in name:
            weights[name] = buffer.numpy()
            # a bias before a normalisation has no gradient but rounding
            weights.pop(name.split(".")[0].replace("bn", "fc") + ".bias", None)
    return weights, {}, mine.losses


def check_buffer(run, buffer, exact):
    query = """SELECT source, label, data FROM exemplar JOIN exemplar_column USING (slot)
               WHERE name = 'logits' ORDER BY seen"""
    found = run.rows(query)
    assert [source for source, _, _ in found] == list(buffer.rows), "the buffer holds other images"
    if not exact:
        return
    got = np.stack([np.frombuffer(data, np.float32) for _, _, data in found])
    want = buffer.stack()[2].numpy()
    error = np.abs(got - want).max() / np.abs(want).max()
    assert error < 2e-5, f"remembered logits differ by {error:.1e}"


def cases(runs):
    """(strategy, settings, reference of a run) of every comparison."""
    rate = 0.2
    options = {"alpha": 0.6, "beta": 0.7, "gamma": 0.85, "margin": 0.4, "eta": 0.5}
    for variant in ("xder", "xder-ce", "xder-rpc"):
        # One step a task: all rows are refreshed.  Or many, where remembered logits do not count.
        for batch, alpha in ((1000, 0.6), (8, 0.0)):
            o = {**options, "alpha": alpha}
            settings = {f"{variant}.{name}": value for name, value in o.items()}
            settings |= {f"{variant}.replay": REPLAY, "buffer_size": ROOM, "batch": batch}
            if variant == "xder":
                settings["xder.lambda"] = 0
            yield variant, settings, lambda run: reference(runs, run, variant, o, rate, batch)
    o = {**options, "alpha": 0.0, "past_logits": True}
    settings = {f"xder.{name}": value for name, value in o.items()}
    settings |= {"xder.replay": REPLAY, "buffer_size": ROOM, "batch": 8, "xder.lambda": 0}
    yield "xder", settings, partial(reference, runs, variant="xder", o=o, rate=rate, batch=8)
    later = {"present_only": True, "past": False, "first_task": False}  # as later code has it
    o = {**options, **later}
    settings = {f"xder-ce.{name}": value for name, value in o.items()}
    settings |= {"xder-ce.replay": REPLAY, "buffer_size": ROOM, "batch": 1000}
    yield "xder-ce", settings, partial(reference, runs, variant="xder-ce", o=o, rate=rate, batch=1000)
    for align in (False, True):
        o = {**options, "align": align}
        settings = {f"xder.{name}": value for name, value in o.items()}
        settings |= {"xder.replay": REPLAY, "buffer_size": ROOM, "batch": 1000, "xder.lambda": 0}
        settings["network.batch_norm"] = o["batch_norm"] = True
        yield "xder", settings, lambda run: reference(runs, run, "xder", o, rate, 1000)
