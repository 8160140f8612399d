-- Version 8. Each section says what it is for; a step that was released is never edited.

-- Meters have numbers: a battery or an instrument cluster that is replaced brings the next one of its quantity. What was stored before
-- is of the first. The key of `intervals` has the number in it, so the table is made anew.
CREATE TABLE numbered_intervals (
    vehicle BLOB NOT NULL,
    meter TEXT NOT NULL CHECK (meter IN ('odometer', 'charged', 'discharged')),
    number INTEGER NOT NULL CHECK (number >= 1),
    lo INTEGER NOT NULL CHECK (lo >= 0),
    hi INTEGER NOT NULL CHECK (hi > lo),
    device BLOB NOT NULL,
    epoch INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    given TEXT,
    PRIMARY KEY (vehicle, meter, number, lo),
    FOREIGN KEY (device, epoch, seq) REFERENCES entries (device, epoch, seq)
) STRICT;

INSERT INTO numbered_intervals (vehicle, meter, number, lo, hi, device, epoch, seq, given)
SELECT vehicle, meter, 1, lo, hi, device, epoch, seq, given FROM intervals ORDER BY rowid;

DROP TABLE intervals;
ALTER TABLE numbered_intervals RENAME TO intervals;
CREATE INDEX intervals_by_entry ON intervals (device, epoch, seq);

ALTER TABLE freed ADD COLUMN number INTEGER NOT NULL DEFAULT 1 CHECK (number >= 1);
ALTER TABLE awaited ADD COLUMN number INTEGER NOT NULL DEFAULT 1 CHECK (number >= 1);
ALTER TABLE uses ADD COLUMN number INTEGER NOT NULL DEFAULT 1 CHECK (number >= 1);

DROP INDEX awaited_by_meter;
CREATE INDEX awaited_by_meter ON awaited (vehicle, meter, number, lo) WHERE gone IS NULL AND meter IS NOT NULL;
DROP INDEX uses_by_reading;
CREATE INDEX uses_by_reading ON uses (vehicle, meter, number, hi, arrived, receipt_at);

-- Entries that open a meter, by the vehicle and the hash of the first entry that said it: a restore takes them over before their
-- entries come again. Those that are `open` have their number for themselves; the others wait for an operator, or were refused.
-- `receipt_at` is the newest receipt that the car is known to have held then.
CREATE TABLE openings (
    vehicle BLOB NOT NULL CHECK (length(vehicle) = 16),
    origin BLOB NOT NULL CHECK (length(origin) = 32),
    meter TEXT NOT NULL CHECK (meter IN ('odometer', 'charged', 'discharged')),
    number INTEGER NOT NULL CHECK (number >= 2),
    device BLOB NOT NULL CHECK (length(device) = 16),
    epoch INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    last_reading INTEGER NOT NULL CHECK (last_reading >= 0),
    first_reading INTEGER NOT NULL CHECK (first_reading >= 0),
    since INTEGER NOT NULL,
    receipt_at INTEGER NOT NULL,
    arrived INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('waits', 'open', 'refused')),
    PRIMARY KEY (vehicle, origin)
) STRICT;

CREATE UNIQUE INDEX openings_open ON openings (vehicle, meter, number) WHERE state = 'open';
CREATE INDEX openings_by_entry ON openings (device, epoch, seq);

-- Words of an operator on an opening, for ever. A correction has the readings that hold since.
CREATE TABLE opening_words (
    vehicle BLOB NOT NULL,
    origin BLOB NOT NULL,
    said INTEGER NOT NULL,
    word TEXT NOT NULL CHECK (word IN ('accepted', 'corrected', 'refused')),
    last_reading INTEGER NOT NULL,
    first_reading INTEGER NOT NULL,
    reason TEXT NOT NULL CHECK (reason <> ''),
    FOREIGN KEY (vehicle, origin) REFERENCES openings (vehicle, origin)
) STRICT;

CREATE INDEX opening_words_by_opening ON opening_words (vehicle, origin);

CREATE TRIGGER opening_words_stay BEFORE UPDATE ON opening_words
BEGIN SELECT RAISE(ABORT, 'a word on a meter is never changed'); END;
CREATE TRIGGER opening_words_kept BEFORE DELETE ON opening_words
BEGIN SELECT RAISE(ABORT, 'a word on a meter is never deleted'); END;
CREATE TRIGGER openings_kept BEFORE DELETE ON openings
BEGIN SELECT RAISE(ABORT, 'the opening of a meter is never deleted'); END;

-- What was claimed on a meter that was not open waits with its opening, and is judged again once that is there.
ALTER TABLE reviews ADD COLUMN awaits_meter INTEGER NOT NULL DEFAULT 0 CHECK (awaits_meter IN (0, 1));
