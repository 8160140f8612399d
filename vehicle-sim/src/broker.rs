//! An MQTT broker in this process, for a desk without one.

use std::collections::HashMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use jiff::SignedDuration;
use rumqttc::{AsyncClient, Event, MqttOptions, Packet, QoS};
use rumqttd::{Config, ConnectionSettings, RouterConfig, ServerSettings};
use tokio::sync::watch;

use crate::door::{Behind, stand_open};

/// Interval and number of checks until the broker counts as not listening.
const LOOK_EVERY: Duration = Duration::from_millis(10);
const LOOKS: u32 = 500;

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
    Start { port: u16 },
    #[error("no thread for the broker")]
    Thread(#[source] io::Error),
}

/// Asks for a restart; the payload does not matter.
pub(crate) const RESTART_TOPIC: &str = "vehicle-sim/broker/restart";

/// rumqttd on 127.0.0.1, behind a door. It lives as long as the process.
#[derive(Debug)]
pub struct Broker {
    port: u16,
    behind: watch::Sender<Behind>,
}

impl Broker {
    /// The number of states that may be ahead of the head unit on this broker ([`crate::Options::states_ahead`]). It
    /// keeps the order within one subscription such as `vss/#`, though not between several.
    pub const STATES_AHEAD: usize = 400;

    /// The simulated time by which messages may be ahead of a head unit that has a subscription for each signal
    /// ([`crate::Options::time_ahead`]): what it keeps for one of them goes out before the next has its turn, and a
    /// sample that comes more than 2 s of its time late is not folded.
    pub const TIME_AHEAD: SignedDuration = SignedDuration::from_secs(2);

    /// Starts a broker and returns when it takes connections; port 0 is any free one.
    ///
    /// # Errors
    /// When the port is taken.
    pub fn start(port: u16) -> Result<Self, BrokerError> {
        let taken = |source| BrokerError::Port { port, source };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).map_err(taken)?;
        let port = listener.local_addr().map_err(taken)?.port();
        let behind = watch::Sender::new(Some(start_behind()?));
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(BrokerError::Thread)?;
        let broker = Self { port, behind };
        let (led, asked) = (broker.behind.subscribe(), broker.behind.clone());
        spawn("mqtt-door", move || {
            runtime.block_on(async {
                tokio::join!(stand_open(listener, led), restart_when_asked(asked));
            });
        })?;
        Ok(broker)
    }

    /// Breaks every connection and forgets everything, as a broker does that starts anew and keeps nothing on disk.
    ///
    /// # Errors
    /// When a new one does not start; the door stays shut then.
    pub fn restart(&self) -> Result<(), BrokerError> {
        restart(&self.behind)
    }

    /// The port that it listens on.
    pub fn port(&self) -> u16 {
        self.port
    }
}

fn restart(behind: &watch::Sender<Behind>) -> Result<(), BrokerError> {
    behind.send_replace(None);
    behind.send_replace(Some(start_behind()?));
    Ok(())
}

/// Any client may ask, since whoever restarts the broker of a scenario is another process than the one that hosts it.
async fn restart_when_asked(behind: watch::Sender<Behind>) {
    loop {
        let Some(port) = *behind.borrow() else {
            tokio::time::sleep(LOOK_EVERY).await;
            continue;
        };
        let options = MqttOptions::new("vehicle-sim-door", Ipv4Addr::LOCALHOST.to_string(), port);
        let (client, mut events) = AsyncClient::new(options, 1);
        let mut changed = behind.subscribe();
        let asked = async {
            loop {
                match events.poll().await {
                    Ok(Event::Incoming(Packet::ConnAck(_))) => {
                        if let Err(error) = client.try_subscribe(RESTART_TOPIC, QoS::AtMostOnce) {
                            tracing::warn!(%error, "the broker cannot be asked to restart");
                        }
                    }
                    Ok(Event::Incoming(Packet::Publish(publish))) if !publish.retain => {
                        return true;
                    }
                    Ok(Event::Incoming(_) | Event::Outgoing(_)) => {}
                    Err(_) => return false,
                }
            }
        };
        let is_asked = tokio::select! {
            is_asked = asked => is_asked,
            _ = changed.changed() => false,
        };
        if is_asked {
            // Starting waits for the new one to listen: not on the thread that carries the packets.
            let restarted = tokio::task::spawn_blocking({
                let behind = behind.clone();
                move || restart(&behind)
            });
            match restarted.await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::error!(%error, "the broker does not restart"),
                Err(error) => tracing::error!(%error, "the broker does not restart"),
            }
        } else {
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }
}

/// Starts a rumqttd and returns its port when it takes connections.
fn start_behind() -> Result<u16, BrokerError> {
    let port = free_port().map_err(|source| BrokerError::Port { port: 0, source })?;
    let mut broker = rumqttd::Broker::new(config(port));
    // rumqttd only logs that it cannot listen and then returns, which closes this channel.
    let (running, ended) = mpsc::channel::<()>();
    spawn("mqtt-broker", move || {
        let _running = running;
        if let Err(error) = broker.start() {
            tracing::error!(%error, "the MQTT broker ended");
        }
    })?;
    for _ in 0..LOOKS {
        if TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return Ok(port);
        }
        match ended.recv_timeout(LOOK_EVERY) {
            Err(mpsc::RecvTimeoutError::Timeout) | Ok(()) => {}
            Err(mpsc::RecvTimeoutError::Disconnected) => break,
        }
    }
    Err(BrokerError::Start { port })
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> Result<(), BrokerError> {
    let thread = thread::Builder::new().name(name.to_owned()).spawn(work);
    thread.map(drop).map_err(BrokerError::Thread)
}

/// Binds and lets go: rumqttd takes an address, not a socket, and does not say when it is taken.
fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?
        .local_addr()?
        .port())
}

fn config(port: u16) -> Config {
    let connections = ConnectionSettings {
        connection_timeout_ms: 10_000,
        // Far above any signal, so that a test can send what is absurd.
        max_payload_size: 4 * 1024 * 1024,
        max_inflight_count: 100,
        auth: None,
        external_auth: None,
        dynamic_filters: true,
    };
    let server = ServerSettings {
        name: "v4".to_owned(),
        listen: SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
        tls: None,
        next_connection_delay_ms: 1,
        connections,
    };
    Config {
        id: 0,
        router: RouterConfig {
            max_connections: 100,
            // The most that a subscriber gets of one filter before the next filter has its turn.
            max_outgoing_packet_count: 200,
            // Each filter keeps so much for subscribers that lag: half an hour of driving is about 1 MiB.
            max_segment_size: 4 * 1024 * 1024,
            max_segment_count: 8,
            custom_segment: None,
            initialized_filters: None,
            shared_subscriptions_strategy: rumqttd::Strategy::default(),
        },
        v4: Some(HashMap::from([("v4".to_owned(), server)])),
        ..Config::default()
    }
}

#[cfg(test)]
mod tests {
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
