//! Statements, policy and catalogue: asked for when due, taken when newer.

use dashpoint_membership::{
    Catalogue, CatalogueVersion, CompiledPolicy, MemberId, Policy, PolicyVersion,
};
use dashpoint_wire::Raw;

use super::{Known, Question, Reconciler, Task};
use crate::agenda::{Errand, REFRESH_MS};
use crate::effect::{Effect, Subject};
use crate::error::Refused;
use crate::exchange::{HttpRequest, Response};
use crate::held::StatementMark;
use crate::now::Now;
use crate::verify::{check_statement, not_older};

/// A document that the store is about to hold.
#[derive(Debug)]
pub enum NewDocument {
    Statement(MemberId, StatementMark),
    Policy(PolicyVersion),
    Catalogue(CatalogueVersion),
}

impl Errand {
    /// Returns its subject for a report.
    pub(super) const fn subject(self) -> Subject {
        match self {
            Self::Receipt => Subject::Entries,
            Self::Statement(member) => Subject::Statement(member),
            Self::Policy => Subject::Policy,
            Self::Catalogue => Subject::Catalogue,
        }
    }
}

impl Reconciler {
    pub(super) fn run_errand(&mut self, known: &mut Known, errand: Errand, now: Now) {
        let path = match errand {
            Errand::Receipt => return self.ask_for_verdicts(known, Vec::new(), now),
            Errand::Statement(member) => with_since(
                &format!("/v1/members/{member}/statement"),
                known
                    .held
                    .statement_since(member)
                    .map(|version| version.get()),
            ),
            Errand::Policy => with_since(
                "/v1/policy",
                known.held.policy.map(|version| version.get().into()),
            ),
            Errand::Catalogue => with_since(
                "/v1/catalogue",
                known.held.catalogue.map(|version| version.get().into()),
            ),
        };
        self.ask(
            known,
            HttpRequest::get(path),
            Question::Document(errand),
            now,
        );
    }

    pub(super) fn document_answered(
        &mut self,
        known: &mut Known,
        errand: Errand,
        response: &Response,
        now: Now,
    ) {
        match response.status {
            304 => self.up_to_date(known, errand, now),
            200 => {
                match self.take_document(known, errand, &response.body, now) {
                    Ok(true) => {}
                    Ok(false) => self.up_to_date(known, errand, now),
                    // The last one stays; asking again at once would bring the same.
                    Err(why @ Refused::Bytes(_)) => {
                        let due_ms = now.monotonic_ms.saturating_add(REFRESH_MS);
                        known.agenda.put(errand, due_ms);
                        self.bad_answer(known, errand.subject(), why, now);
                    }
                    Err(why) => {
                        self.report(errand.subject(), why);
                        self.up_to_date(known, errand, now);
                    }
                }
            }
            status => {
                let why = Refused::Status { status };
                self.bad_answer(known, errand.subject(), why, now);
            }
        }
    }

    fn up_to_date(&mut self, known: &mut Known, errand: Errand, now: Now) {
        let due_ms = now.monotonic_ms.saturating_add(REFRESH_MS);
        known.agenda.put(errand, due_ms);
        known.contact.good(now);
        self.pacing.succeeded();
    }

    /// Verifies a document and asks to store it; false when it is not newer than the one held.
    fn take_document(
        &mut self,
        known: &mut Known,
        errand: Errand,
        body: &[u8],
        now: Now,
    ) -> Result<bool, Refused> {
        match errand {
            Errand::Receipt => Ok(false),
            Errand::Statement(member) => self.take_statement(known, member, body, now),
            Errand::Policy => self.take_policy(known, body),
            Errand::Catalogue => self.take_catalogue(known, body),
        }
    }

    /// A statement that contains what has no verdict here waits until verdicts were asked for: they show whether it counts
    /// this car's own awards or those of another disk, beside which the own ones must stay on the screen.
    fn take_statement(
        &mut self,
        known: &mut Known,
        member: MemberId,
        body: &[u8],
        now: Now,
    ) -> Result<bool, Refused> {
        let statement = check_statement(&self.who, [&member], &Raw::from(body))?;
        not_older(statement.body().server_epoch, known.held.server_epoch)?;
        if !known.held.wants(statement.body()) {
            return Ok(false);
        }
        let cover = statement.body().covers.get(&self.who.device);
        if cover.is_some_and(|cover| known.chain.is_behind(cover)) {
            known.agenda.put(Errand::Receipt, now.monotonic_ms);
            return Ok(false);
        }
        let mark = StatementMark::of(statement.body());
        let statement = Box::new(statement);
        let task = Task::StoreDocument(NewDocument::Statement(member, mark));
        self.at(task, |ticket| Effect::StoreStatement { ticket, statement });
        Ok(true)
    }

    fn take_policy(&mut self, known: &Known, body: &[u8]) -> Result<bool, Refused> {
        let policy = Raw::<Policy>::from(body).verify(&self.who.cloud_key, &())?;
        let version = policy.body().version;
        if let Some(held) = known.held.policy {
            newer(version.get().into(), held.get().into())?;
        }
        CompiledPolicy::compile_known(policy.body().clone())
            .map_err(|source| Refused::Policy { version, source })?;
        let policy = Box::new(policy);
        let task = Task::StoreDocument(NewDocument::Policy(version));
        self.at(task, |ticket| Effect::StorePolicy { ticket, policy });
        Ok(true)
    }

    fn take_catalogue(&mut self, known: &Known, body: &[u8]) -> Result<bool, Refused> {
        let catalogue = Raw::<Catalogue>::from(body).verify(&self.who.cloud_key, &())?;
        let version = catalogue.body().version;
        if let Some(held) = known.held.catalogue {
            newer(version.get().into(), held.get().into())?;
        }
        let catalogue = Box::new(catalogue);
        let task = Task::StoreDocument(NewDocument::Catalogue(version));
        self.at(task, |ticket| Effect::StoreCatalogue { ticket, catalogue });
        Ok(true)
    }

    pub(super) fn document_stored(&mut self, known: &mut Known, document: &NewDocument, now: Now) {
        let errand = match *document {
            NewDocument::Statement(member, mark) => {
                known.held.take_mark(member, mark);
                Errand::Statement(member)
            }
            NewDocument::Policy(version) => {
                known.held.policy = Some(version);
                Errand::Policy
            }
            NewDocument::Catalogue(version) => {
                known.held.catalogue = Some(version);
                Errand::Catalogue
            }
        };
        self.up_to_date(known, errand, now);
        if errand == Errand::Policy {
            // Each answer brings one version; the next may be there already.
            known.agenda.put(errand, now.monotonic_ms);
        }
    }
}

fn newer(found: u64, held: u64) -> Result<(), Refused> {
    if found > held {
        Ok(())
    } else {
        Err(Refused::NotNewer { found, held })
    }
}

fn with_since(path: &str, since: Option<u64>) -> String {
    match since {
        Some(since) => format!("{path}?since={since}"),
        None => path.to_owned(),
    }
}
