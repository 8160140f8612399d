//! The cloud's tables: its only SQL. One file for each noun, statements beside the function that uses them.

pub(crate) mod accounts;
pub(crate) mod awaited;
pub(crate) mod bindings;
pub(crate) mod bundles;
pub(crate) mod claims;
pub(crate) mod clock_leap;
pub(crate) mod cloud_row;
mod columns;
pub(crate) mod consents;
pub(crate) mod devices;
pub(crate) mod enrolments;
pub(crate) mod expiries;
pub(crate) mod forgone;
pub(crate) mod forks;
pub(crate) mod grants;
pub(crate) mod intake;
pub(crate) mod intervals;
pub(crate) mod kept;
pub(crate) mod left_behind;
pub(crate) mod log;
pub(crate) mod members;
mod open;
pub(crate) mod openings;
#[cfg(test)]
mod outcome_format;
pub(crate) mod proofs;
pub(crate) mod receipts;
pub(crate) mod reviews;
pub(crate) mod room;
pub(crate) mod settlements;
pub(crate) mod signed_after;
pub(crate) mod take_awaited;
pub(crate) mod take_openings;
pub(crate) mod undone;
pub(crate) mod uses;
mod whole;

pub use expiries::ExpirySpan;
pub use intervals::{Freed, MeterReadings, MeterStretch};
pub use left_behind::Worth;
pub use members::MemberLine;
pub(crate) use open::{is_newest, open_kept, open_to_read};
pub use open::{open_file, open_in_memory, open_on_vfs};
pub use openings::{OpenedMeter, OpeningState};
pub use undone::{Undone, UndoneKind};
pub(crate) use whole::is_whole;

use columns::{Col, Json};
