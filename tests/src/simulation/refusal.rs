//! Refusals of the cloud, as its HTTP layer words them.

use dashpoint_cloud::CloudError;
use dashpoint_sync::Response;
use dashpoint_wire::message::{Refusal, RefusalCode};
use dashpoint_wire::{Nonce, encode};

/// A request that is not answered with what it asked for.
pub(super) struct SimulatedRefusal(pub(super) RefusalCode, pub(super) Option<Nonce>);

impl SimulatedRefusal {
    pub fn into_response(self) -> Response {
        let Self(code, nonce) = self;
        Response {
            status: code.status(),
            retry_after_s: matches!(code, RefusalCode::Unavailable | RefusalCode::Forgotten)
                .then_some(2),
            body: encode(&Refusal { code, nonce }),
        }
    }
}

impl From<CloudError> for SimulatedRefusal {
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the same split as at the cloud's own edge"
    )]
    fn from(failed: CloudError) -> Self {
        Self(
            match failed {
                CloudError::NoMember(_) => RefusalCode::NotBound,
                CloudError::NoDevice(_) => RefusalCode::Device,
                CloudError::ProofWanted { .. } => RefusalCode::Forgotten,
                CloudError::NotProven { .. } => RefusalCode::NotAuthentic,
                _ => RefusalCode::Unavailable,
            },
            None,
        )
    }
}

pub(super) const MALFORMED: SimulatedRefusal = SimulatedRefusal(RefusalCode::Malformed, None);
