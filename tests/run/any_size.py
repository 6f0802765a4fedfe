"""A data set of many images, in memory, as needed and packed:  any_size.py MNEME IMAGES SIDE [sanitized]

Draws IMAGES pictures of about SIDE x SIDE pixels, PNG and JPEG, and trains on them with images decoded
before the run, when they are needed, and from a packed file; each also stopped and resumed.  All must
end with the same bytes, and the second must take at most 64 MiB more memory (RssAnon: mapped pages of
files are not counted) than the same run on 100 images; a sanitizer keeps what was freed, so that there
memory says nothing.

Exits 0 when all holds, 1 with a line for each thing that does not, 77 (skipped) without PIL.
"""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time

try:
    import numpy as np
    from PIL import Image
except ImportError as why:
    print(f"skipped: {sys.executable}: {why}; on Debian: apt install python3-pil python3-numpy")
    sys.exit(77)

MOST_MORE = 64 << 20
CLASSES = 10
TABLES = {  # all that training leaves in a run file
    "tensor": "owner, name, crc", "exemplar": "slot, crc", "evaluation": "*", "output": "*",
    "scalar": "*",
}


def draw(folder, images, side):
    """Every second a JPEG; blobs of colour, so that classes differ and files are small."""
    rng = np.random.default_rng(images)
    for i in range(images):
        made = os.path.join(folder, f"class{i % CLASSES}")
        os.makedirs(made, exist_ok=True)
        height, width = (side + rng.integers(0, side // 4, 2)).tolist()
        small = rng.integers(0, 256, (4 + i % CLASSES, 5, 3), dtype=np.uint8)
        picture = Image.fromarray(small).resize((width, height), Image.BICUBIC)
        if i % 2 == 0:
            picture.save(os.path.join(made, f"{i:05}.jpg"), quality=85)
        else:
            picture.save(os.path.join(made, f"{i:05}.png"), compress_level=1)


def anonymous(process):
    """Bytes of memory that belong to no file; 0 once it has ended."""
    try:
        with open(f"/proc/{process.pid}/status") as file:
            for line in file:
                if line.startswith("RssAnon:"):
                    return int(line.split()[1]) * 1024
    except (FileNotFoundError, ProcessLookupError):
        pass
    return 0


def watched(command, stop_at=None):
    """Runs it; the exit code, and the most memory it took.  Asked to stop once that file is there."""
    most, asked = 0, False
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    while process.poll() is None:
        most = max(most, anonymous(process))
        if stop_at is not None and not asked and os.path.exists(stop_at):
            process.send_signal(signal.SIGTERM)
            asked = True
        time.sleep(0.01)
    return process.returncode, most, process.stderr.read()


def contents(path):
    with sqlite3.connect(path) as file:
        found = {table: file.execute(f"SELECT {columns} FROM {table} ORDER BY 1, 2").fetchall()
                 for table, columns in TABLES.items()}
    assert found["tensor"] and found["exemplar"] and found["evaluation"], path
    return found


class Trial:
    def __init__(self, mneme, folder, side):
        self.mneme, self.folder, self.side, self.failures = mneme, folder, side, 0

    def fail(self, line):
        print(line)
        self.failures += 1

    def benchmark(self, images):
        data = os.path.join(self.folder, f"of{images}")
        draw(data, images, self.side)
        path = f"{data}.json"
        with open(path, "w") as file:
            json.dump({
                "name": f"of{images}", "network": {"name": "mlp", "widths": [16]},
                "dataset": {"name": "folder", "path": data, "size": self.side, "resize": "bilinear"},
                "stream": {"tasks": 5}, "augment": {"flip": True},
                "train": {"epochs": 1, "batch": 16, "buffer_size": 20, "threads": 1, "lr": 0.01,
                          "eval_batch": 32},
            }, file)
        return path

    def train(self, benchmark, name, *settings):
        """A whole run, and one that is stopped after its first step, and resumed."""
        out = os.path.join(self.folder, f"{name}.mneme")
        flags = [part for setting in settings for part in ("--set", setting)]
        command = [self.mneme, "run", benchmark, "er", "-q", *flags, "-o"]
        code, most, text = watched([*command, out])
        if code != 0:
            self.fail(f"{name}: ended with {code}: {text}")
        stopped = os.path.join(self.folder, f"{name}-stopped.mneme")
        for _ in range(20):  # on a busy machine it may have ended before it is asked
            code, _, text = watched([*command, stopped], stop_at=stopped)
            if code != 0:
                break
            os.unlink(stopped)
        if code != 75:
            self.fail(f"{name}: was asked to stop, and ended with {code}: {text}")
        code, _, text = watched([self.mneme, "resume", stopped, "-q"])
        if code != 0:
            self.fail(f"{name}: resumed, and ended with {code}: {text}")
        if contents(out) != contents(stopped):
            self.fail(f"{name}: stopped and resumed, it ends with other bytes")
        return contents(out), most


def main(mneme, images, side, sanitized):
    with tempfile.TemporaryDirectory() as folder:
        trial = Trial(mneme, folder, side)
        few, many = trial.benchmark(100), trial.benchmark(images)
        packed = os.path.join(folder, "packed.safetensors")
        code, packing, text = watched([mneme, "data", "pack", many, "-o", packed])
        if code != 0:
            trial.fail(f"data pack: ended with {code}: {text}")
        _, of_few = trial.train(few, "few", "dataset.decode=when_needed")
        before, in_memory = trial.train(many, "before", "dataset.decode=before")
        needed, of_many = trial.train(many, "needed", "dataset.decode=when_needed")
        mapped, of_packed = trial.train(many, "packed", f"dataset.packed={packed}")
        for name, result, most in (("needed", needed, of_many), ("packed", mapped, of_packed)):
            if result != before:
                trial.fail(f"{name}: ends with other bytes than decoded before")
            if not sanitized and most > of_few + MOST_MORE:
                trial.fail(f"{name}: took {most >> 20} MiB, and the run on 100 images {of_few >> 20}")
        print(f"{images} images of {side} px; MiB of memory: {of_few >> 20} of 100 images, "
              f"{of_many >> 20} decoded when needed, {of_packed >> 20} packed, {in_memory >> 20} "
              f"decoded before, {packing >> 20} to pack")
        return trial.failures > 0


if __name__ == "__main__":
    sys.exit(main(os.path.realpath(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]),
                  len(sys.argv) > 4))
