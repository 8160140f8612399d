//! The place at which a signal is published: topic, place in the payload, and time.

use dashpoint_telematics::{Signal, Value};
use jiff::tz::TimeZone;

use super::facts::FileFacts;
use super::keys::{Mistake, TableKeys};
use crate::bus::conversion::Conversion;
use crate::bus::pointer::Pointer;
use crate::bus::source::Joining;
use crate::bus::time_form::TimeForm;
use crate::bus::topic_under;

/// A signal with all that is said of it.
#[derive(Debug, Clone)]
pub(super) enum Read {
    /// The car cannot say it.
    Absent,
    /// It has a topic.
    Single(Spot),
    /// It is made of two.
    Joined {
        joining: Joining,
        within_ms: u64,
        operands: Box<[Spot; 2]>,
        conversion: Conversion,
    },
    /// It is always the same, and is said beside another one.
    Constant { value: Value, beside: Signal },
}

/// A value in a topic.
#[derive(Debug, Clone)]
pub(super) struct Spot {
    pub(super) topic: String,
    /// Pointers to value and time; none for a payload that is the value.
    pub(super) place: Option<(Pointer, Option<(Pointer, TimeForm)>)>,
    pub(super) only: Vec<(Pointer, String)>,
    pub(super) conversion: Conversion,
    /// The place as the file has it, for a report.
    pub(super) written: String,
    /// True when the vehicle is named, in the topic or in `only`.
    pub(super) is_named: bool,
}

/// Topic, place and time.
pub(super) fn read_spot(
    signal: Signal,
    keys: TableKeys<'_>,
    facts: &FileFacts,
    conversion: Conversion,
) -> Result<Spot, Mistake> {
    let (key, topic) = match (keys.text("topic")?, keys.text("alias")?) {
        (Some(_), Some(_)) => {
            let what = "expected a topic or an alias, not both";
            return Err(Mistake::new("alias", what));
        }
        (Some(topic), None) => ("topic", topic.to_owned()),
        (None, Some(alias)) => ("alias", topic_under(&facts.prefix, alias)),
        (None, None) => ("topic", topic_under(&facts.prefix, signal.path())),
    };
    let (topic, mut is_named) =
        with_vehicle(&topic, facts).map_err(|what| Mistake::new(key, what))?;
    let pointer = |key: &str| {
        let Some(text) = keys.text(key)? else {
            return Ok(None);
        };
        let what = format!("{key}: {text:?}; expected a JSON pointer such as \"/data/value\"");
        let pointer = Pointer::parse(text);
        pointer.map(Some).ok_or_else(|| Mistake::new(key, what))
    };
    let value = pointer("value")?;
    let time = pointer("time")?;
    let form = read_time_form(keys)?;
    let place = match (value, time) {
        (Some(value), Some(time)) => {
            let form = form.or_else(|| facts.time_form.clone());
            Some((value, Some((time, form.unwrap_or(TimeForm::Rfc3339)))))
        }
        (Some(_), None) if form.is_some() => {
            let what = "time_form: there is no time; write `time = \"/...\"` beside it";
            return Err(Mistake::new("time_form", what));
        }
        (Some(value), None) => Some((value, None)),
        (None, Some(_)) => {
            let what = "time: there is no value; write `value = \"/...\"` beside it";
            return Err(Mistake::new("time", what));
        }
        (None, None) => None,
    };
    let mut only = Vec::new();
    for (place, text) in keys.table("only")?.into_iter().flat_map(|table| table.0) {
        let wrong = |what: &str| Mistake::new("only", format!("only: {place:?}: {what}"));
        let pointer = Pointer::parse(place);
        let pointer =
            pointer.ok_or_else(|| wrong("expected a JSON pointer such as \"/data/path\""))?;
        let text = text.as_str().ok_or_else(|| wrong("expected a text"))?;
        let is_vehicle = text == "+";
        let text = if is_vehicle {
            let name = facts.vehicle.last();
            name.ok_or_else(|| wrong(NO_VEHICLE))?.clone()
        } else {
            text.to_owned()
        };
        is_named |= is_vehicle;
        only.push((pointer, text));
    }
    if !only.is_empty() && place.is_none() {
        let what = "only: there is no value; write `value = \"/...\"` beside it";
        return Err(Mistake::new("only", what));
    }
    let written = written(keys, place.as_ref(), &only)?;
    Ok(Spot {
        topic,
        place,
        only,
        conversion,
        written,
        is_named,
    })
}

/// Writes the place, the messages that have it and the form of its time for a report; empty for a plain value.
fn written(
    keys: TableKeys<'_>,
    place: Option<&(Pointer, Option<(Pointer, TimeForm)>)>,
    only: &[(Pointer, String)],
) -> Result<String, Mistake> {
    let Some(value) = keys.text("value")? else {
        return Ok(String::new());
    };
    let mut parts = vec![format!("at {value}")];
    if let (Some(time), Some((_, Some((_, form))))) = (keys.text("time")?, place) {
        parts.push(format!("time {time} ({})", form.name()));
    }
    let places = keys.table("only")?;
    let places = places.iter().flat_map(|table| table.0.keys());
    let texts = only.iter().map(|(_, text)| text);
    parts.extend(
        places
            .zip(texts)
            .map(|(place, text)| format!("only where {place} is {text:?}")),
    );
    Ok(parts.join(", "))
}

/// The mistake of a topic with a place for the vehicle, when nobody has named it.
pub(super) const NO_VEHICLE: &str = "a + stands for the vehicle, and none is named; write `vehicle = \"NAME\"` under [bus] in \
                                     the configuration, or in this file; for check-mapping, give --vehicle NAME";

/// Puts the names of the vehicle in the places of `+`, so that no other vehicle is subscribed to.
fn with_vehicle(topic: &str, facts: &FileFacts) -> Result<(String, bool), String> {
    let expected = || format!("topic {topic:?}: expected one without + and #");
    if topic.is_empty() || topic.contains(['#', '\0']) || facts.format < 2 && topic.contains('+') {
        return Err(expected());
    }
    let places = topic.split('/').filter(|level| *level == "+").count();
    if topic.matches('+').count() != places {
        return Err(format!(
            "topic {topic:?}: a + stands for a whole level, such as \"cars/+/speed\""
        ));
    }
    if places == 0 {
        return Ok((topic.to_owned(), false));
    }
    if facts.vehicle.is_empty() {
        return Err(format!("topic {topic:?}: {NO_VEHICLE}"));
    }
    if facts.vehicle.len() != places {
        return Err(format!(
            "topic {topic:?}: {places} places of + and {} of the vehicle's name; expected as many, with / between them",
            facts.vehicle.len()
        ));
    }
    let mut names = facts.vehicle.iter();
    let levels: Vec<&str> = topic
        .split('/')
        .map(|level| match level {
            "+" => names.next().map_or(level, String::as_str),
            level => level,
        })
        .collect();
    Ok((levels.join("/"), true))
}

/// Reads the form of times; `None` when the table has none.
pub(super) fn read_time_form(keys: TableKeys<'_>) -> Result<Option<TimeForm>, Mistake> {
    let zone = keys.text("zone")?;
    let form = keys.text("time_form")?;
    match (form, zone) {
        (None, None) => Ok(None),
        (Some("rfc3339"), None) => Ok(Some(TimeForm::Rfc3339)),
        (Some("unix-s"), None) => Ok(Some(TimeForm::UnixS)),
        (Some("unix-ms"), None) => Ok(Some(TimeForm::UnixMs)),
        (None | Some("local"), Some(zone)) => match TimeZone::get(zone) {
            Ok(zone) => Ok(Some(TimeForm::Local(zone))),
            Err(_) => {
                let what =
                    format!("zone: {zone:?}; expected an IANA zone such as \"Europe/Berlin\"");
                Err(Mistake::new("zone", what))
            }
        },
        (Some("local"), None) => {
            let what = "time_form: \"local\" needs a zone; write `zone = \"Europe/Berlin\"`";
            Err(Mistake::new("time_form", what))
        }
        (Some("rfc3339" | "unix-s" | "unix-ms"), Some(_)) => {
            let what = "zone: only times of form \"local\" have one";
            Err(Mistake::new("zone", what))
        }
        (Some(other), _) => {
            let what =
                format!("time_form: {other:?}; expected one of rfc3339, unix-s, unix-ms, local");
            Err(Mistake::new("time_form", what))
        }
    }
}
