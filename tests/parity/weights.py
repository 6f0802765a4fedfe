"""Weights from PyTorch to mneme and back:  weights.py DRIVER MNEME

A network trained in PyTorch gives the same logits and classes in mneme, whoever named its tensors;
one trained in mneme gives the same in PyTorch, which loads it without missing or extra keys; and a
file that a run begins with and does not change comes out with the same tensors, byte for byte.  Exits
77 (skipped) without PyTorch.
"""

import json
import os
import sqlite3
import struct
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
from exchange import Exchange
from networks import ResNet
from training import MLP

CLASSES, SIDE, TRAIN, TEST = 10, 28, 480, 200
LOGITS_TOLERANCE = 1e-4  # of the largest logit
KEPT_TOLERANCE = 2e-3  # run files keep logits as half floats
TIES_AT_MOST = 0.05  # of the images, or the comparison of classes would say little


def images_of(seed, count):
    """Ten classes that overlap: a smooth prototype each, and noise."""
    prototypes = np.random.RandomState(1).uniform(0, 255, (CLASSES, 7, 7)).repeat(4, 1).repeat(4, 2)
    random = np.random.RandomState(seed)
    labels = np.arange(count) % CLASSES
    noisy = prototypes[labels] + 120 * random.standard_normal((count, SIDE, SIDE))
    return noisy.clip(0, 255).astype(np.uint8), labels.astype(np.uint8)


def write_idx(path, array):
    with open(path, "wb") as file:
        file.write(struct.pack(">HBB", 0, 8, array.ndim))
        file.write(struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes())


def write_benchmark(folder, train, test):
    os.mkdir(f"{folder}/mnist")
    for part, (pixels, labels) in (("train", train), ("t10k", test)):
        write_idx(f"{folder}/mnist/{part}-images-idx3-ubyte", pixels)
        write_idx(f"{folder}/mnist/{part}-labels-idx1-ubyte", labels)
    with open(f"{folder}/parity.json", "w") as file:
        json.dump(
            {
                "name": "parity",
                "dataset": {"name": "mnist"},
                "stream": {"tasks": 1},
                "train": {"batch": 32, "lr": 0.05},
            },
            file,
        )


def as_input(pixels):
    return torch.from_numpy(pixels[:, None].astype(np.float32) / np.float32(255))


def train(network, pixels, labels, rate, steps):
    optimiser = torch.optim.SGD(network.parameters(), rate)
    for step in range(steps):
        rows = slice(step * 32 % TRAIN, step * 32 % TRAIN + 32)
        optimiser.zero_grad()
        target = torch.from_numpy(labels[rows].astype(np.int64))
        F.cross_entropy(network(as_input(pixels[rows])), target).backward()
        optimiser.step()


def logits_of(network, pixels):
    network.eval()
    with torch.no_grad():
        return network(as_input(pixels)).numpy()


def arrays_of(network):
    return {name: tensor.numpy() for name, tensor in network.state_dict().items()}


class Check:
    def __init__(self, driver, mneme, folder):
        self.driver, self.mneme, self.folder = driver, mneme, folder
        self.wrong = []
        self.train, self.test = images_of(2, TRAIN), images_of(3, TEST)
        write_benchmark(folder, self.train, self.test)

    def say(self, text, right):
        print(f"  {text}")
        if not right:
            self.wrong.append(text)

    def command(self, *words):
        environment = {**os.environ, "MNEME_DATA": self.folder}
        done = subprocess.run(
            [self.mneme, *words], capture_output=True, text=True, cwd=self.folder, env=environment
        )
        if done.returncode != 0:
            raise RuntimeError(f"mneme {' '.join(words)}: {done.stderr.strip()}")

    def compare(self, what, ours, theirs, tolerance):
        """Logits within the tolerance, and the same class on every image but near-ties."""
        error = np.abs(ours - theirs).max() / np.abs(theirs).max()
        top = np.sort(theirs, 1)[:, -2:]
        clear = top[:, 1] - top[:, 0] > 2 * tolerance * np.abs(theirs).max()
        differ = (ours.argmax(1) != theirs.argmax(1)) & clear
        self.say(
            f"{what}: logits within {error:.1e}, {differ.sum()} classes differ,"
            f" {(~clear).sum()} of {clear.size} near-ties",
            error <= tolerance and not differ.any() and (~clear).mean() <= TIES_AT_MOST,
        )

    def into_mneme(self, what, names, options, tensors, theirs):
        """mneme's logits with these tensors, against PyTorch's."""
        path = f"{self.folder}/in.safetensors"
        safetensors.save(tensors, path)
        exchange = Exchange(self.driver, self.folder)
        exchange.cases.append(
            {
                "kind": "weights",
                "file": path,
                "network": names,
                "options": options,
                "classes": CLASSES,
                "images": exchange.put(as_input(self.test[0]).numpy()),
            }
        )
        (result,) = exchange.run()
        if "error" in result:
            self.say(f"{what}: {result['error']}", False)
        else:
            ours = np.concatenate(result["logits"])
            self.compare(what, ours, theirs, LOGITS_TOLERANCE)

    def run_from(self, tensors, flags, rate):
        """Begins a run with these tensors; its kept logits, and the path of what it exports."""
        safetensors.save(tensors, f"{self.folder}/in.safetensors")
        for name in ("run.mneme", "out.safetensors"):
            if os.path.exists(f"{self.folder}/{name}"):
                os.remove(f"{self.folder}/{name}")
        begin = ["--init", "in.safetensors", "--lr", str(rate), "--threads", "1", "--quiet"]
        begin += ["--out", "run.mneme", *flags]
        self.command("run", f"{self.folder}/parity.json", "finetune", *begin)
        self.command("export", "run.mneme", "--format", "safetensors", "-o", "out.safetensors")
        query = "SELECT rows, width, logits FROM output WHERE after_task = 0 AND on_task = 0"
        with sqlite3.connect(f"{self.folder}/run.mneme") as database:
            rows, width, logits = database.execute(query).fetchone()
        kept = np.frombuffer(logits, np.float16).astype(np.float32).reshape(rows, width)
        return kept, f"{self.folder}/out.safetensors"

    def out_of_mneme(self, what, network, flags):
        """What mneme trained from this network on, in PyTorch."""
        kept, path = self.run_from(arrays_of(network), flags, 0.02)
        tensors = safetensors.load(path)
        tensors = {name: torch.from_numpy(array.copy()) for name, array in tensors.items()}
        network.load_state_dict(tensors)  # strict: nothing missing, nothing extra
        self.compare(what, kept, logits_of(network, self.test[0]), KEPT_TOLERANCE)

    def unchanged(self, what, network, flags):
        kept, path = self.run_from(arrays_of(network), flags, 0)
        out, given = safetensors.load(path), safetensors.load(f"{self.folder}/in.safetensors")
        same = out.keys() == given.keys() and all(
            out[name].shape == array.shape and out[name].tobytes() == array.tobytes() for name, array in given.items()
        )
        self.say(f"{what}: every tensor comes out byte for byte", same)
        self.compare(f"{what}, kept", kept, logits_of(network, self.test[0]), KEPT_TOLERANCE)


def saved_twice(tensors):
    """The DER authors register the trunk and the head under second names."""
    stages = ["conv1", "bn1", "layer1", "layer2", "layer3", "layer4"]
    again = {}
    for name in tensors:
        stage, _, rest = name.partition(".")
        second = f"_features.{stages.index(stage)}" if stage in stages else "linear"
        again[f"{second}.{rest}"] = tensors[name]
    return {**tensors, **again}


def as_torchvision(tensors):
    return {
        "module." + name.replace("shortcut", "downsample").replace("classifier", "fc"): array
        for name, array in tensors.items()
    }


def check_mlp(check):
    for batch_norm in (False, True):
        torch.manual_seed(4)
        network = MLP(batch_norm)
        train(network, *check.train, 0.05, 60)
        theirs, tensors = logits_of(network, check.test[0]), arrays_of(network)
        what = "mlp with batch norm" if batch_norm else "mlp"
        options = json.dumps({"batch_norm": batch_norm})
        flags = ["--set", f"network.batch_norm={str(batch_norm).lower()}"]
        check.into_mneme(f"{what} into mneme", "mlp", options, tensors, theirs)
        in_double = {name: array.astype(np.float64) for name, array in tensors.items()}
        check.into_mneme(f"{what} in doubles", "mlp", options, in_double, theirs)
        if not batch_norm:  # whose statistics move even at a learning rate of 0
            check.unchanged(what, network, flags)
        check.out_of_mneme(f"{what} out of mneme", network, flags)


def check_resnet(check):
    torch.manual_seed(5)
    network = ResNet(1, 20, 4, 2)
    train(network, *check.train, 0.02, 20)
    theirs, tensors = logits_of(network, check.test[0]), arrays_of(network)
    name = "resnet18-reduced"
    check.into_mneme(f"{name} into mneme", name, "", tensors, theirs)
    check.into_mneme(f"{name} with the DER authors' names", name, "", saved_twice(tensors), theirs)
    check.into_mneme(f"{name} with torchvision's names", name, "", as_torchvision(tensors), theirs)
    check.out_of_mneme(f"{name} out of mneme", network, ["--set", f"network.name={name}"])


class TimmBlock(torch.nn.Module):
    """A transformer's block under timm's names."""

    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = (torch.nn.LayerNorm(width, 1e-6) for _ in range(2))
        self.attn = torch.nn.ModuleDict(
            {"qkv": torch.nn.Linear(width, 3 * width), "proj": torch.nn.Linear(width, width)}
        )
        self.mlp = torch.nn.ModuleDict(
            {"fc1": torch.nn.Linear(width, 4 * width), "fc2": torch.nn.Linear(4 * width, width)}
        )

    def forward(self, x):
        rows, tokens, width = x.shape
        joint = self.attn["qkv"](self.norm1(x)).view(rows, tokens, 3, self.heads, -1)
        q, k, v = joint.permute(2, 0, 3, 1, 4)
        seen = (q @ k.transpose(-1, -2) * (width // self.heads) ** -0.5).softmax(-1) @ v
        x = x + self.attn["proj"](seen.transpose(1, 2).reshape(rows, tokens, width))
        return x + self.mlp["fc2"](F.gelu(self.mlp["fc1"](self.norm2(x))))


class TimmViT(torch.nn.Module):
    """timm's VisionTransformer, by its names; positions of another grid are resampled as timm does."""

    def __init__(self, patch, width, depth, heads, grid):
        super().__init__()
        self.patch_embed = torch.nn.ModuleDict({"proj": torch.nn.Conv2d(1, width, patch, patch)})
        self.cls_token = torch.nn.Parameter(torch.randn(1, 1, width))
        self.pos_embed = torch.nn.Parameter(torch.randn(1, grid * grid + 1, width))
        self.blocks = torch.nn.ModuleList([TimmBlock(width, heads) for _ in range(depth)])
        self.norm = torch.nn.LayerNorm(width, 1e-6)
        self.head = torch.nn.Linear(width, CLASSES)
        self.grid = grid

    def positions(self, grid):
        token, square = self.pos_embed[:, :1], self.pos_embed[:, 1:]
        square = square.reshape(1, self.grid, self.grid, -1).permute(0, 3, 1, 2)
        if grid != self.grid:
            square = F.interpolate(square, size=(grid, grid), mode="bicubic", antialias=True)
        return torch.cat([token, square.flatten(2).transpose(1, 2)], 1)

    def forward(self, x):
        x = self.patch_embed["proj"](x)
        positions = self.positions(x.shape[-1])
        x = x.flatten(2).transpose(1, 2)
        x = torch.cat([self.cls_token.expand(len(x), -1, -1), x], 1) + positions
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x)[:, 0])


def as_torchvision_vit(tensors):
    """timm's tensors under the names of torchvision's VisionTransformer."""
    renamed = {}
    for name, array in tensors.items():
        for theirs, ours in (
            ("patch_embed.proj", "conv_proj"),
            ("cls_token", "class_token"),
            ("pos_embed", "encoder.pos_embedding"),
            ("blocks.", "encoder.layers.encoder_layer_"),
            ("norm1", "ln_1"),
            ("norm2", "ln_2"),
            ("attn.qkv.", "self_attention.in_proj_"),
            ("attn.proj", "self_attention.out_proj"),
            ("mlp.fc1", "mlp.linear_1"),
            ("mlp.fc2", "mlp.linear_2"),
            ("head.", "heads.head."),
        ):
            name = name.replace(theirs, ours)
        renamed["encoder.ln." + name[5:] if name.startswith("norm.") else name] = array
    return renamed


def check_vit(check):
    sizes = {"patch": 4, "width": 32, "depth": 2, "heads": 4}
    for grid in (7, 5, 9):  # as it is, and brought to 7 x 7 from a smaller and a larger one
        torch.manual_seed(6)
        network = TimmViT(**sizes, grid=grid)
        train(network, *check.train, 0.02, 20)
        theirs, tensors, options = logits_of(network, check.test[0]), arrays_of(network), json.dumps(sizes)
        check.into_mneme(f"vit with timm's names, grid of {grid}", "vit", options, tensors, theirs)
        check.into_mneme(
            f"vit with torchvision's, grid of {grid}", "vit", options, as_torchvision_vit(tensors), theirs
        )


def main(driver, mneme):
    pytorch.begin()
    with tempfile.TemporaryDirectory() as folder:
        check = Check(driver, os.path.abspath(mneme), folder)
        print(f"PyTorch {torch.__version__}: weights there and back, {TEST} test images")
        check_mlp(check)
        check_resnet(check)
        check_vit(check)
    return pytorch.verdict(check.wrong)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
