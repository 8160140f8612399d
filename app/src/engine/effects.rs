//! Carries out the effects of the reconciler.

use dashpoint_membership::policy::SkippedRule;
use dashpoint_membership::{CompiledPolicy, Entry, EntryBody, Policies, RuleId, Seq};
use dashpoint_store::{NewEntry, Reconciled, StoreError, StoredEntry};
use dashpoint_sync::{AnswerError, BatchOutcome, Beginning, Effect, Event, Ticket};
use dashpoint_wire::message::EnrolmentProof;
use dashpoint_wire::{ChainPoint, Raw, Signed, WireError};

use super::enrolment_proof::gather;
use super::resume::marks_of;
use super::{Engine, Outgoing};
use crate::books::BooksError;

/// Reasons that an effect was not carried out.
#[derive(Debug, thiserror::Error)]
enum EffectError {
    #[error("there is no key to sign with")]
    NoKey,
    #[error("the head has moved on")]
    HeadMoved,
    #[error("an entry to be carried is not here")]
    NotHere,
    #[error("what the cloud signed at the enrolment is not here")]
    NotEnrolled,
    #[error("a carry cannot be signed")]
    Sign(#[from] WireError),
    #[error(transparent)]
    Books(#[from] BooksError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Engine {
    /// Carries out one effect; returns the event that answers it, unless the answer comes later or never.
    pub(super) fn carry_out(&mut self, effect: Effect) -> Option<Event> {
        match effect {
            Effect::ReadEntries { ticket, epoch, after, limit } => {
                let limit = u32::try_from(limit).unwrap_or(u32::MAX);
                let read = self.store.read().entries_after(epoch, after, limit);
                Some(match read {
                    Ok(entries) => {
                        let entries = entries.into_iter().map(Raw::into_bytes).collect();
                        Event::EntriesRead { ticket, entries }
                    }
                    Err(error) => failed(ticket, "read entries", &error.into()),
                })
            }
            Effect::ReadStrays { ticket, epoch, after } => {
                Some(match self.store.read().strays() {
                    Ok(strays) => {
                        let is_after = |stray: &StoredEntry| (stray.point.epoch, stray.point.seq) > (epoch, after);
                        let strays = strays.into_iter().filter(is_after);
                        let entries = strays.map(|stray| stray.raw.into_bytes()).collect();
                        Event::EntriesRead { ticket, entries }
                    }
                    Err(error) => failed(ticket, "read entries beside the chain", &error.into()),
                })
            }
            Effect::ReadEnrolment { ticket } => Some(match self.enrolment() {
                Ok(proof) => Event::EnrolmentRead { ticket, proof },
                Err(error) => failed(ticket, "read the enrolment", &error),
            }),
            Effect::Send { ticket, request } => self.send(ticket, request),
            Effect::Apply { ticket, outcome } => Some(self.stored(ticket, "apply", |engine| engine.apply(*outcome))),
            Effect::StoreStatement { ticket, statement } => {
                Some(self.stored(ticket, "store a statement", |engine| {
                    engine.store.put_statement(&statement)?;
                    engine.took_statements(vec![*statement])
                }))
            }
            Effect::StorePolicy { ticket, policy } => {
                Some(self.stored(ticket, "store a policy", |engine| {
                    engine.store.put_policy(&policy)?;
                    match CompiledPolicy::compile_known(policy.into_parts().1) {
                        Ok(policy) => {
                            engine.books.take_policy(policy);
                            engine.live.policy_refused = false;
                            engine.tell_skipped_rules();
                        }
                        Err(error) => {
                            engine.live.policy_refused = true;
                            tracing::error!(%error, "the new policy is beyond this program; the last one stays");
                        }
                    }
                    engine.refresh()
                }))
            }
            Effect::StoreCatalogue { ticket, catalogue } => {
                Some(self.stored(ticket, "store the catalogue", |engine| {
                    engine.store.put_catalogue(&catalogue)?;
                    engine.books.catalogue = Some(catalogue.into_parts().1);
                    Ok(())
                }))
            }
            Effect::StoreFetched { ticket, entries } => Some(match self.put_back(&entries) {
                Ok(()) => Event::FetchedStored {
                    ticket,
                    head: self.books.head,
                    forked: self.books.forked,
                },
                Err(error) => failed(ticket, "store fetched entries", &error),
            }),
            Effect::BeginEpoch { ticket, beginning } => Some(match self.begin_epoch(*beginning) {
                Ok(head) => Event::EpochBegun { ticket, head },
                Err(error) => failed(ticket, "begin an epoch", &error),
            }),
            Effect::StateChanged(status) => {
                self.live.take_status(status);
                tracing::info!(connection = ?status.connection, waiting = status.waiting, "connection");
                None
            }
            Effect::Report(report) => {
                if matches!(report.why, AnswerError::Policy { .. }) {
                    self.live.policy_refused = true;
                }
                tracing::warn!(what = ?report.what, why = &report.why as &dyn std::error::Error, "refused");
                None
            }
        }
    }

    fn send(&self, ticket: Ticket, request: dashpoint_sync::HttpRequest) -> Option<Event> {
        let unix_s = self.clock.unix_ms().div_euclid(1_000);
        let sent = self.outputs.requests.try_send(Outgoing {
            ticket,
            request,
            unix_s,
            signed_at: self.cloud_watch.last_borne_out(),
        });
        sent.err().map(|_| Event::Answered {
            ticket,
            answer: Err(dashpoint_sync::TransportFailure::NotSent),
        })
    }

    fn stored(
        &mut self,
        ticket: Ticket,
        doing: &'static str,
        work: impl FnOnce(&mut Self) -> Result<(), EffectError>,
    ) -> Event {
        match work(self) {
            Ok(()) => Event::Stored { ticket },
            Err(error) => failed(ticket, doing, &error),
        }
    }

    fn apply(&mut self, outcome: BatchOutcome) -> Result<(), EffectError> {
        let BatchOutcome {
            verdicts,
            receipt,
            statements,
        } = outcome;
        let server_time = receipt.body().server_time;
        let answer = Reconciled {
            receipt,
            verdicts,
            statements,
        };
        let applied = self.store.apply(&answer)?;
        let attempts = &mut self.live.attempts;
        attempts.held_back += applied.held_back;
        attempts.rejected += applied.rejected;
        attempts.confirmed += applied.verdicts - applied.held_back - applied.rejected;
        tracing::info!(verdicts = applied.verdicts, "the cloud has answered");
        self.clock.signed(server_time);
        self.hear_time(server_time);
        self.took_statements(answer.statements)
    }

    /// Tells which rules of the newest policy this program cannot evaluate, when they are others than before.
    pub(super) fn tell_skipped_rules(&mut self) {
        let newest = self.books.policies.as_ref().map(Policies::newest);
        let skipped = newest.map_or(&[][..], CompiledPolicy::skipped);
        let rules: Vec<RuleId> = skipped.iter().map(|skipped| skipped.rule.clone()).collect();
        if rules == self.live.skipped_rules {
            return;
        }
        for SkippedRule { rule, reason } in skipped {
            tracing::warn!(%rule, %reason, "a rule needs a newer program; the others are evaluated");
        }
        self.live.skipped_rules = rules;
    }

    fn took_statements(
        &mut self,
        statements: Vec<Signed<dashpoint_membership::Statement>>,
    ) -> Result<(), EffectError> {
        let statements = statements
            .into_iter()
            .map(|statement| statement.into_parts().1)
            .collect();
        self.books
            .take_statements(statements, self.store.read(), self.clock.now())?;
        self.clock.signed(self.books.receipt_at);
        self.sign_what_waits();
        Ok(())
    }

    /// Reads the books anew, and signs what may be signed now.
    fn refresh(&mut self) -> Result<(), EffectError> {
        self.books.refresh(self.store.read(), self.clock.now())?;
        self.clock.signed(self.books.receipt_at);
        self.sign_what_waits();
        Ok(())
    }

    fn sign_what_waits(&mut self) {
        if self.live.awaiting > 0 {
            self.sign_awaiting();
        }
    }

    /// Puts back own entries that the disk had lost; those that contradict it are kept beside the chain.
    fn put_back(&mut self, fetched: &[Signed<Entry>]) -> Result<(), EffectError> {
        let made_at = self.clock.unix_ms().div_euclid(1_000);
        let entries: Vec<_> = fetched
            .iter()
            .map(|entry| NewEntry::new(entry, None, made_at))
            .collect();
        match self.store.restore_entries(&[], &entries) {
            Ok(_) => {}
            Err(
                StoreError::Taken { .. }
                | StoreError::NotNext { .. }
                | StoreError::NotGranted { .. },
            ) => {
                self.store.keep_beside(&entries)?;
            }
            Err(error) => return Err(error.into()),
        }
        self.telematics.settle(marks_of(&self.store)?);
        self.refresh()
    }

    /// The proof of this car's enrolment.
    fn enrolment(&self) -> Result<Box<EnrolmentProof>, EffectError> {
        let gathered = gather(self.store.read(), &self.books.identity)?;
        gathered.map(Box::new).ok_or(EffectError::NotEnrolled)
    }

    /// Signs what has to be said again and commits it with the grant.
    fn begin_epoch(&mut self, beginning: Beginning) -> Result<ChainPoint, EffectError> {
        let Beginning {
            grant,
            head,
            carries,
        } = beginning;
        let epoch = grant.body().epoch;
        let here = self.store.read().head(head.epoch)?;
        if here != Some(head) && self.store.read().head(epoch)?.is_none() {
            return Err(EffectError::HeadMoved);
        }
        let mut point = ChainPoint {
            epoch,
            seq: Seq::new(0),
            hash: grant.hash(),
        };
        let mut carried = Vec::with_capacity(carries.len());
        for original in carries {
            let entry = self.carry(original, point)?;
            point = entry.point();
            carried.push(entry);
        }
        self.store.begin_epoch(&grant, &carried)?;
        self.hear_time(grant.body().issued);
        tracing::warn!(
            epoch = epoch.get(),
            carried = carried.len(),
            "a new epoch has begun"
        );
        self.refresh()?;
        Ok(self.books.head)
    }

    /// Says an entry again after another one.
    fn carry(&self, original: ChainPoint, after: ChainPoint) -> Result<NewEntry, EffectError> {
        let signer = self.signer.as_ref().ok_or(EffectError::NoKey)?;
        let identity = &self.books.identity;
        let stored = self.own(original)?.ok_or(EffectError::NotHere)?;
        let said = stored
            .raw
            .clone()
            .verify(&identity.device_key, &identity.device)?
            .into_parts()
            .1;
        let (first, transaction) = match said.body {
            EntryBody::Fresh(transaction) => (original.hash, transaction),
            EntryBody::Carry {
                original,
                transaction,
            } => (original, transaction),
        };
        let entry = Entry {
            epoch: after.epoch,
            seq: after.seq.next(),
            prev: after.hash,
            body: EntryBody::Carry {
                original: first,
                transaction,
            },
            ..said
        };
        let signed = Signed::sign(entry, signer, &identity.device)?;
        Ok(NewEntry::new(
            &signed,
            stored.private,
            stored.made_at_unix_s,
        ))
    }

    fn own(&self, point: ChainPoint) -> Result<Option<StoredEntry>, StoreError> {
        let there = self.store.read().entry(point.epoch, point.seq)?;
        if let Some(there) = there.filter(|there| there.point == point) {
            return Ok(Some(there));
        }
        let strays = self.store.read().strays()?;
        Ok(strays.into_iter().find(|stray| stray.point == point))
    }
}

fn failed(ticket: Ticket, doing: &'static str, error: &EffectError) -> Event {
    tracing::error!(
        doing,
        error = error as &dyn std::error::Error,
        "the store failed"
    );
    Event::StoreFailed { ticket }
}
