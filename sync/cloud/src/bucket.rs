//! The part of a day's measure that a device has used.

use dashpoint_membership::ServerTime;

/// Length of the measure's day, in seconds.
pub(crate) const DAY_S: i64 = 86_400;

/// Things that are counted of each device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stored {
    Entries,
    Bytes,
    Epochs,
}

/// Counts the part of a day's measure that a device has used; it drains evenly, a measure a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Bucket {
    /// Up to when it has run out already.
    pub at: ServerTime,
    pub level: i64,
}

impl Bucket {
    /// Adds to what is used, or tells for how many seconds there is no room. More than a day's measure has room when nothing
    /// is used, and then takes longer to run out: else it would wait for ever.
    ///
    /// A clock that went back costs nothing: the bucket runs out from there on.
    pub fn take(self, amount: i64, measure: i64, now: ServerTime) -> Result<Self, i64> {
        let measure = measure.max(1);
        let passed_s = now.as_unix_s().saturating_sub(self.at.as_unix_s());
        let gone = i128::from(passed_s.max(0)) * i128::from(measure) / i128::from(DAY_S);
        let gone = i64::try_from(gone).unwrap_or(i64::MAX).min(self.level);
        let left = self.level - gone;
        // What is not whole yet runs out later.
        let took_s = i128::from(gone) * i128::from(DAY_S) / i128::from(measure);
        let took_s = i64::try_from(took_s).unwrap_or(i64::MAX);
        let at = if left == 0 || passed_s < 0 {
            now
        } else {
            self.at.plus_s(took_s)
        };
        let level = left.saturating_add(amount);
        if level <= measure || left == 0 {
            return Ok(Self { at, level });
        }
        let over = i128::from(level - measure) * i128::from(DAY_S) / i128::from(measure) + 1;
        Err(i64::try_from(over).unwrap_or(DAY_S).min(DAY_S))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(seconds: i64) -> ServerTime {
        ServerTime::from_unix_s(seconds)
    }

    #[test]
    fn a_day_s_measure_at_once_and_then_evenly() {
        let empty = Bucket {
            at: at(0),
            level: 0,
        };
        let full = empty.take(100, 100, at(0)).unwrap();
        assert_eq!(full.take(1, 100, at(0)), Err(865));
        assert_eq!(full.take(1, 100, at(863)), Err(865));
        let one = full.take(1, 100, at(864)).unwrap();
        assert_eq!((one.level, one.at), (100, at(864)));
        // Looking often takes nothing away from what has run out in part.
        let mut looked = full;
        for second in (0..8_640).step_by(100) {
            looked = looked.take(0, 100, at(second)).unwrap();
        }
        assert_eq!(looked.take(10, 100, at(8_640)).unwrap().level, 100);
        assert_eq!(full.take(100, 100, at(DAY_S)).unwrap().level, 100);
        // One batch that is larger than the measure is let in when there is nothing else, and takes its time to run out.
        let more = empty.take(150, 100, at(0)).unwrap();
        assert_eq!(more.take(1, 100, at(DAY_S / 2)), Err(865));
        assert_eq!(more.take(51, 100, at(DAY_S)), Err(865));
        assert_eq!(more.take(50, 100, at(DAY_S)).unwrap().level, 100);
    }

    #[test]
    fn a_clock_that_leaps_shuts_nobody_out() {
        let full = Bucket {
            at: at(10 * 365 * DAY_S),
            level: 100,
        };
        let back = full.take(0, 100, at(0)).unwrap();
        assert_eq!(back.take(100, 100, at(DAY_S)).unwrap().level, 100);
        let far = Bucket {
            at: at(i64::MIN),
            level: 100,
        };
        assert_eq!(far.take(1, 100, at(i64::MAX)).unwrap().level, 1);
    }

    /// Over any stretch no more gets in than one measure and what has run out meanwhile.
    #[test]
    fn no_order_gets_more_than_the_measure() {
        let mut random = 0x5151_5eed_u64;
        let mut draw = move |below: u64| {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            i64::try_from(random % below).unwrap()
        };
        for measure in [7, 100, 10_000] {
            let mut bucket = Bucket {
                at: at(0),
                level: 0,
            };
            let (mut now, mut taken) = (0, 0);
            for _ in 0..5_000 {
                now += draw(2_000);
                let amount = draw(5);
                if let Ok(next) = bucket.take(amount, measure, at(now)) {
                    bucket = next;
                    taken += amount;
                }
                assert!(taken <= measure + now * measure / DAY_S);
            }
        }
    }
}
