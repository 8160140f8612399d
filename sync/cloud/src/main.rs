//! The reference member cloud of Dashpoint, as a program.

use std::process::ExitCode;

fn main() -> ExitCode {
    dashpoint_cloud::cli::main(
        std::env::args_os(),
        &mut std::io::stdout(),
        &mut std::io::stderr(),
    )
}
