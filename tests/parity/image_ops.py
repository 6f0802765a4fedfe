"""The cases of image_ops.h: odd sizes, stride 2, channels that fill no vector, a batch of one."""

import numpy as np
import torch
import torch.nn.functional as F

# (batch, channels, height, width) and the channels that a convolution makes of it
SHAPES = [((2, 3, 9, 7), 16), ((1, 5, 6, 6), 7), ((3, 20, 5, 5), 40), ((4, 64, 8, 8), 64)]


def convolutions(case, random, shape, outputs):
    channels = shape[1]
    x, bias = random.standard_normal(shape), random.standard_normal(outputs)
    for size, stride, padding in [(3, 1, 1), (3, 2, 1), (1, 2, 0), (2, 1, 0), (5, 3, 2)]:
        weight = random.standard_normal((outputs, channels, size, size)) / size
        geometry = {"stride": stride, "padding": padding}

        def convolve(x, weight, bias=None, geometry=geometry):
            return F.conv2d(x, weight, bias, **geometry)

        yield case("conv2d", [x, weight], convolve, groups=1, **geometry)
        yield case("conv2d", [x, weight, bias], convolve, groups=1, **geometry)


def grouped_convolutions(case, random, shape, outputs):
    groups = shape[1]  # each channel alone, made two
    x, weight = random.standard_normal(shape), random.standard_normal((2 * groups, 1, 3, 3))
    yield case(
        "conv2d",
        [x, weight],
        lambda x, w: F.conv2d(x, w, None, 2, 1, 1, groups),
        stride=2,
        padding=1,
        groups=groups,
    )


def batch_norms(case, random, shape, outputs):
    channels = shape[1]
    x = 3 * random.standard_normal(shape) + 1
    scale, shift = random.standard_normal((2, channels))
    running = [random.standard_normal(channels), random.uniform(0.5, 2, channels)]
    running = [s.astype(np.float32) for s in running]
    momentum, epsilon = 0.1, 1e-5

    def reference(mode, relu):
        def norm(*given):
            x, weights, (mean, variance) = given[0], given[1:-2], given[-2:]
            if mode == 1:  # batch statistics, the running ones left alone
                mean, variance = mean.clone(), variance.clone()
            weight, bias = weights or (None, None)
            y = F.batch_norm(x, mean, variance, weight, bias, mode < 2, momentum, epsilon)
            return F.relu(y) if relu else y

        return norm

    def end_of_block(mode):
        def end(x, scale, shift, residual, *running):
            return F.relu(reference(mode, False)(x, scale, shift, *running) + residual)

        return end

    for mode in (0, 1, 2):
        yield case(
            "batch_norm_add_relu_2d",
            [x, scale, shift, random.standard_normal(shape)],
            end_of_block(mode),
            a=momentum,
            b=epsilon,
            norm=mode,
            running=running,
        )
        for inputs in ([x, scale, shift], [x]):
            for op in ("batch_norm_2d", "batch_norm_relu_2d"):
                yield case(
                    op,
                    inputs,
                    reference(mode, "relu" in op),
                    a=momentum,
                    b=epsilon,
                    norm=mode,
                    running=running,
                )


def instance_norms(case, random, shape, outputs):
    x = 3 * random.standard_normal(shape) + 1
    scale, shift = random.standard_normal((2, shape[1]))

    def norm(x, scale=None, shift=None):
        return F.instance_norm(x, weight=scale, bias=shift, eps=1e-5)

    yield case("instance_norm_2d", [x, scale, shift], norm, b=1e-5)
    yield case("instance_norm_2d", [x], norm, b=1e-5)


def group_norms(case, random, shape, outputs):
    x = 3 * random.standard_normal(shape) + 1
    scale, shift = random.standard_normal((2, shape[1]))
    for groups in {g for g in (1, 2, 4, shape[1]) if shape[1] % g == 0}:

        def norm(x, scale=None, shift=None, groups=groups):
            return F.group_norm(x, groups, scale, shift, eps=1e-5)

        yield case("group_norm_2d", [x, scale, shift], norm, b=1e-5, groups=groups)
        yield case("group_norm_2d", [x], norm, b=1e-5, groups=groups)


def pools(case, random, shape, outputs):
    x = random.standard_normal(shape)
    for size, stride, padding in [(2, 2, 0), (3, 2, 1), (3, 1, 1)]:
        window = {"stride": stride, "padding": padding}
        yield case(
            "max_pool_2d", [x], lambda x, s=size, w=window: F.max_pool2d(x, s, **w), size=size, **window
        )
        yield case(
            "average_pool_2d",
            [x],
            lambda x, s=size, w=window: F.avg_pool2d(x, s, **w),
            size=size,
            **window,
        )
    yield case("global_average_pool", [x], lambda x: x.mean((2, 3)))


def sums(case, random, shape, outputs):
    x, y = random.standard_normal((2, *shape))
    yield case("add_relu", [x, y], lambda x, y: F.relu(x + y))


def upsamplings(case, random, shape, outputs):
    x = random.standard_normal(shape)
    for height, width in [(2 * shape[2], 2 * shape[3]), (shape[2] + 3, shape[3]), (4, 4)]:
        size = (height, width)
        yield case(
            "upsample_nearest",
            [x],
            lambda x, size=size: F.interpolate(x, size),
            height=height,
            width=width,
        )
        for align in (False, True):

            def upsample(x, size=(height, width), align=align):
                return F.interpolate(x, size, mode="bilinear", align_corners=align)

            yield case(
                "upsample_bilinear", [x], upsample, height=height, width=width, align=int(align)
            )


def styles(case, random, shape, outputs):
    x = random.standard_normal(shape)
    scale, shift = random.standard_normal((2, *shape[:2]))

    def style(x, scale, shift):
        return x * scale[:, :, None, None] + shift[:, :, None, None]

    yield case("channel_affine", [x, scale, shift], style)


def changes(case, random, shape, outputs):
    images, channels = shape[:2]
    x = random.standard_normal(shape)
    maps = np.tile(np.eye(2, 3), (images, 1, 1)) + 0.6 * random.standard_normal((images, 2, 3))
    mixes = random.standard_normal((images, channels, channels + 1))

    def warping(padding):
        def warp(x, maps):
            grid = F.affine_grid(maps.detach().expand(images, -1, -1), x.shape, align_corners=False)
            return F.grid_sample(x, grid, padding_mode=padding, align_corners=False)

        return warp

    def mix(x, mixes):
        mixes = mixes.detach()
        return torch.einsum("nij,njhw->nihw", mixes[..., :-1], x) + mixes[..., -1, None, None]

    for some in (maps, maps[:1]):  # one map an image, or one for all
        yield case("warp", [x, some], warping("reflection"))
        yield case("warp_zeros", [x, some], warping("zeros"))
    yield case("mix_channels", [x, mixes], mix)


def differentiable_augmentations(case, random, shape, outputs):
    images, channels, height, width = shape
    x, drawn = random.standard_normal(shape), random.uniform(0.2, 1.8, images)
    mean, deviation = random.standard_normal(channels), random.uniform(0.5, 2, channels)
    moves = random.randint(-height, height + 1, size=(images, 2))

    def about(axes):
        def change(x, factor):
            centre = x.mean(axes, keepdim=True)
            return (x - centre) * factor.view(-1, 1, 1, 1) + centre

        return change

    def shifted(x, moves):
        padded = F.pad(x, [2 * width] * 2 + [2 * height] * 2)
        rows = []
        for image, (down, across) in zip(padded, np.broadcast_to(moves, (images, 2))):
            top, left = 2 * height - down, 2 * width - across
            rows.append(image[:, top : top + height, left : left + width])
        return torch.stack(rows)

    def cut(x, corners, side):
        keep = torch.ones(images, 1, height, width, dtype=x.dtype)
        for mask, (top, left) in zip(keep, np.broadcast_to(corners, (images, 2))):
            mask[:, max(top, 0) : max(top + side, 0), max(left, 0) : max(left + side, 0)] = 0
        return x * keep

    for some in (drawn, drawn[:1]):
        yield case("brightness", [x, some], lambda x, amount: x + amount.view(-1, 1, 1, 1))
        yield case("saturation", [x, some], about((1,)))
        yield case("contrast", [x, some], about((1, 2, 3)))
    for some in (moves, moves[:1]):
        places = {"list": [int(place) for place in some.flatten()]}
        yield case("shift_images", [x], lambda x, some=some: shifted(x, some), **places)
        yield case("cutout", [x], lambda x, some=some: cut(x, some, 3), count=3, **places)

    def normalised(x, mean, deviation):
        each = (-1, 1, 1)
        return (x - mean.detach().view(each)) / deviation.detach().view(each)

    yield case("normalise_images", [x, mean, deviation], normalised)


def all_cases(case):
    families = (convolutions, grouped_convolutions, batch_norms, instance_norms, group_norms, pools)
    families += (upsamplings, sums, styles, changes, differentiable_augmentations)
    for seed, (shape, outputs) in enumerate(SHAPES):
        random = np.random.RandomState(seed)
        for family in families:
            yield from family(case, random, shape, outputs)
