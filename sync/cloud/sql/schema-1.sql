-- The cloud's database, version 1. Plain SQL and no extensions: the same tables stand on PostgreSQL for a fleet.
--
-- The log is keyed by device, the effect by member; both are written in one transaction. Ids are raw bytes, times are
-- seconds since 1970-01-01T00:00:00Z, and what was signed is kept as the bytes that were signed.

-- One row: which life of the database this is, and whose clock it goes by.
CREATE TABLE cloud (
    one INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
    server_epoch INTEGER NOT NULL CHECK (server_epoch >= 1),
    clock TEXT NOT NULL CHECK (clock IN ('system', 'posted')),
    -- Newest event time that was posted; only a cloud with a posted clock reads it.
    posted_now INTEGER NOT NULL
) STRICT;

-- `account` is everything that the rules know of the member; the columns after it repeat what reports ask for.
CREATE TABLE members (
    member BLOB NOT NULL PRIMARY KEY CHECK (length(member) = 16),
    name TEXT NOT NULL,
    zone TEXT NOT NULL,
    joined INTEGER NOT NULL,
    account TEXT NOT NULL,
    version INTEGER NOT NULL,
    balance INTEGER NOT NULL CHECK (balance >= 0),
    growth INTEGER NOT NULL,
    arrears INTEGER NOT NULL CHECK (arrears >= 0),
    tier TEXT NOT NULL
) STRICT;

-- Points that expire together, as the account holds them now: rewritten with it.
CREATE TABLE lots (
    member BLOB NOT NULL REFERENCES members (member),
    lot INTEGER NOT NULL,
    points INTEGER NOT NULL CHECK (points > 0),
    remaining INTEGER NOT NULL CHECK (remaining > 0 AND remaining <= points),
    expires INTEGER NOT NULL,
    PRIMARY KEY (member, lot)
) STRICT;

CREATE INDEX lots_by_expiry ON lots (expires);

-- Every change of every account, for ever.
CREATE TABLE settlements (
    member BLOB NOT NULL REFERENCES members (member),
    version INTEGER NOT NULL,
    at INTEGER NOT NULL,
    kind TEXT NOT NULL,
    cause TEXT NOT NULL,
    points INTEGER NOT NULL,
    growth INTEGER NOT NULL,
    arrears INTEGER NOT NULL,
    promoted TEXT,
    PRIMARY KEY (member, version)
) STRICT;

-- From which lots a debit was taken.
CREATE TABLE allocations (
    member BLOB NOT NULL,
    version INTEGER NOT NULL,
    lot INTEGER NOT NULL,
    points INTEGER NOT NULL,
    -- Points of the lot when it was made.
    size INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    PRIMARY KEY (member, version, lot),
    FOREIGN KEY (member, version) REFERENCES settlements (member, version)
) STRICT;

-- Enrolled head units, each with the head of its chain. `forked` is set once two different entries for one place of
-- the chain were seen; both are kept (table forks).
CREATE TABLE devices (
    device BLOB NOT NULL PRIMARY KEY CHECK (length(device) = 16),
    vehicle BLOB NOT NULL CHECK (length(vehicle) = 16),
    vin_last4 TEXT NOT NULL,
    key BLOB NOT NULL UNIQUE CHECK (length(key) = 32),
    certificate BLOB NOT NULL,
    enrolled INTEGER NOT NULL,
    valid_until INTEGER NOT NULL,
    revoked INTEGER,
    forked INTEGER,
    epoch INTEGER NOT NULL CHECK (epoch >= 1),
    seq INTEGER NOT NULL CHECK (seq >= 0),
    head BLOB NOT NULL CHECK (length(head) = 32),
    cap_time INTEGER NOT NULL,
    receipt_at INTEGER NOT NULL,
    chain_entries INTEGER NOT NULL,
    chain_points INTEGER NOT NULL,
    -- The last receipt that was signed for it.
    receipt BLOB
) STRICT;

CREATE INDEX devices_by_vehicle ON devices (vehicle);

-- Epoch grants, each with the head that the device named when it asked: until the epoch has an entry, the same request
-- gets the same bytes again. A disk restored twice from one backup asks twice with one head, for two epochs.
CREATE TABLE grants (
    device BLOB NOT NULL REFERENCES devices (device),
    epoch INTEGER NOT NULL,
    raw BLOB NOT NULL,
    issued INTEGER NOT NULL,
    asked_epoch INTEGER,
    asked_seq INTEGER,
    asked_head BLOB,
    PRIMARY KEY (device, epoch)
) STRICT;

-- Which member a device's entries may be for.
CREATE TABLE bindings (
    binding BLOB NOT NULL PRIMARY KEY CHECK (length(binding) = 16),
    device BLOB NOT NULL REFERENCES devices (device),
    member BLOB NOT NULL REFERENCES members (member),
    driver BLOB,
    valid_from INTEGER NOT NULL,
    valid_until INTEGER NOT NULL,
    raw BLOB NOT NULL
) STRICT;

CREATE INDEX bindings_by_device ON bindings (device);
CREATE INDEX bindings_by_member ON bindings (member);

-- The log. `origin` is the hash of the first entry that said the same: its own, or for a carry the one it names.
CREATE TABLE entries (
    device BLOB NOT NULL REFERENCES devices (device),
    epoch INTEGER NOT NULL,
    seq INTEGER NOT NULL CHECK (seq >= 1),
    hash BLOB NOT NULL CHECK (length(hash) = 32),
    origin BLOB NOT NULL CHECK (length(origin) = 32),
    vehicle BLOB NOT NULL,
    member BLOB REFERENCES members (member),
    arrived INTEGER NOT NULL,
    verdict TEXT NOT NULL,
    raw BLOB NOT NULL,
    PRIMARY KEY (device, epoch, seq)
) STRICT;

CREATE INDEX entries_by_origin ON entries (vehicle, origin);
CREATE INDEX entries_by_member ON entries (member);

-- Stretches of each vehicle's lifetime meters that were paid, whichever device claimed them.
CREATE TABLE intervals (
    vehicle BLOB NOT NULL,
    meter TEXT NOT NULL CHECK (meter IN ('odometer', 'charged', 'discharged')),
    lo INTEGER NOT NULL CHECK (lo >= 0),
    hi INTEGER NOT NULL CHECK (hi > lo),
    device BLOB NOT NULL,
    epoch INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    PRIMARY KEY (vehicle, meter, lo),
    FOREIGN KEY (device, epoch, seq) REFERENCES entries (device, epoch, seq)
) STRICT;

-- The other entry for a place of a chain that was taken already: evidence of a restored or a cloned disk.
CREATE TABLE forks (
    device BLOB NOT NULL REFERENCES devices (device),
    epoch INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    hash BLOB NOT NULL,
    seen INTEGER NOT NULL,
    raw BLOB NOT NULL,
    PRIMARY KEY (device, epoch, seq, hash)
) STRICT;

CREATE TABLE policies (
    version INTEGER NOT NULL PRIMARY KEY,
    signed INTEGER NOT NULL,
    raw BLOB NOT NULL
) STRICT;

CREATE TABLE catalogues (
    version INTEGER NOT NULL PRIMARY KEY,
    signed INTEGER NOT NULL,
    raw BLOB NOT NULL
) STRICT;

-- Head units that ask to be enrolled. The id is known to the car alone, the code is what a person types or scans.
CREATE TABLE enrolments (
    enrolment BLOB NOT NULL PRIMARY KEY CHECK (length(enrolment) = 16),
    code TEXT NOT NULL UNIQUE,
    key BLOB NOT NULL CHECK (length(key) = 32),
    vehicle BLOB NOT NULL CHECK (length(vehicle) = 16),
    vin_last4 TEXT NOT NULL,
    driver BLOB,
    asked INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    answer TEXT NOT NULL CHECK (answer IN ('waiting', 'refused', 'approved')),
    binding BLOB REFERENCES bindings (binding)
) STRICT;

-- What was signed, settled or answered is never changed and never deleted.
CREATE TRIGGER settlements_stay BEFORE UPDATE ON settlements
BEGIN SELECT RAISE(ABORT, 'a settlement is never changed'); END;
CREATE TRIGGER settlements_kept BEFORE DELETE ON settlements
BEGIN SELECT RAISE(ABORT, 'a settlement is never deleted'); END;
CREATE TRIGGER allocations_stay BEFORE UPDATE ON allocations
BEGIN SELECT RAISE(ABORT, 'an allocation is never changed'); END;
CREATE TRIGGER allocations_kept BEFORE DELETE ON allocations
BEGIN SELECT RAISE(ABORT, 'an allocation is never deleted'); END;
CREATE TRIGGER entries_stay BEFORE UPDATE ON entries
BEGIN SELECT RAISE(ABORT, 'an entry is never changed'); END;
CREATE TRIGGER entries_kept BEFORE DELETE ON entries
BEGIN SELECT RAISE(ABORT, 'an entry is never deleted'); END;
CREATE TRIGGER forks_stay BEFORE UPDATE ON forks
BEGIN SELECT RAISE(ABORT, 'evidence of a fork is never changed'); END;
CREATE TRIGGER forks_kept BEFORE DELETE ON forks
BEGIN SELECT RAISE(ABORT, 'evidence of a fork is never deleted'); END;
CREATE TRIGGER grants_stay BEFORE UPDATE ON grants
BEGIN SELECT RAISE(ABORT, 'a grant is never changed'); END;
CREATE TRIGGER grants_kept BEFORE DELETE ON grants
BEGIN SELECT RAISE(ABORT, 'a grant is never deleted'); END;
CREATE TRIGGER policies_stay BEFORE UPDATE ON policies
BEGIN SELECT RAISE(ABORT, 'a policy is never changed'); END;
CREATE TRIGGER policies_kept BEFORE DELETE ON policies
BEGIN SELECT RAISE(ABORT, 'a policy is never deleted'); END;
