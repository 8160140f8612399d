//! A bound on how often something may happen.

use dashpoint_membership::ServerTime;

/// Counts what happens in windows of a minute.
#[derive(Debug)]
pub(super) struct Throttle {
    most: u32,
    window: Option<ServerTime>,
    count: u32,
}

impl Throttle {
    const WINDOW_S: i64 = 60;

    /// Lets that much through in a minute.
    pub const fn a_minute(most: u32) -> Self {
        Self {
            most,
            window: None,
            count: 0,
        }
    }

    /// Whether the window is used up.
    pub fn is_full(&mut self, now: ServerTime) -> bool {
        let over = self
            .window
            .is_none_or(|began| now >= began.plus_s(Self::WINDOW_S) || now < began);
        if over {
            self.window = Some(now);
            self.count = 0;
        }
        self.count >= self.most
    }

    /// Counts one, unless the window is used up; whether it was counted.
    pub fn take(&mut self, now: ServerTime) -> bool {
        let free = !self.is_full(now);
        if free {
            self.count();
        }
        free
    }

    /// Counts one.
    pub const fn count(&mut self) {
        self.count = self.count.saturating_add(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_fills_and_a_new_one_begins() {
        let at = ServerTime::from_unix_s;
        let mut throttle = Throttle::a_minute(2);
        assert!(!throttle.is_full(at(100)));
        throttle.count();
        assert!(!throttle.is_full(at(130)));
        throttle.count();
        assert!(throttle.is_full(at(159)));
        assert!(!throttle.is_full(at(160)));
        throttle.count();
        throttle.count();
        assert!(
            !throttle.is_full(at(90)),
            "a clock that was set back does not lock everyone out"
        );
    }
}
