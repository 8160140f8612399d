//! The same car behind another gateway: its values in the topics, the words, the digits and the rhythm of a program that
//! people run.
//!
//! A [`Gateway`] is told what the car says in VSS and answers with what that program would publish of it. It reads no clock
//! and has no connection. Each gateway is a file, which names the program and the version that it was read from; rates that
//! a source does not say are marked as assumed.

mod bmw;
mod charging_points;
mod fleet_telemetry;
mod image;
mod kind;
mod kuksa;
mod ovms;
mod post;
mod saying;
mod slow_cloud;
mod tesla_mate;
#[cfg(test)]
mod tests;
mod translator;
mod viss;
mod wican;

pub use kind::{Gateway, GatewayMapping};
pub use post::GatewayMessage;

pub(crate) use translator::Translator;
