"""Numbers of the DER authors' own code:  capture.py MAMMOTH > authors.json

MAMMOTH is a checkout of github.com/aimagelab/mammoth at its tag tpami2023; nothing of it is needed
to run the test, `authors.py`, which holds mneme against these numbers.  Their methods learn the small
data set of runs.py, in tasks of two classes because they know tasks of equal size alone, and nothing
is left to chance: batches come in order, a draw from the buffer brings all of it, and a buffer is
either never full or always.  What is written down is what the network then answers to one image of
each class, and the loss of every step.

What a method draws at random whatever its settings is given to it as mneme draws it, by its rule
((philox.py): what bic holds out, and the noise in which hal's anchors begin.  gem's quadratic programme,
which theirs leaves to a library, is solved by trying every set of bounds.  Methods whose own authors' programs can be run are in capture_classics.py.
"""

import argparse
import contextlib
import importlib
import itertools
import os
import sys
import types

import numpy as np
import torch

sys.dont_write_bytecode = True

import philox
import pytorch
import runs
from captured import write
from rehearsal import held_of

runs.TASK_CLASSES, runs.TASKS = (2,) * 5, 5
SOURCE = "github.com/aimagelab/mammoth, tag tpami2023, PyTorch " + torch.__version__
ALL = 4096  # a buffer, and a draw, of everything
HALF = 65  # a buffer of half of all images
FULL = 20  # a buffer that a task fills, whose shares are whole numbers
WHOLE = 256  # a batch of a whole task
MORE = 1000  # of it and the buffer
ANCHOR_STEPS = 101  # with which mneme's steps go on after a task of hal
TEMPERATURE = 5  # of the contrast


class Backbone(runs.Network):
    """The network under the names that their methods use."""

    def forward(self, x, returnt="out"):
        features = self.features(x)
        return features if returnt == "features" else self.classifier(features)

    def get_params(self):
        return torch.cat([parameter.view(-1) for parameter in self.parameters()])

    def set_params(self, flat):
        """Copied: theirs lies where the numbers do, so hal's step on the memory would move both of
        the networks that its anchors are to tell apart."""
        torch.nn.utils.vector_to_parameters(flat.clone(), self.parameters())

    def get_grads(self):
        return torch.cat([parameter.grad.view(-1) for parameter in self.parameters()])


class Images:
    """A task in order, to which LwF adds what the old network says of it."""

    def __init__(self, x, y):
        self.data, self.targets = x, y

    def __len__(self):
        return len(self.targets)

    def __getitem__(self, i):
        return self.data[i], self.targets[i], self.data[i]


class Loader:
    def __init__(self, dataset, batch):
        self.dataset, self.batch = dataset, batch

    def __len__(self):
        return -(-len(self.dataset) // self.batch)

    def __iter__(self):
        of = self.dataset
        columns = [of.data, of.targets, of.data] + ([of.logits] if hasattr(of, "logits") else [])
        yield from zip(*(torch.as_tensor(column).split(self.batch) for column in columns))


class Stream:
    def __init__(self, tasks):
        self.N_TASKS, self.N_CLASSES_PER_TASK = len(tasks), len(tasks[0].present)
        self.train_loader = None

    def get_data_loaders(self):
        return types.SimpleNamespace(dataset=types.SimpleNamespace(data=torch.zeros(1, 5, 5))), None

    def get_denormalization_transform(self):
        return types.SimpleNamespace(mean=(0,), std=(1,))

    def get_normalization_transform(self):
        return lambda x: x

    def get_backbone(self):
        return Backbone().float()


class AsMneme:
    """torch.rand and torch.randperm while a task begins or ends: what mneme would have drawn."""

    def __init__(self, tasks, strategy, fraction=0):
        self.tasks, self.strategy, self.fraction = tasks, strategy, fraction
        self.theirs, self.step = (torch.rand, torch.randperm), 0

    def __call__(self, task, step):
        self.task, self.step, self.row = task, step, 0
        if self.strategy in ("bic", "hal"):
            torch.rand, torch.randperm = self.rand, self.randperm
        return self

    def __enter__(self):
        return self

    def __exit__(self, *_):
        torch.rand, torch.randperm = self.theirs

    def rand(self, *shape, **_):
        if self.strategy == "hal":  # an anchor; in mneme they are the rows of one draw
            pixels = shape[0][0]
            key = philox.key_at(philox.key_of(0, "uniform.hal/anchors"), self.step)
            self.row += 1
            numbers = philox.uniform(key, self.row * pixels)[-pixels:]
            return torch.tensor(numbers).requires_grad_()
        return 1 - self.held(1).float()  # below their fraction where it is held out

    def randperm(self, count):
        (first,) = torch.nonzero(self.held(0), as_tuple=True)
        return torch.cat([first, torch.tensor([i for i in range(count) if i not in first])])

    def held(self, part):
        """Of the buffer (1) or the task (0)."""
        past = torch.cat([task.y for task in self.tasks[: self.task]])
        key = philox.key_at(philox.key_of(0, "held-out"), self.task)
        wanted = int(self.fraction * len(past) + 0.5)
        if part == 0:
            own = self.tasks[self.task]
            return held_of(own.y, own.present, wanted, philox.key_at(key, 0 + 1))
        slots = philox.subset(philox.key_of(0, "buffer.all"), len(past), len(past))
        selections = philox.key_at(philox.key_of(0, "buffer"), 2**64 - 1)
        stored = philox.subset(philox.key_at(selections, 0), len(past), len(past))
        order = [stored[slot] for slot in slots]
        held = torch.zeros(len(past), dtype=torch.bool)
        held[order] = held_of(past[order], range(runs.CLASSES), wanted, philox.key_at(key, 0))
        return held


def solve_qp(p, a, _, h):
    """The least of 1/2 v p v - a v over v >= h, as the library quadprog returns it."""
    for held in itertools.product((True, False), repeat=len(a)):
        held, v = np.array(held), h.copy()
        free = ~held
        v[free] = np.linalg.solve(p[np.ix_(free, free)], (a - p[:, held] @ v[held])[free])
        slope = p @ v - a
        if (v >= h).all() and (slope[held] >= 0).all():
            return (v,)
    raise RuntimeError("no set of bounds fulfils the conditions")


def captured(strategy, module, name, tasks, batch_norm=False, **options):
    """(loss of every step, answers) of one of their methods."""
    stream = Stream(tasks)
    sys.modules["datasets"].get_dataset = lambda args: stream
    args = {"lr": 0.2, "batch_size": 13, "n_epochs": 3, "minibatch_size": ALL, "buffer_size": ALL}
    args = argparse.Namespace(**{**args, "simclr_batch_size": 64, "simclr_num_aug": 2, **options})
    args.simclr_temp = TEMPERATURE
    method = getattr(importlib.import_module(f"models.{module}"), name)
    network = Backbone(batch_norm)
    network.load_state_dict(runs.initial(batch_norm).state_dict())
    model = method(network.float(), torch.nn.functional.cross_entropy, args, None)
    model.gpu_augmentation = lambda x: x  # their random views: of no weight here
    losses, as_mneme = [], AsMneme(tasks, strategy, getattr(args, "valset_split", 0))
    for task in tasks:
        stream.train_loader = Loader(Images(task.x.float(), task.y), args.batch_size)
        model.net.train()
        if hasattr(model, "begin_task"):
            with as_mneme(task.number, 0):
                model.begin_task(stream)
        for _ in range(args.n_epochs):
            losses += [model.observe(*batch) for batch in stream.train_loader]
        if hasattr(model, "end_task"):
            with as_mneme(task.number, len(losses) + task.number * ANCHOR_STEPS):
                model.end_task(stream)
    first = torch.cat([task.x[: len(task.present)] for task in tasks]).float()
    with torch.no_grad():
        model.eval()
        return losses, (network(first) if strategy == "icarl" else model(first)).tolist()


def contrast():
    """Their contrastive loss of some images in two views, and its gradient."""
    numbers = (torch.arange(7 * 2 * 4) * 5 % 11 / 5 - 1).view(7, 2, 4)
    features, labels = numbers.clone().requires_grad_(), torch.arange(7) % 3
    module = importlib.import_module("utils.simclrloss")
    loss = module.SupConLoss(TEMPERATURE, base_temperature=TEMPERATURE, reduction="sum")
    value = loss(features=torch.nn.functional.normalize(features, dim=2), labels=labels)
    value.backward()
    given = {"features": numbers.tolist(), "labels": labels.tolist(), "temperature": TEMPERATURE}
    return {**given, "value": value.item(), "gradient": features.grad.tolist()}


def cases():
    """(strategy, its settings, their module, their class, their options, number of tasks)."""
    more = {"batch": 13, "epochs": 3}
    yield "er", {**more, "er.replay": ALL}, "er", "Er", {}, 5
    settings = {**more, "der.replay": ALL, "der.alpha": 0.6}
    yield "der", settings, "der", "Der", {"alpha": 0.6}, 5
    settings = {**more, "derpp.replay": ALL, "derpp.alpha": 0.6, "derpp.beta": 0.7}
    yield "derpp", settings, "derpp", "Derpp", {"alpha": 0.6, "beta": 0.7}, 5
    yield "er-ace", {**more, "er-ace.replay": ALL}, "er_ace", "ErACE", {}, 5
    # Two tasks, because afterwards theirs takes the rows that a buffer lacks for images.
    settings = {**more, "fdr.replay": ALL, "fdr.alpha": 1, "fdr.steps": "two"}
    yield "fdr", settings, "fdr", "Fdr", {"alpha": 1}, 2
    settings = {"batch": WHOLE, "epochs": 6, "agem.replay": ALL, "agem.memory": "batch"}
    yield "agem", settings, "agem", "AGem", {"batch_size": WHOLE, "n_epochs": 6}, 5
    yield "agem-r", {**more, "agem-r.replay": ALL}, "agem_r", "AGemr", {}, 5
    settings = {**more, "ewc.lambda": 3, "ewc.gamma": 0.7}
    yield "ewc", settings, "ewc_on", "EwcOn", {"e_lambda": 3, "gamma": 0.7}, 5
    # Two tasks, because with more the penalty's gradient is in their path integral.
    yield "si", {**more, "si.c": 2, "si.xi": 0.3}, "si", "SI", {"c": 2, "xi": 0.3}, 2
    settings = {**more, "lwf.alpha": 2, "lwf.warm_up": 3, "finetune.classes": "seen"}
    yield "lwf", settings, "lwf", "Lwf", {"alpha": 2, "softmax_temp": 2}, 5
    settings = {**more, "si.c": 2, "si.xi": 0.3, "si.path": "squares"}
    yield "si", settings, "si", "SI", {"c": 2, "xi": 0.3}, 5
    settings = {"batch": WHOLE, "epochs": 6, "gem.gamma": 0.5}
    yield "gem", settings, "gem", "Gem", {"gamma": 0.5, "batch_size": WHOLE, "n_epochs": 6}, 5
    # Two tasks, because theirs take the rows that a buffer lacks for images: the first fills it.
    for batch_norm in (False, True):
        given = {"batch": WHOLE, "epochs": 15, "buffer_size": HALF, "network.batch_norm": batch_norm}
        theirs = {"batch_size": WHOLE, "n_epochs": 15, "buffer_size": HALF, "batch_norm": batch_norm}
        settings = {**given, "lr": 1.5, "icarl.decay": 0, "icarl.classes": "seen_mean"}
        yield "icarl", settings, "icarl", "ICarl", {**theirs, "lr": 1.5}, 2
        settings = {**given, "buffer_policy": "tasks", "bic.weight": "one_task", "bic.squared": True}
        settings.update({"bic.new": "as_many", "bic.held_out": 0.3})
        settings.update({"bic.bias_steps": 0, "bic.bias_epochs": 40})
        options = {**theirs, "valset_split": 0.3, "bic_epochs": 40, "temp": 2, "wd_reg": None}
        yield "bic", settings, "bic", "BiC", {**options, "distill_after_bic": 1}, 2
    # Their mean of features is another: of no weight here.
    settings = {"batch": MORE, "epochs": 6, "hal.replay": ALL, "hal.lambda": 0.6, "hal.gamma": 0}
    options = {"batch_size": MORE, "n_epochs": 6, "hal_lambda": 0.6, "beta": 0.5, "gamma": 0}
    yield "hal", settings, "hal", "HAL", options, 5
    theirs = {"beta": 0.7, "gamma": 0.85, "lambd": 0, "eta": 0.5, "m": 0.4, "buffer_size": FULL}
    for variant, module, name in (
        ("xder", "xder", "XDer"),
        ("xder-ce", "xder_ce", "XDerCE"),
        ("xder-rpc", "xder_rpc", "XDerRPC"),
    ):
        mine = {"replay": ALL, "beta": 0.7, "gamma": 0.85, "eta": 0.5, "margin": 0.4}
        mine["reference"] = True
        if variant == "xder":
            mine["lambda"] = 0
        mine = {f"{variant}.{key}": value for key, value in mine.items()} | {"buffer_size": FULL}
        # Later steps of a task bring remembered logits up to date at random: one step, or no weight.
        once = {"batch": WHOLE, "epochs": 1, f"{variant}.alpha": 0.6}
        options = {**theirs, "alpha": 0.6, "batch_size": WHOLE, "n_epochs": 1}
        yield variant, mine | once, module, name, options, 5
        if variant != "xder-ce":  # whose first task draws from a reservoir
            mine |= more | {f"{variant}.alpha": 0}
            yield variant, mine, module, name, {**theirs, "alpha": 0}, 5


def main(mammoth):
    pytorch.begin()
    mammoth = os.path.abspath(mammoth)
    os.chdir(mammoth)  # where their code looks for its modules
    sys.path.insert(0, mammoth)
    for name in ("datasets", "models", "quadprog", "utils.training"):  # instead of all that theirs would import
        sys.modules[name] = types.ModuleType(name)
    sys.modules["quadprog"].solve_qp = solve_qp
    sys.modules["utils.training"].evaluate = lambda model, dataset: None
    sys.modules["datasets"].NAMES = {}
    sys.modules["models"].__path__ = [f"{mammoth}/models"]
    sys.modules["models"].get_all_models = list
    pixels, labels = runs.images(2)
    found = []
    for strategy, settings, module, name, options, count in cases():
        classes = (10 // count,) * count
        runs.TASK_CLASSES, runs.TASKS = classes, count
        tasks = [runs.Task(pixels, labels, task) for task in range(count)]
        with contextlib.redirect_stdout(sys.stderr):
            losses, answers = captured(strategy, module, name, tasks, **options)
        found.append({"strategy": strategy, "task_classes": classes, "settings": settings})
        found[-1].update({"losses": losses, "answers": answers})
    write({"source": SOURCE, "contrast": contrast(), "runs": found})


if __name__ == "__main__":
    main(*sys.argv[1:])
