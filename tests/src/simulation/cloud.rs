//! The cloud: the real core on a disk that loses power, behind the same decisions that its HTTP edge takes.

use std::collections::BTreeMap;
use std::path::Path;

use dashpoint_cloud::{ClockKind, CloudCore, CloudError, Posted, open_on_vfs};
use dashpoint_crash_vfs::{CrashVfs, Disk, Fault, Image};
use dashpoint_membership::{
    CatalogueVersion, DeviceId, Epoch, LedgerVersion, MemberId, PolicyVersion, Seq, ServerEpoch,
    ServerTime, Verdict,
};
use dashpoint_sync::{HttpRequest, Response};
use dashpoint_wire::message::{
    EntriesRequest, EntriesResponse, EntryVerdict, Refusal, RefusalCode,
};
use dashpoint_wire::{
    Asked, Cbor, MAX_DECODED, MAX_ENTRIES, Nonce, PublicKey, Receipt, RequestToken, Signed,
    SigningKey, TokenError, authorization, decode, deflate, digest, encode, inflate,
    parse_authorization, verdicts_digest, verify_token,
};

use super::Violation;
use super::planted::{Planted, Tampering};
use super::random::Random;

/// Name of the database on its disk.
pub(super) const DATABASE: &str = "/cloud.db";

/// A request as it travels: the body deflated, the token signed over it.
#[derive(Debug, Clone)]
pub struct Travelling {
    /// `GET` or `POST`.
    pub method: &'static str,
    /// Path and query.
    pub path: String,
    /// Deflated; empty for a read.
    pub body: Vec<u8>,
    /// The header that carries the token.
    pub authorization: String,
    /// Whose.
    pub device: DeviceId,
}

impl Travelling {
    /// Signs a request as the transport does.
    #[must_use]
    pub fn new(
        request: &HttpRequest,
        device: DeviceId,
        key: &SigningKey,
        unix_s: i64,
    ) -> Option<Self> {
        let dashpoint_sync::Credential::Device { nonce } = request.credential else {
            return None;
        };
        let body = if request.body.is_empty() {
            Vec::new()
        } else {
            deflate(&request.body)
        };
        let asked = Asked {
            method: request.method.as_str(),
            path: &request.path,
            body: &body,
        };
        let token = Signed::sign(RequestToken::new(asked, unix_s, nonce), key, &device).ok()?;
        Some(Self {
            method: request.method.as_str(),
            path: request.path.clone(),
            body,
            authorization: authorization(&token),
            device,
        })
    }

    /// The message in the body, if it is entries.
    #[must_use]
    pub fn entries(&self) -> Option<EntriesRequest> {
        if self.method != "POST" || !self.path.ends_with("/entries") {
            return None;
        }
        decode(&inflate(&self.body, MAX_DECODED).ok()?).ok()
    }
}

/// Entries that the cloud has answered.
#[derive(Debug)]
pub struct Posting {
    /// Whose.
    pub device: DeviceId,
    /// What was sent.
    pub request: EntriesRequest,
    /// What was answered.
    pub response: EntriesResponse,
    /// When.
    pub at: ServerTime,
}

/// The cloud.
pub struct Cloud {
    // Dropped before the disk that it lies on.
    core: Option<CloudCore>,
    vfs: CrashVfs,
    name: String,
    disks: u64,
    /// Power cuts of the present disk that were noticed.
    cuts: u64,
    key: SigningKey,
    nonces: BTreeMap<DeviceId, Nonce>,
    random: Random,
    planted: Option<Planted>,
    used: BTreeMap<DeviceId, BTreeMap<Vec<u8>, serde_json::Value>>,
    /// Entries answered since the last look.
    pub postings: Vec<Posting>,
    /// How often its power went.
    pub crashes: u64,
}

type Answered = Result<Response, Denied>;

struct Denied(RefusalCode, Option<Nonce>);

impl From<CloudError> for Denied {
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the same split as at the cloud's own edge"
    )]
    fn from(failed: CloudError) -> Self {
        Self(
            match failed {
                CloudError::NoMember(_) => RefusalCode::NotBound,
                CloudError::NoDevice(_) => RefusalCode::Device,
                _ => RefusalCode::Unavailable,
            },
            None,
        )
    }
}

const MALFORMED: Denied = Denied(RefusalCode::Malformed, None);

impl Cloud {
    /// A new cloud.
    pub fn new(
        name: &str,
        mut random: Random,
        planted: Option<Planted>,
        now: ServerTime,
    ) -> Result<Self, Violation> {
        let vfs = CrashVfs::register(&format!("{name}-cloud"), Disk::new(random.next()));
        let mut cloud = Self {
            core: None,
            vfs,
            name: name.to_owned(),
            disks: 0,
            cuts: 0,
            key: SigningKey::from_seed(&[0xc1; 32]),
            nonces: BTreeMap::new(),
            random,
            planted,
            used: BTreeMap::new(),
            postings: Vec::new(),
            crashes: 0,
        };
        cloud.reopen(now)?;
        Ok(cloud)
    }

    /// The key that its word is verified with.
    #[must_use]
    pub fn public_key(&self) -> PublicKey {
        self.key.public()
    }

    /// Does something with the core; an operator's act, or a look.
    pub fn with<R>(
        &mut self,
        now: ServerTime,
        work: impl Fn(&mut CloudCore) -> Result<R, CloudError>,
    ) -> Result<R, Violation> {
        // Once more after a power cut: operators try again.
        for _ in 0..2 {
            self.reopen_if_dead(now)?;
            if self.planted == Some(Planted::ExpiryFilter) {
                let filtered = Tampering::of(&self.vfs).and_then(|db| db.filter_expired(now));
                match filtered {
                    Err(_) if self.is_dead() => continue,
                    filtered => {
                        filtered.map_err(|e| Violation::new(format!("the plant failed: {e}")))?;
                    }
                }
            }
            let Some(core) = &mut self.core else { break };
            match work(core) {
                Ok(done) => return Ok(done),
                Err(_) if self.is_dead() => {}
                Err(failed) => return Err(Violation::new(format!("the cloud failed: {failed}"))),
            }
        }
        Err(Violation::new("the cloud does not come back".to_owned()))
    }

    /// What a backup of its disk holds.
    #[must_use]
    pub fn image(&self) -> Image {
        self.vfs.disk().image()
    }

    /// Puts a backup back, as `dashpoint-cloud restore` does, or without a word to the database.
    pub fn go_back(
        &mut self,
        backup: &Image,
        unsaid: bool,
        now: ServerTime,
    ) -> Result<(), Violation> {
        let life = self.with(now, |core| core.server_epoch())?;
        self.core = None;
        self.disks += 1;
        let name = format!("{}-cloud-{}", self.name, self.disks);
        self.vfs = CrashVfs::register(&name, Disk::from_image(backup, self.random.next()));
        self.cuts = 0;
        self.reopen(now)?;
        if !unsaid {
            self.with(now, |core| core.begin_life(life, now))?;
        }
        Ok(())
    }

    /// Cuts the power at one of the next calls of the disk.
    pub fn plan_power_cut(&mut self, at_call: u64) {
        self.vfs.disk().plan(at_call, Fault::PowerCut);
    }

    /// No more faults.
    pub fn heal(&mut self, now: ServerTime) -> Result<(), Violation> {
        self.vfs.disk().clear_fault();
        self.reopen_if_dead(now)
    }

    fn is_dead(&self) -> bool {
        self.vfs.disk().counts().power_cuts > self.cuts
    }

    fn reopen_if_dead(&mut self, now: ServerTime) -> Result<(), Violation> {
        if self.is_dead() {
            self.reopen(now)?;
        }
        Ok(())
    }

    fn reopen(&mut self, now: ServerTime) -> Result<(), Violation> {
        self.core = None;
        let cuts = self.vfs.disk().counts().power_cuts;
        self.crashes += cuts - self.cuts;
        self.cuts = cuts;
        let opened = open_on_vfs(Path::new(DATABASE), self.vfs.name())
            .and_then(|db| CloudCore::start(db, self.key.clone(), ClockKind::System, now));
        let core = opened.map_err(|e| Violation::new(format!("the cloud does not start: {e}")))?;
        self.core = Some(core);
        Ok(())
    }

    /// Answers a request; nothing when the power went meanwhile.
    pub fn handle(
        &mut self,
        request: &Travelling,
        now: ServerTime,
    ) -> Result<Option<Response>, Violation> {
        self.reopen_if_dead(now)?;
        let Some(mut core) = self.core.take() else {
            return Ok(None);
        };
        let answered = self.route(&mut core, request, now);
        self.core = Some(core);
        if self.is_dead() {
            self.reopen(now)?;
            return Ok(None);
        }
        Ok(Some(answered.unwrap_or_else(|Denied(code, nonce)| {
            Response {
                status: code.status(),
                retry_after_s: matches!(code, RefusalCode::Unavailable).then_some(2),
                body: encode(&Refusal { code, nonce }),
            }
        })))
    }

    fn route(&mut self, core: &mut CloudCore, request: &Travelling, now: ServerTime) -> Answered {
        let (path, query) = request.path.split_once('?').unwrap_or((&request.path, ""));
        let mut parts = path.split('/').skip(1);
        let mut next = || parts.next().unwrap_or_default();
        let (version, kind, id, what) = (next(), next(), next(), next());
        if version != "v1" {
            return Err(Denied(RefusalCode::NotFound, None));
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
                Ok(ok(&core.open_epoch(request.device, &asked, now)?))
            }
            ("GET", "members", "statement") => {
                let member: MemberId = id.parse().map_err(|_| MALFORMED)?;
                let since = LedgerVersion::new(since);
                let found = core.statement_for(request.device, member, since, now)?;
                Ok(document(found.map(|signed| signed.raw().to_vec())))
            }
            ("GET", "policy", _) => {
                let found = core.policy_since(PolicyVersion::new(short), now)?;
                Ok(document(found.map(dashpoint_wire::Raw::into_bytes)))
            }
            ("GET", "catalogue", _) => {
                let found = core.catalogue_since(CatalogueVersion::new(short), now)?;
                Ok(document(found.map(dashpoint_wire::Raw::into_bytes)))
            }
            _ => Err(Denied(RefusalCode::NotFound, None)),
        }
    }

    fn let_in(
        &mut self,
        core: &CloudCore,
        request: &Travelling,
        now: ServerTime,
    ) -> Result<(), Denied> {
        let refused = || Denied(RefusalCode::Token, None);
        let device = request.device;
        let key = core
            .admitted_device(device, now)?
            .ok_or(Denied(RefusalCode::Device, None))?
            .key;
        let token = parse_authorization(&request.authorization).map_err(|_| refused())?;
        let asked = Asked {
            method: request.method,
            path: &request.path,
            body: &request.body,
        };
        let mut outcome = verify_token(token.clone(), &key, &device, asked, now, &[]);
        if outcome == Err(TokenError::Nonce) {
            let out: Vec<Nonce> = self.nonces.remove(&device).into_iter().collect();
            outcome = verify_token(token, &key, &device, asked, now, &out);
        }
        match outcome {
            Ok(()) => Ok(()),
            Err(error) if error.wants_nonce() => {
                let nonce: Nonce = self.random.bytes();
                self.nonces.insert(device, nonce);
                Err(Denied(RefusalCode::Token, Some(nonce)))
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
            return Err(Denied(RefusalCode::TooLarge, None));
        }
        let posted = match self.planted {
            None => core.post_entries(device, &asked, now)?,
            Some(planted) => self.post_tampered(planted, core, device, &asked, now)?,
        };
        match posted {
            Posted::Settled(response) => {
                let answer = ok(&response);
                self.postings.push(Posting {
                    device,
                    request: asked,
                    response,
                    at: now,
                });
                Ok(answer)
            }
            Posted::Diverged(divergence) => Ok(Response {
                status: 409,
                retry_after_s: None,
                body: encode(&divergence),
            }),
            Posted::NotAuthentic(_) => Err(Denied(RefusalCode::NotAuthentic, None)),
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
    ) -> Result<Posted, Denied> {
        let broken = |error: rusqlite::Error| Denied::from(CloudError::Database(error));
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
                return Err(Denied(RefusalCode::Unavailable, None));
            }
            Planted::HeadBeforeEffect
            | Planted::SeqReused
            | Planted::SyncsIgnored
            | Planted::PendingFlag
            | Planted::ReceiptUnverified => {}
        }
        let posted = core.post_entries(device, asked, now)?;
        if planted == Planted::CapPerDevice {
            let used = tampering.used().map_err(broken)?;
            self.used.insert(device, used);
        }
        if planted == Planted::SeqReused
            && matches!(posted, Posted::Diverged(_))
            && tampering
                .is_taken(device, asked.epoch.get(), asked.from.get())
                .map_err(broken)?
            && let Some(response) = self.forge(device, asked, &self.key, now)
        {
            return Ok(Posted::Settled(response));
        }
        Ok(posted)
    }

    /// What a stranger would answer to entries that never came to the cloud: all taken, signed with that key.
    #[must_use]
    pub fn forge(
        &self,
        device: DeviceId,
        asked: &EntriesRequest,
        key: &SigningKey,
        now: ServerTime,
    ) -> Option<EntriesResponse> {
        let mut seq = asked.from;
        let mut verdicts = Vec::new();
        for _ in &asked.entries {
            verdicts.push(EntryVerdict {
                seq,
                verdict: Verdict::Accepted {
                    paid: dashpoint_membership::Paid::NOTHING,
                },
                duplicate: false,
            });
            seq = seq.next();
        }
        let last = asked.entries.last()?;
        let receipt = Receipt {
            device,
            epoch: asked.epoch,
            through: Seq::new(seq.get() - 1),
            head: dashpoint_membership::EntryHash::from_bytes(digest(last.as_bytes())),
            verdicts: verdicts_digest(&verdicts),
            server_time: now,
            server_epoch: ServerEpoch::new(1),
            policy: PolicyVersion::new(1),
        };
        Some(EntriesResponse {
            verdicts,
            receipt: Signed::sign(receipt, key, &device).ok()?.into(),
            statements: Vec::new(),
        })
    }

    /// The key that a forger uses: a stranger's, or with the planted bug one that the car takes for the cloud's.
    #[must_use]
    pub fn forgers_key(&self) -> SigningKey {
        if self.planted == Some(Planted::ReceiptUnverified) {
            self.key.clone()
        } else {
            SigningKey::from_seed(&[0xf0; 32])
        }
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

fn message<T: Cbor>(body: &[u8]) -> Result<T, Denied> {
    let plain = inflate(body, MAX_DECODED).map_err(|_| MALFORMED)?;
    decode(&plain).map_err(|_| MALFORMED)
}

fn value(query: &str, name: &str) -> Option<u64> {
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let mut named = pairs.filter(|(key, _)| *key == name);
    named.next()?.1.parse().ok()
}
