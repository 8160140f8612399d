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
