//! The socket on which a running head unit tells about itself: whoever asks is told once.

use std::fs::Permissions;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::de::DeserializeOwned;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::timeout;

use crate::command::{Ask, CheckIn};
use crate::live::{IntegrityStatus, Live};
use crate::window::Gauge;

/// Name of the socket in the data folder.
const NAME: &str = "dashpoint.sock";
/// Time that either side waits for the other.
const PATIENCE: Duration = Duration::from_secs(2);
/// More than any answer has.
const ANSWER_MAX: u64 = 64 * 1_024;
/// Requests on the socket, one byte each.
const TELL: u8 = b'?';
const SYNC: u8 = b'!';
const CHECK_IN: u8 = b'+';

/// Sources of the answers, and the receiver of commands.
#[derive(Debug)]
pub struct Served {
    /// State of the engine.
    pub live: watch::Receiver<Live>,
    /// Channel for people's commands to the engine.
    pub asks: mpsc::Sender<Ask>,
    /// Result of the check of the ledger.
    pub ledger: watch::Receiver<IntegrityStatus>,
    /// State of the window, when there is one.
    pub gauge: Option<Gauge>,
}

impl Served {
    fn told(&self) -> Live {
        Live {
            ledger: *self.ledger.borrow(),
            screen: self.gauge.as_ref().map(Gauge::read),
            ..self.live.borrow().clone()
        }
    }
}

/// The open socket; it is removed with it.
#[derive(Debug)]
pub struct Socket {
    listener: UnixListener,
    path: PathBuf,
}

impl Socket {
    /// Opens the socket in a data folder. The folder's lock says that nobody else uses one that is there.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn open(folder: &Path) -> io::Result<Self> {
        let path = folder.join(NAME);
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
        let listener = UnixListener::bind(&path)?;
        std::fs::set_permissions(&path, Permissions::from_mode(0o600))?;
        Ok(Self { listener, path })
    }

    /// Answers whoever asks, until the task is ended.
    pub async fn serve(self, served: Served) {
        while let Ok((stream, _)) = self.listener.accept().await {
            let answered = timeout(PATIENCE, answer(stream, &served)).await;
            if !matches!(answered, Ok(Ok(()))) {
                tracing::debug!("somebody asked and did not listen");
            }
        }
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_file(&self.path) {
            tracing::debug!(%error, "the socket is gone already");
        }
    }
}

async fn answer(mut stream: UnixStream, served: &Served) -> io::Result<()> {
    let gone = || io::Error::from(io::ErrorKind::BrokenPipe);
    let told = match stream.read_u8().await? {
        CHECK_IN => {
            let (answer, answered) = oneshot::channel();
            served
                .asks
                .send(Ask::CheckIn(answer))
                .await
                .map_err(|_| gone())?;
            serde_json::to_vec(&answered.await.map_err(|_| gone())?)?
        }
        SYNC => {
            let (answer, answered) = oneshot::channel();
            let ask = Ask::Sync(Some(answer));
            served.asks.send(ask).await.map_err(|_| gone())?;
            serde_json::to_vec(&answered.await.map_err(|_| gone())?)?
        }
        _ => serde_json::to_vec(&served.told())?,
    };
    stream.write_all(&told).await
}

/// Asks the head unit that runs on a data folder; `None` when none does.
pub async fn ask(folder: &Path) -> Option<Live> {
    say(folder, TELL).await
}

/// Tells the head unit that runs on a data folder to reconcile now; returns the number of the attempt, `None` when none
/// runs.
pub async fn sync(folder: &Path) -> Option<u64> {
    say(folder, SYNC).await
}

/// Checks the member in on the head unit that runs on a data folder; `None` when none does.
pub async fn check_in(folder: &Path) -> Option<CheckIn> {
    say(folder, CHECK_IN).await
}

async fn say<T: DeserializeOwned>(folder: &Path, request: u8) -> Option<T> {
    let asking = async {
        let mut stream = UnixStream::connect(folder.join(NAME)).await.ok()?;
        stream.write_all(&[request]).await.ok()?;
        let mut answer = Vec::new();
        stream
            .take(ANSWER_MAX)
            .read_to_end(&mut answer)
            .await
            .ok()?;
        serde_json::from_slice(&answer).ok()
    };
    timeout(PATIENCE, asking).await.ok().flatten()
}
