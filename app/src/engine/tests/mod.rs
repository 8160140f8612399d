//! The engine on folders that are not what they should be: keys, ledgers and caches of other cars, lost files, a ledger
//! that refuses; on names of either form; a cloud whose clock is wrong; and a bus that says something each few minutes.

mod attempts;
mod car;
mod last_seen;
mod meters;
mod mixed_up;
mod named;
mod newer;
mod refused;
mod silent;
mod wrong_time;
