//! The part of the live state that stays on the disk, so that it is told while the head unit does not run.

use dashpoint_membership::DeviceId;
use dashpoint_store::{Store, StoreError, StoreReader};
use serde::{Deserialize, Serialize};

use super::{Connection, Live};

/// What kept points from coming when the head unit ran last.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastSeen {
    /// Status with which the cloud refused this car; `None` once it has accepted something.
    pub refused: Option<u16>,
    /// True when the bus named another car than the one that the head unit was enrolled in.
    pub other_vehicle: bool,
    /// True when the bus named a guest at the wheel, or somebody whose membership is not in this car.
    pub guest_by_car: bool,
    /// Trips and sessions of one run that earned nothing because nobody's membership was driving.
    pub guest: u64,
}

impl LastSeen {
    fn name(device: DeviceId) -> String {
        format!("last-seen-{device}")
    }

    /// Reads it; what cannot be read is as if nothing had been seen.
    #[must_use]
    pub fn read(reader: &StoreReader, device: DeviceId) -> Self {
        let raw = reader.checkpoint(&Self::name(device)).ok().flatten();
        let seen = raw.and_then(|raw| serde_json::from_slice(&raw).ok());
        seen.unwrap_or_default()
    }

    /// Keeps it.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn put(&self, store: &mut Store, device: DeviceId) -> Result<(), StoreError> {
        let raw = serde_json::to_vec(self).unwrap_or_default();
        store.put_checkpoint(&Self::name(device), &raw)
    }

    /// Returns what is seen after it: a cloud that cannot be reached does not take a refusal back.
    #[must_use]
    pub fn then(self, live: &Live) -> Self {
        Self {
            refused: match live.connection {
                Connection::Fault { status, .. } => Some(status),
                Connection::Online { .. } | Connection::Syncing { .. } => None,
                Connection::Starting | Connection::Offline { .. } => self.refused,
            },
            other_vehicle: live.other_vehicle,
            guest_by_car: live.guest_by_car,
            guest: if live.guest > 0 {
                live.guest
            } else {
                self.guest
            },
        }
    }
}
