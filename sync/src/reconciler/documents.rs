//! Statements, policy and catalogue: asked for when due, taken when newer.

use dashpoint_membership::{Catalogue, CompiledPolicy, MemberId, Policy};
use dashpoint_wire::Raw;

use super::mode::{NewDocument, Question, StoreTask};
use super::{KnownState, Reconciler};
use crate::effect::{AnswerSubject, Effect};
use crate::error::AnswerError;
use crate::exchange::{HttpRequest, Response};
use crate::known_versions::StatementMark;
use crate::now::Now;
use crate::refresh_schedule::{REFRESH_MS, RefreshTask};
use crate::verify::{check_statement, not_older};

impl RefreshTask {
    /// Returns its subject for a report.
    pub(super) const fn subject(self) -> AnswerSubject {
        match self {
            Self::Receipt => AnswerSubject::Entries,
            Self::Statement(member) => AnswerSubject::Statement(member),
            Self::Policy => AnswerSubject::Policy,
            Self::Catalogue => AnswerSubject::Catalogue,
        }
    }
}

impl Reconciler {
    pub(super) fn run_refresh(&mut self, known: &mut KnownState, task: RefreshTask, now: Now) {
        let path = match task {
            RefreshTask::Receipt => return self.ask_for_verdicts(known, Vec::new(), now),
            RefreshTask::Statement(member) => with_since(
                &format!("/v1/members/{member}/statement"),
                known
                    .versions
                    .statement_since(member)
                    .map(|version| version.get()),
            ),
            RefreshTask::Policy => with_since(
                "/v1/policy",
                known.versions.policy.map(|version| version.get().into()),
            ),
            RefreshTask::Catalogue => with_since(
                "/v1/catalogue",
                known.versions.catalogue.map(|version| version.get().into()),
            ),
        };
        self.ask(known, HttpRequest::get(path), Question::Document(task), now);
    }

    pub(super) fn document_answered(
        &mut self,
        known: &mut KnownState,
        task: RefreshTask,
        response: &Response,
        now: Now,
    ) {
        match response.status {
            304 => self.up_to_date(known, task, now),
            200 => {
                match self.take_document(known, task, &response.body, now) {
                    Ok(true) => {}
                    Ok(false) => self.up_to_date(known, task, now),
                    // The last one stays; asking again at once would bring the same.
                    Err(why @ AnswerError::Bytes(_)) => {
                        let due_ms = now.monotonic_ms.saturating_add(REFRESH_MS);
                        known.refreshes.put(task, due_ms);
                        self.bad_answer(known, task.subject(), why, now);
                    }
                    Err(why) => {
                        self.report(task.subject(), why);
                        self.up_to_date(known, task, now);
                    }
                }
            }
            status => {
                let why = AnswerError::Status { status };
                self.bad_answer(known, task.subject(), why, now);
            }
        }
    }

    fn up_to_date(&mut self, known: &mut KnownState, task: RefreshTask, now: Now) {
        let due_ms = now.monotonic_ms.saturating_add(REFRESH_MS);
        known.refreshes.put(task, due_ms);
        known.connection.good(now);
        self.pacing.succeeded();
    }

    /// Verifies a document and asks to store it; false when it is not newer than the one held.
    fn take_document(
        &mut self,
        known: &mut KnownState,
        task: RefreshTask,
        body: &[u8],
        now: Now,
    ) -> Result<bool, AnswerError> {
        match task {
            RefreshTask::Receipt => Ok(false),
            RefreshTask::Statement(member) => self.take_statement(known, member, body, now),
            RefreshTask::Policy => self.take_policy(known, body),
            RefreshTask::Catalogue => self.take_catalogue(known, body),
        }
    }

    /// A statement that contains what has no verdict here waits until verdicts were asked for: they show whether it counts
    /// this car's own awards or those of another disk, beside which the own ones must stay on the screen.
    fn take_statement(
        &mut self,
        known: &mut KnownState,
        member: MemberId,
        body: &[u8],
        now: Now,
    ) -> Result<bool, AnswerError> {
        let statement = check_statement(&self.who, [&member], &Raw::from(body))?;
        not_older(statement.body().server_epoch, known.versions.server_epoch)?;
        if !known.versions.wants(statement.body()) {
            return Ok(false);
        }
        let cover = statement.body().covers.get(&self.who.device);
        if cover.is_some_and(|cover| known.chain.is_behind(cover)) {
            known.refreshes.put(RefreshTask::Receipt, now.monotonic_ms);
            return Ok(false);
        }
        let mark = StatementMark::of(statement.body());
        let statement = Box::new(statement);
        let task = StoreTask::StoreDocument(NewDocument::Statement(member, mark));
        self.at(task, |ticket| Effect::StoreStatement { ticket, statement });
        Ok(true)
    }

    fn take_policy(&mut self, known: &KnownState, body: &[u8]) -> Result<bool, AnswerError> {
        let policy = Raw::<Policy>::from(body).verify(&self.who.cloud_key, &())?;
        let version = policy.body().version;
        if let Some(held) = known.versions.policy {
            newer(version.get().into(), held.get().into())?;
        }
        CompiledPolicy::compile_known(policy.body().clone())
            .map_err(|source| AnswerError::Policy { version, source })?;
        let policy = Box::new(policy);
        let task = StoreTask::StoreDocument(NewDocument::Policy(version));
        self.at(task, |ticket| Effect::StorePolicy { ticket, policy });
        Ok(true)
    }

    fn take_catalogue(&mut self, known: &KnownState, body: &[u8]) -> Result<bool, AnswerError> {
        let catalogue = Raw::<Catalogue>::from(body).verify(&self.who.cloud_key, &())?;
        let version = catalogue.body().version;
        if let Some(held) = known.versions.catalogue {
            newer(version.get().into(), held.get().into())?;
        }
        let catalogue = Box::new(catalogue);
        let task = StoreTask::StoreDocument(NewDocument::Catalogue(version));
        self.at(task, |ticket| Effect::StoreCatalogue { ticket, catalogue });
        Ok(true)
    }

    pub(super) fn document_stored(
        &mut self,
        known: &mut KnownState,
        document: &NewDocument,
        now: Now,
    ) {
        let task = match *document {
            NewDocument::Statement(member, mark) => {
                known.versions.take_mark(member, mark);
                RefreshTask::Statement(member)
            }
            NewDocument::Policy(version) => {
                known.versions.policy = Some(version);
                RefreshTask::Policy
            }
            NewDocument::Catalogue(version) => {
                known.versions.catalogue = Some(version);
                RefreshTask::Catalogue
            }
        };
        self.up_to_date(known, task, now);
        if task == RefreshTask::Policy {
            // Each answer brings one version; the next may be there already.
            known.refreshes.put(task, now.monotonic_ms);
        }
    }
}

fn newer(found: u64, held: u64) -> Result<(), AnswerError> {
    if found > held {
        Ok(())
    } else {
        Err(AnswerError::NotNewer { found, held })
    }
}

fn with_since(path: &str, since: Option<u64>) -> String {
    match since {
        Some(since) => format!("{path}?since={since}"),
        None => path.to_owned(),
    }
}
