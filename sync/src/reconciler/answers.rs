//! Classifies an answer before its content is read: failure, refusal, request to wait, or content.

use dashpoint_wire::decode;
use dashpoint_wire::message::{Refusal, RefusalCode};

use super::mode::{Asking, Question};
use super::{KnownState, Reconciler};
use crate::error::AnswerError;
use crate::exchange::{Credential, Response, TransportFailure};
use crate::now::Now;
use crate::refresh_schedule::{REFUSED_MS, RefreshTask};
use crate::status::{FaultReason, OfflineReason};

/// Pause after a refusal of the entries that the cloud will repeat.
const FAULT_PAUSE_MS: u64 = 60 * 60 * 1_000;

/// The class of an answer.
#[derive(Debug)]
enum Meaning {
    /// The thing itself, by its status: 200, 204, 304 or 409.
    Answer,
    /// Once more, with this in the token.
    Nonce([u8; 16]),
    /// Not now.
    Later(OfflineReason, Option<u64>),
    /// The cloud has forgotten a binding: it wants the proof of enrolment.
    Forgotten,
    /// Not ever, as it is.
    Refused(FaultReason),
}

impl Meaning {
    /// Returns whether the cloud itself has answered, if only that it cannot.
    const fn is_the_clouds(&self) -> bool {
        match self {
            Self::Answer | Self::Nonce(_) | Self::Forgotten | Self::Refused(_) => true,
            Self::Later(reason, _) => matches!(reason, OfflineReason::Busy),
        }
    }
}

impl Reconciler {
    pub(super) fn answered(
        &mut self,
        known: &mut KnownState,
        asking: Asking,
        answer: Result<Response, TransportFailure>,
        now: Now,
    ) {
        let response = match answer {
            Ok(response) => response,
            Err(failure) => {
                let meaning = Meaning::Later(offline_reason(failure), None);
                return self.without_answer(known, asking.question, &meaning, now);
            }
        };
        match meaning(&response) {
            Meaning::Answer => self.with_answer(known, asking.question, &response, now),
            Meaning::Nonce(nonce) => match asking.request.credential {
                Credential::Device { nonce: None } => {
                    let mut request = asking.request;
                    request.credential = Credential::Device { nonce: Some(nonce) };
                    self.ask(known, request, asking.question, now);
                }
                Credential::None | Credential::Device { nonce: Some(_) } => {
                    let meaning = Meaning::Later(OfflineReason::NotAuthorised, None);
                    self.without_answer(known, asking.question, &meaning, now);
                }
            },
            other @ (Meaning::Later(..) | Meaning::Forgotten | Meaning::Refused(_)) => {
                if self.wants_proof(&other, &asking.question, now) {
                    self.read_enrolment(known, asking.question);
                } else {
                    self.without_answer(known, asking.question, &other, now);
                }
            }
        }
    }

    /// Returns whether the cloud may have gone back to before this car was enrolled or bound, and is to be shown that it was.
    /// It is not shown in circles.
    fn wants_proof(&mut self, meaning: &Meaning, question: &Question, now: Now) -> bool {
        let code = match meaning {
            Meaning::Forgotten => Some(RefusalCode::Forgotten),
            Meaning::Refused(reason) => reason.code,
            Meaning::Answer | Meaning::Nonce(_) | Meaning::Later(..) => None,
        };
        match (question, code) {
            (
                Question::Entries(_) | Question::Recovery(_),
                Some(RefusalCode::Forgotten | RefusalCode::Device),
            ) => self.recovery_budget.count(now).is_ok(),
            // Nothing but time ends a binding: a cloud that does not know one has forgotten it.
            (Question::Document(RefreshTask::Statement(_)), Some(RefusalCode::NotBound)) => {
                self.may_show_for_statement(now)
            }
            (
                Question::Entries(_)
                | Question::Recovery(_)
                | Question::Document(_)
                | Question::Proof(_),
                _,
            ) => false,
        }
    }

    /// Returns whether the proof may be shown for a statement that was refused: once in the time after which it is asked for
    /// again.
    fn may_show_for_statement(&mut self, now: Now) -> bool {
        let is_early = self
            .statement_proof_ms
            .is_some_and(|last_ms| now.monotonic_ms < last_ms.saturating_add(REFUSED_MS));
        if is_early || self.recovery_budget.count(now).is_err() {
            return false;
        }
        self.statement_proof_ms = Some(now.monotonic_ms);
        true
    }

    fn with_answer(
        &mut self,
        known: &mut KnownState,
        question: Question,
        response: &Response,
        now: Now,
    ) {
        match question {
            Question::Entries(batch) => self.batch_answered(known, &batch, response, now),
            Question::Document(task) => self.document_answered(known, task, response, now),
            Question::Recovery(recovery) => {
                self.recovery_answered(known, recovery, response, now);
            }
            Question::Proof(_) => self.proof_answered(known, response, now),
        }
    }

    /// The question stays open; what it was about decides how it is asked again.
    fn without_answer(
        &mut self,
        known: &mut KnownState,
        question: Question,
        meaning: &Meaning,
        now: Now,
    ) {
        if let Question::Proof(Some(member)) = question
            && meaning.is_the_clouds()
        {
            // It concerns that statement alone: the entries of everybody else go on.
            let due_ms = now.monotonic_ms.saturating_add(REFUSED_MS);
            known.refreshes.put(RefreshTask::Statement(member), due_ms);
            known.connection.good(now);
            return;
        }
        match meaning {
            Meaning::Answer | Meaning::Nonce(_) => {}
            Meaning::Forgotten => {
                self.pacing.pause(FAULT_PAUSE_MS, now);
                known.connection.bad(OfflineReason::Busy);
                if let Question::Recovery(recovery) = question {
                    known.parked = Some(recovery);
                }
            }
            Meaning::Later(reason, wait_s) => {
                match wait_s {
                    Some(seconds) => self.pacing.asked_to_wait(*seconds, now),
                    None => self.pacing.failed(now),
                }
                known.connection.bad(*reason);
                if let Question::Recovery(recovery) = question {
                    known.parked = Some(recovery);
                }
            }
            Meaning::Refused(reason) => match question {
                Question::Document(task) => {
                    let status = reason.status;
                    self.report(task.subject(), AnswerError::ByCloud { status });
                    known.connection.good(now);
                    let due_ms = now.monotonic_ms.saturating_add(REFUSED_MS);
                    known.refreshes.put(task, due_ms);
                }
                Question::Entries(_) | Question::Recovery(_) | Question::Proof(_) => {
                    self.pacing.pause(FAULT_PAUSE_MS, now);
                    known.connection.faulty(*reason);
                }
            },
        }
    }

    /// An answer that nobody can use: nothing of it is taken, and the cloud is given time.
    pub(super) fn bad_answer(
        &mut self,
        known: &mut KnownState,
        what: crate::effect::AnswerSubject,
        why: AnswerError,
        now: Now,
    ) {
        self.report(what, why);
        self.pacing.failed(now);
        known.connection.bad(OfflineReason::BadAnswer);
    }

    /// Counts a turn off the straight way; false when there were too many, and the machine pauses.
    pub(super) fn try_enter_recovery(&mut self, known: &mut KnownState, now: Now) -> bool {
        match self.recovery_budget.count(now) {
            Ok(()) => true,
            Err(wait_s) => {
                self.pacing.asked_to_wait(wait_s, now);
                known.connection.bad(OfflineReason::BadAnswer);
                false
            }
        }
    }
}

fn meaning(response: &Response) -> Meaning {
    let refusal: Option<Refusal> = decode(&response.body).ok();
    let status = response.status;
    match status {
        200 | 204 | 304 | 409 => Meaning::Answer,
        401 => refusal.and_then(|refusal| refusal.nonce).map_or(
            Meaning::Later(OfflineReason::NotAuthorised, None),
            Meaning::Nonce,
        ),
        408 => Meaning::Later(OfflineReason::TimedOut, response.retry_after_s),
        503 if refusal
            .as_ref()
            .is_some_and(|refusal| refusal.code == RefusalCode::Forgotten) =>
        {
            Meaning::Forgotten
        }
        429 | 503 => Meaning::Later(OfflineReason::Busy, response.retry_after_s),
        500..=599 => Meaning::Later(
            OfflineReason::ServerError { status },
            response.retry_after_s,
        ),
        // Somebody on the way may answer with a status of his own; only the cloud's own word stops the machine.
        400..=499 if status == 422 || refusal.is_some() => Meaning::Refused(FaultReason {
            status,
            code: refusal.map(|refusal: Refusal| -> RefusalCode { refusal.code }),
        }),
        _ => Meaning::Later(OfflineReason::BadAnswer, response.retry_after_s),
    }
}

const fn offline_reason(failure: TransportFailure) -> OfflineReason {
    match failure {
        TransportFailure::Unreachable => OfflineReason::Unreachable,
        TransportFailure::TimedOut => OfflineReason::TimedOut,
        TransportFailure::Tls => OfflineReason::NotTheCloud,
        TransportFailure::BadAnswer => OfflineReason::BadAnswer,
        TransportFailure::NotSent => OfflineReason::Local,
    }
}
