"""Numbers of the own code of GSS's, LUCIR's and GDumb's authors:

    capture_classics.py GSS LUCIR GDUMB > authors_classics.json

GSS is a checkout of github.com/rahafaljundi/Gradient-based-Sample-Selection at ca4160a, LUCIR of
github.com/hshustc/CVPR19_Incremental_Learning at e5a90ae, GDUMB of github.com/drimpossible/GDumb at
4f412d7; nothing of them is needed to run the test, `authors_classics.py`.  As in capture.py, nothing is
left to chance: batches come in order, or are the whole task and the buffer; a draw brings all of the
buffer, which is never full.  What is written down is what the network then answers to one image of each
class.

LUCIR's script is one long loop; what it does between its training functions, which are called here, is
repeated: how the classifier grows and is imprinted.  Its scheduler counts epochs from 0, as that of the
PyTorch of its time did.  GDumb's program computes in half precision on a GPU, here in single precision.
"""

import argparse
import contextlib
import copy
import importlib
import logging
import math
import os
import sys
import types

import torch
import torch.nn.functional as F

sys.dont_write_bytecode = True

import pytorch
import runs
from captured import write

runs.TASK_CLASSES, runs.TASKS = (2,) * 5, 5
ALL, WHOLE, BATCH = 4096, 256, 13
RATE, EPOCHS = 0.2, 3


def tasks():
    pixels, labels = runs.images(2)
    return [runs.Task(pixels, labels, task) for task in range(runs.TASKS)]


def first_images():
    return torch.cat([task.x[: len(task.present)] for task in tasks()]).float()


def stand_in(*names):
    """Modules that theirs import and that nothing here needs."""
    for name in names:
        sys.modules[name] = types.ModuleType(name)


# --- GSS ------------------------------------------------------------------------------------------


def gss(folder):
    stand_in("scipy", "scipy.sparse")
    sys.modules["scipy"].sparse = sys.modules["scipy.sparse"]
    sys.path.insert(0, folder)
    theirs = importlib.import_module("model.GSS_Greedy")
    for iterations in (1, 2):
        args = {"n_layers": 2, "n_hiddens": 9, "data_file": "mnist", "cuda": False, "lr": RATE}
        args.update({"n_memories": BATCH, "batch_size": BATCH, "n_sampled_memories": ALL})
        args.update({"n_constraints": ALL, "memory_strength": 1, "change_th": 0, "subselect": 1})
        args = argparse.Namespace(**args, n_iter=iterations)
        model = theirs.Net(runs.SIDE**2, runs.CLASSES, runs.TASKS, args)
        model.net = runs.initial().float()
        model.opt = torch.optim.SGD(model.parameters(), RATE)
        model.grad_dims = [parameter.numel() for parameter in model.parameters()]
        for task in tasks():
            for _ in range(EPOCHS):
                for x, y in zip(task.x.float().split(BATCH), task.y.split(BATCH)):
                    model.train()
                    model.observe(x, task.number, y)
        settings = {"lr": RATE, "batch": BATCH, "epochs": EPOCHS, "gss.replay": ALL}
        settings["gss.iterations"] = iterations
        yield "gss", settings, model.net(first_images())


# --- LUCIR ----------------------------------------------------------------------------------------


class Cosine(runs.Network):
    """The network with their classifier behind it."""

    def __init__(self, linear, batch_norm):
        super().__init__(batch_norm)
        begun = runs.initial(batch_norm)
        self.load_state_dict(begun.state_dict())
        self.fc = linear(runs.WIDTHS[1], runs.TASK_CLASSES[0])
        self.fc.weight.data = begun.classifier.weight.data[: runs.TASK_CLASSES[0]].clone()
        self.fc.sigma.data = 1 + begun.classifier.bias.data[:1].clone()
        del self.classifier
        self.float()

    def forward(self, x):
        return self.fc(self.features(x))


class Steps:
    """A learning rate that falls to a tenth from this epoch on, the first being 0."""

    def __init__(self, optimiser, epoch):
        self.optimiser, self.epoch, self.now = optimiser, epoch, -1
        self.rates = [group["lr"] for group in optimiser.param_groups]

    def step(self):
        self.now += 1
        for group, rate in zip(self.optimiser.param_groups, self.rates):
            group["lr"] = rate / 10 if self.now >= self.epoch else rate

    def get_lr(self):
        return [group["lr"] for group in self.optimiser.param_groups]


def grow(model, split):
    """Their classifier with room for two classes more."""
    old = model.fc
    known = old.weight.data if hasattr(old, "weight") else torch.cat([old.fc1.weight.data, old.fc2.weight.data])
    model.fc = split(runs.WIDTHS[1], len(known), 2)
    model.fc.fc1.weight.data, model.fc.sigma.data = known, old.sigma.data


def imprint(model, task):
    model.eval()
    length = model.fc.fc1.weight.data.norm(dim=1).mean().double()
    with torch.no_grad():
        features = F.normalize(model.features(task.x.float()), p=2, dim=1)
    means = [features[task.y == label].mean(0) for label in task.present]
    rows = [F.normalize(mean, p=2, dim=0) * length for mean in means]
    model.fc.fc2.weight.data = torch.stack(rows).float()


def lucir(folder):
    stand_in("torchvision", "PIL", "scipy.spatial", "scipy.spatial.distance", "sklearn", "sklearn.metrics")
    stand_in("utils_pytorch")
    for name in ("datasets", "models", "transforms"):
        setattr(sys.modules["torchvision"], name, None)
    sys.modules["PIL"].Image = sys.modules["scipy.spatial.distance"].cdist = None
    sys.modules["sklearn.metrics"].confusion_matrix = None
    sys.path[:0] = [folder, f"{folder}/cifar100-class-incremental"]
    linear = importlib.import_module("modified_linear")
    train = importlib.import_module("utils_incremental.incremental_train_and_eval_MR_LF")
    torch.nn.BatchNorm2d = torch.nn.BatchNorm1d  # theirs looks for the norms of images
    ranking = F.margin_ranking_loss  # which no longer takes targets of another shape
    F.margin_ranking_loss = lambda a, b, target, **more: ranking(a, b, target.view_as(a), **more)
    rate, epochs, fine, strength, margin, rank = 0.3, 6, (3, 2, 0.3), 3, 0.4, 0.7
    for batch_norm in (False, True):
        model, before, seen = Cosine(linear.CosineLinear, batch_norm), None, []
        for task in tasks():
            if task.past:
                before = copy.deepcopy(model)
                grow(model, linear.SplitCosineLinear)
                imprint(model, task)
            seen.append((task.x.float(), task.y))
            batches = [tuple(torch.cat(parts) for parts in zip(*seen))]
            still = list(model.fc.fc1.parameters()) if task.past else []
            moved = [p for p in model.parameters() if all(p is not other for other in still)]
            optimiser = torch.optim.SGD([{"params": moved, "lr": rate}, {"params": still, "lr": 0}], rate)
            lamda = strength * math.sqrt(len(task.past) / len(task.present))

            def fit(epochs, optimiser, drop, fixed):
                train.incremental_train_and_eval_MR_LF(
                    epochs, model, before, optimiser, Steps(optimiser, drop), batches, batches,
                    task.number, 0, lamda, margin, 2, rank, fix_bn=fixed, device="cpu",
                )  # fmt: skip

            fit(epochs, optimiser, ALL, False)
            if task.past:
                vectors = [model.fc.fc1.weight, model.fc.fc2.weight]
                fit(fine[0], torch.optim.SGD(vectors, fine[2], momentum=0.9), fine[1], True)
        settings = {"lr": rate, "batch": WHOLE, "epochs": epochs, "lucir.lambda": strength}
        settings.update({"lucir.margin": margin, "lucir.rank": rank, "network.batch_norm": batch_norm})
        settings.update(zip(("lucir.finetune", "lucir.finetune_drop", "lucir.finetune_lr"), fine))
        yield "lucir", settings, model.eval()(first_images())


# --- GDumb ----------------------------------------------------------------------------------------


def gdumb(folder):
    as_it_is = lambda x, *_, **__: x
    for kind in (torch.Tensor, torch.nn.Module):
        kind.cuda = kind.half = as_it_is
    stand_in("dataloader", "models", "models.layers", "opts")
    for name in ("mnist", "cifar", "imagenet"):
        setattr(sys.modules["models"], name, None)
    sys.modules["dataloader"].VisionDataset = sys.modules["models.layers"].FinalBlock = None
    sys.modules["opts"].parse_args = None
    sys.path.insert(0, f"{folder}/src")
    theirs = importlib.import_module("main")
    for batch_norm in (False, True):
        opt = argparse.Namespace(maxlr=0.1, minlr=5e-4, weight_decay=1e-6, regularization="none", clip=1)
        parts = [(task.x.float(), task.y) for task in tasks()]
        whole = [tuple(torch.cat(part) for part in zip(*parts))]
        model, silent = runs.initial(batch_norm).float(), logging.getLogger("silent")
        silent.addHandler(logging.NullHandler())
        _, model = theirs.experiment(opt, torch.ones(10, 10), whole, [], model, silent, 30)
        settings = {"batch": WHOLE, "clip": 1, "gdumb.epochs": 30, "gdumb.lr": 0.1, "gdumb.cutmix": 0}
        settings.update({"gdumb.fit": "at_the_end", "network.batch_norm": batch_norm})
        yield "gdumb", settings, model.eval()(first_images())


def main(*folders):
    pytorch.begin()
    found, source = [], "the checkouts that capture_classics.py names, PyTorch " + torch.__version__
    for folder, capture in zip(folders, (gss, lucir, gdumb), strict=True):
        with contextlib.redirect_stdout(sys.stderr):
            cases = list(capture(os.path.abspath(folder)))
        for strategy, settings, answers in cases:
            found.append({"strategy": strategy, "task_classes": runs.TASK_CLASSES})
            found[-1].update({"settings": settings, "answers": answers.tolist()})
    write({"source": source, "runs": found})


if __name__ == "__main__":
    main(*sys.argv[1:])
