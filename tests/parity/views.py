"""Changes of views against torchvision:  views.py DRIVER

Each against torchvision.transforms.functional on float tensors, with the tolerance of the table,
and against the same on PIL images, which are rounded to 256 levels after each change.  What the
two do otherwise, and what is done here:

  grey      torchvision's weights on tensors are 0.2989, 0.587 and 0.114; PIL's, and ours, 0.299
  contrast  PIL rounds the mean grey to a level
  hue       PIL has 256 hues, which is up to 16 levels of a channel
  crops     PIL widens the triangle where an image shrinks (ours too); tensors only with antialias
  equalise  of a float tensor torchvision has none: ours counts values rounded to 256 levels
  blur      PIL images become tensors

Exits 0 when all agree, 1 with a line for each difference, 77 (skipped) without torchvision.
"""

import sys
import tempfile

try:
    import numpy as np
    import torch
    import torchvision.transforms.functional as F
    from PIL import Image
except ImportError as why:
    print(f"skipped: {sys.executable}: {why}; on Debian: apt install python3-torchvision")
    sys.exit(77)

sys.dont_write_bytecode = True

import pytorch
from exchange import Exchange

BILINEAR = F.InterpolationMode.BILINEAR


def pil(image, change):
    """The change made to a PIL image, as floats (C, H, W)."""
    levels = np.rint(image * 255).astype(np.uint8)
    picture = Image.fromarray(levels[0] if len(levels) == 1 else levels.transpose(1, 2, 0))
    return F.to_tensor(change(picture)).numpy()


def bytes_of(image):
    return torch.from_numpy(np.rint(image * 255).astype(np.uint8))


def cases(rng):
    """(name, image, what the driver is told, tensor's answer, PIL's, tolerances of both)."""
    level = 1 / 255
    for channels in (3, 1):
        image = (rng.integers(0, 256, (channels, 32, 28)) / 255).astype(np.float32)
        tensor = torch.from_numpy(image)
        for op, change, strengths, exact, rounded in (
            ("brightness", F.adjust_brightness, (0.6, 1.0, 1.4), 1e-6, 1.01 * level),
            ("contrast", F.adjust_contrast, (0.6, 1.0, 1.4), 1e-4, 2.01 * level),
            ("saturation", F.adjust_saturation, (0.6, 0.0, 1.4), 2e-4, 2.01 * level),
            ("hue", F.adjust_hue, (-0.5, -0.1, 0.0, 0.07, 0.5), 1e-5, 16.01 * level),
        ):
            for s in strengths:
                yield (f"{op} {s}", image, {"op": op, "strength": s}, change(tensor, s).numpy(),
                       pil(image, lambda p: change(p, s)), exact, rounded)
        for s in (0.0, 0.3, 0.7):
            yield (f"solarise {s}", image, {"op": "solarise", "strength": s},
                   F.solarize(tensor, s).numpy(), pil(image, lambda p: F.solarize(p, s * 255)),
                   1e-6, 1e-6)
        dark = (image**2 * 0.7).astype(np.float32)
        dark = (np.rint(dark * 255) / 255).astype(np.float32)
        yield ("equalise", dark, {"op": "equalise"}, F.equalize(bytes_of(dark)).numpy() / 255,
               pil(dark, F.equalize), 1e-6, 1e-6)
        for kernel, sigma in ((3, 0.1), (3, 1.5), (5, 2.0), (23, 1.0)):
            yield (f"blur {kernel} {sigma}", image,
                   {"op": "blur", "kernel": kernel, "strength": sigma},
                   F.gaussian_blur(tensor, [kernel, kernel], [sigma, sigma]).numpy(),
                   pil(image, lambda p: F.gaussian_blur(p, [kernel, kernel], [sigma, sigma])),
                   2e-6, 0.51 * level)
        for top, left, height, width, size, flip in (
            (0, 0, 32, 28, 28, 0), (3, 5, 20, 17, 32, 1), (10, 0, 1, 28, 32, 0),
            (2, 1, 30, 26, 18, 0), (0, 0, 32, 28, 7, 1), (5, 5, 18, 18, 18, 0),
        ):
            def change(x, resize={"interpolation": BILINEAR, "antialias": True}):
                y = F.resize(F.crop(x, top, left, height, width), [size, size], **resize)
                return F.hflip(y) if flip else y

            told = {"op": "crop", "top": top, "left": left, "height": height, "width": width,
                    "size": size, "flip": flip}
            yield (f"crop {top} {left} {height} {width} {size}", image, told,
                   change(tensor).numpy(), pil(image, change), 2e-5, 1.01 * level)


def main(driver):
    pytorch.begin()
    wrong = []
    with tempfile.TemporaryDirectory() as folder:
        exchange = Exchange(driver, folder)
        wanted = list(cases(np.random.default_rng(5)))
        for _, image, told, *_ in wanted:
            exchange.cases.append({"kind": "view", "image": exchange.put(image), **told})
        results = exchange.run()
    print("largest difference from torchvision's tensors, and from PIL's levels")
    for (name, image, _, tensor, picture, exact, rounded), result in zip(wanted, results):
        name = f"{len(image)} channel(s), {name}"
        if "error" in result:
            wrong.append(f"{name}: {result['error']}")
            continue
        view = result["view"][0]
        from_tensor, from_pil = np.abs(view - tensor).max(), np.abs(view - picture).max()
        print(f"  {name:38} {from_tensor:8.1e}  {from_pil * 255:5.2f}")
        if not from_tensor <= exact:
            wrong.append(f"{name}: {from_tensor:.1e} from the tensor, more than {exact:.1e}")
        if not from_pil <= rounded:
            wrong.append(f"{name}: {from_pil * 255:.2f} levels from PIL, more than "
                         f"{rounded * 255:.2f}")
    return pytorch.verdict(wrong)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
