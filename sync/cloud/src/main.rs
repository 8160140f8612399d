//! The reference member cloud of Dashpoint, as a program.

use std::process::ExitCode;

fn main() -> ExitCode {
    // What SQLite makes is for its owner alone from the first moment.
    #[cfg(unix)]
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
    dashpoint_cloud::cli::main(
        std::env::args_os(),
        &mut std::io::stdout(),
        &mut std::io::stderr(),
    )
}
