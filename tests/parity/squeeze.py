"""Squeeze and span in PyTorch, written from the method's description: a replay generator's hidden layers
teach the features of what it draws, and two views of real images are brought together.

Weights, noise, draws and views are looked up as mneme looks them up, by key.
"""

import math
from functools import partial

import numpy as np
import torch
import torch.nn.functional as F

import philox
from dgr import LATENT, WIDTHS as UNITS, Generator, noise
from learner import Learner, rows_of_buffer
from runs import BATCH, SIDE, WIDTHS, clear, rectified

OWNER = "squeeze-span"
WIDTH = 4  # of what is compared
ROWS, EPOCHS = 9, 2  # images of a step; of the generator
TIE = 5e-5  # of a byte: where rounding would decide which of two it is


def drawn_layer(key, number, outputs, inputs):
    """Weight and bias as PyTorch's linear layers begin, the number-th and the next parameter."""
    for i, shape in enumerate(((outputs, inputs), (outputs,))):
        u = np.array(philox.uniform(philox.key_at(key, number + i), math.prod(shape)))
        value = ((2 * u - 1) / math.sqrt(inputs)).astype(np.float32).reshape(shape)
        yield torch.from_numpy(value).double().requires_grad_()


class Embedding:
    """Layers that are summed, hidden ones with a norm, and a last one; by their names in the file."""

    def __init__(self, name, inputs, hidden, width, last, task=None):
        key = philox.key_of(0, f"network.initial.{OWNER}/{name}")
        key = key if task is None else philox.key_at(key, task)
        self.name, self.weight, self.summed, self.hidden, self.last = name, {}, [], [], last
        for layer, columns in inputs:
            self.add(key, layer, width, columns)
            self.summed.append(layer)
        columns = width if inputs else WIDTHS[1]
        for i, units in enumerate(hidden):
            self.add(key, f"fc{i + 1}", units, columns)
            self.weight[f"bn{i + 1}.weight"] = torch.ones(units).double().requires_grad_()
            self.weight[f"bn{i + 1}.bias"] = torch.zeros(units).double().requires_grad_()
            self.hidden.append(i + 1)
            columns = units
        self.add(key, last, width, columns)

    def add(self, key, layer, outputs, inputs):
        parts = list(drawn_layer(key, len(self.weight), outputs, inputs))
        self.weight[f"{layer}.weight"], self.weight[f"{layer}.bias"] = parts

    def layer(self, layer, x):
        return F.linear(x, self.weight[f"{layer}.weight"], self.weight[f"{layer}.bias"])

    def __call__(self, x):
        if self.summed:
            x = sum(self.layer(layer, part) for layer, part in zip(self.summed, x))
        for i in self.hidden:
            norm = self.weight[f"bn{i}.weight"], self.weight[f"bn{i}.bias"]
            x = rectified(F.batch_norm(self.layer(f"fc{i}", x), None, None, *norm, training=True))
        return self.layer(self.last, x)


def squeezer(task, layers):
    taps = [(f"tap{i + 1}", units) for i, units in enumerate(reversed(UNITS))]
    return Embedding("squeeze", taps, [WIDTH] * layers, WIDTH, "last", task)


def projection(width, hidden):
    return Embedding("projector", [], hidden, width, f"fc{len(hidden) + 1}")


def variance(z):
    return clear(1 - (z.var(0) + 1e-4).sqrt()).relu().mean()


def covariance(z):
    c = torch.cov(z.T)
    return (c**2).sum().sub((c.diagonal() ** 2).sum()) / len(c)


def to_bytes(x):
    """The nearest bytes of images in [0, 1], as shares of 255 again."""
    x = 255 * x.detach()
    nearest = ((x % 1) - 0.5).abs().min().item()
    assert nearest > TIE, f"a pixel is {nearest:.1e} from between two bytes: too near for floats"
    return x.round() / 255


def view(name, step, x):
    """Each image, or its mirror image."""
    key = philox.key_at(philox.key_of(0, f"views.{OWNER}/{name}"), step)
    rows = []
    for i, row in enumerate(x.reshape(-1, SIDE, SIDE)):
        flips = philox.uniform(philox.key_at(key, i, 0), 1)[0] < 0.5
        rows.append(row.flip(1) if flips else row)
    return torch.stack(rows).reshape(len(x), SIDE * SIDE)


def real_images(task, step, kept):
    wanted = min(ROWS // 2, len(kept))
    old = philox.key_at(philox.key_of(0, f"draw.{OWNER}/old"), step)
    old = kept[philox.subset(old, len(kept), wanted)]
    new = philox.key_at(philox.key_of(0, f"draw-images.{OWNER}/new"), step)
    new = task.x[philox.permutation(new, len(task.y))[: ROWS - wanted]]
    return torch.cat([new, old])


class Terms:
    """kappa [alpha squeeze + (1 - alpha) span], term by term."""

    def __init__(self, learner, projector, options):
        self.learner, self.projector, self.o = learner, projector, options

    def seen(self, name, step, x):
        return self.projector(self.learner.network.features(view(name, step, x)))

    def log(self, part, weight, value):
        return weight * self.o["weight"] * self.learner.log(f"{OWNER}/{part}", value)

    def compare(self, part, share, a, b, both):
        v, c = variance(a), covariance(a)
        if both:
            v, c = v + variance(b), c + covariance(b)
        loss = self.log(f"{part}-invariance", share * self.o["invariance"], F.mse_loss(a, b))
        loss = loss + self.log(f"{part}-variance", share * self.o["variance"], v)
        return loss + self.log(f"{part}-covariance", share * self.o["covariance"], c)

    def squeeze(self, step, generator, squeeze):
        share, code = self.o["share"], noise("code", step, ROWS, OWNER)
        with torch.no_grad():
            taps, images = list(generator.hidden(code)), generator.decode(code)
        student = self.seen("drawn", step, to_bytes(images))
        self.learner.log(f"{OWNER}/deviation", (student.var(0) + 1e-4).sqrt().mean())
        if self.o["target"] == "squeeze":
            return self.compare("squeeze", share, student, squeeze(taps), self.o["reg_teacher"])
        taps = torch.cat(taps, 1)
        if self.o["target"] == "standardised":
            taps = (taps - taps.mean(0)) / (taps.var(0) + 1e-4).sqrt()
        loss = F.mse_loss(student, taps)
        return self.log("squeeze-invariance", share * self.o["invariance"], loss)

    def span(self, step, real):
        first, second = (self.seen(name, step, real) for name in ("first", "second"))
        return self.compare("span", 1 - self.o["share"], first, second, True)


def step_of(networks, loss, rate):
    parameters = [p for network in networks for p in network]
    gradients = torch.autograd.grad(loss, parameters, allow_unused=True)
    with torch.no_grad():
        for parameter, gradient in zip(parameters, gradients):
            if gradient is not None:
                parameter -= rate * gradient


def train_generator(generator, optimiser, task, step, old):
    optimiser.state.clear()
    share = 1 / (task.number + 1)
    for x, _ in task.batches(EPOCHS):
        parts = [(share, x, "stream")]
        if task.number > 0:
            drawn = old.decode(noise("replay code", step, BATCH, OWNER)).detach()
            parts.append((1 - share, drawn, "replay"))
        optimiser.zero_grad()
        for weight, images, name in parts:
            (weight * sum(generator.terms(images, noise(name, step, len(images), OWNER)))).backward()
        optimiser.step()
        step += 1
    return step


def squeeze_span(runs, run, rate, generator_rate, replays, options):
    learner, generator, step = Learner(rate), Generator(OWNER), 0
    if options["projector"]:
        learner.tolerance = 1e-3  # what norms of nine rows make of rounding, step after step
    optimiser = torch.optim.Adam(generator.weight.values(), generator_rate)
    hidden = [options["projector"]] if options["projector"] else []
    projector = projection(WIDTH if options["target"] == "squeeze" else sum(UNITS), hidden)
    terms, tasks = Terms(learner, projector, options), runs.tasks()
    for task in tasks:
        squeeze, before = squeezer(task.number, options["squeeze_layers"]), generator.copy()
        kept, _ = rows_of_buffer(runs, run, task.number)
        for x, y in task.batches():
            share = 1 / (task.number + 1) if replays else 1
            seen = task.seen if replays else None
            loss = share * learner.log("stream", F.cross_entropy(learner.network(x)[:, :seen], y))
            if replays and task.number > 0:
                old = F.cross_entropy(learner.network(learner.x)[:, :seen], learner.y)
                loss = loss + (1 - share) * learner.log("replay", old)
            if task.number > 0 and options["share"] > 0:
                loss = loss + terms.squeeze(step, before, squeeze)
            if task.number > 0 and options["share"] < 1:
                loss = loss + terms.span(step, real_images(task, step, kept))
            moved = [learner.parameters, projector.weight.values(), squeeze.weight.values()]
            step_of(moved, loss, rate)
            step += 1
        if task is not tasks[-1] and options["share"] > 0:
            step = train_generator(generator, optimiser, task, step, before)
        if replays:
            learner.remember(task.x, task.y)
    embeddings = [projector] + ([squeeze] if options["target"] == "squeeze" and options["share"] > 0 else [])
    for network in embeddings:
        for name, value in network.weight.items():
            learner.tensors[f"{OWNER}/{network.name}/{name}"] = value.detach().numpy()
    if options["share"] > 0:
        for name, value in generator.weight.items():
            learner.tensors[f"{OWNER}/generator/{name}"] = value.detach().numpy()
    return learner


def cases(_):
    widths = ",".join(str(width) for width in UNITS)
    fixed = {"generator": f'{{"widths": "{widths}", "latent": {LATENT}}}', "generator_lr": 0.004}
    fixed.update({"generator_epochs": EPOCHS, "width": WIDTH, "rows": ROWS})
    usual = {"weight": 0.04, "share": 0.5, "target": "squeeze", "reg_teacher": True}
    usual.update({"invariance": 25, "variance": 25, "covariance": 1})
    usual.update({"projector": "", "squeeze_layers": 0})
    views = {"area_least": 0, "flip": 0.5, "jitter": 0, "solarise": 0, "equalise": 0}
    er = {"er.replay": 4096, "er.weighting": "tasks", "er.classes": "seen"}
    er.update({"buffer_policy": "tasks", "buffer.share": "classes"})
    for replays, changes in (
        (True, {"projector": 6, "squeeze_layers": 1, "weight": 0.01}),
        (True, {"weight": 0.1, "share": 0.3, "covariance": 4}),
        (False, {"reg_teacher": False, "variance": 10, "share": 1, "squeeze_layers": 1}),
        (True, {"share": 0}),
        (False, {"target": "taps"}),
        (False, {"target": "standardised", "invariance": 10}),
    ):
        options = {**usual, **changes}
        settings = {"lr": 0.1, **{f"views.{key}": value for key, value in views.items()}}
        settings.update({f"{OWNER}.{key}": value for key, value in {**fixed, **options}.items()})
        reference = partial(squeeze_span, rate=0.1, generator_rate=0.004, replays=replays)
        strategy = f"{'er' if replays else 'finetune'}+{OWNER}"
        yield strategy, {**settings, **(er if replays else {})}, partial(reference, options=options)
