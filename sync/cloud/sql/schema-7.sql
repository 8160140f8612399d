-- Version 7. Each section says what it is for; a step that was released is never edited.

-- A leap of the clock ahead, from `known` to `leapt`, that nothing has confirmed yet: what goes by the clock alone waits. `worked_s` is
-- how long the cloud was at work since, by a clock that cannot leap. The row goes when that is a day, or by an operator's word.
CREATE TABLE unconfirmed_clock (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    known INTEGER NOT NULL,
    leapt INTEGER NOT NULL,
    worked_s INTEGER NOT NULL
) STRICT;
