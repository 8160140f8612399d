//! The gateways that the car can be behind.

use jiff::{SignedDuration, Timestamp};

use super::image::CarImage;
use super::post::GatewayMessage;
use super::saying::{Saying, whole_second};
use super::{bmw, charging_points, fleet_telemetry, ovms, slow_cloud, tesla_mate, viss, wican};
use crate::message::Delivery;

/// A program between the car and the broker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Gateway {
    /// The car itself: VISS data points, each second.
    Vss,
    TeslaMate,
    /// With a lifetime counter of the grid's energy, which few vehicle modules have.
    Ovms,
    /// With the counter of the session alone.
    OvmsSession,
    FleetTelemetry,
    /// From BMW's own broker.
    BmwCardata,
    BmwMqttBridge,
    Wican,
    Evcc,
    OpenWb,
    Viss,
    KuksaOnChange,
    SlowCloud,
}

/// A mapping that the head unit brings along, and what stands for the vehicle in its topics.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GatewayMapping {
    /// A file of the folder app/mapping.
    pub file: &'static str,
    pub vehicle: String,
}

/// The order in which a gateway comes to say things.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Manner {
    /// As the car says them, message by message.
    AsTold,
    /// Each signal that differs from its last message.
    Changes,
    /// The same, and everything each so often.
    ChangesAndAllEach(SignedDuration),
    /// Everything.
    All,
}

impl Gateway {
    /// Every gateway, the car itself first.
    pub const ALL: [Self; 13] = [
        Self::Vss,
        Self::TeslaMate,
        Self::Ovms,
        Self::OvmsSession,
        Self::FleetTelemetry,
        Self::BmwCardata,
        Self::BmwMqttBridge,
        Self::Wican,
        Self::Evcc,
        Self::OpenWb,
        Self::Viss,
        Self::KuksaOnChange,
        Self::SlowCloud,
    ];

    /// The name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Vss => "vss",
            Self::TeslaMate => "tesla-mate",
            Self::Ovms => "ovms",
            Self::OvmsSession => "ovms-session",
            Self::FleetTelemetry => "fleet-telemetry",
            Self::BmwCardata => "bmw-cardata",
            Self::BmwMqttBridge => "bmw-mqtt-bridge",
            Self::Wican => "wican",
            Self::Evcc => "evcc",
            Self::OpenWb => "openwb",
            Self::Viss => "viss",
            Self::KuksaOnChange => "kuksa-on-change",
            Self::SlowCloud => "slow-cloud",
        }
    }

    /// Describes in a line how it speaks.
    pub fn about(self) -> &'static str {
        match self {
            Self::Vss => "the car itself: VISS data points with their times, each second",
            Self::TeslaMate => {
                "bare values, retained, what changed: each 3 s driving, 5 to 20 s charging, else 15 or 30 s"
            }
            Self::Ovms => {
                "bare values of six digits, retained, what changed: each 6 s on, 11 s charging, else 61 or 601 s"
            }
            Self::OvmsSession => {
                "the same from a vehicle module that counts the energy of a session alone"
            }
            Self::FleetTelemetry => {
                "Tesla's own: JSON values, not retained, on change; null for none; miles"
            }
            Self::BmwCardata => {
                "BMW's broker: one object of what changed, each key with its time; no speed"
            }
            Self::BmwMqttBridge => "the same split by bmw-mqtt-bridge: a topic for each key",
            Self::Wican => {
                "a group of PIDs in one object, retained, each 10 s while the car is awake"
            }
            Self::Evcc => {
                "a charging point: bare values, retained, all each 30 s; nothing of the car's drives"
            }
            Self::OpenWb => "a charging point: JSON values, retained, all each 10 s",
            Self::Viss => "VISS v3: replies to a subscription on one topic, all values as text",
            Self::KuksaOnChange => "KUKSA's val-server: bare values on change, not retained",
            Self::SlowCloud => {
                "an invented maker's cloud, asked each 5 min: odometer, charge, ignition; no speed"
            }
        }
    }

    /// Returns whether the payloads have times; else the head unit takes the time of arrival.
    pub fn says_times(self) -> bool {
        match self {
            Self::Vss | Self::BmwCardata | Self::BmwMqttBridge | Self::Viss | Self::SlowCloud => {
                true
            }
            Self::TeslaMate
            | Self::Ovms
            | Self::OvmsSession
            | Self::FleetTelemetry
            | Self::Wican
            | Self::Evcc
            | Self::OpenWb
            | Self::KuksaOnChange => false,
        }
    }

    /// The mapping for a car with this VIN; `None` where the head unit needs none.
    pub fn mapping(self, vin: &str) -> Option<GatewayMapping> {
        let mapping = |file, vehicle: String| Some(GatewayMapping { file, vehicle });
        match self {
            Self::Vss | Self::KuksaOnChange | Self::SlowCloud => None,
            Self::TeslaMate => mapping("teslamate.toml", tesla_mate::VEHICLE.to_owned()),
            Self::Ovms | Self::OvmsSession => mapping("ovms.toml", ovms::VEHICLE.to_owned()),
            Self::FleetTelemetry => mapping("fleet-telemetry.toml", vin.to_owned()),
            Self::BmwCardata => mapping("bmw-cardata.toml", format!("{}/{vin}", bmw::GCID)),
            Self::BmwMqttBridge => mapping("bmw-mqtt-bridge.toml", vin.to_owned()),
            Self::Wican => mapping("wican.toml", wican::VEHICLE.to_owned()),
            Self::Evcc => mapping("evcc.toml", charging_points::LOADPOINT.to_owned()),
            Self::OpenWb => mapping("openwb.toml", charging_points::CHARGE_POINT.to_owned()),
            Self::Viss => mapping("viss.toml", viss::VEHICLE.to_owned()),
        }
    }

    pub(super) fn manner(self) -> Manner {
        match self {
            Self::Vss | Self::Viss | Self::KuksaOnChange => Manner::AsTold,
            Self::TeslaMate | Self::FleetTelemetry | Self::BmwCardata | Self::BmwMqttBridge => {
                Manner::Changes
            }
            Self::Ovms | Self::OvmsSession => Manner::ChangesAndAllEach(ovms::ALL_EACH),
            Self::Wican | Self::Evcc | Self::OpenWb | Self::SlowCloud => Manner::All,
        }
    }

    /// Time from one look at the car to the next.
    pub(super) fn pace(self, image: &CarImage, at: Timestamp) -> SignedDuration {
        match self {
            // Of what is said on change, the look itself costs nobody anything.
            Self::Vss
            | Self::Viss
            | Self::KuksaOnChange
            | Self::FleetTelemetry
            | Self::BmwCardata
            | Self::BmwMqttBridge => SignedDuration::from_secs(1),
            Self::TeslaMate => tesla_mate::pace(image, at),
            Self::Ovms | Self::OvmsSession => ovms::pace(image, at),
            Self::Wican => wican::PERIOD,
            Self::Evcc => charging_points::EVCC_EACH,
            Self::OpenWb => charging_points::OPENWB_EACH,
            Self::SlowCloud => slow_cloud::EACH,
        }
    }

    /// Returns whether a look comes early when the car does something else. One who asks from afar learns it at the next
    /// look.
    pub(super) fn notices_at_once(self) -> bool {
        matches!(self, Self::Ovms | Self::OvmsSession)
    }

    /// The time after the last word of the car by which this gateway has said it.
    pub(super) fn settles(self) -> SignedDuration {
        match self {
            Self::Vss | Self::Viss | Self::KuksaOnChange => SignedDuration::ZERO,
            Self::FleetTelemetry => SignedDuration::from_secs(2),
            Self::Wican | Self::OpenWb => SignedDuration::from_secs(11),
            Self::TeslaMate => SignedDuration::from_secs(21),
            Self::Evcc => SignedDuration::from_secs(31),
            Self::Ovms | Self::OvmsSession => SignedDuration::from_secs(62),
            // Nothing may come later than the next command, which begins five minutes after this one.
            Self::BmwCardata | Self::BmwMqttBridge | Self::SlowCloud => {
                SignedDuration::from_secs(299)
            }
        }
    }

    /// Everything that can be said of the car at `at`.
    pub(super) fn sayings(self, image: &CarImage, at: Timestamp) -> Vec<Saying> {
        match self {
            Self::Vss | Self::Viss | Self::KuksaOnChange => Vec::new(),
            Self::TeslaMate => tesla_mate::sayings(image, at),
            Self::Ovms => ovms::sayings(image, at, true),
            Self::OvmsSession => ovms::sayings(image, at, false),
            Self::FleetTelemetry => fleet_telemetry::sayings(image, at),
            Self::BmwCardata | Self::BmwMqttBridge => bmw::sayings(image),
            // The device sleeps with the car.
            Self::Wican if image.is_asleep(at) => Vec::new(),
            Self::Wican => wican::sayings(image, at),
            Self::Evcc => charging_points::evcc(image, at),
            Self::OpenWb => charging_points::openwb(image, at),
            Self::SlowCloud => slow_cloud::sayings(image),
        }
    }

    /// Writes what is to be said at `at` into messages.
    pub(super) fn write(
        self,
        image: &CarImage,
        sayings: &[Saying],
        at: Timestamp,
    ) -> Vec<GatewayMessage> {
        let post = |(topic, payload): (String, String), measured: Timestamp| GatewayMessage {
            topic,
            payload,
            at,
            // Each payload with a time that is written here has it in whole seconds.
            stamp: if self.says_times() {
                whole_second(measured)
            } else {
                at
            },
            delivery: self.delivery(),
        };
        let each = |write: &dyn Fn(&Saying) -> (String, String)| -> Vec<GatewayMessage> {
            let said = sayings.iter();
            said.map(|saying| post(write(saying), saying.measured))
                .collect()
        };
        let bare = |topic: &dyn Fn(&str) -> String| {
            each(&|saying| (topic(saying.key), saying.value.clone()))
        };
        let Some(newest) = sayings.iter().map(|saying| saying.measured).max() else {
            return Vec::new();
        };
        match self {
            Self::Vss | Self::Viss | Self::KuksaOnChange => Vec::new(),
            Self::TeslaMate => bare(&tesla_mate::topic),
            Self::Ovms | Self::OvmsSession => bare(&ovms::topic),
            Self::FleetTelemetry => bare(&|key| fleet_telemetry::topic(image, key)),
            Self::BmwCardata => vec![post(bmw::raw(image, sayings, at), newest)],
            Self::BmwMqttBridge => each(&|saying| bmw::split(image, saying)),
            Self::Wican => vec![post(wican::group(sayings), newest)],
            Self::Evcc => bare(&charging_points::evcc_topic),
            Self::OpenWb => bare(&charging_points::openwb_topic),
            Self::SlowCloud => each(&slow_cloud::point),
        }
    }

    fn delivery(self) -> Delivery {
        match self {
            Self::TeslaMate => Delivery::State,
            Self::Ovms | Self::OvmsSession | Self::Wican | Self::Evcc | Self::OpenWb => {
                Delivery::Kept
            }
            Self::Vss
            | Self::FleetTelemetry
            | Self::BmwCardata
            | Self::BmwMqttBridge
            | Self::Viss
            | Self::KuksaOnChange
            | Self::SlowCloud => Delivery::Sample,
        }
    }
}
