-- A checkpoint in a table with row numbers: up to 4 KB of it lie in one page of the tree, where a table without them
-- keeps at most a quarter of that and the rest in pages that are freed and taken again with each writing.
CREATE TABLE checkpoint_in_place (
    name TEXT PRIMARY KEY,
    raw BLOB NOT NULL
) STRICT;
INSERT INTO checkpoint_in_place (name, raw) SELECT name, raw FROM checkpoint;
DROP TABLE checkpoint;
ALTER TABLE checkpoint_in_place RENAME TO checkpoint;
