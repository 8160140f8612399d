//! Names that an operator typed and that mean nobody, or several.

use std::fmt::{self, Display};

/// A kind of what an operator names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Named {
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
        /// What was named.
        kind: Named,
        /// The name, or the beginning of an id.
        typed: String,
    },
    /// Several have it.
    Several {
        /// What was named.
        kind: Named,
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
                    Named::Member => "no member has the name",
                    Named::Device => "no device has the id",
                    Named::Vehicle => "no vehicle has a VIN that ends with",
                };
                let or = match kind {
                    Named::Member | Named::Vehicle => "an id",
                    Named::Device => "one",
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
                    Named::Member => "members",
                    Named::Device => "devices",
                    Named::Vehicle => "vehicles",
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

impl Named {
    /// The command that lists them.
    const fn list(self) -> &'static str {
        match self {
            Self::Member => "member list",
            Self::Device => "device list",
            Self::Vehicle => "device list --json",
        }
    }
}
