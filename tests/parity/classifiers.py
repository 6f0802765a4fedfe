"""Classifiers without gradients against numpy:  classifiers.py MNEME

Runs ncm, slda, ranpac, fecam, knn and kmeans on drawn features in three tasks, and compares what each keeps at
the end with what numpy makes of the same rows in doubles, to 1e-4 of its largest value; and the answers
about every test row. Then in another order of classes: what the mathematics says does not depend on it,
does not. Exits 77 (skipped) without numpy.
"""

import json
import sqlite3
import subprocess
import sys
import tempfile

try:
    import numpy as np
except ImportError as why:
    print(f"skipped: {sys.executable}: {why}; on Debian: apt install python3-numpy")
    sys.exit(77)

CLASSES, EACH, TEST_EACH, WIDTH = 6, 40, 15, 24
TOLERANCE = 1e-4


def drawn():
    """Features that are not negative, as those behind a ReLU, of classes that overlap."""
    random = np.random.default_rng(5)
    centres = random.random((CLASSES, WIDTH))
    mixing = np.eye(WIDTH) + 0.3 * random.normal(size=(WIDTH, WIDTH))

    def part(each):
        labels = np.arange(CLASSES * each) % CLASSES
        noise = 0.4 * random.normal(size=(len(labels), WIDTH)) @ mixing
        return np.maximum(centres[labels] + noise, 0).astype("f4"), labels

    return (*part(EACH), *part(TEST_EACH))


class Runs:
    def __init__(self, mneme, folder):
        self.mneme, self.folder, self.count = mneme, folder, 0
        self.x, self.y, self.x_test, self.y_test = drawn()
        names = ("x_train", "y_train", "x_test", "y_test")
        np.savez(f"{folder}/own.npz", **dict(zip(names, (self.x, self.y, self.x_test, self.y_test))))

    def run(self, strategy, order=range(CLASSES), **options):
        self.count += 1
        benchmark, self.path = f"{self.folder}/own.json", f"{self.folder}/{self.count}.mneme"
        described = {
            "name": "own",
            "dataset": {"name": "npy", "path": "own.npz", "dtype": "f32"},
            "stream": {"scenario": "class-incremental", "tasks": 3, "class_order": list(order)},
            "network": {"name": "mlp", "widths": ""},
            "train": {"batch": 16, "buffer_size": 60},
        }
        with open(benchmark, "w") as out:
            json.dump(described, out)
        settings = [x for key, value in options.items() for x in ("--set", f"{strategy}.{key}={value}")]
        command = [self.mneme, "run", benchmark, strategy, "-q", "-o", self.path, *settings]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        return self

    def rows(self, query, *values):
        with sqlite3.connect(self.path) as file:
            return file.execute(query, values).fetchall()

    def tensor(self, name):
        ((shape, data),) = self.rows("SELECT shape, data FROM tensor WHERE name = ?", name)
        shape = [int(size) for size in shape.strip("()").split(",") if size]
        return np.frombuffer(data, np.float32).astype(float).reshape(shape)

    def exemplars(self):
        rows = self.rows("SELECT image, label FROM exemplar ORDER BY slot")
        return np.array([np.frombuffer(image, np.float32) for image, _ in rows]), [y for _, y in rows]

    def right(self):
        query = "SELECT sum(correct) FROM evaluation WHERE after_task = 2 AND scope = 'class-il'"
        return self.rows(query)[0][0]


def compare(what, ours, theirs):
    apart = np.abs(ours - theirs).max() / np.abs(theirs).max()
    print(f"{what}: apart by {apart:.1e}")
    assert apart <= TOLERANCE, what


def answers(what, runs, scores):
    """Rows that rounding may decide are so few that none is here."""
    theirs = int((scores.argmax(1) == runs.y_test).sum())
    print(f"{what}: {runs.right()} of {len(runs.y_test)} right, numpy {theirs}")
    assert runs.right() == theirs, what


def by_class(x, y):
    return np.array([x[y == k].sum(0) for k in range(CLASSES)])


def cosines(a, b):
    return (a / np.linalg.norm(a, axis=1, keepdims=True)) @ (b / np.linalg.norm(b, axis=1, keepdims=True)).T


def ncm(r, x, y, q):
    means = by_class(x, y) / EACH
    r.run("ncm")
    compare("ncm, means", r.tensor("ncm/sum") / r.tensor("ncm/count"), means)
    answers("ncm", r, -((q[:, None] - means) ** 2).sum(2))
    answers("ncm, cosine", r.run("ncm", metric="cosine"), cosines(q, means))


def slda(r, x, y, q, shrinkage=0.1):
    mean, count, scatter = np.zeros((CLASSES, WIDTH)), np.zeros(CLASSES), np.zeros((WIDTH, WIDTH))
    order = np.argsort(y // 2, kind="stable")  # by task
    for n, i in enumerate(order):
        d = x[i] - mean[y[i]]
        scatter += n / (n + 1) * np.outer(d, d)
        mean[y[i]] += d / (count[y[i]] + 1)
        count[y[i]] += 1
    precision = np.linalg.inv((1 - shrinkage) * scatter / len(x) + shrinkage * np.eye(WIDTH))
    weight = mean @ precision
    offset = -0.5 * (weight * mean).sum(1)
    r.run("slda", shrinkage=shrinkage)
    compare("slda, weight", r.tensor("slda/weight"), weight)
    compare("slda, offset", r.tensor("slda/offset"), offset)
    answers("slda", r, q @ weight.T + offset)


def ranpac(r, x, y, q, ridge=10):
    r.run("ranpac", width=0, ridge=ridge)
    weight = np.linalg.solve(x.T @ x + ridge * np.eye(WIDTH), by_class(x, y).T).T
    compare("ranpac, ridge given", r.tensor("ranpac/weight"), weight)
    answers("ranpac", r, q @ weight.T)
    r.run("ranpac", width=0)
    compare("ranpac, Gram matrix", r.tensor("ranpac/gram"), x.T @ x)
    chosen = r.rows("SELECT value FROM scalar WHERE name LIKE '%ridge' ORDER BY step")[-1][0]
    weight = np.linalg.solve(x.T @ x + chosen * np.eye(WIDTH), by_class(x, y).T).T
    compare(f"ranpac, ridge chosen, {chosen:g}", r.tensor("ranpac/weight"), weight)


def shrunk(c):
    diagonal = np.diag(c).mean()
    rest = (c.sum() - np.trace(c)) / (WIDTH * (WIDTH - 1))
    return c + diagonal * np.eye(WIDTH) + rest * (1 - np.eye(WIDTH))


def unit(x):
    return x / np.linalg.norm(x, axis=-1, keepdims=True)


def fecam(r, x, y, q):
    means, t = by_class(x, y) / EACH, np.sqrt(x)
    z = unit(np.sqrt(q))[:, None] - unit(np.sqrt(means))
    precision = []
    for k in range(CLASSES):
        c = shrunk(shrunk(np.cov(t[y == k].T)))
        deviation = np.sqrt(np.diag(c))
        precision.append(np.linalg.inv(c / np.outer(deviation, deviation)))
    r.run("fecam")
    compare("fecam, precisions", r.tensor("fecam/precision"), np.array(precision))
    answers("fecam", r, -np.einsum("bkd,kde,bke->bk", z, np.array(precision), z))
    shared = np.zeros((WIDTH, WIDTH))
    for task in range(3):
        c = shrunk(np.cov(t[y // 2 == task].T))
        shared = task / (task + 1) * shared + 1 / (task + 1) * c
    r.run("fecam", shared="true")
    compare("fecam, shared", r.tensor("fecam/shared"), shared)
    answers("fecam, shared", r, -np.einsum("bkd,de,bke->bk", z, np.linalg.inv(shared), z))


def knn(r, x, y, q, k=3):
    r.run("knn", k=k)
    points, labels = r.exemplars()
    votes = np.eye(CLASSES)[labels]
    for point, label in zip(points, labels):  # exemplars are training rows of that class
        assert ((x == point).all(1) & (y == label)).any()
    far = ((q[:, None] - points) ** 2).sum(2)
    near = np.exp(far.min(1, keepdims=True) - far)
    chosen = far <= np.sort(far, 1)[:, k - 1 : k]
    answers("knn", r, (chosen + 0.5 * near / near.sum(1, keepdims=True)) @ votes)


def nearest(x, points):
    return ((x[:, None] - points) ** 2).sum(2).argmin(1)


def adjusted_rand(classes, clusters):
    """By all pairs of images: both together, in one partition alone, chance."""
    pairs = np.triu_indices(len(classes), 1)
    one = (classes[:, None] == classes)[pairs]
    other = (clusters[:, None] == clusters)[pairs]
    chance = one.mean() * other.mean()
    return ((one & other).mean() - chance) / ((one.mean() + other.mean()) / 2 - chance)


def kmeans(r, x, y, q):
    spread = []
    for passes in (1, 60):
        r.run("kmeans", passes=passes)
        points = r.tensor("kmeans/points")
        spread.append(sum(((x[y // 2 == t] - points[2 * t + nearest(x[y // 2 == t], points[2 * t : 2 * t + 2])]) ** 2).sum()
                          for t in range(3)))
    print(f"kmeans, squares within clusters after 1 and 60 passes: {spread[0]:.2f}, {spread[1]:.2f}")
    assert spread[1] <= spread[0]
    for t in range(3):  # where every image stays, and every point is the mean of its images
        of_task, two = x[y // 2 == t], points[2 * t : 2 * t + 2]
        clusters = nearest(of_task, two)
        compare(f"kmeans, task {t + 1}", two, np.array([of_task[clusters == j].mean(0) for j in (0, 1)]))
    answers("kmeans", r, -((q[:, None] - points) ** 2).sum(2))
    shown = json.loads(subprocess.run([r.mneme, "show", r.path, "--json"], check=True, capture_output=True).stdout)
    said = shown["runs"][0]["metrics"]["class-il"]["adjusted_rand"]
    compare("kmeans, adjusted Rand index", np.array([said]), np.array([adjusted_rand(r.y_test, nearest(q, points))]))


def any_order(r):
    """Bits of each class's sums, and to rounding what is summed over all classes."""
    kept, order = {}, [4, 1, 5, 0, 3, 2]
    for classes in (range(CLASSES), order):
        back = np.argsort(list(classes))  # rows in the order of the data set
        r.run("ncm", classes)
        kept.setdefault("ncm", []).append((r.tensor("ncm/sum")[back], r.right()))
        r.run("ranpac", classes, width=50, ridge=1)
        kept.setdefault("ranpac", []).append((r.tensor("ranpac/weight")[back], r.right()))
        r.run("fecam", classes)
        kept.setdefault("fecam", []).append((r.tensor("fecam/precision")[back], r.right()))
    for strategy, ((one, right), (other, also)) in kept.items():
        compare(f"{strategy}, another order of classes", other, one)
        assert right == also, strategy
    assert (kept["ncm"][0][0] == kept["ncm"][1][0]).all()


def main():
    with tempfile.TemporaryDirectory() as folder:
        runs = Runs(sys.argv[1], folder)
        given = runs.x.astype(float), runs.y, runs.x_test.astype(float)
        for check in (ncm, slda, ranpac, fecam, knn, kmeans):
            check(runs, *given)
        any_order(runs)


main()
