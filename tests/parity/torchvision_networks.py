"""Networks against torchvision's own models with the same weights:  torchvision_networks.py DRIVER [whole]

Logits in training and in evaluation, the loss and all gradients of one batch. The weights are random;
the models are torchvision's, whose names are ours but for the shortcuts and the last layer. `whole`
compares vit_b_16 as it is; without it, its sizes in two blocks. Exits 77 (skipped) without torchvision.

A ReLU whose input is within rounding of 0 turns one way here and the other way there: the norms' shifts
begin where no unit of the batch lies near 0, as in networks.py.
"""

import copy
import json
import subprocess
import sys
import tempfile

try:
    import numpy as np
    import torch
    import torch.nn.functional as F
    import torchvision
except ImportError as why:
    print(f"skipped: {sys.executable}: {why}; on Debian: apt install python3-torchvision")
    sys.exit(77)

sys.dont_write_bytecode = True  # the sources' folder stays as it is

import pytorch
from exchange import Exchange
from image_networks import GENERATED
from networks import widest_gap

CLASSES, ROWS = 10, 4
LOGITS_TOLERANCE = 1e-4  # of the largest logit
GRADIENT_TOLERANCE = 1e-3  # of the gradient's length


def our_name(name):
    for theirs, ours in (("downsample", "shortcut"), ("fc.", "classifier.")):
        name = name.replace(theirs, ours)
    for theirs in ("classifier.1.", "heads.head."):
        name = name.replace(theirs, "classifier.") if name.startswith(theirs) else name
    return name.replace("mlp.linear_1", "mlp.0").replace("mlp.linear_2", "mlp.3")


def clear_of_zero(model, batch):
    """Moves the shift of the norm before each ReLU so that no unit of this batch is near 0."""
    exact, last = copy.deepcopy(model).double(), []
    exact.train()

    def remember(norm, inputs, output):
        last[:] = [norm]

    def move(rectifier, inputs):
        shifts = torch.stack([widest_gap(units) for units in inputs[0].transpose(0, 1).flatten(1)])
        last[0].bias.data += shifts
        return (inputs[0] + shifts.view(1, -1, 1, 1),)

    for module in exact.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.register_forward_hook(remember)
        if isinstance(module, (torch.nn.ReLU, torch.nn.ReLU6)):
            module.register_forward_pre_hook(move)
    with torch.no_grad():
        exact(torch.tensor(batch).double())
    model.load_state_dict({**model.state_dict(), **dict(exact.named_parameters())})


def vit(image_size, patch, depth, heads, width, hidden):
    return torchvision.models.VisionTransformer(
        image_size, patch, depth, heads, width, hidden, num_classes=CLASSES
    )


class EarlyBlock(torch.nn.Module):
    """Attention and MLP before which norms stand; the queries', keys' and values' map has no bias."""

    def __init__(self, width, heads, hidden):
        super().__init__()
        self.heads = heads
        self.norms = torch.nn.ModuleList([torch.nn.LayerNorm(width) for _ in range(2)])
        self.joint = torch.nn.Linear(width, 3 * width, bias=False)
        self.out = torch.nn.Linear(width, width)
        self.inner = torch.nn.Linear(width, hidden)
        self.outer = torch.nn.Linear(hidden, width)

    def forward(self, x):
        rows, tokens, width = x.shape
        joint = self.joint(self.norms[0](x)).view(rows, tokens, 3, self.heads, -1)
        queries, keys, values = joint.permute(2, 0, 3, 1, 4)
        scores = queries @ keys.transpose(-1, -2) / (width // self.heads) ** 0.5
        seen = scores.softmax(-1) @ values
        x = x + self.out(seen.transpose(1, 2).reshape(rows, tokens, width))
        return x + self.outer(F.gelu(self.inner(self.norms[1](x))))


class EarlyConvViT(torch.nn.Module):
    """The thesis' network, from its description."""

    LAYERS = {"norms.0": "0.norm", "joint": "0.fn.to_qkv", "out": "0.fn.to_out.0", "norms.1": "1.norm"}
    LAYERS |= {"inner": "1.fn.net.0", "outer": "1.fn.net.3"}

    def __init__(self, width, depth, heads, hidden):
        super().__init__()
        channels = (3, 24, 48, 96, 196)
        self.stem = torch.nn.ModuleList(
            [torch.nn.Conv2d(i, o, 3, 2, 1) for i, o in zip(channels, channels[1:])]
        )
        self.last = torch.nn.Conv2d(196, width, 1)
        self.token = torch.nn.Parameter(torch.randn(1, 1, width))
        self.positions = torch.nn.Parameter(torch.randn(1, 10, width))  # 3 x 3, of images of 40
        self.blocks = torch.nn.ModuleList([EarlyBlock(width, heads, hidden) for _ in range(depth)])
        self.classifier = torch.nn.Linear(width, CLASSES)

    def forward(self, x):
        for layer in [*self.stem, self.last]:
            x = layer(x)
        x = x.flatten(2).transpose(1, 2)
        x = torch.cat([self.token.expand(len(x), -1, -1), x], 1) + self.positions
        for block in self.blocks:
            x = block(x)
        return self.classifier(x[:, 0])

    @classmethod
    def our_name(cls, name):
        begin, _, rest = name.partition(".")
        fixed = {"token": "cls_token", "positions": "pos_embedding"}
        fixed |= {f"last.{kind}": f"conv_layers.conv_1x1.{kind}" for kind in ("weight", "bias")}
        if begin == "stem":
            number, kind = rest.split(".")
            return f"conv_layers.{number}.0.{kind}"
        if begin != "blocks":
            return fixed.get(name, name)
        number, layer = rest.split(".", 1)
        layer, kind = layer.rsplit(".", 1)
        return f"transformer.layers.{number}.{cls.LAYERS[layer]}.{kind}"


class Comparison:
    def __init__(self, name, model, size, **described):
        torch.manual_seed(3)
        self.name, self.model, self.described_network = name, model(), described
        for module in self.model.modules():
            if isinstance(module, torch.nn.Dropout):
                module.p = 0.0  # which no two programs draw alike
            if isinstance(module, torch.nn.modules.batchnorm._BatchNorm):
                module.weight.data.uniform_(0.5, 1.5)
                module.bias.data.uniform_(-0.5, 0.5)
        for name, p in self.model.named_parameters():
            if p.abs().max() == 0:  # what begins at 0 would hide an error
                p.data.normal_(0, 0.1)
        random = np.random.RandomState(5)
        self.images = random.standard_normal((1, ROWS, 3, size, size)).astype(np.float32)
        self.labels = random.randint(0, CLASSES, ROWS)
        clear_of_zero(self.model, self.images[0])

    def named(self, name):
        return getattr(self.model, "our_name", our_name)(name)

    def described(self, exchange):
        weights = {self.named(n): p.detach().numpy() for n, p in self.model.named_parameters()}
        return {
            "kind": "training",
            **self.described_network,
            "classes": CLASSES,
            "optimiser": "sgd",
            "optimiser_options": "{}",
            "rate": 0.0,
            "images": exchange.put(self.images),
            "labels": self.labels.tolist(),
            "weights": {name: exchange.put(value) for name, value in weights.items()},
        }

    def errors(self, result):
        model = self.model.double()
        x = torch.tensor(self.images[0]).double()
        model.train()
        logits = model(x)
        loss = F.cross_entropy(logits, torch.tensor(self.labels))
        loss.backward()
        gradients = {self.named(n): p.grad.numpy() for n, p in model.named_parameters()}
        lengths = {name: np.linalg.norm(g) for name, g in gradients.items()}
        model.eval()
        with torch.no_grad():
            evaluated = model(x)
        yield "logits", relative(result["logits"][0], logits.detach().numpy()), LOGITS_TOLERANCE
        yield "loss", abs(result["losses"][0] / loss.item() - 1), LOGITS_TOLERANCE
        yield "eval logits", relative(result["eval_logits"][0], evaluated.numpy()), 10 * LOGITS_TOLERANCE
        for name, got in zip(result["parameters"], result["gradients"], strict=True):
            want = gradients.pop(name)
            # Where the next norm takes a shift off again, what is left of its gradient is rounding:
            # the length of the scale's beside it says how much of that there is.
            length = max(lengths[name], lengths[name.replace("bias", "weight")])
            yield f"gradient of {name}", np.linalg.norm(got - want) / length, GRADIENT_TOLERANCE
        for name in gradients:
            yield f"{name} is missing", float("inf"), 0


def relative(got, want):
    return np.abs(got - want).max() / np.abs(want).max()


def comparisons(whole):
    models, imagenet = torchvision.models, {"stem": "imagenet"}
    for name, ours in (("resnet18", "resnet18"), ("resnet34", "resnet34"), ("resnet50", "resnet50")):
        yield Comparison(
            name,
            lambda make=getattr(models, name): make(num_classes=CLASSES),
            96,
            network=ours,
            options=json.dumps(imagenet),
        )
    for width in (1.0, 0.35):
        yield Comparison(
            f"mobilenet_v2 at width {width}",
            lambda width=width: models.mobilenet_v2(num_classes=CLASSES, width_mult=width),
            96,
            network="mobilenet-v2",
            options=json.dumps({**imagenet, "width": width}),
        )
    sizes = {"patch": 4, "depth": 6, "heads": 3, "width": 192, "hidden": 768}
    options = json.dumps({"size": "tiny", "patch": 4, "depth": 6})
    yield Comparison(
        "ViT-Tiny, patch 4", lambda: vit(32, **sizes), 32, network="vit", options=options
    )
    sizes = {"patch": 16, "depth": 12 if whole else 2, "heads": 12, "width": 768, "hidden": 3072}
    options = json.dumps({"size": "base", "depth": sizes["depth"]})
    yield Comparison(
        f"vit_b_16, {sizes['depth']} blocks", lambda: vit(224, **sizes), 224, network="vit", options=options
    )
    sizes = {"width": 96, "depth": 3, "heads": 4, "hidden": 160}
    yield Comparison(
        "early-conv-vit",
        lambda: EarlyConvViT(**sizes),
        40,
        network="early-conv-vit",
        options=json.dumps(sizes),
    )


def main(driver, *whole):
    command = [driver, "--instruction-set"]
    used = subprocess.run(command, capture_output=True, check=True, text=True).stdout.strip()
    if not used.startswith(GENERATED):
        print(f"skipped: oneDNN generates code for these networks from AVX2 on, and may use {used}")
        return 77
    pytorch.begin()
    wrong = 0
    for comparison in comparisons(bool(whole)):
        with tempfile.TemporaryDirectory() as folder:
            exchange = Exchange(driver, folder)
            exchange.cases.append(comparison.described(exchange))
            (result,) = exchange.run()
        if "error" in result:
            print(f"DIFFERS  {comparison.name}: {result['error']}")
            wrong += 1
            continue
        found = list(comparison.errors(result))
        most = {what: e for what, e, _ in found if not what.startswith("gradient")}
        most["gradients"] = max(e for what, e, _ in found if what.startswith("gradient"))
        print(f"  {comparison.name}: " + ", ".join(f"{what} {e:.1e}" for what, e in most.items()))
        for what, error, bound in found:
            if not error <= bound:
                print(f"DIFFERS  {comparison.name}: {what}: {error:.1e} (at most {bound:.0e})")
                wrong += 1
    print(f"{wrong} differences" if wrong else "all agree")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
