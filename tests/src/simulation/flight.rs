//! Messages on their way between cars and cloud.

use dashpoint_sync::{Response, Ticket, TransportFailure};

use super::travelling::Travelling;
use super::weather::FlightFate;

/// A message on its way.
pub enum Flight {
    /// A request.
    ToCloud {
        /// From which car.
        car: usize,
        /// The request on its way.
        request: Travelling,
        /// The way of the answer; `None` when no program waits for it.
        reply: Option<Reply>,
    },
    /// An answer, or the word that there is none.
    ToCar(Reply, Result<Response, TransportFailure>),
}

/// To whom an answer goes.
#[derive(Debug, Clone, Copy)]
pub struct Reply {
    pub(super) car: usize,
    pub(super) life: u64,
    pub(super) ticket: Ticket,
    pub(super) fate: FlightFate,
}
