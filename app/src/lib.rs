//! The head unit: configuration, clock, keys, runtime and command line.
//!
//! [`run`] is the whole program, so that another binary can be a head unit too. The engine thread decides; the tokio
//! runtime beside it holds the bus and the network, which are both lossy and trusted with nothing.

mod books;
mod bus;
mod cli;
mod clock;
mod config;
mod engine;
mod error;
mod keys;
mod net;
mod random;
mod socket;

pub use cli::run;
