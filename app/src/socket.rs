//! The socket on which a running head unit tells about itself: whoever asks is told once.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use dashpoint_sync::Event;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;

use crate::engine::Live;

/// Name of the socket in the data folder.
const NAME: &str = "dashpoint.sock";
/// How long either side waits for the other.
const PATIENCE: Duration = Duration::from_secs(2);
/// More than any answer has.
const ANSWER_MAX: u64 = 64 * 1_024;
/// Asks what the head unit tells about itself.
const ASK: u8 = b'?';
/// Asks for the same, after telling it to reconcile now.
const SYNC: u8 = b'!';

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
        Ok(Self {
            listener: UnixListener::bind(&path)?,
            path,
        })
    }

    /// Answers whoever asks, until the task is ended.
    pub async fn serve(self, live: watch::Receiver<Live>, events: mpsc::Sender<Event>) {
        while let Ok((stream, _)) = self.listener.accept().await {
            if !matches!(
                timeout(PATIENCE, answer(stream, &live, &events)).await,
                Ok(Ok(()))
            ) {
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

async fn answer(
    mut stream: UnixStream,
    live: &watch::Receiver<Live>,
    events: &mpsc::Sender<Event>,
) -> io::Result<()> {
    if stream.read_u8().await? == SYNC && events.send(Event::SyncRequested).await.is_err() {
        return Ok(());
    }
    let told = serde_json::to_vec(&*live.borrow())?;
    stream.write_all(&told).await
}

/// Asks the head unit that runs on a data folder; `None` when none does.
pub async fn ask(folder: &Path) -> Option<Live> {
    say(folder, ASK).await
}

/// Tells the head unit that runs on a data folder to reconcile now; `None` when none does.
pub async fn sync(folder: &Path) -> Option<Live> {
    say(folder, SYNC).await
}

async fn say(folder: &Path, request: u8) -> Option<Live> {
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
