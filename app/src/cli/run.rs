//! `dashpoint run`: the head unit at work.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::thread;

use anyhow::Context;
use dashpoint_membership::ServerTime;
use dashpoint_store::{Check, Options, Store};
use dashpoint_sync::driver::{Setup, Signer, Timeouts, TlsTime, Transport, check_base_url};
use tokio::runtime::Runtime;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use super::args::RunArgs;
use crate::books::Books;
use crate::bus::Bus;
use crate::clock::{Clock, Machine, system_unix_ms};
use crate::config::{ClockSource, CloudConfig, Config};
use crate::engine::{Engine, Inputs, Live, Outputs, Parts};
use crate::error::UsageError;
use crate::keys::KeyStore;
use crate::net;
use crate::random::{self, Chance};
use crate::socket::Socket;

/// Inputs that wait for the engine. When it is slower than the bus, the broker keeps QoS 1 and drops QoS 0, and the
/// evidence states what was missed.
const BUS_INPUTS_MAX: usize = 1_024;
/// Answers that wait for the engine.
const ANSWERS_MAX: usize = 4;
/// Questions of people that wait for the engine; more wait at the socket.
const ASKS_MAX: usize = 4;

/// Runs the head unit until SIGTERM or SIGINT.
pub(super) fn run(args: &RunArgs) -> anyhow::Result<ExitCode> {
    let config = Config::load(&args.place.config)?;
    if !args.no_screen {
        return Err(UsageError::NoScreen.into());
    }
    if config.clock == ClockSource::Bus && !args.test {
        return Err(UsageError::BusClock.into());
    }
    let keys = KeyStore::open(&config.data)?;
    let store = open_store(&config.data, &keys)?;
    for incident in store.incidents() {
        tracing::error!(?incident, "a file was set aside");
    }
    let runtime = Runtime::new().context("the runtime cannot start")?;
    runtime.block_on(serve(config, &keys, store))?;
    Ok(ExitCode::SUCCESS)
}

/// Opens the data folder as its one owner.
pub(super) fn open_store(folder: &Path, keys: &KeyStore) -> anyhow::Result<Store> {
    let seal = match keys.seal_key() {
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
        check: Check::Ends,
    };
    Ok(Store::open(folder, options)?)
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

async fn serve(config: Config, keys: &KeyStore, store: Store) -> anyhow::Result<()> {
    let key = match keys.device_key() {
        Ok(key) => key,
        Err(error) => {
            tracing::error!(%error, "nothing can be signed; evidence is kept until it can");
            None
        }
    };
    let floor = store
        .read()
        .last_receipt()?
        .map_or(ServerTime::from_unix_s(0), |receipt| receipt.server_time);
    let clock = Clock::new(config.clock, Machine::system(), floor);
    let books = Books::open(store.read(), config.cloud.key, clock.now())?;
    let transport = transport(&config.cloud, books.receipt_at)?;
    let signer = key.clone().map(|key| Signer {
        device: books.identity.device,
        key,
    });
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
    let engine = Engine::start(Parts {
        store,
        books,
        clock,
        zone: config.zone,
        signer: key,
        chance: Chance::system(),
        outputs,
    })?;

    let handle = tokio::runtime::Handle::current();
    let (ended, engine_ended) = tokio::sync::oneshot::channel();
    thread::Builder::new()
        .name("engine".to_owned())
        .spawn(move || {
            let end = handle.block_on(engine.run(inputs));
            if ended.send(end).is_err() {
                tracing::debug!("nobody waits for the engine");
            }
        })
        .context("the engine's thread cannot start")?;
    let bus = Bus::start(config.bus, samples, seen_receiver);
    let mut tasks = JoinSet::new();
    tasks.spawn(socket.serve(live_receiver, asks));
    tasks.spawn(net::run(transport, signer, to_send, answers));
    tracing::info!("head unit runs");

    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut engine_ended = engine_ended;
    let ended = tokio::select! {
        _ = terminate.recv() => None,
        _ = interrupt.recv() => None,
        ended = &mut engine_ended => Some(ended),
    };
    bus.stop().await;
    stop.send_replace(true);
    let ended = match ended {
        Some(ended) => ended,
        None => engine_ended.await,
    };
    tasks.shutdown().await;
    ended.context("the engine's thread ended before it was told to")??;
    tracing::info!("head unit ended");
    Ok(())
}
