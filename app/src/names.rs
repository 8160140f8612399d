//! Names that leave the car in place of what they stand for: digests, cut to sixteen bytes where a name is enough.

use dashpoint_membership::{DriverTag, VehicleId};

/// The driver as the vehicle's bus names him, without the name.
#[must_use]
pub fn driver_tag(issuer: &str, subject: &str) -> DriverTag {
    let named = [
        b"dashpoint/driver/v1",
        issuer.as_bytes(),
        &[0],
        subject.as_bytes(),
    ]
    .concat();
    DriverTag::from_bytes(first_16(&named))
}

/// The vehicle without its VIN.
#[must_use]
pub fn vehicle_id(vin: &str) -> VehicleId {
    VehicleId::from_bytes(first_16(
        &[b"dashpoint/vehicle/v1", vin.as_bytes()].concat(),
    ))
}

fn first_16(bytes: &[u8]) -> [u8; 16] {
    let digest = dashpoint_wire::digest(bytes);
    let mut first = [0; 16];
    first.copy_from_slice(&digest[..16]);
    first
}
