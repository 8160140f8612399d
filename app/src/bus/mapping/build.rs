//! Builds the routes of a mapping from what was read of each signal.

use std::collections::{BTreeMap, HashMap};

use dashpoint_telematics::{Signal, Value, ValueKind};

use super::route::Route;
use super::spot::{Read, Spot};
use crate::bus::conversion::Conversion;
use crate::bus::source::{Join, Joining, SharedTopic, Sink, SourcePlace, TopicSource, TopicUse};

/// The routes of all signals, and the way from a topic to them.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct RouteTable {
    /// One for each signal, in the order of [`Signal::ALL`].
    pub(super) routes: Vec<Route>,
    pub(super) by_topic: HashMap<String, TopicUse>,
    pub(super) topics: Vec<String>,
    pub(super) joins: Vec<Join>,
}

/// Collects the signals one by one.
#[derive(Debug)]
pub(super) struct Builder {
    format: i64,
    routes: Vec<Route>,
    /// Sources of each topic, in the order of the signals.
    carried: BTreeMap<String, Vec<(usize, Spot, Sink)>>,
    joins: Vec<Join>,
    /// Constants, by the signal that they are said beside.
    beside: BTreeMap<Signal, Vec<(Signal, Value)>>,
    names_vehicle: bool,
}

impl Builder {
    pub(super) fn new(format: i64) -> Self {
        Self {
            format,
            routes: Vec::new(),
            carried: BTreeMap::new(),
            joins: Vec::new(),
            beside: BTreeMap::new(),
            names_vehicle: false,
        }
    }

    /// Adds a signal; each must be added once, in the order of [`Signal::ALL`].
    ///
    /// # Errors
    /// One line, when its topic cannot be its own; then it is absent.
    pub(super) fn add(&mut self, signal: Signal, read: Read) -> Result<(), String> {
        let index = self.routes.len();
        let mut route = Route {
            signal,
            topic: None,
            conversion: Conversion::default(),
            place: String::new(),
        };
        let mut added = Ok(());
        match read {
            Read::Absent => {}
            Read::Single(spot) if self.format < 2 && self.carried.contains_key(&spot.topic) => {
                added = Err(format!(
                    "topic {:?} is another signal's already; one topic for several signals needs `format = 2`",
                    spot.topic
                ));
            }
            Read::Single(spot) => match self.same_number(signal, &spot) {
                Some(other) => {
                    let at = match spot.written.as_str() {
                        "" => String::new(),
                        written => format!(" {written}"),
                    };
                    added = Err(format!(
                        "topic {:?}{at}: it is the number of {} already; two signals are never one number",
                        spot.topic,
                        other.path()
                    ));
                }
                None => {
                    route.topic = Some(spot.topic.clone());
                    route.conversion = spot.conversion.clone();
                    route.place = spot.written.clone();
                    self.carry(index, spot, Sink::Signal);
                }
            },
            Read::Joined {
                joining,
                within_ms,
                operands,
                conversion,
            } => {
                let join = self.joins.len();
                let [first, second] = *operands;
                let sign = match joining {
                    Joining::Product => "x",
                    Joining::Difference => "-",
                };
                route.topic = Some(first.topic.clone());
                route.conversion = match joining {
                    Joining::Product => conversion.clone(),
                    Joining::Difference => first.conversion.clone(),
                };
                // The first one's conversion is the signal's, where it is a counter from which another is taken.
                let shown = |spot: &Spot, is_first: bool| {
                    let formula = match (joining, is_first) {
                        (Joining::Difference, true) => String::new(),
                        (Joining::Difference, false) | (Joining::Product, _) => {
                            spot.conversion.formula(signal)
                        }
                    };
                    match formula.as_str() {
                        "" => spot.written.clone(),
                        formula => format!("{} ({formula})", spot.written),
                    }
                };
                let within_s = within_ms as f64 / 1_000.0;
                let parts = [
                    shown(&first, true),
                    sign.to_owned(),
                    second.topic.clone(),
                    shown(&second, false),
                    format!("within {within_s} s"),
                ];
                let parts = parts.iter().map(|part| part.trim());
                let parts: Vec<&str> = parts.filter(|part| !part.is_empty()).collect();
                route.place = parts.join(" ");
                self.joins.push(Join {
                    signal,
                    joining,
                    within_ms,
                    conversion,
                    beside: Vec::new(),
                });
                self.carry(index, first, Sink::Operand { join, side: 0 });
                self.carry(index, second, Sink::Operand { join, side: 1 });
            }
            Read::Constant { value, beside } => {
                let shown = match &value {
                    Value::Bool(flag) => flag.to_string(),
                    Value::Number(number) => number.to_string(),
                    Value::Text(text) => text.clone(),
                };
                route.place = format!("always {shown}, beside {}", beside.path());
                self.beside.entry(beside).or_default().push((signal, value));
            }
        }
        self.routes.push(route);
        added
    }

    /// Finds another number signal that has the very place.
    fn same_number(&self, signal: Signal, spot: &Spot) -> Option<Signal> {
        let is_number = |signal: Signal| matches!(signal.kind(), ValueKind::Number { .. });
        let value = |spot: &Spot| spot.place.as_ref().map(|(value, _)| value.clone());
        let carried = self.carried.get(&spot.topic)?;
        let mut others = carried.iter().filter(|(_, other, sink)| {
            matches!(sink, Sink::Signal) && value(other) == value(spot) && other.only == spot.only
        });
        let others = others
            .by_ref()
            .map(|(index, ..)| self.routes[*index].signal);
        is_number(signal)
            .then_some(others)?
            .find(|other| is_number(*other))
    }

    /// Constants that are never said, each with the signal that they stand beside: no topic has that one.
    pub(super) fn unsaid(&self) -> Vec<(Signal, Signal)> {
        let has_topic = |signal: Signal| {
            let mut routes = self.routes.iter();
            routes.any(|route| route.signal == signal && route.topic.is_some())
        };
        let beside = self
            .beside
            .iter()
            .filter(|(beside, _)| !has_topic(**beside));
        let unsaid = beside.flat_map(|(beside, said)| {
            let constants = said.iter().map(|(constant, _)| *constant);
            constants.map(move |constant| (constant, *beside))
        });
        unsaid.collect()
    }

    fn carry(&mut self, index: usize, spot: Spot, sink: Sink) {
        self.names_vehicle |= spot.is_named;
        let carried = self.carried.entry(spot.topic.clone()).or_default();
        carried.push((index, spot, sink));
    }

    /// Returns whether the name of the vehicle stands in any topic, or is asked of any message.
    pub(super) fn names_vehicle(&self) -> bool {
        self.names_vehicle
    }

    /// Returns whether there is nothing to subscribe to.
    pub(super) fn is_silent(&self) -> bool {
        self.carried.is_empty()
    }

    pub(super) fn finish(mut self) -> RouteTable {
        for join in &mut self.joins {
            join.beside = self.beside.get(&join.signal).cloned().unwrap_or_default();
        }
        let topics = self.carried.keys().cloned().collect();
        let mut by_topic = HashMap::new();
        for (topic, carried) in self.carried {
            let plain = match &carried[..] {
                [(index, spot, Sink::Signal)]
                    if spot.place.is_none()
                        && !self.beside.contains_key(&self.routes[*index].signal) =>
                {
                    Some(*index)
                }
                _ => None,
            };
            let used = plain.map_or_else(
                || shared(carried, &self.routes, &self.beside),
                TopicUse::Plain,
            );
            by_topic.insert(topic, used);
        }
        RouteTable {
            routes: self.routes,
            by_topic,
            topics,
            joins: self.joins,
        }
    }
}

fn shared(
    carried: Vec<(usize, Spot, Sink)>,
    routes: &[Route],
    beside: &BTreeMap<Signal, Vec<(Signal, Value)>>,
) -> TopicUse {
    let mut topic = SharedTopic::default();
    for (index, spot, sink) in carried {
        let signal = routes[index].signal;
        let place = match spot.place {
            None => SourcePlace::Whole,
            Some((value, time)) => SourcePlace::Slot {
                value: topic.pointers.add(&value),
                time: time.map(|(time, form)| (topic.pointers.add(&time), form)),
            },
        };
        let only = spot.only.into_iter();
        let only = only
            .map(|(pointer, text)| (topic.pointers.add(&pointer), text))
            .collect();
        topic.sources.push(TopicSource {
            signal,
            place,
            only,
            conversion: spot.conversion,
            sink,
            beside: beside.get(&signal).cloned().unwrap_or_default(),
        });
    }
    TopicUse::Shared(Box::new(topic))
}
