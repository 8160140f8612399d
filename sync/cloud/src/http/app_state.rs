//! The state that all handlers share, with the rates that they hold callers to.

use std::sync::Mutex;
use std::time::Duration;

use dashpoint_membership::DeviceId;
use ring::hmac;
use tokio::time::Instant;

use super::nonces::Nonces;
use super::rates::{RateLimits, Rates};
use super::throttle::{Rate, Throttle};
use crate::error::CloudError;
use crate::ledger::LedgerHandle;
use crate::random;

/// Wrong codes on the approval page that are answered in a minute. With 2^40 codes and a thousand head units waiting, guessers at
/// many addresses would need six years for one hit.
const WRONG_CODES: Rates = Rates {
    address: Rate::a_minute(10),
    site: Rate::a_minute(40),
    provider: Rate::a_minute(75),
    all: Rate::a_minute(300),
};
/// Requests to be enrolled that are taken in a minute.
const ASKS: Rates = Rates {
    address: Rate::a_minute(60),
    site: Rate::a_minute(75),
    provider: Rate::a_minute(150),
    all: Rate::a_minute(600),
};

/// Proofs of enrolment that are taken of one device at once, and again in an hour: each costs the signatures of what is lacking,
/// and a car asks for less.
const PROOFS: Rate = Rate {
    most: 12,
    per: Duration::from_secs(3_600),
};

/// State that all handlers share.
pub(crate) struct AppState {
    pub(super) ledger: LedgerHandle,
    /// Address of the approval page from outside, without a slash at its end.
    pub(super) url: String,
    /// Time that the body of a request may take.
    pub(super) body_time: Duration,
    pub(super) nonces: Mutex<Nonces>,
    pub(super) wrong_codes: Mutex<RateLimits>,
    pub(super) asks: Mutex<RateLimits>,
    pub(super) proofs: Mutex<Throttle<DeviceId>>,
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
            wrong_codes: Mutex::new(RateLimits::new(WRONG_CODES)),
            asks: Mutex::new(RateLimits::new(ASKS)),
            proofs: Mutex::new(Throttle::new(PROOFS, Rate::NONE)),
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
        let text = include_str!("../../../PROTOCOL.md").replace('\n', " ");
        let said = |rates: Rates| {
            let [address, site] = [rates.address.most, rates.site.most];
            let [provider, all] = [rates.provider.most, rates.all.most];
            format!(
                "{address} at once and {address} a minute of one address, {site} of one site, {provider} of one provider, {all} of all;"
            )
        };
        let body_s = Limits::DEFAULT.body.as_secs();
        for said in [
            format!("{} 1,000 that wait", said(ASKS)),
            format!("{} beyond it 429.", said(WRONG_CODES)),
            format!(
                "at most {} proofs of one device at once, and as many in each hour, evenly",
                PROOFS.most
            ),
            format!("must have come after {body_s} seconds; else the answer is 503"),
        ] {
            assert!(text.contains(&said), "PROTOCOL.md does not say {said:?}");
        }
    }
}
