//! Faults between a sensor and the head unit.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use crate::message::{Garbage, Message};
use crate::vss::VssValue;

/// A disturbance of the bus.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct BusFault {
    pub(crate) kind: FaultKind,
    /// Of every signal when absent.
    pub(crate) signal: Option<String>,
    /// Share of the messages that it meets, in percent.
    pub(crate) percent: u8,
    pub(crate) from: Timestamp,
    /// Until everything is healed when absent.
    pub(crate) until: Option<Timestamp>,
}

/// The kinds of faults.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum FaultKind {
    Lose,
    Double,
    /// It comes so much later, with its own time.
    Delay(SignedDuration),
    /// It comes at any time up to so much later.
    Reorder(SignedDuration),
    /// The value stays at what it was first, by path; the time goes on.
    Freeze(BTreeMap<String, VssValue>),
    /// A number is so much more than it should be; no whole number falls below 0.
    Shift(f64),
    /// The clock that stamps it is so much ahead; behind when negative.
    ClockAhead(SignedDuration),
    /// Another clock, so much behind, stamps the signals of the drive battery.
    TwoClocks(SignedDuration),
    /// The value is renewed only each so often, by path with the time of its renewal; the time goes on.
    Hold {
        every: SignedDuration,
        held: BTreeMap<String, (Timestamp, VssValue)>,
    },
    /// It comes only when the value is another than the last that came, by path.
    OnChange(BTreeMap<String, VssValue>),
    /// A number is the code by which a sensor says that it has none.
    NotAvailable(f64),
    Garbage(Garbage),
}

/// The branch of the drive battery, whose control unit has a clock of its own.
const BATTERY: &str = "Vehicle.Powertrain.TractionBattery.";

/// The result of the faults for one message.
pub(super) struct DisturbedMessage {
    pub(super) message: Message,
    /// Copies that arrive; 0 when the message is lost.
    pub(super) copies: usize,
    /// Time at which they arrive.
    pub(super) due: Timestamp,
}

impl DisturbedMessage {
    pub(super) fn of(message: Message) -> Self {
        Self {
            due: message.at,
            message,
            copies: 1,
        }
    }
}

impl BusFault {
    /// Decides whether the fault meets this message.
    pub(super) fn meets(&self, message: &Message, chance: &mut FaultRng) -> bool {
        let is_now = message.at >= self.from && self.until.is_none_or(|until| message.at < until);
        let is_its = self
            .signal
            .as_ref()
            .is_none_or(|path| *path == message.path);
        is_now && is_its && (self.percent >= 100 || chance.below(100) < u64::from(self.percent))
    }

    pub(super) fn apply(&mut self, outcome: &mut DisturbedMessage, chance: &mut FaultRng) {
        match &mut self.kind {
            FaultKind::Lose => outcome.copies = 0,
            FaultKind::Double => outcome.copies *= 2,
            FaultKind::Delay(by) => outcome.due = put_off(outcome.due, *by),
            FaultKind::Reorder(within) => {
                let most_ms = u64::try_from(within.as_millis()).unwrap_or(0);
                let by_ms = i64::try_from(chance.below(most_ms.saturating_add(1))).unwrap_or(0);
                outcome.due = put_off(outcome.due, SignedDuration::from_millis(by_ms));
            }
            FaultKind::Freeze(held) => {
                let message = &mut outcome.message;
                let value = held.entry(message.path.to_string());
                message.value = value.or_insert_with(|| message.value.clone()).clone();
            }
            FaultKind::Shift(by) => shift(&mut outcome.message.value, *by),
            FaultKind::ClockAhead(by) => outcome.message.clock_ahead += *by,
            FaultKind::TwoClocks(behind) => {
                if outcome.message.path.starts_with(BATTERY) {
                    outcome.message.clock_ahead -= *behind;
                }
            }
            FaultKind::Hold { every, held } => {
                let message = &mut outcome.message;
                let fresh = (message.at, message.value.clone());
                let last = held.entry(message.path.to_string());
                let last = last.or_insert_with(|| fresh.clone());
                if message.at.duration_since(last.0) >= *every {
                    *last = fresh;
                }
                message.value = last.1.clone();
            }
            FaultKind::OnChange(said) => {
                let message = &outcome.message;
                let before = said.insert(message.path.to_string(), message.value.clone());
                if before.as_ref() == Some(&message.value) {
                    outcome.copies = 0;
                }
            }
            FaultKind::NotAvailable(code) => say_code(&mut outcome.message.value, *code),
            FaultKind::Garbage(garbage) => outcome.message.garbage = Some(*garbage),
        }
    }
}

fn shift(value: &mut VssValue, by: f64) {
    match value {
        VssValue::Int(number) => {
            #[expect(clippy::cast_possible_truncation, reason = "it saturates")]
            let by = by.round() as i64;
            *number = number.saturating_add(by).max(0);
        }
        VssValue::Float(number) => *number += by,
        VssValue::Bool(_) | VssValue::Text(_) => {}
    }
}

fn say_code(value: &mut VssValue, code: f64) {
    match value {
        VssValue::Int(number) => {
            #[expect(clippy::cast_possible_truncation, reason = "it saturates")]
            let code = code.round() as i64;
            *number = code;
        }
        VssValue::Float(number) => *number = code,
        VssValue::Bool(_) | VssValue::Text(_) => {}
    }
}

fn put_off(due: Timestamp, by: SignedDuration) -> Timestamp {
    due.checked_add(by).unwrap_or(Timestamp::MAX)
}

/// Chance that is the same for the same seed: SplitMix64 by Steele, Lea and Flood.
#[derive(Debug, Clone)]
pub(super) struct FaultRng(u64);

impl FaultRng {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number from 0 to `end` less 1; 0 when `end` is 0.
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        // The bias of the remainder is far below what a test of a car could see.
        (z ^ (z >> 31)).checked_rem(end).unwrap_or(0)
    }
}
