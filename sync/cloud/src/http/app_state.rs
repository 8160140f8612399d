//! The state that all handlers share, with the rates that they hold callers to.

use std::sync::Mutex;
use std::time::Duration;

use ring::hmac;
use tokio::time::Instant;

use super::nonces::Nonces;
use super::throttle::{Rate, Throttle};
use crate::error::CloudError;
use crate::ledger::LedgerHandle;
use crate::peer::Peer;
use crate::random;

/// Wrong codes on the approval page that are answered in a minute: of one address, and of all. With 2^40 codes and a
/// thousand head units waiting, guessers at many addresses would need six years for one hit.
const WRONG_CODES: (Rate, Rate) = (Rate::a_minute(10), Rate::a_minute(300));
/// Requests to be enrolled that are taken in a minute: of one address, and of all.
const ASKS: (Rate, Rate) = (Rate::a_minute(60), Rate::a_minute(600));

/// State that all handlers share.
pub(crate) struct AppState {
    pub(super) ledger: LedgerHandle,
    /// Address of the approval page from outside, without a slash at its end.
    pub(super) url: String,
    /// Time that the body of a request may take.
    pub(super) body_time: Duration,
    pub(super) nonces: Mutex<Nonces>,
    pub(super) wrong_codes: Mutex<Throttle<Peer>>,
    pub(super) asks: Mutex<Throttle<Peer>>,
    /// Marks the links of this run's QR codes.
    pub(super) link_key: hmac::Key,
    pub(super) started: Instant,
}

impl AppState {
    pub fn new(ledger: LedgerHandle, url: String, body_time: Duration) -> Result<Self, CloudError> {
        let link_key: [u8; 32] = random::bytes()?;
        Ok(Self {
            ledger,
            url,
            body_time,
            nonces: Mutex::new(Nonces::default()),
            wrong_codes: Mutex::new(Throttle::new(WRONG_CODES.0, WRONG_CODES.1)),
            asks: Mutex::new(Throttle::new(ASKS.0, ASKS.1)),
            link_key: hmac::Key::new(hmac::HMAC_SHA256, &link_key),
            started: Instant::now(),
        })
    }

    /// Time that only rises, for what is counted.
    pub(super) fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connections::Limits;

    #[test]
    fn the_protocol_states_the_rates_and_the_time_of_a_body() {
        let text = include_str!("../../../PROTOCOL.md");
        let most = |rates: (Rate, Rate)| (rates.0.most, rates.1.most);
        let ((asks, all_asks), (codes, all_codes)) = (most(ASKS), most(WRONG_CODES));
        let body_s = Limits::DEFAULT.body.as_secs();
        for said in [
            format!(
                "{asks} at once and {asks} a minute of one address, {all_asks} of all; 1,000 that wait"
            ),
            format!(
                "{codes} at once and {codes} a minute of one address, {all_codes} of all; beyond it 429."
            ),
            format!("must have come after {body_s} seconds; else the answer is 503"),
        ] {
            assert!(text.contains(&said), "PROTOCOL.md does not say {said:?}");
        }
    }
}
