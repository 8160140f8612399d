//! The demo, built with the tests that start it.

use std::process::ExitCode;

fn main() -> ExitCode {
    dashpoint_demo::run(std::env::args_os())
}
