"""Label smoothing and Zipf's, against PyTorch:  smoothing.py MNEME

Whole runs of a small convolutional network, compared with references that were written from the
papers: every loss, and how far each weight moved.  Exits 77 (skipped) without PyTorch.
"""

import os
import sys
import tempfile

try:
    import numpy as np
    import torch
    import torch.nn.functional as F
except ImportError as why:
    print(f"skipped: {sys.executable}: {why}; on Debian: apt install python3-torch python3-numpy")
    sys.exit(77)

sys.dont_write_bytecode = True  # the sources' folder stays as it is

import pytorch
import safetensors
from runs import CLASSES, SIDE, Runs, clear

TOLERANCE = 5e-5  # of the largest element of the reference
WIDTHS = (6, 12)
RATE = 0.2
TIE = 1e-6  # two classes nearer than this at a position might be ordered otherwise in floats


class Network(torch.nn.Module):
    """plain-convnet with mneme's names, in double."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(12)
        self.conv1 = torch.nn.Conv2d(1, WIDTHS[0], 3, 1, 1, bias=False)
        self.conv2 = torch.nn.Conv2d(*WIDTHS, 3, 2, 1, bias=False)
        self.bn1, self.bn2 = (torch.nn.BatchNorm2d(width) for width in WIDTHS)
        self.classifier = torch.nn.Linear(WIDTHS[1], CLASSES)
        for parameter in self.parameters():  # what a file of floats can hold
            parameter.data = parameter.data.float().double()

    def forward(self, x):
        x = F.relu(clear(self.bn1(self.conv1(x.view(-1, 1, SIDE, SIDE)))))
        x = F.relu(clear(self.bn2(self.conv2(x))))
        return self.classifier(x.mean((2, 3))), x


def votes(network, maps, seen, upsample):
    if upsample:
        maps = F.interpolate(maps, scale_factor=2, mode="bilinear", align_corners=False)
    local = torch.einsum("ck,nkhw->nchw", network.classifier.weight, maps)
    local = (local + network.classifier.bias.view(1, -1, 1, 1))[:, :seen].flatten(2)
    top = local.topk(2, 1).values
    assert (top[:, 0] - top[:, 1]).min() > TIE, "a position's vote is too near for floats"
    return F.one_hot(local.argmax(1), seen).sum(1)


def law(shape, ranks, o):
    count = ranks.shape[1]
    if shape == "constant":
        return torch.ones_like(ranks)
    if shape == "linear":
        gap = 2 * (1 - count * o["smallest"]) / ((count - 1) * count)
        return (count - ranks) * gap + o["smallest"]
    if shape == "exponential":
        return torch.exp(-o["decay"] * (ranks - 1))
    return ranks ** -o["exponent"]


def zipf_loss(logits, counts, labels, o):
    """KL of the target from the softmax, both over the classes that are not the label's."""
    ranks = 1 + (counts[:, None, :] > counts[:, :, None]).sum(2).double()
    others = F.one_hot(labels, logits.shape[1]) == 0
    target = law(o["shape"], ranks, o)[others].view(len(labels), -1)
    log_q = F.log_softmax(logits[others].view(len(labels), -1), 1)
    loss = F.kl_div(log_q, target / target.sum(1, keepdim=True), reduction="none").sum(1)
    if not o["mask"]:
        return loss.mean()
    right = logits.argmax(1) == labels
    return loss[right].mean() if right.any() else None


def smooth_loss(logits, labels, share):
    """The cross-entropy of smoothed labels, without the plain one."""
    target = F.one_hot(labels, logits.shape[1]).double()
    smoothed = (1 - share) * target + share / (logits.shape[1] - 1) * (1 - target)
    return -((smoothed - target) * F.log_softmax(logits, 1)).sum(1).mean()


DEFAULTS = {"lambda": 0.1, "exponent": 1, "decay": 1, "smallest": 0, "shape": "zipf", "upsample": True, "mask": False}


def reference(runs, strategy, settings):
    given = {k.removeprefix("zipf."): v for k, v in settings.items()}
    o = {**DEFAULTS, **given}
    network = Network().double()
    parameters = list(network.parameters())
    losses = {"stream": [], "zipf/zipf": [], "smooth/smooth": []}
    for task in runs.tasks():
        seen = task.seen if settings.get("finetune.classes") == "seen" else CLASSES
        for x, y in task.batches():
            logits, maps = network(x)
            logits = logits[:, :seen]
            loss = F.cross_entropy(logits, y)
            losses["stream"].append(loss.item())
            if "zipf" in strategy:
                with torch.no_grad():
                    counts = votes(network, maps, seen, o["upsample"])
                more = zipf_loss(logits, counts, y, o)
                if more is not None:
                    losses["zipf/zipf"].append(more.item())
                    loss = loss + o["lambda"] * more
            if "smooth" in strategy:
                more = smooth_loss(logits, y, 0.1)
                losses["smooth/smooth"].append(more.item() / 0.1)
                loss = loss + more
            gradients = torch.autograd.grad(loss, parameters)
            with torch.no_grad():
                for parameter, gradient in zip(parameters, gradients):
                    parameter -= RATE * gradient
    return network.state_dict(), losses


CASES = [
    ("finetune+smooth", {}),
    ("finetune+zipf", {}),
    ("finetune+zipf", {"zipf.lambda": 1.0, "zipf.upsample": False, "zipf.exponent": 2.0}),
    ("finetune+zipf", {"zipf.lambda": 1.0, "zipf.mask": True}),
    ("finetune+zipf", {"zipf.lambda": 1.0, "finetune.classes": "seen"}),
    ("finetune+zipf", {"zipf.lambda": 1.0, "zipf.shape": "constant"}),
    ("finetune+zipf", {"zipf.lambda": 1.0, "zipf.shape": "linear", "zipf.smallest": 0.01}),
    ("finetune+zipf", {"zipf.lambda": 1.0, "zipf.shape": "exponential", "zipf.decay": 0.5}),
    ("finetune+zipf+smooth", {}),
]


def errors(run, weights, losses):
    start, got = Network().state_dict(), run.weights()
    for name, want in weights.items():
        if "tracked" not in name:
            before = start[name].double().numpy()
            yield name, pytorch.distance(got[name] - before, want.numpy() - before)
    for term, want in losses.items():
        if want:
            found = run.losses(term)
            yield term, pytorch.distance(found, np.array(want))


def golden():
    """The specification's worked vector: votes, label 2, equal logits."""
    logits = torch.zeros(1, 5, dtype=torch.double, requires_grad=True)
    loss = zipf_loss(logits, torch.tensor([[5, 3, 8, 0, 0]]), torch.tensor([2]), DEFAULTS)
    loss.backward()
    assert abs(loss.item() - 0.04417) < 5e-6, loss
    assert np.allclose(logits.grad, [[-0.125, 0, 0, 0.0625, 0.0625]]), logits.grad


def main(mneme):
    pytorch.begin()
    golden()
    wrong = []
    with tempfile.TemporaryDirectory() as folder:
        runs = Runs(os.path.abspath(mneme), folder)
        state = Network().state_dict().items()
        tensors = {n: p.numpy().astype(np.float32) for n, p in state if "tracked" not in n}
        safetensors.save(tensors, f"{folder}/in-maps.safetensors")
        network = {"network.name": "plain-convnet", "network.depth": 2, "network.width": WIDTHS[0], "lr": RATE}
        for strategy, settings in CASES:
            run = runs.run(strategy, {**network, **settings}, start="maps")
            found = list(errors(run, *reference(runs, strategy, settings)))
            label = " ".join([strategy, *(f"{key}={value}" for key, value in settings.items())])
            print(f"  {label}: {max(error for _, error in found):.1e}")
            wrong += [f"{label}: {what}: {error:.1e}" for what, error in found if not error <= TOLERANCE]
    return pytorch.verdict(wrong)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
