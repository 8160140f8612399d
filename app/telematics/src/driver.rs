//! The driver, as the bus names him.

use serde::{Deserialize, Serialize};

/// The driver, as the bus names him. The member behind the name is not known here.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Driver {
    /// This car does not say.
    Unidentified,
    /// This car says that it knows nobody.
    Guest,
    /// The one that this issuer vouches for.
    Named {
        /// Issuer of the identity.
        issuer: String,
        /// For whom.
        subject: String,
    },
}

/// The subject of a car that has named somebody and no longer says who drives.
const UNDEFINED: &str = "UNDEFINED";

impl Driver {
    /// Issuer and subject, when there are.
    #[must_use]
    pub fn named(&self) -> Option<(&str, &str)> {
        match self {
            Self::Named { issuer, subject } => Some((issuer, subject)),
            Self::Unidentified | Self::Guest => None,
        }
    }

    pub(crate) fn of(issuer: Option<&str>, subject: Option<&str>) -> Self {
        match (issuer, subject) {
            (None, None) | (_, Some(UNDEFINED)) => Self::Unidentified,
            (_, None | Some("")) => Self::Guest,
            (issuer, Some(subject)) => Self::Named {
                issuer: issuer.unwrap_or_default().to_owned(),
                subject: subject.to_owned(),
            },
        }
    }
}
