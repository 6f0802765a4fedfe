"""Methods against numbers of their authors' own code:  authors_classics.py MNEME

authors_classics.json was written by capture_classics.py (GSS, LUCIR, GDumb), authors_vandeven.json by
capture_vandeven.py (LwF, ER, EWC, SI, iCaRL and DGR, as van de Ven and Tolias have them); they say how.
mneme goes the same way, and what the network answers to one image of each class at the end must be the
same.  Exits 77 (skipped)
without PyTorch, in which the answers are taken.
"""

import os
import sys
import tempfile

try:
    import numpy  # of the modules below
    import torch
except ImportError as why:
    print(f"skipped: {sys.executable}: {why}; on Debian: apt install python3-torch python3-numpy")
    sys.exit(77)

sys.dont_write_bytecode = True  # the sources' folder stays as it is

import pytorch
import runs
from captured import distance, read, report, verdict


def answers(run, strategy, tasks, batch_norm):
    network = runs.initial(batch_norm)
    weights = {name: torch.from_numpy(value) for name, value in run.weights().items()}
    network.load_state_dict({**network.state_dict(), **weights})
    x = torch.cat([task.x[: len(task.present)] for task in tasks])
    if strategy != "lucir":
        return network.eval()(x)
    unit, head = torch.nn.functional.normalize, network.classifier
    return (1 + head.bias[0]) * unit(network.eval().features(x)) @ unit(head.weight).T


def main(mneme):
    pytorch.begin()
    wrong = 0
    with tempfile.TemporaryDirectory() as folder:
        of = runs.Runs(os.path.abspath(mneme), folder)
        of_all = read("authors_classics.json")["runs"] + read("authors_vandeven.json")["runs"]
        for case in of_all:
            runs.TASK_CLASSES, runs.TASKS = case["task_classes"], len(case["task_classes"])
            run = of.run(case["strategy"], {"buffer_size": 4096, **case["settings"]})
            batch_norm = case["settings"].get("network.batch_norm", False)
            found = answers(run, case["strategy"], of.tasks(), batch_norm).detach()
            settings = " ".join(f"{key}={value}" for key, value in case["settings"].items())
            wrong += report(f"{case['strategy']} {settings}", distance(found, case["answers"]))
    return verdict(wrong)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
