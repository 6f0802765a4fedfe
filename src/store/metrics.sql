-- Metrics are queries over raw counts (docs/metrics.md).  Per cent; NULL where a term is missing.
-- a[i, j]: accuracy on task j after task i; T: number of finished tasks.

-- Tasks trained to their end.  One in progress has evaluations too (--eval-every).
CREATE VIEW finished AS
SELECT DISTINCT after_task AS task FROM evaluation
WHERE after_task >= 0
    AND (after_task < (SELECT max(after_task) FROM evaluation)
        OR after_task < (SELECT task FROM cursor)
        OR NOT EXISTS (SELECT 1 FROM cursor)
        OR 'done' = (SELECT value FROM run WHERE key = 'status'));

-- The matrix a[i, j]; after_task -1 is the untrained network.  SQLite takes the other columns from
-- the row of the max().
CREATE VIEW accuracy AS
SELECT scope, after_task, on_task, 100.0 * correct / total AS accuracy, correct, total,
    max(step) AS step
FROM evaluation
WHERE after_task = -1 OR after_task IN (SELECT task FROM finished)
GROUP BY scope, after_task, on_task;

-- Every accuracy measured, inside tasks too.
CREATE VIEW curve AS
SELECT scope, on_task, step, after_task, 100.0 * correct / total AS accuracy FROM evaluation;

CREATE VIEW last_task AS
SELECT scope, max(after_task) AS task FROM accuracy GROUP BY scope HAVING max(after_task) >= 0;

-- 1/(i+1) sum_{j <= i} a[i, j], for each i
CREATE VIEW average_accuracy_after AS
SELECT scope, after_task,
    CASE WHEN count(accuracy) = after_task + 1 THEN avg(accuracy) END AS value
FROM accuracy
WHERE on_task <= after_task
GROUP BY scope, after_task;

-- 1/T sum_j a[T-1, j]
CREATE VIEW average_accuracy AS
SELECT scope, value
FROM average_accuracy_after JOIN last_task USING (scope)
WHERE after_task = task;

-- 1/T sum_i 1/(i+1) sum_{j <= i} a[i, j]
CREATE VIEW average_incremental_accuracy AS
SELECT scope, CASE WHEN count(value) = task + 1 THEN avg(value) END AS value
FROM average_accuracy_after JOIN last_task USING (scope)
GROUP BY scope;

-- correct of tasks j <= i / images of tasks j <= i, for each i
CREATE VIEW accuracy_micro_after AS
SELECT scope, after_task,
    CASE WHEN count(accuracy) = after_task + 1 THEN 100.0 * sum(correct) / sum(total) END AS value
FROM accuracy
WHERE on_task <= after_task
GROUP BY scope, after_task;

-- the same after the last task
CREATE VIEW accuracy_micro AS
SELECT scope, value
FROM accuracy_micro_after JOIN last_task USING (scope)
WHERE after_task = task;

-- the mean of the same over i
CREATE VIEW incremental_accuracy_micro AS
SELECT scope, CASE WHEN count(value) = task + 1 THEN avg(value) END AS value
FROM accuracy_micro_after JOIN last_task USING (scope)
GROUP BY scope;

-- 1/T sum_j a[j, j]
CREATE VIEW learning_accuracy AS
SELECT scope, CASE WHEN count(accuracy) = task + 1 THEN avg(accuracy) END AS value
FROM accuracy JOIN last_task USING (scope)
WHERE after_task = on_task AND on_task <= task
GROUP BY scope;

-- 1/(T-1) sum_{j < T-1} a[T-1, j]
CREATE VIEW earlier_accuracy AS
SELECT scope, CASE WHEN count(accuracy) = task THEN avg(accuracy) END AS value
FROM accuracy JOIN last_task USING (scope)
WHERE after_task = task AND on_task < task
GROUP BY scope;

-- How far each earlier task j is below its best, by what counts as its best.
CREATE VIEW forgotten AS
SELECT now.scope, now.on_task, task AS after_task,
    max(past.accuracy) FILTER (WHERE past.after_task < task)
        - now.accuracy AS forgetting,
    max(past.accuracy) FILTER (WHERE past.after_task BETWEEN now.on_task AND task - 1)
        - now.accuracy AS forgetting_seen,
    max(past.accuracy) - now.accuracy AS forgetting_mammoth
FROM last_task
JOIN accuracy AS now ON now.scope = last_task.scope AND now.after_task = task
JOIN accuracy AS past ON past.scope = now.scope AND past.on_task = now.on_task
WHERE now.on_task < task AND past.after_task BETWEEN 0 AND task
GROUP BY now.scope, now.on_task, now.accuracy, task;

-- 1/(T-1) sum_{j < T-1} max_{l < T-1} a[l, j] - a[T-1, j]
CREATE VIEW forgetting AS
SELECT scope, CASE WHEN count(forgetting) = after_task THEN avg(forgetting) END AS value
FROM forgotten GROUP BY scope;

-- the same with j <= l < T-1
CREATE VIEW forgetting_seen AS
SELECT scope, CASE WHEN count(forgetting_seen) = after_task THEN avg(forgetting_seen) END AS value
FROM forgotten GROUP BY scope;

-- the same with l <= T-1, hence never negative
CREATE VIEW forgetting_mammoth AS
SELECT scope,
    CASE WHEN count(forgetting_mammoth) = after_task THEN avg(forgetting_mammoth) END AS value
FROM forgotten GROUP BY scope;

-- 1/(T-1) sum_{j < T-1} a[T-1, j] - a[j, j]
CREATE VIEW backward_transfer AS
SELECT now.scope,
    CASE WHEN count(now.accuracy - learned.accuracy) = task
        THEN avg(now.accuracy - learned.accuracy) END AS value
FROM last_task
JOIN accuracy AS now ON now.scope = last_task.scope AND now.after_task = task
JOIN accuracy AS learned ON learned.scope = now.scope AND learned.on_task = now.on_task
    AND learned.after_task = now.on_task
WHERE now.on_task < task
GROUP BY now.scope;

-- 1/(T-1) sum_{j > 0} a[j-1, j] - R[j], R: the untrained network; in class-IL always zero, so NULL
CREATE VIEW forward_transfer AS
SELECT before.scope,
    CASE WHEN before.scope NOT IN ('class-il', 'validation-class-il')
            AND count(before.accuracy - untrained.accuracy) = task
        THEN avg(before.accuracy - untrained.accuracy) END AS value
FROM last_task
JOIN accuracy AS before ON before.scope = last_task.scope
    AND before.on_task = before.after_task + 1
JOIN accuracy AS untrained ON untrained.scope = before.scope
    AND untrained.on_task = before.on_task AND untrained.after_task = -1
WHERE before.on_task BETWEEN 1 AND task
GROUP BY before.scope;

-- The lowest accuracy of each earlier task j since the task after it began.
CREATE VIEW lowest AS
SELECT scope, on_task, min(100.0 * correct / total) AS accuracy
FROM evaluation JOIN last_task USING (scope)
WHERE after_task > on_task AND after_task <= task AND on_task >= 0
GROUP BY scope, on_task;

-- 1/(T-1) sum_{j < T-1} lowest[j]
CREATE VIEW min_accuracy AS
SELECT scope, CASE WHEN count(accuracy) = task THEN avg(accuracy) END AS value
FROM lowest JOIN last_task USING (scope)
GROUP BY scope;

-- 1/T a[T-1, T-1] + (1 - 1/T) min_accuracy
CREATE VIEW worst_case_accuracy AS
SELECT scope,
    CASE WHEN task = 0 THEN accuracy ELSE (accuracy + task * value) / (task + 1) END AS value
FROM accuracy JOIN last_task USING (scope) LEFT JOIN min_accuracy USING (scope)
WHERE after_task = task AND on_task = task;

-- 100/(T-1) sum_{t > 0} of the alignment noted at the end of task t, the mean of it where a run keeps
-- several snapshots; the same in every scope.
CREATE VIEW linear_cka AS
SELECT scope, (SELECT CASE WHEN count(DISTINCT scalar.task) = last_task.task THEN 100.0 * avg(value) END
    FROM scalar WHERE phase = 'similarity' AND scalar.task <= last_task.task) AS value
FROM last_task;

-- 100 times what was noted of the run's teachers at the end of the last task, the mean over teachers;
-- the same in every scope.
CREATE VIEW teacher_cka AS
SELECT scope, (SELECT 100.0 * avg(value) FROM scalar
    WHERE phase = 'teacher' AND name LIKE 'cka/%' AND scalar.task = last_task.task) AS value
FROM last_task;

CREATE VIEW retrieval AS
SELECT scope, (SELECT 100.0 * avg(value) FROM scalar
    WHERE phase = 'teacher' AND name LIKE 'retrieval/%' AND scalar.task = last_task.task) AS value
FROM last_task;
