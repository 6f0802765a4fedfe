#!/bin/sh
# studies.sh ROOT -- what the manifests of the shipped studies expect can fail, and says where it comes
# from: each range has a source, its own or the study's, and that of a mean has two ends.
set -eu
command -v sqlite3 >/dev/null || { echo "no sqlite3: skipped"; exit 77; }
wrong=$(for file in "$1"/benchmarks/studies/*.json; do
    sqlite3 :memory: "
        WITH study AS (SELECT readfile('$file') AS json),
        expected AS (
            SELECT json_extract(arm.value, '$.benchmark') || ' ' || json_extract(arm.value, '$.name') AS arm,
                json_extract(e.value, '$.from') AS low, json_extract(e.value, '$.to') AS high,
                json_extract(e.value, '$.minus') AS minus,
                coalesce(json_extract(e.value, '$.source'), json_extract(study.json, '$.source')) AS source
            FROM study, json_each(study.json, '$.arms') AS arm, json_each(arm.value, '$.expect') AS e)
        SELECT '${file##*/}: ' || arm || CASE
            WHEN source IS NULL THEN ': a range without a source'
            ELSE ': a mean with one end; what does nothing may meet it' END
        FROM expected
        WHERE coalesce(low, high) IS NOT NULL
            AND (source IS NULL OR (minus IS NULL AND (low IS NULL OR high IS NULL)))"
done)
[ -z "$wrong" ] || { echo "$wrong" && exit 1; }
