"""A trained ResNet-18 from PyTorch to mneme and back:  trained_resnet.py DRIVER MNEME

ResNet-18, 64 channels wide, is trained a little on the small CIFAR-10 in PyTorch; mneme, with its
weights, must say the same class for every test image.  Then mneme trains it on, and PyTorch must
say what mneme says.  Images whose two best scores differ by less than TIE of the largest score are
left out: there rounding decides.  Exits 77 (skipped) without PyTorch or the data.
"""

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
from cifar import DEVIATION, MEAN, normalised, records
from exchange import Exchange
from networks import ResNet

TIE = 1e-4
TIES_AT_MOST = 0.01  # of the images, or the comparison would say little,
LEAST_CLASSES = 5  # as it would of a network that always says the same
STEPS, BATCH, RATE = 40, 32, 0.02
ROWS = 100  # of a forward

BENCHMARK = {
    "name": "trained-resnet",
    "dataset": {"name": "cifar10-small"},
    "stream": {"tasks": 1, "images_per_class": 96},
    "network": {"name": "resnet18"},
    "normalise": {"mean": MEAN.flatten().tolist(), "deviation": DEVIATION.flatten().tolist()},
    "train": {"batch": BATCH, "lr": RATE, "eval_batch": ROWS, "threads": 1},
}


def train(network, images, labels):
    optimiser = torch.optim.SGD(network.parameters(), RATE)
    for step in range(STEPS):
        rows = slice(step * BATCH, (step + 1) * BATCH)
        optimiser.zero_grad()
        F.cross_entropy(network(normalised(images[rows])), labels[rows]).backward()
        optimiser.step()


def logits_of(network, images):
    network.eval()
    with torch.no_grad():
        return torch.cat([network(normalised(rows)) for rows in images.split(ROWS)]).numpy()


def logits_of_mneme(driver, folder, path, images):
    exchange = Exchange(driver, folder)
    exchange.cases.append(
        {
            "kind": "weights",
            "file": path,
            "network": "resnet18",
            "options": "",
            "classes": 10,
            "images": exchange.put(normalised(images).numpy()),
        }
    )
    (result,) = exchange.run()
    if "error" in result:
        raise RuntimeError(result["error"])
    return np.concatenate(result["logits"])


def same_classes(what, ours, theirs, labels):
    """Prints the comparison; whether it is as it should be."""
    top = np.sort(theirs, 1)[:, -2:]
    clear = top[:, 1] - top[:, 0] >= TIE * np.abs(theirs).max(1)
    differ = int(((ours.argmax(1) != theirs.argmax(1)) & clear).sum())
    error = np.abs(ours - theirs).max() / np.abs(theirs).max()
    said = len(set(theirs.argmax(1)))
    right = 100 * float((theirs.argmax(1) == labels.numpy()).mean())
    print(
        f"  {what}: {differ} of {len(labels)} classes differ, {(~clear).sum()} near-ties left out,"
        f" logits within {error:.1e}; {right:.1f} % are right, {said} classes are said"
    )
    return differ == 0 and (~clear).mean() <= TIES_AT_MOST and said >= LEAST_CLASSES


def train_in_mneme(mneme, folder, data):
    """Goes on from in.safetensors; the path of the weights that come out."""
    with open(f"{folder}/trained-resnet.json", "w") as file:
        json.dump(BENCHMARK, file)
    run = ["run", "trained-resnet.json", "finetune", "--init", "in.safetensors", "-o", "run.mneme"]
    export = ["export", "run.mneme", "--format", "safetensors", "-o", "out.safetensors"]
    for words in (run, export):
        subprocess.run(
            [mneme, *words, "-q"] if words == run else [mneme, *words],
            check=True,
            cwd=folder,
            stdout=subprocess.DEVNULL,
            env={**os.environ, "MNEME_DATA": data},
        )
    return f"{folder}/out.safetensors"


def main(driver, mneme, data):
    pytorch.begin()
    torch.manual_seed(6)
    images, labels = records(f"{data}/cifar10-small/train.bin.xz")
    test, test_labels = records(f"{data}/cifar10-small/test.bin.xz")
    network = ResNet(3, 64, 4, 2)
    train(network, images, labels)
    with tempfile.TemporaryDirectory() as folder:
        given = f"{folder}/in.safetensors"
        tensors = {name: tensor.numpy() for name, tensor in network.state_dict().items()}
        safetensors.save(tensors, given)
        ours = logits_of_mneme(driver, folder, given, test)
        theirs = logits_of(network, test)
        right = same_classes("trained in PyTorch, loaded by mneme", ours, theirs, test_labels)
        back = train_in_mneme(os.path.abspath(mneme), folder, data)
        ours = logits_of_mneme(driver, folder, back, test)
        tensors = {n: torch.from_numpy(t.copy()) for n, t in safetensors.load(back).items()}
        moved = (tensors["conv1.weight"] - network.conv1.weight).abs().max() > 1e-4
        network.load_state_dict(tensors)  # strict: nothing missing, nothing extra
        theirs = logits_of(network, test)
        right &= same_classes("trained on in mneme, loaded by PyTorch", theirs, ours, test_labels)
    return 0 if right and moved else 1


def data_folder():
    beside = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../../shared/data")
    folder = os.environ.get("MNEME_DATA", beside)
    if not os.path.exists(f"{folder}/cifar10-small/test.bin.xz"):
        print(f"skipped: no cifar10-small in {folder}; MNEME_DATA says where data lie")
        sys.exit(77)
    return folder


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:], data_folder()))
