"""Genifer against PyTorch:  genifer.py MNEME

A whole run of a small network, generator and discriminator, compared with a reference written from the
specification alone: every loss of every step, and where the generator's average ends.  Random numbers are
looked up as mneme looks them up; the penalty on gradients is differentiated twice, where mneme takes
differences.  Exits 77 (skipped) without PyTorch.
"""

import math
import os
import sys
import tempfile
from typing import NamedTuple

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
import runs
import safetensors
from learner import APART, row_distance

runs.SIDE = 6  # a doubling of 3
from runs import BATCH, CLASSES, TASK_CLASSES, TASKS, Runs

# The weight of the penalty, how far a loss may lie from the reference's, of the largest loss of its name,
# which statistics later tasks normalise by, of the new network and of the old one, and the seed of the
# first weights.  Adam's first steps are as long for a gradient of 1e-8 as for one of 1, so rounding is
# soon seen, and sooner what the penalty's differences leave out.
CASES = ((0.0, 1e-4, "batch", 8), (0.5, 2e-3, "batch", 8), (0.0, 5e-5, "running", 9))
CASES += ((0.0, 5e-5, "frozen", 8),)
STEPS, GAN_BATCH, SAMPLES, RATE, LATER, GAN_RATE = 12, 8, 2, 0.2, 0.03, 1e-3
# The generator is held to what it made by |x - y|, whose slope turns about where x is y.  The seeds are
# such that no pixel of any step comes nearer to that than this, unless it has not moved at all: a run's
# rounding cannot carry it across.
KINK = 1e-5
LATENT, EMBEDDING, STYLE, WIDTH = 5, 4, 6, 8  # of the generator, which doubles once
SEEN, DENSE, PROJECTION = 6, 7, 5  # of the discriminator, of one block with one convolution
LAZY = 16 / 17
DISTIL, HALF_LIFE = 10.0, 60.0


def normal(purpose, step, *shape):
    key = philox.key_at(philox.key_of(0, purpose), step)
    return torch.tensor(normals(key, math.prod(shape))).float().double().reshape(shape)


def normals(key, count):
    numbers = []
    for i in range(count):
        word = philox.bits(key, i)
        radius = (((word[0] << 32 | word[1]) >> 11) + 0.5) * 2.0**-53
        angle = ((word[2] << 32 | word[3]) >> 11) * 2.0**-53
        numbers.append(math.sqrt(-2 * math.log(radius)) * math.cos(2 * math.pi * angle))
    return numbers


def labels_of(name, step, classes, count):
    key = philox.key_at(philox.key_of(0, f"uniform.genifer/{name}"), step)
    chance = np.float32(philox.uniform(key, count))
    return [classes[int(float(c) * len(classes))] for c in chance]


def one_hot(labels):
    return F.one_hot(torch.tensor(labels), CLASSES).double()


class Classifier(torch.nn.Module):
    def __init__(self, channels=1, stride=1):
        super().__init__()
        self.conv1 = torch.nn.Conv2d(channels, 4, 3, stride, 1, bias=False)
        self.bn1 = torch.nn.BatchNorm2d(4)
        self.conv2 = torch.nn.Conv2d(4, 8, 3, 2, 1, bias=False)
        self.bn2 = torch.nn.BatchNorm2d(8)
        self.classifier = torch.nn.Linear(8, CLASSES)
        self.double()

    def maps(self, x):
        return F.relu(self.bn1(self.conv1(x)))

    def forward(self, x):
        maps = self.maps(x)
        y = F.relu(self.bn2(self.conv2(maps)))
        return self.classifier(y.mean((2, 3))), maps


def drawn_for(purpose):
    """(place, shape) -> the numbers from N(0, 1) that mneme's network of that name begins with."""
    key = philox.key_of(0, f"network.initial.genifer/{purpose}")

    def drawn(place, shape):
        numbers = normals(philox.key_at(key, place), math.prod(shape))
        return torch.tensor(numbers).float().double().reshape(shape)

    return drawn


class Equalised(torch.nn.Module):
    """Weights from N(0, 1), or N(0, 1 / rate), by their place among all that the network declares."""

    def __init__(self, drawn):
        super().__init__()
        self.drawn, self.count = drawn, 0

    def add(self, shape, constant=None, deviation=1.0):
        if constant is None:
            value = self.drawn(self.count, shape) * deviation
        else:
            value = torch.full(shape, float(constant), dtype=torch.float64)
        self.register_parameter(f"p{self.count}", torch.nn.Parameter(value))
        self.count += 1

    def add_linear(self, inputs, outputs, bias=0.0, rate=1.0):
        self.add((outputs, inputs), deviation=1 / rate)
        self.add((outputs,), bias)

    def add_conv(self, inputs, outputs):
        self.add((outputs, inputs, 3, 3))
        self.add((outputs,), 0)

    def next(self):
        self.at += 1
        return getattr(self, f"p{self.at - 1}")

    def linear(self, x, rate=1.0):
        weight, bias = self.next(), self.next()
        return F.linear(x, weight * rate / math.sqrt(weight.shape[1]), bias * rate)

    def conv(self, x):
        weight, bias = self.next(), self.next()
        return F.conv2d(x, weight * math.sqrt(2 / (9 * weight.shape[1])), bias, padding=1)


class Making(NamedTuple):
    """Sizes of a generator."""

    latent: int = LATENT
    embedding: int = EMBEDDING
    style: int = STYLE
    width: int = WIDTH
    doublings: int = 1
    channels: int = 1
    first: int = 3  # pixels on a side of the first maps

    def maps(self):
        """(inputs, outputs, side, whether they double) of each convolution but the last."""
        width, side = self.width, self.first
        for i in range(2 * self.doublings + 1):
            doubles = i % 2 == 1
            yield width, width // 2 if doubles else width, side, doubles
            width, side = (width // 2, 2 * side) if doubles else (width, side)

    def noise(self):
        return sum(side * side for _, _, side, _ in self.maps())


class Generator(Equalised):
    def __init__(self, drawn, sizes=Making(), classes=CLASSES):
        super().__init__(drawn)
        self.sizes = sizes
        self.add_linear(classes, sizes.embedding)
        self.add_linear(sizes.latent + sizes.embedding, sizes.style, rate=0.01)
        self.add_linear(sizes.style, sizes.style, rate=0.01)
        self.add((sizes.width, sizes.first, sizes.first), 1)
        for inputs, outputs, _, _ in sizes.maps():
            self.add_style(inputs, outputs)
            self.add((outputs, 1, 1, 1), 0)
        self.add_style(sizes.width >> sizes.doublings, sizes.channels)

    def add_style(self, inputs, outputs):
        self.add_linear(self.sizes.style, inputs, bias=1)
        self.add_linear(self.sizes.style, inputs)
        self.add_conv(inputs, outputs)

    def styled(self, x, style):
        scale, shift = self.linear(style), self.linear(style)
        return self.conv(x * scale[:, :, None, None] + shift[:, :, None, None])

    def forward(self, latent, classes, noise):
        self.at, used = 0, 0
        style = torch.cat([latent, self.linear(classes)], 1)
        for _ in range(2):
            style = F.leaky_relu(self.linear(style, 0.01), 0.2)
        x = self.next().expand(len(latent), -1, -1, -1)
        for _, _, side, doubles in self.sizes.maps():
            x = self.styled(x, style)
            drawn = noise[:, used : used + side * side].reshape(-1, 1, side, side)
            used += side * side
            x = F.leaky_relu(x + self.next().reshape(1, -1, 1, 1) * drawn, 0.2)
            if doubles:
                x = F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=True)
        return self.styled(x, style)


def deviation(x, group=32):
    rows = len(x)
    members = group if rows % group == 0 else rows
    y = x.reshape(members, -1, *x.shape[1:])
    spread = ((y - y.mean(0)) ** 2).mean(0).add(1e-8).sqrt().mean((1, 2, 3))
    channel = spread.repeat(members).reshape(rows, 1, 1, 1).expand(-1, 1, *x.shape[2:])
    return torch.cat([x, channel], 1)


class Seeing(NamedTuple):
    """Sizes of a discriminator: of the maps that it sees, and its own."""

    channels: int = 4
    side: int = 6
    widths: tuple = ((SEEN,),)  # of the convolutions of each block
    dense: int = DENSE
    projection: int = PROJECTION


class Discriminator(Equalised):
    def __init__(self, drawn, sizes=Seeing(), classes=CLASSES):
        super().__init__(drawn)
        self.sizes, width = sizes, sizes.channels
        for outputs in sum(sizes.widths, ()):
            self.add_conv(width, outputs)
            width = outputs
        self.add_conv(width + 1, width)
        self.add_linear(width * (sizes.side >> len(sizes.widths)) ** 2, sizes.dense)
        self.add_linear(sizes.dense, sizes.projection)
        self.add((sizes.projection, classes))

    def forward(self, maps, classes):
        self.at, x = 0, maps
        for block in self.sizes.widths:
            for _ in block:
                x = F.leaky_relu(self.conv(x), 0.2)
            x = F.avg_pool2d(x, 2)
        x = F.leaky_relu(self.conv(deviation(x)), 0.2)
        x = F.leaky_relu(self.linear(x.flatten(1)), 0.2)
        phi = self.linear(x)
        psi = classes @ (self.next() / math.sqrt(classes.shape[1])).T
        return (phi * psi).sum(1) / math.sqrt(self.sizes.projection)


def copy(to, source):
    to.load_state_dict(source.state_dict())


class Reference:
    image, steps, gan_batch, half_life = (1, 6, 6), STEPS, GAN_BATCH, HALF_LIFE
    adam = torch.optim.Adam

    rate, apart, kink = GAN_RATE, APART, KINK

    def __init__(self, weights, gamma, statistics):
        self.gamma, self.statistics = gamma, statistics
        self.network, self.before = Classifier(), Classifier()
        for name, parameter in self.network.named_parameters():
            parameter.data = torch.tensor(weights[name]).double()
        names = "generator", "average", "previous"
        self.generator, self.average, self.previous = (Generator(drawn_for(n)) for n in names)
        self.discriminator = Discriminator(drawn_for("discriminator"))
        self.losses, self.step = {}, 0

    def add(self, name, value):
        self.losses.setdefault(name, []).append(value.item())
        return value

    def train_first(self, task):
        self.network.train()
        for x, y in batches(task, BATCH):
            logits, _ = self.network(x)
            loss = self.add("labels", F.cross_entropy(logits[:, : task.seen], y))
            self.move(torch.optim.SGD(self.network.parameters(), RATE), loss)
            self.step += 1

    def move(self, optimiser, loss, left=1):
        """With a weight decay that leaves so much, apart from the gradient."""
        optimiser.zero_grad()
        loss.backward()
        with torch.no_grad():
            for group in optimiser.param_groups:
                for parameter in group["params"]:
                    parameter *= left
        optimiser.step()

    def made(self, generator, names, classes, count):
        labels = labels_of(names[0], self.step, classes, count)
        latent = normal(f"noise.genifer/{names[1]}", self.step, count, LATENT)
        noise = normal(f"noise.genifer/{names[2]}", self.step, count, Making().noise())
        return generator(latent, one_hot(labels), noise), labels

    def replayed(self, task):
        with torch.no_grad():
            names = ("replay", "replay", "replay-noise")
            images, labels = self.made(self.average, names, task.past, BATCH // 2)
        return (images.clamp(0, 1) * 255).round() / 255, labels

    def train_later(self, task):
        optimiser = torch.optim.RAdam(self.network.parameters(), LATER)
        self.network.train(self.statistics != "frozen")
        self.before.train(self.statistics == "batch")
        for x, y in batches(task, BATCH):
            x, y = x[: BATCH // 2], y[: BATCH // 2]
            loss = self.later_loss(task, x, y, self.replayed(task)[0])
            self.move(optimiser, loss, left=1 - LATER * 5e-4)
            self.step += 1

    def later_loss(self, task, x, y, replayed):
        new, past = len(x), len(task.past)
        both = torch.cat([x, replayed])
        logits, maps = self.network(both)
        with torch.no_grad():
            was, old_maps = self.before(both)
        loss = 0.02 * self.add("labels", F.cross_entropy(logits[:new, : task.seen], y))
        wanted = was[new:, :past].softmax(1)
        got = logits[new:, : task.seen].log_softmax(1)[:, :past]
        loss = loss + 0.98 * self.add("distil", -(wanted * got).sum(1).mean())
        away = row_distance(maps[new:].flatten(1), old_maps[new:].flatten(1), self.apart)
        return loss + self.add("features", away.mean())

    def train_generator(self, task):
        self.network.eval()
        for parameter in self.network.parameters():
            parameter.requires_grad_(False)
        rows = self.gan_batch if task.number == 0 else self.gan_batch // 2
        seen = self.rate * (LAZY if self.gamma > 0 else 1)
        optimisers = (
            self.adam(self.discriminator.parameters(), seen, (0.0, 0.99**LAZY)),
            self.adam(self.generator.parameters(), self.rate, (0.0, 0.99)),
        )
        full = len(task.y) // rows
        for update in range(self.steps):
            at = update % full * rows
            reals, labels = task.x[at : at + rows], task.y[at : at + rows].tolist()
            self.duel(task, update, reals.reshape(-1, *self.image), labels, optimisers)
            half_life = self.half_life * min(1, update / (self.steps / 2))
            keep = 0.5 ** (self.gan_batch / half_life) if half_life > 0 else 0
            with torch.no_grad():
                for average, now in zip(self.average.parameters(), self.generator.parameters()):
                    average.copy_(keep * average + (1 - keep) * now)
            self.step += 1
        for parameter in self.network.parameters():
            parameter.requires_grad_(True)
        self.step += task.seen  # samples are kept

    def duel(self, task, update, reals, real_labels, optimisers):
        rows, distil = len(reals), None
        new = ("new-class", "new-latent", "new-noise")
        fakes, labels = self.made(self.generator, new, task.present, rows)
        if task.number > 0:
            old = ("old-class", "old-latent", "old-noise")
            with torch.no_grad():
                kept, old_labels = self.made(self.previous, old, task.past, rows)
            again, _ = self.made(self.generator, old, task.past, rows)
            distil = (again - kept).abs()
            nearest = distil[distil > 0].min().item() if distil.any() else 1
            assert nearest > self.kink, f"update {update}: a pixel is {nearest:.1e} from a kink"
            distil = distil.mean()
            fakes, labels = torch.cat([again, fakes]), old_labels + labels
            reals, real_labels = torch.cat([kept, reals]), old_labels + real_labels
        real_maps = self.network.maps(reals).detach().requires_grad_()
        fake_maps = self.network.maps(fakes)
        real_scores = self.discriminator(real_maps, one_hot(real_labels))
        fake_scores = self.discriminator(fake_maps.detach(), one_hot(labels))
        loss = self.add("real", F.softplus(-real_scores).mean())
        loss = loss + self.add("made", F.softplus(fake_scores).mean())
        if self.gamma > 0 and update % 16 == 0:
            (slope,) = torch.autograd.grad(real_scores.sum(), real_maps, create_graph=True)
            penalty = self.add("r1", (slope**2).sum((1, 2, 3)).mean())
            loss = loss + self.gamma / 2 * LAZY * penalty
        self.move(optimisers[0], loss)
        scores = self.discriminator(fake_maps, one_hot(labels))
        loss = self.add("fooling", F.softplus(-scores).mean())
        if distil is not None:
            weight = DISTIL * len(task.past) / len(task.present)
            loss = loss + weight * self.add("generator-distil", distil)
        self.move(optimisers[1], loss)

    def run(self, tasks):
        first = [value.detach().clone() for value in self.network.classifier.parameters()]
        for task in tasks:
            with torch.no_grad():
                for value, fresh in zip(self.network.classifier.parameters(), first):
                    value[task.past.stop : task.seen] = fresh[task.past.stop : task.seen]
            copy(self.before, self.network)
            if task.number > 0:
                copy(self.previous, self.average)
                copy(self.generator, self.average)
            self.train_first(task) if task.number == 0 else self.train_later(task)
            if task.number < TASKS - 1:
                self.train_generator(task)


def batches(task, size):
    x = task.x.reshape(-1, 1, 6, 6)
    for at in range(0, len(x), size):
        yield x[at : at + size], task.y[at : at + size]


def settings(gamma, statistics):
    genifer = {"stage": "layer1", "later_lr": LATER, "steps": STEPS, "later_steps": STEPS}
    genifer |= {"gan_batch": GAN_BATCH, "half_life": HALF_LIFE, "most_augmented": 0}
    genifer |= {"latent": LATENT, "embedding": EMBEDDING, "style": STYLE, "width": WIDTH}
    genifer |= {"doublings": 1, "discriminator_width": SEEN, "discriminator_most": SEEN}
    genifer |= {"blocks": 1, "convolutions": 1, "dense": DENSE, "projection": PROJECTION}
    genifer |= {"samples": SAMPLES, "gamma": gamma, "distil": DISTIL}
    genifer |= {"generator_lr": GAN_RATE, "discriminator_lr": GAN_RATE, "statistics": statistics}
    network = {"network.name": "plain-convnet", "network.depth": 2, "network.width": 4}
    return network | {f"genifer.{key}": value for key, value in genifer.items()} | {"lr": RATE}


def errors(run, reference):
    phases = {"labels": "train", "distil": "train", "features": "train"}
    for name, want in reference.losses.items():
        got = run.losses(name, phases.get(name, "generator"))
        want = np.array(want)
        if got.shape != want.shape:
            yield f"{name}: {got.size} losses, expected {want.size}", float("inf")
            continue
        yield name, (np.abs(got - want) / max(np.abs(want).max(), 1e-12)).max()


def first_weights(seed, path):
    """Of the network, which are saved where the run reads them."""
    torch.manual_seed(seed)
    network = Classifier()
    weights = {n: p.detach().numpy().astype(np.float32) for n, p in network.named_parameters()}
    extra = {n: b.numpy().astype(np.float32) for n, b in network.named_buffers() if "running" in n}
    safetensors.save(weights | extra, path)
    return weights


def main(mneme):
    pytorch.begin()
    with tempfile.TemporaryDirectory() as folder:
        all_runs = Runs(os.path.abspath(mneme), folder)
        wrong = []
        for gamma, tolerance, statistics, seed in CASES:
            weights = first_weights(seed, f"{folder}/in-False.safetensors")
            reference = Reference(weights, gamma, statistics)
            reference.run(all_runs.tasks())
            run = all_runs.run("genifer", settings(gamma, statistics))
            for name, error in errors(run, reference):
                label = f"gamma {gamma}, {statistics}, {name}: {len(reference.losses[name])} losses"
                print(f"  {label}, {error:.1e}")
                wrong += [f"{label}, {error:.1e}"] if not error <= tolerance else []
    return pytorch.verdict(wrong)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
