//! What the fold of the vehicle's signals goes on from, and what becomes of what comes out of it.

use dashpoint_membership::{CompiledPolicy, DEFAULT_POLICY_TOML, Meter, Policy};
use dashpoint_store::{Mark, Store, StoreError};
use dashpoint_telematics::{Checkpoint, Marks, MeterMark, Outcome, Settings};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::{DiskTrouble, Engine};
use crate::books::Books;
use crate::clock::Clock;

/// Name of the fold's checkpoint in the store.
const CHECKPOINT: &str = "telematics";

impl Engine {
    /// Keeps what came out of the fold, in its order.
    pub(super) fn keep(&mut self, outcomes: Vec<Outcome>) {
        for outcome in outcomes {
            match outcome {
                Outcome::DriveState(_) | Outcome::TripStarted { .. } => {}
                Outcome::Finished(finished) => self.finish(*finished),
                Outcome::Mark(mark) => {
                    let raised = self.store.raise_marks(&[stored_mark(mark)]);
                    self.note_written("raise a meter mark", raised);
                }
                Outcome::Checkpoint(checkpoint) => {
                    let written = self.put_checkpoint(&checkpoint);
                    self.note_written("write a checkpoint", written);
                    if let Ok(settings) = settings(&self.books, &self.clock, &self.zone) {
                        self.telematics.set_settings(settings);
                    }
                }
            }
        }
    }

    pub(super) fn put_checkpoint(&mut self, checkpoint: &Checkpoint) -> Result<(), StoreError> {
        let Ok(raw) = serde_json::to_vec(checkpoint) else {
            return Ok(());
        };
        self.store.put_checkpoint(CHECKPOINT, &raw)
    }

    /// What the disk refuses here is made good later: by the next checkpoint, or when the meter is next seen.
    fn note_written(&mut self, doing: &'static str, done: Result<(), StoreError>) {
        self.live.disk = done.as_ref().err().map(DiskTrouble::of);
        if let Err(error) = done {
            tracing::error!(
                doing,
                error = &error as &dyn std::error::Error,
                "the disk refused"
            );
        }
    }
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
        None => toml::from_str::<Policy>(DEFAULT_POLICY_TOML)
            .map(|policy| Settings::new(&policy, offset_min)),
    }
}

pub(super) fn utc_offset_min(zone: &TimeZone, at_ms: i64) -> i16 {
    let at = Timestamp::from_millisecond(at_ms).unwrap_or(Timestamp::UNIX_EPOCH);
    i16::try_from(zone.to_offset(at).seconds() / 60).unwrap_or(0)
}

pub(super) fn marks_of(store: &Store) -> Result<Marks, StoreError> {
    let stored = store.read().marks()?;
    Ok(Marks {
        odometer: stored.get(&Meter::Odometer).copied(),
        charged: stored.get(&Meter::Charged).copied(),
        discharged: stored.get(&Meter::Discharged).copied(),
    })
}

fn stored_mark(mark: MeterMark) -> Mark {
    Mark {
        meter: mark.meter,
        high: mark.at,
    }
}

pub(super) fn stored_marks(marks: Marks) -> Vec<Mark> {
    let meters = [Meter::Odometer, Meter::Charged, Meter::Discharged];
    let mark = |meter| marks.of(meter).map(|high| Mark { meter, high });
    meters.into_iter().filter_map(mark).collect()
}

/// The last checkpoint; one that this program cannot read is dropped, and with it at most what was open.
pub(super) fn checkpoint_of(store: &Store) -> Result<Option<Checkpoint>, StoreError> {
    let raw = store.read().checkpoint(CHECKPOINT)?;
    Ok(raw.and_then(|raw| match serde_json::from_slice(&raw) {
        Ok(checkpoint) => Some(checkpoint),
        Err(error) => {
            tracing::warn!(%error, "the checkpoint of an open trip cannot be read; what was open is dropped");
            None
        }
    }))
}
