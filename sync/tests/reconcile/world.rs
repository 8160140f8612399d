//! Car, cloud and the network between them, in simulated time.

use std::time::Duration;

use dashpoint_membership::{Seq, ServerTime};
use dashpoint_sync::{
    AnswerSubject, Awaited, ConnectionState, Credential, DeviceIdentity, Effect, Event,
    HttpRequest, Method, Now, Reconciler, Response, SyncStatus, Ticket, TransportFailure,
};
use dashpoint_wire::message::EntriesRequest;
use dashpoint_wire::{Raw, encode};

use super::car::{Disk, device_key};
use super::cloud::{Cloud, DEVICE, reply};

const BORN_UNIX_S: i64 = 1_795_000_000;
pub const SECOND: u64 = 1_000;
pub const MINUTE: u64 = 60 * SECOND;
pub const HOUR: u64 = 60 * MINUTE;
pub const DAY: u64 = 24 * HOUR;

/// How the network treats one request.
#[derive(Debug, Clone)]
pub enum Weather {
    /// It arrives, and so does the answer.
    Fine,
    /// No connection.
    Dead,
    /// It arrives, and the answer does not.
    AnswerLost,
    /// Nobody answers within the bound of the driver.
    Silent,
    /// It does not arrive: somebody answers this.
    Answers(Response),
    /// It arrives, and the answer's body comes damaged.
    Damaged,
    /// It arrives twice, once much later, after what was sent since.
    Doubled,
}

pub struct World {
    pub cloud: Cloud,
    pub disk: Disk,
    pub machine: Reconciler,
    /// Bound of the wait from the next start on.
    pub send_within: Duration,
    /// RequestTarget for each request; the default is fine.
    pub weather: Box<dyn FnMut(&HttpRequest) -> Weather>,
    /// The store fails that many more times...
    pub store_failures: u32,
    /// ...once it did its part that many times.
    pub store_fine: u32,
    /// Entries committed behind the machine's back just before the next epoch begins.
    pub late_entries: u32,
    pub now_ms: u64,
    pub sends: Vec<(u64, HttpRequest)>,
    pub statuses: Vec<SyncStatus>,
    pub reports: Vec<(AnswerSubject, String)>,
    answers: Vec<(u64, Event)>,
    late: Vec<HttpRequest>,
    pub chance: u64,
    salt: i64,
}

impl World {
    /// An enrolled car that starts for the first time.
    pub fn new() -> Self {
        let mut world = Self::asleep();
        world.start();
        world
    }

    /// An enrolled car before its first start.
    pub fn asleep() -> Self {
        let cloud = Cloud::new(device_key().public());
        let disk = Disk::new(cloud.first_grant());
        let machine = machine(&cloud, Duration::ZERO);
        Self {
            send_within: Duration::ZERO,
            cloud,
            disk,
            machine,
            weather: Box::new(|_| Weather::Fine),
            store_failures: 0,
            store_fine: 0,
            late_entries: 0,
            now_ms: 0,
            sends: Vec::new(),
            statuses: Vec::new(),
            reports: Vec::new(),
            answers: Vec::new(),
            late: Vec::new(),
            chance: 1,
            salt: 0,
        }
    }

    pub fn start(&mut self) {
        self.feed(Event::Started(self.disk.facts()));
    }

    /// The program dies, and another one starts on what is durable.
    pub fn restart(&mut self) {
        self.answers.clear();
        self.machine = machine(&self.cloud, self.send_within);
        self.start();
    }

    pub fn commit(&mut self, count: u32) {
        for _ in 0..count {
            self.sign(Awaited::ByNobody);
        }
    }

    /// Signs one entry.
    pub fn sign(&mut self, awaited: Awaited) {
        let head = self.check_in();
        self.feed(Event::EntryCommitted { head, awaited });
    }

    /// Signs one entry whose commit the machine does not hear of: the program dies first.
    pub fn disk_signs_unheard(&mut self) {
        self.check_in();
    }

    fn check_in(&mut self) -> dashpoint_wire::ChainPoint {
        self.salt += 1;
        self.disk.made_unix_s = Some(self.unix_s());
        self.disk.check_in(self.salt)
    }

    pub fn every_request(&mut self, weather: Weather) {
        self.weather = Box::new(move |_| weather.clone());
    }

    /// Only the next request; fine after it.
    pub fn next_request(&mut self, weather: Weather) {
        let mut next = Some(weather);
        self.weather = Box::new(move |_| next.take().unwrap_or(Weather::Fine));
    }

    pub fn status(&self) -> SyncStatus {
        self.machine.status().unwrap()
    }

    pub fn is_online(&self) -> bool {
        matches!(self.status().connection, ConnectionState::Online { .. })
    }

    pub fn now(&mut self) -> Now {
        self.chance = self
            .chance
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        Now {
            monotonic_ms: self.now_ms,
            unix_s: self.unix_s(),
            random: self.chance >> 11,
        }
    }

    pub fn unix_s(&self) -> i64 {
        BORN_UNIX_S + i64::try_from(self.now_ms / 1_000).unwrap()
    }

    pub fn feed(&mut self, event: Event) {
        let now = self.now();
        let effects = self.machine.handle(event, now);
        let open = effects.iter().filter(|effect| is_open(effect)).count();
        assert!(open <= 1, "{open} effects wait for an answer");
        if let Some(at) = self.machine.poll_timeout() {
            assert!(at > self.now_ms, "the machine wants a tick at once again");
        }
        for effect in effects {
            self.carry_out(effect);
        }
    }

    /// Lets time pass: answers arrive, timers fire.
    pub fn run(&mut self, for_ms: u64) {
        let end = self.now_ms + for_ms;
        loop {
            let answer = self.answers.iter().map(|(at, _)| *at).min();
            let tick = self.machine.poll_timeout().map(|at| at.max(self.now_ms));
            let Some(next) = answer.into_iter().chain(tick).min().filter(|at| *at <= end) else {
                break;
            };
            self.now_ms = next;
            if answer == Some(next) {
                let place = self.answers.iter().position(|(at, _)| *at == next).unwrap();
                let (_, event) = self.answers.remove(place);
                // Delivered twice each time: the second one must change nothing.
                self.feed(event.clone());
                self.feed(event);
            } else {
                self.feed(Event::Tick);
            }
        }
        self.now_ms = end;
    }

    fn carry_out(&mut self, effect: Effect) {
        match effect {
            Effect::StateChanged(status) => self.statuses.push(status),
            Effect::Report(report) => self.reports.push((report.what, report.why.to_string())),
            Effect::Send { ticket, request } => self.send(ticket, &request),
            Effect::ReadEntries {
                ticket,
                epoch,
                after,
                limit,
            } => {
                let entries = self.disk.read(epoch, after, limit);
                self.at_store(ticket, Event::EntriesRead { ticket, entries });
            }
            Effect::ReadStrays {
                ticket,
                epoch,
                after,
            } => {
                let entries = self.disk.read_strays(epoch, after);
                self.at_store(ticket, Event::EntriesRead { ticket, entries });
            }
            Effect::ReadEnrolment { ticket } => {
                let proof = Box::new(self.disk.enrolment());
                self.at_store(ticket, Event::EnrolmentRead { ticket, proof });
            }
            Effect::Apply { ticket, outcome } => self.store(ticket, |disk| disk.apply(&outcome)),
            Effect::StoreStatement { ticket, statement } => self.store(ticket, |disk| {
                disk.take_statement(statement.body());
            }),
            Effect::StorePolicy { ticket, policy } => self.store(ticket, |disk| {
                assert!(disk.policy < Some(policy.body().version));
                disk.policy = Some(policy.body().version);
            }),
            Effect::StoreCatalogue { ticket, catalogue } => self.store(ticket, |disk| {
                assert!(disk.catalogue < Some(catalogue.body().version));
                disk.catalogue = Some(catalogue.body().version);
            }),
            Effect::StoreFetched { ticket, entries } => {
                if !self.is_store_failing() {
                    self.disk.take_back(&entries);
                }
                let stored = Event::FetchedStored {
                    ticket,
                    head: self.disk.head,
                    forked: self.disk.is_forked(),
                };
                self.at_store(ticket, stored);
            }
            Effect::BeginEpoch { ticket, beginning } => {
                for _ in 0..std::mem::take(&mut self.late_entries) {
                    let head = self.check_in();
                    let awaited = Awaited::ByNobody;
                    self.answers
                        .push((self.now_ms, Event::EntryCommitted { head, awaited }));
                }
                let event = if !self.is_store_failing() && self.disk.begin_epoch(&beginning) {
                    let head = self.disk.head;
                    Event::EpochBegun { ticket, head }
                } else {
                    Event::StoreFailed { ticket }
                };
                self.at_store(ticket, event);
            }
        }
    }

    fn store(&mut self, ticket: Ticket, work: impl FnOnce(&mut Disk)) {
        if !self.is_store_failing() {
            work(&mut self.disk);
        }
        self.at_store(ticket, Event::Stored { ticket });
    }

    const fn is_store_failing(&self) -> bool {
        self.store_failures > 0 && self.store_fine == 0
    }

    fn at_store(&mut self, ticket: Ticket, event: Event) {
        let event = if self.is_store_failing() {
            self.store_failures -= 1;
            Event::StoreFailed { ticket }
        } else {
            self.store_fine = self.store_fine.saturating_sub(1);
            event
        };
        self.answers.push((self.now_ms + 5, event));
    }

    fn send(&mut self, ticket: Ticket, request: &HttpRequest) {
        self.sends.push((self.now_ms, request.clone()));
        for late in std::mem::take(&mut self.late) {
            drop(self.arrive(&late));
        }
        let (after_ms, answer) = match (self.weather)(request) {
            Weather::Fine => (80, Ok(self.arrive(request))),
            Weather::Dead => (10, Err(TransportFailure::Unreachable)),
            Weather::Silent => (30 * SECOND, Err(TransportFailure::TimedOut)),
            Weather::Answers(response) => (80, Ok(response)),
            Weather::AnswerLost => {
                drop(self.arrive(request));
                (30 * SECOND, Err(TransportFailure::TimedOut))
            }
            Weather::Damaged => {
                let response = self.arrive(request);
                (80, Ok(damaged(&response, self.chance)))
            }
            Weather::Doubled => {
                self.late.push(request.clone());
                (80, Ok(self.arrive(request)))
            }
        };
        self.answers
            .push((self.now_ms + after_ms, Event::Answered { ticket, answer }));
    }

    fn arrive(&mut self, request: &HttpRequest) -> Response {
        let now = ServerTime::from_unix_s(self.unix_s());
        self.cloud.answer(request, now)
    }

    /// A clone of the disk, at work in another head unit, makes entries, and the cloud has them.
    pub fn disk_beside_posts(&mut self, count: u64) {
        let mut beside = self.disk.clone();
        let after = beside.head;
        for number in 0..count {
            beside.check_in(1_000 + i64::try_from(number).unwrap());
        }
        let entries = beside.read(after.epoch, after.seq, 100);
        let request = HttpRequest {
            method: Method::Post,
            path: format!("/v1/devices/{DEVICE}/entries"),
            body: encode(&EntriesRequest {
                epoch: after.epoch,
                from: after.seq.next(),
                last_receipt: None,
                entries: entries.into_iter().map(Raw::from).collect(),
            }),
            credential: Credential::Device { nonce: None },
        };
        assert_eq!(self.arrive(&request).status, 200);
    }

    /// What must hold when car and cloud had time to meet.
    pub fn assert_settled(&self) {
        let status = self.status();
        assert_eq!(status.waiting, 0, "{status:?}");
        assert!(self.is_online(), "{status:?} {:?}", self.reports.last());
        assert_eq!(self.disk.head, self.cloud.state.head);
        for said in self.disk.said() {
            let effects = self.cloud.state.effects.get(&said).copied();
            assert_eq!(effects, Some(1), "{said} took effect {effects:?} times");
        }
        for effect in self.cloud.state.effects.keys() {
            let is_here = self.disk.said().contains(effect);
            assert!(is_here, "{effect} is at the cloud and not in the car");
        }
        let epoch = self.disk.head.epoch;
        for ((of, seq), entry) in &self.disk.entries {
            let judged = self.disk.verdicts.contains_key(&entry.hash());
            assert!(*of < epoch || judged, "{of}/{seq} has no verdict");
        }
        let held = self.disk.statement.unwrap();
        assert_eq!(held.server_epoch, self.cloud.state.server_epoch);
        let newest = self.cloud.statement(ServerTime::from_unix_s(0));
        assert_eq!(held.version, newest.body().account.version);
        let newest = self.cloud.policies.last().unwrap().body().version;
        assert_eq!(self.disk.policy, Some(newest));
    }

    pub fn head_seq(&self) -> Seq {
        self.disk.head.seq
    }
}

fn machine(cloud: &Cloud, send_within: Duration) -> Reconciler {
    let who = DeviceIdentity {
        device: DEVICE,
        device_key: device_key().public(),
        cloud_key: cloud.key.public(),
    };
    Reconciler::new(who, send_within)
}

const fn is_open(effect: &Effect) -> bool {
    !matches!(effect, Effect::StateChanged(_) | Effect::Report(_))
}

fn damaged(response: &Response, chance: u64) -> Response {
    let mut body = response.body.clone();
    if body.is_empty() {
        return reply(200, b"<html>".to_vec());
    }
    let place = usize::try_from(chance >> 20).unwrap() % body.len();
    body[place] ^= 1 << (chance >> 12 & 7);
    reply(response.status, body)
}
