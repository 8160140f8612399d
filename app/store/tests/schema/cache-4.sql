CREATE TABLE statement (
    member BLOB PRIMARY KEY CHECK (length(member) = 16),
    server_epoch INTEGER NOT NULL,
    version INTEGER NOT NULL,
    issued INTEGER NOT NULL,
    sealed BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE policy (
    version INTEGER PRIMARY KEY,
    raw BLOB NOT NULL
) STRICT;

CREATE TABLE catalogue (
    slot INTEGER PRIMARY KEY CHECK (slot = 0),
    version INTEGER NOT NULL,
    raw BLOB NOT NULL
) STRICT;

CREATE TABLE "checkpoint" (
    name TEXT PRIMARY KEY,
    raw BLOB NOT NULL
) STRICT;

CREATE TABLE account_row (
    member BLOB NOT NULL CHECK (length(member) = 16),
    server_epoch INTEGER NOT NULL,
    version INTEGER NOT NULL,
    sealed BLOB NOT NULL,
    PRIMARY KEY (member, server_epoch, version)
) STRICT, WITHOUT ROWID;
