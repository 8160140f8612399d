-- Version 4. Each section says what it is for; a step that was released is never edited.

-- Whether what is held back for evidence in doubt took its room in the caps, and its thousandths, when it came: it did in what was
-- stored before. Since then it takes them when an operator accepts it.
ALTER TABLE reviews ADD COLUMN took_room INTEGER NOT NULL DEFAULT 1 CHECK (took_room IN (0, 1));

-- What the entry that holds a stretch was given by each rule, to the thousandth, and against the caps of which day, in JSON; not
-- known of what was stored before. It is what taking the stretch back undoes, and a stretch for which nothing was given becomes free
-- with its device.
ALTER TABLE intervals ADD COLUMN given TEXT;

-- The last life of the database in which a device has shown what the cloud signed for it when it was enrolled: a binding that is
-- not there then is one that this cloud never gave.
CREATE TABLE proofs (
    device BLOB NOT NULL PRIMARY KEY REFERENCES devices (device),
    server_epoch INTEGER NOT NULL
) STRICT;

-- Head units that an operator shut out and that this database does not know, for ever: one that a restore has lost shows its
-- enrolment, and would be let in again.
CREATE TABLE barred (
    device BLOB PRIMARY KEY,
    said INTEGER NOT NULL,
    reason TEXT
) STRICT;

CREATE TRIGGER barred_stay BEFORE UPDATE ON barred
BEGIN SELECT RAISE(ABORT, 'a barred device is never changed'); END;
CREATE TRIGGER barred_kept BEFORE DELETE ON barred
BEGIN SELECT RAISE(ABORT, 'a barred device is never deleted'); END;
