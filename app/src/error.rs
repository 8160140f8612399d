//! Error messages for people: made here, one line each, with the way out.

mod causes;
mod chinese;
mod chinese_config;
mod usage;

use std::io::Write as _;
use std::process::ExitCode;

use dashpoint_ui::locale::Language;

use causes::{is_like_an_entry, one_line, store_error};
use chinese::in_chinese;

pub use usage::{AuthorityUnread, FolderShut, NotWritten, UsageError};

use crate::bus::MappingError;
use crate::config::ConfigError;
use crate::explain::{ExplainError, RecordingError};
use crate::keys::KeyError;
use crate::window::NoDisplay;

/// Wrong arguments or configuration, as clap has it.
pub const EXIT_USAGE: u8 = 2;

/// Prints one line for a person, with `json` also an object on standard output for a program, in English, and gives the exit
/// code.
#[expect(
    clippy::print_stderr,
    reason = "the one place that speaks to a person about errors"
)]
pub fn report(error: &anyhow::Error, json: bool, language: Language) -> ExitCode {
    let line = worded(error, Language::English);
    let told = worded(error, language);
    eprintln!("dashpoint: {told}");
    if json {
        to_program(&line);
    }
    let usage = error.is::<ConfigError>()
        || error.is::<UsageError>()
        || error.is::<NoDisplay>()
        || error.is::<ExplainError>()
        || error.is::<MappingError>();
    if usage {
        ExitCode::from(EXIT_USAGE)
    } else {
        ExitCode::FAILURE
    }
}

/// Words an error in one line with the way out; what has no Chinese is English in both languages.
fn worded(error: &anyhow::Error, language: Language) -> String {
    let chinese = (language == Language::Chinese).then(|| in_chinese(error));
    chinese.flatten().unwrap_or_else(|| {
        let hint = hint(error).map(|hint| format!("; {hint}"));
        one_line(error.chain()) + &hint.unwrap_or_default()
    })
}

/// Prints an error on standard output as a program reads it.
pub fn to_program(line: &str) {
    let told = writeln!(
        std::io::stdout(),
        "{}",
        serde_json::json!({ "error": line })
    );
    if let Err(error) = told {
        tracing::debug!(%error, "nobody reads the output");
    }
}

/// Tells whether a recording that is not there looks like an entry.
fn is_of_no_entry(cause: &(dyn std::error::Error + 'static)) -> bool {
    match cause.downcast_ref() {
        Some(ExplainError::Recording(RecordingError::Unreadable { path, .. })) => {
            is_like_an_entry(path)
        }
        _ => false,
    }
}

fn hint(error: &anyhow::Error) -> Option<&'static str> {
    match store_error(error) {
        Some(store) if store.is_in_use() => {
            Some("stop the other program, or give another data folder")
        }
        Some(store) if store.is_disk_full() => {
            Some("free some space; nothing that was shown is lost")
        }
        Some(store) if store.is_read_only() => Some("mount the data folder writable"),
        Some(store) if store.is_newer_schema() => {
            Some("use the newer program; nothing was changed")
        }
        Some(store) if store.is_corrupt() => {
            Some("start `dashpoint run`: it saves what can be read of the data folder")
        }
        Some(_) => None,
        None if error.chain().any(is_of_no_entry) => {
            Some("entries are written EPOCH-SEQ, such as 1-1")
        }
        None if error.chain().any(|cause| cause.is::<KeyError>()) => {
            Some("look at the keys in the data folder")
        }
        None => None,
    }
}
