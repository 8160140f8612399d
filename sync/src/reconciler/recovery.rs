//! The way back when car and cloud hold different chains: fetch own entries back, ask for a new epoch, and say again in
//! it what the cloud never got.

use dashpoint_membership::{Entry, EntryHash, Epoch, Seq};
use dashpoint_wire::message::{EntriesPage, EpochRequest, EpochResponse};
use dashpoint_wire::{ChainPoint, MAX_ENTRIES, Raw, decode, encode};

use super::mode::{Question, StoreTask};
use super::recovery_state::{LocalEntry, Recovery, RecoveryStep, is_near};
use super::{KnownState, Reconciler};
use crate::effect::{AnswerSubject, Beginning, Effect};
use crate::error::AnswerError;
use crate::exchange::{HttpRequest, Response};
use crate::local_chain::LocalChain;
use crate::now::Now;
use crate::verify::{check_grant, check_own, check_strays};

impl Reconciler {
    /// The cloud has a chain that this disk does not lead to.
    pub(super) fn recover(&mut self, known: &mut KnownState, cloud: ChainPoint, now: Now) {
        let chain = &known.chain;
        let has_acked = cloud.epoch > chain.epoch()
            || (cloud.epoch == chain.epoch() && cloud.seq > chain.acked.seq);
        let base = if has_acked {
            chain.acked
        } else {
            chain.start()
        };
        self.begin_recovery(known, cloud, base, now);
    }

    /// The cloud's head was compared with the own entry there.
    pub(super) fn recover_at(
        &mut self,
        known: &mut KnownState,
        cloud: ChainPoint,
        is_same: bool,
        now: Now,
    ) {
        if cloud.epoch == known.chain.epoch() {
            return self.recover(known, cloud, now);
        }
        let mut recovery = Recovery::new(cloud, cloud, None, known.versions.server_epoch);
        if is_same {
            // The cloud is in an earlier epoch and has nothing that this car lacks.
            recovery.step = recovery.read_own();
        } else {
            recovery.rebase();
        }
        self.resume_recovery(known, Box::new(recovery), now);
    }

    /// A receipt proves that the cloud has more than this disk.
    pub(super) fn recover_lost(&mut self, known: &mut KnownState, lost: ChainPoint, now: Now) {
        let start = known.chain.start();
        self.begin_recovery(known, lost, start, now);
    }

    /// Own entries stand beside the chain, and what began their way back is not known any more: the grant tells where the
    /// cloud's chain ends.
    pub(super) fn recover_forked(&mut self, known: &mut KnownState, now: Now) {
        let start = known.chain.start();
        self.begin_recovery(known, start, start, now);
    }

    fn begin_recovery(
        &mut self,
        known: &mut KnownState,
        cloud: ChainPoint,
        base: ChainPoint,
        now: Now,
    ) {
        if !is_near(cloud.epoch, base.epoch) {
            return self.bad_answer(
                known,
                AnswerSubject::Fetched,
                AnswerError::HeadNotReached,
                now,
            );
        }
        let recovery = Recovery::new(
            cloud,
            base,
            Some(known.chain.life),
            known.versions.server_epoch,
        );
        self.resume_recovery(known, Box::new(recovery), now);
    }

    /// Takes the next step.
    pub(super) fn resume_recovery(
        &mut self,
        known: &mut KnownState,
        recovery: Box<Recovery>,
        now: Now,
    ) {
        let device = self.who.device;
        match recovery.step {
            RecoveryStep::Fetch(epoch, after, _) => {
                let from = after.next();
                let path = format!("/v1/devices/{device}/entries?epoch={epoch}&from={from}");
                let question = Question::Recovery(recovery);
                self.ask(known, HttpRequest::get(path), question, now);
            }
            RecoveryStep::ReadOwn(epoch, after) => {
                self.at(StoreTask::Recovery(recovery), |ticket| {
                    Effect::ReadEntries {
                        ticket,
                        epoch,
                        after,
                        limit: MAX_ENTRIES,
                    }
                });
            }
            RecoveryStep::ReadStrays => {
                let after = recovery.base;
                self.at(StoreTask::Recovery(recovery), |ticket| Effect::ReadStrays {
                    ticket,
                    epoch: after.epoch,
                    after: after.seq,
                });
            }
            RecoveryStep::Grant if recovery.grant.is_some() => self.begin_epoch(recovery),
            RecoveryStep::Grant => {
                let body = encode(&EpochRequest {
                    head: recovery.head,
                    last_receipt: known.chain.last_receipt.clone(),
                });
                let request = HttpRequest::post(format!("/v1/devices/{device}/epochs"), body);
                self.ask(known, request, Question::Recovery(recovery), now);
            }
        }
    }

    pub(super) fn recovery_answered(
        &mut self,
        known: &mut KnownState,
        recovery: Box<Recovery>,
        response: &Response,
        now: Now,
    ) {
        if response.status != 200 {
            let status = response.status;
            return self.bad_answer(
                known,
                AnswerSubject::Fetched,
                AnswerError::Status { status },
                now,
            );
        }
        match recovery.step {
            RecoveryStep::Fetch(epoch, after, hash) => {
                let place = (epoch, after, hash);
                self.page_answered(known, recovery, place, &response.body, now);
            }
            RecoveryStep::Grant => self.grant_answered(known, recovery, &response.body, now),
            RecoveryStep::ReadOwn(..) | RecoveryStep::ReadStrays => {
                let why = AnswerError::StoreLacks;
                self.bad_answer(known, AnswerSubject::Fetched, why, now);
            }
        }
    }

    fn page_answered(
        &mut self,
        known: &mut KnownState,
        mut recovery: Box<Recovery>,
        (epoch, after, hash): (Epoch, Seq, Option<EntryHash>),
        body: &[u8],
        now: Now,
    ) {
        let checked = decode::<EntriesPage>(body)
            .map_err(AnswerError::from)
            .and_then(|page| {
                let entries = check_own(&self.who, epoch, (after, hash), page.entries)?;
                let last = entries.last().map_or(after, |entry| entry.body().seq);
                let is_last_page = epoch == recovery.cloud.epoch && !page.more;
                let is_short = is_last_page && last < recovery.cloud.seq;
                if is_short || (page.more && entries.is_empty()) {
                    return Err(AnswerError::HeadNotReached);
                }
                Ok((entries, page.more))
            });
        match checked {
            Ok((entries, more)) => {
                known.connection.good(now);
                let next = recovery.take_page(epoch, after, &entries, more);
                if entries.is_empty() {
                    return self.fetched_stored(known, recovery, next, now);
                }
                self.at(StoreTask::StoreFetched(recovery, next), |ticket| {
                    Effect::StoreFetched { ticket, entries }
                });
            }
            Err(AnswerError::BrokenChain { .. })
                if recovery.base.seq == after && hash.is_some() =>
            {
                recovery.rebase();
                self.resume_recovery(known, recovery, now);
            }
            Err(why) => self.bad_answer(known, AnswerSubject::Fetched, why, now),
        }
    }

    /// The page that was fetched is durable.
    pub(super) fn fetched_stored(
        &mut self,
        known: &mut KnownState,
        mut recovery: Box<Recovery>,
        next: RecoveryStep,
        now: Now,
    ) {
        recovery.step = next;
        self.resume_recovery(known, recovery, now);
    }

    pub(super) fn own_read(
        &mut self,
        known: &mut KnownState,
        mut recovery: Box<Recovery>,
        raws: Vec<Vec<u8>>,
        now: Now,
    ) {
        let raws: Vec<Raw<Entry>> = raws.into_iter().map(Raw::from).collect();
        let read = match recovery.step {
            RecoveryStep::ReadOwn(epoch, _) if raws.is_empty() => {
                recovery.step = if epoch < known.chain.epoch() {
                    RecoveryStep::ReadOwn(epoch.next(), Seq::new(0))
                } else {
                    recovery.head = own_head(&known.chain, &recovery);
                    RecoveryStep::ReadStrays
                };
                Ok(Vec::new())
            }
            RecoveryStep::ReadOwn(epoch, after) => {
                let read = check_own(&self.who, epoch, (after, None), raws);
                if let Some(last) = read.iter().flatten().last() {
                    recovery.step = RecoveryStep::ReadOwn(epoch, last.body().seq);
                }
                read
            }
            RecoveryStep::ReadStrays => {
                recovery.step = RecoveryStep::Grant;
                check_strays(&self.who, raws)
            }
            RecoveryStep::Fetch(..) | RecoveryStep::Grant => Err(AnswerError::StoreLacks),
        };
        match read {
            Ok(entries) => {
                recovery.local.extend(entries.iter().map(LocalEntry::of));
                self.resume_recovery(known, recovery, now);
            }
            Err(why) => {
                self.report(AnswerSubject::Own, why);
                self.local_failure(known, now);
            }
        }
    }

    fn grant_answered(
        &mut self,
        known: &mut KnownState,
        mut recovery: Box<Recovery>,
        body: &[u8],
        now: Now,
    ) {
        // An epoch that has entries already is not begun a second time.
        let unused = if recovery.cloud.seq == Seq::new(0) {
            recovery.cloud.epoch
        } else {
            recovery.cloud.epoch.next()
        };
        let least = known.chain.epoch().next().max(unused);
        let seen = known.versions.server_epoch;
        let checked = decode::<EpochResponse>(body)
            .map_err(AnswerError::from)
            .and_then(|response| check_grant(&self.who, seen, least, response.grant));
        let grant = match checked {
            Ok(grant) => grant,
            Err(why) => return self.bad_answer(known, AnswerSubject::Grant, why, now),
        };
        if let Some(follows) = grant.body().follows {
            if !recovery.is_well_based(grant.body()) || recovery.may_be_outlived(grant.body()) {
                recovery.start_over(follows, grant.body().server_epoch);
            } else if !recovery.reaches(follows) && !recovery.fetch_up_to(follows) {
                return self.bad_answer(
                    known,
                    AnswerSubject::Grant,
                    AnswerError::HeadNotReached,
                    now,
                );
            }
        }
        known.connection.good(now);
        recovery.grant = Some(grant);
        self.resume_recovery(known, recovery, now);
    }

    fn begin_epoch(&mut self, recovery: Box<Recovery>) {
        let Some(grant) = recovery.grant.clone() else {
            return;
        };
        let beginning = Box::new(Beginning {
            grant,
            head: recovery.head,
            carries: recovery.lacking(),
        });
        self.at(StoreTask::Recovery(recovery), |ticket| Effect::BeginEpoch {
            ticket,
            beginning,
        });
    }

    pub(super) fn epoch_begun(
        &mut self,
        known: &mut KnownState,
        recovery: Recovery,
        head: ChainPoint,
        now: Now,
    ) {
        let Some(grant) = recovery.grant else {
            return self.local_failure(known, now);
        };
        let last_receipt = known.chain.last_receipt.take();
        known.chain = LocalChain::new(head, grant.hash(), grant.body().server_epoch);
        known.chain.last_receipt = last_receipt;
        known.outbox.release(&known.chain);
        known.versions.raise_server_epoch(grant.body().server_epoch);
        known.refreshes.mark_statements_due();
        self.pacing.succeeded();
    }

    /// The store could not do its part of a recovery: a page is fetched again, own entries are read again from the first.
    ///
    /// A head that moved on meanwhile is no failure, and the grant is still good.
    pub(super) fn recovery_store_failed(
        &mut self,
        known: &mut KnownState,
        mut recovery: Box<Recovery>,
        now: Now,
    ) {
        let has_moved = recovery.grant.is_some() && known.chain.head.seq > recovery.head.seq;
        if !has_moved {
            self.local_failure(known, now);
        }
        if !matches!(recovery.step, RecoveryStep::Fetch(..)) {
            recovery.local.clear();
            recovery.step = recovery.read_own();
        }
        known.parked = Some(recovery);
    }
}

/// The head of the own chain as it was just read: fetched entries may have joined it.
fn own_head(chain: &LocalChain, recovery: &Recovery) -> ChainPoint {
    let last = recovery.local.last().map(|own| own.point);
    let read = last.filter(|point| point.epoch == chain.epoch());
    let base = (recovery.base.epoch == chain.epoch() && recovery.base.seq > Seq::new(0))
        .then_some(recovery.base);
    read.or(base).unwrap_or_else(|| chain.start())
}
