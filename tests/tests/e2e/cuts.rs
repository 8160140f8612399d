//! The answer to a POST, cut between any two of its bytes, against the head unit's own engine and transport.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use dashpoint::books::Books;
use dashpoint::clock::{Clock, ClockSource, Machine, Reading};
use dashpoint::engine::{Engine, Live, Outgoing, Outputs, Parts};
use dashpoint::random::Chance;
use dashpoint_membership::ServerTime;
use dashpoint_store::{CheckDepth, SealKey, Store, StoreOptions};
use dashpoint_sync::{Event, Method};
use dashpoint_sync_http::{Signer, Timeouts, TlsTime, Transport, TransportSetup, check_base_url};
use dashpoint_wire::SigningKey;
use jiff::tz::TimeZone;
use tokio::runtime::{self, Runtime};
use tokio::sync::{mpsc, watch};

use crate::support::{Gate, Manner, World, free_port, wall};

/// No answer of the reconciler's pauses is longer.
const LONG_MS: u64 = 3_600_000;
/// After so many cut answers the head unit is started anew.
const LIFE: usize = 100;

/// A head unit in this process, whose time is the test's.
struct HeadUnit {
    engine: Engine,
    requests: mpsc::Receiver<Outgoing>,
    monotonic_ms: Arc<AtomicU64>,
    transport: Transport,
    signer: Signer,
    runtime: Runtime,
}

impl HeadUnit {
    fn start(world: &World) -> Self {
        let data = world.car.data();
        let key = SigningKey::from_pkcs8(&fs::read(data.join("device.key")).unwrap()).unwrap();
        let seal = fs::read(data.join("seal.key")).unwrap();
        let options = StoreOptions {
            vfs: None,
            seal: Some(SealKey::from_bytes(seal.try_into().unwrap())),
            nonces: Box::new(dashpoint::random::bytes),
            check: CheckDepth::Ends,
        };
        let store = Store::open(data, options).unwrap();
        let monotonic_ms = Arc::new(AtomicU64::new(0));
        let ticks = Arc::clone(&monotonic_ms);
        let machine = Machine::from_fn(move || Reading {
            monotonic_ms: ticks.load(Ordering::Relaxed),
            unix_ms: wall().as_millisecond(),
        });
        let clock = Clock::new(ClockSource::System, machine, ServerTime::from_unix_s(0));
        let books = Books::open(store.read(), world.cloud.key(), clock.now()).unwrap();
        let signer = Signer {
            device: books.identity.device,
            key: key.clone(),
        };
        let (requests, sent) = mpsc::channel(2);
        let engine = Engine::start(Parts {
            store,
            books,
            clock,
            zone: TimeZone::UTC,
            signer: Some(key),
            chance: Chance::system(),
            send_within: Duration::ZERO,
            outputs: Outputs {
                requests,
                seen: watch::channel(None).0,
                live: watch::channel(Live::default()).0,
            },
        });
        let setup = TransportSetup {
            base: check_base_url(&format!("http://127.0.0.1:{}", world.port)).unwrap(),
            authority_pem: None,
            time: TlsTime::new(ServerTime::from_unix_s(0), Arc::new(|| None)),
            timeouts: Timeouts::default(),
        };
        Self {
            engine: engine.unwrap(),
            requests: sent,
            monotonic_ms,
            transport: Transport::new(setup).unwrap(),
            signer,
            runtime: runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap(),
        }
    }

    /// What it wants to send next, once all its pauses are over; `None` when it has nothing to say.
    fn wants(&mut self) -> Option<Outgoing> {
        if let Ok(outgoing) = self.requests.try_recv() {
            return Some(outgoing);
        }
        self.monotonic_ms.fetch_add(LONG_MS, Ordering::Relaxed);
        self.engine.wake();
        self.requests.try_recv().ok()
    }

    /// Sends it and tells the engine what came back; says whether anything did.
    fn send(&mut self, outgoing: &Outgoing) -> bool {
        let sent = self.runtime.block_on(self.transport.send(
            &outgoing.request,
            Some(&self.signer),
            outgoing.unix_s,
        ));
        let is_answered = sent.is_ok();
        self.engine.tell(Event::Answered {
            ticket: outgoing.ticket,
            answer: sent.map_err(|error| error.failure()),
        });
        is_answered
    }

    /// Everything that an answer could have changed.
    fn holds(&self) -> Holds {
        let (reader, books) = (self.engine.reader(), self.engine.books());
        let statements = reader.statements().unwrap().readable;
        let now = ServerTime::from_unix_s(wall().as_second());
        Holds {
            receipt: reader.last_receipt().unwrap().map(|r| r.raw.into_bytes()),
            statements: statements
                .into_iter()
                .map(|stored| stored.raw.into_bytes())
                .collect(),
            verdicts: reader
                .activity(None, 100)
                .unwrap()
                .iter()
                .filter(|activity| activity.verdict.is_some())
                .count(),
            shown: books
                .views(now)
                .map(|(_, view)| (view.balance.get(), view.pending.get()))
                .collect(),
            waiting: self.engine.live().waiting,
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
struct Holds {
    receipt: Option<Vec<u8>>,
    statements: Vec<Vec<u8>>,
    verdicts: usize,
    shown: Vec<(i64, i64)>,
    waiting: u64,
}

/// The cloud has committed the entries once; whatever part of its answer arrives, the car believes none of it, asks again,
/// and in the end both agree.
#[test]
fn an_answer_cut_between_any_two_bytes_is_no_answer() {
    let mut world = World::after_a_day_offline();
    let cloud = free_port();
    world.cloud.serve_on(cloud);
    let gate = Gate::open(world.port, Manner::LoseAnswers { cloud });
    let answer = first_answer(&world, &gate);
    assert!(answer.len() > 500, "{}", answer.len());
    let there = world.cloud.entries();

    let mut car = HeadUnit::start(&world);
    let before = car.holds();
    for at in 0..answer.len() {
        gate.set(Manner::Say(answer[..at].to_vec()));
        let outgoing = car.wants().expect("the entries are not confirmed");
        let is_entries =
            outgoing.request.method == Method::Post && outgoing.request.path.ends_with("/entries");
        assert!(is_entries, "{}", outgoing.request.path);
        assert!(!car.send(&outgoing), "{at} bytes were taken for an answer");
        assert_eq!(car.holds(), before, "after {at} bytes");
        if at % LIFE == LIFE - 1 {
            // Not ended in order: what it has in memory is lost.
            drop(car);
            car = HeadUnit::start(&world);
            assert_eq!(car.holds(), before, "after {at} bytes and a start");
        }
    }

    gate.set(Manner::carry(cloud));
    while car.engine.live().waiting > 0 {
        let outgoing = car.wants().expect("the entries are not confirmed");
        assert!(car.send(&outgoing));
    }
    assert_eq!(car.holds().verdicts, there.len());
    car.engine.end().unwrap();
    assert_eq!(world.cloud.entries(), there, "nothing came twice");
    world.assert_agreed();
}

/// The answer as the cloud gave it; the car that asked hears nothing of it, and ends.
fn first_answer(world: &World, gate: &Gate) -> Vec<u8> {
    let mut car = HeadUnit::start(world);
    let outgoing = car.wants().expect("entries wait");
    thread::scope(|scope| {
        let asking = scope.spawn(move || car.send(&outgoing));
        let answer = gate.wait_for_an_answer_kept();
        gate.set(Manner::Say(Vec::new()));
        assert!(!asking.join().unwrap());
        answer
    })
}
