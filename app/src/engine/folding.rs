//! Persists the outcomes that the telematics state emits, and its checkpoints.

use dashpoint_store::StoreError;
use dashpoint_telematics::{Checkpoint, Outcome};

use super::Engine;
use super::resume::{
    KeptFoldRef, UNNAMED, Unsaved, checkpoint_name, settings, stored_mark, stored_marks,
};
use crate::live::DiskTrouble;

impl Engine {
    /// Keeps what came out of the fold, in its order.
    pub(super) fn keep(&mut self, outcomes: Vec<Outcome>) {
        for outcome in outcomes {
            match outcome {
                Outcome::DriveState(_) | Outcome::TripStarted { .. } => {}
                Outcome::VehicleFact(fact) => self.learn(&fact),
                Outcome::Finished(finished) => self.finish(Unsaved::Evidence(finished)),
                Outcome::MeterOpened(opened) => self.finish(Unsaved::Opening(*opened)),
                Outcome::Mark(mark) => {
                    let raised = self.store.raise_marks(&[stored_mark(mark)]);
                    // Of evidence that the ledger refuses it is known already.
                    if raised.is_err() || self.unsaved.is_empty() {
                        self.troubles.ledger = note_written("raise a meter mark", raised);
                    }
                }
                Outcome::Checkpoint(checkpoint) => {
                    self.write_checkpoint(&checkpoint);
                    if let Ok(settings) = settings(&self.books, &self.clock, &self.zone) {
                        self.telematics.set_settings(settings);
                    }
                }
            }
        }
    }

    /// Keeps where the fold stands, and with it what the ledger has refused: the checkpoint that is overwritten may be all
    /// that is left of that. What is over, and not in the ledger yet, is kept as durably as the ledger keeps it.
    pub(super) fn put_checkpoint(&mut self, checkpoint: &Checkpoint) -> Result<(), StoreError> {
        let Some((name, raw)) = self.named_checkpoint(checkpoint) else {
            return Ok(());
        };
        if self.telematics.awaits_end() {
            self.store.put_checkpoint_durably(&name, &raw)
        } else {
            self.store.put_checkpoint(&name, &raw)
        }
    }

    /// Writes where the fold stands so that no power cut brings an earlier one back.
    pub(super) fn write_checkpoint_durably(&mut self) {
        let Some((name, raw)) = self.named_checkpoint(&self.telematics.checkpoint()) else {
            return;
        };
        let written = self.store.put_checkpoint_durably(&name, &raw);
        self.troubles.cache = note_written("write a checkpoint", written);
    }

    fn named_checkpoint(&self, checkpoint: &Checkpoint) -> Option<(String, Vec<u8>)> {
        let device = self.books.identity.device;
        let kept = KeptFoldRef {
            device,
            vehicle: self.books.vehicle,
            state: checkpoint,
            unsaved: &self.unsaved,
            clock_agreed: self.cloud_watch.agreed(),
        };
        let raw = serde_json::to_vec(&kept).ok()?;
        Some((checkpoint_name(device), raw))
    }

    /// Writes where the fold stands; what the disk refuses is told.
    pub(super) fn write_checkpoint(&mut self, checkpoint: &Checkpoint) {
        let written = self.put_checkpoint(checkpoint);
        self.troubles.cache = note_written("write a checkpoint", written);
    }

    /// Tries again what each file has refused, so that a disk that is mended is told to be.
    pub(super) fn retry(&mut self) {
        self.save_all();
        if self.unsaved.is_empty() && self.troubles.ledger.is_some() {
            let marks = stored_marks(self.telematics.marks());
            let raised = self.store.raise_marks(&marks);
            self.troubles.ledger = note_written("raise the meter marks", raised);
        }
        if self.troubles.cache.is_some() {
            self.write_checkpoint(&self.telematics.checkpoint());
        }
    }

    /// Gives the checkpoint of an older program its name; it is dropped once the named one is there.
    pub(super) fn name_checkpoint(&mut self) {
        let named = self.put_checkpoint(&self.telematics.checkpoint());
        let named = named.and_then(|()| self.store.clear_checkpoint(UNNAMED));
        self.troubles.cache = note_written("name a checkpoint", named);
    }
}

/// Logs a write that failed, and returns the trouble of the disk. The next checkpoint, or the next value of the meter,
/// makes up for it.
fn note_written(doing: &'static str, done: Result<(), StoreError>) -> Option<DiskTrouble> {
    let error = done.err()?;
    tracing::error!(
        doing,
        error = &error as &dyn std::error::Error,
        "the disk refused"
    );
    Some(DiskTrouble::of(&error))
}
