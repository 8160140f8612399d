//! The one thread that owns the database; everything else sends it work.

use std::thread::JoinHandle;

use tokio::sync::{mpsc, oneshot};

use crate::core::CloudCore;
use crate::error::CloudError;

/// Jobs that may wait. A full queue refuses new ones with [`CloudError::Busy`]: the car keeps its entries and comes back.
const QUEUE: usize = 256;

type Job = Box<dyn FnOnce(&mut CloudCore) + Send>;

/// Sends work to the ledger's thread.
#[derive(Debug, Clone)]
pub(crate) struct Ledger {
    jobs: mpsc::Sender<Job>,
}

impl Ledger {
    /// Starts the thread; it ends once every [`Ledger`] is gone and the queue is empty.
    pub fn start(mut core: CloudCore) -> std::io::Result<(Self, JoinHandle<()>)> {
        let (jobs, mut queue) = mpsc::channel::<Job>(QUEUE);
        let thread = std::thread::Builder::new()
            .name("ledger".to_owned())
            .spawn(move || {
                while let Some(job) = queue.blocking_recv() {
                    job(&mut core);
                }
            })?;
        Ok((Self { jobs }, thread))
    }

    /// Does a job on the ledger's thread and brings back its result.
    pub async fn call<R, E>(
        &self,
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
        self.jobs.try_send(job).map_err(|refused| match refused {
            mpsc::error::TrySendError::Full(_) => CloudError::Busy,
            mpsc::error::TrySendError::Closed(_) => CloudError::Stopping,
        })?;
        answered.await.map_err(|_| CloudError::Stopping)?
    }
}
