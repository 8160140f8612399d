//! The part of the live state that stays on the disk, so that it is told while the head unit does not run.

use dashpoint_membership::DeviceId;
use dashpoint_store::{Store, StoreError, StoreReader};
use serde::{Deserialize, Serialize};

use super::{CloudRefusal, Connection, Live};

/// The reasons that kept points from coming when the head unit ran last. Each stays until bus or cloud say something new.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastSeen {
    /// Status with which the cloud refused this car, or what it sent; `None` once it has accepted something.
    #[serde(
        rename = "refused_status",
        alias = "refused",
        skip_serializing_if = "Option::is_none"
    )]
    pub refused: Option<u16>,
    /// True when the bus named another car than the one that the head unit was enrolled in.
    pub other_vehicle: bool,
    /// True when the bus named a guest at the wheel, or somebody whose membership is not in this car.
    pub guest_by_car: bool,
    /// The last trips and sessions in a row that earned nothing because nobody's membership was driving.
    #[serde(rename = "guest_in_a_row", alias = "guest")]
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
    /// An error of the disk.
    pub fn put(&self, store: &mut Store, device: DeviceId) -> Result<(), StoreError> {
        let raw = serde_json::to_vec(self).unwrap_or_default();
        store.put_checkpoint(&Self::name(device), &raw)
    }

    /// Returns it as the state of a head unit that has just stopped; `None` when nothing kept points from coming.
    #[must_use]
    pub fn as_live(&self) -> Option<Live> {
        let is_clear = self.refused.is_none() && !self.other_vehicle && !self.guest_by_car;
        (!is_clear).then(|| Live {
            connection: self
                .refused
                .map_or(Connection::Starting, |status| Connection::Fault {
                    since_unix_s: None,
                    status,
                }),
            last_refusal: self.refused,
            other_vehicle: self.other_vehicle,
            guest_by_car: self.guest_by_car,
            ..Live::default()
        })
    }

    /// Returns the status with which the cloud refused this car itself: then what waits is not paid.
    #[must_use]
    pub fn refuses_car(&self) -> Option<u16> {
        self.refused
            .map(CloudRefusal::of)
            .and_then(CloudRefusal::of_car)
    }

    /// Returns what is seen after it: a cloud that cannot be reached does not take a refusal back, nor a silent bus what it
    /// has named.
    #[must_use]
    pub fn then(self, live: &Live) -> Self {
        Self {
            refused: live.connection.refusal_after(self.refused),
            other_vehicle: if live.vehicle_named {
                live.other_vehicle
            } else {
                self.other_vehicle
            },
            guest_by_car: if live.driver_named {
                live.guest_by_car
            } else {
                self.guest_by_car
            },
            guest: live.guest_in_a_row,
        }
    }
}
