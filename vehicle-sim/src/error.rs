//! Errors of the simulator.

use std::path::PathBuf;

use jiff::Timestamp;

/// A failure of a command; the message says what to do where something can be done.
#[derive(Debug, thiserror::Error)]
pub enum SimError {
    #[error(
        "`{text}` is not a VIN: 17 capital letters (no I, O, Q) and digits, the last four digits"
    )]
    Vin { text: String },
    #[error(
        "`{text}` is not a driver: expected ISSUER#SUBJECT, for example https://id.example.com#42"
    )]
    Driver { text: String },
    #[error("`{text}` is not a broker: expected HOST:PORT, for example 127.0.0.1:1883")]
    Endpoint { text: String },
    #[error("{path} holds no password in its first line")]
    NoPassword { path: PathBuf },
    #[error("{path}: expected {expected}, PEM")]
    Pem {
        path: PathBuf,
        expected: &'static str,
        #[source]
        source: Box<rustls::pki_types::pem::Error>,
    },
    #[error("certificate and key cannot be used")]
    Tls(#[source] rustls::Error),
    #[error("`{text}` is not a speed: expected `max` or a number above 0, for example 60")]
    Speed { text: String },
    #[error("{what} is {value}: expected {expected}")]
    OutOfRange {
        what: &'static str,
        value: f64,
        expected: &'static str,
    },
    #[error(
        "nothing in this command publishes `{path}`, so it cannot be omitted; `vehicle-sim list` shows the signals"
    )]
    OmitsNothing { path: String },
    #[error("{name} carries no time of its own, so it cannot keep it")]
    NoOwnTime { name: String },
    #[error("{name}: unknown columns `{header}`; known are {expected}")]
    UnknownHeader {
        name: String,
        header: String,
        expected: &'static str,
    },
    #[error("{name}, line {line}: {column} is `{text}`, expected {expected}")]
    BadRow {
        name: String,
        line: u64,
        column: &'static str,
        text: String,
        expected: &'static str,
    },
    #[error("{name} holds no speed")]
    EmptyRecording { name: String },
    #[error("{name} is not a readable table")]
    Csv {
        name: String,
        #[source]
        source: csv::Error,
    },
    #[error("cannot read {path}")]
    Read {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("there is no scenario `{name}`: expected a file, or one of {known}")]
    NoScenario { name: String, known: String },
    #[error("{name} is not a scenario")]
    Scenario {
        name: String,
        #[source]
        source: Box<toml::de::Error>,
    },
    #[error("{name}, line {line}")]
    Step {
        name: String,
        line: usize,
        #[source]
        source: Box<Self>,
    },
    #[error("`{line}` is no step: {message}")]
    Typed { line: String, message: String },
    #[error("`{path}` is not a VSS path like Vehicle.Speed")]
    NoPath { path: String },
    #[error("the car itself publishes `{path}`; other steps change it")]
    SaidByTheCar { path: String },
    #[error("`{code}` is not a language of ISO 639-1 like zh or en")]
    Language { code: String },
    #[error("{cycle} lasts {has_s} s, and `for` asks for {asked_s} s of it")]
    PastTheCycle {
        cycle: &'static str,
        has_s: i64,
        asked_s: i64,
    },
    #[error("the clock goes only forward: {to} is not after {at}")]
    ClockBack { to: Timestamp, at: Timestamp },
    #[error(
        "the MQTT broker at {broker} does not restart when asked: only one that `vehicle-sim broker` hosts does"
    )]
    NotHosted { broker: String },
    #[error(
        "{path}: the state of the car cannot be {done}; name another file with --state, or mend this one"
    )]
    StateFile {
        path: PathBuf,
        /// `read` or `written`.
        done: &'static str,
        #[source]
        source: std::io::Error,
    },
    #[error("{path} is not a state of the simulator; move it away to begin with a new car")]
    State {
        path: PathBuf,
        #[source]
        source: serde_json::Error,
    },
    #[error(
        "{path} is of format {format}, and this program reads format {known}; move it away to begin with a new car"
    )]
    StateFormat {
        path: PathBuf,
        format: u32,
        known: u32,
    },
    #[error("{name} is not a description of a vehicle")]
    Vehicle {
        name: String,
        #[source]
        source: toml::de::Error,
    },
    #[error("the battery would be empty after {km:.1} km; charge first")]
    BatteryEmpty { km: f64 },
    #[error("the battery has room for {room_kwh:.1} kWh; charge less, or drive first")]
    BatteryFull { room_kwh: f64 },
    #[error("the time runs out of the calendar")]
    Time(#[source] jiff::Error),
    #[error(
        "no MQTT broker at {broker}; start one with `vehicle-sim broker` or name another with --broker"
    )]
    Unreachable {
        broker: String,
        #[source]
        source: Box<rumqttc::ConnectionError>,
    },
    #[error(
        "the MQTT broker at {broker} does not let this client in; who it is says --user with --password-file, or --ca with --cert and --key"
    )]
    Refused {
        broker: String,
        #[source]
        source: Box<rumqttc::ConnectionError>,
    },
    #[error("the MQTT broker at {broker} is not one that the authority of --ca vouches for")]
    Untrusted {
        broker: String,
        #[source]
        source: Box<rumqttc::ConnectionError>,
    },
    #[error("the MQTT broker at {broker} went away and did not come back within {waited_s} s")]
    Lost {
        broker: String,
        waited_s: u64,
        #[source]
        source: Box<rumqttc::ConnectionError>,
    },
    #[error("stopped at {at} of the simulated time; the next command goes on from there")]
    Stopped { at: Timestamp },
}

impl SimError {
    /// Returns whether another state of charge at the begin would help.
    pub fn is_about_charge(&self) -> bool {
        if let Self::Step { source, .. } = self {
            return source.is_about_charge();
        }
        matches!(self, Self::BatteryEmpty { .. } | Self::BatteryFull { .. })
    }

    /// Returns whether the command itself was wrong, so that trying again cannot help.
    pub fn is_usage(&self) -> bool {
        match self {
            Self::Vin { .. }
            | Self::Driver { .. }
            | Self::Endpoint { .. }
            | Self::NoPassword { .. }
            | Self::Pem { .. }
            | Self::Tls(_)
            | Self::Speed { .. }
            | Self::OutOfRange { .. }
            | Self::OmitsNothing { .. }
            | Self::NoOwnTime { .. }
            | Self::NoScenario { .. }
            | Self::Scenario { .. }
            | Self::Typed { .. }
            | Self::NoPath { .. }
            | Self::SaidByTheCar { .. }
            | Self::Language { .. }
            | Self::ClockBack { .. }
            | Self::PastTheCycle { .. }
            // A file that was named and is none of its kind.
            | Self::UnknownHeader { .. }
            | Self::BadRow { .. }
            | Self::EmptyRecording { .. }
            | Self::Csv { .. }
            | Self::Read { .. }
            | Self::Vehicle { .. } => true,
            Self::Step { source, .. } => source.is_usage(),
            Self::StateFile { .. }
            | Self::State { .. }
            | Self::StateFormat { .. }
            | Self::NotHosted { .. }
            | Self::BatteryEmpty { .. }
            | Self::BatteryFull { .. }
            | Self::Time(_)
            | Self::Unreachable { .. }
            | Self::Refused { .. }
            | Self::Untrusted { .. }
            | Self::Lost { .. }
            | Self::Stopped { .. } => false,
        }
    }
}
