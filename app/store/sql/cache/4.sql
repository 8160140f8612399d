-- What the accounts say of this head unit's own entries after their verdicts: paid late, taken back, and verdicts that the
-- ledger does not have. Each statement brings only what is new since the one before. Sealed, as the statements are.
CREATE TABLE account_row (
    member BLOB NOT NULL CHECK (length(member) = 16),
    server_epoch INTEGER NOT NULL,
    version INTEGER NOT NULL,
    sealed BLOB NOT NULL,
    PRIMARY KEY (member, server_epoch, version)
) STRICT, WITHOUT ROWID;
