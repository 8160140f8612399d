-- The cache: everything here comes back from the cloud or from driving on. A damaged cache is set aside and begun anew.

-- The newest statement of each member, sealed, because it holds the profile. The rank orders statements of one member
-- and is part of what the seal authenticates.
CREATE TABLE statement (
    member BLOB PRIMARY KEY CHECK (length(member) = 16),
    server_epoch INTEGER NOT NULL,
    version INTEGER NOT NULL,
    issued INTEGER NOT NULL,
    sealed BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- Every version of the policy that was ever held: entries are valued by the one in force at their time.
CREATE TABLE policy (
    version INTEGER PRIMARY KEY,
    raw BLOB NOT NULL
) STRICT;

-- The newest catalogue, in at most one row.
CREATE TABLE catalogue (
    slot INTEGER PRIMARY KEY CHECK (slot = 0),
    version INTEGER NOT NULL,
    raw BLOB NOT NULL
) STRICT;

-- The open trip or session, by name. Worthless once the ledger's marks have reached it, so it may come too late or be
-- left over.
CREATE TABLE checkpoint (
    name TEXT PRIMARY KEY,
    raw BLOB NOT NULL
) STRICT, WITHOUT ROWID;
