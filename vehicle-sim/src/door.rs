//! The door of the hosted broker: clients come in here and are led to the rumqttd behind it.
//!
//! rumqttd cannot be stopped, so a restart leads to a new one, and only the door can be shut. And rumqttd leaves Nagle's
//! algorithm on: a small packet waits until the one before it is acknowledged, which takes a kernel 40 ms when it has
//! nothing to say itself. The door acknowledges at once.

use std::future::pending;
use std::io;
use std::net::{Ipv4Addr, TcpListener as StdListener};

use tokio::io::AsyncWriteExt;
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

const BUFFER: usize = 16 * 1024;

/// The port of the broker behind the door; `None` while it is shut.
pub(crate) type Behind = Option<u16>;

/// Leads everybody who comes to the broker behind, until nobody can tell any more where that is.
pub(crate) async fn stand_open(listener: StdListener, behind: watch::Receiver<Behind>) {
    let listener = match listener
        .set_nonblocking(true)
        .and_then(|()| TcpListener::from_std(listener))
    {
        Ok(listener) => listener,
        Err(error) => {
            tracing::error!(%error, "the door of the MQTT broker does not open");
            return;
        }
    };
    loop {
        match listener.accept().await {
            Ok((client, _)) => {
                let behind = behind.clone();
                // It ends with either side of the connection, or when the door is shut.
                tokio::spawn(lead(client, behind));
            }
            Err(error) => tracing::debug!(%error, "a client did not come in"),
        }
    }
}

async fn lead(client: TcpStream, mut behind: watch::Receiver<Behind>) {
    let Some(port) = *behind.borrow_and_update() else {
        return;
    };
    tokio::select! {
        outcome = carry_both(client, port) => {
            if let Err(error) = outcome {
                tracing::debug!(%error, "a connection ended");
            }
        }
        () = shut(&mut behind) => {}
    }
}

/// Resolves when the broker behind is no longer the one it was.
async fn shut(behind: &mut watch::Receiver<Behind>) {
    if behind.changed().await.is_err() {
        pending::<()>().await;
    }
}

async fn carry_both(mut client: TcpStream, port: u16) -> io::Result<()> {
    let mut broker = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await?;
    client.set_nodelay(true)?;
    broker.set_nodelay(true)?;
    let (from_client, to_client) = client.split();
    let (from_broker, to_broker) = broker.split();
    tokio::try_join!(carry(from_client, to_broker), carry(from_broker, to_client))?;
    Ok(())
}

/// Carries one way until its end, which it passes on.
async fn carry(mut from: ReadHalf<'_>, mut to: WriteHalf<'_>) -> io::Result<()> {
    let mut buffer = vec![0; BUFFER];
    loop {
        from.as_ref().readable().await?;
        let read = match from.try_read(&mut buffer) {
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => continue,
            Err(error) => return Err(error),
        };
        let Some(bytes) = buffer.get(..read).filter(|bytes| !bytes.is_empty()) else {
            return to.shutdown().await;
        };
        acknowledge(&mut from)?;
        to.write_all(bytes).await?;
    }
}

/// The kernel forgets it with each packet.
#[cfg(target_os = "linux")]
fn acknowledge(from: &mut ReadHalf<'_>) -> io::Result<()> {
    from.as_ref().set_quickack(true)
}

/// Elsewhere it is only slower.
#[cfg(not(target_os = "linux"))]
#[expect(clippy::unnecessary_wraps, reason = "as on Linux")]
fn acknowledge(_: &mut ReadHalf<'_>) -> io::Result<()> {
    Ok(())
}
