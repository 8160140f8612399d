//! The head unit as a program of its own, so that the tests can start, kill and question it.

use std::process::ExitCode;

fn main() -> ExitCode {
    dashpoint::run(std::env::args_os())
}
