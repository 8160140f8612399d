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
