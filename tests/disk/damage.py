"""damage.py -- files that are damaged, and files that were forged.

A damaged file is refused, or holds what was written.  A forged one has right checksums and wrong
numbers: whatever reads it ends with one line."""
import os
import resource
import shutil
import sqlite3

from runs import SMALL, contents, copy_run, one_line, row_crc, said

FORGED = [-1, -2**63, 2**31, 2**53 + 1, 2**63 - 1, 1e300, -0.5, None, '', 'x' * 40, '-1', '9' * 19, b'', b'\xff\0']
KEYS = ['config', 'tasks', 'classes', 'seed', 'threads', 'status', 'strategy', 'benchmark', 'seconds',
        'images', 'image_width', 'image_channels', 'dataset_digest']
COLUMNS = {  # of row_crc, in its order; the first ones are the key
    'run': ['key', 'value'], 'task': ['task', 'train', 'test'],
    'task_class': ['task', 'label', 'original', 'name'], 'test_label': ['on_task', 'rows', 'labels'],
    'evaluation': ['scope', 'after_task', 'on_task', 'step', 'correct', 'total'],
    'output': ['after_task', 'on_task', 'rows', 'width', 'logits'],
    'scalar': ['name', 'update_name', 'step', 'task', 'phase', 'value'],
    'exemplar': ['slot', 'label', 'task', 'seen', 'labelled', 'source', 'image'],
    'exemplar_column': ['slot', 'name', 'data'],
    'network': ['owner', 'name', 'type', 'classes', 'options'],
    'tensor': ['name', 'owner', 'part', 'role', 'dtype', 'shape', 'data'], 'kept': ['name', 'value'],
    'cursor': ['task', 'stage', 'phase', 'length', 'phase_step', 'step', 'commits']}


def made(c, name, strategy, stop=None):
    """A run file: finished, or stopped in good order at its so-manieth change."""
    path = os.path.join(c.fresh(name), 'run.mneme')
    stopping = {'MNEME_DISK_FOLDER': c.path(name), 'MNEME_DISK_KILL': str(stop), 'MNEME_DISK_SIGNAL': '15'}
    c.mneme('run', 'split-synthetic', strategy, '-q', *SMALL, '-o', path,
            recorded=None if stop is None else stopping)
    return path


# --- damage ---------------------------------------------------------------------------------------


def notices(c, path, expected, resumes, what):
    """Damage is noticed, or did nothing."""
    done = c.mneme('show', '--check', path)
    noticed = done.returncode == 1 and one_line(done)
    harmless = done.returncode == 0 and contents(path) == expected
    c.check(noticed or harmless, what, 'show --check:', said(done))
    done = c.mneme('resume', '-q', path)
    if resumes is None:
        return
    c.check((done.returncode == 1 and one_line(done)) or
            (done.returncode == 0 and contents(path) == resumes), what, 'resume:', said(done))


def flip_bytes(c, path, expected, resumes, trials, what):
    size = os.path.getsize(path)
    for _ in trials:
        copy = c.path('copy.mneme')
        copy_run(path, copy)
        at = c.random.randrange(size)
        with open(copy, 'r+b') as file:
            file.seek(at)
            old = file.read(1)[0]
            file.seek(at)
            file.write(bytes([old ^ 1 << c.random.randrange(8)]))
        notices(c, copy, expected, resumes, '%s, byte %d' % (what, at))


def damage_rows(c, path, expected, resumes, what):
    """In each table, values that are others, and a row that is missing."""
    for table, columns in COLUMNS.items():
        for column in columns:
            copy = c.path('copy.mneme')
            copy_run(path, copy)
            if change(copy, table, column):
                notices(c, copy, expected, resumes, '%s, %s.%s' % (what, table, column))
        copy_run(path, copy)
        if change(copy, table, None):
            notices(c, copy, None, None, '%s, a row of %s is missing' % (what, table))


def change(path, table, column):
    """Changes a value in the first row of a table behind its checksum, or drops the row."""
    database = sqlite3.connect(path)
    where = first_row(table)
    other = ("CASE typeof({0}) WHEN 'integer' THEN {0} + 1000 WHEN 'real' THEN {0} + 1 WHEN 'text' THEN "
             "{0} || 'x' WHEN 'null' THEN 1 ELSE CAST(x'00' || substr({0}, 2) AS BLOB) END").format(column)
    before = list(database.execute('SELECT * FROM ' + table))
    database.execute('PRAGMA ignore_check_constraints = ON')
    if column is None:
        database.execute('DELETE FROM ' + table + where)
    else:
        database.execute('UPDATE %s SET %s = %s%s' % (table, column, other, where))
    database.commit()
    changed = before != list(database.execute('SELECT * FROM ' + table))
    database.close()
    return changed


def first_row(table):
    key = ', '.join(COLUMNS[table][:2])
    return ' WHERE (%s) IN (SELECT %s FROM %s LIMIT 1)' % (key, key, table)


def damage(c):
    for strategy in ('er', 'derpp'):
        finished = made(c, 'finished', strategy)
        expected = contents(finished)
        flip_bytes(c, finished, expected, expected, c.sample(range(300)), strategy + ' finished')
        damage_rows(c, finished, expected, expected, strategy + ' finished')
    stopped = made(c, 'stopped', 'derpp', 90)
    flip_bytes(c, stopped, contents(stopped), expected, c.sample(range(300)), 'derpp stopped')


# --- forgeries ------------------------------------------------------------------------------------


def forge(path, table, column, value, key):
    """Gives a column a value in its first row (of this key), or in all rows; checksums are right."""
    database = sqlite3.connect(path)
    columns = COLUMNS[table]
    database.execute('PRAGMA ignore_check_constraints = ON')
    database.create_function('row_crc', -1, row_crc)
    where = first_row(table) if key is None else ' WHERE %s = ?2' % columns[0]
    try:
        database.execute('UPDATE %s SET %s = ?1%s' % (table, column, where), [value] + [key] * (key is not None))
        database.execute('UPDATE %s SET crc = row_crc(%s)' % (table, ', '.join(columns)))
        database.execute('DELETE FROM digest')
        database.commit()
        return True
    except (sqlite3.IntegrityError, OverflowError):
        return False
    finally:
        database.close()


def scarce():
    resource.setrlimit(resource.RLIMIT_CPU, (40, 40))
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 28, 1 << 28))


def read_in_every_way(c, path, what):
    commands = [('show', path), ('show', '--json', path), ('show', '--check', path), ('compare', path),
                ('buffer', path), ('buffer', path, '--sheet', c.path('sheet.png')),
                ('export', path, '--format', 'csv'), ('export', path, '--format', 'json'),
                ('export', path, '--format', 'safetensors', '-o', c.path('weights.safetensors')),
                ('resume', '-q', path)]
    for command in commands:
        done = c.mneme(*command, timeout=60, preexec_fn=scarce)
        c.check(one_line(done), what, command[0], ' '.join(command[2:3]) + ':', done.returncode,
                repr(done.stderr[-300:]))


def refuses(c, finished):
    """No column of counts and places can hold the least of all numbers."""
    for table, columns in COLUMNS.items():
        whole = [name for _, name, kind, *_ in sqlite3.connect(finished).execute('PRAGMA table_info(%s)' % table)
                 if kind == 'INTEGER' and name in columns]
        for column in whole:
            copy = c.path('copy.mneme')
            copy_run(finished, copy)
            if forge(copy, table, column, -2**63, None):
                done = c.mneme('show', '--check', copy)
                c.check(done.returncode == 1 and one_line(done), table, column, said(done))


def forgeries(c):
    stopped, finished = made(c, 'stopped', 'derpp', 90), made(c, 'finished', 'derpp')
    targets = [(t, column, None) for t, columns in COLUMNS.items() if t != 'run' for column in columns]
    targets += [('run', 'value', key) for key in KEYS]
    targets += [('kept', 'value', name) for (name,) in sqlite3.connect(stopped).execute('SELECT name FROM kept')]
    for table, column, key in c.sample(targets):
        for value in c.random.sample(FORGED, max(1, round(c.share * len(FORGED)))):
            for source in (stopped, finished):
                copy = c.path('copy.mneme')
                copy_run(source, copy)
                if forge(copy, table, column, value, key):
                    read_in_every_way(c, copy, '%s.%s %s = %r of a %s file:' % (
                        table, column, key or '', value, 'stopped' if source == stopped else 'finished'))
    refuses(c, finished)
    shutil.rmtree(c.path('stopped'))
