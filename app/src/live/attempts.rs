//! Counts the attempts to reconcile that people asked for, so that each of them learns what came of his.

use dashpoint_sync::Effect;
use serde::{Deserialize, Serialize};

/// State of the attempts to reconcile that people asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempts {
    /// Number of the newest attempt, from 1; 0 while nobody has asked.
    pub begun: u64,
    /// Number of the newest attempt that has ended.
    pub ended: u64,
    /// Entries that the cloud has confirmed since the newest attempt began, each by a verdict and a receipt.
    #[serde(rename = "entries_confirmed")]
    pub confirmed: u64,
    /// Entries that it has held back since then: their points are in no account yet.
    #[serde(rename = "entries_held_back", default)]
    pub held_back: u64,
    /// Entries that it has rejected since then.
    #[serde(rename = "entries_rejected", default)]
    pub rejected: u64,
    /// Seconds from the begin, or from the end, of the newest attempt to the next one that the head unit may make.
    pub next_try_in_s: u64,
    /// True when the newest attempt has done something; false while it waits for a pause to end.
    pub has_tried: bool,
}

impl Attempts {
    /// Returns whether nobody has asked for one.
    #[must_use]
    pub const fn is_none(&self) -> bool {
        self.begun == 0
    }

    /// Returns whether the attempt with this number has ended.
    #[must_use]
    pub const fn has_ended(&self, number: u64) -> bool {
        self.ended >= number
    }

    /// Begins an attempt and returns its number. One that is asked for while another is open ends with it.
    pub(crate) const fn begin(&mut self) -> u64 {
        if self.ended == self.begun {
            (self.confirmed, self.held_back, self.rejected) = (0, 0, 0);
        }
        self.begun += 1;
        self.has_tried = false;
        self.begun
    }

    /// Takes the reconciler's next effect.
    pub(crate) const fn take(&mut self, effect: &Effect) {
        self.has_tried |= !matches!(effect, Effect::StateChanged(_) | Effect::Report(_));
    }

    /// Takes the time at which the reconciler goes on, in monotonic milliseconds; `None` while it waits for an answer.
    /// An attempt ends when the reconciler, having tried, rests.
    pub(crate) const fn look(&mut self, due_ms: Option<u64>, now_ms: u64) {
        if self.ended == self.begun {
            return;
        }
        if let Some(due_ms) = due_ms
            && due_ms > now_ms
        {
            self.next_try_in_s = (due_ms - now_ms).div_ceil(1_000);
            if self.has_tried {
                self.ended = self.begun;
            }
        }
    }
}
