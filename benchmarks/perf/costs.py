#!/usr/bin/env python3
"""What every strategy costs: seconds, peak memory, bytes of the buffer and of what else it keeps.

    benchmarks/perf/costs.py MNEME [BENCHMARK [STRATEGY...]]

One run of each strategy (of all without names) on one benchmark (split-fmnist), one after the other;
prints a table in Markdown.  Seconds are those of the run, evaluations and commits included; peak
memory is the process's, data set included.  The buffer's bytes are images and columns of the rows it
holds at the end; kept state is every tensor in the run file but the shared network and its optimiser.
Run it on a machine that does nothing else.
"""

import json
import os
import sqlite3
import subprocess
import sys
import tempfile

BUFFER = """SELECT (SELECT coalesce(sum(length(image)), 0) FROM exemplar)
                 + (SELECT coalesce(sum(length(data)), 0) FROM exemplar_column)"""
KEPT = "SELECT coalesce(sum(length(data)), 0) FROM tensor WHERE name NOT LIKE 'run/%'"


def listed(mneme):
    words = [mneme, "list", "strategies", "--json"]
    found = json.loads(subprocess.run(words, capture_output=True, check=True, text=True).stdout)
    return [strategy["name"] for strategy in found["strategies"]]


def measure(mneme, benchmark, strategy, path):
    """(seconds, peak KiB, buffer, kept) of a run; the reason where it is refused."""
    words = [mneme, "run", benchmark, strategy, "--quiet", "--json", "--threads", "1", "--out", path]
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen(words, stdout=out, stderr=errors)
        _, status, usage = os.wait4(process.pid, 0)
        out.seek(0)
        errors.seek(0)
        if status != 0:
            return errors.read().strip().splitlines()[-1]
        seconds = float(json.load(out)["seconds"])
    database = sqlite3.connect(path)
    ((buffer,),), ((kept,),) = (database.execute(query).fetchall() for query in (BUFFER, KEPT))
    database.close()
    return seconds, usage.ru_maxrss, buffer, kept


def main(mneme, benchmark="split-fmnist", *strategies):
    print("| strategy | seconds | peak memory, MiB | buffer, KiB | kept state, KiB |")
    print("|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for strategy in strategies or listed(mneme):
            found = measure(mneme, benchmark, strategy, f"{folder}/{strategy}.mneme")
            if isinstance(found, str):
                print(f"| {strategy} | refused: {found} | | | |", flush=True)
                continue
            seconds, peak, buffer, kept = found
            row = f"{seconds:.1f} | {peak / 1024:.0f} | {buffer / 1024:.0f} | {kept / 1024:.0f}"
            print(f"| `{strategy}` | {row} |", flush=True)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
