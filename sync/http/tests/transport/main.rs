//! The transport against real servers on this machine.
#![expect(
    clippy::unwrap_used,
    reason = "the servers around the transport are tests too: what fails in them fails the test"
)]

mod enrolment;
mod over_http;
mod over_tls;
mod server;
