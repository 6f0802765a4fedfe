-- What a run file of schema 1 says, in the words of schema 2: the tables that changed, as views that
-- stand before the file's own.  A reader looks through them and changes nothing; before the run goes
-- on, tables are made of them.  The crc of a row that was damaged stays wrong.

CREATE TEMP VIEW older_image AS
WITH text AS (SELECT value AS whole FROM main.run WHERE key = 'image'),
    cut AS (SELECT substr(whole, 1, instr(whole, 'x') - 1) AS channels,
        substr(whole, instr(whole, 'x') + 1) AS rest FROM text WHERE instr(whole, 'x') > 0)
SELECT 'image_channels' AS key, channels AS value FROM cut
UNION ALL SELECT 'image_height', substr(rest, 1, instr(rest, 'x') - 1) FROM cut
UNION ALL SELECT 'image_width', substr(rest, instr(rest, 'x') + 1) FROM cut;

CREATE TEMP VIEW run AS
SELECT key, value, crc FROM main.run WHERE key <> 'image'
UNION ALL SELECT key, value, row_crc(key, value) FROM older_image;

CREATE TEMP VIEW task AS
SELECT task, train, test,
    CASE WHEN crc = row_crc(task, classes, train, test) THEN row_crc(task, train, test)
        ELSE -1 END AS crc
FROM main.task;

-- Names of classes stood in one text with ", " between: a name with a comma and a space is two here.
CREATE TEMP VIEW older_class AS
WITH RECURSIVE cut(task, place, name, rest) AS (
    SELECT task, -1, '', classes || ', ' FROM main.task
    UNION ALL
    SELECT task, place + 1, substr(rest, 1, instr(rest, ', ') - 1),
        substr(rest, instr(rest, ', ') + 2)
    FROM cut WHERE rest <> '')
SELECT task, place, name FROM cut WHERE place >= 0;

-- Where a task has fewer classes than the run, its classes come after those of earlier tasks.
CREATE TEMP VIEW task_class AS
WITH counted AS (SELECT task, count(*) AS classes FROM older_class GROUP BY task),
    named AS (SELECT o.task AS task, o.name AS name, o.place + CASE
        WHEN c.classes < (SELECT CAST(value AS INTEGER) FROM main.run WHERE key = 'classes')
        THEN (SELECT coalesce(sum(classes), 0) FROM counted WHERE task < o.task)
        ELSE 0 END AS label
    FROM older_class o JOIN counted c ON c.task = o.task)
SELECT task, label, NULL AS original, name, row_crc(task, label, NULL, name) AS crc FROM named;

CREATE TEMP VIEW test_label AS
SELECT 0 AS on_task, 0 AS rows, 0 AS crc, x'' AS labels WHERE 0;

CREATE TEMP VIEW scalar AS
SELECT name, '' AS update_name, step, task, phase, value,
    CASE WHEN crc = row_crc(name, step, task, phase, value)
        THEN row_crc(name, '', step, task, phase, value) ELSE -1 END AS crc
FROM main.scalar WHERE phase <> 'probe';

-- "neighbours/class-il/3 Coat", in per cent.  The table makes 100.0 an integer, whose crc is another.
CREATE TEMP VIEW probe AS
WITH cut AS (SELECT substr(name, 1, instr(name, '/') - 1) AS classifier,
        substr(name, instr(name, '/') + 1) AS rest, task, value
    FROM main.scalar WHERE phase = 'probe' AND crc = row_crc(name, step, task, phase, value)),
    read AS (SELECT classifier, substr(rest, 1, instr(rest, '/') - 1) AS scope,
        CAST(substr(rest, instr(rest, '/') + 1) AS INTEGER) AS label, task AS after_task,
        CASE WHEN value = CAST(value AS INTEGER) THEN CAST(value AS INTEGER) ELSE value END AS correct,
        100 AS total FROM cut)
SELECT classifier, scope, label, after_task, correct, total,
    row_crc(classifier, scope, label, after_task, correct, total) AS crc
FROM read WHERE scope IN ('class-il', 'task-il');

CREATE TEMP VIEW network AS
WITH read AS (SELECT owner, name, json_valid(architecture) AS valid, architecture, crc
        FROM main.network),
    told AS (SELECT owner, name, architecture, crc,
        CASE WHEN valid THEN json_extract(architecture, '$.type') ELSE '' END AS type,
        CASE WHEN valid THEN json_extract(architecture, '$.classes') ELSE 0 END AS classes,
        CASE WHEN valid THEN json_extract(architecture, '$.options') ELSE '{}' END AS options
    FROM read)
SELECT owner, name, type, classes, options,
    CASE WHEN crc = row_crc(owner, name, architecture)
        THEN row_crc(owner, name, type, classes, options) ELSE -1 END AS crc
FROM told;

-- Of a network whose name begins as another's does, the longer name is meant.
CREATE TEMP VIEW tensor AS
WITH told AS (SELECT t.id AS id, t.name AS name, t.dtype AS dtype, t.shape AS shape,
        t.data AS data, t.crc AS crc, substr(t.name, 1, instr(t.name, '/') - 1) AS owner,
        (SELECT n.name FROM main.network n WHERE instr(t.name, n.owner || '/' || n.name || '/') = 1
            ORDER BY length(n.name) DESC LIMIT 1) AS part
    FROM main.tensor t),
    placed AS (SELECT id, name, owner, coalesce(part, '') AS part,
        CASE WHEN name LIKE '%/momentum' OR name LIKE '%\_moment' ESCAPE '\' THEN 'moment'
            WHEN part IS NOT NULL THEN 'weight' ELSE 'kept' END AS role,
        dtype, shape, crc, data FROM told)
SELECT id, name, owner, part, role, dtype, shape,
    CASE WHEN crc = row_crc(name, dtype, shape, data)
        THEN row_crc(name, owner, part, role, dtype, shape, data) ELSE -1 END AS crc, data
FROM placed;

CREATE TEMP VIEW cursor AS
SELECT id, task, stage, phase, epochs AS length, phase_step, step, commits, crc FROM main.cursor;
