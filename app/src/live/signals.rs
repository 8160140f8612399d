//! Statistics of each signal, as the socket tells them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Statistics of one signal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignalLive {
    /// Its VSS path.
    pub path: String,
    /// True when anything was received of it since the start.
    pub seen: bool,
    /// Newest time taken, in milliseconds since 1970-01-01T00:00:00Z.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_ts_ms: Option<i64>,
    /// Messages a minute, over the last ten seconds of the head unit's own time.
    pub per_minute: u64,
    /// Samples taken.
    pub taken: u64,
    /// Messages refused, by kind.
    pub refused: BTreeMap<String, u64>,
}
