"""The steps of bench_gan.c in PyTorch:

    gan_torch.py gan-fmnist|gan-cifar100|dgr THREADS STEPS LAYOUT

LAYOUT is default or channels-last."""

import math
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../../tests/parity"))

import torch
import torch.nn.functional as F
from networks import ResNet
from timing import time_steps
from torch import nn

WARM_UP = 3
work, threads, steps, layout = sys.argv[1:5]
steps = int(steps)
torch.set_num_threads(int(threads))
torch.manual_seed(1)
memory_format = torch.channels_last if layout == "channels-last" else torch.contiguous_format


class Linear(nn.Module):
    """Equalised: weights are scaled where they are used."""

    def __init__(self, inputs, outputs, rate=1.0, bias=0.0):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs) / rate)
        self.bias = nn.Parameter(torch.full((outputs,), bias))
        self.scale, self.rate = rate / math.sqrt(inputs), rate

    def forward(self, x):
        bias = self.bias if self.rate == 1 else self.bias * self.rate
        return F.linear(x, self.weight * self.scale, bias)


class Conv(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs, 3, 3))
        self.bias = nn.Parameter(torch.zeros(outputs))
        self.scale = math.sqrt(2 / (9 * inputs))

    def forward(self, x):
        return F.conv2d(x, self.weight * self.scale, self.bias, padding=1)


class Styled(nn.Module):
    def __init__(self, style, inputs, outputs):
        super().__init__()
        self.by, self.shift = Linear(style, inputs, bias=1.0), Linear(style, inputs)
        self.conv = Conv(inputs, outputs)

    def forward(self, x, style):
        return self.conv(x * self.by(style)[:, :, None, None] + self.shift(style)[:, :, None, None])


class Generator(nn.Module):
    def __init__(self, image, classes, latent, embedding, style, width, doublings):
        super().__init__()
        self.embed = Linear(classes, embedding)
        self.map = nn.ModuleList([Linear(latent + embedding, style, 0.01),
                                  Linear(style, style, 0.01)])
        side = image[1] >> doublings
        self.constant = nn.Parameter(torch.ones(width, side, side))
        self.layers, self.strength, self.sides = nn.ModuleList(), nn.ParameterList(), []
        for i in range(2 * doublings + 1):
            inputs, outputs = width >> i // 2, width >> (i + 1) // 2
            self.layers.append(Styled(style, inputs, outputs))
            self.strength.append(nn.Parameter(torch.zeros(outputs, 1, 1)))
            self.sides.append(side << i // 2)
        self.last = Styled(style, width >> doublings, image[0])

    def forward(self, latent, classes):
        style = torch.cat([latent, self.embed(classes)], 1)
        for layer in self.map:
            style = F.leaky_relu(layer(style), 0.2)
        x = self.constant.expand(len(latent), -1, -1, -1).contiguous(memory_format=memory_format)
        for i, (layer, side) in enumerate(zip(self.layers, self.sides)):
            noise = torch.randn(len(latent), 1, side, side)
            x = F.leaky_relu(layer(x, style) + self.strength[i] * noise, 0.2)
            if i % 2 == 1:
                x = F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=True)
        return self.last(x, style)


class Discriminator(nn.Module):
    def __init__(self, maps, classes, width, most, blocks, convolutions, dense, projection):
        super().__init__()
        self.blocks, inputs = nn.ModuleList(), maps[0]
        for block in range(blocks):
            outputs = min(width << block, most)
            self.blocks.append(nn.ModuleList([Conv(inputs if i == 0 else outputs, outputs)
                                              for i in range(convolutions)]))
            inputs = outputs
        self.conv = Conv(inputs + 1, inputs)
        self.dense = Linear(inputs * (maps[1] >> blocks) * (maps[2] >> blocks), dense)
        self.phi = Linear(dense, projection)
        self.psi = nn.Parameter(torch.randn(projection, classes))

    def forward(self, x, classes):
        for block in self.blocks:
            for conv in block:
                x = F.leaky_relu(conv(x), 0.2)
            x = F.avg_pool2d(x, 2)
        y = x.reshape(32, -1, *x.shape[1:])  # groups of 32 for the deviation
        spread = (y - y.mean(0)).square().mean(0).add(1e-8).sqrt().mean((1, 2, 3))
        spread = spread.repeat(32).reshape(-1, 1, 1, 1).expand(-1, 1, *x.shape[2:])
        x = F.leaky_relu(self.conv(torch.cat([x, spread], 1)), 0.2)
        phi = self.phi(F.leaky_relu(self.dense(x.flatten(1)), 0.2))
        psi = F.linear(classes, self.psi / math.sqrt(self.psi.shape[1]))
        return (phi * psi).sum(1) / math.sqrt(phi.shape[1])


class Plain(nn.Module):
    """As far as the second stage; what is behind it is not computed."""

    def __init__(self, channels, width=16):
        super().__init__()
        sizes = [(channels, width, 1), (width, 2 * width, 2)]
        self.layers = nn.Sequential(*[
            nn.Sequential(nn.Conv2d(a, b, 3, s, 1, bias=False), nn.BatchNorm2d(b), nn.ReLU())
            for a, b, s in sizes])

    def maps(self, x):
        return self.layers(x)


class Frozen(ResNet):
    def maps(self, x):
        """As far as the third stage; what is behind it is not computed."""
        x = F.relu(self.bn1(self.conv1(x)))
        return self.layer3(self.layer2(self.layer1(x)))


def adam(model, beta1=0.0, beta2=0.99):
    return torch.optim.Adam(model.parameters(), 1e-4, (beta1, beta2))


def descend(optimiser, loss):
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()


def gan(image, classes, batch, classifier, generator, discriminator):
    classifier = classifier.eval().requires_grad_(False).to(memory_format=memory_format)
    reals = torch.rand(batch, *image).contiguous(memory_format=memory_format)
    labels = F.one_hot(torch.arange(batch) % classes, classes).float()
    d = Discriminator(classifier.maps(reals).shape[1:], classes, *discriminator)
    g, average = (Generator(image, classes, *generator) for _ in range(2))
    d, g, average = (m.to(memory_format=memory_format) for m in (d, g, average))
    of_d, of_g = adam(d), adam(g)

    def step():
        fakes = g(torch.randn(batch, generator[0]), labels)
        with torch.no_grad():
            real_maps = classifier.maps(reals)
        maps = classifier.maps(fakes)
        descend(of_d, F.softplus(-d(real_maps, labels)).mean()
                + F.softplus(d(maps.detach(), labels)).mean())
        d.requires_grad_(False)
        descend(of_g, F.softplus(-d(maps, labels)).mean())
        d.requires_grad_(True)
        with torch.no_grad():
            for kept, new in zip(average.parameters(), g.parameters()):
                kept.lerp_(new, 0.001)

    return step


class Autoencoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(784, 400), nn.ReLU(), nn.Linear(400, 400), nn.ReLU())
        self.mean, self.log_variance = nn.Linear(400, 100), nn.Linear(400, 100, bias=False)
        self.decoder = nn.Sequential(nn.Linear(100, 400), nn.ReLU(), nn.Linear(400, 400), nn.ReLU(),
                                     nn.Linear(400, 784))

    def loss(self, x):
        hidden = self.encoder(x)
        mean, v = self.mean(hidden), self.log_variance(hidden)
        z = mean + (v / 2).exp() * torch.randn_like(mean)
        divergence = -0.5 * (1 + v - mean.square() - v.exp()).sum(1).mean() / x.shape[1]
        return F.binary_cross_entropy_with_logits(self.decoder(z), x) + divergence


def dgr(batch=128):
    solver, old = (nn.Sequential(nn.Linear(784, 400), nn.ReLU(), nn.Linear(400, 400), nn.ReLU(),
                                 nn.Linear(400, 10)) for _ in range(2))
    generator, old_generator = Autoencoder(), Autoencoder()
    of_solver, of_generator = adam(solver, 0.9, 0.999), adam(generator, 0.9, 0.999)
    x, labels = torch.rand(batch, 784), torch.arange(batch) % 10

    def step():
        with torch.no_grad():
            drawn = torch.sigmoid(old_generator.decoder(torch.randn(batch, 100)))
            drawn_labels = old(drawn).argmax(1)
        descend(of_solver, 0.5 * F.cross_entropy(solver(x), labels)
                + 0.5 * F.cross_entropy(solver(drawn), drawn_labels))
        descend(of_generator, 0.5 * generator.loss(x) + 0.5 * generator.loss(drawn))

    return step


if work == "gan-fmnist":
    step = gan((1, 28, 28), 8, 32, Plain(1), (64, 32, 64, 64, 2), (64, 64, 1, 1, 64, 64))
elif work == "gan-cifar100":
    step = gan((3, 32, 32), 100, 64, Frozen(3, 64, 4, 2, 100), (512, 256, 512, 512, 3),
               (256, 512, 2, 2, 512, 128))
else:
    step = dgr()
time_steps(step, steps, WARM_UP)
