"""Strategies against numbers of the DER authors' own code:  authors.py MNEME

authors.json was written by capture.py, which says how.  mneme goes the same way: the loss of every
step, and what the network answers to one image of each class at the end, must be the same.  Exits 77
(skipped) without PyTorch, in which the answers are taken.
"""

import os
import sys
import tempfile

try:
    import numpy  # of the modules below
    import torch
except ImportError as why:
    print(f"skipped: {sys.executable}: {why}; on Debian: apt install python3-torch python3-numpy")
    sys.exit(77)

sys.dont_write_bytecode = True  # the sources' folder stays as it is

import pytorch
import runs
from captured import distance, read, report, verdict
from ops import contrastive, simplex

# The penalties of these add to the gradient and are no part of the loss that is logged, FDR logs its
# two steps apart, and BiC's distillation is theirs but for the entropy of the old answers.
OTHER_LOSSES = ("ewc", "si", "fdr", "bic")


def answers(run, strategy, tasks, batch_norm):
    network = runs.initial(batch_norm)
    weights = {name: torch.from_numpy(value) for name, value in run.weights().items()}
    network.load_state_dict({**network.state_dict(), **weights})
    logits = network.eval()(torch.cat([first_images(task) for task in tasks]))
    if strategy == "bic":
        newest, kept = tasks[-1].present, dict(run.rows("SELECT name, value FROM kept"))
        logits[:, newest] = logits[:, newest] * kept["bic/scale"] + kept["bic/shift"]
    return logits[:, :-1] @ simplex(runs.CLASSES) if strategy == "xder-rpc" else logits


def first_images(task):
    return task.x[: len(task.present)]


def contrast(captured):
    """How far the reference that `parity` holds the op against is from theirs: value and gradient."""
    images = torch.tensor(captured["features"], dtype=torch.float64).requires_grad_()
    count, views, width = images.shape
    rows = images.reshape(count * views, width)
    labels = torch.tensor(captured["labels"]).repeat_interleave(views).tolist()
    mean = contrastive(rows, labels, captured["temperature"])
    (gradient,) = torch.autograd.grad(mean, images)
    found = distance(count * mean.item(), captured["value"])  # theirs is a sum over images
    return max(found, distance(count * gradient, captured["gradient"]))


def main(mneme):
    pytorch.begin()
    authors = read("authors.json")
    wrong = report("contrast", contrast(authors["contrast"]))
    with tempfile.TemporaryDirectory() as folder:
        of = runs.Runs(os.path.abspath(mneme), folder)
        for case in authors["runs"]:
            runs.TASK_CLASSES, runs.TASKS = case["task_classes"], len(case["task_classes"])
            run = of.run(case["strategy"], {"lr": 0.2, "buffer_size": 4096, **case["settings"]})
            batch_norm = case["settings"].get("network.batch_norm", False)
            found = answers(run, case["strategy"], of.tasks(), batch_norm).detach()
            settings = " ".join(f"{key}={value}" for key, value in case["settings"].items())
            error = distance(found, case["answers"])
            if case["strategy"] not in OTHER_LOSSES:
                error = max(error, distance(run.losses("loss"), case["losses"]))
            wrong += report(f"{case['strategy']} {settings}", error)
    return verdict(wrong)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
