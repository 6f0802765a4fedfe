"""Genifer's reference against numbers of its authors' own code:  authors_genifer.py

authors_genifer.json was written by capture_genifer.py, which says how.  What is held is the reference
of genifer.py, to which `parity of genifer` holds mneme: generator and discriminator, with gradients; both
ways of training, the generator's and later tasks' classifier's, by their losses, the gradients of the
first steps and how far everything has moved; and the sizes of the networks.  Exits 77 (skipped) without
PyTorch.
"""

import copy
import itertools
import sys
from types import SimpleNamespace

try:
    import numpy  # of the modules below
    import torch
    import torch.nn.functional as F
except ImportError as why:
    print(f"skipped: {sys.executable}: {why}; on Debian: apt install python3-torch python3-numpy")
    sys.exit(77)

sys.dont_write_bytecode = True  # the sources' folder stays as it is

import genifer
import pytorch
from captured import apart, distance, gist, numbers, read, report, verdict
from genifer import Classifier, Discriminator, Generator, Making, Seeing

# Theirs, with fewer channels: from maps of 4x4 to images of 32x32, of which maps of 8x8 are seen.
MAKES = Making(latent=6, embedding=4, style=6, width=16, doublings=3, channels=3, first=4)
SEES = Seeing(channels=4, side=8, widths=((4, 4), (6, 6)), dense=6, projection=5)
FULL_MAKES = Making(512, 256, 512, 512, 3, 3, 4)
FULL_SEES = Seeing(256, 8, ((256, 256), (512, 512)), 512, 128)
CLASSES, TASK_CLASSES = 10, (3, 2, 5)
ROWS, STEPS, LATER_ROWS, EPOCHS, BATCHES = 8, 32, 12, 3, 4  # STEPS: whole rounds of the penalty
RATE, LATER, GAMMA, HALF_LIFE, FACTOR = 2e-3, 3e-3, 0.5, 100, 0.2
MEAN, DEVIATION = (0.507, 0.487, 0.441), (0.267, 0.256, 0.276)
LOOKED_AT = 2  # steps whose gradients are written down: one with the penalty and one without


# --- what both sides are given --------------------------------------------------------------------


def drawn(seed):
    return lambda place, shape: numbers(seed + place, *shape)


def generator(seed=100):
    """Whose scales and shifts are spread about their first values, and whose noise counts."""
    made = Generator(drawn(seed), MAKES, CLASSES)
    with torch.no_grad():
        for place, p in enumerate(made.parameters()):
            if p.dim() == 1 or p.std() == 0:  # what began with a constant
                p.add_(0.3 * numbers(seed + 50 + place, *p.shape))
    return made


def discriminator(seed=200):
    made = Discriminator(drawn(seed), SEES, CLASSES)
    with torch.no_grad():
        for place, p in enumerate(made.parameters()):
            if p.dim() == 1:
                p.add_(0.3 * numbers(seed + 50 + place, *p.shape))
    return made


def classifier(seed=300):
    made = Classifier(channels=3, stride=4)
    with torch.no_grad():
        for place, (name, value) in enumerate(made.state_dict().items()):
            if "tracked" in name:
                continue
            value.copy_(0.5 * numbers(seed + place, *value.shape))
            if "var" in name or ("bn" in name and "weight" in name):
                value.abs_().add_(0.5)
    return made


def noise_maps(rows, side):
    """The same at every step."""
    return numbers(side, 2 * ROWS, 1, side, side)[:rows]


def one_hot(labels):
    return F.one_hot(labels, CLASSES).double()


class Draws:
    """The latent numbers and classes of each draw of a kind, one after the other."""

    def __init__(self):
        self.count = {}

    def draw(self, kind, first, classes, rows):
        at = self.count.get(kind, 0)
        self.count[kind] = at + 1
        seed = {"new-class": 1000, "old-class": 2000, "replay": 3000}[kind] + at
        labels = first + (torch.arange(rows) * 7 + at) % classes
        return numbers(seed, rows, MAKES.latent), labels


def images(task):
    """(x, y) of a task: eight batches of its generator's training."""
    first = sum(TASK_CLASSES[:task])
    labels = first + torch.arange(8 * ROWS) * 5 % TASK_CLASSES[task]
    means = numbers(7, CLASSES, 3, 32, 32)
    return 0.5 * means[labels] + 0.5 * numbers(8 + task, len(labels), 3, 32, 32), labels


class Noted(torch.optim.Adam):
    """Adam that notes the gradients of its first steps."""

    notes = []

    def step(self, closure=None):
        ours = [p for group in self.param_groups for p in group["params"]]
        if self.state.get(ours[0], {}).get("step", 0) < LOOKED_AT:
            Noted.notes.append([gist(p.grad) for p in ours])
        return super().step(closure)


def moved(after, before):
    return [gist(a - b) for a, b in zip(after, before)]


# --- the reference --------------------------------------------------------------------------------


class Reference(genifer.Reference):
    """Its random numbers, and what it begins with, are the ones above."""

    image, steps, gan_batch, half_life = (3, 32, 32), STEPS, ROWS, HALF_LIFE
    adam = Noted
    apart = kink = 0  # the authors' code was run in double, too

    def __init__(self):
        self.gamma, self.rate, self.statistics = GAMMA, RATE, "batch"
        self.network, self.discriminator = classifier(), discriminator()
        self.generator, self.average, self.previous = (generator() for _ in range(3))
        self.losses, self.step, self.draws = {}, 0, Draws()

    def made(self, generator, names, classes, count):
        old = names[0] == "old-class"
        if not old or generator is self.previous:  # both images of old classes have the same numbers
            latent, labels = self.draws.draw(names[0], classes.start, len(classes), count)
            if old:
                self.kept = latent, labels
        if old:
            latent, labels = self.kept
        before = ROWS // 2 if names[0] == "new-class" and count < ROWS else 0
        maps = [noise_maps(2 * ROWS, side) for _, _, side, _ in MAKES.maps()]
        noise = torch.cat([m[before : before + count].flatten(1) for m in maps], 1)
        return generator(latent, one_hot(labels), noise), labels.tolist()

    def replayed(self, task):
        mean, deviation = (torch.tensor(v).double().view(1, 3, 1, 1) for v in (MEAN, DEVIATION))
        with torch.no_grad():
            made, labels = self.made(self.average, ("replay",), task.past, LATER_ROWS // 2)
        return ((made * deviation + mean).clamp(0, 1) - mean) / deviation, labels

    def later(self, task):
        """Later tasks' training, with a rate that falls."""
        self.before = copy.deepcopy(self.network)
        self.network.train(), self.before.train()
        for p in self.network.parameters():
            p.requires_grad_(True)
        optimiser = torch.optim.RAdam(self.network.parameters(), LATER)
        for epoch in range(EPOCHS):
            rate = LATER * FACTOR ** (epoch >= 2)
            optimiser.param_groups[0]["lr"] = rate
            for x, y in later_batches(task.number):
                half = LATER_ROWS // 2
                loss = self.later_loss(task, x[:half], y[:half], self.replayed(task)[0])
                self.move(optimiser, loss, left=1 - rate * 5e-4)


def later_batches(task):
    x, y = images(task)
    return list(zip(x.split(LATER_ROWS), y.split(LATER_ROWS)))[:BATCHES]


def task_of(number):
    """As the reference knows tasks; later ones use the first half of each batch."""
    x, y = images(number)
    if number > 0:
        x = x.reshape(-1, ROWS, *x.shape[1:])[:, : ROWS // 2].flatten(0, 1)
        y = y.reshape(-1, ROWS)[:, : ROWS // 2].flatten()
    first = sum(TASK_CLASSES[:number])
    seen = first + TASK_CLASSES[number]
    return SimpleNamespace(
        number=number, x=x, y=y, past=range(first), present=range(first, seen), seen=seen
    )


# --- the comparison -------------------------------------------------------------------------------


def networks(authors):
    latent, labels = numbers(1, ROWS, MAKES.latent), torch.arange(ROWS) % CLASSES
    latent.requires_grad_()
    maps = [noise_maps(ROWS, side).flatten(1) for _, _, side, _ in MAKES.maps()]
    of = generator()
    made = of(latent, one_hot(labels), torch.cat(maps, 1))
    yield "images", distance(made.flatten()[::211], authors["images"])
    slopes = torch.autograd.grad((made**2).sum(), [latent, *of.parameters()])
    yield "gradients of images", apart([gist(g) for g in slopes], authors["image_gradients"])
    seen, of = numbers(2, ROWS, 4, 8, 8).requires_grad_(), discriminator()
    scores = of(seen, one_hot(labels))
    yield "scores", distance(scores, authors["scores"])
    slopes = torch.autograd.grad((scores**2).sum(), [seen, *of.parameters()])
    yield "gradients of scores", apart([gist(g) for g in slopes], authors["score_gradients"])
    groups = genifer.deviation(numbers(3, 64, 5, 2, 2))[:, 5, 0, 0]
    yield "deviations of two groups", distance(groups, authors["deviations"])


def shapes(network):
    return [[size for size in p.shape if size > 1] for p in network.parameters()]


def sizes(authors):
    def nothing(place, shape):
        return torch.empty(shape, dtype=torch.float64)

    makes = shapes(Generator(nothing, FULL_MAKES, 100))
    sees = shapes(Discriminator(nothing, FULL_SEES, 100))
    yield "the generator", 0 if makes == authors["generator"] else float("inf")
    yield "the discriminator", 0 if sees == authors["discriminator"] else float("inf")


def training(reference, authors, of, train, task):
    """Trains the reference and compares what has moved, with everything noted on the way."""
    before = {name: [p.detach().clone() for p in of[name]] for name in of}
    reference.losses, Noted.notes = {}, []
    train(task)
    for name, want in authors["losses"].items():
        got = reference.losses[name]
        if name == "r1":  # which theirs logs with its weight
            got = [GAMMA / 2 * genifer.LAZY * loss for loss in got]
        yield name, distance(got, want)
    for step, want in enumerate(authors["gradients"]):
        for network, got, wanted in zip(
            ("discriminator", "generator"), Noted.notes[2 * step : 2 * step + 2], want, strict=True
        ):
            yield f"gradients of the {network} at step {step}", apart(got, wanted)
    for name, want in authors["moved"].items():
        yield f"{name} moved", apart(moved(of[name], before[name]), want)


def whole(authors):
    reference = Reference()

    def made():
        names = ("generator", "average", "discriminator")
        return {name: list(getattr(reference, name).parameters()) for name in names}

    first, second = task_of(0), task_of(1)
    reference.network.eval()
    yield "first task", training(reference, authors["first"], made(), reference.train_generator, first)
    seen = {"network": list(reference.network.state_dict().values())}
    seen["network"] = [value for value in seen["network"] if value.is_floating_point()]
    yield "classifier", training(reference, authors["later"], seen, reference.later, second)
    genifer.copy(reference.previous, reference.average)
    genifer.copy(reference.generator, reference.average)
    reference.network.eval()
    yield "second task", training(
        reference, authors["second"], made(), reference.train_generator, second
    )


def main():
    pytorch.begin()
    authors, wrong = read("authors_genifer.json"), 0
    parts = ("networks", networks(authors["networks"])), ("sizes of", sizes(authors["sizes"]))
    for part, found in itertools.chain(parts, whole(authors)):  # one after the other
        for what, error in found:
            wrong += report(f"{part}, {what}", error)
    return verdict(wrong)


if __name__ == "__main__":
    sys.exit(main())
