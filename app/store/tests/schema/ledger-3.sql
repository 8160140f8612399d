CREATE TABLE epoch (
    epoch INTEGER PRIMARY KEY CHECK (epoch BETWEEN 1 AND 8388607),
    hash BLOB NOT NULL CHECK (length(hash) = 32),
    raw BLOB NOT NULL
) STRICT;

CREATE TRIGGER epoch_is_final BEFORE UPDATE ON epoch BEGIN SELECT RAISE(ABORT, 'epoch: never changed'); END;

CREATE TRIGGER epoch_stays BEFORE DELETE ON epoch BEGIN SELECT RAISE(ABORT, 'epoch: never deleted'); END;

CREATE TABLE entry (
    id INTEGER PRIMARY KEY,
    hash BLOB NOT NULL CHECK (length(hash) = 32),
    prev BLOB NOT NULL CHECK (length(prev) = 32),
    raw BLOB NOT NULL,
    private BLOB,
    binding BLOB NOT NULL CHECK (length(binding) = 16),
    trigger INTEGER NOT NULL,
    carried INTEGER NOT NULL CHECK (carried IN (0, 1)),
    points INTEGER NOT NULL,
    at_min INTEGER NOT NULL,
    meter INTEGER,
    meter_from INTEGER,
    meter_to INTEGER,
    made_at INTEGER NOT NULL,
    epoch INTEGER GENERATED ALWAYS AS (id >> 40) VIRTUAL,
    seq INTEGER GENERATED ALWAYS AS (id & 1099511627775) VIRTUAL,
    CHECK ((meter IS NULL) = (meter_from IS NULL) AND (meter IS NULL) = (meter_to IS NULL)),
    CHECK (meter IS NULL OR (meter_from >= 0 AND meter_from <= meter_to))
) STRICT;

CREATE TRIGGER entry_is_chained BEFORE INSERT ON entry BEGIN
    SELECT RAISE(ABORT, 'entry: the place is taken')
    WHERE EXISTS (SELECT 1 FROM entry WHERE id = NEW.id);
    SELECT RAISE(ABORT, 'entry: it does not follow the one before')
    WHERE NEW.prev IS NOT (
        CASE NEW.id & 1099511627775
            WHEN 0 THEN NULL
            WHEN 1 THEN (SELECT hash FROM epoch WHERE epoch = NEW.id >> 40)
            ELSE (SELECT hash FROM entry WHERE id = NEW.id - 1)
        END
    );
    SELECT RAISE(ABORT, 'entry: the one after does not follow it')
    WHERE EXISTS (SELECT 1 FROM entry WHERE id = NEW.id + 1 AND prev IS NOT NEW.hash);
END;

CREATE TRIGGER entry_is_final BEFORE UPDATE ON entry BEGIN SELECT RAISE(ABORT, 'entry: never changed'); END;

CREATE TRIGGER entry_stays BEFORE DELETE ON entry BEGIN SELECT RAISE(ABORT, 'entry: never deleted'); END;

CREATE TABLE stray (
    id INTEGER NOT NULL,
    hash BLOB NOT NULL CHECK (length(hash) = 32),
    prev BLOB NOT NULL,
    raw BLOB NOT NULL,
    private BLOB,
    binding BLOB NOT NULL,
    trigger INTEGER NOT NULL,
    carried INTEGER NOT NULL,
    points INTEGER NOT NULL,
    at_min INTEGER NOT NULL,
    meter INTEGER,
    meter_from INTEGER,
    meter_to INTEGER,
    made_at INTEGER NOT NULL,
    PRIMARY KEY (id, hash)
) STRICT, WITHOUT ROWID;

CREATE TABLE mark (
    meter INTEGER PRIMARY KEY,
    high INTEGER NOT NULL CHECK (high >= 0)
) STRICT;

CREATE TRIGGER mark_only_rises BEFORE UPDATE ON mark WHEN NEW.high < OLD.high OR NEW.meter <> OLD.meter BEGIN
    SELECT RAISE(ABORT, 'mark: never lowered');
END;

CREATE TRIGGER mark_stays BEFORE DELETE ON mark BEGIN SELECT RAISE(ABORT, 'mark: never deleted'); END;

CREATE TABLE awaiting (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    evidence BLOB NOT NULL,
    made_at INTEGER NOT NULL
, private BLOB) STRICT;

CREATE TABLE verdict (
    entry INTEGER NOT NULL REFERENCES entry (id),
    server_epoch INTEGER NOT NULL,
    raw BLOB NOT NULL,
    PRIMARY KEY (entry, server_epoch)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER verdict_is_final BEFORE UPDATE ON verdict BEGIN SELECT RAISE(ABORT, 'verdict: never changed'); END;

CREATE TRIGGER verdict_stays BEFORE DELETE ON verdict BEGIN SELECT RAISE(ABORT, 'verdict: never deleted'); END;

CREATE TABLE receipt (
    server_epoch INTEGER NOT NULL,
    epoch INTEGER NOT NULL,
    through INTEGER NOT NULL,
    server_time INTEGER NOT NULL,
    head BLOB NOT NULL CHECK (length(head) = 32),
    raw BLOB NOT NULL,
    PRIMARY KEY (server_epoch, epoch, through, server_time)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER receipt_is_final BEFORE UPDATE ON receipt BEGIN SELECT RAISE(ABORT, 'receipt: never changed'); END;

CREATE TRIGGER receipt_stays BEFORE DELETE ON receipt BEGIN SELECT RAISE(ABORT, 'receipt: never deleted'); END;

CREATE TABLE certificate (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    raw BLOB NOT NULL UNIQUE
) STRICT;

CREATE TRIGGER certificate_is_final BEFORE UPDATE ON certificate BEGIN
    SELECT RAISE(ABORT, 'certificate: never changed');
END;

CREATE TRIGGER certificate_stays BEFORE DELETE ON certificate BEGIN
    SELECT RAISE(ABORT, 'certificate: never deleted');
END;

CREATE TABLE binding (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    binding BLOB NOT NULL CHECK (length(binding) = 16),
    raw BLOB NOT NULL UNIQUE
) STRICT;

CREATE TRIGGER binding_is_final BEFORE UPDATE ON binding BEGIN SELECT RAISE(ABORT, 'binding: never changed'); END;

CREATE TRIGGER binding_stays BEFORE DELETE ON binding BEGIN SELECT RAISE(ABORT, 'binding: never deleted'); END;

CREATE TABLE meta (
    name TEXT PRIMARY KEY,
    value BLOB NOT NULL
) STRICT, WITHOUT ROWID;
