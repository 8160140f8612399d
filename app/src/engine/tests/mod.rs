//! The engine on folders that are not what they should be: keys, ledgers and caches of other cars, lost files, a ledger
//! that refuses; and a cloud whose clock is wrong.

mod car;
mod mixed_up;
mod refused;
mod wrong_time;
