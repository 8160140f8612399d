//! Entries: verified, judged, settled, answered; effect, log, head and receipt in one transaction.

use dashpoint_membership::{DeviceId, Entry, Epoch, Seq, ServerTime};
use dashpoint_wire::message::{
    Divergence, EntriesPage, EntriesRequest, EntriesResponse, EntryVerdict,
};
use dashpoint_wire::{MAX_ENTRIES, Raw, Receipt, Signed, WireError, verdicts_digest};

use super::CloudCore;
use super::asked_proofs::AskedFor;
use super::settler::Settler;
use super::unit_of_work::UnitOfWork;
use crate::bucket::Stored;
use crate::clock::ClockKind;
use crate::error::CloudError;
use crate::lacking::Lacking;
use crate::store::devices::{self, Device, Head};
use crate::store::{accounts, bindings, cloud_row, forks, log, receipts};

/// Answer of the cloud to a batch of entries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PostOutcome {
    /// Each has its verdict.
    Settled(EntriesResponse),
    /// They do not follow what the cloud has: nothing was settled.
    Diverged(Divergence),
    /// One is not authentic, or not what the envelope says: nothing was settled, the head did not move.
    NotAuthentic(WireError),
}

/// One entry's place in the log before it is settled.
enum LogPlace {
    Known(log::LoggedEntry),
    Next,
    Branch,
}

impl CloudCore {
    /// Takes a batch of entries from a device whose request was let in.
    ///
    /// # Errors
    /// [`CloudError`] when the database fails or an account would break: then nothing was written.
    pub fn post_entries(
        &mut self,
        device: DeviceId,
        request: &EntriesRequest,
        now: ServerTime,
    ) -> Result<PostOutcome, CloudError> {
        self.detect_rollback(device, request.last_receipt.as_ref(), now)?;
        let not_shown = self.asked_proofs.answered(device);
        let posted = self.work(now, |unit| {
            let device = unit.device(device)?;
            match verified(&device, request) {
                Ok(entries) => unit.post(&device, request, &entries, &not_shown),
                Err(refused) => Ok(PostOutcome::NotAuthentic(refused)),
            }
        });
        self.note_asked(&posted);
        self.note_wait(device, &posted);
        posted
    }

    /// Moves a posted clock to the newest event time of authentic entries; a cloud on the system's clock ignores it.
    ///
    /// # Errors
    /// [`CloudError`] when the database fails.
    pub fn advance_posted_clock(
        &mut self,
        device: DeviceId,
        request: &EntriesRequest,
        now: ServerTime,
    ) -> Result<(), CloudError> {
        self.work(now, |unit| {
            if cloud_row::find(unit.db)?.is_none_or(|life| life.clock == ClockKind::System) {
                return Ok(());
            }
            let entries = verified(&unit.device(device)?, request).unwrap_or_default();
            let newest = entries.iter().map(|entry| entry.body().time.at.as_unix_s());
            match newest.max() {
                Some(newest) => cloud_row::post_now(unit.db, ServerTime::from_unix_s(newest)),
                None => Ok(()),
            }
        })
    }

    /// A device's own entries of one epoch, from a place on: for a car whose disk went back.
    ///
    /// # Errors
    /// [`CloudError`] when the database fails.
    pub fn entries_from(
        &self,
        device: DeviceId,
        epoch: Epoch,
        from: Seq,
    ) -> Result<EntriesPage, CloudError> {
        let most = u32::try_from(MAX_ENTRIES).unwrap_or(u32::MAX);
        let mut entries = log::raw_from(&self.db, device, epoch, from, most + 1)?;
        let more = entries.len() > MAX_ENTRIES;
        entries.truncate(MAX_ENTRIES);
        Ok(EntriesPage {
            entries: entries.into_iter().map(Raw::from).collect(),
            more,
        })
    }
}

/// Verifies every entry of a batch over its raw bytes, and that the batch is the run of entries that it says it is.
fn verified(device: &Device, request: &EntriesRequest) -> Result<Vec<Signed<Entry>>, WireError> {
    let mut seq = request.from;
    let mut entries = Vec::with_capacity(request.entries.len());
    for raw in &request.entries {
        let entry = raw.clone().verify(&device.key, &device.id)?;
        if entry.body().epoch != request.epoch || entry.body().seq != seq {
            return Err(WireError::Unsound("an entry is not where its batch says"));
        }
        seq = seq.next();
        entries.push(entry);
    }
    if request.from.get() == 0 && !entries.is_empty() {
        return Err(WireError::Unsound("entries are counted from 1"));
    }
    Ok(entries)
}

impl UnitOfWork<'_> {
    fn post(
        &self,
        device: &Device,
        request: &EntriesRequest,
        entries: &[Signed<Entry>],
        not_shown: &[AskedFor],
    ) -> Result<PostOutcome, CloudError> {
        let Some(known) = self.places(device, request, entries)? else {
            return Ok(PostOutcome::Diverged(Divergence {
                known: device.head.point(),
            }));
        };
        let entries = self.up_to_lacking(device, entries, known.len(), not_shown)?;
        let heard_at = self.heard_at(device, request);
        if let Some(heard_at) = heard_at {
            // A database that went back has forgotten it.
            receipts::keep(self.db, device.id, heard_at)?;
        }
        let new = &entries[known.len()..];
        let bytes: usize = new.iter().map(|entry| entry.raw().len()).sum();
        if !new.is_empty() {
            let amount = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
            self.take_in(device.id, Stored::Entries, amount(new.len()))?;
            self.take_in(device.id, Stored::Bytes, amount(bytes))?;
        }
        let mut settler = Settler::new(self, device);
        let mut verdicts = Vec::with_capacity(entries.len());
        for known in &known {
            settler.touch(known.member);
            verdicts.push((known.verdict.clone(), true));
        }
        for entry in new {
            verdicts.push((settler.take(entry)?, false));
        }
        let verdicts: Vec<_> = entries
            .iter()
            .zip(verdicts)
            .map(|(entry, (verdict, duplicate))| EntryVerdict {
                seq: entry.body().seq,
                verdict,
                duplicate,
            })
            .collect();
        let (head, touched) = settler.finish()?;
        let receipt = self.receipt(device.id, &head, &verdicts)?;
        devices::keep_receipt(self.db, device.id, receipt.raw())?;
        self.keep_time(device.id, &head)?;
        let heard_at = heard_at.unwrap_or(ServerTime::from_unix_s(0));
        let statements = touched
            .into_iter()
            .map(|member| {
                let since = accounts::version_at(self.db, member, heard_at)?;
                Ok(self.statement(member, since, Some(device.id))?.into())
            })
            .collect::<Result<_, CloudError>>()?;
        Ok(PostOutcome::Settled(EntriesResponse {
            verdicts,
            receipt: receipt.into(),
            statements,
        }))
    }

    /// The entries up to the first new one that names what this database lacks and may have had before it went back: to
    /// reject that one would take from a member what the car has shown. It is waited for until the car has shown what it
    /// holds of this cloud; in a life that began with a backup, a policy then waits until the operator has signed it again.
    fn up_to_lacking<'a>(
        &self,
        device: &Device,
        entries: &'a [Signed<Entry>],
        known: usize,
        not_shown: &[AskedFor],
    ) -> Result<&'a [Signed<Entry>], CloudError> {
        let mut not_held = Vec::new();
        for (place, entry) in entries.iter().enumerate().skip(known) {
            let Some(lacking) = self.lacking(entry.body())? else {
                continue;
            };
            let hash = entry.hash();
            // What the first entry that names it asked for in vain, those behind it on the same disk do not ask for again.
            if not_shown.contains(&(lacking, hash)) {
                not_held.push(lacking);
            }
            let waits_for = if !not_held.contains(&lacking) {
                CloudError::ProofWanted {
                    device: device.id,
                    lacking,
                    place: hash,
                }
            } else if let Lacking::Policy(named) = lacking
                && self.server_epoch > cloud_row::FIRST
            {
                let newest = self.policies.newest().version();
                CloudError::PolicyForgotten { named, newest }
            } else {
                continue;
            };
            return match &entries[..place] {
                [] => Err(waits_for),
                settled => Ok(settled),
            };
        }
        Ok(entries)
    }

    /// The first thing that an entry names and that is not here, although this cloud may have signed it.
    fn lacking(&self, entry: &Entry) -> Result<Option<Lacking>, CloudError> {
        if bindings::find(self.db, entry.binding)?.is_none() {
            return Ok(Some(Lacking::Binding(entry.binding)));
        }
        let policy = Lacking::Policy(entry.policy);
        Ok(self.may_be_forgotten(entry.policy).then_some(policy))
    }

    /// Returns the time of the receipt that the car sends, or 1970 without one: settlements before it are not sent
    /// again with every answer, since a car that lacks them asks for the statement. A car without a receipt of this
    /// cloud has heard of nothing.
    fn heard_at(&self, device: &Device, request: &EntriesRequest) -> Option<ServerTime> {
        let receipt = request.last_receipt.clone()?;
        let receipt = receipt.verify(&self.key.public(), &device.id).ok()?;
        Some(receipt.body().server_time)
    }

    /// Keeps the time of the receipt that is signed now, and forgets those that no entry can name as new any more.
    fn keep_time(&self, device: DeviceId, head: &Head) -> Result<(), CloudError> {
        receipts::keep(self.db, device, self.now)?;
        let named = head.chain.receipt_at;
        // A chain that is ahead of the clock was counted by a clock that was wrong, and says nothing of what is old.
        let old = if named > self.now {
            ServerTime::from_unix_s(i64::MIN)
        } else {
            named
        };
        receipts::forget(self.db, device, old, self.now)
    }

    /// Finds the entries of the batch that the log has already: they come first. `None` when the rest does not follow the
    /// head; other entries for places that are taken are kept as evidence of a fork.
    fn places(
        &self,
        device: &Device,
        request: &EntriesRequest,
        entries: &[Signed<Entry>],
    ) -> Result<Option<Vec<log::LoggedEntry>>, CloudError> {
        if request.epoch != device.head.epoch || request.from > device.head.seq.next() {
            self.keep_branches(device, entries)?;
            return Ok(None);
        }
        let mut known = Vec::new();
        let mut head = device.head.hash;
        for entry in entries {
            match self.place(device, entry)? {
                LogPlace::Known(logged) => known.push(logged),
                LogPlace::Next if entry.body().prev == head => head = entry.hash(),
                LogPlace::Next | LogPlace::Branch => {
                    self.keep_branches(device, entries)?;
                    return Ok(None);
                }
            }
        }
        Ok(Some(known))
    }

    fn place(&self, device: &Device, entry: &Signed<Entry>) -> Result<LogPlace, CloudError> {
        let logged = log::find(self.db, entry.body().reference(device.id))?;
        Ok(match logged {
            Some(logged) if logged.hash == entry.hash() => LogPlace::Known(logged),
            Some(_) => LogPlace::Branch,
            None => LogPlace::Next,
        })
    }

    /// Keeps each authentic entry whose place in the log another one holds, and marks the device.
    ///
    /// A restored disk leaves this trace too: it is evidence and not yet a judgement, and nothing is withheld for it here.
    fn keep_branches(&self, device: &Device, entries: &[Signed<Entry>]) -> Result<(), CloudError> {
        for entry in entries {
            if let LogPlace::Branch = self.place(device, entry)? {
                let place = entry.body().reference(device.id);
                forks::keep(self.db, place, entry.hash(), self.now, entry.raw())?;
                devices::mark_forked(self.db, device.id, self.now)?;
            }
        }
        Ok(())
    }

    fn receipt(
        &self,
        device: DeviceId,
        head: &Head,
        verdicts: &[EntryVerdict],
    ) -> Result<Signed<Receipt>, CloudError> {
        let receipt = Receipt {
            device,
            epoch: head.epoch,
            through: head.seq,
            head: head.hash,
            verdicts: verdicts_digest(verdicts),
            server_time: self.now,
            server_epoch: self.server_epoch,
            policy: self.policies.newest().version(),
        };
        self.sign(receipt, &device)
    }
}
