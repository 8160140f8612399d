//! Errors as people and programs read them.

use std::io::{self, Write};

/// Writes an error on standard output as a program reads it.
pub fn to_program(line: &str) {
    // Whoever does not read the output reads the exit code.
    drop(writeln!(
        io::stdout(),
        "{}",
        serde_json::json!({ "error": line })
    ));
}

/// Writes the error and its causes in one line, without causes that the line has already.
#[must_use]
pub fn in_one_line(error: &anyhow::Error) -> String {
    let mut line = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if line.is_empty() {
            line = cause;
        } else if !line.contains(&cause) {
            line = format!("{line}: {cause}");
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;

    use super::*;

    #[test]
    fn a_cause_that_the_line_has_already_is_not_said_again() {
        let error = anyhow!("Error code 13: database or disk is full")
            .context("database or disk is full")
            .context("the database refused: Error code 13: database or disk is full")
            .context("the cloud cannot be made");
        assert_eq!(
            in_one_line(&error),
            "the cloud cannot be made: the database refused: Error code 13: database or disk is full"
        );
    }
}
