//! The machine against a model of the cloud, in simulated time: no runtime, no sockets, no clock.
#![expect(
    clippy::unwrap_used,
    reason = "the models around the machine are tests too: what fails in them fails the test"
)]

mod answers;
mod car;
mod cloud;
mod histories;
mod pace;
mod shown_enrolment;
mod straight;
mod unhurried;
mod ways_back;
mod world;
