-- Version 5. Each section says what it is for; a step that was released is never edited.

-- What an act could not take from an entry because it was gone by itself: points that had expired with their lot (`version` is the
-- expiry), growth value that a review of the tier had dropped (`version` is the review). It stays gone when the expiry or the review
-- is taken back. `by_version` is the settlement of the act.
CREATE TABLE forgone (
    member BLOB NOT NULL,
    version INTEGER NOT NULL,
    by_version INTEGER NOT NULL,
    points INTEGER NOT NULL CHECK (points >= 0),
    growth INTEGER NOT NULL CHECK (growth >= 0),
    PRIMARY KEY (member, version, by_version),
    FOREIGN KEY (member, version) REFERENCES settlements (member, version),
    FOREIGN KEY (member, by_version) REFERENCES settlements (member, version)
) STRICT;

CREATE TRIGGER forgone_stay BEFORE UPDATE ON forgone
BEGIN SELECT RAISE(ABORT, 'what is forgone is never changed'); END;
CREATE TRIGGER forgone_kept BEFORE DELETE ON forgone
BEGIN SELECT RAISE(ABORT, 'what is forgone is never deleted'); END;
