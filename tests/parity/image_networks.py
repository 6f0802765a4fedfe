"""Training of networks on images against PyTorch:  image_networks.py DRIVER

Exits 77 (skipped) without PyTorch, and where oneDNN has reference code alone for these networks: it
is right (ops are compared with any), but takes an hour.
"""

import subprocess
import sys
import tempfile

try:
    import numpy  # used by the modules below
    import torch
except ImportError as why:
    print(f"skipped: {sys.executable}: {why}; on Debian: apt install python3-torch python3-numpy")
    sys.exit(77)

sys.dont_write_bytecode = True  # the sources' folder stays as it is

import networks
import pytorch
from exchange import Exchange

GENERATED = ("avx2", "avx512", "avx10")  # beginnings of the sets with code for what layers ask


def main(driver):
    command = [driver, "--instruction-set"]
    used = subprocess.run(command, capture_output=True, check=True, text=True).stdout.strip()
    if not used.startswith(GENERATED):
        print(f"skipped: oneDNN generates code for these networks from AVX2 on, and may use {used}")
        return 77
    pytorch.begin()
    print("training networks on images for 20 steps")
    with tempfile.TemporaryDirectory() as folder:
        wrong = networks.check(Exchange(driver, folder))
    return pytorch.verdict(wrong)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
