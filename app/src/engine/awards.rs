//! From finished evidence to a durable entry.

use dashpoint_membership::{
    BindingId, CoarseTime, Entry, EventTime, Evidence, EvidenceDigest, MemberAction, Meter,
    MeterNumber, MeterOpening, Points, Subject,
};
use dashpoint_store::{Awaiting, NewEntry, SettledMark, StoreError};
use dashpoint_sync::{Awaited, Event};
use dashpoint_telematics::{Finished, Marks, MeterOpened};
use dashpoint_wire::{ChainPoint, Signed, WireError};
use serde::{Deserialize, Serialize};

use super::resume::{Unsaved, stored_marks, utc_offset_min};
use super::{Engine, RETRY_MS, UNSAVED_MAX};
use crate::books::SaltedEvidence;
use crate::clock::quality;
use crate::command::CheckIn;
use crate::live::{CloudRefusal, DiskTrouble};
use crate::unpaid::AwardContext;

/// Evidence on its way to an entry: whose it is was decided when it was made. Where it waits to be signed, nothing of it
/// is private: what stays in the car is kept apart, sealed, and no point depends on it.
#[derive(Debug, Serialize, Deserialize)]
struct AwaitingEvidence {
    binding: BindingId,
    evidence: Evidence,
    digest: EvidenceDigest,
    time: EventTime,
    marks: Marks,
}

/// The opening of a meter that waits to be signed.
#[derive(Debug, Serialize, Deserialize)]
struct AwaitingOpening {
    binding: BindingId,
    opening: MeterOpening,
    time: EventTime,
}

/// An outcome that waits to be signed.
#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
enum AwaitingSubject {
    Evidence(AwaitingEvidence),
    Opening(AwaitingOpening),
}

/// Evidence that waits as an older program has kept it.
#[derive(Debug, Deserialize)]
struct UnsealedEvidence {
    binding: BindingId,
    finished: Finished,
    /// Salt and private evidence.
    private: Vec<u8>,
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

impl AwaitingSubject {
    fn parts(&self) -> (BindingId, EventTime, Subject) {
        match self {
            Self::Evidence(awaiting) => {
                let subject = Subject::Earn {
                    evidence: awaiting.evidence.clone(),
                    digest: awaiting.digest,
                };
                (awaiting.binding, awaiting.time, subject)
            }
            Self::Opening(awaiting) => (
                awaiting.binding,
                awaiting.time,
                Subject::OpenMeter(awaiting.opening),
            ),
        }
    }

    /// Returns the marks that are settled with it. An opening has its own in its entry.
    fn marks(&self) -> Vec<SettledMark> {
        match self {
            Self::Evidence(awaiting) => stored_marks(awaiting.marks),
            Self::Opening(awaiting) => vec![SettledMark {
                meter: awaiting.opening.meter,
                number: awaiting.opening.number,
                high: awaiting.opening.first,
            }],
        }
    }
}

impl Engine {
    /// Takes a trip or a session that is over, or a meter that is another one; what the disk refuses stays in memory and is tried
    /// again.
    pub(super) fn finish(&mut self, unsaved: Unsaved) {
        self.unsaved.push_back(unsaved);
        if self.unsaved.len() > UNSAVED_MAX {
            self.unsaved.pop_back();
            tracing::error!("the disk has refused evidence for too long; the newest is dropped");
        }
        self.save_all();
    }

    /// Brings everything that is finished to the disk, in order.
    pub(super) fn save_all(&mut self) {
        while let Some(unsaved) = self.unsaved.front().cloned() {
            let saved = match &unsaved {
                Unsaved::Evidence(finished) => self.save(finished),
                Unsaved::Opening(opened) => self.open_meter(opened),
            };
            match saved {
                Ok(()) => {
                    self.troubles.ledger = None;
                    self.unsaved.pop_front();
                }
                Err(error) => {
                    if let AwardError::Store(error) = &error {
                        self.troubles.ledger = Some(DiskTrouble::of(error));
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
        // A checkpoint that outlived its entry: these metres are in the ledger already.
        if self.is_settled(finished)? {
            tracing::info!("evidence that was settled before a crash came again and is dropped");
            return Ok(());
        }
        let Some(binding) = self
            .books
            .binding_of(&finished.driver)
            .map(|binding| binding.id)
        else {
            // A guest earns nothing, and nobody earns it later: the meters are settled all the same.
            self.store.raise_marks(&stored_marks(finished.marks))?;
            self.live.guest += 1;
            self.live.guest_in_a_row += 1;
            tracing::info!("a guest drove: nothing is earned");
            return Ok(());
        };
        self.live.guest_in_a_row = 0;
        let private = self.private(finished)?;
        let evidence = self.awaiting(binding, finished, private.digest());
        self.commit(&AwaitingSubject::Evidence(evidence), Some(&private))
    }

    /// Opens a meter. Whoever sits there signs for it, or anybody whom the car knows: it pays nothing.
    fn open_meter(&mut self, opened: &MeterOpened) -> Result<(), AwardError> {
        let opening = opened.opening;
        let is_known = |(meter, number): &(Meter, MeterNumber)| {
            *meter == opening.meter && *number >= opening.number
        };
        if self.store.read().marks()?.keys().any(is_known) {
            tracing::info!("a meter that was opened before a crash came again and is dropped");
            return Ok(());
        }
        let of_driver = self.books.binding_of(&opened.driver);
        let anybody = || self.books.bindings.values().next();
        let binding = of_driver.or_else(anybody).ok_or(AwardError::NotYet)?.id;
        tracing::info!(meter = opening.meter.name(), number = %opening.number, "a counter is another meter");
        let awaiting = AwaitingOpening {
            binding,
            opening,
            time: self.event_time(opened.at_ms, opened.utc_offset_min),
        };
        self.commit(&AwaitingSubject::Opening(awaiting), None)
    }

    /// Signs it and commits it with its marks, or keeps it until it can be signed.
    fn commit(
        &mut self,
        awaiting: &AwaitingSubject,
        private: Option<&SaltedEvidence>,
    ) -> Result<(), AwardError> {
        let Some(minted) = self.sign(awaiting, private.map(SaltedEvidence::as_bytes)) else {
            return self.wait(awaiting, private);
        };
        let entry = minted?;
        match self.store.commit_entry(&entry) {
            Ok(head) => {
                self.committed(head, Awaited::ByNobody);
                Ok(())
            }
            Err(error) => {
                self.books.forget_minted();
                Err(error.into())
            }
        }
    }

    /// Tells that the ledger has settled what evidence claims: signed, waiting for its signature, or nobody's.
    fn is_settled(&self, finished: &Finished) -> Result<bool, StoreError> {
        let claim = finished.evidence.interval();
        let marks = self.store.read().marks()?;
        let mark = marks.get(&(claim.meter, claim.number));
        Ok(mark.is_some_and(|mark| claim.from < *mark))
    }

    /// Checks the member at the wheel in for today.
    pub fn check_in(&mut self) -> CheckIn {
        if self.live.other_vehicle {
            return CheckIn::OtherVehicle;
        }
        if let Some(status) = self.live.refusal().and_then(CloudRefusal::of_car) {
            return CheckIn::Refused { status };
        }
        if self.choices.guest {
            return CheckIn::Guest;
        }
        let driver = self.telematics.at_the_wheel();
        let Some(binding) = self.books.binding_of(&driver).map(|binding| binding.id) else {
            return CheckIn::GuestByCar;
        };
        let at_ms = self.clock.unix_ms();
        let time = self.event_time(at_ms, utc_offset_min(&self.zone, at_ms));
        let subject = Subject::Member {
            action: MemberAction::CheckIn,
        };
        match self.sign_subject(binding, time, subject) {
            None => CheckIn::NotNow,
            Some(Ok((signed, Points::ZERO))) => {
                let entry = signed.body();
                let (none, nobody) = (std::iter::empty(), std::iter::empty());
                let context = AwardContext::of(&self.books, entry, none, nobody);
                let full = context.and_then(|context| context.full_cap(entry));
                self.books.forget_minted();
                CheckIn::NothingMore {
                    is_of_check_ins: full.as_ref().is_some_and(|(_, is_of_rule)| *is_of_rule),
                    limit: full.map(|(limit, _)| limit),
                }
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
                self.committed(head, Awaited::ByMember);
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
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "evidence that waits to be signed cannot be read"
                );
                return;
            }
        };
        self.live.awaiting = waiting.len() as u64;
        for awaiting in waiting {
            let Some((evidence, private)) = self.awaited(&awaiting) else {
                tracing::error!("evidence that waits to be signed cannot be read; it is kept");
                continue;
            };
            let signed = self.sign(&evidence, private.as_deref());
            let Some(Ok(entry)) = signed else {
                self.books.forget_minted();
                return;
            };
            match self.store.commit_awaited(awaiting.id, &entry) {
                Ok(head) => {
                    self.live.awaiting -= 1;
                    self.committed(head, Awaited::ByNobody);
                }
                Err(error) => {
                    tracing::error!(
                        error = &error as &dyn std::error::Error,
                        "evidence that waited cannot be committed; it is kept"
                    );
                    self.books.forget_minted();
                    return;
                }
            }
        }
    }

    /// Reads evidence that waits, with its private part; what an older program has kept is kept anew, without anything
    /// private in the clear.
    fn awaited(&mut self, awaiting: &Awaiting) -> Option<(AwaitingSubject, Option<Vec<u8>>)> {
        if let Ok(evidence) = serde_json::from_slice(&awaiting.evidence) {
            return Some((evidence, awaiting.private.clone()));
        }
        let old: UnsealedEvidence = serde_json::from_slice(&awaiting.evidence).ok()?;
        let digest = EvidenceDigest::from_bytes(dashpoint_wire::digest(&old.private));
        let evidence = self.awaiting(old.binding, &old.finished, digest);
        let evidence = AwaitingSubject::Evidence(evidence);
        let rewritten = serde_json::to_vec(&evidence).map_err(AwardError::Encode);
        let rewritten = rewritten.and_then(|raw| {
            let private = Some(old.private.as_slice());
            Ok(self.store.rewrite_awaiting(awaiting.id, &raw, private)?)
        });
        if let Err(error) = rewritten {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "evidence that waits is kept as an older program left it"
            );
        }
        Some((evidence, Some(old.private)))
    }

    fn awaiting(
        &self,
        binding: BindingId,
        finished: &Finished,
        digest: EvidenceDigest,
    ) -> AwaitingEvidence {
        AwaitingEvidence {
            binding,
            evidence: finished.evidence.clone(),
            digest,
            time: self.event_time(finished.ended_ms, finished.utc_offset_min),
            marks: finished.marks,
        }
    }

    /// Values and signs it; `None` while key, policy or statement are missing.
    fn sign(
        &mut self,
        awaiting: &AwaitingSubject,
        private: Option<&[u8]>,
    ) -> Option<Result<NewEntry, AwardError>> {
        let (binding, time, subject) = awaiting.parts();
        let made_at = self.clock.unix_ms().div_euclid(1_000);
        let signed = self.sign_subject(binding, time, subject)?;
        Some(signed.map(|(signed, _)| {
            NewEntry::new(&signed, private.map(<[u8]>::to_vec), made_at)
                .with_marks(awaiting.marks())
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

    fn private(&mut self, finished: &Finished) -> Result<SaltedEvidence, AwardError> {
        let salt = self.chance.bytes().ok_or(AwardError::NotYet)?;
        SaltedEvidence::encode(salt, &finished.private).map_err(AwardError::Encode)
    }

    fn wait(
        &mut self,
        awaiting: &AwaitingSubject,
        private: Option<&SaltedEvidence>,
    ) -> Result<(), AwardError> {
        let raw = serde_json::to_vec(awaiting).map_err(AwardError::Encode)?;
        let made_at = self.clock.unix_ms().div_euclid(1_000);
        let private = private.map(SaltedEvidence::as_bytes);
        self.store
            .keep_awaiting(&raw, private, &awaiting.marks(), made_at)?;
        self.live.awaiting += 1;
        tracing::warn!("what is to be signed is kept until it can be");
        Ok(())
    }

    /// An entry is durable: from here on it may be shown and sent.
    fn committed(&mut self, head: ChainPoint, awaited: Awaited) {
        self.books.committed(head);
        tracing::info!(seq = head.seq.get(), "an entry was signed");
        self.tell(Event::EntryCommitted { head, awaited });
    }
}
