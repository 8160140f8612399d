//! The machine that brings car and cloud together.
//!
//! It is told events and asks for effects, at most one with a ticket at a time. It has no clock, no chance, no files, no
//! sockets and no key: what it needs of them comes in with the event. What the cloud says is verified here, before
//! anyone stores it.

mod answers;
mod batches;
mod documents;
mod recovery;

use std::mem;
use std::time::Duration;

use dashpoint_membership::ServerEpoch;
use dashpoint_wire::{Raw, Receipt};

use crate::agenda::{Agenda, Errand};
use crate::contact::{Contact, Detours};
use crate::effect::{Effect, Report, Subject};
use crate::error::Refused;
use crate::event::{Awaited, Event, LocalFacts};
use crate::exchange::{Credential, HttpRequest};
use crate::held::Held;
use crate::now::{Now, Ticket};
use crate::outbox::Outbox;
use crate::own_chain::OwnChain;
use crate::pacing::Pacing;
use crate::status::{OfflineReason, Status};
use crate::verify::{Batch, Identity, not_older};

use batches::{Applying, Comparing};
use documents::NewDocument;
use recovery::{Recovery, Step};

/// The machine that brings car and cloud together.
///
/// Feed it [`Event`]s, carry out the [`Effect`]s, answer those that have a ticket, and send a [`Event::Tick`] when the
/// time of [`Reconciler::poll_timeout`] has come.
#[derive(Debug)]
pub struct Reconciler {
    who: Identity,
    /// Longest wait of an entry that nobody waits for.
    send_within: Duration,
    /// `None` before the first `Started`.
    known: Option<Known>,
    mode: Mode,
    pacing: Pacing,
    detours: Detours,
    last_ticket: Ticket,
    shown: Option<Status>,
    effects: Vec<Effect>,
}

/// State of car and cloud, as the machine knows it.
#[derive(Debug)]
struct Known {
    chain: OwnChain,
    outbox: Outbox,
    held: Held,
    agenda: Agenda,
    contact: Contact,
    /// Interrupted by a failure that says nothing against it.
    parked: Option<Box<Recovery>>,
}

/// The answer that the machine waits for; the variants carry the data to go on with.
#[derive(Debug)]
enum Mode {
    /// Nothing: for work, or for its time.
    Idle,
    /// An answer of the cloud.
    Asking(Ticket, Box<Asking>),
    /// The store.
    AtStore(Ticket, Task),
}

#[derive(Debug)]
struct Asking {
    request: HttpRequest,
    question: Question,
}

/// A question to the cloud.
#[derive(Debug)]
enum Question {
    Entries(Batch),
    Document(Errand),
    /// The next page of own entries, or the grant: the recovery knows which.
    Recovery(Box<Recovery>),
}

/// A task of the store.
#[derive(Debug)]
enum Task {
    ReadBatch,
    Compare(Box<Comparing>),
    Apply(Box<Applying>),
    StoreDocument(NewDocument),
    /// A page of own entries that the cloud had; the step of the recovery after it.
    StoreFetched(Box<Recovery>, Step),
    Recovery(Box<Recovery>),
}

impl Reconciler {
    /// A machine that knows nothing yet; it begins with [`Event::Started`]. Entries that nobody waits for leave at a
    /// random time within `send_within` of their signing, so that their arrival does not tell when the car came to rest.
    #[must_use]
    pub fn new(who: Identity, send_within: Duration) -> Self {
        Self {
            who,
            send_within,
            known: None,
            mode: Mode::Idle,
            pacing: Pacing::default(),
            detours: Detours::default(),
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
    pub const fn status(&self) -> Option<Status> {
        self.shown
    }

    fn start(&mut self, facts: LocalFacts, now: Now) -> Known {
        self.mode = Mode::Idle;
        let receipt = facts.last_receipt.map(Raw::from).and_then(|raw| {
            self.held_receipt(raw, facts.server_epoch)
                .map_err(|why| self.report(Subject::Own, why))
                .ok()
        });
        let mut chain = OwnChain::new(facts.head, facts.grant, facts.server_epoch);
        chain.forked = facts.forked;
        let mut held = Held {
            members: facts.members.into_iter().collect(),
            policy: facts.policy,
            policy_heard_of: None,
            catalogue: facts.catalogue,
            server_epoch: facts.server_epoch,
        };
        let mut last_unix_s = None;
        if let Some((raw, receipt)) = receipt {
            last_unix_s = Some(receipt.server_time.as_unix_s());
            held.raise_server_epoch(receipt.server_epoch);
            chain.resume(&receipt, raw);
        }
        if let Some(seen) = held
            .members
            .values()
            .flatten()
            .map(|mark| mark.server_epoch)
            .max()
        {
            held.raise_server_epoch(seen);
        }
        let mut contact = Contact::new(true, last_unix_s);
        contact.network_is(facts.network, now);
        Known {
            outbox: Outbox::new(self.send_within, &chain, facts.head_made_unix_s, now),
            chain,
            agenda: Agenda::new(held.members.keys().copied()),
            held,
            contact,
            parked: None,
        }
    }

    fn held_receipt(
        &self,
        raw: Raw<Receipt>,
        known: ServerEpoch,
    ) -> Result<(Raw<Receipt>, Receipt), Refused> {
        let receipt = raw
            .clone()
            .verify(&self.who.cloud_key, &self.who.device)?
            .into_parts()
            .1;
        not_older(receipt.server_epoch, known).map(|()| (raw, receipt))
    }

    fn take(&mut self, event: Event, known: &mut Known, now: Now) {
        match event {
            Event::Started(_) | Event::Tick => {}
            Event::EntryCommitted { head, awaited } => {
                known.chain.committed(head);
                if awaited == Awaited::ByMember {
                    known.outbox.release(&known.chain);
                }
            }
            Event::ConnectivityChanged { available } => {
                if known.contact.network_is(available, now) {
                    self.pacing.hurry(now);
                }
            }
            Event::SyncRequested => {
                known.agenda.hasten_all();
                known.outbox.release(&known.chain);
                self.pacing.hurry(now);
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
                if let Some(Task::StoreFetched(recovery, next)) = self.at_store(ticket) {
                    known.chain.committed(head);
                    known.chain.forked = forked;
                    known.outbox.release(&known.chain);
                    self.fetched_stored(known, recovery, next, now);
                }
            }
            Event::EpochBegun { ticket, head } => {
                if let Some(Task::Recovery(recovery)) = self.at_store(ticket) {
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
    fn go_on(&mut self, known: &mut Known, now: Now) {
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
        } else if let Some(errand) = known.agenda.due(now.monotonic_ms) {
            self.run_errand(known, errand, now);
        }
    }

    fn may_send_at_ms(&self, known: &Known) -> u64 {
        self.pacing.opens_at_ms().max(known.contact.allows_at_ms())
    }

    fn status_of(&self, known: &Known) -> Status {
        let recovering = match &self.mode {
            Mode::Asking(_, asking) => matches!(asking.question, Question::Recovery(_)),
            Mode::AtStore(_, task) => matches!(
                task,
                Task::StoreFetched(..) | Task::Recovery(_) | Task::Compare(_)
            ),
            Mode::Idle => known.must_recover(),
        };
        let sending = recovering || known.outbox.ready(&known.chain) > 0;
        known.contact.status(known.chain.waiting(), sending)
    }

    fn ask(&mut self, known: &mut Known, request: HttpRequest, question: Question, now: Now) {
        known.contact.tried(now);
        let ticket = self.next_ticket();
        self.effects.push(Effect::Send {
            ticket,
            request: request.clone(),
        });
        self.mode = Mode::Asking(ticket, Box::new(Asking { request, question }));
    }

    fn at(&mut self, task: Task, effect: impl FnOnce(Ticket) -> Effect) {
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
    fn at_store(&mut self, ticket: Ticket) -> Option<Task> {
        match mem::replace(&mut self.mode, Mode::Idle) {
            Mode::AtStore(expected, task) if expected == ticket => Some(task),
            mode @ (Mode::Idle | Mode::Asking(..) | Mode::AtStore(..)) => {
                self.mode = mode;
                None
            }
        }
    }

    fn entries_read(&mut self, known: &mut Known, task: Task, entries: Vec<Vec<u8>>, now: Now) {
        match task {
            Task::ReadBatch => self.send_batch(known, entries, now),
            Task::Compare(comparing) => self.compared(known, *comparing, &entries, now),
            Task::Recovery(recovery) => self.own_read(known, recovery, entries, now),
            Task::Apply(_) | Task::StoreDocument(_) | Task::StoreFetched(..) => {
                self.local_failure(known, now);
            }
        }
    }

    fn stored(&mut self, known: &mut Known, task: Task, now: Now) {
        match task {
            Task::Apply(applying) => self.applied(known, *applying, now),
            Task::StoreDocument(document) => self.document_stored(known, &document, now),
            Task::Recovery(recovery) => self.resume_recovery(known, recovery, now),
            Task::ReadBatch | Task::Compare(_) | Task::StoreFetched(..) => {
                self.local_failure(known, now);
            }
        }
    }

    fn store_failed(&mut self, known: &mut Known, task: Task, now: Now) {
        if let Task::Recovery(recovery) | Task::StoreFetched(recovery, _) = task {
            self.recovery_store_failed(known, recovery, now);
        } else {
            self.local_failure(known, now);
        }
    }

    fn local_failure(&mut self, known: &mut Known, now: Now) {
        self.pacing.failed(now);
        known.contact.bad(OfflineReason::Local);
    }

    fn report(&mut self, what: Subject, why: Refused) {
        self.effects.push(Effect::Report(Report { what, why }));
    }
}

impl Known {
    const fn must_recover(&self) -> bool {
        self.parked.is_some() || self.chain.lost.is_some() || self.chain.forked
    }

    /// Returns the time of the next work: now while something may leave, else that of the next entry or errand.
    fn work_at_ms(&self) -> u64 {
        if self.must_recover() || self.outbox.ready(&self.chain) > 0 {
            return 0;
        }
        let errand_ms = self.agenda.next_ms();
        self.outbox
            .due_ms()
            .map_or(errand_ms, |due_ms| due_ms.min(errand_ms))
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
