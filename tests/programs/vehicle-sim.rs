//! The simulator as a program of its own, for what is written down to be typed.

use std::process::ExitCode;

fn main() -> ExitCode {
    vehicle_sim::run(std::env::args_os())
}
