//! `dashpoint run`: the head unit at work, with or without a window.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use anyhow::Context;
use dashpoint_membership::ServerTime;
use dashpoint_store::{Check, Options, Store};
use dashpoint_sync_http::{Setup, Signer, Timeouts, TlsTime, Transport, check_base_url};
use dashpoint_ui::enrolment::EnrolmentData;
use tokio::runtime::Builder;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::args::RunArgs;
use super::look::until_damaged;
use super::screenshot::first_scene;
use super::stuck::tell_when_stuck;
use super::welcome::{Welcome, welcome};
use crate::books::{Books, BooksError};
use crate::bus::Bus;
use crate::clock::{Clock, Machine, system_unix_ms};
use crate::config::{ClockSource, CloudConfig, Config};
use crate::engine::{Ask, Engine, EngineError, Inputs, LedgerLook, Live, Outputs, Parts};
use crate::error::UsageError;
use crate::keys::KeyStore;
use crate::net;
use crate::random::{self, Chance};
use crate::socket::{Served, Socket};
use crate::window::{self, Backstage};

/// Inputs that wait for the engine. When it is slower than the bus, the broker keeps QoS 1 and drops QoS 0, and the
/// evidence states what was missed.
const BUS_INPUTS_MAX: usize = 1_024;
/// Answers that wait for the engine.
const ANSWERS_MAX: usize = 4;
/// Questions of people that wait for the engine; more wait at the socket.
const ASKS_MAX: usize = 4;
/// Time that the disk is left to the first frame; a screen that does not come up must not keep the car from earning.
const FIRST_FRAME_PATIENCE: Duration = Duration::from_secs(2);

/// Runs the head unit until SIGTERM or SIGINT, or until its window is closed.
pub(super) fn run(args: &RunArgs) -> anyhow::Result<ExitCode> {
    let config = Config::load(&args.place.config)?;
    if config.clock == ClockSource::Bus && !args.test {
        return Err(UsageError::BusClock.into());
    }
    if args.no_screen {
        work(config, None)?;
    } else {
        let language = args.language.map(Into::into);
        window::run(language, move |backstage| work(config, Some(backstage)))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The whole head unit but its window, on a runtime of its own.
fn work(config: Config, backstage: Option<Backstage>) -> anyhow::Result<()> {
    // Requests to the cloud and questions of people, one at a time: a second thread would only be woken in vain.
    let runtime = Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .context("the runtime cannot start")?;
    runtime.block_on(async {
        let end = End::new(backstage.as_ref())?;
        serve(config, backstage, end).await
    })
}

/// Signals that end the program from outside.
pub(super) struct End {
    terminate: Signal,
    interrupt: Signal,
    closed: Option<watch::Receiver<bool>>,
}

impl End {
    fn new(backstage: Option<&Backstage>) -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            closed: backstage.map(|backstage| backstage.closed.clone()),
        })
    }

    /// Returns when the program is to end.
    pub(super) async fn told(&mut self) {
        let closed = async {
            match &mut self.closed {
                // A window that is gone without a word has been closed, too.
                Some(closed) => drop(closed.wait_for(|closed| *closed).await),
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
            () = closed => {}
        }
    }
}

/// Opens the data folder as its one owner.
pub(super) fn open_store(folder: &Path, keys: &KeyStore, check: Check) -> anyhow::Result<Store> {
    let seal = match keys.seal_key_or_new() {
        Ok(key) => Some(key),
        Err(error) => {
            tracing::error!(%error, "without its key no statement can be read or kept; entries are");
            None
        }
    };
    let options = Options {
        vfs: None,
        seal,
        nonces: Box::new(random::bytes),
        check,
    };
    let store = Store::open(folder, options)?;
    let tightened = store.tightened();
    if tightened.closed > 0 {
        tracing::info!(
            files = tightened.closed,
            "others could open the data folder; now only its owner can"
        );
    }
    if tightened.refused > 0 {
        tracing::warn!(
            files = tightened.refused,
            "others can open files of the data folder, and this program may not change that"
        );
    }
    Ok(store)
}

/// The way to the cloud; its certificates are judged by the newest time that the cloud has signed.
pub(super) fn transport(cloud: &CloudConfig, floor: ServerTime) -> anyhow::Result<Transport> {
    let authority_pem = match &cloud.ca_file {
        Some(file) => Some(
            std::fs::read(file)
                .with_context(|| format!("{}: cloud.ca_file cannot be read", file.display()))?,
        ),
        None => None,
    };
    let system = Arc::new(|| Some(system_unix_ms().div_euclid(1_000)));
    Ok(Transport::new(Setup {
        base: check_base_url(&cloud.url)?,
        authority_pem,
        time: TlsTime::new(floor, system),
        timeouts: Timeouts::default(),
    })?)
}

async fn serve(
    config: Config,
    mut backstage: Option<Backstage>,
    mut end: End,
) -> anyhow::Result<()> {
    if let Some(backstage) = &mut backstage {
        let scene = first_scene(&config);
        backstage.scenes.send_replace(Some(Arc::new(scene)));
        let drawn = backstage.drawn.wait_for(|drawn| *drawn);
        tokio::select! {
            drawn = timeout(FIRST_FRAME_PATIENCE, drawn) => if drawn.is_err() {
                tracing::warn!("the screen is slow to come up; the head unit goes on without it");
            },
            // There is no window, or it was closed at once: nothing was touched.
            () = end.told() => return Ok(()),
        }
    }
    let keys = KeyStore::open(&config.data)?;
    let mut front = backstage.map(|backstage| Front {
        backstage,
        welcomed: None,
    });
    let mut check = Check::Ends;
    loop {
        let mut store = open_store(&config.data, &keys, check)?;
        for incident in store.incidents() {
            tracing::error!(?incident, "a file was set aside");
        }
        if let Some(front) = &mut front
            && !Books::is_enrolled(store.read())?
        {
            let screen = &mut front.backstage;
            match welcome(&config, &keys, &mut store, screen, &mut end).await? {
                Welcome::Enrolled(enrolment) => front.welcomed = Some(enrolment),
                Welcome::Ended => return Ok(()),
            }
        }
        match live(&config, &keys, store, check, front.as_mut(), &mut end).await? {
            Ended::Told => return Ok(()),
            // Opened again with a look at all of it, it is set aside, and what can be read goes into a new one.
            Ended::LedgerDamaged => check = Check::Full,
        }
    }
}

/// The window, and who was enrolled on it since it opened.
struct Front {
    backstage: Backstage,
    welcomed: Option<EnrolmentData>,
}

/// The reason that the head unit has ended.
enum Ended {
    /// It was told to.
    Told,
    /// Damage was found after opening: at the start of the engine, or by the check of the whole ledger.
    LedgerDamaged,
}

/// Runs the engine and the edges beside it.
async fn live(
    config: &Config,
    keys: &KeyStore,
    store: Store,
    check: Check,
    front: Option<&mut Front>,
    end: &mut End,
) -> anyhow::Result<Ended> {
    let socket = Socket::open(store.folder())
        .context("the socket for `dashpoint status` cannot be opened")?;
    let (requests, to_send) = mpsc::channel(net::REQUESTS_MAX);
    let (answers, answered) = mpsc::channel(ANSWERS_MAX);
    let (seen, seen_receiver) = watch::channel(None);
    let (live, live_receiver) = watch::channel(Live::default());
    let (asks, asked) = mpsc::channel(ASKS_MAX);
    let (stop, stopped) = watch::channel(false);
    let (samples, bus_inputs) = mpsc::channel(BUS_INPUTS_MAX);
    let outputs = Outputs {
        requests,
        seen,
        live,
    };
    let inputs = Inputs {
        bus: bus_inputs,
        answers: answered,
        asks: asked,
        stop: stopped,
    };
    let (mut engine, edge) = match start(config, keys, store, outputs) {
        Err(error) if check != Check::Full && is_damage(&error) => {
            tracing::error!(error = &*error, "the ledger is damaged");
            return Ok(Ended::LedgerDamaged);
        }
        started => started?,
    };
    let known = match check {
        Check::Full => LedgerLook::Whole,
        Check::Ends | Check::Pages => LedgerLook::NotYet,
    };
    let (looks, ledger) = watch::channel(known);
    let mut tasks = JoinSet::new();
    if let Some(front) = &front {
        let stuck = front.backstage.stuck.clone();
        let (samples, live) = (samples.downgrade(), live_receiver.clone());
        tasks.spawn(tell_when_stuck(samples, live, stuck));
    }
    let served = Served {
        live: live_receiver,
        asks: asks.clone(),
        ledger,
        gauge: front.as_ref().map(|front| front.backstage.gauge.clone()),
    };
    let touches = front.map(|front| {
        engine.shows_on(front.backstage.scenes.clone(), front.welcomed.clone());
        &mut front.backstage.asks
    });
    let mut engine_ended = run_beside(engine, inputs)?;
    let bus = Bus::start(config.bus.clone(), samples, seen_receiver);
    tasks.spawn(socket.serve(served));
    tasks.spawn(net::run(edge.transport, edge.signer, to_send, answers));
    tracing::info!("head unit runs");

    let mut early = None;
    let why = tokio::select! {
        () = end.told() => Ended::Told,
        () = pass_on(touches, asks) => Ended::Told,
        () = until_damaged(&config.data, &looks), if known == LedgerLook::NotYet => Ended::LedgerDamaged,
        ended = &mut engine_ended => {
            early = Some(ended);
            Ended::Told
        }
    };
    bus.stop().await;
    stop.send_replace(true);
    let ended = match early {
        Some(ended) => ended,
        None => engine_ended.await,
    };
    tasks.shutdown().await;
    let ended = ended.context("the engine's thread ended before it was told to")?;
    match (ended, &why) {
        (Ok(()), _) => tracing::info!("head unit ended"),
        (Err(error), Ended::LedgerDamaged) => {
            tracing::warn!(%error, "what is damaged does not end in order");
        }
        (Err(error), Ended::Told) => return Err(error.into()),
    }
    Ok(why)
}

/// Runs the engine on a thread of its own; how it ended comes back when its files are closed.
fn run_beside(
    engine: Engine,
    inputs: Inputs,
) -> anyhow::Result<oneshot::Receiver<Result<(), EngineError>>> {
    let handle = tokio::runtime::Handle::current();
    let (ended, engine_ended) = oneshot::channel();
    thread::Builder::new()
        .name("engine".to_owned())
        .spawn(move || {
            let end = handle.block_on(engine.run(inputs));
            if ended.send(end).is_err() {
                tracing::debug!("nobody waits for the engine");
            }
        })
        .context("the engine's thread cannot start")?;
    Ok(engine_ended)
}

/// The parts of the network thread.
struct Edge {
    transport: Transport,
    signer: Option<Signer>,
}

/// Starts the engine on what the store holds.
fn start(
    config: &Config,
    keys: &KeyStore,
    store: Store,
    outputs: Outputs,
) -> anyhow::Result<(Engine, Edge)> {
    let floor = store
        .read()
        .last_receipt()?
        .map_or(ServerTime::from_unix_s(0), |receipt| receipt.server_time);
    let clock = Clock::new(config.clock, Machine::system(), floor);
    let books = Books::open(store.read(), config.cloud.key, clock.now())?;
    let books = books.with_salt(config.cloud.salt);
    let key = match keys.certified_key(&books.identity.device_key) {
        Ok(key) => Some(key),
        Err(error) => {
            tracing::error!(%error, "nothing can be signed; evidence is kept until it can");
            None
        }
    };
    let edge = Edge {
        transport: transport(&config.cloud, books.receipt_at)?,
        signer: key.clone().map(|key| Signer {
            device: books.identity.device,
            key,
        }),
    };
    let mut engine = Engine::start(Parts {
        store,
        books,
        clock,
        zone: config.zone.clone(),
        signer: key,
        chance: Chance::system(),
        send_within: config.cloud.send_within,
        outputs,
    })?;
    if let Some(vin) = &config.vin {
        engine.sits_in_car(vin);
    }
    Ok((engine, edge))
}

/// Returns whether the engine did not start because of damage that a salvage may mend.
fn is_damage(error: &anyhow::Error) -> bool {
    error
        .downcast_ref::<BooksError>()
        .is_some_and(BooksError::is_damage)
        || error
            .downcast_ref::<EngineError>()
            .is_some_and(EngineError::is_damage)
}

/// Brings touches to the engine, which hears people on one channel; for ever.
async fn pass_on(touches: Option<&mut mpsc::Receiver<Ask>>, asks: mpsc::Sender<Ask>) {
    if let Some(touches) = touches {
        while let Some(ask) = touches.recv().await {
            if asks.send(ask).await.is_err() {
                break;
            }
        }
    }
    // A window that is gone ends the program by another way, and so does an engine that has ended.
    std::future::pending::<()>().await;
}
