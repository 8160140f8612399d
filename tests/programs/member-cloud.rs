//! The member cloud as a program of its own, so that the tests can start and kill it.

use std::process::ExitCode;

fn main() -> ExitCode {
    dashpoint_cloud::cli::main(
        std::env::args_os(),
        &mut std::io::stdout(),
        &mut std::io::stderr(),
    )
}
