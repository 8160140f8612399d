//! Checks the whole ledger while the head unit runs: neither the first frame nor the bus waits for it.

use std::future::pending;
use std::path::Path;

use dashpoint_store::{CheckDepth, Finding, StoreError, StoreReader};
use tokio::sync::watch;
use tokio::task::spawn_blocking;

use crate::live::IntegrityStatus;

/// Checks the ledger of a data folder on a thread of its own, and returns only when it is damaged: the owner of the folder
/// then opens it again, which salvages it. Dropped, it ends the check.
pub(super) async fn wait_for_corruption(folder: &Path, looks: &watch::Sender<IntegrityStatus>) {
    let looked = match StoreReader::open(folder, None, None) {
        Ok(reader) => {
            let _ends_with_this = reader.stopper();
            let looking = spawn_blocking(move || reader.check(CheckDepth::Full));
            match looking.await {
                Ok(looked) => looked,
                Err(error) => {
                    tracing::error!(%error, "nobody looks at the ledger");
                    looks.send_replace(IntegrityStatus::Unread);
                    return pending::<()>().await;
                }
            }
        }
        Err(error) => Err(error),
    };
    match verdict(&looked) {
        Some(look) => {
            looks.send_replace(look);
            if let Err(error) = looked {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "the ledger could not be looked at"
                );
            }
            pending::<()>().await;
        }
        None => {
            for finding in looked.iter().flatten() {
                tracing::error!(%finding, "the ledger is damaged");
            }
        }
    }
}

/// Returns the result of a check to report; `None` when the ledger is damaged.
fn verdict(looked: &Result<Vec<Finding>, StoreError>) -> Option<IntegrityStatus> {
    match looked {
        Ok(findings) if findings.is_empty() => Some(IntegrityStatus::Whole),
        Ok(_) => None,
        Err(error) if error.is_corrupt() => None,
        // A device that does not give a page says nothing of the file.
        Err(_) => Some(IntegrityStatus::Unread),
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::path::PathBuf;

    use super::*;

    #[test]
    fn only_what_is_wrong_with_the_file_is_damage() {
        let unread = StoreError::Io {
            doing: "read",
            path: PathBuf::from("ledger.db"),
            source: io::Error::other("the device"),
        };
        let table = [
            (Ok(Vec::new()), Some(IntegrityStatus::Whole)),
            (Ok(vec![Finding::File("page 7".to_owned())]), None),
            (Err(StoreError::Damaged { what: "entry" }), None),
            (Err(unread), Some(IntegrityStatus::Unread)),
        ];
        for (looked, expected) in table {
            assert_eq!(verdict(&looked), expected, "{looked:?}");
        }
    }
}
