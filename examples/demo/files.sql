-- projection: files
-- version: 1
-- The tree of files after the commits seen so far, as `git ls-tree -r` would list it.

-- @init
CREATE TABLE files (path TEXT PRIMARY KEY, mode TEXT NOT NULL, blob TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE commits (commits INTEGER NOT NULL, last TEXT);
INSERT INTO commits VALUES (0, NULL);

-- @on CommitLanded
UPDATE commits SET commits = commits + 1, last = :payload->>'$.commit';

-- @on FileAdded, FileModified
INSERT INTO files VALUES (:payload->>'$.path', :payload->>'$.new_mode', :payload->>'$.new_blob')
ON CONFLICT DO UPDATE SET mode = excluded.mode, blob = excluded.blob;

-- @on FileDeleted
DELETE FROM files WHERE path = :payload->>'$.path';
