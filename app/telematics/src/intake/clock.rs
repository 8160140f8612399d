//! The clock of one signal, as its distance from the time of the bus.

use super::sample::Stamped;

/// Samples in time that make a signal a leader: one alone may be wild.
const LEADER_FITS: u32 = 2;

/// The distance of a clock from the time of the bus, as far as it is known.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Standing {
    /// It keeps the time of the bus, and has been in time so often.
    InTime { fits: u32 },
    /// The time of the bus is so much more than its stamps, which has been right so often.
    Off { shift_ms: i64, fits: u32 },
    /// Another clock was set back since its last sample, and perhaps this one too.
    Doubted { shift_ms: i64 },
}

/// The clock of one signal.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct SignalClock {
    /// Newest stamp that was taken, as it came.
    pub(super) own_ms: Option<i64>,
    standing: Standing,
    /// The part of its distance by which it was set back, as is proven: a sample at a greater one may be as old as the difference.
    pub(super) proven_shift_ms: i64,
    /// Time of the bus at its newest sample.
    pub(super) at_ms: Option<i64>,
    /// Time of the bus between its last two samples.
    pub(super) step_ms: i64,
    /// Highest value, of a lifetime meter.
    pub(super) value: Option<u64>,
    /// Stamp of its last sample that was ahead alone, with the time of the bus.
    pub(super) ahead_once: Option<(i64, i64)>,
}

impl Default for Standing {
    fn default() -> Self {
        Self::InTime { fits: 0 }
    }
}

impl Standing {
    const fn new(shift_ms: i64, fits: u32) -> Self {
        if shift_ms == 0 {
            Self::InTime { fits }
        } else {
            Self::Off { shift_ms, fits }
        }
    }
}

impl SignalClock {
    /// Returns the difference of the time of the bus and its stamps.
    pub(super) const fn shift_ms(&self) -> i64 {
        match self.standing {
            Standing::InTime { .. } => 0,
            Standing::Off { shift_ms, .. } | Standing::Doubted { shift_ms } => shift_ms,
        }
    }

    /// Returns how often it was in time since its distance was set.
    pub(super) const fn fits(&self) -> u32 {
        match self.standing {
            Standing::InTime { fits } | Standing::Off { fits, .. } => fits,
            Standing::Doubted { .. } => 0,
        }
    }

    pub(super) const fn is_doubted(&self) -> bool {
        matches!(self.standing, Standing::Doubted { .. })
    }

    /// Returns whether it keeps the time of the bus.
    pub(super) const fn keeps_time(&self) -> bool {
        matches!(self.standing, Standing::InTime { .. })
    }

    /// Returns whether it keeps the time of the bus, and others are to follow it.
    pub(super) const fn leads(&self) -> bool {
        matches!(self.standing, Standing::InTime { fits } if fits >= LEADER_FITS)
    }

    /// Notes that its newest stamp is that of a sample.
    pub(super) fn note(&mut self, sample: &Stamped) {
        self.own_ms = Some(sample.at_ms);
        self.value = self.value.max(sample.meter_value());
        self.ahead_once = None;
    }

    /// Notes that it was in time once more.
    pub(super) fn fits_again(&mut self) {
        self.standing = Standing::new(self.shift_ms(), self.fits().saturating_add(1));
    }

    /// Forgets half of the times at which it was in time, but not that it was.
    pub(super) fn halve_fits(&mut self) {
        let fits = self.fits();
        let fits = (fits / 2).max(fits.min(LEADER_FITS));
        if !self.is_doubted() {
            self.standing = Standing::new(self.shift_ms(), fits);
        }
    }

    /// Sets its distance from the time of the bus.
    pub(super) fn set_shift(&mut self, shift_ms: i64) {
        self.standing = Standing::new(shift_ms, 0);
        if shift_ms == 0 {
            self.proven_shift_ms = 0;
        }
    }

    /// Returns the age that its samples may have.
    pub(super) const fn doubt_ms(&self) -> i64 {
        let doubt_ms = self.shift_ms().saturating_sub(self.proven_shift_ms);
        if doubt_ms > 0 { doubt_ms } else { 0 }
    }

    /// Notes that it was set back: the age that its samples may have has not changed.
    pub(super) const fn set_back(&mut self, doubt_ms: i64) {
        self.proven_shift_ms = self.shift_ms().saturating_sub(doubt_ms);
    }

    /// Notes that another clock was set back.
    pub(super) const fn doubt(&mut self) {
        self.standing = Standing::Doubted {
            shift_ms: self.shift_ms(),
        };
    }

    /// The time of the bus was wrong by so many milliseconds.
    pub(super) fn translate(&mut self, by_ms: i64) {
        self.at_ms = self.at_ms.map(|at_ms| at_ms.saturating_add(by_ms));
        self.ahead_once = None;
        let old_ms = self.shift_ms();
        if self.own_ms.is_none() && old_ms == 0 {
            return;
        }
        let shift_ms = old_ms.saturating_add(by_ms);
        if self.proven_shift_ms != 0 {
            self.proven_shift_ms = self.proven_shift_ms.saturating_add(by_ms);
        }
        self.standing = match self.standing {
            Standing::Doubted { .. } => Standing::Doubted { shift_ms },
            Standing::InTime { fits } | Standing::Off { fits, .. } => Standing::new(shift_ms, fits),
        };
    }
}
