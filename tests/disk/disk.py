"""disk.py -- a disk as a power cut leaves it.

The recorder (record.c) says what a program did to its files, in order.  Up to any instant, what was
synced is there; of what was not, each write, truncation and change of a name may be there or not,
in any combination, and a write may be there by some of its sectors."""
import os
import struct

HEAD = struct.Struct('<cIIqq')
SECTOR = 512
MODES = ['lost', 'kept', 'mixed', 'torn']


def read_log(path):
    """[(what, path, other, offset, data)]"""
    events = []
    with open(path, 'rb') as log:
        while True:
            head = log.read(HEAD.size)
            if len(head) < HEAD.size:
                return events
            what, length, other, offset, count = HEAD.unpack(head)
            events.append((what.decode(), os.fsdecode(log.read(length)), os.fsdecode(log.read(other)),
                           offset, log.read(count)))


class File:
    def __init__(self, data=b''):
        self.data = bytearray(data)
        self.pending = []  # (offset, data), or (size, None) of a truncation

    def sync(self):
        for change in self.pending:
            apply(self.data, change)
        self.pending = []


def apply(data, change):
    place, written = change
    if written is None:
        del data[place:]
        data.extend(bytes(place - len(data)))
    else:
        data.extend(bytes(max(0, place - len(data))))
        data[place:place + len(written)] = written


def sectors(change):
    """A write, cut where sectors of the disk end."""
    place, data = change
    if data is None:
        return [change]
    ends = list(range((place // SECTOR + 1) * SECTOR, place + len(data), SECTOR)) + [place + len(data)]
    starts = [place] + ends[:-1]
    return [(a, data[a - place:b - place]) for a, b in zip(starts, ends)]


class Disk:
    """What the recorder has seen, of one folder and those in it."""

    def __init__(self, folder, before):
        """before: {path: bytes} that was there, and synced."""
        self.folder = folder
        self.names = {path: File(data) for path, data in before.items()}  # as programs see them
        self.kept = dict(self.names)  # as the disk has them
        self.pending = []  # (folder, change of `kept`): ('link', path, file) or ('drop', path, None)
        self.promised = 0  # commits

    def play(self, event):
        what, path, other, offset, data = event
        if what == 'a':
            self.promised = max(self.promised, int(other))
        elif path.endswith(('-shm', '-lock')) or path.endswith(' (deleted)'):
            return
        elif what == 'c':
            self.link(path, File())
        elif what == 'u':
            self.names.pop(path, None)
            self.pending.append([('drop', path, None)])
        elif what == 'r':
            self.names[other] = self.names.pop(path)
            self.pending.append([('link', other, self.names[other]), ('drop', path, None)])
        elif what == 's' and path in self.names:
            self.names[path].sync()
        elif what == 's':
            self.sync_names(path)
        elif path in self.names and what in 'wt':
            self.names[path].pending.append((offset, data if what == 'w' else None))

    def link(self, path, file):
        self.names[path] = file
        self.pending.append([('link', path, file)])

    def sync_names(self, folder):
        for group in [g for g in self.pending if os.path.dirname(g[0][1]) == folder]:
            rename(self.kept, group)
        self.pending = [g for g in self.pending if os.path.dirname(g[0][1]) != folder]

    def cut(self, mode, chance):
        """{path: bytes} after a power cut."""
        def there():
            return mode == 'kept' or (mode != 'lost' and chance.random() < 0.5)
        names = dict(self.kept)
        for group in self.pending:
            if there():
                rename(names, group)
        left = {}
        for path, file in names.items():
            data = bytearray(file.data)
            for change in file.pending:
                for part in sectors(change) if mode == 'torn' else [change]:
                    if there():
                        apply(data, part)
            left[path] = bytes(data)
        return left


def rename(names, group):
    for what, path, file in group:
        if what == 'link':
            names[path] = file
        else:
            names.pop(path, None)
