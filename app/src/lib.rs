//! The head unit: configuration, clock, keys, runtime and command line.
//!
//! [`run`] is the whole program, so that another binary can be a head unit too. The engine thread decides; the tokio
//! runtime beside it holds the bus and the network, which are both lossy and trusted with nothing. What a simulation
//! drives by hand is public: [`engine`], [`books`], and the clocks and the randomness that they are given.
//!
//! [`GLOSSARY.md`](../../../GLOSSARY.md) at the top of the repository explains each term in one sentence.

mod abilities;
pub mod books;
mod bus;
mod cli;
pub mod clock;
mod cloud_clock;
mod command;
mod config;
mod data_folder;
pub mod engine;
mod enrolment;
mod entry_status;
mod error;
mod explain;
mod keys;
mod language;
mod live;
mod names;
mod net;
mod other_car;
pub mod random;
mod runtime;
mod screen;
mod socket;
mod survey;
mod unpaid;
mod waiting;
mod window;

pub use bus::BusInput;
pub use cli::{run, wrong_in_one_line};
pub use language::of_command_line as default_language;
