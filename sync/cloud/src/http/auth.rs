//! Lets a device's request in.

use std::sync::Arc;

use dashpoint_membership::{DeviceId, ServerTime};
use dashpoint_wire::message::{EnrolmentProof, RefusalCode};
use dashpoint_wire::{Nonce, PublicKey, TokenError, parse_authorization, verify_token};

use super::answer::ApiError;
use super::app_state::AppState;
use super::incoming::Incoming;
use crate::clock::system_now;
use crate::core::CloudCore;
use crate::ledger::Weight;
use crate::random;

impl AppState {
    /// Does a job for a device on the ledger's thread, once its token is verified there.
    pub(super) async fn for_device<R: Send + 'static>(
        self: &Arc<Self>,
        incoming: Incoming,
        weight: Weight,
        device: DeviceId,
        job: impl FnOnce(&mut CloudCore, &Incoming, ServerTime) -> Result<R, ApiError> + Send + 'static,
    ) -> Result<R, ApiError> {
        let state = Arc::clone(self);
        self.ledger
            .call(incoming.turn(weight, Some(device)), move |core| {
                let now = core.now(system_now())?;
                let found = core
                    .admitted_device(device, now)?
                    .ok_or(ApiError::because(RefusalCode::Device))?;
                state.let_in(&incoming, device, &found.key, now)?;
                job(core, &incoming, now)
            })
            .await
    }

    /// The same for a device that shows its proof of enrolment: the key that verifies the token may be the one in it.
    pub(super) async fn for_shown_device<R: Send + 'static>(
        self: &Arc<Self>,
        incoming: Incoming,
        weight: Weight,
        device: DeviceId,
        job: impl FnOnce(&mut CloudCore, &EnrolmentProof, ServerTime) -> Result<R, ApiError>
        + Send
        + 'static,
    ) -> Result<R, ApiError> {
        let state = Arc::clone(self);
        self.ledger
            .call(incoming.turn(weight, Some(device)), move |core| {
                let now = core.now(system_now())?;
                // Of a device that is known, nothing is opened before its key has verified the token.
                let proof: EnrolmentProof = match core.admitted_device(device, now)? {
                    Some(known) => {
                        state.let_in(&incoming, device, &known.key, now)?;
                        state.take_proof_of(device)?;
                        incoming.message()?
                    }
                    None => {
                        parse_authorization(incoming.authorization()?)
                            .map_err(|_| ApiError::because(RefusalCode::Token))?;
                        let proof = incoming.message()?;
                        let key = core.proven_key(device, &proof, now)?;
                        state.let_in(&incoming, device, &key, now)?;
                        state.take_proof_of(device)?;
                        proof
                    }
                };
                job(core, &proof, now)
            })
            .await
    }

    fn let_in(
        &self,
        incoming: &Incoming,
        device: DeviceId,
        key: &PublicKey,
        now: ServerTime,
    ) -> Result<(), ApiError> {
        let refused = || ApiError::because(RefusalCode::Token);
        let token = parse_authorization(incoming.authorization()?).map_err(|_| refused())?;
        let asked = incoming.asked();
        let outcome = match verify_token(token.clone(), key, &device, asked, now, &[]) {
            Err(TokenError::Nonce) => {
                // Genuine, and it names a nonce: only now is it worth a look at what is out.
                let body = token.clone().verify(key, &device).map_err(|_| refused())?;
                let nonces: Vec<Nonce> = body
                    .body()
                    .nonce
                    .filter(|nonce| self.take_nonce(device, *nonce))
                    .into_iter()
                    .collect();
                verify_token(token, key, &device, asked, now, &nonces)
            }
            outcome => outcome,
        };
        match outcome {
            Ok(()) => Ok(()),
            Err(error) if error.wants_nonce() => self.challenge(device),
            Err(_) => Err(refused()),
        }
    }

    /// Counts one proof of a device, once its own key has signed the request: nobody else uses up what it may show.
    fn take_proof_of(&self, device: DeviceId) -> Result<(), ApiError> {
        let Ok(mut proofs) = self.proofs.lock() else {
            return Err(ApiError::because(RefusalCode::Unavailable));
        };
        let taken = proofs.take(device, self.elapsed());
        taken.map_err(|often| ApiError::slow_down(often.wait))
    }

    fn take_nonce(&self, device: DeviceId, nonce: Nonce) -> bool {
        // Nonces age by the machine's clock: a posted one may jump over their two minutes.
        match self.nonces.lock() {
            Ok(mut nonces) => nonces.take(device, nonce, system_now()),
            Err(_) => false,
        }
    }

    fn challenge(&self, device: DeviceId) -> Result<(), ApiError> {
        let unavailable = || ApiError::because(RefusalCode::Unavailable);
        let nonce: Nonce = random::bytes().map_err(|_| unavailable())?;
        self.nonces
            .lock()
            .map_err(|_| unavailable())?
            .give(device, nonce, system_now());
        Err(ApiError::with_nonce(nonce))
    }
}
