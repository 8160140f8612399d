//! Causes of an error that have words of their own.

use std::path::Path;

use anyhow::Chain;
use dashpoint_store::StoreError;

use crate::books::BooksError;
use crate::engine::EngineError;

/// Finds the error of the store that is the cause, if one is.
pub(super) fn store_error(error: &anyhow::Error) -> Option<&StoreError> {
    error.chain().find_map(|cause| {
        cause
            .downcast_ref::<StoreError>()
            .or_else(|| match cause.downcast_ref::<BooksError>()? {
                BooksError::Store(store) => Some(store),
                BooksError::NotEnrolled
                | BooksError::OtherCloud(_)
                | BooksError::OwnEntry { .. } => None,
            })
            .or_else(|| match cause.downcast_ref::<EngineError>()? {
                EngineError::Store(store) => Some(store),
                EngineError::Books(_) | EngineError::ShippedPolicy(_) => None,
            })
    })
}

/// Words an error and its causes, without those that only repeat the one above.
pub(super) fn one_line(error: Chain<'_>) -> String {
    let mut line = String::new();
    for cause in error.map(ToString::to_string) {
        if line.is_empty() {
            line = cause;
        } else if !line.contains(&cause) {
            line = format!("{line}: {cause}");
        }
    }
    line.replace('\n', " ")
}

/// Tells whether a path that is no file looks like an entry: epoch and place as logs have them.
pub(super) fn is_like_an_entry(path: &Path) -> bool {
    let numbers = path.to_str().and_then(|text| text.split_once('/'));
    numbers.is_some_and(|(epoch, seq)| epoch.parse::<u32>().is_ok() && seq.parse::<u64>().is_ok())
}
