-- Version 6. Each section says what it is for; a step that was released is never edited.

-- Entries that the database before a restore had, that this one lacks and that their head units send again: what became of each, with
-- the bytes that it had there, and the stretch `lo` to `hi` that it held, which nobody else is paid for meanwhile. A row goes when its
-- entry comes. `gone` is the time at which its stretch became free before it came: its head unit was shut out, or an operator freed it.
CREATE TABLE awaited (
    vehicle BLOB NOT NULL,
    origin BLOB NOT NULL,
    device BLOB NOT NULL,
    epoch INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    outcome TEXT NOT NULL,
    raw BLOB NOT NULL,
    meter TEXT CHECK (meter IN ('odometer', 'charged', 'discharged')),
    lo INTEGER,
    hi INTEGER,
    gone INTEGER,
    PRIMARY KEY (vehicle, origin),
    CHECK ((meter IS NULL) = (lo IS NULL) AND (meter IS NULL) = (hi IS NULL))
) STRICT;

CREATE INDEX awaited_by_meter ON awaited (vehicle, meter, lo) WHERE gone IS NULL AND meter IS NOT NULL;
CREATE INDEX awaited_by_entry ON awaited (device, epoch, seq);
