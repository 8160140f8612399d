//! A model of the cloud: what PROTOCOL.md says of its chain, over the real wire types, in memory.

use std::collections::BTreeMap;

use dashpoint_membership::{
    Account, Catalogue, CatalogueVersion, Chain, CompiledPolicy, Cover, DEFAULT_CATALOGUE_TOML,
    DEFAULT_POLICY_TOML, DeviceId, Entry, EntryBody, EntryHash, Epoch, Growth, LedgerVersion,
    MemberId, Paid, Points, Policy, PolicyVersion, Profile, Rejection, Seq, ServerEpoch,
    ServerTime, Statement, Verdict,
};
use dashpoint_sync::{HttpRequest, Method, Response};
use dashpoint_wire::message::{
    Divergence, EnrolmentProof, EntriesPage, EntriesRequest, EntriesResponse, EntryVerdict,
    EpochRequest, EpochResponse, Refusal, RefusalCode,
};
use dashpoint_wire::{
    ChainPoint, EpochGrant, MAX_ENTRIES, PublicKey, Raw, Receipt, Signed, SigningKey, decode,
    encode, verdicts_digest,
};

pub const DEVICE: DeviceId = DeviceId::from_bytes([0xd0; 16]);
pub const MEMBER: MemberId = MemberId::from_bytes([0x3e; 16]);

pub struct Cloud {
    pub key: SigningKey,
    device_key: PublicKey,
    pub state: State,
    /// The highest server epoch ever used: a restored cloud goes one above.
    server_epochs: u32,
    pub policies: Vec<Signed<Policy>>,
    pub catalogue: Signed<Catalogue>,
    /// It went back to before it enrolled the car, or bound it, and says so until the car has shown what it holds.
    pub forgot: Option<RefusalCode>,
    account: Account,
}

/// What is in its database, and so in a backup of it.
#[derive(Clone)]
pub struct State {
    pub server_epoch: ServerEpoch,
    pub head: ChainPoint,
    log: BTreeMap<(Epoch, Seq), Logged>,
    /// How often each transaction took effect, by the hash of the first entry that said it.
    pub effects: BTreeMap<EntryHash, u32>,
    grants: BTreeMap<EntryHash, Signed<EpochGrant>>,
    version: LedgerVersion,
}

#[derive(Clone)]
struct Logged {
    raw: Vec<u8>,
    hash: EntryHash,
    verdict: Verdict,
}

impl Cloud {
    pub fn new(device_key: PublicKey) -> Self {
        let key = SigningKey::from_seed(&[0xc1; 32]);
        let policy: Policy = toml::from_str(DEFAULT_POLICY_TOML).unwrap();
        let catalogue: Catalogue = toml::from_str(DEFAULT_CATALOGUE_TOML).unwrap();
        let now = ServerTime::from_unix_s(1_795_000_000);
        let compiled = CompiledPolicy::compile(policy.clone()).unwrap();
        let grant = grant(&key, Epoch::new(1), None, ServerEpoch::new(1), now);
        Self {
            device_key,
            state: State {
                server_epoch: ServerEpoch::new(1),
                head: first_point(&grant),
                log: BTreeMap::new(),
                effects: BTreeMap::new(),
                grants: BTreeMap::from([(grant.hash(), grant)]),
                version: LedgerVersion::new(1),
            },
            server_epochs: 1,
            policies: vec![Signed::sign(policy, &key, &()).unwrap()],
            catalogue: Signed::sign(catalogue, &key, &()).unwrap(),
            forgot: None,
            account: Account::open(&compiled, now),
            key,
        }
    }

    pub fn first_grant(&self) -> Signed<EpochGrant> {
        self.state.grants[&self.state.head.hash].clone()
    }

    /// Puts a backup back, as an operator's `restore` does.
    pub fn restore(&mut self, backup: State) {
        self.server_epochs += 1;
        self.state = backup;
        self.state.server_epoch = ServerEpoch::new(self.server_epochs);
    }

    pub fn new_policy(&mut self) {
        let newest = self.policies.last().unwrap().body();
        let mut policy = newest.clone();
        policy.version = newest.version.next();
        self.policies
            .push(Signed::sign(policy, &self.key, &()).unwrap());
    }

    pub fn new_catalogue(&mut self) {
        let mut catalogue = self.catalogue.body().clone();
        catalogue.version = catalogue.version.next();
        self.catalogue = Signed::sign(catalogue, &self.key, &()).unwrap();
    }

    /// Something happens to the member that no entry of this car says.
    pub fn touch_member(&mut self) {
        self.state.version = self.state.version.next();
    }

    pub fn answer(&mut self, request: &HttpRequest, now: ServerTime) -> Response {
        let (path, query) = request.path.split_once('?').unwrap_or((&request.path, ""));
        let query: BTreeMap<&str, u64> = query
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .map(|(name, value)| (name, value.parse().unwrap()))
            .collect();
        let device = format!("/v1/devices/{DEVICE}");
        let since = query.get("since").copied();
        if path == format!("{device}/proof") {
            let proof: EnrolmentProof = decode(&request.body).unwrap();
            assert!(proof.grant.verify(&self.key.public(), &DEVICE).is_ok());
            self.forgot = None;
            return reply(204, Vec::new());
        }
        if let Some(code) = self.forgot {
            return refusal(code, None);
        }
        match (request.method, path.strip_prefix(&device).unwrap_or(path)) {
            (Method::Post, "/entries") => self.post_entries(&request.body, now),
            (Method::Get, "/entries") => self.get_entries(query["epoch"], query["from"]),
            (Method::Post, "/epochs") => self.post_epochs(&request.body, now),
            (Method::Get, "/v1/policy") => {
                let since = PolicyVersion::new(since.unwrap_or(0).try_into().unwrap());
                let next = self.policies.iter().find(|new| new.body().version > since);
                next.map_or_else(unchanged, |policy| ok(policy.raw().to_vec()))
            }
            (Method::Get, "/v1/catalogue") => {
                let since = CatalogueVersion::new(since.unwrap_or(0).try_into().unwrap());
                if self.catalogue.body().version > since {
                    ok(self.catalogue.raw().to_vec())
                } else {
                    unchanged()
                }
            }
            (Method::Get, path) if path == format!("/v1/members/{MEMBER}/statement") => {
                if since == Some(self.state.version.get()) {
                    unchanged()
                } else {
                    ok(self.statement(now).raw().to_vec())
                }
            }
            _ => refusal(RefusalCode::NotFound, None),
        }
    }

    fn post_entries(&mut self, body: &[u8], now: ServerTime) -> Response {
        let request: EntriesRequest = decode(body).unwrap();
        assert!(request.entries.len() <= MAX_ENTRIES);
        let verify = |raw: &Raw<Entry>| raw.clone().verify(&self.device_key, &DEVICE).unwrap();
        let entries: Vec<_> = request.entries.iter().map(verify).collect();
        let diverged = || {
            reply(
                409,
                encode(&Divergence {
                    known: self.state.head,
                }),
            )
        };
        if request.epoch != self.state.head.epoch || request.from > self.state.head.seq.next() {
            return diverged();
        }
        let mut prev = self.state.head.hash;
        for entry in &entries {
            match self.state.log.get(&(request.epoch, entry.body().seq)) {
                Some(logged) if logged.hash == entry.hash() => {}
                None if entry.body().prev == prev => prev = entry.hash(),
                Some(_) | None => return diverged(),
            }
        }
        let verdicts: Vec<_> = entries.iter().map(|entry| self.settle(entry)).collect();
        let receipt = Receipt {
            device: DEVICE,
            epoch: self.state.head.epoch,
            through: self.state.head.seq,
            head: self.state.head.hash,
            verdicts: verdicts_digest(&verdicts),
            server_time: now,
            server_epoch: self.state.server_epoch,
            policy: self.policies.last().unwrap().body().version,
        };
        let statements = if entries.is_empty() {
            Vec::new()
        } else {
            vec![self.statement(now).into()]
        };
        let receipt = Signed::sign(receipt, &self.key, &DEVICE).unwrap().into();
        ok(encode(&EntriesResponse {
            verdicts,
            receipt,
            statements,
        }))
    }

    fn settle(&mut self, entry: &Signed<Entry>) -> EntryVerdict {
        let place = (entry.body().epoch, entry.body().seq);
        let (verdict, duplicate) = match self.state.log.get(&place) {
            Some(logged) => (logged.verdict.clone(), true),
            None => (self.record(entry), false),
        };
        EntryVerdict {
            seq: place.1,
            verdict,
            duplicate,
        }
    }

    fn record(&mut self, entry: &Signed<Entry>) -> Verdict {
        let original = match entry.body().body {
            EntryBody::Fresh(_) => entry.hash(),
            EntryBody::Carry { original, .. } => original,
        };
        let verdict = if self.state.effects.contains_key(&original) {
            Verdict::Rejected {
                reason: Rejection::AlreadyRecorded,
            }
        } else {
            *self.state.effects.entry(original).or_default() += 1;
            self.state.version = self.state.version.next();
            Verdict::Accepted {
                paid: Paid {
                    points: Points::new(1),
                    growth: Growth::ZERO,
                },
            }
        };
        let logged = Logged {
            raw: entry.raw().to_vec(),
            hash: entry.hash(),
            verdict: verdict.clone(),
        };
        let place = (entry.body().epoch, entry.body().seq);
        self.state.log.insert(place, logged);
        self.state.head = ChainPoint {
            epoch: place.0,
            seq: place.1,
            hash: entry.hash(),
        };
        verdict
    }

    fn get_entries(&self, epoch: u64, from: u64) -> Response {
        let epoch = Epoch::new(epoch.try_into().unwrap());
        let rows = self.state.log.range((epoch, Seq::new(from))..);
        let mut entries: Vec<_> = rows
            .take_while(|((of, _), _)| *of == epoch)
            .take(MAX_ENTRIES + 1)
            .map(|(_, logged)| Raw::from(logged.raw.clone()))
            .collect();
        let more = entries.len() > MAX_ENTRIES;
        entries.truncate(MAX_ENTRIES);
        ok(encode(&EntriesPage { entries, more }))
    }

    fn post_epochs(&mut self, body: &[u8], now: ServerTime) -> Response {
        let request: EpochRequest = decode(body).unwrap();
        let head = self.state.head;
        let unused = self
            .state
            .grants
            .get(&head.hash)
            .filter(|grant| head.seq == Seq::new(0) && grant.body().epoch > request.head.epoch);
        let grant = unused.cloned().unwrap_or_else(|| {
            let epoch = head.epoch.max(request.head.epoch).next();
            grant(&self.key, epoch, Some(head), self.state.server_epoch, now)
        });
        self.state.head = first_point(&grant);
        self.state.grants.insert(grant.hash(), grant.clone());
        ok(encode(&EpochResponse {
            grant: grant.into(),
        }))
    }

    pub fn statement(&self, now: ServerTime) -> Signed<Statement> {
        let head = self.state.head;
        let mut account = self.account.clone();
        account.version = self.state.version;
        let cover = Cover {
            epoch: head.epoch,
            through: head.seq,
            head: head.hash,
            chain: Chain::start(now),
        };
        let statement = Statement {
            member: MEMBER,
            server_epoch: self.state.server_epoch,
            issued: now,
            profile: Profile {
                name: "Lin".to_owned(),
                joined: now,
                zone: "Asia/Shanghai".to_owned(),
            },
            account,
            covers: BTreeMap::from([(DEVICE, cover)]),
            since: self.state.version,
            settlements: Vec::new(),
        };
        Signed::sign(statement, &self.key, &MEMBER).unwrap()
    }
}

fn grant(
    key: &SigningKey,
    epoch: Epoch,
    follows: Option<ChainPoint>,
    server_epoch: ServerEpoch,
    now: ServerTime,
) -> Signed<EpochGrant> {
    let grant = EpochGrant {
        device: DEVICE,
        epoch,
        follows,
        issued: now,
        server_epoch,
        chain: Chain::start(now),
    };
    Signed::sign(grant, key, &DEVICE).unwrap()
}

pub fn first_point(grant: &Signed<EpochGrant>) -> ChainPoint {
    ChainPoint {
        epoch: grant.body().epoch,
        seq: Seq::new(0),
        hash: grant.hash(),
    }
}

pub const fn reply(status: u16, body: Vec<u8>) -> Response {
    Response {
        status,
        retry_after_s: None,
        body,
    }
}

pub const fn ok(body: Vec<u8>) -> Response {
    reply(200, body)
}

pub const fn unchanged() -> Response {
    reply(304, Vec::new())
}

pub fn refusal(code: RefusalCode, nonce: Option<[u8; 16]>) -> Response {
    reply(code.status(), encode(&Refusal { code, nonce }))
}
