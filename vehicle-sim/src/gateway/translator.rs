//! From what the car says to what a gateway publishes of it, in simulated time.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::image::CarImage;
use super::kind::{Gateway, Manner};
use super::post::GatewayMessage;
use super::saying::Saying;
use super::{kuksa, viss};
use crate::message::Message;
use crate::meters::CarMeters;
use crate::vss::VssValue;

/// Something that was said last.
#[derive(Debug, Clone)]
struct SaidLast {
    value: String,
    at: Timestamp,
}

/// A gateway at work. It looks at the car again and again, and says what its [`Manner`] asks for.
#[derive(Debug, Clone)]
pub(crate) struct Translator {
    gateway: Gateway,
    image: CarImage,
    /// The time up to which the car has spoken.
    now: Option<Timestamp>,
    /// The time of the last look, and how long after it the next was to be.
    last_look: Option<(Timestamp, SignedDuration)>,
    all_at: Option<Timestamp>,
    said: BTreeMap<&'static str, SaidLast>,
    /// The values that the car has told, for a gateway that passes on what changed.
    told: BTreeMap<String, VssValue>,
}

impl Translator {
    /// A gateway that has said nothing yet. `efficiency` is the part of the energy at the meter that reaches the battery,
    /// `meters` those of before the first word of the car, for the counters that the car does not say.
    pub(crate) fn new(gateway: Gateway, vin: &str, efficiency: f64, meters: &CarMeters) -> Self {
        Self {
            gateway,
            image: CarImage::new(vin.to_owned(), efficiency, meters),
            now: None,
            last_look: None,
            all_at: None,
            said: BTreeMap::new(),
            told: BTreeMap::new(),
        }
    }

    pub(crate) fn gateway(&self) -> Gateway {
        self.gateway
    }

    /// Takes a message of the car and adds what was due before it, or follows from it.
    pub(crate) fn take(&mut self, message: &Message, out: &mut Vec<GatewayMessage>) {
        match self.gateway.manner() {
            Manner::AsTold => out.extend(self.pass_on(message)),
            Manner::Changes | Manner::ChangesAndAllEach(_) | Manner::All => {
                // What comes late comes now, with its own time.
                let at = self.now.map_or(message.at, |now| now.max(message.at));
                self.turn_to(at, out);
                self.image.take(message);
                self.now = Some(at);
            }
        }
    }

    /// Adds what the gateway says after the last word of the car.
    pub(crate) fn settle(&mut self, out: &mut Vec<GatewayMessage>) {
        let settled = self
            .now
            .and_then(|now| now.checked_add(self.gateway.settles()).ok());
        if let Some(settled) = settled {
            self.turn_to(settled, out);
        }
    }

    /// Translates all that the car says, and settles.
    pub(crate) fn translate(mut self, messages: &[Message]) -> Vec<GatewayMessage> {
        let mut out = Vec::new();
        for message in messages {
            self.take(message, &mut out);
        }
        self.settle(&mut out);
        out
    }

    fn pass_on(&mut self, message: &Message) -> Option<GatewayMessage> {
        if message.garbage.is_some() {
            return None;
        }
        match self.gateway {
            Gateway::Viss => Some(viss::reply(message)),
            Gateway::KuksaOnChange => {
                let path = message.path.to_string();
                let before = self.told.insert(path, message.value.clone());
                (before.as_ref() != Some(&message.value)).then(|| kuksa::bare(message))
            }
            Gateway::Vss
            | Gateway::TeslaMate
            | Gateway::Ovms
            | Gateway::OvmsSession
            | Gateway::FleetTelemetry
            | Gateway::BmwCardata
            | Gateway::BmwMqttBridge
            | Gateway::Wican
            | Gateway::Evcc
            | Gateway::OpenWb
            | Gateway::SlowCloud => None,
        }
    }

    /// Looks at the car as often as the gateway does before `at`.
    fn turn_to(&mut self, at: Timestamp, out: &mut Vec<GatewayMessage>) {
        while let Some(look) = self.next_look().filter(|look| *look < at) {
            if !self.look(look, out) && self.gateway.manner() == Manner::Changes {
                self.skip_to(at);
            }
        }
    }

    /// The time of the next look, once the car has spoken. It sees the car as it is then.
    fn next_look(&self) -> Option<Timestamp> {
        let now = self.now?;
        let Some((last, planned)) = self.last_look else {
            return Some(now);
        };
        let wait = if self.gateway.notices_at_once() {
            planned.min(self.gateway.pace(&self.image, now.max(last)))
        } else {
            planned
        };
        last.checked_add(wait).ok().map(|next| next.max(now))
    }

    /// Looks at the car; false when nothing was said and nothing waits for its time.
    fn look(&mut self, at: Timestamp, out: &mut Vec<GatewayMessage>) -> bool {
        self.last_look = Some((at, self.gateway.pace(&self.image, at)));
        let is_all = match self.gateway.manner() {
            Manner::AsTold | Manner::Changes => false,
            Manner::ChangesAndAllEach(each) => self
                .all_at
                .is_none_or(|last| at.duration_since(last) >= each),
            Manner::All => true,
        };
        if is_all {
            self.all_at = Some(at);
        }
        let all = self.gateway.sayings(&self.image, at);
        let (due, waiting): (Vec<Saying>, Vec<Saying>) = all
            .into_iter()
            .filter(|saying| is_all || self.is_news(saying))
            .partition(|saying| is_all || self.may_come(saying, at));
        for saying in &due {
            let last = SaidLast {
                value: saying.value.clone(),
                at,
            };
            self.said.insert(saying.key, last);
        }
        out.extend(self.gateway.write(&self.image, &due, at));
        !(due.is_empty() && waiting.is_empty())
    }

    fn is_news(&self, saying: &Saying) -> bool {
        let last = self.said.get(saying.key);
        last.is_none_or(|last| last.value != saying.value)
    }

    fn may_come(&self, saying: &Saying, at: Timestamp) -> bool {
        let last = self.said.get(saying.key);
        last.is_none_or(|last| at.duration_since(last.at) >= saying.every)
    }

    /// Leaves out looks at a car that says nothing until `at`, where only the seconds would pass.
    fn skip_to(&mut self, at: Timestamp) {
        let Some((last, pace)) = self.last_look else {
            return;
        };
        if pace > SignedDuration::from_secs(1) {
            return;
        }
        let seconds = at.duration_since(last).as_secs() - 1;
        let skipped = last.checked_add(SignedDuration::from_secs(seconds.max(0)));
        self.last_look = Some((skipped.unwrap_or(last), pace));
    }
}
