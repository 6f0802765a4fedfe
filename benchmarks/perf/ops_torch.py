"""The ops of bench_ops.c in PyTorch:  ops_torch.py THREADS STEPS [OP...]"""

import json
import math
import statistics
import sys
import time

import torch
import torch.nn.functional as F

WARM_UP, HEADS = 3, 3
SIZES = {"small": (8, 65, 192), "middle": (32, 65, 192), "large": (16, 197, 768)}

threads, steps = int(sys.argv[1]), int(sys.argv[2])
torch.set_num_threads(threads)
torch.manual_seed(1)


def cases(batch, rows, width):
    """Op, its operands' shapes, and what it does to them."""
    x, queries = (batch, rows, width), (batch * HEADS, rows, width // HEADS)
    likeness, maps = (batch * HEADS, rows, rows), (batch, width // 4, 14, 14)
    matrix = (batch * rows, width)
    yield "permute", [(batch, rows, HEADS, width // HEADS)], lambda x: x.permute(0, 2, 1, 3).contiguous()
    yield "broadcast_add", [x, (width,)], torch.add
    yield "broadcast_mul", [x, (width,)], torch.mul
    yield "sum_axis", [x], lambda x: x.sum(1)
    yield "mean_axis", [x], lambda x: x.mean(2)
    yield "variance_axis", [x], lambda x: x.var(2)
    yield "slice", [x], lambda x: x[:, 1:].contiguous()
    yield "concat", [x, x], lambda x, y: torch.cat([x, y], 1)
    yield "linear", [matrix, (4 * width, width)], F.linear
    yield "batched_matmul", [queries, queries], lambda x, y: x @ y.mT
    yield "softmax", [likeness], lambda x: x.softmax(-1)
    yield "log_softmax", [likeness], lambda x: x.log_softmax(-1)
    yield "layer_norm", [x, (width,), (width,)], lambda x, *w: F.layer_norm(x, x.shape[-1:], *w, eps=1e-6)
    yield "gelu", [x], F.gelu
    yield "gelu_tanh", [x], lambda x: F.gelu(x, approximate="tanh")
    yield "row_norm", [x], lambda x: x.flatten(1).norm(dim=1)
    yield "row_argmax", [matrix], lambda x: x.argmax(1)
    keep = torch.arange(math.prod(matrix)).view(matrix) % 3 > 0
    yield "mask_elements", [matrix], lambda x: x.masked_fill(~keep, 0)
    yield "dropout", [x], lambda x: F.dropout(x, 0.1)
    yield "upsample_nearest", [maps], lambda x: F.interpolate(x, (28, 28))
    yield from changes_of_images((batch, 3, 64, 32 if width == 192 else 224))


def changes_of_images(images):
    batch, _, height, across = images

    def warp(padding):
        def apply(x, maps):
            grid = F.affine_grid(maps.detach(), x.shape, align_corners=False)
            return F.grid_sample(x, grid, padding_mode=padding, align_corners=False)

        return apply

    def about(axes):
        def apply(x, factor):
            mean = x.mean(axes, keepdim=True)
            return (x - mean) * factor.view(-1, 1, 1, 1) + mean

        return apply

    def cutout(x):
        keep = torch.ones(1, 1, height, across)
        keep[..., 5:21, 7:23] = 0
        return x * keep

    mean, deviation = torch.tensor([[0.5, 0.4, 0.3], [0.2, 0.3, 0.4]]).view(2, 3, 1, 1)
    yield "warp", [images, (batch, 2, 3)], warp("reflection")
    yield "warp_zeros", [images, (batch, 2, 3)], warp("zeros")
    yield "brightness", [images, (batch,)], lambda x, amount: x + amount.view(-1, 1, 1, 1)
    yield "saturation", [images, (batch,)], about(1)
    yield "contrast", [images, (batch,)], about((1, 2, 3))
    yield "shift_images", [images], lambda x: F.pad(x, (0, 2, 3, 0))[:, :, :height, 2:].contiguous()
    yield "cutout", [images], cutout
    yield "normalise_images", [images], lambda x: (x - mean) / deviation


def measure(shapes, apply):
    operands = [torch.randn(shape, requires_grad=True) for shape in shapes]
    forward, backward = [], []
    example = apply(*operands)
    upstream = torch.randn_like(example) if example.is_floating_point() else None
    for step in range(-WARM_UP, steps):
        for operand in operands:
            operand.grad = None
        begun = time.perf_counter()
        made = apply(*operands)
        between = time.perf_counter()
        if made.is_floating_point():
            made.backward(upstream)
        ended = time.perf_counter()
        if step >= 0:
            forward.append(between - begun)
            backward.append(ended - between)
    return 1e3 * statistics.median(forward), 1e3 * statistics.median(backward)


measured = {}
for size, numbers in SIZES.items():
    for op, shapes, apply in cases(*numbers):
        if op in sys.argv[3:] or len(sys.argv) == 3:
            measured[op, size] = measure(shapes, apply)
for op, size in sorted(measured, key=lambda key: [op for op, _ in measured].index(key[0])):
    forward, backward = measured[op, size]
    print(json.dumps({"op": op, "size": size, "forward_ms": forward, "backward_ms": backward}))
