//! Waiting for what must come: by looking, within bounds, never by a fixed pause.

use std::time::Duration;

use anyhow::bail;
use tokio::time::{Instant, sleep};

/// More than anything takes on a machine with a lot to do.
const PATIENCE: Duration = Duration::from_secs(180);
/// Between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(40);

/// Looks until there is something to see.
///
/// # Errors
/// The error of a look, and one for a wait of minutes: then the line names `what` was waited for.
pub(crate) async fn wait_for<T>(
    what: &str,
    mut look: impl AsyncFnMut() -> anyhow::Result<Option<T>>,
) -> anyhow::Result<T> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(seen) = look().await? {
            return Ok(seen);
        }
        if Instant::now() > deadline {
            bail!(
                "waited {} s in vain until {what}; play it with --keep DIR and read the logs there",
                PATIENCE.as_secs()
            );
        }
        sleep(LOOK_EVERY).await;
    }
}
