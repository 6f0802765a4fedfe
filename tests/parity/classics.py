"""Regularisation and gradient projection, written down from their papers and the authors' recipes.

Each function goes the way of a run in double precision and returns what it should have left: the
weights, and the tensors that the strategy keeps.
"""

import itertools

import numpy as np
import torch
import torch.nn.functional as F

from runs import BATCH, initial


def named(network, values):
    return {name: v.detach().numpy() for (name, _), v in zip(network.named_parameters(), values)}


def gradients_of(scalar, parameters):
    return list(torch.autograd.grad(scalar, parameters))


def step(parameters, gradients, rate):
    with torch.no_grad():
        for parameter, gradient in zip(parameters, gradients):
            parameter -= rate * gradient


def zeros(parameters):
    return [torch.zeros_like(p) for p in parameters]


def copies(parameters):
    return [p.detach().clone() for p in parameters]


# --- elastic weight consolidation -----------------------------------------------------------------


def fisher_of(network, parameters, task, weighted, seen_only):
    """1/N sum over images of the squares of that image's own gradient of log p(y|x)."""
    total = zeros(parameters)
    for x, y in zip(task.x, task.y):
        log_p = F.log_softmax(network(x[None])[:, : task.seen if seen_only else None], 1)[0, y]
        factor = log_p.exp().item() if weighted else 1.0
        for sum_, g in zip(total, gradients_of(log_p, parameters)):
            sum_ += factor * g**2
    return [sum_ / len(task.y) for sum_ in total]


def ewc(runs, rate, strength, gamma, weighted, seen_only):
    network = initial()
    parameters = list(network.parameters())
    fisher, anchor, losses = zeros(parameters), zeros(parameters), []
    for task in runs.tasks():
        for x, y in task.batches():
            loss = F.cross_entropy(network(x)[:, : task.seen if seen_only else None], y)
            losses.append(loss.item())
            gradients = gradients_of(loss, parameters)
            for g, importance, theta, old in zip(gradients, fisher, parameters, anchor):
                g += 2 * strength * importance * (theta.detach() - old)
            step(parameters, gradients, rate)
        new = fisher_of(network, parameters, task, weighted, seen_only)
        fisher = [gamma * f + n for f, n in zip(fisher, new)]
        anchor = copies(parameters)
    kept = {"ewc/fisher": named(network, fisher), "ewc/anchor": named(network, anchor)}
    return named(network, parameters), kept, {"stream": losses}


# --- synaptic intelligence ------------------------------------------------------------------------


def si(runs, rate, c, xi, clip, squares):
    network = initial()
    parameters = list(network.parameters())
    anchor, importance, losses = copies(parameters), zeros(parameters), []
    for task in runs.tasks():
        path = zeros(parameters)
        for x, y in task.batches():
            loss = F.cross_entropy(network(x), y)
            losses.append(loss.item())
            plain = gradients_of(loss, parameters)
            used = [
                g + 2 * c * omega * (theta.detach() - old)
                for g, omega, theta, old in zip(plain, importance, parameters, anchor)
            ]
            used = [g.clamp(-clip, clip) for g in used] if clip > 0 else used
            before = copies(parameters)
            step(parameters, used, rate)
            for sum_, g, got, was, now in zip(path, plain, used, before, parameters):
                sum_ += rate * got**2 if squares else g * (was - now.detach())
        for omega, sum_, theta, old in zip(importance, path, parameters, anchor):
            omega += sum_ / ((theta.detach() - old) ** 2 + xi)
        anchor = copies(parameters)
    kept = {"si/importance": named(network, importance), "si/anchor": named(network, anchor)}
    return named(network, parameters), kept, {"stream": losses}


# --- learning without forgetting -------------------------------------------------------------------


def lwf(runs, rate, alpha, temperature, warm_up, seen_only, by_tasks=False):
    """With `by_tasks` van de Ven's: terms weighed by tasks, new probabilities over all seen."""
    network = initial()
    parameters, head = list(network.parameters()), list(network.classifier.parameters())
    losses = {"stream": [], "lwf/distil": []}
    for task in runs.tasks():
        past, present = slice(0, len(task.past)), slice(task.present[0], task.present[-1] + 1)
        with torch.no_grad():
            old = network(task.x)[:, past]
        for _ in range(warm_up if task.number > 0 else 0):
            for x, y in task.batches():
                loss = F.cross_entropy(network(x)[:, present], y - present.start)
                step(head, gradients_of(loss, head), rate)
        old = torch.softmax(old, 1) ** (1 / temperature)
        old /= old.sum(1, keepdim=True)
        for i, (x, y) in enumerate(task.batches()):
            logits = network(x)
            loss = F.cross_entropy(logits[:, : task.seen] if seen_only else logits, y)
            losses["stream"].append(loss.item())
            share = task.number / (task.number + 1) if by_tasks else 1
            loss = loss * (1 - share if by_tasks else 1)
            if task.number > 0:
                outputs = slice(0, task.seen) if by_tasks else past
                new = torch.softmax(logits[:, outputs], 1) ** (1 / temperature)
                new = (new / new.sum(1, keepdim=True))[:, past]
                distil = -(old[i * BATCH : i * BATCH + len(y)] * new.log()).sum(1).mean()
                losses["lwf/distil"].append(distil.item())
                loss = loss + share * alpha * distil
            step(parameters, gradients_of(loss, parameters), rate)
    return named(network, parameters), {}, losses


# --- gradient episodic memory, and averaged ---------------------------------------------------------


def dot(a, b):
    return sum((x * y).sum() for x, y in zip(a, b)).item()


def remembered(runs, run, task):
    places = run.exemplars(task)
    x = runs.pixels[places].reshape(len(places), -1) / np.float32(255)
    return torch.from_numpy(x).double(), torch.from_numpy(runs.labels[places].astype(np.int64))


def memory_gradient(network, parameters, x, y):
    return gradients_of(F.cross_entropy(network(x), y), parameters)


def average_projected(g, r):
    agreement = dot(g, r)
    if agreement >= 0:
        return g, False
    return [x - agreement / dot(r, r) * y for x, y in zip(g, r)], True


def projected(g, past, gamma, ridge=1e-3):
    """The dual by trying every set of bounds that may hold with equality."""
    c = np.array([dot(r, g) for r in past])
    if not (c < 0).any():
        return g, False
    p = np.array([[dot(a, b) for b in past] for a in past]) + ridge * np.eye(len(past))
    for held in itertools.product((True, False), repeat=len(past)):
        held = np.array(held)
        v = np.full(len(past), gamma)
        free = ~held
        v[free] = np.linalg.solve(p[np.ix_(free, free)], -(c + p[:, held] @ v[held])[free])
        slope = p @ v + c
        if (v >= gamma).all() and (slope[held] >= 0).all():
            return [x + sum(w * r[i] for w, r in zip(v, past)) for i, x in enumerate(g)], True
    raise RuntimeError("no set of bounds fulfils the conditions")


def episodic(runs, run, rate, epochs, project):
    """A run whose gradient `project` changes, from the memories of the tasks so far."""
    network = initial()
    parameters, losses, memories, changed = list(network.parameters()), [], [], []
    for task in runs.tasks():
        for x, y in task.batches(epochs):
            loss = F.cross_entropy(network(x), y)
            losses.append(loss.item())
            g = gradients_of(loss, parameters)
            if memories:
                g, was = project(network, parameters, g, memories)
                changed.append(was)
            step(parameters, g, rate)
        memories.append(remembered(runs, run, task.number))
    assert any(changed) and not all(changed), "the case projects always or never"
    return named(network, parameters), {}, {"stream": losses}


def agem(runs, run, rate, epochs):
    def project(network, parameters, g, memories):
        x, y = (torch.cat(parts) for parts in zip(*memories))
        return average_projected(g, memory_gradient(network, parameters, x, y))

    return episodic(runs, run, rate, epochs, project)


def gem(runs, run, rate, epochs, gamma):
    def project(network, parameters, g, memories):
        past = [memory_gradient(network, parameters, *memory) for memory in memories]
        return projected(g, past, gamma)

    return episodic(runs, run, rate, epochs, project)


def agem_r(runs, rate):
    """With a buffer that holds everything: all images so far, whatever the reservoir decides."""
    network = initial()
    parameters, losses, changed = list(network.parameters()), [], []
    seen_x, seen_y = [], []
    for task in runs.tasks():
        for x, y in task.batches():
            loss = F.cross_entropy(network(x), y)
            losses.append(loss.item())
            g = gradients_of(loss, parameters)
            if seen_y:
                r = memory_gradient(network, parameters, torch.cat(seen_x), torch.cat(seen_y))
                g, was = average_projected(g, r)
                changed.append(was)
            step(parameters, g, rate)
            seen_x.append(x)
            seen_y.append(y)
    assert any(changed) and not all(changed), "the case projects always or never"
    return named(network, parameters), {}, {"stream": losses}


# --- what is compared -----------------------------------------------------------------------------


def cases(runs):
    """(strategy, settings, reference of a run) of every comparison."""
    rate = 0.2
    for strength, gamma, weighted, classes in (
        (3.0, 0.7, True, "all"),
        (1.5, 1.0, False, "all"),
        (3.0, 0.7, True, "seen"),
    ):
        settings = {"ewc.lambda": strength, "ewc.gamma": gamma, "ewc.weighted": weighted}
        settings["finetune.classes"] = classes
        yield "ewc", settings, lambda run: ewc(runs, rate, strength, gamma, weighted, classes == "seen")
    for c, xi, clip, path in ((2.0, 0.3, 0.05, "travel"), (0.5, 1.0, 0.0, "travel"), (2.0, 0.3, 0.05, "squares")):
        settings = {"si.c": c, "si.xi": xi, "si.clip": clip, "si.path": path}
        yield "si", settings, lambda run: si(runs, rate, c, xi, clip, path == "squares")
    for alpha, temperature, warm_up, classes in ((2.0, 2.0, 2, "seen"), (1.0, 0.7, 0, "all")):
        settings = {"lwf.alpha": alpha, "lwf.temperature": temperature, "lwf.warm_up": warm_up}
        settings["finetune.classes"] = classes
        only = classes == "seen"
        yield "lwf", settings, lambda run: lwf(runs, rate, alpha, temperature, warm_up, only)
    settings = {"lwf.weighting": "tasks", "lwf.classes": "seen", "lwf.warm_up": 0, "lwf.alpha": 1}
    settings.update({"finetune.weighting": "tasks", "finetune.classes": "seen"})
    yield "lwf", settings, lambda run: lwf(runs, rate, 1.0, 2.0, 0, True, by_tasks=True)
    settings = {"agem.replay": 200, "buffer_size": 40, "epochs": 4}
    yield "agem", settings, lambda run: agem(runs, run, rate, 4)
    settings = {"agem.replay": 200, "buffer_size": 60, "agem.memory": "batch", "epochs": 4}
    yield "agem", settings, lambda run: agem(runs, run, rate, 4)
    yield "agem-r", {"agem-r.replay": 200, "buffer_size": 200}, lambda run: agem_r(runs, rate)
    for gamma in (0.0, 0.5):
        settings = {"gem.gamma": gamma, "buffer_size": 40, "epochs": 4}
        yield "gem", settings, lambda run: gem(runs, run, rate, 4, gamma)
