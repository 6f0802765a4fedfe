"""Random views of a batch of images with torchvision, two of each, image by image as its data
loaders make them:  views_torch.py xder|full|small BATCH THREADS STEPS [pil|tensor]

The same changes as bench_views.c's, on PIL images (the default, and what papers use) or tensors.
"""

import sys

sys.dont_write_bytecode = True

import numpy as np
import torch
from PIL import Image
from timing import time_steps
from torchvision import transforms as T
from torchvision.transforms import functional as F

kind, batch, threads, steps = sys.argv[1], *map(int, sys.argv[2:5])
pil = sys.argv[5:6] != ["tensor"]
torch.set_num_threads(threads)
MEAN, DEVIATION = (0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.201)
channels, side = (1, 28) if kind == "xder" else (3, 32)


class Solarise(torch.nn.Module):
    def forward(self, image):
        if torch.rand(1) >= 0.2:
            return image
        return F.solarize(image, 255 * torch.rand(1).item())


jitter = T.RandomApply([T.ColorJitter(0.4, 0.4, 0.4, 0.1)], p=0.8)
if kind == "xder":
    changes = [T.RandomResizedCrop(side, (0.2, 1)), jitter]  # images without colour, unmirrored
else:
    size, area = (18, (0.3, 0.75)) if kind == "small" else (side, (0.75, 1))
    changes = [T.RandomResizedCrop(size, area), T.RandomHorizontalFlip(), jitter, Solarise(),
               T.RandomEqualize(0.2)]
to_floats = T.ToTensor() if pil else (lambda image: image.float() / 255)
normalise = T.Normalize(MEAN[:channels], DEVIATION[:channels])
view_of = T.Compose([*changes, T.Lambda(to_floats), normalise])

pixels = (np.arange(batch * channels * side * side) * 31 % 256).astype(np.uint8)
pixels = pixels.reshape(batch, channels, side, side)
if pil:
    images = [Image.fromarray(p[0] if channels == 1 else p.transpose(1, 2, 0)) for p in pixels]
else:
    images = list(torch.from_numpy(pixels))

time_steps(lambda: torch.stack([view_of(image) for _ in range(2) for image in images]), steps)
