//! A simulated vehicle that speaks MQTT and VSS, and can host the broker.
//!
//! A [`Command`] becomes a [`Plan`]: every message with its time, worked out beforehand and the same for the same
//! arguments. Only then does [`Simulator::run`] connect to the broker and publish it, paced by what the head unit
//! says it has taken. The car's clock and lifetime meters are kept between commands, so that they follow each
//! other in time and the odometer goes on.
//!
//! The crate shares no code with the car that it tests: a mistake made twice would cancel out.

mod access;
mod broker;
mod cli;
mod command;
mod cycle;
mod dispatch;
mod ending;
mod error;
mod failure;
mod gateway;
mod identity;
mod link;
mod list;
mod live;
mod message;
mod meters;
mod names;
mod pacing;
mod physics;
mod plan;
mod posted;
mod program;
mod publisher;
mod recording;
mod scenario;
mod screen;
mod simulator;
mod state;
mod summary;
mod vehicle;
mod vss;

pub use access::{Access, BrokerLogin, Tls};
pub use broker::{Broker, BrokerError};
pub use command::Command;
pub use cycle::Cycle;
pub use error::SimError;
pub use failure::{in_one_line, to_program};
pub use gateway::{Gateway, GatewayMapping, GatewayMessage};
pub use identity::{Identity, SimulatedDriver, Vin};
pub use link::Endpoint;
pub use message::{Delivery, Garbage, Message};
pub use meters::CarMeters;
pub use pacing::Speed;
pub use plan::{EnergySource, MeterKind, Plan, SimulatedCharge};
pub use program::run;
pub use publisher::{Delivered, Progress, SeenPart};
pub use recording::{DriveRecording, DriveRecordingKind, Observation, RecordingRow};
pub use scenario::{
    Does, Gear, Lasting, Ready, Scenario, ScenarioCharge, ScenarioClock, ScenarioDrive,
    ScenarioFault, ScenarioMeter, ScenarioSwap, Step,
};
pub use simulator::{LiveCar, Options, Simulator, Stopper};
pub use state::SimState;
pub use summary::Summary;
pub use vehicle::Vehicle;
pub use vss::{VssSignal, VssValue};
