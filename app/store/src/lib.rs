//! The SQLite files of the car: the ledger that must never be lost and the cache that can be rebuilt.
