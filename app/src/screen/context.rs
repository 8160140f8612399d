//! The context that the parts of a page are made with.

use dashpoint_membership::{CompiledPolicy, ServerTime};

use super::own::OwnEntry;
use crate::books::{Books, MemberBook};

/// A member at the books, with the policy in force.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shown<'a> {
    pub(super) books: &'a Books,
    pub(super) book: &'a MemberBook,
    pub(super) policy: &'a CompiledPolicy,
    /// All own entries that are held, newest first.
    pub(super) own: &'a [OwnEntry],
    pub(super) now: ServerTime,
}
