-- A run of mneme.  Every row carries `crc`, the CRC-32 of its other columns (docs/run-file.md), so
-- that a flipped bit is noticed; NULL stands for NaN.  Types are checked by each column, so that
-- older versions of SQLite read the file too.

CREATE TABLE IF NOT EXISTS run (
    key TEXT NOT NULL PRIMARY KEY CHECK (typeof(key) = 'text'),
    value TEXT NOT NULL CHECK (typeof(value) = 'text'), -- of benchmark, strategy, seed, status, ...
    crc INTEGER NOT NULL CHECK (typeof(crc) = 'integer')
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS task (
    task INTEGER NOT NULL PRIMARY KEY, -- from 0, in order of arrival
    train INTEGER NOT NULL CHECK (typeof(train) = 'integer'), -- images
    test INTEGER NOT NULL CHECK (typeof(test) = 'integer'),
    crc INTEGER NOT NULL CHECK (typeof(crc) = 'integer')
);

CREATE TABLE IF NOT EXISTS task_class ( -- where tasks bring domains instead of classes, each has all classes
    task INTEGER NOT NULL CHECK (typeof(task) = 'integer'),
    label INTEGER NOT NULL CHECK (typeof(label) = 'integer'), -- by arrival, from 0
    original INTEGER CHECK (typeof(original) IN ('integer', 'null')), -- label in the data set
    name TEXT NOT NULL CHECK (typeof(name) = 'text'),
    crc INTEGER NOT NULL CHECK (typeof(crc) = 'integer'),
    PRIMARY KEY (task, label)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS test_label (
    on_task INTEGER NOT NULL PRIMARY KEY,
    rows INTEGER NOT NULL CHECK (typeof(rows) = 'integer'), -- images of the test set, in its order
    crc INTEGER NOT NULL CHECK (typeof(crc) = 'integer'),
    labels BLOB NOT NULL CHECK (typeof(labels) = 'blob') -- (rows) by arrival, 16 bits, little-endian
);

CREATE TABLE IF NOT EXISTS evaluation (
    scope TEXT NOT NULL CHECK (typeof(scope) = 'text'), -- class-il, task-il, domain-il
    -- The last task trained on, perhaps still in progress; -1: none.
    after_task INTEGER NOT NULL CHECK (typeof(after_task) = 'integer'),
    on_task INTEGER NOT NULL CHECK (typeof(on_task) = 'integer'), -- whose test set
    -- Of the run; the largest per task is the one at its end.
    step INTEGER NOT NULL CHECK (typeof(step) = 'integer'),
    correct INTEGER NOT NULL CHECK (typeof(correct) = 'integer'),
    total INTEGER NOT NULL CHECK (typeof(total) = 'integer'),
    crc INTEGER NOT NULL CHECK (typeof(crc) = 'integer'),
    PRIMARY KEY (scope, after_task, on_task, step)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS output (
    after_task INTEGER NOT NULL CHECK (typeof(after_task) = 'integer'),
    on_task INTEGER NOT NULL CHECK (typeof(on_task) = 'integer'),
    rows INTEGER NOT NULL CHECK (typeof(rows) = 'integer'), -- as in test_label
    width INTEGER NOT NULL CHECK (typeof(width) = 'integer'), -- logits an image
    crc INTEGER NOT NULL CHECK (typeof(crc) = 'integer'),
    -- (rows, width) IEEE half floats, little-endian
    logits BLOB NOT NULL CHECK (typeof(logits) = 'blob'),
    PRIMARY KEY (after_task, on_task)
);

CREATE TABLE IF NOT EXISTS scalar (
    name TEXT NOT NULL CHECK (typeof(name) = 'text'), -- a loss term, the learning rate
    -- Of the phase's updates, where a step has several; ''.
    update_name TEXT NOT NULL CHECK (typeof(update_name) = 'text'),
    step INTEGER NOT NULL CHECK (typeof(step) = 'integer'),
    task INTEGER NOT NULL CHECK (typeof(task) = 'integer'),
    phase TEXT NOT NULL CHECK (typeof(phase) = 'text'),
    value REAL CHECK (typeof(value) IN ('real', 'null')),
    crc INTEGER NOT NULL CHECK (typeof(crc) = 'integer'),
    PRIMARY KEY (name, update_name, step, task, phase)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS probe ( -- another classifier of the strategy's, on unlabelled training images
    classifier TEXT NOT NULL CHECK (typeof(classifier) = 'text'),
    scope TEXT NOT NULL CHECK (typeof(scope) = 'text'),
    label INTEGER NOT NULL CHECK (typeof(label) = 'integer'), -- by arrival
    after_task INTEGER NOT NULL CHECK (typeof(after_task) = 'integer'),
    -- Images; of a run of schema 1, which kept per cent, of 100.
    correct NUMERIC NOT NULL CHECK (typeof(correct) IN ('integer', 'real')),
    total INTEGER NOT NULL CHECK (typeof(total) = 'integer' AND total > 0),
    crc INTEGER NOT NULL CHECK (typeof(crc) = 'integer'),
    PRIMARY KEY (classifier, scope, label, after_task)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS exemplar (
    slot INTEGER NOT NULL PRIMARY KEY,
    label INTEGER NOT NULL CHECK (typeof(label) = 'integer'), -- by arrival; -1: unknown
    task INTEGER NOT NULL CHECK (typeof(task) = 'integer'),
    seen INTEGER NOT NULL CHECK (typeof(seen) = 'integer'), -- images that were offered before it
    labelled INTEGER NOT NULL CHECK (labelled IN (0, 1)),
    -- Index in the data set; -1: synthetic.
    source INTEGER NOT NULL CHECK (typeof(source) = 'integer'),
    crc INTEGER NOT NULL CHECK (typeof(crc) = 'integer'),
    image BLOB NOT NULL CHECK (typeof(image) = 'blob') -- as it came
);

CREATE TABLE IF NOT EXISTS exemplar_column (
    slot INTEGER NOT NULL CHECK (typeof(slot) = 'integer'),
    name TEXT NOT NULL CHECK (typeof(name) = 'text'),
    crc INTEGER NOT NULL CHECK (typeof(crc) = 'integer'),
    data BLOB NOT NULL CHECK (typeof(data) = 'blob'), -- 32-bit floats, little-endian
    PRIMARY KEY (slot, name)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS sample ( -- images that a network made
    after_task INTEGER NOT NULL CHECK (typeof(after_task) = 'integer'),
    label INTEGER NOT NULL CHECK (typeof(label) = 'integer'), -- by arrival
    -- Among those of its class, which are made from equal noise in each task.
    place INTEGER NOT NULL CHECK (typeof(place) = 'integer'),
    crc INTEGER NOT NULL CHECK (typeof(crc) = 'integer'),
    image BLOB NOT NULL CHECK (typeof(image) = 'blob'), -- as images of the data come
    PRIMARY KEY (after_task, label, place)
);

CREATE TABLE IF NOT EXISTS network (
    owner TEXT NOT NULL CHECK (typeof(owner) = 'text'), -- the strategy that declared it, or run
    name TEXT NOT NULL CHECK (typeof(name) = 'text'),
    type TEXT NOT NULL CHECK (typeof(type) = 'text'),
    classes INTEGER NOT NULL CHECK (typeof(classes) = 'integer'),
    options TEXT NOT NULL CHECK (typeof(options) = 'text'), -- JSON
    crc INTEGER NOT NULL CHECK (typeof(crc) = 'integer'),
    PRIMARY KEY (owner, name)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS tensor (
    id INTEGER NOT NULL PRIMARY KEY,
    name TEXT NOT NULL UNIQUE CHECK (typeof(name) = 'text'), -- run/network/fc1.weight
    owner TEXT NOT NULL CHECK (typeof(owner) = 'text'), -- a strategy, or run
    part TEXT NOT NULL CHECK (typeof(part) = 'text'), -- of the owner: a network, an optimiser; ''
    role TEXT NOT NULL CHECK (role IN ('weight', 'moment', 'kept')),
    dtype TEXT NOT NULL CHECK (typeof(dtype) = 'text'), -- f32, bf16, u8, i32
    shape TEXT NOT NULL CHECK (typeof(shape) = 'text'), -- (100,784)
    crc INTEGER NOT NULL CHECK (typeof(crc) = 'integer'),
    data BLOB NOT NULL CHECK (typeof(data) = 'blob') -- row-major, little-endian
);

CREATE TABLE IF NOT EXISTS kept (
    name TEXT NOT NULL PRIMARY KEY CHECK (typeof(name) = 'text'),
    value CHECK (typeof(value) IN ('integer', 'real', 'null')),
    crc INTEGER NOT NULL CHECK (typeof(crc) = 'integer')
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS cursor (
    id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1), -- one row
    task INTEGER NOT NULL CHECK (typeof(task) = 'integer'),
    stage INTEGER NOT NULL CHECK (typeof(stage) = 'integer'),
    phase INTEGER NOT NULL CHECK (typeof(phase) = 'integer'),
    length INTEGER NOT NULL CHECK (typeof(length) = 'integer'), -- of the phase: epochs, or steps
    phase_step INTEGER NOT NULL CHECK (typeof(phase_step) = 'integer'),
    step INTEGER NOT NULL CHECK (typeof(step) = 'integer'),
    commits INTEGER NOT NULL CHECK (typeof(commits) = 'integer'),
    crc INTEGER NOT NULL CHECK (typeof(crc) = 'integer')
);

CREATE TABLE IF NOT EXISTS mark ( -- whose log FILE-wal is; every commit writes it
    id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1), -- one row
    salt INTEGER NOT NULL CHECK (typeof(salt) = 'integer'), -- drawn by chance when the file was made
    commits INTEGER NOT NULL CHECK (typeof(commits) = 'integer'),
    crc INTEGER NOT NULL CHECK (typeof(crc) = 'integer')
);

CREATE TABLE IF NOT EXISTS digest ( -- of each table when the file was closed; none while it is written
    name TEXT NOT NULL PRIMARY KEY CHECK (typeof(name) = 'text'), -- of the table
    rows INTEGER NOT NULL CHECK (typeof(rows) = 'integer'),
    sum INTEGER NOT NULL CHECK (typeof(sum) = 'integer'), -- of the rows' crc
    crc INTEGER NOT NULL CHECK (typeof(crc) = 'integer')
) WITHOUT ROWID;
