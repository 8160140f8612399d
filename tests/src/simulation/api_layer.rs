//! The decisions of the cloud's HTTP layer before and after the core: authentication, request and answer.

use dashpoint_cloud::{CloudCore, CloudError, PostOutcome};
use dashpoint_membership::{
    CatalogueVersion, DeviceId, Epoch, LedgerVersion, MemberId, PolicyVersion, Seq, ServerTime,
};
use dashpoint_sync::Response;
use dashpoint_wire::message::{EnrolmentProof, EntriesRequest, RefusalCode};
use dashpoint_wire::{
    Cbor, MAX_DECODED, MAX_ENTRIES, Nonce, PublicKey, RequestTarget, TokenError, decode, encode,
    inflate, parse_authorization, verify_token,
};

use super::cloud::{Deed, Posting, SimulatedCloud};
use super::planted::{Planted, Tampering};
use super::refusal::{MALFORMED, SimulatedRefusal};
use super::travelling::Travelling;

pub(super) type Answered = Result<Response, SimulatedRefusal>;

impl SimulatedCloud {
    pub(super) fn route(
        &mut self,
        core: &mut CloudCore,
        request: &Travelling,
        now: ServerTime,
    ) -> Answered {
        let (path, query) = request.path.split_once('?').unwrap_or((&request.path, ""));
        let mut parts = path.split('/').skip(1);
        let mut next = || parts.next().unwrap_or_default();
        let (version, kind, id, what) = (next(), next(), next(), next());
        if version != "v1" {
            return Err(SimulatedRefusal(RefusalCode::NotFound, None));
        }
        if (request.method, kind, what) == ("POST", "devices", "proof") {
            let proof: EnrolmentProof = message(&request.body)?;
            let key = core.proven_key(request.device, &proof, now)?;
            self.let_key_in(&key, request, now)?;
            core.take_proof(request.device, &proof, now)?;
            if let Ok(grant) = proof.grant.verify(&self.key.public(), &request.device) {
                let shown = Deed::Shown(grant.body().issued);
                self.deeds.push((request.device, shown));
            }
            return Ok(Response {
                status: 204,
                retry_after_s: None,
                body: Vec::new(),
            });
        }
        self.let_in(core, request, now)?;
        let since = value(query, "since").unwrap_or(0);
        let short = u32::try_from(since).unwrap_or(u32::MAX);
        match (request.method, kind, what) {
            ("POST", "devices", "entries") => self.post_entries(core, request, now),
            ("GET", "devices", "entries") => {
                let epoch = value(query, "epoch").ok_or(MALFORMED)?;
                let from = Seq::new(value(query, "from").ok_or(MALFORMED)?);
                let epoch = Epoch::new(u32::try_from(epoch).map_err(|_| MALFORMED)?);
                Ok(ok(&core.entries_from(request.device, epoch, from)?))
            }
            ("POST", "devices", "epochs") => {
                let asked = message(&request.body)?;
                let opened = core.open_epoch(request.device, &asked, now)?;
                let grant = opened.grant.clone();
                if let Ok(grant) = grant.verify(&self.key.public(), &request.device) {
                    let granted = Deed::Granted(grant.body().issued);
                    self.deeds.push((request.device, granted));
                }
                Ok(ok(&opened))
            }
            ("GET", "members", "statement") => {
                let member: MemberId = id.parse().map_err(|_| MALFORMED)?;
                let since = LedgerVersion::new(since);
                let found = core.statement_for(request.device, member, since, now)?;
                Ok(document(found.map(|signed| signed.raw().to_vec())))
            }
            ("GET", "policy", _) if since == 0 && self.planted == Some(Planted::NothingNew) => {
                Ok(document(None))
            }
            ("GET", "policy", _) => {
                let found = core.policy_since(PolicyVersion::new(short), now)?;
                Ok(document(found.map(dashpoint_wire::Raw::into_bytes)))
            }
            ("GET", "catalogue", _) => {
                let found = core.catalogue_since(CatalogueVersion::new(short), now)?;
                Ok(document(found.map(dashpoint_wire::Raw::into_bytes)))
            }
            _ => Err(SimulatedRefusal(RefusalCode::NotFound, None)),
        }
    }

    fn let_in(
        &mut self,
        core: &CloudCore,
        request: &Travelling,
        now: ServerTime,
    ) -> Result<(), SimulatedRefusal> {
        let key = core
            .admitted_device(request.device, now)?
            .ok_or(SimulatedRefusal(RefusalCode::Device, None))?
            .key;
        self.let_key_in(&key, request, now)
    }

    fn let_key_in(
        &mut self,
        key: &PublicKey,
        request: &Travelling,
        now: ServerTime,
    ) -> Result<(), SimulatedRefusal> {
        let refused = || SimulatedRefusal(RefusalCode::Token, None);
        let device = request.device;
        let token = parse_authorization(&request.authorization).map_err(|_| refused())?;
        let asked = RequestTarget {
            method: request.method,
            path: &request.path,
            body: &request.body,
        };
        let mut outcome = verify_token(token.clone(), key, &device, asked, now, &[]);
        if outcome == Err(TokenError::Nonce) {
            let out: Vec<Nonce> = self.nonces.remove(&device).into_iter().collect();
            outcome = verify_token(token, key, &device, asked, now, &out);
        }
        match outcome {
            Ok(()) => Ok(()),
            Err(error) if error.wants_nonce() => {
                let nonce: Nonce = self.random.bytes();
                self.nonces.insert(device, nonce);
                Err(SimulatedRefusal(RefusalCode::Token, Some(nonce)))
            }
            Err(_) => Err(refused()),
        }
    }

    fn post_entries(
        &mut self,
        core: &mut CloudCore,
        request: &Travelling,
        now: ServerTime,
    ) -> Answered {
        let device = request.device;
        let asked: EntriesRequest = message(&request.body)?;
        if asked.entries.len() > MAX_ENTRIES {
            return Err(SimulatedRefusal(RefusalCode::TooLarge, None));
        }
        let posted = match self.planted {
            None => core.post_entries(device, &asked, now).map_err(|failed| {
                // Whether it was committed nobody knows.
                if let CloudError::Database(_) = failed {
                    self.deeds.push((device, Deed::BrokeDown(now)));
                }
                failed.into()
            }),
            Some(planted) => self.post_tampered(planted, core, device, &asked, now),
        };
        if self.planted.is_some() && posted.is_err() {
            self.deeds.push((device, Deed::BrokeDown(now)));
        }
        let heard = asked.last_receipt.clone();
        let heard = heard.and_then(|raw| raw.verify(&self.key.public(), &device).ok());
        match posted? {
            PostOutcome::Settled(response) => {
                let answer = ok(&response);
                self.postings.push(Posting {
                    device,
                    request: asked,
                    response,
                    at: now,
                    heard: heard.map(|receipt| receipt.body().server_time),
                });
                Ok(answer)
            }
            PostOutcome::Diverged(divergence) => Ok(Response {
                status: 409,
                retry_after_s: None,
                body: encode(&divergence),
            }),
            PostOutcome::NotAuthentic(_) => Err(SimulatedRefusal(RefusalCode::NotAuthentic, None)),
        }
    }

    /// Lets the core take entries with a bug around it.
    fn post_tampered(
        &mut self,
        planted: Planted,
        core: &mut CloudCore,
        device: DeviceId,
        asked: &EntriesRequest,
        now: ServerTime,
    ) -> Result<PostOutcome, SimulatedRefusal> {
        let broken = |error: rusqlite::Error| SimulatedRefusal::from(CloudError::Database(error));
        let tampering = Tampering::of(&self.vfs).map_err(broken)?;
        match planted {
            Planted::DedupeOff => {
                let key = core.admitted_device(device, now)?.map(|found| found.key);
                if let Some(key) = key {
                    tampering
                        .forget_entries(device, &key, asked)
                        .map_err(broken)?;
                }
            }
            Planted::ReceiptsForgotten => tampering.forget_receipts().map_err(broken)?,
            Planted::IntervalsOff => tampering.forget_intervals().map_err(broken)?,
            Planted::ExpiryFilter => tampering.filter_expired(now).map_err(broken)?,
            Planted::CapPerDevice => {
                let used = self.used.entry(device).or_default();
                tampering.put_used(used).map_err(broken)?;
            }
            Planted::HeadBeforeEffect if self.random.one_in(8) => {
                let before = tampering.accounts().map_err(broken)?;
                core.post_entries(device, asked, now)?;
                tampering.put_back(&before).map_err(broken)?;
                return Err(SimulatedRefusal(RefusalCode::Unavailable, None));
            }
            Planted::HeadBeforeEffect
            | Planted::SeqReused
            | Planted::SyncsIgnored
            | Planted::PendingFlag
            | Planted::ReceiptUnverified
            | Planted::KeyUnchecked
            | Planted::NothingNew
            | Planted::StrangerLetIn
            | Planted::ClockBelieved
            | Planted::MeterTwice
            | Planted::MarkOfNothing => {}
        }
        let posted = core.post_entries(device, asked, now)?;
        if planted == Planted::CapPerDevice {
            let used = tampering.used().map_err(broken)?;
            self.used.insert(device, used);
        }
        if planted == Planted::SeqReused
            && matches!(posted, PostOutcome::Diverged(_))
            && tampering
                .is_taken(device, asked.epoch.get(), asked.from.get())
                .map_err(broken)?
            && let Some(response) = self.forge(device, asked, &self.key, now)
        {
            return Ok(PostOutcome::Settled(response));
        }
        Ok(posted)
    }
}

/// An answer of status 200.
pub(super) fn ok<T: Cbor>(body: &T) -> Response {
    Response {
        status: 200,
        retry_after_s: None,
        body: encode(body),
    }
}

fn document(raw: Option<Vec<u8>>) -> Response {
    match raw {
        Some(body) => Response {
            status: 200,
            retry_after_s: None,
            body,
        },
        None => Response {
            status: 304,
            retry_after_s: None,
            body: Vec::new(),
        },
    }
}

fn message<T: Cbor>(body: &[u8]) -> Result<T, SimulatedRefusal> {
    let plain = inflate(body, MAX_DECODED).map_err(|_| MALFORMED)?;
    decode(&plain).map_err(|_| MALFORMED)
}

fn value(query: &str, name: &str) -> Option<u64> {
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let mut named = pairs.filter(|(key, _)| *key == name);
    named.next()?.1.parse().ok()
}
