"""Numbers of van de Ven and Tolias's code of 2019:  capture_vandeven.py CHECKOUT > authors_vandeven.json

CHECKOUT is one of github.com/GMvandeVen/continual-learning at 9945f84; nothing of it is needed to run
the test, `authors_classics.py`.  Their classifier and their generator make the steps, their learner the
penalties; batches, draws and the ends of tasks are those of capture_classics.py, and the noise of the
generator is given to it as mneme draws it, by its rule (philox.py).  Losses are over the classes seen
so far.  Their Fisher information is divided by one image too few, which lambda makes up for, and is of
true labels, which is one of their options; of SI there are two tasks, because their path integral has
the penalty's gradient in it.
"""

import contextlib
import copy
import importlib
import os
import sys

import torch

sys.dont_write_bytecode = True

import dgr
import philox
import pytorch
import runs
from capture_classics import ALL, BATCH, RATE, WHOLE, first_images, stand_in, tasks
from captured import write

EPOCHS, LATENT, UNITS, GENERATOR_RATE = 3, 3, 9, 0.004


class Noise:
    """torch.randn and Tensor.normal_ as mneme's keyed noise: the stream's, then the replay's."""

    def __init__(self):
        self.theirs, self.step = (torch.randn, torch.Tensor.normal_), 0

    def __enter__(self):
        self.names = ["stream", "replay"]
        torch.randn = lambda *shape: dgr.noise("code", self.step, shape[0]).float()
        torch.Tensor.normal_ = lambda x: dgr.noise(self.names.pop(0), self.step, len(x)).float()

    def __exit__(self, *_):
        torch.randn, torch.Tensor.normal_ = self.theirs
        self.step += 1


def classifier(theirs, **options):
    class Solver(theirs.Classifier):
        def forward(self, x):
            return self.own(x)

        def feature_extractor(self, images):
            return self.own.features(images)

    made = Solver(runs.SIDE, 1, runs.CLASSES, fc_units=1, fc_bn=False)
    del made.fcE, made.classifier
    made.own = runs.initial().float()
    made.optimizer = torch.optim.SGD(made.parameters(), options.pop("lr", RATE))
    for name, value in options.items():
        setattr(made, name, value)
    return made


def generator(vae_models):
    """Theirs with mneme's first weights."""
    dgr.WIDTHS, dgr.LATENT = (UNITS, UNITS), LATENT
    made = vae_models.AutoEncoder(runs.SIDE, 1, runs.CLASSES, fc_units=UNITS, fc_bn=False, z_dim=LATENT)
    ours = dict(dgr.Generator().weight)
    layers = ("fcE.fcLayer1", "encoder.fc1"), ("fcE.fcLayer2", "encoder.fc2"), ("toZ.mean", "mean")
    layers += ("toZ.logvar", "log_variance"), ("fromZ", "decoder.fc1")
    layers += ("fcD.fcLayer1", "decoder.fc2"), ("fcD.fcLayer2", "decoder.fc3")
    state = made.state_dict()
    for their_name, name in layers:
        for part in ("weight", "bias"):
            if f"{name}.{part}" in ours:
                state[f"{their_name}.linear.{part}"] = ours[f"{name}.{part}"].detach().float()
    made.load_state_dict(state)
    made.optimizer = torch.optim.Adam(made.parameters(), GENERATOR_RATE, betas=(0.9, 0.999))
    return made


def batches(task, epochs=EPOCHS, batch=BATCH):
    for _ in range(epochs):
        yield from zip(task.x.float().split(batch), task.y.split(batch))


def seen(task):
    return list(range(task.seen))


def old_scores(before, x, task):
    with torch.no_grad():
        return before(x)[:, : len(task.past)]


# --- the methods ------------------------------------------------------------------------------------


def lwf(theirs):
    model, before = classifier(theirs, replay_targets="soft"), None
    for task in tasks():
        for x, y in batches(task):
            more = {} if before is None else {"x_": x, "scores_": old_scores(before, x, task)}
            model.train_a_batch(x, y, **more, active_classes=seen(task), rnt=1 / (task.number + 1))
        before = copy.deepcopy(model).eval()
    settings = {"finetune.weighting": "tasks", "lwf.classes": "seen", "lwf.weighting": "tasks"}
    return model, {**settings, "finetune.classes": "seen", "lwf.alpha": 4, "lwf.warm_up": 0}


def er(theirs):
    model, old = classifier(theirs), None
    for task in tasks():
        for x, y in batches(task):
            more = {} if old is None else {"x_": old[0], "y_": old[1]}
            model.train_a_batch(x, y, **more, active_classes=seen(task), rnt=1 / (task.number + 1))
        own = (task.x.float(), task.y)
        old = own if old is None else tuple(torch.cat(parts) for parts in zip(old, own))
    settings = {"er.replay": ALL, "er.weighting": "tasks", "er.classes": "seen"}
    return model, {**settings, "buffer_policy": "tasks", "buffer.share": "classes"}


def ewc(theirs):
    model = classifier(theirs, ewc_lambda=3, gamma=0.7, online=True, emp_FI=True)
    utils = sys.modules["utils"]
    for task in tasks():
        for x, y in batches(task):
            model.train_a_batch(x, y, active_classes=seen(task))
        one = [(x[None], y[None]) for x, y in zip(task.x.float(), task.y)]
        utils.get_data_loader = lambda *_, **__: one
        model.estimate_fisher(None, allowed_classes=seen(task))
    images = len(one)
    strength = 3 * 0.7 / 2 * images / (images - 1)
    settings = {"ewc.lambda": strength, "ewc.gamma": 0.7, "ewc.weighted": False}
    return model, {**settings, "finetune.classes": "seen"}


def si(theirs):
    model = classifier(theirs, si_c=2, epsilon=0.3)
    for task in tasks():
        named = {n.replace(".", "__"): p for n, p in model.named_parameters()}
        path = {name: torch.zeros_like(p) for name, p in named.items()}
        for name, p in named.items() if task.number == 0 else ():
            model.register_buffer(f"{name}_SI_prev_task", p.detach().clone())
        for x, y in batches(task):
            before = {name: p.detach().clone() for name, p in named.items()}
            model.train_a_batch(x, y, active_classes=seen(task))
            for name, p in named.items():
                path[name] -= p.grad * (p.detach() - before[name])
        model.update_omega(path, model.epsilon)
    return model, {"si.c": 2, "si.xi": 0.3, "si.clip": 0, "finetune.classes": "seen"}


def icarl(theirs):
    rate = 0.3
    model, before = classifier(theirs, binaryCE=True, binaryCE_distill=True, lr=rate), None
    for task in tasks():
        parts = [(t.x.float(), t.y) for t in tasks()[: task.number + 1]]
        x, y = (torch.cat(part) for part in zip(*parts))
        for _ in range(2 * EPOCHS):
            scores = None if before is None else old_scores(before, x, task)
            model.train_a_batch(x, y, scores=scores, active_classes=seen(task), task=task.number + 1)
        before = copy.deepcopy(model).eval()
    settings = {"batch": WHOLE, "epochs": 2 * EPOCHS, "lr": rate, "icarl.classes": "seen"}
    return model, {**settings, "icarl.temperature": 2, "icarl.decay": 0}


def drawn(theirs, targets):
    model, draws = classifier(theirs, replay_targets=targets), generator(sys.modules["vae_models"])
    before, noise = None, Noise()
    for task in tasks():
        for x, y in batches(task):
            with noise:
                old = {}
                if before is not None:
                    old["x_"] = before[1].sample(BATCH).flatten(1)
                    scores = old_scores(before[0], old["x_"], task)
                    old |= {"scores_": scores} if targets == "soft" else {"y_": scores.argmax(1)}
                own = {"active_classes": seen(task), "rnt": 1 / (task.number + 1)}
                model.train_a_batch(x, y, **old, **own)
                image = lambda flat: flat.view(-1, 1, runs.SIDE, runs.SIDE)
                old |= {"x_": image(old["x_"])} if old else {}
                draws.train_a_batch(image(x), y, **old, **own)
        before = copy.deepcopy(model).eval(), copy.deepcopy(draws).eval()
    settings = {"dgr.generator": f'{{"widths": "{UNITS},{UNITS}", "latent": {LATENT}}}'}
    settings.update({"dgr.lr": GENERATOR_RATE, "dgr.labels": targets, "keep_moments": True})
    return model, {**settings, "dgr.replay": BATCH}


def cases(theirs):
    """(strategy, classes of each task, what makes its run)"""
    five, two = (2,) * 5, (5,) * 2
    yield from (("lwf", five, lwf), ("er", five, er), ("ewc", five, ewc), ("si", two, si))
    yield "icarl", five, icarl
    for targets in ("hard", "soft"):
        yield "dgr", five, lambda theirs: drawn(theirs, targets)


def main(checkout):
    pytorch.begin()
    stand_in("data", "tqdm", "torchvision", "torchvision.transforms")
    sys.modules["torchvision"].transforms = sys.modules["torchvision.transforms"]
    sys.path.insert(0, os.path.abspath(checkout))
    importlib.import_module("utils")  # first: they import each other
    theirs = importlib.import_module("encoder")
    found, source = [], "github.com/GMvandeVen/continual-learning at 9945f84, PyTorch " + torch.__version__
    for strategy, classes, capture in cases(theirs):
        runs.TASK_CLASSES, runs.TASKS = classes, len(classes)
        with contextlib.redirect_stdout(sys.stderr):
            model, settings = capture(theirs)
        with torch.no_grad():
            answers = model.eval()(first_images()).tolist()
        settings = {"lr": RATE, "batch": BATCH, "epochs": EPOCHS, **settings}
        found.append({"strategy": strategy, "task_classes": classes, "settings": settings})
        found[-1]["answers"] = answers
    write({"source": source, "runs": found})


if __name__ == "__main__":
    main(*sys.argv[1:])
