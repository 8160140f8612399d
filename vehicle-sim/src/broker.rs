//! An MQTT broker in this process, for a desk without one.

use std::collections::HashMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use jiff::SignedDuration;
use rumqttd::{Config, ConnectionSettings, RouterConfig, ServerSettings};

/// How often and how long to look whether it listens.
const LOOK_EVERY: Duration = Duration::from_millis(10);
const LOOKS: u32 = 500;

/// What kept the broker from starting.
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

/// rumqttd on 127.0.0.1. It has no way to be stopped and lives as long as the process.
#[derive(Debug)]
pub struct Broker {
    port: u16,
}

impl Broker {
    /// How many states may be ahead of the head unit on this broker ([`crate::Options::states_ahead`]). It keeps the
    /// order within one subscription such as `vss/#`, though not between several. It leaves Nagle's algorithm on, so
    /// that each word of the head unit may take 40 ms: with a small window a drive takes minutes.
    pub const STATES_AHEAD: usize = 400;

    /// How far simulated time may be ahead of a head unit that has a subscription for each signal
    /// ([`crate::Options::time_ahead`]): what it keeps for one of them goes out before the next has its turn, and a
    /// sample that comes more than 2 s of its time late is not folded.
    pub const TIME_AHEAD: SignedDuration = SignedDuration::from_secs(2);

    /// Starts a broker and returns when it takes connections; port 0 is any free one.
    ///
    /// # Errors
    /// When the port is taken.
    pub fn start(port: u16) -> Result<Self, BrokerError> {
        let port = free_port(port).map_err(|source| BrokerError::Port { port, source })?;
        let mut broker = rumqttd::Broker::new(config(port));
        // rumqttd only logs that it cannot listen and then returns, which closes this channel.
        let (running, ended) = mpsc::channel::<()>();
        thread::Builder::new()
            .name("mqtt-broker".to_owned())
            .spawn(move || {
                let _running = running;
                if let Err(error) = broker.start() {
                    tracing::error!(%error, "the MQTT broker ended");
                }
            })
            .map_err(BrokerError::Thread)?;
        for _ in 0..LOOKS {
            if TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok() {
                return Ok(Self { port });
            }
            match ended.recv_timeout(LOOK_EVERY) {
                Err(mpsc::RecvTimeoutError::Timeout) | Ok(()) => {}
                Err(mpsc::RecvTimeoutError::Disconnected) => break,
            }
        }
        Err(BrokerError::Start { port })
    }

    /// The port that it listens on.
    pub fn port(&self) -> u16 {
        self.port
    }
}

/// Binds and lets go: rumqttd takes an address, not a socket, and does not say when it is taken.
fn free_port(port: u16) -> io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, port))?
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
