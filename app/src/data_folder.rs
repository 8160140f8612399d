//! Opens the data folder: as its one owner, or for reading beside the owner.

use std::path::Path;

use dashpoint_membership::ServerTime;
use dashpoint_store::{CheckDepth, Store, StoreError, StoreOptions, StoreReader};
use dashpoint_sync::DeviceIdentity;
use dashpoint_wire::{DeviceCertificate, Signed};
use jiff::tz::TimeZone;

use crate::books::{BooksError, bound_statements, certificate};
use crate::clock::{Clock, ClockSource, Machine};
use crate::config::Config;
use crate::keys::KeyStore;
use crate::random;

/// Opens the data folder as its one owner.
///
/// # Errors
/// When another program owns it, or it cannot be opened.
pub fn open_store(folder: &Path, keys: &KeyStore, check: CheckDepth) -> anyhow::Result<Store> {
    let seal = match keys.seal_key_or_new() {
        Ok(key) => Some(key),
        Err(error) => {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "without its key no statement can be read or kept; entries are"
            );
            None
        }
    };
    let options = StoreOptions {
        vfs: None,
        seal,
        nonces: Box::new(random::bytes),
        check,
    };
    let store = Store::open(folder, options)?;
    let tightened = store.tightened();
    if tightened.closed > 0 {
        tracing::info!(
            files = tightened.closed,
            "others could open the data folder; now only its owner can"
        );
    }
    if tightened.refused > 0 {
        tracing::warn!(
            files = tightened.refused,
            "others can open files of the data folder, and this program may not change that"
        );
    }
    Ok(store)
}

/// Opens the data folder for reading. A folder that is not there counts as one that was never enrolled.
///
/// # Errors
/// [`BooksError::NotEnrolled`] when it is not there; when it cannot be opened.
pub fn open_reader(config: &Config) -> anyhow::Result<StoreReader> {
    let seal = if config.data.exists() {
        KeyStore::open(&config.data)?.seal_key().ok()
    } else {
        None
    };
    match StoreReader::open(&config.data, None, seal) {
        Err(StoreError::NotThere { .. }) => Err(BooksError::NotEnrolled.into()),
        opened => Ok(opened?),
    }
}

/// Makes the clock of a program that reads the data folder beside the head unit, or while none runs.
///
/// # Errors
/// An error of the store.
pub fn reading_clock(config: &Config, reader: &StoreReader) -> Result<Clock, StoreError> {
    let mut clock = Clock::new(config.clock, Machine::system(), ServerTime::from_unix_s(0));
    if config.clock == ClockSource::Bus {
        let floor = reader.last_receipt()?.map(|receipt| receipt.server_time);
        floor.into_iter().for_each(|floor| clock.signed(floor));
        // The bus has come at least as far as the newest entry: else all entries since the last contact would be of its day.
        let newest = reader.activity(None, 1)?.into_iter().next();
        let newest_s = newest.map(|newest| newest.summary.at.as_unix_s());
        newest_s
            .into_iter()
            .for_each(|at_s| clock.heard(at_s.saturating_mul(1_000)));
    }
    Ok(clock)
}

/// Returns the identity of this head unit by its certificate, with the cloud's key that it trusts.
#[must_use]
pub fn identity(certificate: &Signed<DeviceCertificate>, config: &Config) -> DeviceIdentity {
    DeviceIdentity {
        device: certificate.body().device,
        device_key: certificate.body().key,
        cloud_key: config.cloud.key,
    }
}

/// Returns the member's time zone if a readable statement names it, else the configured one.
#[must_use]
pub fn member_zone(reader: &StoreReader, config: &Config) -> TimeZone {
    let statements = certificate(reader, &config.cloud.key)
        .ok()
        .and_then(|certificate| bound_statements(reader, &identity(&certificate, config)).ok());
    let statement = statements.and_then(|statements| statements.readable.into_iter().next());
    let statement =
        statement.and_then(|stored| stored.raw.verify(&config.cloud.key, &stored.member).ok());
    statement
        .and_then(|statement| TimeZone::get(&statement.body().profile.zone).ok())
        .unwrap_or_else(|| config.zone.clone())
}
