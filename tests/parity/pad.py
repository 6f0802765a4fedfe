"""Pooled attention distillation against PyTorch:  pad.py MNEME

Whole runs of two tasks on a small transformer, without anything random: the loss terms of every step
and how far each weight moved, against a reference that was written from the method's description.
Exits 77 (skipped) without PyTorch.
"""

import itertools
import json
import os
import subprocess
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
from runs import Run
from weights import CLASSES, TRAIN, TimmBlock, TimmViT, arrays_of, as_input, as_torchvision_vit, images_of, write_idx

BATCH, RATE, TASKS, MU, ALPHA, SMOOTHING = 60, 0.05, 2, 2.0, 0.7, 1e-3
SIZES = {"patch": 14, "width": 12, "depth": 2, "heads": 3}
TERM_TOLERANCE, MOVE_TOLERANCE = 1e-4, 1e-3
FORMS, PLACES = ("symmetric", "asymmetric"), ("attentional", "functional")
POOLS = ("width", "height", "spatial", "gap", "pixel")


class Recorded(TimmBlock):
    """Keeps its scores before the softmax and what each head makes of them."""

    def forward(self, x):
        rows, tokens, width = x.shape
        joint = self.attn["qkv"](self.norm1(x)).view(rows, tokens, 3, self.heads, -1)
        q, k, v = joint.permute(2, 0, 3, 1, 4)
        self.attentional = q @ k.transpose(-1, -2) * (width // self.heads) ** -0.5
        self.functional = self.attentional.softmax(-1) @ v
        x = x + self.attn["proj"](self.functional.transpose(1, 2).reshape(rows, tokens, width))
        return x + self.mlp["fc2"](F.gelu(self.mlp["fc1"](self.norm2(x))))


def initial():
    torch.manual_seed(8)
    network = TimmViT(**SIZES, grid=2)
    for block in network.blocks:
        block.__class__ = Recorded
        block.attn["qkv"].weight.data *= 4  # else scores are too small to tell apart
    return network.double()


def pooled(x, pool):
    if pool == "pixel":
        return F.normalize(x, dim=1)
    parts = {"width": [x.sum(3)], "height": [x.sum(2)], "spatial": [x.sum(2), x.sum(3)], "gap": [x.mean((2, 3))]}
    return F.normalize(torch.cat([part.flatten(1) for part in parts[pool]], 1))


def distance(old, now, form, pool):
    if form == "symmetric":
        old, now = old**2, now**2
    lost = pooled(old, pool) - pooled(now, pool)
    return torch.norm(lost if form == "symmetric" else F.relu(lost), dim=-1).mean()


def lwf(old, now, past):
    q, p = (F.softmax(logits[:, :past] / 2, 1) for logits in (old, now))
    return -(q * ((p + SMOOTHING / past) / (1 + SMOOTHING)).log()).sum(1).mean()


def reference(pixels, labels, place, form, pool):
    network, terms = initial(), {"lwf/distil": [], "pad/distil": []}
    for task in range(TASKS):
        old, a_task = initial(), CLASSES // TASKS
        old.load_state_dict(network.state_dict())
        places = np.nonzero(labels // a_task == task)[0]
        for first in range(0, len(places), BATCH):
            rows = places[first : first + BATCH]
            x, y = as_input(pixels[rows]).double(), torch.from_numpy(labels[rows].astype(np.int64))
            logits = network(x)
            loss = F.cross_entropy(logits, y)
            if task > 0:
                with torch.no_grad():
                    before = old(x)
                each = [
                    distance(getattr(b, place).detach(), getattr(a, place), form, pool)
                    for b, a in zip(old.blocks, network.blocks)
                ]
                kept, answers = sum(each) / len(each), lwf(before, logits, task * a_task)
                terms["pad/distil"].append(kept.item())
                terms["lwf/distil"].append(answers.item())
                loss = loss + MU * kept + ALPHA * answers
            gradients = torch.autograd.grad(loss, list(network.parameters()))
            with torch.no_grad():
                for parameter, gradient in zip(network.parameters(), gradients):
                    parameter -= RATE * gradient
    return network, terms


def run(mneme, folder, settings):
    path = f"{folder}/run.mneme"
    if os.path.exists(path):
        os.remove(path)
    flags = [f"--set={key}={value}" for key, value in settings.items()]
    words = [mneme, "run", f"{folder}/parity.json", "lwf+pad", "--quiet", "--threads", "1"]
    words += ["--init", f"{folder}/in.safetensors", "--out", path, *flags]
    done = subprocess.run(words, capture_output=True, text=True, env={**os.environ, "MNEME_DATA": folder})
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(words)}: {done.stderr.strip()}")
    return Run(path)


def main(mneme):
    pytorch.begin()
    wrong = []
    with tempfile.TemporaryDirectory() as folder:
        pixels, labels = images_of(2, TRAIN)
        os.mkdir(f"{folder}/mnist")
        for part, (images, classes) in (("train", (pixels, labels)), ("t10k", images_of(3, 100))):
            write_idx(f"{folder}/mnist/{part}-images-idx3-ubyte", images)
            write_idx(f"{folder}/mnist/{part}-labels-idx1-ubyte", classes)
        benchmark = {
            "name": "parity",
            "dataset": {"name": "mnist"},
            "stream": {"tasks": TASKS},
            "network": {"name": "vit", **SIZES},
            "train": {"batch": BATCH, "lr": RATE, "shuffle": False, "log_every": 1, "buffer_size": 0},
        }
        with open(f"{folder}/parity.json", "w") as file:
            json.dump(benchmark, file)
        start = as_torchvision_vit(arrays_of(initial()))
        safetensors.save({name: array.astype(np.float32) for name, array in start.items()}, f"{folder}/in.safetensors")
        for place, form, pool in itertools.product(PLACES, FORMS, POOLS):
            settings = {"pad.on": place, "pad.form": form, "pad.pool": pool, "pad.mu": MU, "lwf.alpha": ALPHA}
            settings |= {"lwf.smoothing": SMOOTHING, "lwf.warm_up": 0}
            result = run(os.path.abspath(mneme), folder, settings)
            network, terms = reference(pixels, labels, place, form, pool)
            got, errors = result.weights(), {}
            for term, want in terms.items():
                errors[term] = (pytorch.distance(result.losses(term), np.array(want)), TERM_TOLERANCE)
            first = result.losses("pad/distil")[0]
            errors["first step"] = (abs(first), 0)  # where a norm has no slope
            moved = as_torchvision_vit(arrays_of(network))
            moves = {}
            for name, want in moved.items():
                ours = name.replace("heads.head", "classifier").replace("linear_1", "0").replace("linear_2", "3")
                before = start[name].astype(np.float32).astype(np.float64)
                moves[name] = pytorch.distance(got[ours] - before, want - before)
            worst = max(moves, key=moves.get)
            errors[f"change of {worst}"] = (moves[worst], MOVE_TOLERANCE)
            print(f"  {place}, {form}, {pool}: " + ", ".join(f"{what} {e:.1e}" for what, (e, _) in errors.items()))
            wrong += [
                f"{place}, {form}, {pool}, {what}: {error:.1e}"
                for what, (error, bound) in errors.items()
                if not error <= bound
            ]
    return pytorch.verdict(wrong)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
