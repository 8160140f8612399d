//! The engine on folders that are not what they should be: keys, ledgers and caches of other cars, lost files, a ledger
//! that refuses.

mod car;
mod mixed_up;
mod refused;
