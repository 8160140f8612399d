//! Facts of a mapping file that hold for all of its signals.

use crate::bus::TOPIC_PREFIX;
use crate::bus::time_form::TimeForm;

/// Facts of the whole file.
#[derive(Debug, Clone)]
pub(super) struct FileFacts {
    pub(super) format: i64,
    pub(super) prefix: String,
    /// Names that stand for `+`, in their order; empty when no vehicle is named.
    pub(super) vehicle: Vec<String>,
    /// Format of times that have none of their own.
    pub(super) time_form: Option<TimeForm>,
}

impl FileFacts {
    /// A file that says nothing of its own.
    pub(super) fn new(format: i64) -> Self {
        Self {
            format,
            prefix: TOPIC_PREFIX.to_owned(),
            vehicle: Vec::new(),
            time_form: None,
        }
    }
}
