#!/usr/bin/env python3
"""predictions.py WEIGHTS-PAGE PROGRAM -- what `mneme predict` says of 2000 images, and what the lines of
PyTorch in docs/weights.md say, with the exported weights and what stands beside them alone."""
import csv
import io
import json
import os
import re
import subprocess
import sys
import tempfile

try:
    import numpy
    import torch  # noqa: F401 -- the page's lines import it
except ImportError as why:
    print(f"skipped: {sys.executable}: {why}; on Debian: apt install python3-torch python3-numpy")
    sys.exit(77)

BENCHMARK = {
    "name": "predicted",
    "dataset": {"name": "synthetic", "classes": 6, "train_per_class": 60, "test_per_class": 10},
    "stream": {"tasks": 3, "class_order": [3, 1, 4, 0, 5, 2]},
    "network": {"name": "mlp", "widths": "40,30"},
    "normalise": {"mean": "measured", "deviation": "measured"},
    "train": {"epochs": 2, "batch": 10, "lr": 0.05, "buffer_size": 60},
}


def block_of(page):
    """The lines of the page that read a file of images."""
    blocks = re.findall(r"```python\n(.*?)```", open(page).read(), re.S)
    found = [block for block in blocks if "images.npy" in block]
    assert len(found) == 1, "docs/weights.md has not one block that reads images.npy"
    return found[0]


def images_like(shape):
    """Spots of light at random places: drawn figures answer to them in more than one way."""
    random = numpy.random.default_rng(0)
    _, height, width = shape
    y, x = numpy.mgrid[:height, :width]
    images = numpy.zeros((2000, height, width))
    for _ in range(4):
        at = random.uniform(0, 1, (2, 2000, 1, 1)) * numpy.array([height, width]).reshape(2, 1, 1, 1)
        images += numpy.exp(-((y - at[0]) ** 2 + (x - at[1]) ** 2) / random.uniform(2, 20, (2000, 1, 1)))
    return (255 * images.clip(0, 1)).astype(numpy.uint8)


def main(page, program):
    """In the folder that this process is in."""
    json.dump(BENCHMARK, open("predicted.json", "w"))
    run = lambda *words: subprocess.run([program, *words], check=True, capture_output=True, text=True).stdout
    run("run", "./predicted.json", "er", "--quiet", "-o", "run.mneme")
    run("export", "run.mneme", "--format", "safetensors", "-o", "derpp.safetensors")
    raw = open("derpp.safetensors", "rb").read()
    about = json.loads(raw[8:8 + int.from_bytes(raw[:8], "little")])["__metadata__"]
    images = images_like([int(n) for n in about["image"].split(",")])
    numpy.save("images.npy", images)
    rows = list(csv.DictReader(io.StringIO(run("predict", "run.mneme", "images.npy", "--csv"))))
    lines = {}
    exec(block_of(page), lines)  # sets `answers` and `scores`
    probabilities = lines["torch"].softmax(lines["scores"], 1).max(1).values
    other = sum(row["class"] != answer for row, answer in zip(rows, lines["answers"]))
    far = max(abs(float(row["probability"]) - float(p)) for row, p in zip(rows, probabilities))
    kinds = len({row["class"] for row in rows})
    print(f"{len(rows)} images, {kinds} classes, {other} other answers, probabilities within {far:.1e}")
    assert len(rows) == 2000 and kinds >= 4 and other == 0 and far < 1e-5


if __name__ == "__main__":
    given = [os.path.abspath(argument) for argument in sys.argv[1:]]
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        main(*given)
        os.chdir("/")
