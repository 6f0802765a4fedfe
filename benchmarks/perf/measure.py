#!/usr/bin/env python3
"""Measures mneme beside PyTorch, in one go on one machine, and prints tables.

    benchmarks/perf/measure.py BUILD [--only PART] [--rounds N] [--threads N] [--json FILE]

BUILD is a build folder. Parts: roofline, step, large, ops, gan, evaluate, augment, views, nncsl,
addons, buffer, run.
Ours and theirs take turns, N rounds over; each figure is the median of the rounds' medians, with the least
and the most of them. PyTorch runs in its default layout and in channels-last, and, where it multiplies
many matrices, also with OpenBLAS on one thread, whose pool fights with PyTorch's for the cores; for add-ons
and the transformer also with an allocator that hands no memory back to the system between steps: the best
one counts. Run it on a machine that does nothing else, or read the ratios alone.
"""

import argparse
import json
import os
import platform
import re
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
PYTHON = os.environ.get("PYTHON", "/usr/bin/python3")
MLP, RESNET, REDUCED = ("mlp", "1x28x28"), ("resnet18", "3x32x32"), ("resnet18-reduced", "3x32x32")
VIT, MOBILENET = ("vit-tiny", "3x32x32"), ("mobilenet-v2-imagenet", "3x96x96")
ONE_BLAS_THREAD = ["env", "OPENBLAS_NUM_THREADS=1"]
KEEPS_MEMORY = ["MALLOC_TOP_PAD_=1000000000", "MALLOC_MMAP_THRESHOLD_=4000000000",
                "MALLOC_TRIM_THRESHOLD_=8000000000"]
LAYOUTS = {"mlp": ["default"], "vit-tiny": ["default", "one BLAS thread", "memory kept"]}
SURROUNDINGS = {"one BLAS thread": ONE_BLAS_THREAD, "memory kept": ONE_BLAS_THREAD + KEEPS_MEMORY}

# part, work, network and image, batch, steps a round
STEPS = [
    ("step", "sgd", MLP, 10, 3000),
    ("step", "sgd", MLP, 128, 1000),
    ("step", "derpp", MLP, 10, 2000),
    ("step", "sgd", REDUCED, 10, 40),
    ("step", "sgd", REDUCED, 32, 20),
    ("step", "sgd", REDUCED, 64, 12),
    ("step", "derpp", REDUCED, 32, 8),
    ("step", "sgd", RESNET, 32, 8),
    ("step", "derpp", RESNET, 32, 4),
    ("large", "sgd", VIT, 32, 6),
    ("large", "evaluate", VIT, 100, 6),
    ("large", "sgd", MOBILENET, 32, 6),
    ("large", "evaluate", MOBILENET, 100, 6),
    ("evaluate", "evaluate", MLP, 500, 300),
    ("evaluate", "evaluate", REDUCED, 100, 10),
    ("evaluate", "evaluate", RESNET, 100, 5),
]
CACHE = 0.002  # GB: what an op moves of this much lies in the caches, which are faster


# work, steps a round: training a generator
GANS = [("gan-fmnist", 40), ("gan-cifar100", 2), ("dgr", 60)]


# NNCSL's step: network and width, images, unlabelled and labelled (of each of 4 classes),
# small views, steps a round
NNCSL = [
    ("convnet", 32, "1x28x28", 64, 5, 0, 30),
    ("convnet", 16, "1x28x28", 64, 5, 0, 40),
    ("resnet18-reduced", 20, "3x32x32", 64, 5, 2, 4),
]

# Steps of add-ons: network, width, batch, steps a round
ADDONS = [("plain-convnet", 32, 128, 15), ("resnet18", 16, 32, 10)]
# What is held against what; the last: what crd costs where the old network is asked anyhow.
PAIRS = [("finetune+zipf", "finetune"), ("finetune+crd", "finetune"), ("lwf", "finetune"),
         ("finetune+crd", "lwf")]


class Failed(Exception):
    pass


def json_lines(command):
    """What a measuring program prints."""
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise Failed(f"{' '.join(command)}: {done.stderr.strip().splitlines()[-1:]}")
    return [json.loads(line) for line in done.stdout.strip().splitlines()]


def last_json(command):
    return json_lines(command)[-1]


def spread(values):
    return {"median": statistics.median(values), "least": min(values), "most": max(values)}


def text(figure, digits=3):
    return (f"{figure['median']:.{digits}g}"
            f" ({figure['least']:.{digits}g} to {figure['most']:.{digits}g})")


class Bench:
    def __init__(self, build, rounds, threads):
        self.build, self.rounds, self.threads = build, rounds, threads
        self.results = []

    def program(self, name):
        subprocess.run(["ninja", "-C", self.build, f"benchmarks/perf/{name}"], check=True,
                       stdout=subprocess.DEVNULL)
        return os.path.join(self.build, "benchmarks/perf", name)

    def turns(self, commands):
        """Runs each command once a round; {name: what it printed each time}."""
        printed = {name: [] for name in commands}
        for _ in range(self.rounds):
            for name, command in commands.items():
                printed[name].append(last_json(command))
        return printed

    def beside(self, part, label, ours, theirs):
        """Ours ({precision: command}) beside the better of theirs ({layout: command})."""
        printed = self.turns({**ours, **theirs})
        figure = {name: spread([p["median_ms"] for p in printed[name]]) for name in printed}
        peak = {name: max(p.get("peak_mb", 0) for p in printed[name]) for name in printed}
        best = min(theirs, key=lambda name: figure[name]["median"])
        for name in ours:
            ratio = figure[best]["median"] / figure[name]["median"]
            print(f"{label:<34} {name:<14} {text(figure[name]):<26} {text(figure[best]):<26}"
                  f" {best:<14} {ratio:5.2f}x  {peak[name]:6.0f} {peak[best]:6.0f}", flush=True)
            self.results.append({"part": part, "what": label, "mode": name, "ms": figure[name],
                                 "pytorch_ms": figure[best], "pytorch_layout": best,
                                 "ratio": ratio, "peak_mb": peak[name],
                                 "pytorch_peak_mb": peak[best]})

    def head(self, what):
        print(f"\n{what:<34} {'mneme':<14} {'ms (least to most)':<26} {'PyTorch, ms':<26}"
              f" {'its layout':<14}  ratio  {'peak MB':>8}")

    def steps(self, part):
        self.head({"step": "a training step", "evaluate": "evaluation of a batch",
                   "large": "ViT-Tiny and MobileNetV2"}[part])
        program = self.program("bench_step")
        for of, work, (network, image), batch, count in STEPS:
            if of != part:
                continue
            tail = [work, network, image, str(batch), str(self.threads), str(count)]
            theirs = {layout: [*SURROUNDINGS.get(layout, []), PYTHON, f"{HERE}/step_torch.py",
                               *tail, layout]
                      for layout in LAYOUTS.get(network, ["default", "channels-last"])}
            precisions = ["f32"] if network in LAYOUTS or not self.bf16() else ["f32", "bf16"]
            ours = {precision: [program, *tail, precision] for precision in precisions}
            self.beside(part, f"{work} {network} b{batch}", ours, theirs)

    def gan(self):
        self.head("a step of a generator's training")
        program = self.program("bench_gan")
        for work, count in GANS:
            tail = [work, str(self.threads), str(count)]
            layouts = ["default"] if work == "dgr" else ["default", "channels-last"]
            self.beside("gan", work, {"f32": [program, *tail]},
                        {layout: [PYTHON, f"{HERE}/gan_torch.py", *tail, layout]
                         for layout in layouts})

    def bf16(self):
        """Whether this processor and build compute in bf16."""
        tail = ["sgd", *REDUCED, "1", "1", "1", "bf16"]
        return subprocess.run([self.program("bench_step"), *tail],
                              capture_output=True).returncode == 0

    def augment(self):
        self.head("crop, flip, normalise 3x32x32")
        for batch in (32, 128):
            tail = [str(batch), str(self.threads), "300"]
            self.beside("augment", f"batch {batch}", {"u8 to f32": [
                self.program("bench_augment"), *tail]},
                {"default": [PYTHON, f"{HERE}/augment_torch.py", *tail]})

    def views(self):
        self.head("two random views of 64 images")
        for kind, what in (("xder", "X-DER's, 1x28x28"), ("full", "NNCSL's, 3x32x32"),
                           ("small", "NNCSL's small, 3x18x18")):
            tail = [kind, "64", str(self.threads)]
            self.beside("views", what, {"u8 to f32": [self.program("bench_views"), *tail, "200"]},
                        {on: [PYTHON, f"{HERE}/views_torch.py", *tail, "5", on]
                         for on in ("pil", "tensor")})

    def nncsl(self):
        """Whole steps in the second task: views, both networks, backward and LARS."""
        self.head("NNCSL's step, views and all")
        program = self.program("bench_nncsl")
        os.environ.setdefault("MNEME_BENCHMARKS", os.path.dirname(HERE))
        for network, width, image, unlabelled, labelled, small, count in NNCSL:
            tail = [network, *map(str, (width, image, unlabelled, labelled, small, self.threads, count))]
            theirs = {layout: [PYTHON, f"{HERE}/nncsl_torch.py", *tail, layout]
                      for layout in ("default", "channels-last")}
            self.beside("nncsl", f"{network} {width}, {unlabelled}+{labelled}x4, small {small}",
                        {"f32": [program, *tail]}, theirs)
            done, full = self.results[-1], 2 * (unlabelled + 4 * labelled) + small * unlabelled
            done["views"] = full
            print(f"{'':<34} views a second: {1e3 * full / done['ms']['median']:.0f},"
                  f" PyTorch {1e3 * full / done['pytorch_ms']['median']:.0f}")

    def addons(self):
        """Whole steps in the second task with add-ons, as ratios to a base's in the same round."""
        program = self.program("bench_addons")
        os.environ.setdefault("MNEME_BENCHMARKS", os.path.dirname(HERE))
        strategies = ("finetune", "finetune+zipf", "finetune+crd", "lwf")
        for network, width, batch, count in ADDONS:
            tail = [network, *map(str, (width, batch, self.threads, count))]
            commands = {("mneme", name): [program, name, *tail] for name in strategies}
            for layout in ("default", "channels-last"):
                commands |= {(layout, name): [*SURROUNDINGS["memory kept"], PYTHON,
                                              f"{HERE}/addons_torch.py", name, *tail, layout]
                             for name in strategies}
            ms = {key: [p["median_ms"] for p in lines] for key, lines in self.turns(commands).items()}
            theirs = min(("default", "channels-last"), key=lambda l: statistics.median(ms[l, "finetune"]))
            print(f"\n{f'{network} {width}, batch {batch}':<34} {'mneme, ms':<26} PyTorch ({theirs}), ms")
            for name in strategies:
                print(f"{name:<34} {text(spread(ms['mneme', name])):<26} {text(spread(ms[theirs, name]))}")
            for name, base in PAIRS:
                ratio = {of: spread([a / b for a, b in zip(ms[of, name], ms[of, base])])
                         for of in ("mneme", theirs)}
                print(f"{f'{name} / {base}':<34} {text(ratio['mneme']):<26} {text(ratio[theirs])}", flush=True)
                self.results.append({"part": "addons", "network": network, "what": name, "base": base,
                                     "ratio": ratio["mneme"], "pytorch_ratio": ratio[theirs]})

    def ops(self):
        """Single ops at three sizes, forward and backward."""
        tail = [str(self.threads), "20"]
        torch = [PYTHON, f"{HERE}/ops_torch.py", *tail]
        commands = {"ours": [self.program("bench_ops"), *tail], "theirs": torch,
                    "one BLAS thread": [*ONE_BLAS_THREAD, *torch]}
        found = {}
        for _ in range(self.rounds):
            for name, command in commands.items():
                for line in json_lines(command):
                    for way in ("forward", "backward"):
                        key = line["op"], line["size"], way
                        found.setdefault(key, {}).setdefault(name, []).append(line[f"{way}_ms"])
        print(f"\n{'op':<18} {'size':<8} {'way':<10} {'mneme, ms':>10} {'PyTorch, ms':>12}  ratio")
        for (op, size, way), ms in found.items():
            ours = spread(ms["ours"])
            theirs = min((spread(ms[name]) for name in ("theirs", "one BLAS thread")),
                         key=lambda figure: figure["median"])
            ratio = theirs["median"] / max(ours["median"], 1e-4)  # what a clock tells apart
            print(f"{op:<18} {size:<8} {way:<10} {ours['median']:>10.4f} {theirs['median']:>12.4f}"
                  f" {ratio:6.2f}x")
            self.results.append({"part": "ops", "op": op, "size": size, "way": way, "ms": ours,
                                 "pytorch_ms": theirs, "ratio": ratio})

    def roofline(self):
        """Each op beside the least time that its arithmetic, or its memory, would need."""
        rates = last_json([self.program("bench_roofline"), str(self.threads)])
        print(f"\nthe machine: products {rates['gflops']:.0f} GFLOP/s,"
              f" memory {rates['gbytes']:.1f} GB/s")
        self.results.append({"part": "roofline", **rates})
        program = self.program("bench_step")
        for (network, image), batch, count, threads in (
                (MLP, 10, 3000, 1), (REDUCED, 32, 10, self.threads), (RESNET, 32, 4, self.threads)):
            rows = json_lines([program, "sgd", network, image, str(batch), str(threads),
                               str(count), "f32", "profile"])[:-1]
            # A product on one thread has that thread's share of the machine.
            limits = {key: rates[key] * threads / self.threads for key in ("gflops", "gbytes")}
            self.rooflines(f"{network} b{batch}", rows, limits)

    def rooflines(self, what, rows, rates):
        whole = sum(row["forward_ms"] + row["backward_ms"] for row in rows)
        print(f"\n{what + ', a step':<44} {'forward':>9} {'backward':>9} {'share':>6} {'GFLOP/s':>8}"
              f" {'GB/s':>6}  {'least ms':>8}  {'reached':>7}")
        for row in sorted(rows, key=lambda row: -row["forward_ms"] - row["backward_ms"]):
            ms = row["forward_ms"] + row["backward_ms"]
            moved = row["gbyte"] if row["gbyte"] > CACHE else 0
            least = 1e3 * max(row["gflop"] / rates["gflops"], moved / rates["gbytes"])
            print(f"{row['op']:<20} {row['parameter'].rpartition('.')[0]:<23}"
                  f" {row['forward_ms']:9.4f} {row['backward_ms']:9.4f} {100 * ms / whole:5.1f}%"
                  f" {1e3 * row['gflop'] / ms:8.1f} {1e3 * row['gbyte'] / ms:6.1f}"
                  f"  {least:8.4f}  {100 * least / ms:6.0f}%")
        convolutions = sum(row["forward_ms"] + row["backward_ms"] for row in rows
                           if row["op"] == "conv2d")
        print(f"outside convolutions: {100 - 100 * convolutions / whole:.1f} % of {whole:.3f} ms")
        self.results.append({"part": "roofline", "what": what, "ms": whole, "ops": rows})

    def buffer(self):
        """Rows a second, and the share of a step of ResNet-18 that X-DER's requests take."""
        network, image = RESNET
        step = last_json([self.program("bench_step"), "sgd", network, image, "32",
                          str(self.threads), "5", "f32"])["median_ms"]
        columns = ("filled", "offered", "drawn", "updated")
        print(f"\n{'buffer, rows a second':<24}" + "".join(f"{name:>11}" for name in columns)
              + f" {'us a step':>10} {'of a step':>10} {'load, s':>8} {'peak MB':>8}")
        for tail in (["500"], ["5000"], ["1000000", "536870912"]):
            row = last_json([self.program("bench_buffer"), *tail])
            share = 0.1 * row["step_us"] / step
            print(f"{row['rows']:<24}" + "".join(f"{row[name + '_per_s']:>11.0f}" for name in columns)
                  + f" {row['step_us']:>10.1f} {share:>8.3f} % {row.get('load_s', 0):>8.2f}"
                  f" {row['peak_mb']:>8.0f}", flush=True)
            self.results.append({"part": "buffer", **row, "per_cent_of_step": share})

    def run(self):
        print("\nwhole run", flush=True)
        mneme = f"{self.build}/src/cli/mneme"
        done = subprocess.run([f"{HERE}/whole_run.sh", mneme], capture_output=True, text=True,
                              check=True)
        print(done.stdout)
        with tempfile.TemporaryDirectory() as folder:
            profiled = subprocess.run(
                [mneme, "run", "split-fmnist", "derpp", "--profile", "-o", f"{folder}/a.mneme"],
                capture_output=True, text=True, check=True)
        shares = re.search(r"[0-9.]+ s: steps .*commits [0-9.]+ %", profiled.stdout + profiled.stderr)
        print("profiled:", shares.group(0) if shares else "no shares")
        self.results.append({"part": "run", "printed": done.stdout,
                             "profiled": shares and shares.group(0)})


PARTS = ("roofline", "step", "large", "ops", "gan", "evaluate", "augment", "views", "nncsl", "addons",
         "buffer", "run")


def machine():
    cpu = re.search(r"model name\s*: (.*)", open("/proc/cpuinfo").read())
    return {"processor": cpu.group(1) if cpu else platform.processor(), "cores": os.cpu_count(),
            "load": os.getloadavg()[0], "kernel": platform.release(),
            "date": time.strftime("%Y-%m-%d %H:%M"),
            "pytorch": subprocess.run([PYTHON, "-c", "import torch; print(torch.__version__)"],
                                      capture_output=True, text=True).stdout.strip()}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build")
    parser.add_argument("--only", choices=PARTS)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--json")
    arguments = parser.parse_args()
    on = machine()
    print(", ".join(f"{key} {value}" for key, value in on.items()))
    bench = Bench(arguments.build, arguments.rounds, arguments.threads)
    for part in PARTS:
        if arguments.only in (None, part):
            if part in ("step", "large", "evaluate"):
                bench.steps(part)
            else:
                getattr(bench, part)()
    if arguments.json:
        with open(arguments.json, "w") as file:
            json.dump({"machine": on, "threads": arguments.threads, "results": bench.results},
                      file, indent=1)


if __name__ == "__main__":
    try:
        main()
    except (Failed, subprocess.CalledProcessError) as failure:
        sys.exit(f"measure.py: {failure}")
