//! A message on its way to the broker, of the car itself or of a gateway.

use jiff::Timestamp;

use crate::gateway::GatewayMessage;
use crate::message::{Delivery, Message};

/// A message as it is handed to the broker.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Posted {
    Car(Message),
    Gateway(GatewayMessage),
}

impl Posted {
    pub(crate) fn topic(&self) -> String {
        match self {
            Self::Car(message) => message.topic(),
            Self::Gateway(message) => message.topic.clone(),
        }
    }

    pub(crate) fn payload(&self) -> String {
        match self {
            Self::Car(message) => message.payload(),
            Self::Gateway(message) => message.payload.clone(),
        }
    }

    pub(crate) fn delivery(&self) -> Delivery {
        match self {
            Self::Car(message) => message.delivery,
            Self::Gateway(message) => message.delivery,
        }
    }

    /// The simulated time of sending, but for what a fault delays: that has its own.
    pub(crate) fn at(&self) -> Timestamp {
        match self {
            Self::Car(message) => message.at,
            Self::Gateway(message) => message.at,
        }
    }

    /// The time that a head unit says when it has taken it.
    pub(crate) fn stamp(&self) -> Timestamp {
        match self {
            Self::Car(message) => message.stamp(),
            Self::Gateway(message) => message.stamp,
        }
    }
}
