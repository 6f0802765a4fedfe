"""Images made another size, against PIL and torchvision:  resize.py DRIVER

  bilinear  PIL's BILINEAR, and torchvision's on tensors of bytes with antialias
  area      PIL's BOX, which weighs old pixels whole (ours by how much of them lies under the new
            one), so where both sides shrink by whole numbers; and the definition, in doubles

Within 1 of 255 a pixel: PIL rounds to a level after each axis, we once.  Prints the largest
difference, and how many pixels are equal.

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

from exchange import Exchange

SIZES = [  # of the old image, of the new one: height, width
    ((240, 320), (112, 112)), ((37, 53), (96, 96)), ((67, 100), (32, 48)), ((32, 32), (64, 64)),
    ((32, 32), (96, 96)), ((64, 48), (16, 16)), ((28, 28), (32, 32)), ((100, 7), (10, 70)),
    ((1, 9), (5, 3)), ((5, 5), (1, 1)), ((64, 64), (63, 65)), ((150, 100), (3, 50)),
]


def by_pil(image, size, how):
    picture = Image.fromarray(image[0] if len(image) == 1 else image.transpose(1, 2, 0))
    made = np.asarray(picture.resize((size[1], size[0]), how))
    return made[None] if made.ndim == 2 else made.transpose(2, 0, 1)


def by_torchvision(image, size):
    return F.resize(torch.from_numpy(image), list(size), F.InterpolationMode.BILINEAR,
                    antialias=True).numpy()


def under(old, new):
    """(new, old): the part of each new pixel that lies over each old one."""
    edges = np.arange(new + 1) * old / new
    left, right = edges[:-1, None], edges[1:, None]
    at = np.arange(old)[None]
    return np.clip(np.minimum(right, at + 1) - np.maximum(left, at), 0, None) * new / old


def by_definition(image, size):
    down, right = under(image.shape[1], size[0]), under(image.shape[2], size[1])
    return down @ image.astype(np.float64) @ right.T


def cases(rng):
    """(name, image, size, whether bilinear, the other's answer, tolerance)."""
    for old, new in SIZES:
        for channels in (3, 1):
            for kind in ("noise", "edges"):
                image = rng.integers(0, 256, (channels, *old), dtype=np.uint8)
                if kind == "edges":
                    image = np.where(image[:, :1] > image[:, :, :1], 255, 0).astype(np.uint8)
                name = f"{kind} {channels}x{old[0]}x{old[1]} to {new[0]}x{new[1]}"
                yield (f"bilinear of PIL, {name}", image, new, 1,
                       by_pil(image, new, Image.BILINEAR), 1)
                yield (f"bilinear of torchvision, {name}", image, new, 1,
                       by_torchvision(image, new), 1)
                yield (f"area, {name}", image, new, 0, by_definition(image, new), 0.5001)
                if old[0] % new[0] == 0 and old[1] % new[1] == 0:
                    yield f"area of PIL, {name}", image, new, 0, by_pil(image, new, Image.BOX), 1


def main(driver):
    asked = list(cases(np.random.default_rng(18)))
    with tempfile.TemporaryDirectory() as folder:
        exchange = Exchange(driver, folder)
        for _, image, size, bilinear, _, _ in asked:
            exchange.cases.append({"kind": "resize", "image": exchange.put(image),
                                   "height": size[0], "width": size[1], "bilinear": bilinear})
        results = exchange.run()
    failures, largest, equal, pixels = 0, 0, 0, 0
    for (name, _, _, _, wanted, tolerance), result in zip(asked, results, strict=True):
        if "error" in result:
            difference = np.full(1, np.inf)
            print(f"{name}: {result['error']}")
        else:
            difference = np.abs(result["image"][0].astype(np.float64) - wanted)
        if difference.max() > tolerance:
            print(f"{name}: differs by {difference.max():.3g}, more than {tolerance}")
            failures += 1
        if not name.startswith("area, "):
            largest = max(largest, difference.max())
            equal += np.count_nonzero(difference == 0)
            pixels += difference.size
    print(f"{len(asked)} resizes, {failures} differ; {equal / pixels:.1%} of the pixels equal "
          f"those of PIL or torchvision, the others are off by at most {largest:g} of 255")
    return failures > 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
