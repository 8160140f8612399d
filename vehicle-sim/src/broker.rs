//! An MQTT broker in this process, for a desk without one.

use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;
use std::{future, io};

use jiff::SignedDuration;
use mqtt5::broker::{
    BrokerConfig, BrokerEventHandler, ClientPublishEvent, MqttBroker, PublishAction, StorageConfig,
};
use mqtt5::error::MqttError;
use tokio::runtime::Runtime;
use tokio::sync::Notify;

/// Time for the tasks of a broker that ends; its connections break at once.
const LAST_MOMENT: Duration = Duration::from_millis(100);
/// Messages that wait for one subscriber; half an hour of driving is some 20,000. What is beyond is dropped.
const WAITING_MAX: usize = 100_000;
/// Far above any signal, so that a test can send what is absurd.
const PACKET_MAX: usize = 4 * 1024 * 1024;

/// Errors at the start of the broker.
#[derive(Debug, thiserror::Error)]
pub enum BrokerError {
    #[error("port {port} is not free on this machine")]
    Port {
        port: u16,
        #[source]
        source: io::Error,
    },
    #[error("the broker does not start on port {port}")]
    Start {
        port: u16,
        #[source]
        source: Box<MqttError>,
    },
    #[error("no thread for the broker")]
    Thread(#[source] io::Error),
}

/// Asks for a restart; the payload does not matter.
pub(crate) const RESTART_TOPIC: &str = "vehicle-sim/broker/restart";

/// A broker on 127.0.0.1 that keeps nothing on disk. It lives as long as the process.
#[derive(Debug)]
pub struct Broker {
    port: u16,
}

impl Broker {
    /// The number of states that may be ahead of the head unit on this broker ([`crate::Options::states_ahead`]): below
    /// what it hands over unacknowledged, so that no sample overtakes a state.
    pub const STATES_AHEAD: usize = 400;

    /// The simulated time by which messages may be ahead of a head unit that has a subscription for each signal
    /// ([`crate::Options::time_ahead`]): a sample that comes more than 2 s of its time late is not folded, so no broker,
    /// whatever order it keeps between subscriptions, makes the head unit miss anything.
    pub const TIME_AHEAD: SignedDuration = SignedDuration::from_secs(2);

    /// Starts a broker and returns when it takes connections; port 0 is any free one.
    ///
    /// # Errors
    /// When the port is taken.
    pub fn start(port: u16) -> Result<Self, BrokerError> {
        let (started, port_of) = mpsc::channel();
        let thread = thread::Builder::new().name("mqtt-broker".to_owned());
        let spawned = thread.spawn(move || live(port, &started));
        spawned.map_err(BrokerError::Thread)?;
        // A thread that ends without a word had a panic, which says more.
        let ended = |_| BrokerError::Thread(io::ErrorKind::BrokenPipe.into());
        let port = port_of.recv().map_err(ended)??;
        Ok(Self { port })
    }

    /// The port that it listens on.
    pub fn port(&self) -> u16 {
        self.port
    }
}

/// Runs one broker after the other on the same port: each knows nothing of the one before.
fn live(mut port: u16, started: &mpsc::Sender<Result<u16, BrokerError>>) {
    let mut is_first = true;
    loop {
        let ended = begin(port).and_then(|life| {
            port = life.port;
            if std::mem::take(&mut is_first) {
                // Whoever started it may be gone by now.
                drop(started.send(Ok(port)));
            }
            life.until_asked()
        });
        if let Err(error) = ended {
            if is_first {
                drop(started.send(Err(error)));
            } else {
                tracing::error!(%error, "the MQTT broker ended");
            }
            return;
        }
    }
}

/// One life of the broker: with its runtime every connection ends.
struct BrokerLife {
    runtime: Runtime,
    broker: MqttBroker,
    port: u16,
    asked: Arc<Notify>,
}

fn begin(port: u16) -> Result<BrokerLife, BrokerError> {
    // Binds and lets go: the broker words a port that is taken, this is its cause.
    let free = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, port));
    let free = free.map_err(|source| BrokerError::Port { port, source })?;
    drop(free);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(BrokerError::Thread)?;
    let asked = Arc::new(Notify::new());
    let config = config(port, &asked);
    let broker = runtime
        .block_on(MqttBroker::with_config(config))
        .map_err(|source| start_failed(port, source))?;
    let port = broker.local_addr().map_or(port, |address| address.port());
    Ok(BrokerLife {
        runtime,
        broker,
        port,
        asked,
    })
}

impl BrokerLife {
    /// Serves until a client asks for a restart.
    fn until_asked(mut self) -> Result<(), BrokerError> {
        let asked = self.asked;
        let ended = self.runtime.block_on(async {
            tokio::select! {
                ended = self.broker.run() => ended,
                () = asked.notified() => Ok(()),
            }
        });
        self.runtime.shutdown_timeout(LAST_MOMENT);
        ended.map_err(|source| start_failed(self.port, source))
    }
}

fn start_failed(port: u16, source: MqttError) -> BrokerError {
    BrokerError::Start {
        port,
        source: Box::new(source),
    }
}

fn config(port: u16, asked: &Arc<Notify>) -> BrokerConfig {
    let mut config = BrokerConfig::new()
        .with_bind_addresses(vec![SocketAddr::from((Ipv4Addr::LOCALHOST, port))])
        .with_max_packet_size(PACKET_MAX)
        .with_client_channel_capacity(WAITING_MAX)
        .with_max_outbound_inflight(1_000)
        .with_storage(StorageConfig::new().with_persistence(false))
        .with_sys_topics_enabled(false);
    let asked = Arc::clone(asked);
    config.event_handler = Some(Arc::new(RestartWhenAsked(asked)));
    config
}

/// Any client may ask, since whoever restarts the broker of a scenario is another process than the one that hosts it.
struct RestartWhenAsked(Arc<Notify>);

impl BrokerEventHandler for RestartWhenAsked {
    fn on_client_publish<'a>(
        &'a self,
        event: ClientPublishEvent,
    ) -> Pin<Box<dyn Future<Output = PublishAction> + Send + 'a>> {
        let action = if &*event.topic == RESTART_TOPIC && !event.retain {
            self.0.notify_one();
            PublishAction::Handled
        } else {
            PublishAction::Continue
        };
        Box::pin(future::ready(action))
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpStream;

    use super::*;

    #[test]
    fn takes_a_free_port_and_refuses_a_taken_one() {
        let broker = Broker::start(0).unwrap();
        assert!(TcpStream::connect((Ipv4Addr::LOCALHOST, broker.port())).is_ok());
        assert!(matches!(
            Broker::start(broker.port()),
            Err(BrokerError::Port { .. })
        ));
    }
}
