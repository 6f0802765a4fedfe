"""Numbers of the NNCSL authors' own code:  capture_nncsl.py NNCSL MNEME > authors_nncsl.json

NNCSL is a checkout of github.com/kangzhiq/NNCSL, MNEME the program; the test, `authors_nncsl.py`, which
holds mneme against these numbers, needs only the latter.  Their training script learns the small
data set of runs.py from beginning to end: its loop over tasks and epochs, losses, labels, optimiser and
schedule, and the ResNet's way through views of two sizes, with two linear layers instead of its
convolutions.  It gets the views, labelled images and the projection head's first weights that mneme
draws.  Their loss is also taken alone, with its gradients, and so are their labels, LARS and schedule.

They compute in double here.  Left out: their choice of what is labelled and of what the buffer keeps
(mneme's is fed to them), their augmentation, and the validation that changes running statistics.
"""

import copy
import logging
import os
import sys
import tempfile
import types
from collections import OrderedDict

import numpy as np
import torch

sys.dont_write_bytecode = True

import nncsl
import pytorch
import runs
from captured import numbers, write

runs.TASK_CLASSES, runs.TASKS = (2,) * 5, 5
SOURCE = "github.com/kangzhiq/NNCSL at 0d4dbf7, PyTorch " + torch.__version__
BATCH, EPOCHS, WANTED = 13, 4, 3  # unlabelled images and, of each class, labelled ones of a step
RATE, HEAD_RATE, DECAY, LEAST = 0.5, 0.3, 1e-3, 0.08


# --- what their script imports, and what it asks for ----------------------------------------------


class Meter:
    avg, min, max = 0, 0, 0

    def __getattr__(self, name):
        return lambda *_: None


class Losses:
    """What a step of theirs hands back, the last six of its ten numbers."""

    def __init__(self):
        self.found = []

    def apply(self, x):
        self.found.append(float(x))
        return x

    def named(self, distils):
        rows = np.array(self.found).reshape(-1, 10)[:, 4:]
        names = "loss", "neighbours", "entropy", "linear", "features", "distil"
        named = dict(zip(names, rows.T.tolist()))
        del named["features"]  # of no weight
        of_later = named.pop("distil")[len(rows) // len(runs.TASK_CLASSES) :]
        return named | ({"distil": of_later} if distils else {})


class Batches:
    """Some batches, once."""

    def __init__(self, batches):
        self.batches = iter(batches)

    def __len__(self):
        return 1

    def __iter__(self):
        return self

    def __next__(self):
        return next(self.batches)


class Feed:
    """Each task's batches: (labelled, unlabelled) of each step."""

    def __init__(self, all_runs, strategy, small):
        self.runs, self.strategy, self.small = all_runs, strategy, small
        self.labelled = nncsl.labelled_places(all_runs.labels, nncsl.LABELS)
        self.buffer, self.step = {}, 0

    def batch(self, places, kinds):
        """Views of both sizes, which their network tells apart by the last dimension."""
        draws = nncsl.Draws(self.runs, self.strategy, self.step)
        made = []
        for name, count, shape in kinds:
            views = draws.views(name, places, count).reshape(count, len(places), *shape)
            made += list(views)
        return [*made, torch.from_numpy(self.runs.labels[places].astype(np.int64))]

    def supports(self, task):
        draws = nncsl.Draws(self.runs, self.strategy, self.step)
        drawn, present = draws.labelled(task, self.labelled, self.buffer, WANTED)
        # Theirs come a class in turn, past ones first.
        order = [*range(present, len(drawn)), *range(present)]
        return np.array(order).reshape(-1, WANTED).T.flatten(), drawn

    def task(self, task):
        supports, unlabelled = [], []
        for first in [*range(0, len(task.places), BATCH)] * EPOCHS:
            order, drawn = self.supports(task)
            *views, labels = self.batch(drawn, [("labelled", 2, (5, 5))])
            supports.append([*(view[order] for view in views), labels[order]])
            places = task.places[first : first + BATCH]
            kinds = [("unlabelled", 2, (5, 5))]
            kinds += [("small", self.small, (25,))] if self.small else []
            unlabelled.append(self.batch(places, kinds))
            self.step += 1
        self.buffer = nncsl.keep_first(self.buffer, self.labelled, task)
        return supports, unlabelled


class Loader:
    """An epoch at a time of a task's batches."""

    def __init__(self, batches, epochs):
        self.batches, self.share, self.epoch = batches, len(batches) // epochs, 0

    def __len__(self):
        return self.share

    def __iter__(self):
        first, self.epoch = self.epoch * self.share, self.epoch + 1
        return Batches(self.batches[first : first + self.share])


def encoder_of(resnet, network, projection, detach):
    """Their ResNet, whose stem and first stage are linear layers and the rest nothing."""
    batch_norm = hasattr(network, "bn1")
    made = resnet.ResNet.__new__(resnet.ResNet)
    torch.nn.Module.__init__(made)
    made.detach, made.use_maxpool, made.pred = detach, False, None
    nothing = torch.nn.Identity()
    made.conv1 = torch.nn.Sequential(torch.nn.Flatten(), network.fc1)
    made.bn1 = network.bn1 if batch_norm else nothing
    made.relu = torch.nn.ReLU()
    stage = [("fc2", network.fc2)] + ([("bn2", network.bn2)] if batch_norm else [])
    made.layer1 = torch.nn.Sequential(OrderedDict([*stage, ("relu", torch.nn.ReLU())]))
    made.layer2 = made.layer3 = made.layer4 = made.avgpool = nothing
    made.classifier = network.classifier
    p, relu = copy.deepcopy(projection), torch.nn.ReLU()
    parts = [("fc1", p.fc1), ("bn1", p.bn1), ("relu1", relu), ("fc2", p.fc2), ("bn2", p.bn2)]
    made.fc = torch.nn.Sequential(OrderedDict([*parts, ("relu2", relu), ("fc3", p.fc3)]))
    made.feat_proj = torch.nn.Linear(nncsl.EMBEDDING, nncsl.EMBEDDING)
    return made.double()


def script_options(o, folder):
    """Their configuration file's."""
    meta = dict.fromkeys(("load_checkpoint", "read_checkpoint", "copy_data", "use_fp16"), False)
    meta |= {"model_name": "resnet18", "output_dim": nncsl.EMBEDDING, "save_checkpoint": False}
    meta |= {"start_task_idx": 0, "w_paws": o["neighbours"], "w_me_max": o["entropy"], "alpha": 0}
    meta |= {"w_online": o["linear"], "w_dist": o["distil"], "device": "cpu"}
    meta |= {"use_pred_head": False}
    data = dict.fromkeys(("image_folder", "root_path", "subset_path", "subset_path_cls"), folder)
    data |= {"unlabeled_frac": 0, "color_jitter_strength": 0, "normalize": True, "data_seed": 0}
    data |= {"dataset": "cifar10", "unique_classes_per_rank": False, "us_multicrop": 0}
    data |= {"multicrop": o["small"], "label_smoothing": o["smoothing"]}
    return {
        "meta": meta,
        "criterion": {
            "me_max": True,
            "supervised_views": 2,
            "supervised_imgs_per_class": WANTED,
            "unlabeled_supervised_imgs_per_class": WANTED,
            "unsupervised_batch_size": BATCH,
            "temperature": o["temperature"],
            "sharpen": o["sharpening"],
        },
        "data": data,
        "optimization": {
            "weight_decay": DECAY,
            "epochs": EPOCHS,
            "warmup": 0,
            "start_lr": 0,
            "lr": RATE,
            "final_lr": LEAST * RATE,
            "lr_cls": HEAD_RATE * RATE,
            "momentum": 0.9,
            "nesterov": False,
        },
        "logging": {"folder": folder, "write_tag": "captured"},
        "continual": {
            "num_tasks": len(runs.TASK_CLASSES),
            "setting": "current",
            "mask": o["mask"],
            "detach": o["detach"],
            "buffer_size": nncsl.ROWS,
        },
    }


# --- whole runs -----------------------------------------------------------------------------------


def settings_of(strategy, options):
    """mneme's for the same run."""
    settings = nncsl.settings_of(strategy, {**options, "threshold": 1e-4}, "lars")
    settings |= {"batch": BATCH, "epochs": EPOCHS, "lr": RATE, f"{strategy}.labelled": WANTED}
    settings |= {"optimiser.weight_decay": DECAY, "optimiser.trust": 0.001}
    settings |= {"optimiser.momentum": 0.9, "optimiser.head_rate": HEAD_RATE}
    return settings | {"schedule.warm_up": 0, "schedule.start": 0, "schedule.least": LEAST}


def captured(train, all_runs, strategy, options, folder):
    settings = settings_of(strategy, options)
    o = {**nncsl.NETWORK, **nncsl.OPTIONS, **nncsl.VARIANTS[strategy], **options}
    first = all_runs.run(strategy, {**settings, "lr": 0})
    projection = nncsl.projection_from(first, strategy)
    projection.bn1.reset_running_stats(), projection.bn2.reset_running_stats()
    network, tasks = runs.initial(o["batch_norm"]), all_runs.tasks()
    feed, losses, encoders = Feed(all_runs, strategy, o["small"]), Losses(), []

    def init_data(**asked):
        if not asked["training"]:
            return [], None
        supports, unlabelled = feed.task(tasks[asked["task_idx"]])
        sampler = types.SimpleNamespace(set_epoch=lambda epoch: None)
        return Loader(unlabelled, EPOCHS), sampler, Loader(supports, 1), sampler

    def init_model(**asked):
        made = encoder_of(train.resnet, network, projection, asked["detach"])
        encoders.append(made)
        return made

    train.init_data, train.init_model, train.AllReduce = init_data, init_model, losses
    train.__dict__.pop("iter_supervised", None)
    torch.set_default_dtype(torch.float64)
    train.main(script_options(o, folder))
    torch.set_default_dtype(torch.float32)
    (encoder,) = encoders
    images = first_images(all_runs)
    with torch.no_grad():
        embedding, logits = encoder.eval()._forward_backbone(images)
    return {
        "strategy": strategy,
        "settings": settings,
        "batch_norm": o["batch_norm"],
        "projection": {name: p.tolist() for name, p in projection.named_parameters()},
        "losses": losses.named(o["distil"] > 0),
        "answers": logits.tolist(),
        "embedding": embedding.tolist(),
    }


def first_images(all_runs):
    """One of each class; the first ten are."""
    return torch.from_numpy((all_runs.pixels[:10] / 255 - nncsl.MEAN) / nncsl.DEVIATION).double()


# --- parts ----------------------------------------------------------------------------------------


def losses_alone(init_loss, labels_matrix):
    """Their loss and regulariser of some votes, and what both would have anchors and supports do."""
    for small in (0, 2):
        rows, classes, wanted = 4, 3, 2
        anchors, supports = numbers(1, (2 + small) * rows, 5), numbers(2, 2 * classes * wanted, 5)
        anchors.requires_grad_(), supports.requires_grad_()
        labels = labels_matrix(classes, wanted, 1, "cpu", smoothing=0.1).double()
        loss, _, _ = init_loss(multicrop=small, tau=0.1, T=0.25, me_max=True)
        swapped = torch.cat([anchors[rows : 2 * rows], anchors[:rows]]).detach()
        voters = (supports, torch.cat([labels, labels]))
        targets = (supports.detach(), torch.cat([labels, labels]))
        value, entropy, _ = loss(anchors, *voters, swapped, *targets)
        of = [anchors, supports]
        slopes = {
            name: [g.tolist() for g in torch.autograd.grad(v, of, retain_graph=True)]
            for name, v in (("neighbours", value), ("entropy", entropy))
        }
        given = {"small": small, "rows": rows, "classes": classes, "wanted": wanted}
        values = {"neighbours": value.item(), "entropy": entropy.item()}
        yield {**given, "labels": labels.tolist(), "values": values, "gradients": slopes}


class Layers(torch.nn.Module):
    """One parameter of each kind, under the names by which theirs are told apart."""

    def __init__(self):
        super().__init__()
        self.fc1, self.bn1 = torch.nn.Linear(3, 4).double(), torch.nn.BatchNorm1d(4).double()
        self.fc2, self.classifier = torch.nn.Linear(4, 2).double(), torch.nn.Linear(4, 2).double()
        for seed, p in enumerate(self.parameters()):
            p.data = numbers(seed, *p.shape)
        self.classifier.bias.data.zero_()  # of no length, with a gradient

    def slopes(self, step):
        """Their gradients; that of fc2's weight is 0 from the third step on."""
        for seed, (name, p) in enumerate(self.named_parameters()):
            p.grad = numbers(10 * step + seed, *p.shape) / (1 + seed)
            if name == "fc2.weight" and step >= 2:
                p.grad.zero_()


def lars_alone(init_opt, steps=5):
    layers = Layers()
    _, optimiser = init_opt(layers, 0.7, False, weight_decay=0.01, ref_lr_cls=0.7 * HEAD_RATE)
    for step in range(steps):
        layers.slopes(step)
        optimiser.step()
    weights = {name: p.tolist() for name, p in layers.named_parameters()}
    given = {"rate": 0.7, "momentum": 0.9, "weight_decay": 0.01, "trust": 0.001}
    return {**given, "head_rate": HEAD_RATE, "steps": steps, "weights": weights}


def schedule_alone(schedule, steps=12, warm_up=4):
    p = torch.nn.Parameter(torch.zeros(1))
    given = {"start_lr": 0.2 * RATE, "ref_lr": RATE, "final_lr": LEAST * RATE}
    of = schedule(torch.optim.SGD([p], RATE), warmup_steps=warm_up, T_max=steps, **given)
    factors = [of.lr_lambda(step) for step in range(steps)]
    return {"warm_up": warm_up, "start": 0.2, "least": LEAST, "factors": factors}


def imported(source, folder):
    """Their training script, with what it would import and do with a GPU out of its way."""
    sys.path.insert(0, os.path.abspath(source))
    for name in ("tqdm", "src.data_manager"):
        sys.modules[name] = types.ModuleType(name)
    sys.modules["tqdm"].tqdm = iter
    for name in ("init_data", "make_transforms", "make_multicrop_transform"):
        setattr(sys.modules["src.data_manager"], name, lambda **asked: (None, None))
    logging.basicConfig = lambda **asked: None
    torch.cuda.set_device = lambda device: None
    torch.Tensor.float = lambda x: x
    import src.nncsl_train as train

    train.gpu_timer = lambda closure, log_timings=True: (closure(), 0.0)
    train.AverageMeter = Meter
    train.CSVLogger = lambda *columns: types.SimpleNamespace(log=lambda *row: None)
    train.make_buffer_lst = lambda *asked: None
    train.validate = lambda *asked: (0, 0, {})
    return train


def main(source, mneme):
    pytorch.begin()
    with tempfile.TemporaryDirectory() as folder:
        all_runs = runs.Runs(os.path.abspath(mneme), folder)
        train = imported(source, folder)
        cases = (
            ("nncsl", {"small": 2}),
            ("nncsl", {"batch_norm": True, "linear": 1.0}),
            ("csl", {"small": 1}),
            ("paws", {"linear": 1.0}),
        )
        found = [captured(train, all_runs, *case, folder) for case in cases]
    write(
        {
            "source": SOURCE,
            "losses": list(losses_alone(train.init_paws_loss, train.make_labels_matrix)),
            "lars": lars_alone(train.init_opt),
            "schedule": schedule_alone(train.WarmupCosineSchedule),
            "runs": found,
        }
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
