//! Error messages for people: made here, one line each, with the way out.

use std::io::Write as _;
use std::process::ExitCode;

use dashpoint_store::StoreError;

use crate::books::BooksError;
use crate::bus::MappingError;
use crate::config::ConfigError;
use crate::engine::EngineError;
use crate::explain::ExplainError;
use crate::keys::KeyError;
use crate::window::NoDisplay;

/// Wrong arguments or configuration, as clap has it.
pub const EXIT_USAGE: u8 = 2;

/// A use of the program that the arguments alone do not refuse.
#[derive(Debug, thiserror::Error)]
pub enum UsageError {
    /// The clock of the bus is for tests.
    #[error("clock = \"bus\" is for tests only; add --test, or set clock = \"system\"")]
    BusClock,
    /// Neither the bus nor the configuration tells the VIN.
    #[error(
        "the bus does not tell the VIN; start the vehicle, or set vehicle.vin in the configuration"
    )]
    NoVin,
    /// The configuration is older than the salt.
    #[error(
        "cloud.key has no salt, and the VIN would leave the car for anybody to look up; set it to what \
         `dashpoint-cloud key` prints: KEY.SALT"
    )]
    NoSalt,
    /// A driver that is not issuer and subject.
    #[error(
        "--driver {0:?}: expected ISSUER#SUBJECT, both as the vehicle's bus spells them, such as \
         https://id.example.com#42"
    )]
    Driver(String),
    /// A zone that is none.
    #[error("--zone {0:?}: expected an IANA zone such as Asia/Shanghai")]
    Zone(String),
}

/// Prints one line for a person, with `json` also an object on standard output for a program, and gives the exit code.
#[expect(
    clippy::print_stderr,
    reason = "the one place that speaks to a person about errors"
)]
pub fn report(error: &anyhow::Error, json: bool) -> ExitCode {
    let hint = hint(error);
    let line = one_line(error);
    let line = format!(
        "{line}{}",
        hint.map(|hint| format!("; {hint}")).unwrap_or_default()
    );
    eprintln!("dashpoint: {line}");
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

/// The error and its causes, without those that only repeat the one above.
fn one_line(error: &anyhow::Error) -> String {
    let mut line = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if line.is_empty() {
            line = cause;
        } else if !line.contains(&cause) {
            line = format!("{line}: {cause}");
        }
    }
    line.replace('\n', " ")
}

fn hint(error: &anyhow::Error) -> Option<&'static str> {
    let store = error.chain().find_map(|cause| {
        cause
            .downcast_ref::<StoreError>()
            .or_else(|| match cause.downcast_ref::<BooksError>()? {
                BooksError::Store(store) => Some(store),
                BooksError::NotEnrolled
                | BooksError::OtherCloud(_)
                | BooksError::OwnEntry { .. } => None,
            })
            .or_else(|| match cause.downcast_ref::<EngineError>()? {
                EngineError::Store(store) => Some(store),
                EngineError::Books(_) | EngineError::ShippedPolicy(_) => None,
            })
    });
    match store {
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
        Some(_) => None,
        None if error.chain().any(|cause| cause.is::<KeyError>()) => {
            Some("look at the keys in the data folder")
        }
        None => None,
    }
}
