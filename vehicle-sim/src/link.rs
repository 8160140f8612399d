//! The connection to the MQTT broker. One connection is one [`Link`]: when it breaks it is thrown away and a new
//! one is made, since rumqttc's own reconnecting can spin for ever (rumqtt issue 1056).

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use jiff::Timestamp;
use rumqttc::{
    AsyncClient, ConnectionError, Event, EventLoop, MqttOptions, Outgoing, Packet, Publish,
    PublishOptions, QoS, TlsConfiguration, Transport,
};
use serde::Deserialize;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::access::{Access, BrokerLogin, Tls};
use crate::broker::RESTART_TOPIC;
use crate::error::SimError;
use crate::message::Delivery;
use crate::posted::Posted;

/// Topic on which the head unit publishes its progress.
const SEEN_TOPIC: &str = "dashpoint/seen";
/// Messages that may wait for the event loop; the publisher keeps well below it.
const REQUESTS: usize = 256;
const EVENTS: usize = 1024;
/// QoS 1 messages that may wait for their acknowledgement.
const INFLIGHT: u16 = 100;
/// The head unit's answers are small; garbage may be large.
const PACKET_IN_MAX: usize = 10 * 1024;
const PACKET_OUT_MAX: usize = 2 * 1024 * 1024;
const KEEP_ALIVE_S: u16 = 20;

/// Address of the broker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    pub host: String,
    pub port: u16,
}

impl Endpoint {
    /// A broker on this machine.
    pub fn local(port: u16) -> Self {
        Self {
            host: "127.0.0.1".to_owned(),
            port,
        }
    }
}

impl FromStr for Endpoint {
    type Err = SimError;

    fn from_str(text: &str) -> Result<Self, SimError> {
        let wrong = || SimError::Endpoint {
            text: text.to_owned(),
        };
        let (host, port) = text.rsplit_once(':').ok_or_else(wrong)?;
        let port = port.parse::<u16>().map_err(|_| wrong())?;
        let host = host.trim_start_matches('[').trim_end_matches(']');
        if host.is_empty() || port == 0 {
            return Err(wrong());
        }
        Ok(Self {
            host: host.to_owned(),
            port,
        })
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

/// Events on a connection.
pub(crate) enum LinkEvent {
    Connected,
    /// The next message went out to the network.
    Sent,
    /// The broker took a QoS 1 message.
    Acknowledged,
    /// The head unit has taken everything up to here.
    Seen(Timestamp),
    /// The connection was ended from here, and everything before it went out.
    Closed,
    Lost(ConnectionError),
}

/// One connection, driven by a task of its own that ends with it.
pub(crate) struct Link {
    client: AsyncClient,
    events: mpsc::Receiver<LinkEvent>,
    task: JoinHandle<()>,
}

impl Drop for Link {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Link {
    /// Begins to connect; [`LinkEvent::Connected`] or [`LinkEvent::Lost`] follows.
    pub(crate) fn open(endpoint: &Endpoint, access: &Access) -> Self {
        let broker = (endpoint.host.clone(), endpoint.port);
        let mut options = MqttOptions::new(client_id(), broker);
        options
            .set_keep_alive(KEEP_ALIVE_S)
            .set_inflight(INFLIGHT)
            .set_max_packet_size(PACKET_IN_MAX, PACKET_OUT_MAX)
            .set_clean_session(true);
        if let Some(BrokerLogin { user, password }) = &access.login {
            options.set_credentials(user.clone(), password.clone());
        }
        if let Some(Tls(config)) = &access.tls {
            let tls = TlsConfiguration::Rustls(Arc::clone(config));
            options.set_transport(Transport::tls_with_config(tls));
        }
        let (client, mut event_loop) = AsyncClient::builder(options).capacity(REQUESTS).build();
        event_loop.network_options.set_tcp_nodelay(true);
        let (sender, events) = mpsc::channel(EVENTS);
        let task = tokio::spawn(drive(event_loop, client.clone(), sender));
        Self {
            client,
            events,
            task,
        }
    }

    /// Hands a message to the connection; false when its queue is full or it is gone.
    pub(crate) fn hand(&self, message: &Posted) -> bool {
        let options = match message.delivery() {
            Delivery::Sample => PublishOptions::at_most_once(),
            Delivery::State => PublishOptions::at_least_once().retained(),
            Delivery::Kept => PublishOptions::at_most_once().retained(),
        };
        self.client
            .try_publish(message.topic(), message.payload(), options)
            .is_ok()
    }

    /// Asks a hosted broker to restart; [`LinkEvent::Lost`] or [`LinkEvent::Closed`] follows, if it does.
    pub(crate) fn ask_for_restart(&self) -> bool {
        self.client
            .try_publish(RESTART_TOPIC, "restart", PublishOptions::at_most_once())
            .is_ok()
    }

    /// The next event. Cancelling loses none.
    pub(crate) async fn event(&mut self) -> LinkEvent {
        self.events.recv().await.unwrap_or(LinkEvent::Closed)
    }

    /// Asks for an orderly end; [`LinkEvent::Closed`] follows.
    pub(crate) fn close(&self) -> bool {
        self.client.try_disconnect().is_ok()
    }
}

/// A broker throws out the older of two clients of one name, so each connection has its own.
fn client_id() -> String {
    static CONNECTIONS: AtomicU32 = AtomicU32::new(0);
    let connection = CONNECTIONS.fetch_add(1, Ordering::Relaxed);
    format!("vehicle-sim-{}-{connection}", std::process::id())
}

async fn drive(mut event_loop: EventLoop, client: AsyncClient, events: mpsc::Sender<LinkEvent>) {
    loop {
        let event = match event_loop.poll().await {
            Ok(Event::Incoming(Packet::ConnAck(_))) => {
                // The queue is empty right after connecting.
                if client.try_subscribe(SEEN_TOPIC, QoS::AtMostOnce).is_err() {
                    tracing::warn!("no room to subscribe to {SEEN_TOPIC}");
                }
                LinkEvent::Connected
            }
            Ok(Event::Incoming(Packet::PubAck(_))) => LinkEvent::Acknowledged,
            Ok(Event::Incoming(Packet::Publish(publish))) => match seen(&publish) {
                Some(ts) => LinkEvent::Seen(ts),
                None => continue,
            },
            Ok(Event::Outgoing(Outgoing::Publish(_))) => LinkEvent::Sent,
            Ok(Event::Outgoing(Outgoing::Disconnect)) => LinkEvent::Closed,
            Ok(Event::Incoming(_) | Event::Outgoing(_)) => continue,
            Err(error) => LinkEvent::Lost(error),
        };
        let is_end = matches!(event, LinkEvent::Closed | LinkEvent::Lost(_));
        if events.send(event).await.is_err() || is_end {
            return;
        }
    }
}

#[derive(Deserialize)]
struct SeenPayload {
    ts: Timestamp,
}

/// Reads the time from a message on the head unit's topic. A retained one was said before this command and is no
/// answer.
fn seen(publish: &Publish) -> Option<Timestamp> {
    if publish.retain || publish.topic != SEEN_TOPIC {
        return None;
    }
    match serde_json::from_slice::<SeenPayload>(&publish.payload) {
        Ok(payload) => Some(payload.ts),
        Err(error) => {
            tracing::warn!(%error, "{SEEN_TOPIC} is not readable");
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_are_told_from_what_is_none() {
        let six: Endpoint = "[::1]:1884".parse().unwrap();
        assert_eq!((six.host.as_str(), six.port), ("::1", 1884));
        assert_eq!(six.to_string(), "[::1]:1884");
        assert_eq!(
            "car.local:1".parse::<Endpoint>().unwrap().to_string(),
            "car.local:1"
        );
        for bad in [
            "",
            "localhost",
            "localhost:",
            ":1883",
            "localhost:0",
            "localhost:70000",
        ] {
            assert!(bad.parse::<Endpoint>().is_err(), "{bad}");
        }
    }

    #[test]
    fn only_a_fresh_readable_answer_counts() {
        let mut publish = Publish::new(
            SEEN_TOPIC,
            QoS::AtMostOnce,
            r#"{"ts":"2026-11-22T08:00:01.250Z"}"#,
        );
        assert_eq!(
            seen(&publish),
            Some("2026-11-22T08:00:01.250Z".parse().unwrap())
        );
        publish.retain = true;
        assert_eq!(seen(&publish), None);
        for bad in ["", "{}", r#"{"ts":"soon"}"#, r#"{"ts":12}"#] {
            assert_eq!(
                seen(&Publish::new(SEEN_TOPIC, QoS::AtMostOnce, bad)),
                None,
                "{bad}"
            );
        }
    }
}
