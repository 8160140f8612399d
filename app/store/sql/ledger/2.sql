-- Private evidence is sealed under the key of the key store: what an entry keeps beside its signed bytes, and what waits to
-- be signed. An entry is never changed once it is written, so what an older program had written in the clear is sealed
-- once, when a program with the key opens the file: in one transaction, with the trigger taken away and put back.

-- What waits keeps its private part apart: without the seal key it is still signed, and only the private part stays closed.
ALTER TABLE awaiting ADD COLUMN private BLOB;

-- While it is there, the file may hold private evidence in the clear.
INSERT INTO meta (name, value)
SELECT 'unsealed', x'01'
WHERE EXISTS (SELECT 1 FROM entry) OR EXISTS (SELECT 1 FROM stray) OR EXISTS (SELECT 1 FROM awaiting);
