//! What driving forbids.

use crate::{Drive, Page};

/// Whether the page shows only what is fit for driving: a red light and an unknown state count as driving.
#[must_use]
pub const fn is_restricted(drive: Drive) -> bool {
    match drive {
        Drive::Parked => false,
        Drive::Moving | Drive::Standing | Drive::Unknown => true,
    }
}

/// Whether the page gives way to the calm locked state.
#[must_use]
pub const fn is_locked(page: Page, drive: Drive) -> bool {
    match page {
        Page::Home | Page::Activity => false,
        Page::Benefits | Page::Settings | Page::Trip | Page::Enrolment => is_restricted(drive),
    }
}
