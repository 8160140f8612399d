//! The proof of enrolment: a cloud that went back to before the car was enrolled, or bound, is shown what it signed then.

use dashpoint_wire::encode;
use dashpoint_wire::message::EnrolmentProof;

use super::mode::{Question, StoreTask};
use super::{KnownState, Reconciler};
use crate::effect::{AnswerSubject, Effect};
use crate::error::AnswerError;
use crate::exchange::{HttpRequest, Response};
use crate::now::Now;
use crate::refresh_schedule::RefreshTask;

impl Reconciler {
    /// The cloud does not know this car, or a binding of it: it is shown what it signed. A recovery goes on afterwards.
    pub(super) fn read_enrolment(&mut self, known: &mut KnownState, question: Question) {
        let for_statement = match question {
            Question::Document(RefreshTask::Statement(member)) => Some(member),
            Question::Recovery(recovery) => {
                known.parked = Some(recovery);
                None
            }
            Question::Entries(_) | Question::Document(_) | Question::Proof(_) => None,
        };
        self.at(StoreTask::ReadEnrolment(for_statement), |ticket| {
            Effect::ReadEnrolment { ticket }
        });
    }

    pub(super) fn enrolment_read(
        &mut self,
        known: &mut KnownState,
        task: StoreTask,
        proof: &EnrolmentProof,
        now: Now,
    ) {
        let StoreTask::ReadEnrolment(for_statement) = task else {
            return self.store_failed(known, task, now);
        };
        let path = format!("/v1/devices/{}/proof", self.who.device);
        let request = HttpRequest::post(path, encode(proof));
        self.ask(known, request, Question::Proof(for_statement), now);
    }

    pub(super) fn proof_answered(&mut self, known: &mut KnownState, response: &Response, now: Now) {
        if response.status != 204 {
            let status = response.status;
            let why = AnswerError::Status { status };
            return self.bad_answer(known, AnswerSubject::Own, why, now);
        }
        known.refreshes.mark_all_due();
        known.connection.good(now);
        self.pacing.succeeded();
    }
}
