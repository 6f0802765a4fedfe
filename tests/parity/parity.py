"""mneme against PyTorch:  parity.py DRIVER HEADER...

Exits 0 when all agree, 1 with a line for each difference, 77 (skipped) without PyTorch.
"""

import sys
import tempfile

try:
    import numpy  # used by the modules below
    import torch
except ImportError as why:
    print(f"skipped: {sys.executable}: {why}; on Debian: apt install python3-torch python3-numpy")
    sys.exit(77)

sys.dont_write_bytecode = True  # the sources' folder stays as it is

import ops
import pytorch
import training
from exchange import Exchange


def main(driver, *headers):
    pytorch.begin()
    print(f"PyTorch {torch.__version__}: ops, largest error relative to the largest element")
    with tempfile.TemporaryDirectory() as folder:
        wrong = ops.check(Exchange(driver, folder), headers)
        print("training an mlp 784-100-100-10 for 20 steps of 32 images")
        wrong += training.check(Exchange(driver, folder))
    return pytorch.verdict(wrong)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
