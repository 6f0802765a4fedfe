-- A run of mneme.  Every row carries `crc`, the CRC-32 of its other columns (docs/run-file.md), so
-- that a flipped bit is noticed; NULL stands for NaN.

CREATE TABLE run (
    key TEXT NOT NULL PRIMARY KEY, -- benchmark, strategy, seed, status, config, owner.pid, ...
    value TEXT NOT NULL,
    crc INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE task (
    task INTEGER NOT NULL PRIMARY KEY, -- from 0, in order of arrival
    classes TEXT NOT NULL,             -- names
    train INTEGER NOT NULL,            -- images
    test INTEGER NOT NULL,
    crc INTEGER NOT NULL
) STRICT;

CREATE TABLE evaluation (
    scope TEXT NOT NULL,         -- class-il, task-il, domain-il
    after_task INTEGER NOT NULL, -- the last task trained on, perhaps still in progress; -1: none
    on_task INTEGER NOT NULL,    -- whose test set
    step INTEGER NOT NULL,       -- of the run; the largest per task is the one at its end
    correct INTEGER NOT NULL,
    total INTEGER NOT NULL,
    crc INTEGER NOT NULL,
    PRIMARY KEY (scope, after_task, on_task, step)
) STRICT, WITHOUT ROWID;

CREATE TABLE output (
    after_task INTEGER NOT NULL,
    on_task INTEGER NOT NULL,
    rows INTEGER NOT NULL,  -- images of the test set, in its order
    width INTEGER NOT NULL, -- logits an image
    crc INTEGER NOT NULL,
    logits BLOB NOT NULL,   -- (rows, width) IEEE half floats, little-endian
    PRIMARY KEY (after_task, on_task)
) STRICT;

CREATE TABLE scalar (
    name TEXT NOT NULL, -- a loss term, the learning rate
    step INTEGER NOT NULL,
    task INTEGER NOT NULL,
    phase TEXT NOT NULL,
    value REAL,
    crc INTEGER NOT NULL,
    PRIMARY KEY (name, step, task, phase)
) STRICT, WITHOUT ROWID;

CREATE TABLE exemplar (
    slot INTEGER NOT NULL PRIMARY KEY,
    label INTEGER NOT NULL,  -- -1: unknown
    task INTEGER NOT NULL,
    seen INTEGER NOT NULL,   -- how many images had been offered before it
    labelled INTEGER NOT NULL CHECK (labelled IN (0, 1)),
    source INTEGER NOT NULL, -- index in the data set; -1: synthetic
    crc INTEGER NOT NULL,
    image BLOB NOT NULL      -- as it came
) STRICT;

CREATE TABLE exemplar_column (
    slot INTEGER NOT NULL,
    name TEXT NOT NULL,
    crc INTEGER NOT NULL,
    data BLOB NOT NULL, -- 32-bit floats, little-endian
    PRIMARY KEY (slot, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE sample ( -- images that a network made
    after_task INTEGER NOT NULL,
    label INTEGER NOT NULL, -- by arrival
    place INTEGER NOT NULL, -- among those of its class, which are made from equal noise in each task
    crc INTEGER NOT NULL,
    image BLOB NOT NULL, -- as images of the data come
    PRIMARY KEY (after_task, label, place)
) STRICT;

CREATE TABLE network (
    owner TEXT NOT NULL, -- the strategy that declared it
    name TEXT NOT NULL,
    architecture TEXT NOT NULL,
    crc INTEGER NOT NULL,
    PRIMARY KEY (owner, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE tensor (
    id INTEGER NOT NULL PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    dtype TEXT NOT NULL, -- f32, bf16, u8, i32
    shape TEXT NOT NULL, -- (100,784)
    crc INTEGER NOT NULL,
    data BLOB NOT NULL   -- row-major, little-endian
) STRICT;

CREATE TABLE kept (
    name TEXT NOT NULL PRIMARY KEY,
    value ANY, -- an integer or a real
    crc INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE cursor (
    id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1), -- one row
    task INTEGER NOT NULL,
    stage INTEGER NOT NULL,
    phase INTEGER NOT NULL,
    epochs INTEGER NOT NULL,
    phase_step INTEGER NOT NULL,
    step INTEGER NOT NULL,
    commits INTEGER NOT NULL,
    crc INTEGER NOT NULL
) STRICT;
