//! Sends the requests of an enrolment, waits for the decision through outages, and commits the documents, for the command
//! line and for the screen.

use std::time::Duration;

use anyhow::Context;
use dashpoint_store::{Store, StoreError};
use dashpoint_sync::enrol::{
    Applicant, EnrolError, EnrolProgress, Enrolled, poll_request, read_state,
};
use dashpoint_sync::{HttpRequest, Response};
use dashpoint_sync_http::Transport;
use dashpoint_wire::message::EnrolTicket;
use serde::Serialize;
use tokio::time::sleep;

use crate::books::DEVICE_META;
use crate::clock::{Machine, system_unix_ms};

/// Interval between questions for the decision.
const ASK_EVERY: Duration = Duration::from_secs(1);
/// Lifetime of a code, in milliseconds: the car's wall clock may be wrong, so it is counted from the ticket.
const CODE_MS: u64 = 300_000;
/// Lifetime of a code that waits for the consent of a member of the vehicle, in milliseconds.
const CONSENT_MS: u64 = 3_600_000;

/// The cloud did not answer a request of the enrolment.
#[derive(Debug, thiserror::Error)]
#[error(
    "the cloud cannot be reached, and enrolment needs it: look at the network and at cloud.url, and run `dashpoint enrol` again"
)]
pub struct OutOfReach;

/// Sends one request of the enrolment.
///
/// # Errors
/// When the cloud does not answer.
pub async fn ask(transport: &Transport, request: &HttpRequest) -> anyhow::Result<Response> {
    transport
        .send(request, None, system_unix_ms().div_euclid(1_000))
        .await
        .context(OutOfReach)
}

/// Commits an enrolment: the device first, the epoch last, so that an interrupted one counts as none.
///
/// # Errors
/// When the store refuses a write.
pub fn keep(store: &mut Store, enrolled: &Enrolled) -> Result<(), StoreError> {
    let device = enrolled.certificate.body().device;
    store.put_meta(DEVICE_META, device.as_bytes())?;
    store.put_certificate(&enrolled.certificate)?;
    store.put_binding(&enrolled.binding)?;
    store.put_policy(&enrolled.policy)?;
    store.put_catalogue(&enrolled.catalogue)?;
    store.put_statement(&enrolled.statement)?;
    store.begin_epoch(&enrolled.grant, &[]).map(drop)
}

/// Decision on an enrolment.
#[derive(Debug)]
pub enum EnrolmentEnd {
    /// Everybody who had to has said yes.
    Enrolled(Box<Enrolled>),
    /// Somebody said no.
    Refused,
    /// Nobody said anything in time.
    Expired,
    /// The code ran out while the cloud could not be reached.
    OutOfReach,
}

/// The reason that there is no decision yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum WaitsFor {
    /// The member has to say yes.
    Member,
    /// The member has said yes; a member of the vehicle, which earns already, or the operator has to agree.
    Consent,
    /// The cloud cannot be reached, or fails.
    Cloud,
}

/// Asks for the decision until there is one or the code has run out; `hear` is told each new reason to wait.
///
/// # Errors
/// [`EnrolError`] when the cloud has decided and the documents cannot be used.
pub async fn decision(
    transport: &Transport,
    ticket: &EnrolTicket,
    me: &Applicant,
    mut hear: impl FnMut(WaitsFor),
) -> Result<EnrolmentEnd, EnrolError> {
    let machine = Machine::system();
    let mut life = CodeLife::default();
    let mut heard = None;
    loop {
        let progress = match ask(transport, &poll_request(ticket)).await {
            Ok(answer) => read_state(&answer, me).map(Some),
            Err(_) => Ok(None),
        };
        let waits_for = match progress {
            Ok(Some(EnrolProgress::Waiting)) => WaitsFor::Member,
            Ok(Some(EnrolProgress::AwaitingConsent)) => WaitsFor::Consent,
            Ok(Some(EnrolProgress::Refused)) => return Ok(EnrolmentEnd::Refused),
            Ok(Some(EnrolProgress::Expired)) => return Ok(EnrolmentEnd::Expired),
            Ok(Some(EnrolProgress::Enrolled(enrolled))) => {
                return Ok(EnrolmentEnd::Enrolled(enrolled));
            }
            Ok(None) => WaitsFor::Cloud,
            Err(error) if error.is_transient() => WaitsFor::Cloud,
            Err(error) => return Err(error),
        };
        if !life.goes_on(waits_for, machine.read().monotonic_ms) {
            return Ok(EnrolmentEnd::OutOfReach);
        }
        if heard.replace(waits_for) != Some(waits_for) {
            hear(waits_for);
        }
        sleep(ASK_EVERY).await;
    }
}

/// Bounds an outage: it is waited for as long as the code can be good.
#[derive(Debug)]
struct CodeLife {
    good_until_ms: u64,
}

impl Default for CodeLife {
    fn default() -> Self {
        Self {
            good_until_ms: CODE_MS,
        }
    }
}

impl CodeLife {
    /// Returns whether it is worth asking again, so many milliseconds after the ticket came. While the cloud answers, it
    /// says itself when the code has run out.
    fn goes_on(&mut self, waits_for: WaitsFor, passed_ms: u64) -> bool {
        match waits_for {
            WaitsFor::Member => true,
            WaitsFor::Consent => {
                self.good_until_ms = passed_ms.saturating_add(CONSENT_MS);
                true
            }
            WaitsFor::Cloud => passed_ms < self.good_until_ms,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outage_is_waited_for_while_the_code_can_be_good() {
        let mut life = CodeLife::default();
        assert!(life.goes_on(WaitsFor::Cloud, CODE_MS - 1));
        assert!(!life.goes_on(WaitsFor::Cloud, CODE_MS));
        // The cloud that answers is believed, and a code that waits for consent lives longer.
        assert!(life.goes_on(WaitsFor::Member, CODE_MS));
        assert!(life.goes_on(WaitsFor::Consent, CODE_MS));
        assert!(life.goes_on(WaitsFor::Cloud, CODE_MS + CONSENT_MS - 1));
        assert!(!life.goes_on(WaitsFor::Cloud, CODE_MS + CONSENT_MS));
    }
}
