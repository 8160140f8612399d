//! The socket on which a running head unit tells about itself: whoever asks is told once.

use std::fs::Permissions;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde::de::DeserializeOwned;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::command::{Ask, CheckIn};
use crate::live::{IntegrityStatus, Live};
use crate::window::Gauge;

/// Name of the socket in the data folder.
const NAME: &str = "dashpoint.sock";
/// Time for one answer: more than the engine may hang in a commit to each of its files.
const ANSWER_PATIENCE: Duration = Duration::from_secs(15);
/// Time that a client waits: more than [`ANSWER_PATIENCE`], so that the running side decides that there is no answer.
const CLIENT_PATIENCE: Duration = Duration::from_secs(20);
/// Clients that are answered at once; more wait at the socket.
const CLIENTS_MAX: usize = 32;
/// Pause after a connection that could not be taken.
const ACCEPT_PAUSE: Duration = Duration::from_millis(500);
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

    /// Answers whoever asks, each beside the others, until the task is ended.
    pub async fn serve(self, served: Served) {
        let served = Arc::new(served);
        let mut answers = JoinSet::new();
        loop {
            tokio::select! {
                Some(_) = answers.join_next() => {}
                accepted = self.listener.accept(), if answers.len() < CLIENTS_MAX => match accepted {
                    Ok((stream, _)) => {
                        answers.spawn(answer_in_time(stream, Arc::clone(&served)));
                    }
                    Err(error) => {
                        tracing::warn!(%error, "a connection to the socket cannot be taken");
                        sleep(ACCEPT_PAUSE).await;
                    }
                },
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

async fn answer_in_time(stream: UnixStream, served: Arc<Served>) {
    match timeout(ANSWER_PATIENCE, answer(stream, &served)).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!(%error, "somebody asked and did not listen"),
        Err(_) => tracing::warn!(
            waited_s = ANSWER_PATIENCE.as_secs(),
            "somebody asked and the engine does not answer"
        ),
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

/// The reason that a head unit did not answer.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// No program listens in the data folder.
    #[error("no head unit runs")]
    NotRunning(#[source] io::Error),
    /// The socket is another user's.
    #[error("the socket of the head unit is another user's")]
    NotAllowed(#[source] io::Error),
    /// One listens, and gave no answer, or half of one.
    #[error("the head unit gave no answer")]
    NoAnswer(#[source] io::Error),
}

impl AskError {
    fn of_connecting(error: io::Error) -> Self {
        use io::ErrorKind::{ConnectionRefused, NotADirectory, NotFound, PermissionDenied};
        let kind = error.kind();
        // A program that was killed leaves its file, and nobody listens behind it.
        if matches!(kind, NotFound | NotADirectory | ConnectionRefused) {
            Self::NotRunning(error)
        } else if kind == PermissionDenied {
            Self::NotAllowed(error)
        } else {
            Self::NoAnswer(error)
        }
    }
}

/// Asks the head unit that runs on a data folder.
///
/// # Errors
/// [`AskError`].
pub async fn ask(folder: &Path) -> Result<Live, AskError> {
    say(folder, TELL).await
}

/// Tells the head unit that runs on a data folder to reconcile now; returns the number of the attempt.
///
/// # Errors
/// [`AskError`].
pub async fn sync(folder: &Path) -> Result<u64, AskError> {
    say(folder, SYNC).await
}

/// Checks the member in on the head unit that runs on a data folder.
///
/// # Errors
/// [`AskError`]; after [`AskError::NoAnswer`] it may be signed all the same.
pub async fn check_in(folder: &Path) -> Result<CheckIn, AskError> {
    say(folder, CHECK_IN).await
}

async fn say<T: DeserializeOwned>(folder: &Path, request: u8) -> Result<T, AskError> {
    let asking = async {
        let mut stream = UnixStream::connect(folder.join(NAME))
            .await
            .map_err(AskError::of_connecting)?;
        exchange(&mut stream, request)
            .await
            .map_err(AskError::NoAnswer)
    };
    timeout(CLIENT_PATIENCE, asking)
        .await
        .unwrap_or_else(|late| Err(AskError::NoAnswer(late.into())))
}

async fn exchange<T: DeserializeOwned>(stream: &mut UnixStream, request: u8) -> io::Result<T> {
    stream.write_all(&[request]).await?;
    let mut answer = Vec::new();
    stream.take(ANSWER_MAX).read_to_end(&mut answer).await?;
    if answer.is_empty() {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(serde_json::from_slice(&answer)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The receiver in the engine's place.
    type Asked = mpsc::Receiver<Ask>;

    fn serve(folder: &Path) -> (JoinSet<()>, Asked, watch::Sender<Live>) {
        let (live, live_receiver) = watch::channel(Live::default());
        let (_, ledger) = watch::channel(IntegrityStatus::Whole);
        let (asks, asked) = mpsc::channel(4);
        let served = Served {
            live: live_receiver,
            asks,
            ledger,
            gauge: None,
        };
        let mut tasks = JoinSet::new();
        tasks.spawn(Socket::open(folder).unwrap().serve(served));
        (tasks, asked, live)
    }

    async fn next_check_in(asked: &mut Asked) -> oneshot::Sender<CheckIn> {
        match asked.recv().await {
            Some(Ask::CheckIn(answer)) => answer,
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn an_engine_that_hangs_keeps_nobody_from_being_told_and_its_late_answer_arrives() {
        let folder = tempfile::tempdir().unwrap();
        let (_tasks, mut asked, live) = serve(folder.path());
        let path = folder.path().to_owned();
        let checking_in = tokio::spawn(async move { check_in(&path).await });
        let answer = next_check_in(&mut asked).await;
        // It is in a commit now. Whoever asks meanwhile is told how it stands, one and the next.
        for waiting in 1..=3 {
            live.send_modify(|live| live.waiting = waiting);
            assert_eq!(ask(folder.path()).await.unwrap().waiting, waiting);
        }
        assert!(!checking_in.is_finished());
        answer.send(CheckIn::Done { points: 5 }).unwrap();
        let told = checking_in.await.unwrap().unwrap();
        assert_eq!(told, CheckIn::Done { points: 5 });
    }

    #[tokio::test]
    async fn a_head_unit_that_does_not_run_is_told_from_one_that_does_not_answer() {
        let folder = tempfile::tempdir().unwrap();
        let not_running = |error: &AskError| matches!(error, AskError::NotRunning(_));
        assert!(not_running(&ask(folder.path()).await.unwrap_err()));
        // The file that a killed program leaves.
        drop(UnixListener::bind(folder.path().join(NAME)).unwrap());
        assert!(not_running(&sync(folder.path()).await.unwrap_err()));

        let (_tasks, mut asked, _live) = serve(folder.path());
        let engine = async { drop(next_check_in(&mut asked).await) };
        let ((), told) = tokio::join!(engine, check_in(folder.path()));
        assert!(matches!(told, Err(AskError::NoAnswer(_))), "{told:?}");
    }

    #[tokio::test]
    async fn clients_that_say_nothing_are_bounded_and_the_next_one_is_answered_after_one_of_them() {
        let folder = tempfile::tempdir().unwrap();
        let (_tasks, _asked, _live) = serve(folder.path());
        let mut silent = Vec::new();
        for _ in 0..CLIENTS_MAX {
            silent.push(UnixStream::connect(folder.path().join(NAME)).await.unwrap());
        }
        let path = folder.path().to_owned();
        let next = tokio::spawn(async move { ask(&path).await });
        // More turns than its answer takes where there is room for it.
        for _ in 0..1_000 {
            tokio::task::yield_now().await;
        }
        assert!(!next.is_finished(), "more than so many at once");
        silent.pop();
        assert!(next.await.unwrap().is_ok());
    }

    #[test]
    fn a_client_waits_longer_than_the_side_that_knows() {
        assert!(CLIENT_PATIENCE > ANSWER_PATIENCE);
    }
}
