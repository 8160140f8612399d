//! Points that no verdict has made the member's own yet.

use dashpoint_membership::{PendingState, Points, View};

/// The points that wait, by what comes of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct WaitingPoints {
    /// On their way to the member: the cloud has not spoken of them, or holds them back.
    pub pending: Points,
    /// Shown before, and not paid: the cloud refuses this car.
    pub unpaid: Points,
}

impl WaitingPoints {
    /// Adds up what waits in a view of the account. What the cloud holds back is on its way also of a car that it refuses.
    pub(crate) fn of(view: &View, is_refused: bool) -> Self {
        let items = view.pending_items.iter();
        let unsaid = items.filter(|item| !matches!(item.state, PendingState::HeldBack { .. }));
        let unpaid = if is_refused {
            unsaid.map(|item| item.paid.points).sum()
        } else {
            Points::ZERO
        };
        Self {
            pending: view.pending.minus(unpaid),
            unpaid,
        }
    }
}
