//! The one thread that owns the database; everything else sends it work.

mod queue;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use crate::core::CloudCore;
use crate::error::CloudError;
use queue::{Full, Queue};

pub(crate) use queue::{Turn, Weight};

type Job = Box<dyn FnOnce(&mut CloudCore) + Send>;

/// Sends work to the ledger's thread.
#[derive(Debug, Clone)]
pub(crate) struct LedgerHandle {
    gate: Arc<Gate>,
}

/// Tells when the ledger's thread has ended.
#[derive(Debug)]
pub(crate) struct LedgerEnd(oneshot::Receiver<()>);

/// Closes the queue with the last [`LedgerHandle`].
#[derive(Debug)]
struct Gate(Arc<LedgerQueue>);

#[derive(Default)]
struct LedgerQueue {
    waiting: Mutex<Backlog>,
    changed: Condvar,
}

struct Backlog {
    queue: Queue<Job>,
    is_closed: bool,
}

impl Turn {
    /// The cloud's own work.
    pub const OWN: Self = Self {
        weight: Weight::Quick,
        peer: None,
        device: None,
    };
    /// The cloud's own work that takes longer than a look.
    pub const OWN_LONG: Self = Self {
        weight: Weight::Long,
        ..Self::OWN
    };
}

impl LedgerHandle {
    /// Starts the thread; it ends once every [`LedgerHandle`] is gone or it is closed, and the queue is empty.
    pub fn start(mut core: CloudCore) -> std::io::Result<(Self, LedgerEnd)> {
        let shared = Arc::new(LedgerQueue::default());
        let (end, ended) = oneshot::channel();
        let jobs = Arc::clone(&shared);
        std::thread::Builder::new()
            .name("ledger".to_owned())
            .spawn(move || {
                // Also a panic ends the thread: then nobody waits for it in vain.
                let _closes = Gate(Arc::clone(&jobs));
                while let Some(job) = jobs.next() {
                    // A fault of the program in one job is that job's alone: its transaction is rolled back as it is
                    // dropped, and what the core keeps beside the database was read from what is committed.
                    if catch_unwind(AssertUnwindSafe(|| job(&mut core))).is_err() {
                        tracing::error!(
                            "a request failed by a fault of this program; the others go on"
                        );
                    }
                }
                drop(core);
                // Nobody may wait for it any more.
                end.send(()).ok();
            })?;
        let gate = Arc::new(Gate(shared));
        Ok((Self { gate }, LedgerEnd(ended)))
    }

    /// Does a job on the ledger's thread and brings back its result.
    ///
    /// A full queue refuses it with [`CloudError::Busy`]: the car keeps its entries and comes back.
    pub async fn call<R, E>(
        &self,
        turn: Turn,
        job: impl FnOnce(&mut CloudCore) -> Result<R, E> + Send + 'static,
    ) -> Result<R, E>
    where
        R: Send + 'static,
        E: From<CloudError> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        let job = Box::new(move |core: &mut CloudCore| {
            // Whoever asked may have hung up; the work is done and kept all the same.
            drop(answer.send(job(core)));
        });
        self.gate.0.push(turn, job)?;
        answered.await.map_err(|_| self.gate.0.why_not())?
    }

    /// Takes no more work and forgets what has not begun: who waits for it is told to come back.
    pub fn close(&self) {
        self.gate.0.close(true);
    }
}

impl LedgerEnd {
    /// Waits for the end; `false` when the thread ended with a panic.
    pub async fn wait(self) -> bool {
        self.0.await.is_ok()
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        // With nobody left who could ask, what waits is done; after a panic it cannot be.
        self.0.close(std::thread::panicking());
    }
}

impl LedgerQueue {
    fn waiting(&self) -> MutexGuard<'_, Backlog> {
        // No job runs under the lock, and each change of the queue is whole.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, turn: Turn, job: Job) -> Result<(), CloudError> {
        let mut waiting = self.waiting();
        if waiting.is_closed {
            return Err(CloudError::Stopping);
        }
        let left = waiting.queue.push(turn, job);
        drop(waiting);
        // A job that had to leave is dropped outside the lock, which answers whoever waits for it.
        let left = left.map_err(|Full| CloudError::Busy)?;
        drop(left);
        self.changed.notify_one();
        Ok(())
    }

    /// The next job; `None` at the end.
    fn next(&self) -> Option<Job> {
        let mut waiting = self.waiting();
        loop {
            match waiting.queue.pop() {
                Some(job) => return Some(job),
                None if waiting.is_closed => return None,
                None => {
                    waiting = self
                        .changed
                        .wait(waiting)
                        .unwrap_or_else(PoisonError::into_inner);
                }
            }
        }
    }

    fn close(&self, forget: bool) {
        let mut waiting = self.waiting();
        waiting.is_closed = true;
        let forgotten = if forget {
            waiting.queue.clear()
        } else {
            Vec::new()
        };
        drop(waiting);
        drop(forgotten);
        self.changed.notify_one();
    }

    /// Returns the reason that a job was not done.
    fn why_not(&self) -> CloudError {
        if self.waiting().is_closed {
            CloudError::Stopping
        } else {
            CloudError::Busy
        }
    }
}

impl Default for Backlog {
    fn default() -> Self {
        Self {
            queue: Queue::new(),
            is_closed: false,
        }
    }
}

impl std::fmt::Debug for LedgerQueue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LedgerQueue").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use dashpoint_membership::ServerTime;
    use dashpoint_wire::SigningKey;

    use super::*;
    use crate::clock::ClockKind;
    use crate::open_in_memory;

    /// Without this one entry that the program cannot work out would stop the cloud for everybody, and again after each
    /// restart, when its car sends it once more.
    #[tokio::test]
    async fn a_fault_in_one_job_is_that_job_s_alone() {
        let core = CloudCore::start(
            open_in_memory().unwrap(),
            SigningKey::from_seed(&[1; 32]),
            ClockKind::System,
            ServerTime::from_unix_s(1_795_320_000),
        );
        let (ledger, end) = LedgerHandle::start(core.unwrap()).unwrap();
        let faulty = |_: &mut CloudCore| -> Result<(), CloudError> { panic!("planted") };
        let failed = ledger.call(Turn::OWN, faulty).await;
        assert!(matches!(failed, Err(CloudError::Busy)), "{failed:?}");
        let done: Result<u8, CloudError> = ledger.call(Turn::OWN, |_| Ok(7)).await;
        assert_eq!(done.unwrap(), 7);
        drop(ledger);
        assert!(end.wait().await);
    }
}
