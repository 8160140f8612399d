//! Turns a message into values of signals. It does no IO.

use dashpoint_telematics::{Signal, Value};

use super::BusInput;
use super::mapping::{Mapping, Route};
use super::payload::{PAYLOAD_MAX, PayloadError, Scalar, WHOLE_MAX};
use super::source::{Join, Joining, SharedTopic, Sink, SourcePlace, TopicSource, TopicUse};

/// A message as it came.
#[derive(Debug, Clone, Copy)]
pub(super) struct BusMessage<'a> {
    pub(super) topic: &'a str,
    pub(super) payload: &'a [u8],
    /// True when the broker had retained it.
    pub(super) retained: bool,
}

/// A message of a shared topic.
#[derive(Debug, Clone, Copy)]
struct Arrived<'a> {
    payload: &'a [u8],
    retained: bool,
    /// In milliseconds since 1970-01-01T00:00:00Z.
    at_ms: i64,
}

/// The decoder of one connection. All that it keeps is the newest operand of each side of each join.
#[derive(Debug)]
pub(super) struct Decoder {
    operands: Vec<[Option<Operand>; 2]>,
}

#[derive(Debug, Clone, Copy)]
struct Operand {
    number: f64,
    at_ms: i64,
}

/// A value with its time; no time for one that is stamped on arrival.
type Said = (Value, Option<i64>);

impl Decoder {
    pub(super) fn new(mapping: &Mapping) -> Self {
        Self {
            operands: vec![[None; 2]; mapping.joins().len()],
        }
    }

    /// Decodes a message and hands over each value, in the order of the signals, joined ones last. `now_ms` is asked for the
    /// time of arrival, in milliseconds since 1970-01-01T00:00:00Z, when the topic needs it.
    pub(super) fn handle(
        &mut self,
        mapping: &Mapping,
        message: BusMessage<'_>,
        now_ms: impl FnOnce() -> i64,
        out: &mut impl FnMut(BusInput),
    ) {
        let BusMessage {
            topic,
            payload,
            retained,
        } = message;
        match mapping.topic_use(topic) {
            None => out(BusInput::UnknownTopic),
            Some(TopicUse::Plain(route)) => {
                if let Some(input) = plain(&mapping.routes()[*route], payload, retained) {
                    out(input);
                }
            }
            Some(TopicUse::Shared(topic)) => {
                let message = Arrived {
                    payload,
                    retained,
                    at_ms: now_ms(),
                };
                self.share(mapping, topic, message, out);
            }
        }
    }

    fn share(
        &mut self,
        mapping: &Mapping,
        topic: &SharedTopic,
        message: Arrived<'_>,
        out: &mut impl FnMut(BusInput),
    ) {
        let mut slots = None;
        // Joined when the whole message was read: else the first operand would meet the second of the message before.
        let mut renewed: Vec<(usize, bool)> = Vec::new();
        for source in &topic.sources {
            let said = match &source.place {
                SourcePlace::Whole => whole(source, message.payload),
                SourcePlace::Slot { .. } => {
                    let slots = slots.get_or_insert_with(|| parse(topic, message.payload));
                    match slots {
                        Ok(slots) => in_slots(source, slots, message.at_ms),
                        Err(error) => Err(*error),
                    }
                }
            };
            let signal = source.signal;
            match said {
                Ok(None) => {}
                Ok(Some(said)) => match source.sink {
                    Sink::Signal => {
                        say(&source.beside, (signal, said), message.retained, out);
                    }
                    Sink::Operand { join, side } => {
                        let has_time = said.1.is_some();
                        match self.keep((join, side), said, message) {
                            Ok(true) => {
                                renewed.retain(|(other, _)| *other != join);
                                renewed.push((join, has_time));
                            }
                            Ok(false) => {}
                            Err(error) => out(BusInput::Refused { signal, error }),
                        }
                    }
                },
                Err(error) => out(BusInput::Refused { signal, error }),
            }
        }
        for join in renewed {
            self.join(mapping, join, message.retained, out);
        }
    }

    /// Keeps an operand; false for one of which nobody knows the moment.
    ///
    /// # Errors
    /// [`PayloadError::NotADataPoint`] for what is no number.
    fn keep(
        &mut self,
        (join, side): (usize, usize),
        (value, ts_ms): Said,
        message: Arrived<'_>,
    ) -> Result<bool, PayloadError> {
        let Value::Number(number) = value else {
            return Err(PayloadError::NotADataPoint);
        };
        if message.retained && ts_ms.is_none() {
            return Ok(false);
        }
        let at_ms = ts_ms.unwrap_or(message.at_ms);
        self.operands[join][side] = Some(Operand { number, at_ms });
        Ok(true)
    }

    /// Hands over the joined value, when both operands are of the same moment.
    fn join(
        &self,
        mapping: &Mapping,
        (index, has_time): (usize, bool),
        retained: bool,
        out: &mut impl FnMut(BusInput),
    ) {
        let Join {
            signal,
            joining,
            within_ms,
            conversion,
            beside,
        } = &mapping.joins()[index];
        let [Some(first), Some(second)] = self.operands[index] else {
            return;
        };
        if first.at_ms.abs_diff(second.at_ms) > *within_ms {
            return;
        }
        let number = match joining {
            Joining::Product => conversion.scaled(first.number * second.number),
            Joining::Difference => first.number - second.number,
        };
        let ts_ms = has_time.then(|| first.at_ms.max(second.at_ms));
        let said = (Value::Number(number), ts_ms);
        say(beside, (*signal, said), retained, out);
    }
}

/// Hands over a value, after the constants that stand beside it.
fn say(
    beside: &[(Signal, Value)],
    (signal, (value, ts_ms)): (Signal, Said),
    retained: bool,
    out: &mut impl FnMut(BusInput),
) {
    let beside = beside.iter().cloned();
    for (signal, value) in beside.chain([(signal, value)]) {
        out(BusInput::Sample {
            signal,
            value,
            ts_ms,
            retained,
        });
    }
}

/// Reads one plain value; `None` when the car says nothing with it.
fn plain(route: &Route, payload: &[u8], retained: bool) -> Option<BusInput> {
    let signal = route.signal;
    match route.conversion.read(signal, payload) {
        Ok(point) => point.map(|point| BusInput::Sample {
            signal,
            value: point.value,
            ts_ms: point.ts_ms,
            retained,
        }),
        Err(error) => Some(BusInput::Refused { signal, error }),
    }
}

fn whole(source: &TopicSource, payload: &[u8]) -> Result<Option<Said>, PayloadError> {
    let point = source.conversion.read(source.signal, payload)?;
    Ok(point.map(|point| (point.value, point.ts_ms)))
}

type Slots<'a> = Vec<Option<Scalar<'a>>>;

fn parse<'a>(topic: &SharedTopic, payload: &'a [u8]) -> Result<Slots<'a>, PayloadError> {
    match payload.len() {
        0 => return Err(PayloadError::Empty),
        1..=PAYLOAD_MAX => {}
        _ => return Err(PayloadError::TooLong),
    }
    let text = std::str::from_utf8(payload).map_err(|_| PayloadError::NotADataPoint)?;
    topic.pointers.read(text)
}

/// Reads the value of a source. A message that does not have its place says nothing about it.
fn in_slots(
    source: &TopicSource,
    slots: &Slots<'_>,
    arrived_ms: i64,
) -> Result<Option<Said>, PayloadError> {
    let SourcePlace::Slot { value, time } = &source.place else {
        return Ok(None);
    };
    let is = |(slot, text): &(usize, String)| is_text(slots[*slot].as_ref(), text);
    if !source.only.iter().all(is) {
        return Ok(None);
    }
    let Some(scalar) = &slots[*value] else {
        return Ok(None);
    };
    let Some(value) = convert(source, scalar)? else {
        return Ok(None);
    };
    let ts_ms = match time {
        Some((slot, form)) => Some(form.read(slots[*slot].as_ref(), arrived_ms)?),
        None => None,
    };
    Ok(Some((value, ts_ms)))
}

fn convert(source: &TopicSource, scalar: &Scalar<'_>) -> Result<Option<Value>, PayloadError> {
    if let Some(meaning) = source.conversion.words.of_scalar(scalar) {
        return Ok(meaning.value());
    }
    match scalar.clone().value_or_null()? {
        Some(value) => Ok(source.conversion.apply(source.signal, value)),
        None => Err(PayloadError::NotADataPoint),
    }
}

/// Returns whether a place has this very text. A number is the text of its digits, so that no two vehicles are one.
fn is_text(scalar: Option<&Scalar<'_>>, expected: &str) -> bool {
    match scalar {
        Some(Scalar::Text(text)) => text == expected,
        // Above, it was rounded: digits are lost.
        Some(Scalar::Number(number)) => {
            number.abs() < WHOLE_MAX as f64 && *expected == number.to_string()
        }
        Some(Scalar::Long(number)) => *expected == number.to_string(),
        Some(Scalar::Flag(flag)) => expected == if *flag { "true" } else { "false" },
        Some(Scalar::Null | Scalar::Other) | None => false,
    }
}

#[cfg(test)]
mod tests;
