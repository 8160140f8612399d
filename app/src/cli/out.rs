//! The output of commands.

use std::fmt::Arguments;
use std::io::{ErrorKind, Write};
use std::process;

use serde::Serialize;

/// Prints a line of a command's output.
///
/// Whoever stopped reading, as `| head` does, has what he wanted: the program ends without a word.
pub(super) fn line(text: Arguments<'_>) {
    if let Err(error) = writeln!(std::io::stdout(), "{text}") {
        process::exit(i32::from(error.kind() != ErrorKind::BrokenPipe));
    }
}

/// Prints a line of a command's output, worded as by `println!`.
macro_rules! outln {
    () => { $crate::cli::out::line(format_args!("")) };
    ($($words:tt)*) => { $crate::cli::out::line(format_args!($($words)*)) };
}
pub(super) use outln;

/// Prints a report as JSON.
pub(super) fn print_json(report: &impl Serialize) -> anyhow::Result<()> {
    outln!("{}", serde_json::to_string_pretty(report)?);
    Ok(())
}
