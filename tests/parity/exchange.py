"""Tensors passed to the parity driver and back: JSON that describes them, one file of floats."""

import json
import subprocess

import numpy as np


class Exchange:
    """Collects cases; run() hands them to the driver and reads what came back."""

    def __init__(self, driver, folder):
        self.driver, self.folder = driver, folder
        self.cases, self.floats, self.count = [], [], 0

    def put(self, values):
        """The description of an array that the driver will find in cases.f32."""
        array = np.asarray(values, dtype=np.float32, order="C")
        described = {"at": self.count, "shape": list(array.shape)}
        self.floats.append(array.ravel())
        self.count += array.size
        return described

    def run(self):
        """One result a case; arrays in place of their descriptions."""
        with open(f"{self.folder}/cases.json", "w") as file:
            json.dump(self.cases, file)
        np.concatenate(self.floats).tofile(f"{self.folder}/cases.f32")
        subprocess.run([self.driver, self.folder], check=True)
        with open(f"{self.folder}/results.json") as file:
            results = json.load(file)
        floats = np.fromfile(f"{self.folder}/results.f32", dtype=np.float32)
        return [{key: fetch(value, floats) for key, value in result.items()} for result in results]


def fetch(value, floats):
    if isinstance(value, list):
        return [fetch(entry, floats) for entry in value]
    if isinstance(value, dict) and "at" in value:
        size = int(np.prod(value["shape"], dtype=np.int64))
        return floats[value["at"] : value["at"] + size].reshape(value["shape"])
    return value
