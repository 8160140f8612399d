//! Names that mean no one, or several.

use std::fmt::{self, Display};

/// A kind of what an operator names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NamedKind {
    /// A member.
    Member,
    /// A head unit.
    Device,
    /// A vehicle.
    Vehicle,
}

/// A name that does not mean one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NameError {
    /// None has it.
    Nobody {
        /// Kind of the named.
        kind: NamedKind,
        /// The name, or the beginning of an id.
        typed: String,
    },
    /// Several have it.
    Several {
        /// Kind of the named.
        kind: NamedKind,
        /// The name, or the beginning of an id.
        typed: String,
        /// Each with its id.
        choices: Vec<String>,
    },
}

impl Display for NameError {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nobody { kind, typed } => {
                let has = match kind {
                    NamedKind::Member => "no member has the name",
                    NamedKind::Device => "no device has the id",
                    NamedKind::Vehicle => "no vehicle has a VIN whose last four characters are",
                };
                let or = match kind {
                    NamedKind::Member | NamedKind::Vehicle => "an id",
                    NamedKind::Device => "one",
                };
                write!(
                    to,
                    "{has} {typed:?}, or {or} of which these are the first digits, at least eight: see `{}`",
                    kind.list()
                )
            }
            Self::Several {
                kind,
                typed,
                choices,
            } => {
                const SHOWN_MAX: usize = 8;
                let shown = choices.get(..SHOWN_MAX).unwrap_or(choices).join(", ");
                let more = if choices.len() > SHOWN_MAX {
                    format!(", and more (`{}`)", kind.list())
                } else {
                    String::new()
                };
                let many = match kind {
                    NamedKind::Member => "members",
                    NamedKind::Device => "devices",
                    NamedKind::Vehicle => "vehicles",
                };
                write!(
                    to,
                    "{typed:?} means {} {many}: {shown}{more}; give the id, or more of it",
                    choices.len()
                )
            }
        }
    }
}

impl NamedKind {
    /// The command that lists them.
    const fn list(self) -> &'static str {
        match self {
            Self::Member => "member list",
            Self::Device => "device list",
            Self::Vehicle => "device list --json",
        }
    }
}
