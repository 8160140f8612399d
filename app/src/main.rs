//! The head unit.

use std::process::ExitCode;

fn main() -> ExitCode {
    dashpoint::run(std::env::args_os())
}
