"""timing.py -- what the programs that make PyTorch's steps beside mneme's have in common: they time
them one by one and print the median, the least and the peak memory as JSON, as bench.h does."""

import json
import resource
import time


def time_steps(step, steps, warm_up=0):
    """Makes warm_up steps that do not count, and then `steps`."""
    seconds = []
    for _ in range(warm_up + steps):
        before = time.perf_counter()
        step()
        seconds.append(time.perf_counter() - before)
    seconds = sorted(seconds[warm_up:])
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({"median_ms": 1e3 * seconds[steps // 2], "least_ms": 1e3 * seconds[0],
                      "peak_mb": 1e-6 * peak}))
