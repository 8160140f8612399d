-- Version 2. Each section says what it is for; a step that was released is never edited.

-- Enrolment of a vehicle that earns for somebody already. A request stays `waiting` when its own member has said yes:
-- who that was stands in `claims` until one of the vehicle's members or the operator gives his word.
CREATE TABLE claims (
    enrolment BLOB NOT NULL PRIMARY KEY REFERENCES enrolments (enrolment) ON DELETE CASCADE,
    member BLOB NOT NULL REFERENCES members (member),
    claimed INTEGER NOT NULL
) STRICT;

CREATE INDEX claims_by_member ON claims (member);

-- By whose word a binding was made for a vehicle that earned for others: a member of it, or the operator with a reason.
CREATE TABLE consents (
    binding BLOB NOT NULL PRIMARY KEY REFERENCES bindings (binding),
    given INTEGER NOT NULL,
    member BLOB REFERENCES members (member),
    reason TEXT,
    CHECK ((member IS NULL) <> (reason IS NULL))
) STRICT;

CREATE TRIGGER consents_stay BEFORE UPDATE ON consents
BEGIN SELECT RAISE(ABORT, 'a consent is never changed'); END;
CREATE TRIGGER consents_kept BEFORE DELETE ON consents
BEGIN SELECT RAISE(ABORT, 'a consent is never deleted'); END;

-- The clock and the key. `known` is the newest time at which this database was at work: a clock that leaps against it is
-- not believed. `key` is the public key of the cloud whose database this is, from its next start on.
ALTER TABLE cloud ADD COLUMN known INTEGER NOT NULL DEFAULT 0;
ALTER TABLE cloud ADD COLUMN key BLOB CHECK (key IS NULL OR length(key) = 32);
UPDATE cloud SET known = (
    SELECT coalesce(max(at), 0) FROM (
        SELECT max(arrived) AS at FROM entries
        UNION ALL SELECT max(at) FROM settlements
        UNION ALL SELECT max(issued) FROM grants
        UNION ALL SELECT max(signed) FROM policies
        UNION ALL SELECT max(signed) FROM catalogues
        UNION ALL SELECT max(enrolled) FROM devices
        UNION ALL SELECT max(joined) FROM members
        UNION ALL SELECT posted_now FROM cloud
    )
);

-- Leaps of the clock that an operator has taken for right, with the reason that was given.
CREATE TABLE accepted_clocks (
    number INTEGER NOT NULL PRIMARY KEY,
    known INTEGER NOT NULL,
    now INTEGER NOT NULL,
    reason TEXT NOT NULL
) STRICT;

CREATE TRIGGER accepted_clocks_stay BEFORE UPDATE ON accepted_clocks
BEGIN SELECT RAISE(ABORT, 'an accepted clock is never changed'); END;
CREATE TRIGGER accepted_clocks_kept BEFORE DELETE ON accepted_clocks
BEGIN SELECT RAISE(ABORT, 'an accepted clock is never deleted'); END;

-- Times of the receipts and grants that were signed for a device, as far back as an entry may still name one as new: the
-- offline allowance counts from one of them. The last receipt of each device is read into it when the cloud starts.
CREATE TABLE receipt_times (
    device BLOB NOT NULL REFERENCES devices (device),
    at INTEGER NOT NULL,
    PRIMARY KEY (device, at)
) STRICT, WITHOUT ROWID;

INSERT INTO receipt_times (device, at) SELECT DISTINCT device, issued FROM grants;

-- What each device has stored lately: buckets that run out evenly, all of a day's measure in a day, `level` of it being
-- used at `at`; and, under `branches-left-out`, how many entries of other branches were not kept.
CREATE TABLE intake (
    device BLOB NOT NULL REFERENCES devices (device),
    kind TEXT NOT NULL CHECK (kind IN ('entries', 'bytes', 'epochs', 'branches-left-out')),
    at INTEGER NOT NULL,
    level INTEGER NOT NULL CHECK (level >= 0),
    PRIMARY KEY (device, kind)
) STRICT;

-- Expiries that were given back, each at most once, with the settlement that did it; the reason stands in its cause.
CREATE TABLE expiries_reversed (
    member BLOB NOT NULL,
    version INTEGER NOT NULL,
    by_version INTEGER NOT NULL,
    PRIMARY KEY (member, version),
    FOREIGN KEY (member, version) REFERENCES settlements (member, version),
    FOREIGN KEY (member, by_version) REFERENCES settlements (member, version)
) STRICT;

CREATE TRIGGER expiries_reversed_stay BEFORE UPDATE ON expiries_reversed
BEGIN SELECT RAISE(ABORT, 'a reversed expiry is never changed'); END;
CREATE TRIGGER expiries_reversed_kept BEFORE DELETE ON expiries_reversed
BEGIN SELECT RAISE(ABORT, 'a reversed expiry is never deleted'); END;
