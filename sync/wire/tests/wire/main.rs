//! The bytes of the protocol: golden vectors, a second reader of them, damage, and the document.

#![expect(
    clippy::unwrap_used,
    reason = "these modules are tests, and their samples too"
)]

mod damage;
mod diagnostic;
mod document;
mod forms;
mod newer;
mod properties;
mod samples;
mod second_reader;
mod sizes;
mod tokens;
mod vectors;
