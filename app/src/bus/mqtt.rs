//! The MQTT client: forwards what comes, connects again when the connection ends, says how far it has come.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::thread;
use std::time::Duration;

use dashpoint_telematics::VehicleFact;
use jiff::Timestamp;
use rumqttc::{Publish, QoS};
use tokio::runtime::Builder;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use super::access::BusConfig;
use super::decode::{BusMessage, Decoder};
use super::ended::Ended;
use super::link::{BusLink, BusLinkError};
use super::{BusInput, Mapping, SEEN_TOPIC};
use crate::clock::system_unix_ms;

const REBUILD_AFTER: Duration = Duration::from_secs(1);
/// Requests that wait for the connection; a `seen` that does not fit is said by the next one.
const REQUESTS_MAX: usize = 64;
/// Inputs that are handed over together: to wake a thread for each costs more than all that is done with it.
const GULP_MAX: usize = 256;
/// Time that the first input waits for those of the same burst: cars publish in bursts.
const BREATH: Duration = Duration::from_millis(2);
/// Time that inputs wait for the next bursts. Only a simulator that paces itself by the confirmed time needs less.
const LONG_BREATH: Duration = Duration::from_millis(10);
/// So many times as fast as the clock such a simulator drives.
const HURRY: i64 = 50;
/// And at least so far in one go, in milliseconds: a burst is one step of time however short it took.
const HURRY_MS: i64 = 500;
/// Time for which fast replay is assumed to go on: it ends by itself when the simulator waits for a confirmation.
const HURRY_LASTS: Duration = Duration::from_millis(100);
/// Advance of event time after which it is published again, in milliseconds.
const SEEN_EVERY_MS: i64 = 1_000;
/// Silence of the bus after which the last time is published, so that a simulator that waits for it goes on.
const SEEN_QUIET: Duration = Duration::from_millis(100);

/// The running client, on a thread of its own; it ends with this.
#[derive(Debug)]
pub struct Bus {
    stop: oneshot::Sender<()>,
    ended: oneshot::Receiver<()>,
}

impl Bus {
    /// Starts its thread. Inputs wait in the channel's bound: when the engine is slower, the broker
    /// keeps QoS 1 and drops QoS 0, which the evidence tells. `seen` is the newest event time taken, in milliseconds.
    #[must_use]
    pub fn start(
        config: BusConfig,
        inputs: mpsc::Sender<BusInput>,
        seen: watch::Receiver<Option<i64>>,
    ) -> Self {
        let (stop, stopped) = oneshot::channel();
        let (end, ended) = oneshot::channel();
        let live = async {
            tokio::select! {
                () = run(config, inputs, seen) => {}
                // Also when whoever has started it is gone without a word.
                _ = stopped => {}
            }
        };
        let started = thread::Builder::new()
            .name("bus".to_owned())
            .spawn(move || {
                match Builder::new_current_thread().enable_all().build() {
                    Ok(runtime) => runtime.block_on(live),
                    Err(error) => tracing::error!(%error, "the bus has no runtime"),
                }
                drop(end);
            });
        if let Err(error) = started {
            tracing::error!(%error, "the bus has no thread");
        }
        Self { stop, ended }
    }

    /// Ends the client.
    pub async fn stop(self) {
        drop(self.stop);
        // Nothing is ever sent: the thread lets go of the other end when it is done.
        drop(self.ended.await);
    }
}

/// Waits until the bus has told the VIN.
///
/// Returns `None` when it did not within the time.
pub async fn wait_for_vin(config: BusConfig, patience: Duration) -> Option<String> {
    let (sender, mut inputs) = mpsc::channel(REQUESTS_MAX);
    let (_seen, seen) = watch::channel(None);
    let bus = Bus::start(config, sender, seen);
    let found = timeout(patience, async {
        while let Some(input) = inputs.recv().await {
            if let BusInput::Sample { signal, value, .. } = input
                && let Some(VehicleFact::Vin(vin)) = VehicleFact::of(signal, &value)
            {
                return Some(vin);
            }
        }
        None
    });
    let vin = found.await.ok().flatten();
    bus.stop().await;
    vin
}

async fn run(
    config: BusConfig,
    inputs: mpsc::Sender<BusInput>,
    seen: watch::Receiver<Option<i64>>,
) {
    let mut told = None;
    while !inputs.is_closed() {
        let (to_publish, published) = mpsc::channel(REQUESTS_MAX);
        let mut talking = JoinSet::new();
        let ended = match BusLink::open(&config, published).await {
            Ok(link) => {
                talking.spawn(say_seen(to_publish, seen.clone()));
                let Ok(ended) = listen(link, &config.mapping, &inputs).await else {
                    return;
                };
                ended
            }
            Err(error) => ended_by(&error).before_it_began(),
        };
        // It is tried again each second; said once.
        if told != Some(ended) {
            ended.tell(&config);
        }
        told = Some(ended);
        talking.shutdown().await;
        sleep(REBUILD_AFTER).await;
    }
}

fn ended_by(error: &BusLinkError) -> Ended {
    tracing::debug!(?error, "bus connection");
    Ended::by(error)
}

/// The engine is gone: nobody listens any more.
struct NobodyListens;

/// Forwards what comes until the connection is lost.
async fn listen(
    mut link: BusLink,
    mapping: &Mapping,
    inputs: &mpsc::Sender<BusInput>,
) -> Result<Ended, NobodyListens> {
    tracing::info!("bus connected");
    let mut gulp = Gulp::default();
    gulp.push(BusInput::Connected);
    // What another connection said is of another moment, if not of another car.
    let mut decoder = Decoder::new(mapping);
    let ended = loop {
        match next(&mut link, &mut gulp, inputs).await? {
            Ok(publish) => {
                let topic = String::from_utf8_lossy(&publish.topic);
                let message = BusMessage {
                    topic: &topic,
                    payload: &publish.payload,
                    retained: publish.retain,
                };
                let mut out = |input| gulp.push(input);
                decoder.handle(mapping, message, system_unix_ms, &mut out);
            }
            Err(error) => break ended_by(&error),
        }
    };
    gulp.hand_over(inputs).await?;
    tracing::warn!(?ended, "bus connection ended; connecting again");
    inputs
        .send(BusInput::Lost)
        .await
        .map_err(|_| NobodyListens)?;
    Ok(ended)
}

/// Inputs that were received and are not handed over yet.
#[derive(Debug, Default)]
struct Gulp {
    inputs: Vec<BusInput>,
    /// The number of waits for inputs of the same burst.
    waited: u8,
    /// Event time of what came last, in milliseconds.
    last_ms: Option<i64>,
    /// Moment of the last handover, with the event time that it reached.
    handed: Option<(Instant, Option<i64>)>,
    hurried: Option<Instant>,
}

impl Gulp {
    fn push(&mut self, input: BusInput) {
        if let BusInput::Sample { ts_ms, .. } = &input {
            self.last_ms = ts_ms.or(self.last_ms);
        }
        self.inputs.push(input);
    }

    /// Returns the time to wait for more inputs; `None` when they are to be handed over.
    fn patience(&mut self) -> Option<Duration> {
        if self.inputs.is_empty() || self.inputs.len() >= GULP_MAX {
            return None;
        }
        self.waited += 1;
        match self.waited {
            1 => Some(BREATH),
            2 => (!self.is_in_a_hurry()).then_some(LONG_BREATH),
            _ => None,
        }
    }

    /// Returns whether event time runs much faster than the clock.
    fn is_in_a_hurry(&mut self) -> bool {
        let Some((at, before_ms)) = self.handed else {
            return false;
        };
        let ran_ms = self
            .last_ms
            .zip(before_ms)
            .map_or(0, |(last_ms, before_ms)| last_ms.saturating_sub(before_ms));
        let took_ms = i64::try_from(at.elapsed().as_millis()).unwrap_or(i64::MAX);
        if ran_ms >= HURRY_MS && ran_ms > took_ms.saturating_mul(HURRY) {
            self.hurried = Some(Instant::now());
        }
        self.hurried.is_some_and(|at| at.elapsed() < HURRY_LASTS)
    }

    /// Hands everything over, in its order.
    async fn hand_over(&mut self, to: &mpsc::Sender<BusInput>) -> Result<(), NobodyListens> {
        while !self.inputs.is_empty() {
            let many = self.inputs.len().min(to.max_capacity());
            let permits = to.reserve_many(many).await.map_err(|_| NobodyListens)?;
            for (permit, input) in permits.zip(self.inputs.drain(..many)) {
                permit.send(input);
            }
        }
        self.waited = 0;
        self.handed = Some((Instant::now(), self.last_ms));
        Ok(())
    }
}

/// The next message, or the end of the connection. What has come before is handed over when there is no more of it.
async fn next(
    link: &mut BusLink,
    gulp: &mut Gulp,
    inputs: &mpsc::Sender<BusInput>,
) -> Result<Result<Publish, BusLinkError>, NobodyListens> {
    let mut polled = pin!(link.message());
    let mut now = Poll::Pending;
    if gulp.inputs.len() < GULP_MAX {
        now = poll_fn(|context| Poll::Ready(polled.as_mut().poll(context))).await;
        while now.is_pending()
            && let Some(patience) = gulp.patience()
        {
            // The thread itself sleeps: while only a task does, each message wakes the thread to find that out.
            thread::sleep(patience);
            now = poll_fn(|context| Poll::Ready(polled.as_mut().poll(context))).await;
        }
    }
    if let Poll::Ready(message) = now {
        return Ok(message);
    }
    gulp.hand_over(inputs).await?;
    Ok(polled.await)
}

/// Says how far event time has come: once a second of it, and once more when it stands still. Not each step of it wakes;
/// so after the last one it looks again.
async fn say_seen(to_publish: mpsc::Sender<Publish>, mut seen: watch::Receiver<Option<i64>>) {
    let mut said: Option<i64> = None;
    let mut is_quiet = false;
    loop {
        let newest = *seen.borrow_and_update();
        let ran_ms = newest
            .zip(said)
            .map_or(SEEN_EVERY_MS, |(newest, said)| newest - said);
        if newest == said || ran_ms < SEEN_EVERY_MS {
            let patience = if is_quiet && newest == said {
                Duration::MAX
            } else {
                SEEN_QUIET
            };
            match timeout(patience, seen.changed()).await {
                Ok(Ok(())) => {
                    is_quiet = false;
                    continue;
                }
                Ok(Err(_)) => return,
                Err(_) => is_quiet = *seen.borrow() == newest,
            }
            if !is_quiet || newest == said {
                continue;
            }
        }
        let Some(payload) = newest.and_then(seen_payload) else {
            return;
        };
        // A full queue means that the broker takes nothing: the next round says it again.
        let publish = Publish::new(SEEN_TOPIC, QoS::AtMostOnce, payload);
        if to_publish.try_send(publish).is_ok() {
            said = newest;
            is_quiet = false;
        } else {
            sleep(SEEN_QUIET).await;
        }
    }
}

fn seen_payload(ts_ms: i64) -> Option<String> {
    let ts = Timestamp::from_millisecond(ts_ms).ok()?;
    Some(format!("{{\"ts\":\"{ts:.3}\"}}"))
}
