//! The speed of what drives ahead.

use dashpoint_membership::policy::FasterThanAhead;
use serde::{Deserialize, Serialize};

/// The change of the distance is taken over no less: closer ones are mostly noise.
const SPAN_MS_MIN: i64 = 900;
/// Longest time over which the change of the distance tells the speed of what is ahead, in milliseconds.
const SPAN_MS_MAX: i64 = 5_000;

const KMH_PER_MPS: f64 = 3.6;

/// The speed of what is ahead, by the changes of its distance.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Ahead {
    /// Time and distance that the next change is taken from.
    from: Option<(i64, f64)>,
    /// Two newest speeds in m/h, the newer one first. Of another car that moves in between one of them is wrong.
    m_per_h: [Option<f64>; 2],
}

impl Ahead {
    /// Takes the newest distance, which may be the one that is known already.
    pub(crate) fn take(&mut self, (at_ms, metres): (i64, f64), own_kmh: f64) {
        let Some((from_ms, from_m)) = self.from else {
            self.from = Some((at_ms, metres));
            return;
        };
        let span_ms = at_ms.saturating_sub(from_ms);
        if (0..SPAN_MS_MIN).contains(&span_ms) {
            return;
        }
        self.from = Some((at_ms, metres));
        let is_near = (0..=SPAN_MS_MAX).contains(&span_ms);
        let newest = is_near.then(|| {
            let opening_mps = (metres - from_m) * 1_000.0 / span_ms as f64;
            (own_kmh + opening_mps * KMH_PER_MPS) * 1_000.0
        });
        self.m_per_h = [newest, self.m_per_h[0].filter(|_| is_near)];
    }

    /// The time of the bus was wrong by so many milliseconds.
    pub(crate) fn translate(&mut self, by_ms: i64) {
        if let Some((at_ms, _)) = &mut self.from {
            *at_ms = at_ms.saturating_add(by_ms);
        }
    }

    /// Returns whether a speed is too fast for what is ahead.
    pub(crate) fn is_outrun(&self, metres: f64, own_m_per_h: f64, limits: FasterThanAhead) -> bool {
        let [Some(newer), Some(older)] = self.m_per_h else {
            return false;
        };
        let bound = newer.max(older) * (100.0 + f64::from(limits.percent)) / 100.0;
        metres <= f64::from(limits.within_m)
            && newer.min(older) > f64::from(limits.ahead_m_per_h)
            && own_m_per_h > bound
    }
}
