//! The MQTT client: subscribes to what is used, rebuilds itself when it goes quiet, says how far it has come.

use std::sync::Arc;
use std::time::Duration;

use dashpoint_telematics::{Signal, Value};
use jiff::Timestamp;
use rumqttc::{
    AsyncClient, Event, EventLoop, Incoming, MqttOptions, Publish, QoS, SubscribeFilter,
    TlsConfiguration, Transport,
};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::{BusInput, Mapping, SEEN_TOPIC, parse};
use crate::config::{BusConfig, Login};

const KEEP_ALIVE: Duration = Duration::from_secs(10);
/// A live connection says something at least once a keep-alive; after three the client is thrown away and built anew
/// (its own reconnect can livelock, rumqtt issue 1056).
const SILENCE_MAX: Duration = Duration::from_secs(30);
const REBUILD_AFTER: Duration = Duration::from_secs(1);
/// Requests that wait for the connection; a `seen` that does not fit is said by the next one.
const REQUESTS_MAX: usize = 64;
const PACKET_MAX: usize = 2 * 1_024 * 1_024;
/// How far event time runs before it is said again, in milliseconds.
const SEEN_EVERY_MS: i64 = 1_000;
/// How long the bus is quiet before the last time is said, so that a simulator that waits for it goes on.
const SEEN_QUIET: Duration = Duration::from_millis(100);

/// The running client; its tasks end with it.
#[derive(Debug)]
pub struct Bus {
    tasks: JoinSet<()>,
}

impl Bus {
    /// Starts on the current tokio runtime. Inputs wait in the channel's bound: when the engine is slower, the broker
    /// keeps QoS 1 and drops QoS 0, which the evidence tells. `seen` is the newest event time taken, in milliseconds.
    #[must_use]
    pub fn start(
        config: BusConfig,
        inputs: mpsc::Sender<BusInput>,
        seen: watch::Receiver<Option<i64>>,
    ) -> Self {
        let mut tasks = JoinSet::new();
        tasks.spawn(run(config, inputs, seen));
        Self { tasks }
    }

    /// Ends the client.
    pub async fn stop(mut self) {
        self.tasks.shutdown().await;
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
            if let BusInput::Sample {
                signal: Signal::Vin,
                value: Value::Text(vin),
                ..
            } = input
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
    while !inputs.is_closed() {
        let (client, events) = connect(&config);
        let mut talking = JoinSet::new();
        talking.spawn(say_seen(client.clone(), seen.clone()));
        if listen(&client, events, &config.mapping, &inputs)
            .await
            .is_err()
        {
            return;
        }
        talking.shutdown().await;
        sleep(REBUILD_AFTER).await;
    }
}

fn connect(config: &BusConfig) -> (AsyncClient, EventLoop) {
    // An id of its own each time: a broker throws out the elder of two clients with one id.
    let id = format!(
        "dashpoint-{:x}-{:x}",
        std::process::id(),
        crate::clock::system_unix_ms()
    );
    let mut options = MqttOptions::new(id, config.host.clone(), config.port);
    options
        .set_keep_alive(KEEP_ALIVE)
        .set_clean_session(true)
        .set_max_packet_size(PACKET_MAX, PACKET_MAX);
    if let Some(tls) = &config.tls {
        let tls = TlsConfiguration::Rustls(Arc::clone(tls));
        options.set_transport(Transport::tls_with_config(tls));
    }
    if let Some(Login { user, password }) = &config.login {
        options.set_credentials(user, password);
    }
    let (client, mut events) = AsyncClient::new(options, REQUESTS_MAX);
    // Acknowledgements and `seen` are small packets that the other end waits for.
    events.network_options.set_tcp_nodelay(true);
    (client, events)
}

/// The engine is gone: nobody listens any more.
struct NobodyListens;

/// Forwards what comes until the connection is lost.
async fn listen(
    client: &AsyncClient,
    mut events: EventLoop,
    mapping: &Mapping,
    inputs: &mpsc::Sender<BusInput>,
) -> Result<(), NobodyListens> {
    let mut connected = false;
    let ended = loop {
        let input = match timeout(SILENCE_MAX, events.poll()).await {
            Err(_) => break "silent",
            Ok(Err(error)) => {
                tracing::debug!(%error, "bus connection");
                break "lost";
            }
            Ok(Ok(Event::Incoming(Incoming::ConnAck(_)))) => {
                let topics = mapping
                    .routes()
                    .iter()
                    .filter_map(|route| route.topic.clone());
                let filters = topics.map(|topic| SubscribeFilter::new(topic, QoS::AtLeastOnce));
                if client.try_subscribe_many(filters).is_err() {
                    break "not subscribed";
                }
                connected = true;
                tracing::info!("bus connected");
                BusInput::Connected
            }
            Ok(Ok(Event::Incoming(Incoming::Publish(publish)))) => {
                let Publish {
                    topic,
                    payload,
                    retain,
                    ..
                } = publish;
                taken(mapping, &topic, &payload, retain)
            }
            Ok(Ok(Event::Incoming(_) | Event::Outgoing(_))) => continue,
        };
        inputs.send(input).await.map_err(|_| NobodyListens)?;
    };
    if connected {
        tracing::warn!(ended, "bus connection ended; connecting again");
        inputs
            .send(BusInput::Lost)
            .await
            .map_err(|_| NobodyListens)?;
    }
    Ok(())
}

/// What a message says.
fn taken(mapping: &Mapping, topic: &str, payload: &[u8], retained: bool) -> BusInput {
    let Some(route) = mapping.route(topic) else {
        return BusInput::UnknownTopic;
    };
    let signal = route.signal;
    match parse(payload) {
        Ok(point) => BusInput::Sample {
            signal,
            value: route.conversion.apply(signal, point.value),
            ts_ms: point.ts_ms,
            retained,
        },
        Err(error) => BusInput::Refused { signal, error },
    }
}

/// Says how far event time has come: once a second of it, and once more when it stands still.
async fn say_seen(client: AsyncClient, mut seen: watch::Receiver<Option<i64>>) {
    let mut said: Option<i64> = None;
    loop {
        let newest = *seen.borrow_and_update();
        if newest == said {
            if seen.changed().await.is_err() {
                return;
            }
            continue;
        }
        let ran_ms = newest
            .zip(said)
            .map_or(SEEN_EVERY_MS, |(newest, said)| newest - said);
        if ran_ms < SEEN_EVERY_MS {
            match timeout(SEEN_QUIET, seen.changed()).await {
                Err(_) => {}
                Ok(Ok(())) => continue,
                Ok(Err(_)) => return,
            }
        }
        let Some(payload) = newest.and_then(seen_payload) else {
            return;
        };
        // A full queue means no connection: the next round says it again.
        if client
            .try_publish(SEEN_TOPIC, QoS::AtMostOnce, false, payload)
            .is_ok()
        {
            said = newest;
        } else {
            sleep(SEEN_QUIET).await;
        }
    }
}

fn seen_payload(ts_ms: i64) -> Option<String> {
    let ts = Timestamp::from_millisecond(ts_ms).ok()?;
    Some(format!("{{\"ts\":\"{ts:.3}\"}}"))
}
