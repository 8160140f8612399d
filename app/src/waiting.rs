//! Points that no verdict has made the member's own yet.

use dashpoint_membership::{PendingItem, PendingState, Points, ServerTime, View};

/// The points that wait, by what comes of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct WaitingPoints {
    /// On their way to the member: the cloud has not spoken of them, or holds them back.
    pub pending: Points,
    /// Shown before, and not paid: the cloud refuses this car.
    pub unpaid: Points,
    /// Entries that are not paid for that; what earned nothing anyway is not among them.
    pub unpaid_entries: u64,
    /// The last day of what the cloud holds back: the sum of it is decided by then.
    pub review_until: Option<ServerTime>,
}

impl WaitingPoints {
    /// Adds up what waits in a view of the account. What the cloud holds back is on its way also of a car that it refuses.
    pub(crate) fn of(view: &View, is_refused: bool) -> Self {
        let unsaid = |item: &&PendingItem| until(item).is_none() && !item.paid.points.is_zero();
        let items = view.pending_items.iter();
        let unpaid = items.filter(|item| is_refused && unsaid(item));
        let unpaid: Vec<Points> = unpaid.map(|item| item.paid.points).collect();
        let points = unpaid.iter().copied().sum();
        Self {
            pending: view.pending.minus(points),
            unpaid: points,
            unpaid_entries: unpaid.len() as u64,
            review_until: view.pending_items.iter().filter_map(until).max(),
        }
    }
}

const fn until(item: &PendingItem) -> Option<ServerTime> {
    match item.state {
        PendingState::HeldBack { until, .. } => Some(until),
        PendingState::Unconfirmed | PendingState::NeedsConfirmation { .. } => None,
    }
}
