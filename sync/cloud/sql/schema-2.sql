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

-- Figures of the trips and sessions that hold a stretch of a meter, by which the next ones of the vehicle are judged.
-- `started` and `ended` are the car's own times, to five minutes; `sure` is set where nothing contradicts them.
CREATE TABLE uses (
    device BLOB NOT NULL,
    epoch INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    vehicle BLOB NOT NULL,
    meter TEXT NOT NULL CHECK (meter IN ('odometer', 'charged', 'discharged')),
    lo INTEGER NOT NULL,
    hi INTEGER NOT NULL,
    receipt_at INTEGER NOT NULL,
    arrived INTEGER NOT NULL,
    started INTEGER NOT NULL,
    ended INTEGER NOT NULL,
    sure INTEGER NOT NULL CHECK (sure IN (0, 1)),
    -- Seconds of driving, seen or missed; 0 for a session.
    lasted INTEGER NOT NULL,
    PRIMARY KEY (device, epoch, seq),
    FOREIGN KEY (device, epoch, seq) REFERENCES entries (device, epoch, seq)
) STRICT;

CREATE INDEX uses_by_reading ON uses (vehicle, meter, hi, arrived, receipt_at);
CREATE INDEX uses_by_receipt ON uses (vehicle, meter, receipt_at, lasted, lo, hi);
CREATE INDEX uses_by_end ON uses (vehicle, meter, ended) WHERE sure = 1;

-- Entries whose evidence is in doubt, each with what it claims: a stretch under review keeps nobody else out.
CREATE TABLE reviews (
    device BLOB NOT NULL,
    epoch INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    vehicle BLOB NOT NULL,
    doubt TEXT NOT NULL,
    opened INTEGER NOT NULL,
    PRIMARY KEY (device, epoch, seq),
    FOREIGN KEY (device, epoch, seq) REFERENCES entries (device, epoch, seq)
) STRICT;

-- An operator's decision on what is held back for an entry, for ever.
CREATE TABLE decisions (
    device BLOB NOT NULL,
    epoch INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    decided INTEGER NOT NULL,
    accepted INTEGER NOT NULL CHECK (accepted IN (0, 1)),
    reason TEXT NOT NULL CHECK (reason <> ''),
    PRIMARY KEY (device, epoch, seq),
    FOREIGN KEY (device, epoch, seq) REFERENCES entries (device, epoch, seq)
) STRICT;

-- Stretches that an operator took from an entry, so that another one can be paid for them, for ever.
CREATE TABLE freed (
    device BLOB NOT NULL,
    epoch INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    vehicle BLOB NOT NULL,
    meter TEXT NOT NULL CHECK (meter IN ('odometer', 'charged', 'discharged')),
    lo INTEGER NOT NULL,
    hi INTEGER NOT NULL,
    freed INTEGER NOT NULL,
    keeps_points INTEGER NOT NULL CHECK (keeps_points IN (0, 1)),
    reason TEXT NOT NULL CHECK (reason <> ''),
    PRIMARY KEY (device, epoch, seq),
    FOREIGN KEY (device, epoch, seq) REFERENCES entries (device, epoch, seq)
) STRICT;

-- Devices that an operator shut out for claiming what was not their own, for ever: their members have no say over the vehicle.
CREATE TABLE frauds (
    device BLOB PRIMARY KEY REFERENCES devices (device),
    said INTEGER NOT NULL,
    reason TEXT NOT NULL CHECK (reason <> '')
) STRICT;

CREATE INDEX intervals_by_entry ON intervals (device, epoch, seq);
CREATE INDEX freed_by_vehicle ON freed (vehicle, meter, lo);

CREATE TRIGGER reviews_stay BEFORE UPDATE ON reviews
BEGIN SELECT RAISE(ABORT, 'a review is never changed'); END;
CREATE TRIGGER reviews_kept BEFORE DELETE ON reviews
BEGIN SELECT RAISE(ABORT, 'a review is never deleted'); END;
CREATE TRIGGER decisions_stay BEFORE UPDATE ON decisions
BEGIN SELECT RAISE(ABORT, 'a decision is never changed'); END;
CREATE TRIGGER decisions_kept BEFORE DELETE ON decisions
BEGIN SELECT RAISE(ABORT, 'a decision is never deleted'); END;
CREATE TRIGGER freed_stay BEFORE UPDATE ON freed
BEGIN SELECT RAISE(ABORT, 'a freed stretch is never changed'); END;
CREATE TRIGGER freed_kept BEFORE DELETE ON freed
BEGIN SELECT RAISE(ABORT, 'a freed stretch is never deleted'); END;

-- Bindings that a clock which was ahead let begin in the future are found without reading all of them.
CREATE INDEX bindings_by_start ON bindings (valid_from);
