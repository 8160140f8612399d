//! Signed documents of the store, read and verified.

use std::collections::BTreeSet;

use dashpoint_membership::DeviceId;
use dashpoint_store::{Statements, StoreError, StoreReader};
use dashpoint_sync::DeviceIdentity;
use dashpoint_wire::{DeviceCertificate, PublicKey, Signed};

use super::error::BooksError;

/// Name under which the store keeps the device's id, which the certificate is verified for.
pub const DEVICE_META: &str = "device";

/// The statements of the members who are bound to this head unit: one of another is none of its business, wherever the
/// cache has it from.
///
/// # Errors
/// [`StoreError`] when the files cannot be read.
pub fn bound_statements(
    reader: &StoreReader,
    who: &DeviceIdentity,
) -> Result<Statements, StoreError> {
    let mut bound = BTreeSet::new();
    for (_, raw) in reader.bindings()? {
        if let Ok(binding) = raw.verify(&who.cloud_key, &who.device) {
            bound.insert(binding.body().member);
        }
    }
    let mut statements = reader.statements()?;
    statements
        .readable
        .retain(|stored| bound.contains(&stored.member));
    statements.sealed.retain(|member| bound.contains(member));
    Ok(statements)
}

/// The device certificate, verified.
///
/// # Errors
/// [`BooksError::NotEnrolled`]; [`BooksError::OtherCloud`]; [`BooksError::Store`].
pub fn certificate(
    reader: &StoreReader,
    cloud_key: &PublicKey,
) -> Result<Signed<DeviceCertificate>, BooksError> {
    let raw = reader.certificate()?.ok_or(BooksError::NotEnrolled)?;
    // The device is named by the certificate itself: the store holds only the one that enrolment verified.
    let device = reader.meta(DEVICE_META)?.ok_or(BooksError::NotEnrolled)?;
    let device = <[u8; 16]>::try_from(device).map_err(|_| BooksError::NotEnrolled)?;
    let device = DeviceId::from_bytes(device);
    raw.verify(cloud_key, &device)
        .map_err(BooksError::OtherCloud)
}
