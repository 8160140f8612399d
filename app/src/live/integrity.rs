//! State of the check of the whole ledger.

use serde::{Deserialize, Serialize};

/// Result of the check of the whole ledger. A damaged one is not listed: the head unit salvages it and begins again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum IntegrityStatus {
    /// It is not over.
    #[default]
    NotYet,
    /// Every page and every link is as it should be.
    Whole,
    /// The device did not give all of it.
    Unread,
}
