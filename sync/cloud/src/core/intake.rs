//! Bounds on what one device may store in a day.

use dashpoint_membership::DeviceId;

use super::unit_of_work::UnitOfWork;
use crate::bucket::{Bucket, Stored};
use crate::error::CloudError;
use crate::store::intake;

/// Entries that a device may have recorded in a day, unless the operator says otherwise. A busy car makes fifty; one that
/// was away for the 92 days that still count brings 4,600 and is through in one go.
pub(crate) const ENTRIES_A_DAY: u32 = 10_000;
/// Bytes for each of those entries, on the average: a trip with all its factors and awards has 500.
const BYTES_AN_ENTRY: i64 = 1_024;
/// Epochs that a device may open in a day: a restored disk needs one, two clones of a disk that run side by side need one
/// each time that they take turns.
const EPOCHS_A_DAY: i64 = 200;
/// Entries of one member that may be held back at a time, for time or for an operator: the statement lists each of them. It is
/// what a busy car brings after 92 days offline. Further ones stay in the car until some are released or decided.
pub(super) const PENDING_MAX: usize = 5_000;
/// Pause for a member who has too many held back, in seconds.
const PENDING_WAIT_S: i64 = 3_600;

impl UnitOfWork<'_> {
    /// Counts what a device is about to have stored; beyond a day's measure nothing of the request is recorded.
    pub fn take_in(&self, device: DeviceId, what: Stored, amount: i64) -> Result<(), CloudError> {
        let measure = match what {
            Stored::Entries => i64::from(self.entries_a_day),
            Stored::Bytes => i64::from(self.entries_a_day) * BYTES_AN_ENTRY,
            Stored::Epochs => EPOCHS_A_DAY,
        };
        let bucket = intake::find(self.db, device, what)?.unwrap_or(Bucket {
            at: self.now,
            level: 0,
        });
        let bucket = bucket
            .take(amount, measure, self.now)
            .map_err(|wait_s| CloudError::TooMuch { device, wait_s })?;
        intake::put(self.db, device, what, bucket)
    }

    /// The refusal of a request that would hold too much back of one member.
    pub const fn too_much_held_back(device: DeviceId) -> CloudError {
        CloudError::TooMuch {
            device,
            wait_s: PENDING_WAIT_S,
        }
    }
}
