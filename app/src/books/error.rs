//! Reasons that the books cannot be opened.

use dashpoint_store::StoreError;
use dashpoint_wire::WireError;

/// Reasons that the books cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum BooksError {
    /// There is no certificate, no binding or no epoch yet.
    #[error("this head unit is not enrolled; run `dashpoint enrol` first")]
    NotEnrolled,
    /// The certificate is not of the cloud that the configuration names.
    #[error("this head unit was enrolled with another cloud than cloud.key names")]
    OtherCloud(#[source] WireError),
    /// An entry of its own does not verify.
    #[error("entry {seq} of epoch {epoch} does not verify; run `dashpoint ledger --verify`")]
    OwnEntry {
        /// Its epoch.
        epoch: u32,
        /// Its place.
        seq: u64,
        /// The cause.
        source: WireError,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl BooksError {
    /// Returns whether the ledger is damaged: opening the folder again with [`dashpoint_store::CheckDepth::Full`] salvages
    /// it.
    #[must_use]
    pub fn is_damage(&self) -> bool {
        match self {
            Self::OwnEntry { .. } => true,
            Self::Store(error) => error.is_corrupt(),
            Self::NotEnrolled | Self::OtherCloud(_) => false,
        }
    }
}
