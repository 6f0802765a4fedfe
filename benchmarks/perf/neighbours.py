#!/usr/bin/env python3
"""neighbours.py MNEME [--busy N] [--rounds N] -- a run on two threads beside N processes that spin.

Wall time with the waiting of threads that mneme arranges, with libgomp's own (which it is left where
OMP_PROC_BIND is set), and with OMP_WAIT_POLICY=passive; in turn, as ratios of libgomp's own."""

import argparse
import json
import os
import statistics
import subprocess
import tempfile
import time

BENCHMARK = {
    "name": "neighbours",
    "dataset": {"name": "synthetic", "classes": 4, "train_per_class": 200, "test_per_class": 10, "size": 32},
    "stream": {"tasks": 2},
    "network": {"name": "resnet18-reduced"},
    "train": {"epochs": 1, "batch": 32, "lr": 0.05, "threads": 2},
}
WAITING = {
    "libgomp's own": {"OMP_PROC_BIND": "false"},
    "mneme": {},
    "passive": {"OMP_PROC_BIND": "false", "OMP_WAIT_POLICY": "passive"},
}


def seconds(program, folder, number, extra):
    began = time.monotonic()
    subprocess.run(
        [program, "run", f"{folder}/neighbours.json", "finetune", "-q", "-o", f"{folder}/{number}.mneme"],
        env=dict(os.environ, **extra), stdout=subprocess.DEVNULL, check=True)
    return time.monotonic() - began


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--busy", type=int, default=0)
    parser.add_argument("--rounds", type=int, default=7)
    given = parser.parse_args()
    times = {name: [] for name in WAITING}
    spinning = [subprocess.Popen(["sh", "-c", "while :; do :; done"]) for _ in range(given.busy)]
    try:
        with tempfile.TemporaryDirectory() as folder:
            with open(f"{folder}/neighbours.json", "w", encoding="utf-8") as file:
                json.dump(BENCHMARK, file)
            for round_ in range(given.rounds):
                order = list(WAITING) if round_ % 2 == 0 else list(reversed(WAITING))
                for name in order:
                    times[name].append(seconds(given.program, folder, f"{round_}-{name[:3]}", WAITING[name]))
    finally:
        for process in spinning:
            process.kill()
    own = times["libgomp's own"]
    for name, took in times.items():
        ratios = [a / b for a, b in zip(took, own)]
        print(f"{name:14} {statistics.median(took):7.2f} s  ratio {statistics.median(ratios):.2f} "
              f"({min(ratios):.2f} to {max(ratios):.2f})")


if __name__ == "__main__":
    main()
