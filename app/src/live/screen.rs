//! Statistics of the window, as the socket tells them.

use serde::{Deserialize, Serialize};

/// Statistics of a window.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScreenLive {
    /// Frames drawn since the start.
    pub frames: u64,
    /// Time of the first frame, in milliseconds after the program began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_frame_ms: Option<u64>,
    /// True while a guest drives, as the engine says.
    pub guest: bool,
    /// The content in front.
    #[serde(flatten)]
    pub shown: ShownPage,
}

/// The content in front.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShownPage {
    /// The page.
    pub page: String,
    /// The drive state, as the pages take it.
    pub drive: String,
    /// True while the calm locked state replaces the page.
    pub locked: bool,
    /// True while dark colours are on.
    pub night: bool,
    /// The language.
    pub language: String,
}
