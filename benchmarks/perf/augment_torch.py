"""Random crop, flip and normalisation of a batch in PyTorch, each image with its own draw, without
a loop over images:  augment_torch.py BATCH THREADS STEPS"""

import sys

sys.dont_write_bytecode = True

import torch
import torch.nn.functional as F
from timing import time_steps

batch, threads, steps = map(int, sys.argv[1:4])
torch.set_num_threads(threads)
images = torch.randint(0, 256, (batch, 3, 32, 32), dtype=torch.uint8)
mean = torch.tensor([0.4914, 0.4822, 0.4465]).view(1, 3, 1, 1)
deviation = torch.tensor([0.247, 0.2435, 0.2615]).view(1, 3, 1, 1)
across, rows = torch.arange(32), torch.arange(batch).view(-1, 1, 1, 1)
channels = torch.arange(3).view(1, -1, 1, 1)


def augment():
    padded = F.pad(images, (4, 4, 4, 4))
    down = torch.randint(0, 9, (batch, 1)) + across
    right = torch.randint(0, 9, (batch, 1)) + across
    mirrored = (torch.rand(batch, 1) < 0.5)
    right = torch.where(mirrored, right.flip(1), right)
    cut = padded[rows, channels, down.view(batch, 1, 32, 1), right.view(batch, 1, 1, 32)]
    return (cut.float() / 255 - mean) / deviation


time_steps(augment, steps)
