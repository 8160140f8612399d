-- Version 3. Each section says what it is for; a step that was released is never edited.

-- Energy of a trip beyond what one trip can give back and take, in watt-hours; below 0 when there is room, 0 for a session and
-- for what was stored before. A trip may be off by what its counters are rounded by, many trips together by no more.
ALTER TABLE uses ADD COLUMN regained_over INTEGER NOT NULL DEFAULT 0;
ALTER TABLE uses ADD COLUMN used_over INTEGER NOT NULL DEFAULT 0;
