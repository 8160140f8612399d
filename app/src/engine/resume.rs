//! The state of the fold as the store keeps it: its checkpoint, the marks of the meters, and the settings it goes on with.

use std::collections::{BTreeSet, VecDeque};

use dashpoint_membership::{
    CompiledPolicy, DEFAULT_POLICY_TOML, DeviceId, MemberId, Meter, Policy, ServerTime, VehicleId,
};
use dashpoint_store::{SettledMark, Store, StoreError};
use dashpoint_telematics::{Checkpoint, Finished, Marks, MeterMark, MeterOpened, Settings};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::books::Books;
use crate::clock::Clock;

/// Name of a checkpoint in the store that does not say whose it is: an older program's.
pub(super) const UNNAMED: &str = "telematics";

/// An outcome of the fold that is not in the ledger yet.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(untagged)]
pub(super) enum Unsaved {
    /// A trip or a session that is over.
    Evidence(Box<Finished>),
    /// A counter that turned out to be another meter.
    Opening(MeterOpened),
}

/// The state of the fold as the cache keeps it: of which head unit in which vehicle, and with it the evidence that the
/// ledger has refused so far. In a cache that lies beside another ledger it stays untouched until its own is back.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct KeptFold {
    device: DeviceId,
    vehicle: VehicleId,
    /// The state to go on from.
    pub state: Checkpoint,
    /// Finished, and not in the ledger when it was written.
    #[serde(default, skip_serializing_if = "VecDeque::is_empty")]
    pub unsaved: VecDeque<Unsaved>,
    /// Newest signed time of the cloud that the car's own clock agreed with.
    #[serde(default)]
    pub clock_agreed: Option<ServerTime>,
    /// Set when an older program wrote it, without a name.
    #[serde(skip)]
    pub is_unnamed: bool,
}

/// Writes a [`KeptFold`] without owning it.
#[derive(Serialize)]
pub(super) struct KeptFoldRef<'a> {
    pub device: DeviceId,
    pub vehicle: VehicleId,
    pub state: &'a Checkpoint,
    #[serde(skip_serializing_if = "VecDeque::is_empty")]
    pub unsaved: &'a VecDeque<Unsaved>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clock_agreed: Option<ServerTime>,
}

pub(super) fn checkpoint_name(device: DeviceId) -> String {
    format!("{UNNAMED}/{device}")
}

/// Settings of the fold: under the policy in force, or the shipped one until the first is there.
pub(super) fn settings(
    books: &Books,
    clock: &Clock,
    zone: &TimeZone,
) -> Result<Settings, toml::de::Error> {
    let offset_min = utc_offset_min(zone, clock.unix_ms());
    match books.policy_at(clock.now()).map(CompiledPolicy::policy) {
        Some(policy) => Ok(Settings::new(policy, offset_min)),
        // Nobody knows yet what the cloud can read: what came with newer policies waits for one.
        None => toml::from_str::<Policy>(DEFAULT_POLICY_TOML).map(|policy| Settings {
            opens_meters: false,
            states_profile_2: false,
            ..Settings::new(&policy, offset_min)
        }),
    }
}

pub(super) fn utc_offset_min(zone: &TimeZone, at_ms: i64) -> i16 {
    let at = Timestamp::from_millisecond(at_ms).unwrap_or(Timestamp::UNIX_EPOCH);
    i16::try_from(zone.to_offset(at).seconds() / 60).unwrap_or(0)
}

pub(super) fn marks_of(store: &Store) -> Result<Marks, StoreError> {
    let mut marks = Marks::default();
    for ((meter, number), at) in store.read().marks()? {
        marks.raise(MeterMark { meter, number, at });
    }
    Ok(marks)
}

pub(super) fn stored_mark(mark: MeterMark) -> SettledMark {
    SettledMark {
        meter: mark.meter,
        number: mark.number,
        high: mark.at,
    }
}

pub(super) fn stored_marks(marks: Marks) -> Vec<SettledMark> {
    let held = Meter::ALL.into_iter().filter_map(|meter| marks.mark(meter));
    held.map(stored_mark).collect()
}

/// The last checkpoint of this head unit in this vehicle; one that this program cannot read is dropped, and with it at
/// most what was open.
///
/// An older program's does not name its head unit. It is taken, once, unless the cache holds the statement of a member who
/// is not bound here: then the cache is another car's, or the ledger is, and it waits for the right one.
pub(super) fn checkpoint_of(store: &Store, books: &Books) -> Result<Option<KeptFold>, StoreError> {
    let device = books.identity.device;
    if let Some(raw) = store.read().checkpoint(&checkpoint_name(device))? {
        let kept = readable::<KeptFold>(&raw);
        return Ok(kept.filter(|kept| kept.device == device && kept.vehicle == books.vehicle));
    }
    let Some(raw) = store.read().checkpoint(UNNAMED)? else {
        return Ok(None);
    };
    let bound: BTreeSet<MemberId> = books.bindings.values().map(|one| one.member).collect();
    let statements = store.read().statements()?;
    let readable_of = statements.readable.iter().map(|stored| stored.member);
    let mut members = readable_of.chain(statements.sealed.iter().copied());
    if members.any(|member| !bound.contains(&member)) {
        tracing::warn!("the cache is another car's: its open trip is left alone");
        return Ok(None);
    }
    Ok(readable::<Checkpoint>(&raw).map(|state| KeptFold {
        device,
        vehicle: books.vehicle,
        state,
        unsaved: VecDeque::new(),
        clock_agreed: None,
        is_unnamed: true,
    }))
}

fn readable<T: serde::de::DeserializeOwned>(raw: &[u8]) -> Option<T> {
    serde_json::from_slice(raw)
        .inspect_err(|error| {
            tracing::warn!(%error, "the checkpoint of an open trip cannot be read; what was open is dropped");
        })
        .ok()
}
