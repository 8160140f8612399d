//! The machine that brings car and cloud together.
//!
//! It is told events and asks for effects, at most one with a ticket at a time. It has no clock, no chance, no files, no
//! sockets and no key: what it needs of them comes in with the event. What the cloud says is verified here, before
//! anyone stores it.

mod answers;
mod batches;
mod documents;
mod mode;
mod proof;
mod recovery;
mod recovery_state;

use std::mem;
use std::time::Duration;

use dashpoint_membership::ServerEpoch;
use dashpoint_wire::{Raw, Receipt};

use crate::connection_health::{ConnectionHealth, RecoveryBudget};
use crate::effect::{AnswerSubject, Effect, RefusedAnswer};
use crate::error::AnswerError;
use crate::event::{Awaited, Event, LocalFacts};
use crate::exchange::{Credential, HttpRequest};
use crate::known_versions::KnownVersions;
use crate::local_chain::LocalChain;
use crate::now::{Now, Ticket};
use crate::outbox::Outbox;
use crate::pacing::Pacing;
use crate::refresh_schedule::RefreshSchedule;
use crate::status::{OfflineReason, SyncStatus};
use crate::verify::{DeviceIdentity, not_older};

use mode::{Asking, Mode, Question, StoreTask};
use recovery_state::Recovery;

/// The machine that brings car and cloud together.
///
/// Feed it [`Event`]s, carry out the [`Effect`]s, answer those that have a ticket, and send a [`Event::Tick`] when the
/// time of [`Reconciler::poll_timeout`] has come.
#[derive(Debug)]
pub struct Reconciler {
    who: DeviceIdentity,
    /// Longest wait of an entry that nobody waits for.
    send_within: Duration,
    /// `None` before the first `Started`.
    known: Option<KnownState>,
    mode: Mode,
    pacing: Pacing,
    recovery_budget: RecoveryBudget,
    /// The last time when the proof was shown because a statement was refused, in monotonic milliseconds.
    statement_proof_ms: Option<u64>,
    last_ticket: Ticket,
    shown: Option<SyncStatus>,
    effects: Vec<Effect>,
}

/// State of car and cloud, as the machine knows it.
#[derive(Debug)]
struct KnownState {
    chain: LocalChain,
    outbox: Outbox,
    versions: KnownVersions,
    refreshes: RefreshSchedule,
    connection: ConnectionHealth,
    /// Interrupted by a failure that says nothing against it.
    parked: Option<Box<Recovery>>,
}

impl Reconciler {
    /// A machine that knows nothing yet; it begins with [`Event::Started`]. Entries that nobody waits for leave at a
    /// random time within `send_within` of their signing, so that their arrival does not tell when the car came to rest.
    #[must_use]
    pub fn new(who: DeviceIdentity, send_within: Duration) -> Self {
        Self {
            who,
            send_within,
            known: None,
            mode: Mode::Idle,
            pacing: Pacing::default(),
            recovery_budget: RecoveryBudget::default(),
            statement_proof_ms: None,
            last_ticket: Ticket::ZERO,
            shown: None,
            effects: Vec::new(),
        }
    }

    /// Takes an event and returns what is to be done, in this order.
    #[must_use = "an effect that is not carried out stops the machine"]
    pub fn handle(&mut self, event: Event, now: Now) -> Vec<Effect> {
        // Taken out while it is worked on, so that machine and knowledge can be borrowed side by side.
        let mut known = self.known.take();
        if let Event::Started(facts) = event {
            known = Some(self.start(facts, now));
        } else if let Some(known) = &mut known {
            // Before the event: an entry that is signed after the drawn time waits for one of its own.
            known.outbox.come_due(&known.chain, now);
            self.take(event, known, now);
        }
        if let Some(mut known) = known {
            known.outbox.arrange(&known.chain, now);
            self.go_on(&mut known, now);
            let status = self.status_of(&known);
            if self.shown != Some(status) {
                self.shown = Some(status);
                self.effects.push(Effect::StateChanged(status));
            }
            self.known = Some(known);
        }
        mem::take(&mut self.effects)
    }

    /// Returns the time at which the machine wants an [`Event::Tick`], in monotonic milliseconds; a time that has
    /// passed means now. `None` while it waits for an answer.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<u64> {
        let known = self.known.as_ref()?;
        match self.mode {
            Mode::Idle => Some(known.work_at_ms().max(self.may_send_at_ms(known))),
            Mode::Asking(..) | Mode::AtStore(..) => None,
        }
    }

    /// Returns the status of the connection; `None` before the start.
    #[must_use]
    pub const fn status(&self) -> Option<SyncStatus> {
        self.shown
    }

    fn start(&mut self, facts: LocalFacts, now: Now) -> KnownState {
        self.mode = Mode::Idle;
        let receipt = facts.last_receipt.map(Raw::from).and_then(|raw| {
            self.held_receipt(raw, facts.server_epoch)
                .map_err(|why| self.report(AnswerSubject::Own, why))
                .ok()
        });
        let mut chain = LocalChain::new(facts.head, facts.grant, facts.server_epoch);
        chain.forked = facts.forked;
        let mut versions = KnownVersions {
            members: facts.members.into_iter().collect(),
            policy: facts.policy,
            policy_heard_of: None,
            catalogue: facts.catalogue,
            server_epoch: facts.server_epoch,
        };
        let mut last_unix_s = None;
        if let Some((raw, receipt)) = receipt {
            last_unix_s = Some(receipt.server_time.as_unix_s());
            versions.raise_server_epoch(receipt.server_epoch);
            chain.resume(&receipt, raw);
        }
        if let Some(seen) = versions
            .members
            .values()
            .flatten()
            .map(|mark| mark.server_epoch)
            .max()
        {
            versions.raise_server_epoch(seen);
        }
        let mut connection = ConnectionHealth::new(true, last_unix_s);
        connection.network_is(facts.network, now);
        KnownState {
            outbox: Outbox::new(self.send_within, &chain, facts.head_made_unix_s, now),
            chain,
            refreshes: RefreshSchedule::new(versions.members.keys().copied()),
            versions,
            connection,
            parked: None,
        }
    }

    fn held_receipt(
        &self,
        raw: Raw<Receipt>,
        known: ServerEpoch,
    ) -> Result<(Raw<Receipt>, Receipt), AnswerError> {
        let receipt = raw
            .clone()
            .verify(&self.who.cloud_key, &self.who.device)?
            .into_parts()
            .1;
        not_older(receipt.server_epoch, known).map(|()| (raw, receipt))
    }

    fn take(&mut self, event: Event, known: &mut KnownState, now: Now) {
        match event {
            Event::Started(_) | Event::Tick => {}
            Event::EntryCommitted { head, awaited } => {
                known.chain.committed(head);
                if awaited == Awaited::ByMember {
                    known.outbox.release(&known.chain);
                }
            }
            Event::ConnectivityChanged { available } => {
                if known.connection.network_is(available, now) {
                    self.pacing.shorten_backoff(now);
                }
            }
            Event::SyncRequested => {
                known.refreshes.mark_all_due();
                known.outbox.release(&known.chain);
                self.pacing.asked_for();
            }
            Event::Answered { ticket, answer } => {
                if let Some(asking) = self.asking(ticket) {
                    self.answered(known, asking, answer, now);
                }
            }
            Event::EntriesRead { ticket, entries } => {
                if let Some(task) = self.at_store(ticket) {
                    self.entries_read(known, task, entries, now);
                }
            }
            Event::EnrolmentRead { ticket, proof } => {
                if let Some(task) = self.at_store(ticket) {
                    self.enrolment_read(known, task, &proof, now);
                }
            }
            Event::Stored { ticket } => {
                if let Some(task) = self.at_store(ticket) {
                    self.stored(known, task, now);
                }
            }
            Event::FetchedStored {
                ticket,
                head,
                forked,
            } => {
                if let Some(StoreTask::StoreFetched(recovery, next)) = self.at_store(ticket) {
                    known.chain.committed(head);
                    known.chain.forked = forked;
                    known.outbox.release(&known.chain);
                    self.fetched_stored(known, recovery, next, now);
                }
            }
            Event::EpochBegun { ticket, head } => {
                if let Some(StoreTask::Recovery(recovery)) = self.at_store(ticket) {
                    self.epoch_begun(known, *recovery, head, now);
                }
            }
            Event::StoreFailed { ticket } => {
                if let Some(task) = self.at_store(ticket) {
                    self.store_failed(known, task, now);
                }
            }
        }
    }

    /// Takes up the next work when nothing is under way and its time has come.
    fn go_on(&mut self, known: &mut KnownState, now: Now) {
        let time_has_come = now.monotonic_ms >= self.may_send_at_ms(known);
        if !matches!(self.mode, Mode::Idle) || !time_has_come {
            return;
        }
        if let Some(recovery) = known.parked.take() {
            self.resume_recovery(known, recovery, now);
        } else if let Some(lost) = known.chain.lost.take() {
            self.recover_lost(known, lost, now);
        } else if known.chain.forked {
            self.recover_forked(known, now);
        } else if known.outbox.ready(&known.chain) > 0 {
            self.read_batch(known);
        } else if let Some(task) = known.refreshes.due(now.monotonic_ms) {
            self.run_refresh(known, task, now);
        }
    }

    fn may_send_at_ms(&self, known: &KnownState) -> u64 {
        self.pacing
            .opens_at_ms()
            .max(known.connection.allows_at_ms())
    }

    fn status_of(&self, known: &KnownState) -> SyncStatus {
        let recovering = match &self.mode {
            Mode::Asking(_, asking) => matches!(asking.question, Question::Recovery(_)),
            Mode::AtStore(_, task) => matches!(
                task,
                StoreTask::StoreFetched(..) | StoreTask::Recovery(_) | StoreTask::Compare(_)
            ),
            Mode::Idle => known.must_recover(),
        };
        let sending = recovering || known.outbox.ready(&known.chain) > 0;
        known.connection.status(known.chain.waiting(), sending)
    }

    fn ask(&mut self, known: &mut KnownState, request: HttpRequest, question: Question, now: Now) {
        known.connection.tried(now);
        let ticket = self.next_ticket();
        self.effects.push(Effect::Send {
            ticket,
            request: request.clone(),
        });
        self.mode = Mode::Asking(ticket, Box::new(Asking { request, question }));
    }

    fn at(&mut self, task: StoreTask, effect: impl FnOnce(Ticket) -> Effect) {
        let ticket = self.next_ticket();
        self.effects.push(effect(ticket));
        self.mode = Mode::AtStore(ticket, task);
    }

    const fn next_ticket(&mut self) -> Ticket {
        self.last_ticket = self.last_ticket.next();
        self.last_ticket
    }

    /// Takes the open question with this ticket; `None` for an answer that comes late or twice.
    fn asking(&mut self, ticket: Ticket) -> Option<Asking> {
        match mem::replace(&mut self.mode, Mode::Idle) {
            Mode::Asking(expected, asking) if expected == ticket => Some(*asking),
            mode @ (Mode::Idle | Mode::Asking(..) | Mode::AtStore(..)) => {
                self.mode = mode;
                None
            }
        }
    }

    /// Takes the open task with this ticket; `None` for an answer that comes late or twice.
    fn at_store(&mut self, ticket: Ticket) -> Option<StoreTask> {
        match mem::replace(&mut self.mode, Mode::Idle) {
            Mode::AtStore(expected, task) if expected == ticket => Some(task),
            mode @ (Mode::Idle | Mode::Asking(..) | Mode::AtStore(..)) => {
                self.mode = mode;
                None
            }
        }
    }

    fn entries_read(
        &mut self,
        known: &mut KnownState,
        task: StoreTask,
        entries: Vec<Vec<u8>>,
        now: Now,
    ) {
        match task {
            StoreTask::ReadBatch => self.send_batch(known, entries, now),
            StoreTask::Compare(comparing) => self.compared(known, *comparing, &entries, now),
            StoreTask::Recovery(recovery) => self.own_read(known, recovery, entries, now),
            StoreTask::Apply(_)
            | StoreTask::ReadEnrolment(_)
            | StoreTask::StoreDocument(_)
            | StoreTask::StoreFetched(..) => {
                self.local_failure(known, now);
            }
        }
    }

    fn stored(&mut self, known: &mut KnownState, task: StoreTask, now: Now) {
        match task {
            StoreTask::Apply(applying) => self.applied(known, *applying, now),
            StoreTask::StoreDocument(document) => self.document_stored(known, &document, now),
            StoreTask::Recovery(recovery) => self.resume_recovery(known, recovery, now),
            StoreTask::ReadBatch
            | StoreTask::ReadEnrolment(_)
            | StoreTask::Compare(_)
            | StoreTask::StoreFetched(..) => {
                self.local_failure(known, now);
            }
        }
    }

    fn store_failed(&mut self, known: &mut KnownState, task: StoreTask, now: Now) {
        if let StoreTask::Recovery(recovery) | StoreTask::StoreFetched(recovery, _) = task {
            self.recovery_store_failed(known, recovery, now);
        } else {
            self.local_failure(known, now);
        }
    }

    fn local_failure(&mut self, known: &mut KnownState, now: Now) {
        self.pacing.failed(now);
        known.connection.bad(OfflineReason::Local);
    }

    fn report(&mut self, what: AnswerSubject, why: AnswerError) {
        self.effects
            .push(Effect::Report(RefusedAnswer { what, why }));
    }
}

impl KnownState {
    const fn must_recover(&self) -> bool {
        self.parked.is_some() || self.chain.lost.is_some() || self.chain.forked
    }

    /// Returns the time of the next work: now while something may leave, else that of the next entry or refresh.
    fn work_at_ms(&self) -> u64 {
        if self.must_recover() || self.outbox.ready(&self.chain) > 0 {
            return 0;
        }
        let refresh_ms = self.refreshes.next_ms();
        self.outbox
            .due_ms()
            .map_or(refresh_ms, |due_ms| due_ms.min(refresh_ms))
    }
}

impl HttpRequest {
    fn get(path: String) -> Self {
        Self {
            method: crate::exchange::Method::Get,
            path,
            body: Vec::new(),
            credential: Credential::Device { nonce: None },
        }
    }

    fn post(path: String, body: Vec<u8>) -> Self {
        Self {
            method: crate::exchange::Method::Post,
            path,
            body,
            credential: Credential::Device { nonce: None },
        }
    }
}
