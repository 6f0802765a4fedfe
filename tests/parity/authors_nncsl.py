"""NNCSL, CSL and PAWS against numbers of their authors' own code:  authors_nncsl.py MNEME

authors_nncsl.json was written by capture_nncsl.py, which says how.  mneme goes the same way: every term
of the loss at every step, and what the network answers and the projection head makes of one image of
each class at the end.  Held through the references that the other parity tests hold mneme to: the loss
alone with its gradients, the smoothed labels, LARS, and the schedule, in which mneme's warm-up is a step
ahead of theirs.  Exits 77 (skipped) without PyTorch.
"""

import os
import sys
import tempfile

try:
    import numpy as np
    import torch
except ImportError as why:
    print(f"skipped: {sys.executable}: {why}; on Debian: apt install python3-torch python3-numpy")
    sys.exit(77)

sys.dont_write_bytecode = True  # the sources' folder stays as it is

import nncsl
import pytorch
import runs
from capture_nncsl import Layers, first_images
from captured import distance, numbers, read, report, verdict
from training import Lars

runs.TASK_CLASSES, runs.TASKS = (2,) * 5, 5


def loss_alone(case):
    rows, small, classes = case["rows"], case["small"], case["classes"]
    anchors, supports = numbers(1, (2 + small) * rows, 5), numbers(2, 2 * classes * case["wanted"], 5)
    anchors.requires_grad_(), supports.requires_grad_()
    y = torch.arange(classes).repeat(case["wanted"])
    labels = nncsl.smooth(y, 0, classes, 0.1)
    yield "labels", distance(labels, case["labels"])
    p = nncsl.vote(anchors, supports, torch.cat([labels, labels]), 0.1)
    targets = nncsl.targets(p, rows, small, 0.25, 1e-4)
    for name, value in (
        ("neighbours", nncsl.cross_entropy(targets, p)),
        ("entropy", nncsl.negentropy(p, 0.25)),
    ):
        yield name, distance(value, case["values"][name])
        slopes = torch.autograd.grad(value, [anchors, supports], retain_graph=True)
        for of, got, want in zip(("anchors", "supports"), slopes, case["gradients"][name]):
            yield f"gradient of {name} to {of}", distance(got, want)


def lars_alone(case):
    layers = Layers()
    rule = {name: case[name] for name in ("momentum", "weight_decay", "trust", "head_rate")}
    optimiser = Lars(layers, case["rate"], **rule)
    for step in range(case["steps"]):
        layers.slopes(step)
        optimiser.step()
    for name, p in layers.named_parameters():
        yield name, distance(p, case["weights"][name])


def schedule_alone(case):
    theirs = np.array(case["factors"])
    warm_up, steps = case["warm_up"], len(theirs)
    nncsl.WARM_UP, nncsl.START, nncsl.LEAST = warm_up, case["start"], case["least"]
    ours = np.array([nncsl.factor(step, steps) for step in range(steps)])
    yield "warm-up, a step ahead", distance(ours[:warm_up], theirs[1 : warm_up + 1])
    yield "after it", distance(ours[warm_up:], theirs[warm_up:])


def end(all_runs, run, case):
    """(what the network answers, what the projection head makes) of one image of each class."""
    network = runs.Network(case["batch_norm"])
    projection = nncsl.Projection()
    owners = ("run/network", network), (f"{case['strategy']}/projection", projection)
    with torch.no_grad():
        for owner, module in owners:
            for name, value in module.state_dict().items():
                if "tracked" not in name:
                    value.copy_(torch.from_numpy(run.tensor(f"{owner}/{name}")))
        images = first_images(all_runs).flatten(1)
        features = network.eval().features(images)
        return network.classifier(features), projection.eval()(features)


def whole(all_runs, case):
    strategy = case["strategy"]
    first = nncsl.projection_from(all_runs.run(strategy, {**case["settings"], "lr": 0}), strategy)
    begun = [
        distance(p, case["projection"][name])
        for name, p in first.named_parameters()
        if p.count_nonzero() > 0
    ]
    yield "the projection head's first weights", max(begun)
    run = all_runs.run(strategy, case["settings"])
    for name, want in case["losses"].items():
        yield name, distance(run.losses(name), want)
    answers, embedding = end(all_runs, run, case)
    yield "answers", distance(answers, case["answers"])
    yield "embedding", distance(embedding, case["embedding"])


def main(mneme):
    pytorch.begin()
    authors, wrong = read("authors_nncsl.json"), 0
    for case in authors["losses"]:
        for what, error in loss_alone(case):
            wrong += report(f"loss alone, {case['small']} small views, {what}", error)
    for part, check in (("lars", lars_alone), ("schedule", schedule_alone)):
        for what, error in check(authors[part]):
            wrong += report(f"{part}, {what}", error)
    with tempfile.TemporaryDirectory() as folder:
        all_runs = runs.Runs(os.path.abspath(mneme), folder)
        for case in authors["runs"]:
            for what, error in whole(all_runs, case):
                wrong += report(f"{case['strategy']}, {what}", error)
    return verdict(wrong)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
