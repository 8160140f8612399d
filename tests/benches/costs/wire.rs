//! Bytes on the wire for an entry in a batch of 100: the real transport and the real cloud, counted between them.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use dashpoint::engine::Engine;
use dashpoint_cloud::{ClockKind, Cloud, Limits, Running, ServerConfig};
use dashpoint_membership::ServerTime;
use dashpoint_store::NewEntry;
use dashpoint_sync::{Event, Method};
use dashpoint_sync_http::{Signer, Timeouts, TlsTime, Transport, TransportSetup, check_base_url};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::chain::Life;
use super::enrolled::{BEGIN_S, BenchClock, Enrolled, device_key, open_store};
use super::table::Row;

const BATCH: usize = 100;
/// A hundred days and more: the last batch meets a member with a history.
const BATCHES: usize = 12;
const AIM: f64 = 260.0;

/// Headers and bodies both ways of the request that carries the batch.
pub fn measure(disk: &Path) -> Vec<Row> {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let folder = tempfile::tempdir_in(disk).unwrap();
        let mut road = Road::open(folder.path()).await;
        let mut batches = Vec::new();
        for _ in 0..BATCHES {
            batches.push(road.batch(folder.path()).await);
        }
        road.cloud.shutdown().await;
        let row = |what: &str, bytes: &Carried, aim, most| Row {
            what: what.to_owned(),
            measured: bytes.total() / BATCH as f64,
            beside: bytes.raw as f64 / BATCH as f64,
            unit: "bytes",
            ratio: bytes.total() / bytes.raw as f64,
            aim,
            met: bytes.total() / BATCH as f64 <= most,
        };
        let told = |what: &str, part: u64, bytes: &Carried| Row {
            what: what.to_owned(),
            measured: part as f64 / BATCH as f64,
            beside: bytes.raw as f64 / BATCH as f64,
            unit: "bytes",
            ratio: part as f64 / bytes.raw as f64,
            aim: "told, no aim",
            met: true,
        };
        let (first, last) = (&batches[0], &batches[BATCHES - 1]);
        vec![
            row(
                "an entry on the wire, the first batch of 100, beside signed",
                first,
                "<= 260 bytes",
                AIM,
            ),
            row(
                "an entry on the wire, the twelfth, beside signed",
                last,
                "<= 260 bytes",
                AIM,
            ),
            told("of the twelfth, the way there", last.up, last),
            told("of the twelfth, the way back", last.down, last),
        ]
    })
}

/// What one batch took.
struct Carried {
    up: u64,
    down: u64,
    /// Bytes of the entries as they were signed.
    raw: usize,
}

impl Carried {
    fn total(&self) -> f64 {
        (self.up + self.down) as f64
    }
}

/// Car, cloud, and the counted way between them.
struct Road {
    cloud: Running,
    counted: Arc<Counted>,
    transport: Transport,
    enrolled: Enrolled,
    life: Life,
}

#[derive(Default)]
struct Counted {
    up: AtomicU64,
    down: AtomicU64,
}

impl Road {
    async fn open(folder: &Path) -> Self {
        let cloud = Cloud::start(ServerConfig {
            data: folder.join("cloud"),
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            url: None,
            clock: ClockKind::Posted,
            posted_from: Some(ServerTime::from_unix_s(BEGIN_S)),
            test: true,
            limits: Limits::DEFAULT,
            trusted_proxies: Vec::new(),
            accept_clock: None,
        })
        .await
        .unwrap();
        let enrolled = cloud.with_core(Enrolled::at).await.unwrap();
        let mut store = open_store(&folder.join("car"), None);
        enrolled.keep(&mut store);
        store.close().unwrap();
        let counted = Arc::new(Counted::default());
        let addr = count_between(cloud.addr(), Arc::clone(&counted)).await;
        let floor = ServerTime::from_unix_s(BEGIN_S);
        let transport = Transport::new(TransportSetup {
            base: check_base_url(&format!("http://{addr}")).unwrap(),
            authority_pem: None,
            time: TlsTime::new(floor, Arc::new(|| None)),
            timeouts: Timeouts {
                connect: Duration::from_secs(30),
                total: Duration::from_secs(60),
            },
        });
        let life = Life::begin(&enrolled);
        Self {
            cloud,
            counted,
            transport: transport.unwrap(),
            enrolled,
            life,
        }
    }

    /// Ten days without a network, then everything is sent.
    async fn batch(&mut self, folder: &Path) -> Carried {
        let mut store = open_store(&folder.join("car"), None);
        if let Some(receipt) = store.read().last_receipt().unwrap() {
            self.life.receipt_at = receipt.server_time;
        }
        let mut raw = 0;
        for _ in 0..BATCH {
            let entry = self.life.next();
            raw += entry.raw().len();
            let private = Some(vec![0x77; 400]);
            store
                .commit_entry(&NewEntry::new(&entry, private, 0))
                .unwrap();
        }
        let clock = BenchClock::at(self.life.now().as_unix_s());
        let (mut engine, mut sent) = self.enrolled.start(store, &clock);
        let signer = Signer {
            device: self.enrolled.device,
            key: device_key(),
        };
        let mut carried = None;
        for _ in 0..40 {
            engine.tell(Event::SyncRequested);
            while let Ok(outgoing) = sent.try_recv() {
                let is_entries = outgoing.request.path.ends_with("/entries")
                    && outgoing.request.method == Method::Post;
                let before = self.seen();
                let answer = self
                    .transport
                    .send(&outgoing.request, Some(&signer), outgoing.unix_s)
                    .await
                    .unwrap();
                if is_entries && answer.status == 200 && outgoing.request.body.len() > raw {
                    let now = self.seen();
                    carried = Some(Carried {
                        up: now.0 - before.0,
                        down: now.1 - before.1,
                        raw,
                    });
                }
                engine.tell(Event::Answered {
                    ticket: outgoing.ticket,
                    answer: Ok(answer),
                });
            }
            if engine.live().waiting == 0 && carried.is_some() {
                break;
            }
            clock.pass_ms(1_000);
        }
        assert_eq!(waiting(&engine), 0, "{:?}", engine.live());
        engine.end().unwrap();
        carried.expect("one request has carried the batch")
    }

    fn seen(&self) -> (u64, u64) {
        let up = self.counted.up.load(Ordering::SeqCst);
        (up, self.counted.down.load(Ordering::SeqCst))
    }
}

fn waiting(engine: &Engine) -> u64 {
    engine.live().waiting
}

/// Listens and passes everything on, counting what goes which way before it is passed on.
async fn count_between(cloud: SocketAddr, counted: Arc<Counted>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((car, _)) = listener.accept().await {
            let counted = Arc::clone(&counted);
            let cloud = TcpStream::connect(cloud).await.unwrap();
            tokio::spawn(async move {
                let (from_car, to_car) = car.into_split();
                let (from_cloud, to_cloud) = cloud.into_split();
                tokio::join!(
                    pass_on(from_car, to_cloud, &counted.up),
                    pass_on(from_cloud, to_car, &counted.down),
                );
            });
        }
    });
    addr
}

async fn pass_on(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    count: &AtomicU64,
) {
    let mut bytes = vec![0; 64 * 1024];
    while let Ok(got) = from.read(&mut bytes).await {
        if got == 0 {
            break;
        }
        count.fetch_add(got as u64, Ordering::SeqCst);
        if to.write_all(&bytes[..got]).await.is_err() {
            break;
        }
    }
}
