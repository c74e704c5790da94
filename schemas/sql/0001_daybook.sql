-- Daybook's tables, schema version 1. Applied in one transaction with application_id and user_version.
-- events_log and event_results_log are append-only; every other table can be recomputed from them, except
-- store_info, checkpoints, import_names, erasures and clock_steps.

CREATE TABLE store_info (
    id                      INTEGER PRIMARY KEY CHECK (id = 1),
    store_id                TEXT    NOT NULL CHECK (length(store_id) = 36),
    created_at              INTEGER NOT NULL,           -- ns since the epoch, UTC
    created_by              TEXT    NOT NULL,           -- program and version
    normal_durability_since INTEGER,                    -- first write by a connection with synchronous=NORMAL
    run_events              INTEGER NOT NULL            -- seqs of a run, see stream_runs; never changed
                            CHECK (run_events BETWEEN 1 AND 65536),
    indexed_runs            INTEGER NOT NULL DEFAULT 0  -- derived: stream_runs, type_runs and event_ids hold the runs before this one
) STRICT;

CREATE TABLE events_log (
    seq            INTEGER PRIMARY KEY CHECK (seq > 0), -- dense, gapless, in the order of commits
    event_id       TEXT    NOT NULL CHECK (length(event_id) > 0), -- unique: see event_ids
    type           TEXT    NOT NULL CHECK (length(type) > 0),
    event_version  TEXT    NOT NULL,
    stream         TEXT    NOT NULL CHECK (length(stream) > 0),
    version        INTEGER NOT NULL CHECK (version > 0), -- of the stream, dense from 1
    source         TEXT    NOT NULL,
    correlation_id TEXT,
    causation_id   TEXT,
    occurred_at    INTEGER NOT NULL,                    -- ns since the epoch, says the producer
    recorded_at    INTEGER NOT NULL,                    -- ns since the epoch, says the store; never decreases
    tags           TEXT    NOT NULL,                    -- JSON object of strings, keys sorted
    payload        TEXT,                                -- minified JSON; NULL only when erased
    metadata       TEXT    NOT NULL,                    -- minified JSON object
    salt           BLOB,                                -- 16 bytes; NULL only when erased
    payload_hash   BLOB    NOT NULL CHECK (length(payload_hash) = 32), -- SHA-256(salt, payload)
    digest         BLOB    NOT NULL CHECK (length(digest) = 32),       -- of the chain up to this row
    CHECK ((payload IS NULL) = (salt IS NULL))
) STRICT;

CREATE INDEX events_by_correlation ON events_log (correlation_id) WHERE correlation_id IS NOT NULL;
CREATE INDEX events_by_causation   ON events_log (causation_id)   WHERE causation_id IS NOT NULL;

CREATE TABLE event_results_log (
    result_seq    INTEGER PRIMARY KEY CHECK (result_seq > 0), -- dense, gapless
    event_seq     INTEGER NOT NULL,
    event_id      TEXT    NOT NULL,
    bus           TEXT    NOT NULL,
    handler       TEXT    NOT NULL,
    attempt       INTEGER NOT NULL CHECK (attempt > 0),
    status        TEXT    NOT NULL                      -- not IN: SQLite would make a table of them for each INSERT
                          CHECK (status = 'completed' OR status = 'pending' OR status = 'started' OR status = 'error'
                                 OR status = 'timeout' OR status = 'cancelled' OR status = 'aborted'
                                 OR status = 'late'),
    owner         TEXT    NOT NULL,                     -- the bus instance
    recoverable   INTEGER NOT NULL CHECK (recoverable IN (0, 1)),
    imported      INTEGER NOT NULL CHECK (imported IN (0, 1)),
    result        TEXT,                                 -- JSON
    error_type    TEXT,
    error_message TEXT,
    started_at    INTEGER,
    finished_at   INTEGER,
    emitted       TEXT    NOT NULL,                     -- JSON array of event ids
    note          TEXT,
    events_head   INTEGER NOT NULL,                     -- last seq at this row's commit
    recorded_at   INTEGER NOT NULL,
    digest        BLOB    NOT NULL CHECK (length(digest) = 32),
    UNIQUE (event_seq, bus, handler, attempt, status)
) STRICT;

-- Derived: (event, bus, handler) whose last attempt has no terminal row. Imported rows never appear here.
CREATE TABLE unfinished_handlers (
    event_seq   INTEGER NOT NULL,
    bus         TEXT    NOT NULL,
    handler     TEXT    NOT NULL,
    attempt     INTEGER NOT NULL,
    owner       TEXT    NOT NULL,
    recoverable INTEGER NOT NULL,
    started     INTEGER NOT NULL,
    since       INTEGER NOT NULL,
    PRIMARY KEY (event_seq, bus, handler)
) STRICT, WITHOUT ROWID;

-- Derived, behind the log: of each stream and each type, its events up to the last run that has one. A run is run_events
-- seqs; when it is complete, its rows are written in the order of their names, once and for all. What came after the runs
-- is found by reading the end of the log.
CREATE TABLE stream_heads (
    stream   TEXT    PRIMARY KEY,
    version  INTEGER NOT NULL,
    last_seq INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE stream_runs (
    run           INTEGER NOT NULL,                     -- (seq - 1) / run_events
    stream        TEXT    NOT NULL,
    events_before INTEGER NOT NULL,                     -- of this stream: the version of the run's first is one more
    previous_run  INTEGER,                              -- the last run before this one that has an event of it
    seqs          BLOB    NOT NULL,                     -- two bytes each, big-endian: (seq - 1) % run_events
    PRIMARY KEY (run, stream)
) STRICT, WITHOUT ROWID;

CREATE TABLE type_heads (
    type     TEXT    PRIMARY KEY,
    events   INTEGER NOT NULL,
    last_seq INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE type_runs (
    run           INTEGER NOT NULL,
    type          TEXT    NOT NULL,
    events_before INTEGER NOT NULL,
    previous_run  INTEGER,
    seqs          BLOB    NOT NULL,
    PRIMARY KEY (run, type)
) STRICT, WITHOUT ROWID;

-- Derived, with the runs: an index of events_log.event_id that is filled a run at a time, in the order of the ids, because
-- ids that come in no order would each change another page. A writer looks here and at the end of the log before it
-- writes an id.
CREATE TABLE event_ids (
    id  ANY     PRIMARY KEY,                            -- a UUID in lower case as its 16 bytes, any other id as text
    seq INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Derived: the smallest and largest occurred_at of each complete block of 1,024 seqs; block = (seq - 1) / 1024.
CREATE TABLE occurred_blocks (
    block        INTEGER PRIMARY KEY,
    occurred_min INTEGER NOT NULL,
    occurred_max INTEGER NOT NULL
) STRICT;

CREATE TABLE checkpoints (
    name          TEXT    PRIMARY KEY CHECK (length(name) > 0),
    seq           INTEGER NOT NULL,
    digest        BLOB    NOT NULL CHECK (length(digest) = 32),
    result_seq    INTEGER NOT NULL,
    result_digest BLOB    NOT NULL CHECK (length(result_digest) = 32),
    updated_at    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE import_names (
    name       TEXT    PRIMARY KEY,
    source     TEXT    NOT NULL,
    first_used INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Room for erasing a payload: names the seqs whose payload may be NULL.
CREATE TABLE erasures (
    seq       INTEGER PRIMARY KEY,
    erased_at INTEGER NOT NULL,
    reason    TEXT    NOT NULL
) STRICT;

-- Runs of events that repeat the recorded_at of the event before them because the clock had stepped back. The log
-- alone does not show it: the events of one commit share a time too.
CREATE TABLE clock_steps (
    first_seq   INTEGER PRIMARY KEY,                    -- first event whose commit found the clock behind
    last_seq    INTEGER NOT NULL CHECK (last_seq >= first_seq),
    recorded_at INTEGER NOT NULL,                       -- the time that is repeated
    behind_ns   INTEGER NOT NULL CHECK (behind_ns > 0)  -- how far the clock was behind it, at most
) STRICT;

-- Append-only. REPLACE deletes without firing delete triggers unless recursive_triggers is on, so inserts are guarded too.
CREATE TRIGGER events_log_no_delete BEFORE DELETE ON events_log
BEGIN SELECT RAISE(ABORT, 'events_log is append-only: DELETE refused'); END;
CREATE TRIGGER events_log_no_update BEFORE UPDATE ON events_log
WHEN NOT (OLD.payload IS NOT NULL AND NEW.payload IS NULL AND OLD.salt IS NOT NULL AND NEW.salt IS NULL
          AND EXISTS (SELECT 1 FROM erasures WHERE seq = OLD.seq)
          AND NEW.seq = OLD.seq AND NEW.event_id = OLD.event_id AND NEW.type = OLD.type
          AND NEW.event_version = OLD.event_version AND NEW.stream = OLD.stream AND NEW.version = OLD.version
          AND NEW.source = OLD.source AND NEW.correlation_id IS OLD.correlation_id
          AND NEW.causation_id IS OLD.causation_id AND NEW.occurred_at = OLD.occurred_at
          AND NEW.recorded_at = OLD.recorded_at AND NEW.tags = OLD.tags AND NEW.metadata = OLD.metadata
          AND NEW.payload_hash = OLD.payload_hash AND NEW.digest = OLD.digest)
BEGIN SELECT RAISE(ABORT, 'events_log is append-only: UPDATE refused'); END;
CREATE TRIGGER events_log_no_replace BEFORE INSERT ON events_log
WHEN NEW.seq <= (SELECT coalesce(max(seq), 0) FROM events_log)
BEGIN SELECT RAISE(ABORT, 'events_log is append-only: the seq is there already'); END;

CREATE TRIGGER event_results_log_no_delete BEFORE DELETE ON event_results_log
BEGIN SELECT RAISE(ABORT, 'event_results_log is append-only: DELETE refused'); END;
CREATE TRIGGER event_results_log_no_update BEFORE UPDATE ON event_results_log
BEGIN SELECT RAISE(ABORT, 'event_results_log is append-only: UPDATE refused'); END;
CREATE TRIGGER event_results_log_no_replace BEFORE INSERT ON event_results_log
WHEN NEW.result_seq <= (SELECT coalesce(max(result_seq), 0) FROM event_results_log)
     OR EXISTS (SELECT 1 FROM event_results_log
                WHERE event_seq = NEW.event_seq AND bus = NEW.bus AND handler = NEW.handler
                      AND attempt = NEW.attempt AND status = NEW.status)
BEGIN SELECT RAISE(ABORT, 'event_results_log is append-only: the row is there already'); END;

-- For people: ISO times and the current status.
CREATE VIEW events AS
SELECT seq, event_id AS id, type, event_version, stream, version, source, correlation_id, causation_id,
       strftime('%Y-%m-%dT%H:%M:%S', (occurred_at - ((occurred_at % 1000000000) + 1000000000) % 1000000000) / 1000000000, 'unixepoch')
           || printf('.%09dZ', ((occurred_at % 1000000000) + 1000000000) % 1000000000) AS occurred_at,
       strftime('%Y-%m-%dT%H:%M:%S', (recorded_at - ((recorded_at % 1000000000) + 1000000000) % 1000000000) / 1000000000, 'unixepoch')
           || printf('.%09dZ', ((recorded_at % 1000000000) + 1000000000) % 1000000000) AS recorded_at,
       tags, payload, metadata
  FROM events_log;

CREATE VIEW results AS
SELECT result_seq, event_seq, event_id, bus, handler, attempt, status, result, error_type, error_message,
       CASE WHEN started_at IS NULL OR finished_at IS NULL THEN NULL ELSE finished_at - started_at END AS duration_ns,
       emitted, note, imported,
       strftime('%Y-%m-%dT%H:%M:%S', (recorded_at - ((recorded_at % 1000000000) + 1000000000) % 1000000000) / 1000000000, 'unixepoch')
           || printf('.%09dZ', ((recorded_at % 1000000000) + 1000000000) % 1000000000) AS recorded_at
  FROM event_results_log;

-- The last word on each (event, bus, handler): the row with the highest attempt, and of that the last written.
CREATE VIEW handler_status AS
SELECT event_seq, event_id, bus, handler, attempt, status, result, error_type, error_message, result_seq
  FROM event_results_log AS r
 WHERE result_seq = (SELECT l.result_seq FROM event_results_log AS l
                      WHERE l.event_seq = r.event_seq AND l.bus = r.bus AND l.handler = r.handler AND l.status <> 'late'
                      ORDER BY l.attempt DESC, l.result_seq DESC LIMIT 1);
