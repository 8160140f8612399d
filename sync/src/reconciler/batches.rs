//! The straight way: own entries out, verdicts and a receipt back; and the comparison when they do not fit.

use std::collections::BTreeMap;

use dashpoint_membership::{EntryHash, Seq};
use dashpoint_wire::message::{Divergence, EntriesRequest};
use dashpoint_wire::{ChainPoint, MAX_ENTRIES, Raw, decode, digest, encode};

use super::mode::{Applying, Comparing, Question, StoreTask};
use super::{KnownState, Reconciler};
use crate::effect::{AnswerSubject, BatchOutcome, Effect};
use crate::error::AnswerError;
use crate::exchange::{HttpRequest, Response};
use crate::known_versions::StatementMark;
use crate::now::Now;
use crate::refresh_schedule::{RECEIPT_MS, RefreshTask};
use crate::verify::{CheckedAnswer, SentBatch, check_answer, check_statement};

/// Most raw bytes of entries in a request: together with a receipt and what is around them they stay below the 64 KiB
/// that the cloud takes, even where nothing is gained by deflating.
const BATCH_BYTES_MAX: usize = 62 * 1024;

impl Reconciler {
    pub(super) fn read_batch(&mut self, known: &KnownState) {
        let after = known.chain.acked;
        // Those after them wait for their own time.
        let ready = usize::try_from(known.outbox.ready(&known.chain)).unwrap_or(usize::MAX);
        let limit = ready.min(MAX_ENTRIES);
        self.at(StoreTask::ReadBatch, |ticket| Effect::ReadEntries {
            ticket,
            epoch: after.epoch,
            after: after.seq,
            limit,
        });
    }

    pub(super) fn send_batch(&mut self, known: &mut KnownState, raws: Vec<Vec<u8>>, now: Now) {
        if raws.is_empty() {
            self.report(AnswerSubject::Own, AnswerError::StoreLacks);
            return self.local_failure(known, now);
        }
        self.ask_for_verdicts(known, fitting(raws), now);
    }

    /// Asks for verdicts on these entries, which follow the last one with a verdict; none asks for a fresh receipt.
    pub(super) fn ask_for_verdicts(
        &mut self,
        known: &mut KnownState,
        raws: Vec<Vec<u8>>,
        now: Now,
    ) {
        let after = known.chain.acked;
        let batch = SentBatch {
            epoch: after.epoch,
            after,
            hashes: raws
                .iter()
                .map(|raw| EntryHash::from_bytes(digest(raw)))
                .collect(),
        };
        let body = encode(&EntriesRequest {
            epoch: after.epoch,
            from: after.seq.next(),
            last_receipt: known.chain.last_receipt.clone(),
            entries: raws.into_iter().map(Raw::from).collect(),
        });
        let path = format!("/v1/devices/{}/entries", self.who.device);
        let request = HttpRequest::post(path, body);
        self.ask(known, request, Question::Entries(batch), now);
    }

    pub(super) fn batch_answered(
        &mut self,
        known: &mut KnownState,
        batch: &SentBatch,
        response: &Response,
        now: Now,
    ) {
        if response.status == 409 {
            return match decode::<Divergence>(&response.body) {
                Ok(divergence) => self.diverged(known, divergence.known, now),
                Err(error) => self.bad_answer(known, AnswerSubject::Entries, error.into(), now),
            };
        }
        if response.status != 200 {
            let status = response.status;
            return self.bad_answer(
                known,
                AnswerSubject::Entries,
                AnswerError::Status { status },
                now,
            );
        }
        match check_answer(
            &self.who,
            batch,
            known.versions.server_epoch,
            &response.body,
        ) {
            Err(why) => self.bad_answer(known, AnswerSubject::Entries, why, now),
            Ok(answer) => match answer.beyond() {
                None => self.apply(known, answer),
                Some(point) if self.try_enter_recovery(known, now) => {
                    self.compare(known, point, Some(answer), now);
                }
                Some(_) => {}
            },
        }
    }

    fn diverged(&mut self, known: &mut KnownState, point: ChainPoint, now: Now) {
        if self.try_enter_recovery(known, now) {
            self.compare(known, point, None, now);
        }
    }

    /// Is the cloud's head an entry of mine?
    fn compare(
        &mut self,
        known: &mut KnownState,
        point: ChainPoint,
        answer: Option<CheckedAnswer>,
        now: Now,
    ) {
        let chain = &known.chain;
        let same = |mine: ChainPoint| mine.hash == point.hash;
        let comparing = Comparing {
            known: point,
            answer,
        };
        if point.epoch > chain.epoch()
            || (point.epoch == chain.epoch() && point.seq > chain.head.seq)
        {
            self.recover(known, point, now);
        } else if point.epoch == chain.epoch() && point.seq == chain.acked.seq {
            let is_same = same(chain.acked);
            self.decide(known, comparing, is_same, now);
        } else if point.seq == Seq::new(0) {
            // Nobody has entries before the first one, so an earlier epoch cannot differ there.
            let is_same = point.epoch < chain.epoch() || same(chain.start());
            self.decide(known, comparing, is_same, now);
        } else {
            self.at(StoreTask::Compare(Box::new(comparing)), |ticket| {
                Effect::ReadEntries {
                    ticket,
                    epoch: point.epoch,
                    after: Seq::new(point.seq.get() - 1),
                    limit: 1,
                }
            });
        }
    }

    pub(super) fn compared(
        &mut self,
        known: &mut KnownState,
        comparing: Comparing,
        raws: &[Vec<u8>],
        now: Now,
    ) {
        let mine = raws.first().map(|raw| EntryHash::from_bytes(digest(raw)));
        let is_same = mine == Some(comparing.known.hash);
        self.decide(known, comparing, is_same, now);
    }

    fn decide(&mut self, known: &mut KnownState, comparing: Comparing, is_same: bool, now: Now) {
        let point = comparing.known;
        match comparing.answer {
            Some(answer) if is_same => self.apply(known, answer),
            None if is_same && point.epoch == known.chain.epoch() => {
                // The cloud was restored from a backup, or forgot nothing and was asked with a gap: what comes after its
                // head goes out again, and so does what never got a verdict here.
                if point.seq < known.chain.acked.seq {
                    known.chain.acked = point;
                }
            }
            Some(_) | None => self.recover_at(known, point, is_same, now),
        }
    }

    fn apply(&mut self, known: &mut KnownState, answer: CheckedAnswer) {
        let mut marks = BTreeMap::new();
        let mut statements = Vec::new();
        for raw in &answer.statements {
            match check_statement(&self.who, known.versions.members.keys(), raw) {
                Ok(statement) if known.versions.wants(statement.body()) => {
                    marks.insert(statement.body().member, StatementMark::of(statement.body()));
                    statements.push(statement);
                }
                Ok(_) => {}
                Err(why) => {
                    self.report(AnswerSubject::ForeignStatement, why);
                    known.refreshes.mark_statements_due();
                }
            }
        }
        let applying = Applying {
            through: answer.through,
            raw_receipt: answer.receipt.to_raw(),
            receipt: answer.receipt.body().clone(),
            statements: marks,
        };
        let outcome = Box::new(BatchOutcome {
            verdicts: answer.verdicts,
            receipt: answer.receipt,
            statements,
        });
        self.at(StoreTask::Apply(Box::new(applying)), |ticket| {
            Effect::Apply { ticket, outcome }
        });
    }

    pub(super) fn applied(&mut self, known: &mut KnownState, applying: Applying, now: Now) {
        let receipt = applying.receipt;
        if receipt.server_epoch > known.versions.server_epoch {
            known.refreshes.mark_statements_due();
        }
        known.versions.raise_server_epoch(receipt.server_epoch);
        for (member, mark) in applying.statements {
            known.versions.take_mark(member, mark);
        }
        known.chain.judged(applying.through, receipt.server_epoch);
        known.chain.last_receipt = Some(applying.raw_receipt);
        if known.versions.hears_of_policy(receipt.policy) {
            known.refreshes.put(RefreshTask::Policy, now.monotonic_ms);
        }
        let receipt_due_ms = now.monotonic_ms.saturating_add(RECEIPT_MS);
        known.refreshes.put(RefreshTask::Receipt, receipt_due_ms);
        known.connection.good(now);
        self.pacing.succeeded();
    }
}

/// As many of the entries, from the first on, as one request takes.
fn fitting(mut raws: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
    let mut bytes = 0;
    let too_many = raws.iter().position(|raw| {
        bytes += raw.len();
        bytes > BATCH_BYTES_MAX
    });
    let count = too_many.map_or(raws.len(), |place| place.max(1));
    raws.truncate(count.min(MAX_ENTRIES));
    raws
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_is_cut_by_count_and_by_bytes_and_is_never_empty() {
        for (len, count, expected) in [(10, 3, 3), (10, 250, 100), (1024, 100, 62), (70_000, 2, 1)]
        {
            assert_eq!(fitting(vec![vec![0; len]; count]).len(), expected);
        }
    }
}
