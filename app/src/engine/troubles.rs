//! Refusals of the disk.

use crate::live::DiskTrouble;

/// Last refusals of the disk, file by file: one may be writable where the other is not.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Troubles {
    /// Of the ledger.
    pub ledger: Option<DiskTrouble>,
    /// Of the cache.
    pub cache: Option<DiskTrouble>,
}

impl Troubles {
    /// The one to tell: the ledger's first.
    pub(super) fn worst(self) -> Option<DiskTrouble> {
        self.ledger.or(self.cache)
    }
}
