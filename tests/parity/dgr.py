"""Deep generative replay, written from docs/methods/dgr.md: what it draws, learns and keeps.

The generator's initial weights and all its noise are looked up as mneme looks them up, by key.
"""

import math
from functools import partial

import numpy as np
import philox
import torch
import torch.nn.functional as F
from learner import Learner
from runs import BATCH, SIDE, rectified

PIXELS = SIDE * SIDE
WIDTHS, LATENT = (11, 7), 3


def layers():
    """(name, inputs, outputs, has a bias) in order."""
    units = (PIXELS, *WIDTHS, LATENT)
    for i, (inputs, outputs) in enumerate(zip(units[:-2], units[1:-1])):
        yield f"encoder.fc{i + 1}", inputs, outputs, True
    yield "mean", units[-2], LATENT, True
    yield "log_variance", units[-2], LATENT, False
    for i, (inputs, outputs) in enumerate(zip(units[:0:-1], units[-2::-1])):
        yield f"decoder.fc{i + 1}", inputs, outputs, True


class Generator:
    def __init__(self, owner="dgr"):
        self.weight, number, self.owner = {}, 0, owner
        key = philox.key_of(0, f"network.initial.{owner}/generator")
        for name, inputs, outputs, has_bias in layers():
            for part, shape in (("weight", (outputs, inputs)), ("bias", (outputs,))):
                if part == "bias" and not has_bias:
                    continue
                drawn = philox.uniform(philox.key_at(key, number), math.prod(shape))
                value = (2 * np.array(drawn) - 1) / math.sqrt(inputs)
                value = torch.from_numpy(value.astype(np.float32).reshape(shape)).double()
                self.weight[f"{name}.{part}"], number = value.requires_grad_(), number + 1

    def copy(self):
        copy = Generator(self.owner)
        copy.weight = {name: value.detach().clone() for name, value in self.weight.items()}
        return copy

    def layer(self, name, x):
        return F.linear(x, self.weight[f"{name}.weight"], self.weight.get(f"{name}.bias"))

    def hidden(self, z):
        """What the decoder's hidden layers are, in order."""
        for i in range(len(WIDTHS)):
            z = rectified(self.layer(f"decoder.fc{i + 1}", z))
            yield z

    def decode(self, z):
        *_, z = self.hidden(z)
        return torch.sigmoid(self.layer(f"decoder.fc{len(WIDTHS) + 1}", z))

    def terms(self, x, noise):
        hidden = x
        for i in range(len(WIDTHS)):
            hidden = rectified(self.layer(f"encoder.fc{i + 1}", hidden))
        mean, log_variance = self.layer("mean", hidden), self.layer("log_variance", hidden)
        seen = self.decode(mean + (log_variance / 2).exp() * noise)
        reconstruction = F.binary_cross_entropy(seen, x)
        divergence = -0.5 * (1 + log_variance - mean**2 - log_variance.exp()).sum(1).mean()
        return reconstruction, divergence / PIXELS


def noise(name, step, rows, owner="dgr"):
    key = philox.key_at(philox.key_of(0, f"noise.{owner}/{name}"), step)
    drawn = philox.normal(key, rows * LATENT)
    return torch.tensor(drawn).float().double().reshape(rows, LATENT)


def dgr(runs, _, rate, generator_rate, temperature, rows, squared):
    learner, generator, step = Learner(rate), Generator(), 0
    optimiser = torch.optim.Adam(generator.weight.values(), generator_rate)
    for task in runs.tasks():
        optimiser.state.clear()
        solver_before, generator_before = learner.copy(), generator.copy()
        past, share = len(task.past), 1 / (task.number + 1)
        for x, y in task.batches():
            network = learner.network
            loss = share * learner.log("stream", F.cross_entropy(network(x)[:, : task.seen], y))
            parts = [("", share, x, noise("stream", step, len(x)))]
            if task.number > 0:
                drawn = generator_before.decode(noise("code", step, rows)).detach()
                old = solver_before(drawn)[:, :past].detach()
                new = network(drawn)[:, : task.seen]
                if temperature is None:
                    replay = F.cross_entropy(new, old.argmax(1))
                else:
                    log_p = F.log_softmax(new / temperature, 1)[:, :past]
                    replay = -(F.softmax(old / temperature, 1) * log_p).sum(1).mean()
                    replay = replay * (temperature**2 if squared else 1)
                loss = loss + (1 - share) * learner.log("replay", replay)
                parts.append(("replay ", 1 - share, drawn, noise("replay", step, rows)))
            learner.step(loss)
            optimiser.zero_grad()
            for prefix, weight, images, e in parts:
                reconstruction, divergence = generator.terms(images, e)
                learner.log(f"{prefix}reconstruction", reconstruction)
                learner.log(f"{prefix}divergence", divergence)
                (weight * (reconstruction + divergence)).backward()
            optimiser.step()
            step += 1
    for name, value in generator.weight.items():
        learner.tensors[f"dgr/generator/{name}"] = value.detach().numpy()
    return learner


def cases(_):
    widths = ",".join(str(width) for width in WIDTHS)
    settings = {"dgr.generator": f'{{"widths": "{widths}", "latent": {LATENT}}}', "dgr.lr": 0.004}
    for temperature, rows, squared in ((None, 0, True), (3, 5, True), (3, 5, False)):
        settings = {**settings, "lr": 0.2, "dgr.replay": rows}
        if temperature is not None:
            settings.update({"dgr.labels": "soft", "dgr.temperature": temperature})
            settings["dgr.squared"] = squared
        given = {"temperature": temperature, "rows": rows or BATCH, "squared": squared}
        yield "dgr", settings, partial(dgr, rate=0.2, generator_rate=0.004, **given)
