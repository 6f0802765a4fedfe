"""Every op and loss against PyTorch: values, gradients, running statistics.

PyTorch computes in double from the same float32 inputs, so what is measured is mneme's own rounding.
"""

import re
import zlib

import numpy as np
import torch
import torch.nn.functional as F

import image_ops
import philox

TOLERANCE = 5e-6  # of the largest element of the reference, or of the case's least where that is larger
LEAST = 1e-3
DIFFERENCED = 2e-3  # where a gradient is a difference of two others
CANCELLED = 1.0  # where the true result is a difference of numbers near 1 that nearly cancel

# Not ops: they bring memory onto a tape, fail it, or are the way in for a plugin's op.
NOT_OPS = {"const", "leaf", "input", "zeros", "one_hot", "tape_refuse", "apply"}

# (rows, columns): a batch of one, odd sizes, and sizes that fill vector registers.
SHAPES = [(1, 5), (7, 13), (32, 48), (5, 100)]


def hinge(x, margin):
    return torch.clamp(margin - x, min=0)


def kl(student, teacher, temperature):
    return temperature**2 * F.kl_div(
        F.log_softmax(student / temperature, 1),
        F.log_softmax(teacher / temperature, 1),
        reduction="batchmean",
        log_target=True,
    )


class Case:
    """One op on given inputs: what mneme is asked, and what PyTorch says."""

    def __init__(self, op, inputs, reference, **parameters):
        self.op, self.parameters = op, parameters
        self.least = parameters.pop("least", LEAST)
        self.tolerance = parameters.pop("tolerance", TOLERANCE)
        self.inputs = [np.asarray(x, dtype=np.float32) for x in inputs]
        self.running = parameters.pop("running", None)
        leaves = [torch.tensor(x, dtype=torch.float64, requires_grad=True) for x in self.inputs]
        self.statistics = [torch.tensor(s, dtype=torch.float64) for s in self.running or []]
        output = reference(*leaves, *self.statistics)
        self.output = output.detach().numpy()
        self.upstream, self.gradients = None, None
        if output.requires_grad:
            numbers = np.random.RandomState(99).standard_normal(self.output.shape)
            self.upstream = numbers.astype(np.float32)
            (output * torch.tensor(self.upstream)).sum().backward()
            self.gradients = [
                np.zeros(x.shape) if x.grad is None else x.grad.numpy() for x in leaves
            ]

    @property
    def name(self):
        return self.op + " " + " ".join(str(x.shape).replace(" ", "") for x in self.inputs)

    def described(self, exchange):
        case = {"kind": "op", "op": self.op, "inputs": [exchange.put(x) for x in self.inputs]}
        case.update(self.parameters)
        if self.upstream is not None:
            case["upstream"] = exchange.put(self.upstream)
        if self.running is not None:
            case["running"] = [exchange.put(s) for s in self.running]
        return case

    def errors(self, result):
        """The largest error of each kind, relative to the reference's largest element."""
        wanted = {"output": [self.output]}
        if self.gradients is not None:
            wanted["gradients"] = self.gradients
        if self.running is not None:
            wanted["statistics"] = [s.numpy() for s in self.statistics]
        return {
            kind: max(
                distance(got, want, self.least)
                for got, want in zip(result[kind], wants, strict=True)
            )
            for kind, wants in wanted.items()
        }


def distance(got, want, least):
    if got.shape != want.shape:
        return float("inf")
    if want.size == 0:
        return 0.0
    error = np.abs(got.astype(np.float64) - want).max() / max(least, np.abs(want).max())
    return error if np.isfinite(error) else float("inf")


def elementwise(random, shape):
    x, y = random.standard_normal((2, *shape))
    positive = np.abs(x) + 0.1
    yield Case("add", [x, y], torch.add)
    yield Case("sub", [x, y], torch.sub)
    yield Case("mul", [x, y], torch.mul)
    yield Case("scale", [x], lambda x: -1.7 * x, a=-1.7)
    yield Case("shift", [x], lambda x: x + 0.3, a=0.3)
    yield Case("axpby", [x, y], lambda x, y: 0.7 * x - 1.3 * y, a=0.7, b=-1.3)
    yield Case("relu", [x], F.relu)
    yield Case("leaky_relu", [x], lambda x: F.leaky_relu(x, 0.2), a=0.2)
    yield Case("square", [x], torch.square)
    yield Case("sqrt", [positive], torch.sqrt)
    yield Case("exp", [x], torch.exp)
    yield Case("log", [positive], torch.log)
    yield Case("clamp", [x], lambda x: x.clamp(-0.5, 0.8), a=-0.5, b=0.8)
    yield Case("threshold", [x], lambda x: torch.where(x < 0.2, 0 * x, x), a=0.2)
    yield Case("hinge", [x], lambda x: hinge(x, 0.25), a=0.25)
    yield Case("sigmoid", [4 * x], torch.sigmoid)
    yield Case("softplus", [4 * x], F.softplus)
    yield Case("abs", [x], torch.abs)
    yield Case("detach", [x], lambda x: x * x.detach())
    yield Case(
        "gradient_of", [x, y], lambda x, y: (x.exp() * y).detach(), input_is_differentiable=True
    )


def of_gradient(x, weight):
    (gradient,) = torch.autograd.grad(F.softplus(x @ weight).sum(), x, create_graph=True)
    return (gradient**2).sum()


def differences(random, shape):
    x, weight = random.standard_normal(shape), random.standard_normal((shape[1], 6))
    yield Case("loss_of_gradient", [x, weight], of_gradient, tolerance=DIFFERENCED)


def reductions(random, shape):
    x = random.standard_normal(shape)
    y = np.random.RandomState(5).standard_normal(shape)
    yield Case("sum", [x], torch.sum)
    yield Case("mean", [x], torch.mean)
    yield Case("row_sum", [x], lambda x: x.sum(1))
    yield Case("row_max", [x], lambda x: x.max(1).values)
    yield Case("row_argmax", [x], lambda x: x.detach().argmax(1).double())
    numbers = np.random.RandomState(6).randint(0, 7, size=shape)

    def counts(numbers):
        return F.one_hot(numbers.detach().long(), 9).sum(1).double()


    def ranks(numbers):
        return 1 + (numbers.detach()[:, None, :] > numbers.detach()[:, :, None]).sum(2).double()

    yield Case("row_ranks", [numbers], ranks)
    yield Case("histogram_rows", [numbers], counts, count=9)
    yield Case("row_top", [x], lambda x: x.topk(3, 1).values)
    yield Case("softmax", [3 * x], lambda x: x.softmax(1))
    yield Case("softmax", [100 * x], lambda x: x.softmax(1), least=CANCELLED)
    yield Case("log_softmax", [3 * x], lambda x: x.log_softmax(1))
    yield Case("log_softmax", [100 * x], lambda x: x.log_softmax(1), least=CANCELLED)
    yield Case("row_normalise", [x], lambda x: F.normalize(x, dim=1, eps=1e-12))
    yield Case("row_distance", [x, y], lambda x, y: (x - y).norm(dim=1))
    unmoved = np.concatenate([y[:1], x[1:]])  # where PyTorch's gradient is 0, too
    yield Case("row_distance", [unmoved, y], lambda x, y: (x - y).norm(dim=1))


def linear_algebra(random, shape):
    rows, columns = shape
    for outputs in (1, 9):
        x = random.standard_normal(shape)
        weight, bias = random.standard_normal((outputs, columns)), random.standard_normal(outputs)
        yield Case("matmul", [x, weight.T], torch.matmul)
        yield Case("linear", [x, weight], F.linear)
        yield Case("linear", [x, weight, bias], F.linear)
        yield Case("cosines", [x, weight], lambda x, y: F.normalize(x) @ F.normalize(y).T)


def shapes(random, shape):
    rows, columns = shape
    x, y, z = random.standard_normal((3, *shape))
    index = list(random.randint(0, rows, size=rows + 3))
    keep = [int(k) for k in random.randint(0, 2, size=rows)]
    first, count = columns // 3, columns // 2
    yield Case("reshape", [x], lambda x: x.reshape(columns, rows), shape=[columns, rows])
    yield Case("reshape", [x], lambda x: x.reshape(-1), shape=[rows * columns])
    yield Case("transpose", [x], lambda x: x.T)
    yield Case("rows", [x], lambda x: x[rows // 2 :], first=rows // 2, count=rows - rows // 2)
    yield Case("columns", [x], lambda x: x[:, first : first + count], first=first, count=count)
    yield Case("concat_rows", [x, y[: rows // 2 + 1], z], lambda *x: torch.cat(x, 0))
    yield Case("concat_columns", [x, y[:, :2], z], lambda *x: torch.cat(x, 1))
    yield Case("gather_rows", [x], lambda x: x[index], list=[int(i) for i in index])
    yield Case("rows_where", [x], lambda x: x[torch.tensor(keep) > 0], list=keep)


def along_axes(random, shape):
    rows, columns = shape
    x = random.standard_normal((rows, 3, columns))
    for axes in ([0, 2, 1], [2, 1, 0], [1, 0, 2]):
        yield Case("permute", [x], lambda x, a=axes: x.permute(a), list=axes)
    images = random.standard_normal((2, 3, rows, columns))
    yield Case("permute", [images], lambda x: x.permute(0, 2, 3, 1), list=[0, 2, 3, 1])
    for along in ((columns,), (3, 1), (rows, 1, columns), (rows, 3, 1), (1,), ()):
        y = random.standard_normal(along)
        yield Case("broadcast_add", [x, y], torch.add)
        yield Case("broadcast_mul", [x, y], torch.mul)
    for axis in range(3):
        yield Case("sum_axis", [x], lambda x, a=axis: x.sum(a), axis=axis)
        yield Case("mean_axis", [x], lambda x, a=axis: x.mean(a), axis=axis)
        for unbiased in (False, True):
            if x.shape[axis] > 1:
                yield Case(
                    "variance_axis",
                    [x + 3],
                    lambda x, a=axis, u=unbiased: x.var(a, unbiased=u),
                    axis=axis,
                    b=int(unbiased),
                    least=CANCELLED,
                )
    y, z = random.standard_normal((2, rows, 3, columns))
    for axis in (0, 1, 2):
        size = x.shape[axis]
        yield Case(
            "slice",
            [x],
            lambda x, a=axis, n=size: x.narrow(a, n // 3, n - n // 3),
            axis=axis,
            first=size // 3,
            count=size - size // 3,
        )
        yield Case("concat", [x, y, z], lambda *x, a=axis: torch.cat(x, a), axis=axis)


def transformers(random, shape):
    rows, columns = shape
    for transpose_x in (False, True):
        for transpose_y in (False, True):
            x, y = random.standard_normal((3, rows, columns)), random.standard_normal((3, columns, 5))
            x = x.transpose(0, 2, 1) if transpose_x else x
            y = y.transpose(0, 2, 1) if transpose_y else y
            yield Case(
                "batched_matmul",
                [x, y],
                lambda x, y, t=transpose_x, u=transpose_y: (x.mT if t else x) @ (y.mT if u else y),
                a=int(transpose_x),
                b=int(transpose_y),
            )
    x = 3 * random.standard_normal((2, rows, columns)) + 1
    scale, shift = random.standard_normal((2, columns))
    flat = np.concatenate([np.full((1, rows, columns), 3.0), x[1:]])  # rows without a variance
    for inputs in ([x], [x, scale], [x, scale, shift], [flat, scale, shift]):
        for epsilon in (1e-5, 0.5):
            yield Case(
                "layer_norm",
                inputs,
                lambda x, *w, e=epsilon: F.layer_norm(x, x.shape[-1:], *w, eps=e),
                b=epsilon,
                least=CANCELLED,
            )
    yield Case("softmax", [x], lambda x: x.softmax(-1))
    yield Case("log_softmax", [x], lambda x: x.log_softmax(-1))
    yield Case("gelu", [x], F.gelu)
    yield Case("gelu_tanh", [x], lambda x: F.gelu(x, approximate="tanh"))
    yield Case("row_norm", [x], lambda x: x.flatten(1).norm(dim=1))
    few = x[:1, : min(rows, 7), : min(columns, 13)]
    marks = [int(k) for k in random.randint(0, 2, size=few.size)]
    kept = torch.tensor(marks).reshape(few.shape) > 0
    yield Case("mask_elements", [few], lambda x: torch.where(kept, x, -7.5), list=marks, a=-7.5)


def dropped(count, rate):
    """0 or 1 / (1 - rate), four factors of each block of random numbers."""
    key = philox.key_of(7, "dropped")
    words = [philox.bits(key, i // 4)[i % 4] for i in range(count)]
    return torch.tensor([0.0 if word < rate * 2**32 else 1 / (1 - rate) for word in words]).double()


def at_random(random, shape):
    x = random.standard_normal((2, *shape))
    for rate in (0.0, 0.3, 0.9):
        elements = dropped(x.size, rate).reshape(x.shape)
        rows = dropped(len(x), rate).reshape(-1, 1, 1)
        yield Case("dropout", [x], lambda x, f=elements: x * f, a=rate)
        yield Case("drop_rows", [x], lambda x, f=rows: x * f, a=rate)


def losses(random, shape):
    rows, columns = shape
    x, y = 2 * random.standard_normal((2, *shape))
    labels = random.randint(0, columns, size=rows)
    first, count = columns // 4, columns // 2
    within = random.randint(first, first + count, size=rows)
    yield Case(
        "cross_entropy",
        [x],
        lambda x: F.cross_entropy(x, torch.tensor(labels)),
        list=labels.tolist(),
    )
    yield Case(
        "cross_entropy",
        [50 * x],
        lambda x: F.cross_entropy(x, torch.tensor(labels)),
        list=labels.tolist(),
        least=CANCELLED,
    )
    yield Case(
        "cross_entropy_columns",
        [x],
        lambda x: F.cross_entropy(x[:, first : first + count], torch.tensor(within - first)),
        list=within.tolist(),
        first=first,
        count=count,
    )
    yield Case("mse", [x, y], F.mse_loss)
    for temperature in (1.0, 2.5):
        yield Case("kl", [x, y], lambda x, y: kl(x, y, temperature), a=temperature)


def batch_norms(random, shape):
    rows, columns = shape
    rows = max(rows, 2)  # PyTorch, too, wants more than one value a channel
    x = 3 * random.standard_normal((rows, columns)) + 1
    scale, shift = random.standard_normal((2, columns))
    running = [random.standard_normal(columns), random.uniform(0.5, 2, columns)]
    running = [s.astype(np.float32) for s in running]
    momentum, epsilon = 0.1, 1e-5

    def norm(x, scale, shift, mean, variance, mode):
        if mode == 1:  # batch statistics, the running ones left alone
            mean, variance = mean.clone(), variance.clone()
        return F.batch_norm(x, mean, variance, scale, shift, mode < 2, momentum, epsilon)

    def case(x, mode, affine):
        inputs = [x, scale, shift] if affine else [x]

        def reference(*given):
            x, weights, statistics = given[0], given[1:-2], given[-2:]
            return norm(x, *(weights or (None, None)), *statistics, mode)

        return Case(
            "batch_norm",
            inputs,
            reference,
            a=momentum,
            b=epsilon,
            norm=mode,
            running=running,
            least=CANCELLED,  # two rows: what flows through the statistics undoes the rest
        )

    for mode in (0, 1, 2):
        yield case(x, mode, True)
        yield case(x, mode, False)
    yield case(x[:1], 2, True)


def columns_on_their_own(random, shape):
    x = 2 * random.standard_normal(shape)
    targets = random.uniform(0, 1, shape)
    binary = F.binary_cross_entropy_with_logits
    yield Case("binary_cross_entropy", [x, targets], binary)
    yield Case("binary_cross_entropy", [50 * x, targets > 0.5], binary)
    marks = [int(k) for k in random.randint(0, 2, size=shape[1])]
    kept = torch.tensor(marks) > 0
    yield Case("mask_columns", [x], lambda x: torch.where(kept, x, -7.5), list=marks, a=-7.5)


def contrastive(x, labels, temperature):
    """Supervised contrastive loss, an anchor and a positive at a time."""
    u = x / x.norm(dim=1, keepdim=True)
    total = x.sum() * 0
    for i in range(len(labels)):
        others = [a for a in range(len(labels)) if a != i]
        positives = [p for p in others if labels[p] == labels[i]]
        if positives:
            likeness = torch.stack([u[i] @ u[a] for a in others]) / temperature
            least = torch.stack([u[i] @ u[p] for p in positives]) / temperature
            total = total - (least - likeness.logsumexp(0)).mean()
    return total / len(labels)


def triplets(x, labels, hardest, margin, attract):
    """Batch-hard triplets, an anchor at a time."""
    found = []
    for i in range(len(labels)):
        d = [((x[i] - x[j]) ** 2).sum() for j in range(len(labels))]
        far = [d[j] for j in range(len(labels)) if j != i and labels[j] == labels[i]]
        near = sorted(d[j] for j in range(len(labels)) if labels[j] != labels[i])
        far = sorted(far, reverse=True) if attract else [0] * len(near)
        found += [F.relu(f - n + margin) for f, n in list(zip(far, near))[:hardest]]
    return torch.stack(found).mean() if found else x.sum() * 0


def implant(old, new, labels, first, count, gamma, reference):
    """X-DER's update of logits, a row at a time; where the own logit is not above 0 and reference is
    false, what is above it is cut off (1 - gamma) of its size below it."""
    made = old.detach().clone()
    for row, label in enumerate(labels):
        own, v = old[row, label].item(), new[row, first : first + count].detach()
        if v.max().item() > own:
            if own > 0 or reference:
                v = v * (gamma * own / v.max())
            else:
                v = v.clamp(max=own - (1 - gamma) * abs(own))
        made[row, first : first + count] = v
    return made


def simplex(classes):
    m = classes - 1
    corners = np.concatenate([np.eye(m), np.full((m, 1), (1 - np.sqrt(1 + m)) / m)], 1)
    corners -= corners.mean(1, keepdims=True)
    return torch.tensor(corners / np.linalg.norm(corners[:, 0]))


def x_der(random, shape):
    rows, columns = shape
    x = 2 * random.standard_normal(shape)
    several = random.randint(0, 3, size=rows).tolist()
    for labels in (several, [4] * rows, list(range(rows))):  # also one class, and no positives
        for temperature in (5.0, 0.3):
            yield Case(
                "supervised_contrastive",
                [x],
                lambda x, l=labels, t=temperature: contrastive(x, l, t),
                list=labels,
                a=temperature,
            )
    for labels in (several, [4] * rows, list(range(rows))):  # also no negatives, and no positives
        for hardest, margin, attract in ((2, 1.0, True), (rows + 1, 30.0, True), (3, 9.0, False)):
            yield Case(
                "triplets",
                [x],
                lambda x, l=labels, h=hardest, m=margin, a=attract: triplets(x, l, h, m, a),
                list=labels,
                count=hardest,
                a=margin,
                b=float(attract),
            )
    first, count = columns // 3, columns // 2
    labels = random.randint(0, columns, size=rows).tolist()
    old, new = random.standard_normal((2, *shape))
    for what in ("as drawn", "own 0", "own below 0", "none above", "largest near 0"):
        own, given = old.copy(), new.copy()
        at = (np.arange(rows), labels)
        if what == "own 0":
            own[at] = 0
        elif what == "own below 0":
            own[at] = -np.abs(own[at]) - 0.1
        elif what == "none above":
            own[at] = given.max(1) + 0.5
        elif what == "largest near 0":
            own[at] = -1
            given -= given[:, first : first + count].max(1, keepdims=True) - 1e-3
        for reference in (0, 1):
            yield Case(
                "implant",
                [own, given],
                lambda o, n, l=labels, r=reference: implant(o, n, l, first, count, 0.85, r),
                list=labels,
                first=first,
                count=count,
                a=0.85,
                b=reference,
            )
    corners = simplex(columns)
    ones = np.ones(corners.shape)
    assert torch.allclose(corners.T @ corners + 1 / (columns - 1), torch.eye(columns).double() * columns / (columns - 1))
    yield Case("simplex", [ones], lambda x: x * simplex(columns), count=columns)


def votes(queries, supports, labels, temperature):
    """Soft nearest neighbours, a query at a time."""
    def unit(v):
        return v / v.norm().clamp(min=1e-12)

    rows = []
    for q in queries:
        likeness = torch.stack([unit(q) @ unit(s) for s in supports]) / temperature
        rows.append((likeness.exp() / likeness.exp().sum()) @ labels)
    return torch.stack(rows)


def sharpened(p, temperature):
    powers = p ** (1 / temperature)
    return powers / powers.sum(1, keepdim=True)


def neighbours(random, shape):
    rows, columns = shape
    classes, width = columns, 5
    queries = random.standard_normal((rows, width))
    supports = random.standard_normal((rows + 2, width))
    labels = random.dirichlet(np.ones(classes), rows + 2)
    for temperature in (0.1, 1.0):
        yield Case(
            "soft_neighbours",
            [queries, supports, labels],
            lambda q, s, y, t=temperature: votes(q, s, y, t),
            a=temperature,
        )
    p = 0.95 * random.dirichlet(np.ones(classes), rows) + 0.05 / classes
    for temperature in (0.25, 1.0, 2.0):
        yield Case("sharpen", [p], lambda p, t=temperature: sharpened(p, t), a=temperature)
    targets = random.dirichlet(np.ones(classes), rows)
    yield Case(
        "soft_cross_entropy", [p, targets], lambda p, t: -(t * p.log()).sum(1).mean()
    )
    yield Case("mean_negentropy", [p], lambda p: (p.mean(0) * p.mean(0).log()).sum())
    one_hot = np.eye(classes)[random.randint(0, classes, size=rows)]
    yield Case("smooth_labels", [one_hot], lambda y: 0.9 * y + 0.1 / classes, a=0.1)


FAMILIES = (
    elementwise,
    differences,
    reductions,
    linear_algebra,
    shapes,
    losses,
    batch_norms,
    columns_on_their_own,
    along_axes,
    transformers,
    at_random,
    x_der,
    neighbours,
)


def all_cases():
    for seed, shape in enumerate(SHAPES):
        for family in FAMILIES:  # its data depend on no other family
            named = zlib.crc32(family.__name__.encode())
            yield from family(np.random.RandomState([seed, named]), shape)
    yield from image_ops.all_cases(Case)


def uncovered(headers, cases):
    """Functions of the headers that make a var, and have no case."""
    names = []
    for header in headers:
        with open(header) as file:
            names += re.findall(r"^MN_API mn_var \*mn_(\w+)\(", file.read(), re.MULTILINE)
    return sorted(set(names) - NOT_OPS - {case.op for case in cases})


def check(exchange, headers):
    """Prints a line an op; returns what is wrong, a line each."""
    cases = list(all_cases())
    exchange.cases = [case.described(exchange) for case in cases]
    results = exchange.run()
    wrong = [f"mn_{name} has no case" for name in uncovered(headers, cases)]
    worst = {}
    for case, result in zip(cases, results, strict=True):
        if "error" in result:
            wrong.append(f"{case.name}: {result['error']}")
            continue
        for kind, error in case.errors(result).items():
            worst.setdefault(case.op, {}).setdefault(kind, []).append(error)
            if error > case.tolerance:
                most = f"{case.tolerance:.0e}"
                wrong.append(f"{case.name}: {kind} differ by {error:.1e} (at most {most})")
    for op, kinds in worst.items():
        figures = "   ".join(f"{kind} {max(errors):.1e}" for kind, errors in kinds.items())
        print(f"  {op:22} {len(kinds['output']):2} cases   {figures}")
    return wrong
