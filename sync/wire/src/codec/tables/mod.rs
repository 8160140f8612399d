//! The key tables of the types of membership.
//!
//! A number that was once given is never given to something else.

mod account;
mod benefit;
mod entry;
mod meter;
mod newtypes;
mod policy;
mod trip;
