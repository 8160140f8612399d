//! The connection to the in-vehicle broker, with the part of MQTT 3.1.1 that the bus needs: subscribe, acknowledge, ping,
//! and publish with QoS 0.
//!
//! The packets are encoded and decoded by rumqttc. Its event loop is not used: it closes the connection at a message that
//! is too large and does not name the topic, so that one retained message would end every connection to the bus.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use rumqttc::mqttbytes;
use rumqttc::tokio_rustls::TlsConnector;
use rumqttc::{
    Connect, ConnectReturnCode, Packet, PubAck, PubComp, PubRec, Publish, QoS, SubAck, Subscribe,
    SubscribeFilter, SubscribeReasonCode,
};
use rustls::pki_types::{InvalidDnsNameError, ServerName};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until, timeout};

use super::access::{BusConfig, BusLogin};
use super::pulse::{KEEP_ALIVE_S, Pulse, Silent};
use super::shorten::{FrameShortener, MalformedLength};

/// Time for a connection to be there, with the broker's word that it is.
const OPEN_MAX: Duration = Duration::from_secs(5);
/// Time for the broker to take what is written to it.
const WRITE_MAX: Duration = Duration::from_secs(5);
/// Bytes that are read at once.
const CHUNK: usize = 16 * 1_024;
/// Largest packet, in bytes: a shortened message with the longest topic has 69,641.
const PACKET_MAX: usize = 72 * 1_024;
/// Packet identifier of the subscription, the only packet of the head unit that needs one.
const SUBSCRIPTION: u16 = 1;

/// Reasons that there is no connection, or none any more.
#[derive(Debug, thiserror::Error)]
pub(super) enum BusLinkError {
    #[error(transparent)]
    Silent(#[from] Silent),
    #[error("the broker takes too long")]
    Slow,
    #[error("the broker has closed the connection")]
    Closed,
    #[error("the connection broke")]
    Io(#[from] io::Error),
    #[error("no certificate can be for this host")]
    Host(#[from] InvalidDnsNameError),
    #[error("the broker refuses the head unit: {0:?}")]
    Refused(ConnectReturnCode),
    #[error("a packet that cannot be read")]
    Malformed(#[from] mqttbytes::Error),
    #[error(transparent)]
    Length(#[from] MalformedLength),
    #[error("a packet that has no place there")]
    Unexpected,
}

/// A connection in both directions, encrypted or not.
trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

/// A connection that the broker has accepted.
pub(super) struct BusLink {
    stream: Box<dyn Duplex>,
    chunk: Box<[u8]>,
    shortener: FrameShortener,
    incoming: BytesMut,
    outgoing: BytesMut,
    to_publish: mpsc::Receiver<Publish>,
    pulse: Pulse,
}

impl BusLink {
    /// Connects to the broker and subscribes to the topics of the mapping. It publishes what the channel brings.
    ///
    /// # Errors
    /// [`BusLinkError`]; within [`OPEN_MAX`].
    pub(super) async fn open(
        config: &BusConfig,
        to_publish: mpsc::Receiver<Publish>,
    ) -> Result<Self, BusLinkError> {
        let opened = async {
            let mut link = Self::over(open_stream(config).await?, to_publish);
            link.write(&Packet::Connect(connect_packet(config)))?;
            let Packet::ConnAck(answer) = link.packet().await? else {
                return Err(BusLinkError::Unexpected);
            };
            if answer.code != ConnectReturnCode::Success {
                return Err(BusLinkError::Refused(answer.code));
            }
            link.write(&Packet::Subscribe(subscribe_packet(config)))?;
            link.flush().await?;
            Ok(link)
        };
        timeout(OPEN_MAX, opened)
            .await
            .map_err(|_| BusLinkError::Slow)?
    }

    fn over(stream: Box<dyn Duplex>, to_publish: mpsc::Receiver<Publish>) -> Self {
        Self {
            stream,
            chunk: vec![0; CHUNK].into_boxed_slice(),
            shortener: FrameShortener::default(),
            incoming: BytesMut::new(),
            outgoing: BytesMut::new(),
            to_publish,
            pulse: Pulse::new(Instant::now()),
        }
    }

    /// Waits for the next message and acknowledges it. A message that is too large has lost its end, and the parser refuses it.
    ///
    /// # Errors
    /// [`BusLinkError`]; the connection is of no use then.
    pub(super) async fn message(&mut self) -> Result<Publish, BusLinkError> {
        loop {
            match self.packet().await? {
                Packet::Publish(publish) => {
                    match publish.qos {
                        QoS::AtMostOnce => {}
                        QoS::AtLeastOnce => {
                            self.write(&Packet::PubAck(PubAck::new(publish.pkid)))?;
                        }
                        // The subscription is of QoS 1. A broker that ignores that is answered all the same.
                        QoS::ExactlyOnce => {
                            self.write(&Packet::PubRec(PubRec::new(publish.pkid)))?;
                        }
                    }
                    return Ok(publish);
                }
                Packet::PubRel(release) => {
                    self.write(&Packet::PubComp(PubComp::new(release.pkid)))?;
                }
                Packet::SubAck(answer) => tell_refused(&answer),
                Packet::PingResp => {}
                Packet::Connect(_)
                | Packet::ConnAck(_)
                | Packet::PubAck(_)
                | Packet::PubRec(_)
                | Packet::PubComp(_)
                | Packet::Subscribe(_)
                | Packet::Unsubscribe(_)
                | Packet::UnsubAck(_)
                | Packet::PingReq
                | Packet::Disconnect => return Err(BusLinkError::Unexpected),
            }
        }
    }

    /// Waits for the next packet, and meanwhile sends what is due.
    async fn packet(&mut self) -> Result<Packet, BusLinkError> {
        loop {
            match Packet::read(&mut self.incoming, PACKET_MAX) {
                Ok(packet) => return Ok(packet),
                Err(mqttbytes::Error::InsufficientBytes(_)) => {}
                Err(error) => return Err(error.into()),
            }
            self.flush().await?;
            self.wait().await?;
        }
    }

    /// Reads bytes, or encodes the next packet to send.
    async fn wait(&mut self) -> Result<(), BusLinkError> {
        tokio::select! {
            // Bytes that have arrived count before the ping's time does.
            biased;
            read = self.stream.read(&mut self.chunk) => {
                let read = read?;
                if read == 0 {
                    return Err(BusLinkError::Closed);
                }
                self.pulse.handle_bytes();
                self.shortener.shorten(&self.chunk[..read], &mut self.incoming)?;
            }
            Some(publish) = self.to_publish.recv() => self.write(&Packet::Publish(publish))?,
            () = sleep_until(self.pulse.poll_timeout()) => {
                self.pulse.handle_timeout(Instant::now())?;
                self.write(&Packet::PingReq)?;
            }
        }
        Ok(())
    }

    fn write(&mut self, packet: &Packet) -> Result<(), BusLinkError> {
        packet.write(&mut self.outgoing, usize::MAX)?;
        Ok(())
    }

    async fn flush(&mut self) -> Result<(), BusLinkError> {
        if self.outgoing.is_empty() {
            return Ok(());
        }
        let written = async {
            self.stream.write_all(&self.outgoing).await?;
            self.stream.flush().await
        };
        timeout(WRITE_MAX, written)
            .await
            .map_err(|_| BusLinkError::Slow)??;
        self.outgoing.clear();
        Ok(())
    }
}

async fn open_stream(config: &BusConfig) -> Result<Box<dyn Duplex>, BusLinkError> {
    let tcp = TcpStream::connect(format!("{}:{}", config.host, config.port)).await?;
    // Acknowledgements and `seen` are small packets, and the receivers wait for them.
    tcp.set_nodelay(true)?;
    let Some(tls) = &config.tls else {
        return Ok(Box::new(tcp));
    };
    let host = ServerName::try_from(config.host.clone())?;
    let connector = TlsConnector::from(Arc::clone(tls));
    Ok(Box::new(connector.connect(host, tcp).await?))
}

fn connect_packet(config: &BusConfig) -> Connect {
    // Each connection has another id: of two clients with one id a broker disconnects the older one.
    let mut packet = Connect::new(format!(
        "dashpoint-{:x}-{:x}",
        std::process::id(),
        crate::clock::system_unix_ms()
    ));
    packet.keep_alive = KEEP_ALIVE_S;
    packet.clean_session = true;
    if let Some(BusLogin { user, password }) = &config.login {
        packet.set_credentials(user.clone(), password.clone());
    }
    packet
}

/// Tells subscriptions that the broker refuses: nothing arrives by them, and the connection lives all the same.
fn tell_refused(answer: &SubAck) {
    let refused = refused(answer);
    if refused > 0 {
        let all = answer.return_codes.len();
        tracing::warn!(
            refused,
            all,
            "the broker refuses subscriptions: its access list must let this head unit read the topics"
        );
    }
}

/// Counts the refused subscriptions.
fn refused(answer: &SubAck) -> usize {
    let codes = answer.return_codes.iter();
    codes
        .filter(|code| matches!(code, SubscribeReasonCode::Failure))
        .count()
}

fn subscribe_packet(config: &BusConfig) -> Subscribe {
    let topics = config.mapping.topics().iter().cloned();
    let filters = topics.map(|topic| SubscribeFilter::new(topic, QoS::AtLeastOnce));
    let mut packet = Subscribe::new_many(filters);
    packet.pkid = SUBSCRIPTION;
    packet
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refused_subscriptions_are_counted() {
        let taken = SubscribeReasonCode::Success(QoS::AtLeastOnce);
        for (codes, expected) in [
            (vec![], 0),
            (vec![taken, taken], 0),
            (vec![taken, SubscribeReasonCode::Failure], 1),
        ] {
            assert_eq!(refused(&SubAck::new(SUBSCRIPTION, codes)), expected);
        }
    }
}
