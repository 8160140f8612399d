//! The cloud's clock: it leaps, by minutes or by years, and somebody sets it right again.

use dashpoint_cloud::CloudError;
use dashpoint_membership::ServerTime;

use super::planted::{Planted, Tampering};
use super::violation::Violation;
use super::world::SimulatedWorld;

const MINUTE_MS: u64 = 60_000;
const HOUR_MS: u64 = 60 * MINUTE_MS;
const DAY_MS: u64 = 24 * HOUR_MS;
/// Farther ahead than the cloud believes.
const BELIEVED_MS: u64 = 30 * DAY_MS;
/// Farther behind than the cloud believes.
const BEHIND_MS: u64 = 15 * MINUTE_MS;
/// Farthest ahead that it needs nobody to confirm, with the second that both times are rounded down to.
const UNCONFIRMED_MS: u64 = DAY_MS + 1_000;
/// Time at work for which it surely waits for that to be confirmed.
const WAITS_MS: u64 = 12 * HOUR_MS;
/// Interval at which it writes down that it is at work.
const BEAT_MS: u64 = 6 * HOUR_MS;
/// Seconds of work that it counts at once: of a few minutes that a clock is behind, it makes no leap.
const PIECE_S: i64 = 300;
/// Time that it believes in both directions, also when one follows the other.
const LITTLE_MS: u64 = BEHIND_MS / 2;
const YEAR_MS: u64 = 365 * DAY_MS;

impl SimulatedWorld {
    /// Tells whether the cloud's clock shows what the cloud cannot believe: then it changes nothing.
    pub(super) const fn cloud_waits(&self) -> bool {
        let ahead_ms = self.cloud_ahead_ms;
        ahead_ms > BELIEVED_MS.cast_signed() || ahead_ms < -BEHIND_MS.cast_signed()
    }

    /// Tells whether what goes by the clock alone has to wait: it leapt ahead, and was not at work for long since.
    const fn cloud_confirms(&self) -> bool {
        self.cloud_is_far_ahead() && self.now_ms < self.cloud_leapt_ms + WAITS_MS
    }

    const fn cloud_is_far_ahead(&self) -> bool {
        self.cloud_ahead_ms > UNCONFIRMED_MS.cast_signed()
    }

    /// The latest time for which anything may have ended by the clock alone: a clock that is a little wrong cannot be told from a
    /// right one, and after a day at work nor can one that is more so.
    pub(super) fn latest_end(&self) -> ServerTime {
        let ahead_ms = if self.cloud_is_far_ahead() && !self.cloud_confirms() {
            BELIEVED_MS
        } else {
            UNCONFIRMED_MS
        };
        self.right_now().plus_s((ahead_ms / 1_000).cast_signed())
    }

    /// Lets time pass, in which the cloud is at work; one that does not believe its clock counts it by one that cannot leap.
    pub(super) fn pass_until(&mut self, until_ms: u64) -> Result<(), Violation> {
        while self.now_ms < until_ms {
            let before = self.right_now();
            self.now_ms = until_ms.min(self.now_ms + BEAT_MS);
            let elapsed_s = self.right_now().as_unix_s() - before.as_unix_s();
            let now = self.now();
            if self.cloud_waits() {
                if elapsed_s > 0 {
                    self.cloud
                        .with(now, |core| core.time_passes(elapsed_s, now))?;
                }
                self.beaten_ms = self.now_ms;
            } else if self.now_ms >= self.beaten_ms + BEAT_MS {
                self.beat()?;
            }
        }
        Ok(())
    }

    /// The cloud writes down that it is at work, and counts for how long while a leap of its clock is not confirmed: by pieces, as
    /// it does each minute.
    fn beat(&mut self) -> Result<(), Violation> {
        let pieces = (self.now_ms - self.beaten_ms) / (1_000 * PIECE_S.unsigned_abs());
        self.beaten_ms = self.now_ms;
        let now = self.now();
        self.cloud.with(now, |core| core.heartbeat(now))?;
        let unconfirmed = self.cloud.with(now, |core| core.unconfirmed_clock(now))?;
        if unconfirmed.is_some() && self.cloud_ahead_ms >= 0 {
            for _ in 0..pieces {
                self.cloud
                    .with(now, |core| core.time_passes(PIECE_S, now))?;
            }
        }
        Ok(())
    }

    /// The clock leaps now and then, in a restart or in the middle of its work, and comes back.
    pub(super) fn what_the_clock_of_the_cloud_does(&mut self) -> Result<(), Violation> {
        if !self.plays(&[Planted::ClockBelieved, Planted::ReceiptsForgotten]) {
            return Ok(());
        }
        if self.cloud_ahead_ms != 0 {
            if self.mischief.one_in(2) {
                self.set_cloud_clock_right()?;
            }
            return Ok(());
        }
        // A plant that only shows under such a clock has more of them to show in.
        let leaps = if self.planted.is_none() { 40 } else { 200 };
        if !self.mischief.permille(leaps) {
            return Ok(());
        }
        let random = &mut self.mischief;
        let ahead_ms = match random.range(0, 7) {
            0 => random.range(MINUTE_MS, LITTLE_MS).cast_signed(),
            1 => random
                .range(BEHIND_MS + LITTLE_MS, 26 * HOUR_MS)
                .cast_signed(),
            2 => random
                .range(2 * DAY_MS, BELIEVED_MS - 2 * DAY_MS)
                .cast_signed(),
            3 => -random.range(MINUTE_MS, LITTLE_MS).cast_signed(),
            4 => -random.range(HOUR_MS, 26 * HOUR_MS).cast_signed(),
            5 => random
                .range(BELIEVED_MS + 2 * DAY_MS, 10 * YEAR_MS)
                .cast_signed(),
            _ => -random.range(2 * DAY_MS, 40 * YEAR_MS).cast_signed(),
        };
        let restarts = random.one_in(2);
        // It was at work until now.
        self.beat()?;
        self.cloud_ahead_ms = ahead_ms;
        self.cloud_leapt_ms = self.now_ms;
        self.tally.fault(if self.cloud_waits() {
            "cloud's clock leapt"
        } else {
            "cloud's clock wrong"
        });
        self.tell(&format!(
            "the cloud's clock is {} s ahead",
            ahead_ms / 1_000
        ));
        let now = self.now();
        if restarts {
            self.cloud.restart(now)?;
        }
        if self.planted == Some(Planted::ClockBelieved) {
            let believed = Tampering::of(&self.cloud.vfs).and_then(|db| db.believe(now));
            believed.map_err(|e| Violation::new(format!("the plant failed: {e}")))?;
        }
        Ok(())
    }

    /// Sets the clock right; where it is a leap to the cloud, the operator says that it is right now.
    pub(super) fn set_cloud_clock_right(&mut self) -> Result<(), Violation> {
        if self.cloud_ahead_ms == 0 {
            return Ok(());
        }
        self.cloud_ahead_ms = 0;
        self.beaten_ms = self.now_ms;
        let now = self.now();
        let leapt = self
            .cloud
            .with(now, |core| core.accept_clock("set right", now))?;
        if leapt {
            self.tally.event("operator took the clock for right");
        }
        self.tally.event("cloud's clock set right");
        self.tell("the cloud's clock is right again");
        Ok(())
    }

    /// Maintains the accounts as the cloud does by itself: not while it does not believe its clock, nor while a leap of it is not
    /// confirmed.
    pub(super) fn maintain(&mut self) -> Result<(), Violation> {
        let now = self.now();
        let done = self.cloud.with(now, |core| match core.maintain(now) {
            Err(CloudError::ClockLeapt { .. } | CloudError::ClockUnconfirmed(_)) => Ok(false),
            done => done.map(|_| true),
        })?;
        let must_wait = self.cloud_waits() || self.cloud_confirms();
        if done && must_wait && self.planted.is_none() {
            return Err(Violation::new(
                "accounts were maintained at a time that cannot be".to_owned(),
            ));
        }
        if !done {
            self.tally.event(if self.cloud_waits() {
                "nothing changed by a clock that leapt"
            } else {
                "nothing ended before a leap was confirmed"
            });
        }
        self.read_ledgers()
    }
}
