"""Twenty steps of training from the same weights on the same batches, against PyTorch.

After one step the changes of the weights are compared, not the weights: an untrained weight would hide
a wrong gradient.
"""

import gzip
import json
import os

import numpy as np
import torch
import torch.nn.functional as F

import pytorch

STEPS, ROWS = 20, 32
LOGITS_TOLERANCE = 1e-5
CHANGE_TOLERANCE = 1e-3
STATISTICS_TOLERANCE = 1e-4
LOSS_TOLERANCE = 0.01
LEAST_FALL = 0.3  # of the reference's loss: a test on a loss that stands still would say little

FASHION_MNIST = "/usr/share/datasets/fashion-mnist"


def synthetic_images():
    """Ten classes: a smooth prototype each, and noise."""
    random = np.random.RandomState(1)
    prototypes = random.uniform(0, 1, (10, 1, 7, 7)).repeat(4, 2).repeat(4, 3)
    labels = random.randint(0, 10, (STEPS + 1) * ROWS)
    images = prototypes[labels] + 0.3 * random.standard_normal((labels.size, 1, 28, 28))
    return images.clip(0, 1).astype(np.float32), labels


def fashion_images():
    """Raw [0,1] pixels of the first images; None where the files are not installed."""
    folder = os.environ.get("MNEME_FASHION_MNIST", FASHION_MNIST)
    count = (STEPS + 1) * ROWS
    try:
        with gzip.open(f"{folder}/train-images-idx3-ubyte.gz") as file:
            pixels = np.frombuffer(file.read(16 + count * 784)[16:], np.uint8)
        with gzip.open(f"{folder}/train-labels-idx1-ubyte.gz") as file:
            labels = np.frombuffer(file.read(8 + count)[8:], np.uint8)
    except FileNotFoundError:
        return None
    return (pixels.reshape(count, 1, 28, 28) / np.float32(255)), labels.astype(np.int64)


def largest_error(got, want):
    """Relative to each tensor's largest element."""
    pairs = zip(got, want, strict=True)
    return max((np.abs(g - w).max() / np.abs(w).max() for g, w in pairs), default=0)


class MLP(torch.nn.Module):
    """784-100-100-10 with mneme's names."""

    def __init__(self, batch_norm):
        super().__init__()
        self.fc1, self.fc2 = torch.nn.Linear(784, 100), torch.nn.Linear(100, 100)
        if batch_norm:
            self.bn1, self.bn2 = torch.nn.BatchNorm1d(100), torch.nn.BatchNorm1d(100)
        self.classifier = torch.nn.Linear(100, 10)
        self.batch_norm = batch_norm
        for layer in (self.fc1, self.fc2, self.classifier):
            torch.nn.init.xavier_uniform_(layer.weight)
            torch.nn.init.zeros_(layer.bias)

    def forward(self, x):
        x = self.fc1(x.flatten(1))
        x = F.relu(self.bn1(x) if self.batch_norm else x)
        x = self.fc2(x)
        x = F.relu(self.bn2(x) if self.batch_norm else x)
        return self.classifier(x)


class Lars:
    """LARS on momentum, with what nncsl.md says of biases, norms and the classifier."""

    def __init__(self, model, rate, momentum, weight_decay, trust, head_rate, epsilon=1e-8):
        self.named, self.rate, self.momentum = list(model.named_parameters()), rate, momentum
        self.decay, self.trust, self.head_rate, self.epsilon = weight_decay, trust, head_rate, epsilon
        self.velocity = [torch.zeros_like(p) for _, p in self.named]

    def zero_grad(self):
        for _, p in self.named:
            p.grad = None

    @torch.no_grad()
    def step(self):
        for (name, w), v in zip(self.named, self.velocity):
            head = name.startswith("classifier")
            excluded = not head and (name.endswith("bias") or "bn" in name)
            decay = 0 if head or excluded else self.decay
            g, a = w.grad, 1
            if w.norm() == 0 or g.norm() == 0:
                decay = 0
            elif not excluded:
                a = self.trust * w.norm() / (g.norm() + decay * w.norm() + self.epsilon)
            rate = self.rate * (self.head_rate if head else 1)
            v.mul_(self.momentum).sub_(rate * a * (g + decay * w))
            w.add_(v)


class Training:
    loss_tolerance = LOSS_TOLERANCE

    def __init__(self, name, data, optimiser, rate, options, batch_norm=False):
        self.name, self.optimiser, self.rate, self.options = name, optimiser, rate, options
        torch.manual_seed(3)
        self.images, self.labels = data
        self.model = MLP(batch_norm)
        self.before = self.weights()
        self.logits_tolerance, self.noise = LOGITS_TOLERANCE, 1e-4

    def weights(self):
        return {n: p.detach().float().numpy().copy() for n, p in self.model.named_parameters()}

    def batches(self):
        return self.images.reshape(STEPS + 1, ROWS, 1, 28, 28)

    def described_network(self):
        return {"network": "mlp", "options": json.dumps({"batch_norm": self.model.batch_norm})}

    def described(self, exchange):
        return {
            "kind": "training",
            **self.described_network(),
            "classes": 10,
            "optimiser": self.optimiser,
            "optimiser_options": json.dumps(self.options),
            "rate": self.rate,
            "images": exchange.put(self.batches()),
            "labels": self.labels.tolist(),
            "weights": {name: exchange.put(value) for name, value in self.before.items()},
        }

    def running_statistics(self):
        return [b.numpy().copy() for n, b in self.model.named_buffers() if "running" in n]

    def torch_optimiser(self):
        if self.optimiser in ("adam", "radam"):
            kind = {"adam": torch.optim.Adam, "radam": torch.optim.RAdam}[self.optimiser]
            if self.options.get("decoupled"):
                assert self.optimiser == "adam"  # PyTorch 1.13 has no such RAdam
                kind = torch.optim.AdamW
            return kind(
                self.model.parameters(),
                lr=self.rate,
                weight_decay=self.options.get("weight_decay", 0),
            )
        if self.optimiser == "lars":
            return Lars(self.model, self.rate, **self.options)
        return torch.optim.SGD(self.model.parameters(), lr=self.rate, **self.options)

    def run_reference(self):
        """PyTorch's side of what training.c writes down."""
        self.model = pytorch.exact(self.model)
        batches = torch.tensor(self.batches()).to(next(self.model.parameters()).dtype)
        labels = torch.tensor(self.labels).reshape(STEPS + 1, -1)
        optimiser = self.torch_optimiser()
        self.losses = []
        for batch in range(STEPS + 1):
            logits = self.model(batches[batch])
            loss = F.cross_entropy(logits, labels[batch])
            self.losses.append(loss.item())
            if batch == 0:
                self.logits = logits.detach().numpy().copy()
            if batch < STEPS:
                optimiser.zero_grad()
                loss.backward()
                optimiser.step()
            if batch == 0:
                self.after_one = self.weights()
                self.statistics_after_one = self.running_statistics()
        self.after_all = self.weights()
        self.statistics = self.running_statistics()
        self.model.eval()
        self.eval_logits = self.model(batches[0]).detach().numpy()

    def changes(self, result, when, reference):
        """Per tensor ||dw - dw_ref|| / ||dw_ref||, dw the change since the start."""
        got = dict(zip(result["parameters"], result[when], strict=True))
        wanted = {name: reference[name].astype(np.float64) - w for name, w in self.before.items()}
        # The bias before a normalisation has no gradient but rounding, of which no share is meant.
        noise = self.noise * max(np.linalg.norm(want) for want in wanted.values())
        return {
            name: np.linalg.norm(got[name] - self.before[name].astype(np.float64) - want)
            / max(np.linalg.norm(want), noise)
            for name, want in wanted.items()
        }

    def measure(self, result):
        """(what, figure, bound) of each thing compared."""
        losses = result["losses"]
        yield "logits at step 0", np.abs(result["logits"][0] - self.logits).max(), self.logits_tolerance
        after_one = self.changes(result, "after_one", self.after_one)
        tensor = max(after_one, key=after_one.get)
        yield f"change after step 1 ({tensor})", after_one[tensor], CHANGE_TOLERANCE
        error = abs(losses[STEPS] / self.losses[STEPS] - 1)
        yield f"loss at step {STEPS}", error, self.loss_tolerance
        error = largest_error(result["statistics_after_one"], self.statistics_after_one)
        yield "running statistics after step 1", error, STATISTICS_TOLERANCE

    def report(self, result):
        """Trains in PyTorch and prints the figures; returns what is wrong."""
        self.run_reference()
        wrong = []
        fall = 1 - self.losses[STEPS] / self.losses[0]
        after_all = max(self.changes(result, "after_all", self.after_all).values())
        eval_logits = np.abs(result["eval_logits"][0] - self.eval_logits).max()
        print(f"  {self.name}")
        print(
            f"    loss {self.losses[0]:.4f} -> {self.losses[STEPS]:.4f} (mneme "
            f"{result['losses'][STEPS]:.4f}), a fall of {100 * fall:.0f} %"
        )
        for what, figure, bound in self.measure(result):
            print(f"    {what:42} {figure:.1e}  (at most {bound:.0e})")
            if not figure <= bound:
                wrong.append(f"{self.name}: {what}: {figure:.1e}, at most {bound:.0e}")
        print(f"    {f'change after step {STEPS}':42} {after_all:.1e}")
        statistics = largest_error(result["statistics"], self.statistics)
        print(f"    {f'running statistics after step {STEPS}':42} {statistics:.1e}")
        print(f"    {'logits of evaluation, at the end':42} {eval_logits:.1e}")
        if fall < LEAST_FALL:
            wrong.append(f"{self.name}: the reference's loss fell by {100 * fall:.0f} % only")
        return wrong


def all_trainings():
    sources = [("synthetic", synthetic_images()), ("Fashion-MNIST", fashion_images())]
    for source, data in sources:
        if data is None:
            print(f"  {source} is not installed: its part is left out")
            continue
        yield Training(f"{source}, sgd", data, "sgd", 0.1, {})
        yield Training(f"{source}, sgd with momentum", data, "sgd", 0.05, {"momentum": 0.9})
        nesterov = {"momentum": 0.9, "nesterov": True, "weight_decay": 0.01}
        yield Training(f"{source}, nesterov and weight decay", data, "sgd", 0.05, nesterov)
        yield Training(f"{source}, adam", data, "adam", 1e-3, {"weight_decay": 1e-4})
        lars = {"momentum": 0.9, "weight_decay": 1e-3, "trust": 0.01, "head_rate": 0.3}
        scaled = Training(f"{source}, lars", data, "lars", 1.0, lars, True)
        scaled.noise = 1e-3  # the biases before norms move by rounding alone, at the full rate
        yield scaled
        options = {"weight_decay": 0.5, "decoupled": True}
        yield Training(f"{source}, adam, decoupled", data, "adam", 1e-3, options)
        yield Training(f"{source}, radam", data, "radam", 1e-2, {"weight_decay": 1e-4})
        yield Training(f"{source}, batch norm", data, "sgd", 0.05, {"momentum": 0.9}, True)


def check(exchange):
    return compare(exchange, list(all_trainings()))


def compare(exchange, trainings):
    """Trains in both; returns what is wrong."""
    exchange.cases = [training.described(exchange) for training in trainings]
    wrong = []
    for training, result in zip(trainings, exchange.run(), strict=True):
        if "error" in result:
            wrong.append(f"{training.name}: {result['error']}")
            continue
        wrong.extend(training.report(result))
    return wrong
