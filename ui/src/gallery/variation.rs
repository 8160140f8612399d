//! The kinds of data in the pictures, and their time.

use dashpoint_membership::ServerTime;

/// 2026-11-22, 08:42 in Shanghai.
pub(super) const NOW: ServerTime = ServerTime::from_unix_s(1_795_308_120);

/// The kinds of data in a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Variation {
    /// As on most days.
    Normal,
    /// Nothing there yet, or nothing earned.
    Empty,
    /// Something went wrong.
    Error,
    /// The longest texts and numbers.
    Longest,
}
