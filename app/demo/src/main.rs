//! The whole world on one machine: broker, vehicle, cloud and head unit.

use std::process::ExitCode;

fn main() -> ExitCode {
    dashpoint_demo::run(std::env::args_os())
}
