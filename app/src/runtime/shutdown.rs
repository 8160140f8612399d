//! Waits for the end that somebody outside of the program asks for.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

/// Requests to end the program: SIGTERM, SIGINT, and the window that was closed.
pub(super) struct Shutdown {
    terminate: Signal,
    interrupt: Signal,
    closed: Option<watch::Receiver<bool>>,
}

impl Shutdown {
    pub(super) fn new(closed: Option<watch::Receiver<bool>>) -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            closed,
        })
    }

    /// Returns when the program is to end.
    pub(super) async fn requested(&mut self) {
        let closed = async {
            match &mut self.closed {
                // A window that is gone without a word has been closed, too.
                Some(closed) => drop(closed.wait_for(|closed| *closed).await),
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
            () = closed => {}
        }
    }
}
