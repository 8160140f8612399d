//! Assembles the running head unit: the engine on its thread, the bus, the network, the socket and the window beside it.

use std::thread;

use anyhow::Context;
use dashpoint_membership::ServerTime;
use dashpoint_store::{CheckDepth, Store};
use dashpoint_sync_http::{Signer, Transport};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;

use super::integrity::wait_for_corruption;
use super::shutdown::Shutdown;
use super::watchdog::watch_engine;
use crate::books::{Books, BooksError};
use crate::bus::Bus;
use crate::clock::{Clock, Machine};
use crate::command::Ask;
use crate::config::Config;
use crate::engine::{Engine, EngineError, Inputs, Outputs, Parts};
use crate::error::FolderShut;
use crate::keys::KeyStore;
use crate::live::{IntegrityStatus, Live};
use crate::net;
use crate::random::Chance;
use crate::socket::{Served, Socket};
use crate::window::Backstage;
use dashpoint_ui::model::EnrolmentData;

/// Inputs that wait for the engine. When it is slower than the bus, the broker keeps QoS 1 and drops QoS 0, and the
/// evidence states what was missed.
const BUS_INPUTS_MAX: usize = 1_024;
/// Answers that wait for the engine.
const ANSWERS_MAX: usize = 4;
/// Questions of people that wait for the engine; more wait at the socket.
const ASKS_MAX: usize = 4;

/// The window, and who was enrolled on it since it opened.
pub(super) struct UiHandle {
    pub(super) backstage: Backstage,
    pub(super) enrolled: Option<EnrolmentData>,
}

/// The reason that the head unit has ended.
pub(super) enum Ended {
    /// It was told to.
    Told,
    /// Damage was found after opening: at the start of the engine, or by the check of the whole ledger.
    LedgerDamaged,
}

/// Runs the engine and the edges beside it.
pub(super) async fn live(
    config: &Config,
    keys: &KeyStore,
    store: Store,
    check: CheckDepth,
    ui: Option<&mut UiHandle>,
    shutdown: &mut Shutdown,
) -> anyhow::Result<Ended> {
    let socket = Socket::open(store.folder()).map_err(|source| FolderShut {
        folder: store.folder().to_owned(),
        source,
    })?;
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
        Err(error) if check != CheckDepth::Full && is_damage(&error) => {
            tracing::error!(error = &*error, "the ledger is damaged");
            return Ok(Ended::LedgerDamaged);
        }
        started => started?,
    };
    let known = match check {
        CheckDepth::Full => IntegrityStatus::Whole,
        CheckDepth::Ends | CheckDepth::Pages => IntegrityStatus::NotYet,
    };
    let (looks, ledger) = watch::channel(known);
    let mut tasks = JoinSet::new();
    if let Some(ui) = &ui {
        let stuck = ui.backstage.stuck.clone();
        let (samples, live) = (samples.downgrade(), live_receiver.clone());
        tasks.spawn(watch_engine(samples, live, stuck));
    }
    let served = Served {
        live: live_receiver,
        asks: asks.clone(),
        ledger,
        gauge: ui.as_ref().map(|ui| ui.backstage.gauge.clone()),
    };
    let touches = ui.map(|ui| {
        engine.shows_on(ui.backstage.scenes.clone(), ui.enrolled.clone());
        &mut ui.backstage.asks
    });
    let mut engine_ended = run_beside(engine, inputs)?;
    let bus = Bus::start(config.bus.clone(), samples, seen_receiver);
    tasks.spawn(socket.serve(served));
    tasks.spawn(net::run(edge.transport, edge.signer, to_send, answers));
    tracing::info!("head unit runs");

    let mut early = None;
    let why = tokio::select! {
        () = shutdown.requested() => Ended::Told,
        () = forward_touches(touches, asks) => Ended::Told,
        () = wait_for_corruption(&config.data, &looks), if known == IntegrityStatus::NotYet => Ended::LedgerDamaged,
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
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "what is damaged does not end in order"
            );
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
struct NetworkEdge {
    transport: Transport,
    signer: Option<Signer>,
}

/// Starts the engine on what the store holds.
fn start(
    config: &Config,
    keys: &KeyStore,
    store: Store,
    outputs: Outputs,
) -> anyhow::Result<(Engine, NetworkEdge)> {
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
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "nothing can be signed; evidence is kept until it can"
            );
            None
        }
    };
    let edge = NetworkEdge {
        transport: net::connect(&config.cloud, books.receipt_at)?,
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
async fn forward_touches(touches: Option<&mut mpsc::Receiver<Ask>>, asks: mpsc::Sender<Ask>) {
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
