//! From finished evidence to a durable entry.

use dashpoint_membership::{
    BindingId, CoarseTime, Entry, EventTime, MemberAction, Points, Subject,
};
use dashpoint_store::{NewEntry, StoreError};
use dashpoint_sync::Event;
use dashpoint_telematics::{Driver, Finished};
use dashpoint_wire::{ChainPoint, Signed, WireError};
use serde::{Deserialize, Serialize};

use super::folding::{stored_marks, utc_offset_min};
use super::{DiskTrouble, Engine, RETRY_MS, UNSAVED_MAX};
use crate::books::{SALT_LEN, evidence_digest};
use crate::clock::quality;

/// Evidence that waits to be signed: whose it is was decided when it was made.
#[derive(Debug, Serialize, Deserialize)]
struct AwaitingEvidence {
    binding: BindingId,
    finished: Finished,
    /// Salt and private evidence.
    private: Vec<u8>,
}

/// Result of a check-in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CheckIn {
    /// It is signed and on the disk.
    Done {
        /// Points that it is expected to be paid.
        points: i64,
    },
    /// The check-in of the day has been made, or a cap has no room left: nothing was signed.
    NothingMore,
    /// Nobody's membership is at the wheel.
    Guest,
    /// It cannot be signed or written now; the log says why.
    NotNow,
}

/// Reasons that evidence did not become an entry.
#[derive(Debug, thiserror::Error)]
enum AwardError {
    /// Key, policy or statement is missing: it can wait on the disk.
    #[error("it cannot be signed yet")]
    NotYet,
    #[error("it cannot be signed")]
    Sign(#[source] WireError),
    #[error("it cannot be encoded")]
    Encode(#[source] serde_json::Error),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Engine {
    /// Takes a trip or a session that is over; what the disk refuses stays in memory and is tried again.
    pub(super) fn finish(&mut self, mut finished: Finished) {
        if self.choices.guest {
            finished.driver = Driver::Guest;
        }
        self.unsaved.push_back(finished);
        if self.unsaved.len() > UNSAVED_MAX {
            self.unsaved.pop_back();
            tracing::error!("the disk has refused evidence for too long; the newest is dropped");
        }
        self.save_all();
    }

    /// Brings everything that is finished to the disk, in order.
    pub(super) fn save_all(&mut self) {
        while let Some(finished) = self.unsaved.front().cloned() {
            match self.save(&finished) {
                Ok(()) => {
                    self.live.disk = None;
                    self.unsaved.pop_front();
                }
                Err(error) => {
                    if let AwardError::Store(error) = &error {
                        self.live.disk = Some(DiskTrouble::of(error));
                    }
                    tracing::error!(
                        error = &error as &dyn std::error::Error,
                        "evidence is not on the disk yet"
                    );
                    self.retry_at_ms = self.clock.monotonic_ms() + RETRY_MS;
                    return;
                }
            }
        }
    }

    fn save(&mut self, finished: &Finished) -> Result<(), AwardError> {
        let Some(binding) = self
            .books
            .binding_of(&finished.driver)
            .map(|binding| binding.id)
        else {
            // A guest earns nothing, and nobody earns it later: the meters are settled all the same.
            self.store.raise_marks(&stored_marks(finished.marks))?;
            self.live.guest += 1;
            tracing::info!("a guest drove: nothing is earned");
            return Ok(());
        };
        let private = self.private(finished)?;
        let Some(minted) = self.sign(binding, finished, private.clone()) else {
            return self.wait(&AwaitingEvidence {
                binding,
                finished: finished.clone(),
                private,
            });
        };
        let entry = minted?;
        match self.store.commit_entry(&entry) {
            Ok(head) => {
                self.committed(head);
                Ok(())
            }
            // A checkpoint that outlived its entry: these metres are in the ledger already.
            Err(StoreError::AlreadySettled { .. }) => {
                tracing::info!(
                    "evidence that was settled before a crash came again and is dropped"
                );
                self.books.forget_minted();
                Ok(())
            }
            Err(error) => {
                self.books.forget_minted();
                Err(error.into())
            }
        }
    }

    /// Checks the member at the wheel in for today.
    pub fn check_in(&mut self) -> CheckIn {
        if self.choices.guest {
            return CheckIn::Guest;
        }
        let driver = self.telematics.at_the_wheel();
        let Some(binding) = self.books.binding_of(&driver).map(|binding| binding.id) else {
            return CheckIn::Guest;
        };
        let at_ms = self.clock.unix_ms();
        let time = self.event_time(at_ms, utc_offset_min(&self.zone, at_ms));
        let subject = Subject::Member {
            action: MemberAction::CheckIn,
        };
        match self.sign_subject(binding, time, subject) {
            None => CheckIn::NotNow,
            Some(Ok((_, Points::ZERO))) => {
                self.books.forget_minted();
                CheckIn::NothingMore
            }
            Some(signed) => self.commit_check_in(signed),
        }
    }

    fn commit_check_in(&mut self, signed: Result<(Signed<Entry>, Points), AwardError>) -> CheckIn {
        let made_at = self.clock.unix_ms().div_euclid(1_000);
        let committed = signed.and_then(|(signed, points)| {
            let head = self
                .store
                .commit_entry(&NewEntry::new(&signed, None, made_at))?;
            Ok((head, points))
        });
        match committed {
            Ok((head, points)) => {
                self.committed(head);
                CheckIn::Done {
                    points: points.get(),
                }
            }
            Err(error) => {
                tracing::error!(error = &error as &dyn std::error::Error, "no check-in");
                self.books.forget_minted();
                CheckIn::NotNow
            }
        }
    }

    /// Signs evidence that waited, as far as it can be signed now.
    pub(super) fn sign_awaiting(&mut self) {
        let waiting = match self.store.read().awaiting() {
            Ok(waiting) => waiting,
            Err(error) => {
                tracing::error!(%error, "evidence that waits to be signed cannot be read");
                return;
            }
        };
        self.live.awaiting = waiting.len() as u64;
        for awaiting in waiting {
            let Ok(evidence) = serde_json::from_slice::<AwaitingEvidence>(&awaiting.evidence)
            else {
                tracing::error!("evidence that waits to be signed cannot be read; it is kept");
                continue;
            };
            let signed = self.sign(evidence.binding, &evidence.finished, evidence.private);
            let Some(Ok(entry)) = signed else {
                self.books.forget_minted();
                return;
            };
            match self.store.commit_awaited(awaiting.id, &entry) {
                Ok(head) => {
                    self.live.awaiting -= 1;
                    self.committed(head);
                }
                Err(error) => {
                    tracing::error!(%error, "evidence that waited cannot be committed; it is kept");
                    self.books.forget_minted();
                    return;
                }
            }
        }
    }

    /// Values and signs evidence; `None` while key, policy or statement are missing.
    fn sign(
        &mut self,
        binding: BindingId,
        finished: &Finished,
        private: Vec<u8>,
    ) -> Option<Result<NewEntry, AwardError>> {
        let subject = Subject::Earn {
            evidence: finished.evidence.clone(),
            digest: evidence_digest(&private),
        };
        let time = self.event_time(finished.ended_ms, finished.utc_offset_min);
        let made_at = self.clock.unix_ms().div_euclid(1_000);
        let signed = self.sign_subject(binding, time, subject)?;
        Some(signed.map(|(signed, _)| {
            NewEntry::new(&signed, Some(private), made_at).with_marks(stored_marks(finished.marks))
        }))
    }

    /// Makes and signs the next entry, with what it is expected to be paid; `None` while key, policy or statement are
    /// missing.
    fn sign_subject(
        &mut self,
        binding: BindingId,
        time: EventTime,
        subject: Subject,
    ) -> Option<Result<(Signed<Entry>, Points), AwardError>> {
        let signer = self.signer.clone()?;
        let (entry, _) = self.books.mint(binding, time, subject, self.clock.now())?;
        let predicted = entry.predicted();
        let signed = Signed::sign(entry, &signer, &self.books.identity.device);
        Some(signed.map(|signed| (signed, predicted)).map_err(|error| {
            self.books.forget_minted();
            AwardError::Sign(error)
        }))
    }

    fn event_time(&self, at_ms: i64, utc_offset_min: i16) -> EventTime {
        let at_s = at_ms.div_euclid(1_000);
        EventTime {
            at: CoarseTime::containing_unix_s(at_s),
            utc_offset_min,
            quality: quality(at_s, self.books.receipt_at),
        }
    }

    fn private(&mut self, finished: &Finished) -> Result<Vec<u8>, AwardError> {
        let mut private = self
            .chance
            .bytes::<SALT_LEN>()
            .ok_or(AwardError::NotYet)?
            .to_vec();
        serde_json::to_writer(&mut private, &finished.private).map_err(AwardError::Encode)?;
        Ok(private)
    }

    fn wait(&mut self, evidence: &AwaitingEvidence) -> Result<(), AwardError> {
        let marks = stored_marks(evidence.finished.marks);
        let raw = serde_json::to_vec(evidence).map_err(AwardError::Encode)?;
        let made_at = self.clock.unix_ms().div_euclid(1_000);
        self.store.keep_awaiting(&raw, &marks, made_at)?;
        self.live.awaiting += 1;
        tracing::warn!("evidence is kept until it can be signed");
        Ok(())
    }

    /// An entry is durable: from here on it may be shown and sent.
    fn committed(&mut self, head: ChainPoint) {
        self.books.committed(head);
        tracing::info!(seq = head.seq.get(), "an entry was signed");
        self.tell(Event::EntryCommitted(head));
    }
}
