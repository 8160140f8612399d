//! The program; all of it is in the library, so that tests can be it.

use std::process::ExitCode;

fn main() -> ExitCode {
    vehicle_sim::run(std::env::args_os())
}
