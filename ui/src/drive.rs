//! Restrictions while the car moves.

use crate::{Drive, Page};

/// Returns whether the page shows only content that is fit for driving: a red light and an unknown state count as
/// driving.
#[must_use]
pub const fn is_restricted(drive: Drive) -> bool {
    match drive {
        Drive::Parked => false,
        Drive::Moving | Drive::Standing | Drive::Unknown => true,
    }
}

/// Returns whether the calm locked state replaces the page.
#[must_use]
pub const fn is_locked(page: Page, drive: Drive) -> bool {
    match page {
        Page::Home | Page::Activity => false,
        Page::Benefits | Page::Settings | Page::Trip | Page::Enrolment => is_restricted(drive),
    }
}
