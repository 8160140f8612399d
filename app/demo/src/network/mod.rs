//! The network between car and cloud: there or not, good or bad.

mod command;
mod faults;
mod relay;

pub use command::{ProxyArgs, proxy};
pub use faults::Faults;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use anyhow::Context;
use tokio::net::TcpSocket;
use tokio::task::JoinHandle;

use relay::Relay;

/// Connections that may wait to be taken.
const BACKLOG: u32 = 64;
/// Faults of a story strike the same each time.
const SEED: u64 = 1;

/// A network to one cloud. The car knows its address and none other.
#[derive(Debug)]
pub struct Network {
    /// Keeps the port while nobody listens on it, so that nothing else of this machine takes it meanwhile.
    _seat: TcpSocket,
    address: SocketAddr,
    relay: Arc<Relay>,
    serving: Option<JoinHandle<std::io::Error>>,
}

impl Network {
    /// A network to the cloud at `to`, on a free port; it is there.
    ///
    /// # Errors
    /// When there is no port to be had.
    pub fn open(to: SocketAddr) -> anyhow::Result<Self> {
        let seat = seat((Ipv4Addr::LOCALHOST, 0).into())?;
        let address = seat.local_addr()?;
        let mut network = Self {
            _seat: seat,
            address,
            relay: Arc::new(Relay::new(to, Faults::default(), SEED, |_| {})),
            serving: None,
        };
        network.come_back()?;
        Ok(network)
    }

    /// Returns the address at which the car reaches the cloud.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Returns whether there is a network.
    pub const fn is_up(&self) -> bool {
        self.serving.is_some()
    }

    /// Is gone: connections break, and new ones are refused.
    pub async fn go(&mut self) {
        if let Some(serving) = self.serving.take() {
            serving.abort();
            // Aborted is how it ends; from here on nobody listens.
            drop(serving.await);
        }
    }

    /// Is there again.
    ///
    /// # Errors
    /// When its port cannot be listened on.
    pub fn come_back(&mut self) -> anyhow::Result<()> {
        if self.serving.is_none() {
            let listener = seat(self.address)?.listen(BACKLOG);
            let listener = listener.context("the network cannot be listened on")?;
            self.serving = Some(tokio::spawn(Arc::clone(&self.relay).serve(listener)));
        }
        Ok(())
    }

    /// Is so bad from the next request on.
    pub fn set_faults(&self, faults: Faults) {
        self.relay.set_faults(faults);
    }
}

fn seat(address: SocketAddr) -> anyhow::Result<TcpSocket> {
    let socket = TcpSocket::new_v4().context("no socket for the network")?;
    socket.set_reuseport(true)?;
    socket
        .bind(address)
        .with_context(|| format!("{address} cannot be had for the network"))?;
    Ok(socket)
}
