//! The kind of transaction that a rule evaluates.

use serde::{Deserialize, Serialize};

use crate::entry::EntryKind;

/// The kind of transaction that a rule evaluates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Trigger {
    /// A trip.
    Trip,
    /// A charging session.
    Charge,
    /// A session of giving back to the grid.
    Discharge,
    /// The daily check-in.
    CheckIn,
}

impl Trigger {
    /// Returns the trigger of the rules that evaluate an entry of this kind; `None` for a kind that no rule evaluates.
    #[must_use]
    pub const fn of(kind: EntryKind) -> Option<Self> {
        match kind {
            EntryKind::Trip => Some(Self::Trip),
            EntryKind::Charge => Some(Self::Charge),
            EntryKind::Discharge => Some(Self::Discharge),
            EntryKind::CheckIn => Some(Self::CheckIn),
            EntryKind::OpenMeter => None,
        }
    }

    /// Returns its name as a policy spells it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Trip => "trip",
            Self::Charge => "charge",
            Self::Discharge => "discharge",
            Self::CheckIn => "check-in",
        }
    }

    /// Returns whether its rules evaluate evidence of driving or charging.
    #[must_use]
    pub const fn is_measured(self) -> bool {
        match self {
            Self::Trip | Self::Charge | Self::Discharge => true,
            Self::CheckIn => false,
        }
    }
}
