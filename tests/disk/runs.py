"""runs.py -- what the campaigns share: small runs, what they hold, and the counting of failures."""
import hashlib
import os
import random
import shutil
import sqlite3
import struct
import subprocess
import tempfile
import zlib

SMALL = ['--set', 'dataset.train_per_class=12', '--set', 'dataset.test_per_class=4', '--set',
         'network.widths=6', '--buffer-size', '10', '--batch', '4', '--commit-steps', '3',
         '--log-every', '3', '--threads', '1']
SUFFIXES = ['', '-wal', '-shm', '-lock', '-journal', '-new']


class Campaign:
    """Trials of one kind: a failure is said when it is found, and all are counted at the end."""

    def __init__(self, name, program, recorder, root, share):
        self.name, self.program, self.recorder, self.root = name, program, recorder, root
        self.share, self.trials, self.failures = share, 0, 0
        self.random = random.Random(name)
        self.folder = os.path.realpath(tempfile.mkdtemp(prefix='mneme-' + name + '-'))
        self.environment = dict(os.environ, MNEME_BENCHMARKS=root + '/benchmarks', LC_ALL='C.UTF-8',
                                OMP_NUM_THREADS='1', OPENBLAS_NUM_THREADS='1', HOME=self.folder)

    def sample(self, items, least=4):
        """A share of the items, at least a few, in their order."""
        items = list(items)
        count = min(len(items), max(least, round(self.share * len(items))))
        return [items[i] for i in sorted(self.random.sample(range(len(items)), count))]

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def fresh(self, name):
        """An empty folder."""
        shutil.rmtree(self.path(name), ignore_errors=True)
        os.mkdir(self.path(name))
        return self.path(name)

    def mneme(self, *arguments, timeout=120, recorded=None, **options):
        """Runs the program; with `recorded`, under the recorder with these variables."""
        environment = dict(self.environment)
        if recorded is not None:
            environment.update(recorded, LD_PRELOAD=self.recorder)
        try:
            return subprocess.run([self.program, *arguments], env=environment, text=True, errors='replace',
                                  stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                  timeout=timeout, **options)
        except subprocess.TimeoutExpired as late:
            return subprocess.CompletedProcess(late.cmd, 'no end', '', 'no end after %d s' % timeout)

    def check(self, truth, *what):
        self.trials += 1
        if not truth:
            self.failures += 1
            print('FAILED:', self.name + ':', *what, flush=True)

    def end(self):
        shutil.rmtree(self.folder, ignore_errors=True)
        print('%s: %d trials, %d failures' % (self.name, self.trials, self.failures))
        return 1 if self.failures > 0 or self.trials == 0 else 0


def said(done):
    """The last line of what a process has complained of."""
    lines = done.stderr.strip().splitlines()
    return '%s: %s' % (done.returncode, lines[-1] if lines else '-')


def one_line(done):
    """It ended as a program should: with success, or with one complaint."""
    complaints = [line for line in done.stderr.splitlines() if line.startswith('mneme: ')]
    return done.returncode == 0 or (done.returncode in (1, 2) and len(complaints) >= 1 and
                                    len(done.stderr.strip().splitlines()) <= 2)


def contents(path):
    """A digest of all that a run has computed."""
    digest = hashlib.sha256()
    database = sqlite3.connect('file:%s?mode=ro' % path, uri=True)
    for query in ('SELECT name, dtype, shape, data FROM tensor ORDER BY name',
                  'SELECT * FROM kept ORDER BY name', 'SELECT * FROM evaluation ORDER BY 1, 2, 3, 4',
                  'SELECT * FROM exemplar ORDER BY slot', 'SELECT * FROM output ORDER BY 1, 2',
                  'SELECT * FROM exemplar_column ORDER BY 1, 2', 'SELECT * FROM scalar ORDER BY 1, 2, 3, 4, 5',
                  'SELECT * FROM test_label ORDER BY 1', 'SELECT task, stage, step FROM cursor'):
        for row in database.execute(query):
            digest.update(repr(row).encode())
    database.close()
    return digest.hexdigest()


def asked(path, sql):
    """The first value that a query finds; None: nothing, or the file cannot be asked."""
    try:
        database = sqlite3.connect(path)
        row = database.execute(sql).fetchone()
        database.close()
        return None if row is None else row[0]
    except sqlite3.Error:
        return None


def remove(path):
    if os.path.exists(path):
        os.unlink(path)


def copy_run(source, target):
    for suffix in SUFFIXES:
        remove(target + suffix)
        if os.path.exists(source + suffix):
            shutil.copy(source + suffix, target + suffix)


def row_crc(*values):
    """As src/store/database.c has it."""
    crc = 0
    for value in values:
        if isinstance(value, int):
            data = struct.pack('<Qq', 1, value)
        elif isinstance(value, float):
            data = struct.pack('<Qd', 2, value)
        elif isinstance(value, str):
            text = value.encode()
            data = struct.pack('<QQ', 3, len(text)) + text
        elif isinstance(value, bytes):
            data = struct.pack('<QQ', 4, len(value)) + value
        else:
            data = struct.pack('<Q', 5)
        crc = zlib.crc32(data, crc)
    return crc
