//! Limits the rate of messages: by the wall clock, and never far ahead of the samples that the head unit has taken.

use std::collections::VecDeque;
use std::str::FromStr;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::error::SimError;
use crate::message::Delivery;
use crate::posted::Posted;

/// Samples go by QoS 0, which a broker drops without a word for a subscriber that is busy.
const SAMPLES_AHEAD: usize = 500;
/// 2,000 samples a second when nobody answers.
const UNPACED_STEP: Duration = Duration::from_micros(500);
/// Timers fire a millisecond late; this much may be caught up at once.
const CATCH_UP: Duration = Duration::from_millis(10);

/// The rate of simulated time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Speed {
    /// As fast as the head unit takes it.
    Max,
    /// So many times as fast as the wall clock; above 0.
    Times(f64),
}

impl FromStr for Speed {
    type Err = SimError;

    fn from_str(text: &str) -> Result<Self, SimError> {
        if text == "max" {
            return Ok(Self::Max);
        }
        match text.parse::<f64>() {
            Ok(times) if (1e-3..=1e6).contains(&times) => Ok(Self::Times(times)),
            Ok(_) | Err(_) => Err(SimError::Speed {
                text: text.to_owned(),
            }),
        }
    }
}

/// Limits on messages that the head unit has not confirmed; see [`crate::Options`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct Window {
    pub(crate) states: usize,
    pub(crate) time: Option<SignedDuration>,
    /// Time that the window may stay full without an answer before the head unit counts as absent.
    pub(crate) patience: Duration,
    /// The head unit can say what it has taken: the messages have times, and right ones.
    pub(crate) is_told: bool,
}

/// The head unit tells a time at the first message of it. For about so long others are still on their way, and must not
/// be overtaken by a step that is further on than it waits for what comes late.
const SETTLE: Duration = Duration::from_millis(20);

/// The decision about the next message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Permit {
    Go,
    /// Not before this time, unless the head unit answers.
    Wait(Duration),
}

/// Decides when each message may go. Times are those since the command began, by a clock that never jumps.
pub(crate) struct Pacer {
    speed: Speed,
    window: Window,
    /// Simulated time and stamp of the first message.
    first: (Timestamp, Timestamp),
    mode: PacingMode,
    /// Stamps of the messages that the head unit has not said it has taken, oldest first.
    samples: VecDeque<Timestamp>,
    states: VecDeque<Timestamp>,
    newest_sent: Option<Timestamp>,
    seen: Option<Timestamp>,
    /// Up to here nobody can take anything any more: a broker took it with it.
    lost: Option<Timestamp>,
    /// Since when everything was taken, with a long step about to follow.
    settling_since: Option<Duration>,
    answered: bool,
    gave_up: bool,
    gave_up_unsaid: bool,
}

#[derive(Debug, Clone, Copy)]
enum PacingMode {
    /// `full_since` is when the window was first found full, with no answer since.
    Paced { full_since: Option<Duration> },
    /// Nobody answers; the next sample may go at `free_at`.
    Unpaced { free_at: Duration },
}

impl Pacer {
    /// `first` has the time and the stamp of the first message.
    pub(crate) fn new(speed: Speed, window: Window, first: (Timestamp, Timestamp)) -> Self {
        Self {
            speed,
            window,
            first,
            mode: if window.is_told {
                PacingMode::Paced { full_since: None }
            } else {
                PacingMode::Unpaced {
                    free_at: Duration::ZERO,
                }
            },
            samples: VecDeque::new(),
            states: VecDeque::new(),
            newest_sent: None,
            seen: None,
            lost: None,
            settling_since: None,
            answered: false,
            gave_up: false,
            gave_up_unsaid: false,
        }
    }

    /// Decides about sending `message` at `now`.
    pub(crate) fn permit(&mut self, message: &Posted, now: Duration) -> Permit {
        let due = self.due(message.at());
        if now < due {
            return Permit::Wait(due);
        }
        if let Some(settled) = self.settles(message.stamp(), now) {
            return Permit::Wait(settled);
        }
        if let PacingMode::Paced { full_since } = self.mode {
            if !self.is_full(message) {
                return Permit::Go;
            }
            let give_up_at = full_since.unwrap_or(now) + self.window.patience;
            if now < give_up_at {
                self.mode = PacingMode::Paced {
                    full_since: Some(full_since.unwrap_or(now)),
                };
                return Permit::Wait(give_up_at);
            }
            self.gave_up_unsaid = !self.gave_up;
            self.gave_up = true;
            self.mode = PacingMode::Unpaced { free_at: now };
        }
        match self.mode {
            PacingMode::Unpaced { free_at }
                if message.delivery() != Delivery::State && now < free_at =>
            {
                Permit::Wait(free_at)
            }
            PacingMode::Unpaced { .. } | PacingMode::Paced { .. } => Permit::Go,
        }
    }

    /// Notes that `message` went out at `now`.
    pub(crate) fn sent(&mut self, message: &Posted, now: Duration) {
        self.newest_sent = self.newest_sent.max(Some(message.stamp()));
        self.settling_since = None;
        let (queue, most) = match message.delivery() {
            Delivery::Sample | Delivery::Kept => (&mut self.samples, SAMPLES_AHEAD),
            Delivery::State => (&mut self.states, self.window.states),
        };
        if queue.len() >= most {
            queue.pop_front();
        }
        queue.push_back(message.stamp());
        if let PacingMode::Unpaced { free_at } = &mut self.mode
            && message.delivery() != Delivery::State
        {
            *free_at = (*free_at).max(now.saturating_sub(CATCH_UP)) + UNPACED_STEP;
        }
    }

    /// Notes that the head unit has taken everything up to `ts`. A time beyond what was sent is a word of life, but
    /// says nothing of these messages: the head unit was fed by another simulator before.
    pub(crate) fn seen(&mut self, ts: Timestamp) {
        self.answered = true;
        if !self.window.is_told {
            return;
        }
        self.mode = PacingMode::Paced { full_since: None };
        if Some(ts) > self.newest_sent {
            return;
        }
        self.seen = self.seen.max(Some(ts));
        // It speaks at the first message of a second, so others of the same time may still be on their way.
        self.samples.retain(|at| *at >= ts);
        self.states.retain(|at| *at >= ts);
    }

    /// Notes that the broker went away, and with it whatever the head unit had not taken yet: nobody waits for that.
    pub(crate) fn broke(&mut self) {
        self.samples.clear();
        self.states.clear();
        self.lost = self.newest_sent;
    }

    /// Returns whether the head unit has taken everything that was sent.
    pub(crate) fn all_seen(&self) -> bool {
        self.seen.is_some() && self.seen == self.newest_sent
    }

    /// The newest time that the head unit has taken of this command.
    pub(crate) fn seen_until(&self) -> Option<Timestamp> {
        self.seen
    }

    /// Returns the time that the head unit may say nothing.
    pub(crate) fn patience(&self) -> Duration {
        self.window.patience
    }

    /// Returns whether the head unit has answered at all.
    pub(crate) fn answered(&self) -> bool {
        self.answered
    }

    /// Returns whether messages went out without pacing at any time, because no head unit answered.
    pub(crate) fn gave_up(&self) -> bool {
        self.gave_up
    }

    /// True once, after pacing was first given up.
    pub(crate) fn take_gave_up(&mut self) -> bool {
        std::mem::take(&mut self.gave_up_unsaid)
    }

    fn is_full(&self, message: &Posted) -> bool {
        let many = match message.delivery() {
            Delivery::Sample | Delivery::Kept => self.samples.len() >= SAMPLES_AHEAD,
            Delivery::State => self.states.len() >= self.window.states,
        };
        many || self.is_too_far_ahead(message.stamp()) || self.still_opens(message.stamp())
    }

    /// Returns whether no head unit has taken the opening yet. The opening is retained, so a head unit that starts now
    /// learns it and confirms it; the messages after it are not retained, and wait for a head unit.
    fn still_opens(&self, at: Timestamp) -> bool {
        let (_, first) = self.first;
        at > first && self.seen.is_none_or(|seen| seen < first)
    }

    /// Returns the time until which a step longer than the bound waits after the last one was taken; `None` when it may
    /// go now, or waits anyway.
    fn settles(&mut self, at: Timestamp, now: Duration) -> Option<Duration> {
        let (time, newest) = (self.window.time?, self.newest_sent?);
        if !self.all_seen() || at.duration_since(newest) <= time {
            return None;
        }
        let settled = *self.settling_since.get_or_insert(now) + SETTLE;
        (now < settled).then_some(settled)
    }

    /// Returns whether the message's time is too far ahead; messages of the time last sent never are, because the head
    /// unit has to get them whole.
    fn is_too_far_ahead(&self, at: Timestamp) -> bool {
        let (Some(time), Some(newest)) = (self.window.time, self.newest_sent) else {
            return false;
        };
        let done = self.seen.max(self.lost);
        at > newest
            && done != Some(newest)
            && at.duration_since(done.unwrap_or(self.first.1)) > time
    }

    fn due(&self, at: Timestamp) -> Duration {
        match self.speed {
            Speed::Max => Duration::ZERO,
            Speed::Times(times) => {
                let since_first = at.duration_since(self.first.0).as_secs_f64().max(0.0);
                Duration::try_from_secs_f64(since_first / times).unwrap_or(Duration::MAX)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Message;
    use crate::vss::{VssSignal, VssValue};

    const WINDOW: Window = Window {
        states: 20,
        time: None,
        patience: Duration::from_secs(3),
        is_told: true,
    };

    fn second(second: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_secs(second)
    }

    fn message(at: i64, delivery: Delivery) -> Posted {
        let path = VssSignal::Speed.path().into();
        Posted::Car(Message {
            path,
            value: VssValue::Float(1.0),
            at: second(at),
            clock_ahead: SignedDuration::ZERO,
            delivery,
            garbage: None,
        })
    }

    fn sample(at: i64) -> Posted {
        message(at, Delivery::Sample)
    }

    /// Somebody has taken the opening, which is all of second 0.
    fn opened(speed: Speed, window: Window) -> Pacer {
        let mut pacer = Pacer::new(speed, window, (second(0), second(0)));
        assert_eq!(send_all(&mut pacer, 0, Duration::ZERO), 1);
        pacer.seen(second(0));
        pacer
    }

    /// Sends samples, one a second of their time, for as long as they may go.
    fn send_all(pacer: &mut Pacer, from: i64, now: Duration) -> i64 {
        let mut at = from;
        while pacer.permit(&sample(at), now) == Permit::Go && at < from + 5_000 {
            pacer.sent(&sample(at), now);
            at += 1;
        }
        at
    }

    #[test]
    fn no_more_than_the_window_goes_ahead_of_what_was_seen() {
        let mut pacer = opened(Speed::Max, WINDOW);
        assert_eq!(send_all(&mut pacer, 1, Duration::ZERO), 500);
        pacer.seen(second(99));
        assert_eq!(send_all(&mut pacer, 500, Duration::ZERO), 599);
        assert!(!pacer.all_seen());
        pacer.seen(second(598));
        assert!(pacer.all_seen() && pacer.answered() && !pacer.gave_up());
    }

    #[test]
    fn nothing_follows_the_opening_until_somebody_has_taken_it() {
        let mut pacer = Pacer::new(Speed::Max, WINDOW, (second(10), second(10)));
        assert_eq!(send_all(&mut pacer, 10, Duration::ZERO), 11);
        // One that has just started tells first what was kept from before.
        pacer.seen(second(3));
        assert_eq!(send_all(&mut pacer, 11, Duration::ZERO), 11);
        pacer.seen(second(10));
        assert_eq!(send_all(&mut pacer, 11, Duration::ZERO), 510);
    }

    #[test]
    fn states_have_a_window_of_their_own() {
        let mut pacer = Pacer::new(Speed::Max, WINDOW, (second(0), second(0)));
        let state = message(0, Delivery::State);
        let mut went = 0;
        while pacer.permit(&state, Duration::ZERO) == Permit::Go {
            pacer.sent(&state, Duration::ZERO);
            went += 1;
        }
        assert_eq!(went, 20);
        assert_eq!(pacer.permit(&sample(0), Duration::ZERO), Permit::Go);
    }

    #[test]
    fn when_nobody_answers_it_goes_on_at_a_bounded_rate_and_says_so_once() {
        let mut pacer = Pacer::new(Speed::Max, WINDOW, (second(0), second(0)));
        let mut at = send_all(&mut pacer, 0, Duration::ZERO);
        assert_eq!(
            pacer.permit(&sample(at), Duration::from_secs(1)),
            Permit::Wait(WINDOW.patience)
        );
        assert!(!pacer.take_gave_up());
        let before = at;
        for millis in 3_000..4_000 {
            at = send_all(&mut pacer, at, Duration::from_millis(millis));
        }
        assert!((1_990..=2_030).contains(&(at - before)), "{}", at - before);
        assert!(pacer.take_gave_up() && !pacer.take_gave_up() && pacer.gave_up());
    }

    #[test]
    fn with_a_bound_in_time_a_step_waits_until_what_is_before_it_was_taken() {
        let window = Window {
            time: Some(SignedDuration::from_secs(2)),
            ..WINDOW
        };
        let mut pacer = opened(Speed::Max, window);
        let at = send_all(&mut pacer, 1, Duration::ZERO);
        assert_eq!(at, 3, "0, 1 and 2 are not further than 2 s from the start");
        pacer.seen(second(1));
        assert_eq!(send_all(&mut pacer, at, Duration::ZERO), 4);
        // A step longer than the bound goes when everything was taken, and then all of it.
        let state = message(60, Delivery::State);
        let far = [state, sample(60)];
        let held = |permit| matches!(permit, Permit::Wait(_));
        assert!(held(pacer.permit(&far[0], Duration::ZERO)));
        pacer.seen(second(3));
        let settled = Permit::Wait(SETTLE);
        assert_eq!(pacer.permit(&far[0], Duration::ZERO), settled);
        for message in &far {
            assert_eq!(pacer.permit(message, SETTLE), Permit::Go);
            pacer.sent(message, SETTLE);
        }
        assert!(held(pacer.permit(&sample(61), Duration::ZERO)));
    }

    #[test]
    fn what_a_broker_took_with_it_is_not_waited_for() {
        let mut pacer = opened(Speed::Max, WINDOW);
        let at = send_all(&mut pacer, 1, Duration::ZERO);
        pacer.seen(second(10));
        pacer.broke();
        assert_eq!(send_all(&mut pacer, at, Duration::ZERO), at + 500);
        assert!(!pacer.gave_up());

        let window = Window {
            time: Some(SignedDuration::from_secs(2)),
            ..WINDOW
        };
        let mut pacer = opened(Speed::Max, window);
        assert_eq!(send_all(&mut pacer, 1, Duration::ZERO), 3);
        pacer.broke();
        assert_eq!(send_all(&mut pacer, 60, Duration::ZERO), 61);
        assert!(!pacer.all_seen());
    }

    #[test]
    fn an_answer_brings_the_window_back() {
        let mut pacer = opened(Speed::Max, WINDOW);
        let at = send_all(&mut pacer, 1, Duration::ZERO);
        assert_eq!(
            pacer.permit(&sample(at), Duration::ZERO),
            Permit::Wait(WINDOW.patience)
        );
        let at = send_all(&mut pacer, at, WINDOW.patience);
        pacer.seen(second(at - 1));
        let at = send_all(&mut pacer, at, WINDOW.patience);
        assert!(!pacer.all_seen());
        pacer.seen(second(at - 1));
        assert!(pacer.all_seen());
        let at = send_all(&mut pacer, at, WINDOW.patience * 2);
        let again = Permit::Wait(WINDOW.patience * 3);
        assert_eq!(
            pacer.permit(&sample(at), WINDOW.patience * 2),
            again,
            "the patience begins again with each answer"
        );
    }

    #[test]
    fn a_time_never_sent_is_no_proof_that_this_was_taken() {
        let mut pacer = Pacer::new(Speed::Max, WINDOW, (second(0), second(0)));
        let at = send_all(&mut pacer, 0, Duration::ZERO);
        pacer.seen(second(1_000_000));
        assert!(pacer.answered() && !pacer.all_seen());
        assert_eq!(send_all(&mut pacer, at, Duration::ZERO), at);
    }

    #[test]
    fn a_speed_is_kept_by_the_wall_clock() {
        let mut pacer = opened("60".parse().unwrap(), WINDOW);
        assert_eq!(
            pacer.permit(&sample(120), Duration::from_secs(1)),
            Permit::Wait(Duration::from_secs(2))
        );
        assert_eq!(
            pacer.permit(&sample(120), Duration::from_secs(2)),
            Permit::Go
        );
        for bad in ["0", "-1", "fast", "NaN", "inf", ""] {
            assert!(bad.parse::<Speed>().is_err(), "{bad}");
        }
    }
}
