//! The enrolment code that waits for a phone, as the cache keeps it while it is valid: whoever draws a page finds it.

use dashpoint_membership::ServerTime;
use dashpoint_store::{Store, StoreError, StoreReader};
use dashpoint_ui::model::{EnrolmentData, EnrolmentStep};
use dashpoint_wire::message::EnrolTicket;
use serde::{Deserialize, Serialize};

const NAME: &str = "enrolment";

/// A code on the screen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShownCode {
    vin_end: String,
    code: String,
    url: String,
    expires_unix_s: i64,
}

impl ShownCode {
    /// Makes the code of a ticket.
    #[must_use]
    pub fn of(ticket: &EnrolTicket, vin_end: &str) -> Self {
        Self {
            vin_end: vin_end.to_owned(),
            code: ticket.code.clone(),
            url: ticket.approve_url.clone(),
            expires_unix_s: ticket.expires.as_unix_s(),
        }
    }

    /// The code that waits now.
    ///
    /// # Errors
    /// When the cache cannot be read.
    pub fn read(reader: &StoreReader) -> Result<Option<Self>, StoreError> {
        let raw = reader.checkpoint(NAME)?;
        Ok(raw.and_then(|raw| serde_json::from_slice(&raw).ok()))
    }

    /// Keeps it.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn put(&self, store: &mut Store) -> Result<(), StoreError> {
        let raw = serde_json::to_vec(self).unwrap_or_default();
        store.put_checkpoint(NAME, &raw)
    }

    /// Forgets any: the enrolment is over.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn forget(store: &mut Store) -> Result<(), StoreError> {
        store.put_checkpoint(NAME, &[])
    }

    /// The code with the end of its time, while it is valid.
    #[must_use]
    pub fn waiting(&self, now: ServerTime) -> Option<(&str, ServerTime)> {
        let until = ServerTime::from_unix_s(self.expires_unix_s);
        (now < until).then_some((self.code.as_str(), until))
    }

    /// Makes the enrolment page of the code.
    #[must_use]
    pub fn page(&self, now: ServerTime) -> EnrolmentData {
        let valid_until = ServerTime::from_unix_s(self.expires_unix_s);
        EnrolmentData {
            vin_end: self.vin_end.clone(),
            step: if now < valid_until {
                EnrolmentStep::Waiting {
                    code: self.code.clone(),
                    url: self.url.clone(),
                    valid_until,
                }
            } else {
                EnrolmentStep::Expired
            },
        }
    }
}
