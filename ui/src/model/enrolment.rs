//! An enrolment under way.

use dashpoint_membership::ServerTime;

/// An enrolment under way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnrolmentData {
    /// The last four characters of the VIN.
    pub vin_end: String,
    /// The step that the enrolment has reached.
    pub step: EnrolmentStep,
}

/// The steps of an enrolment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EnrolmentStep {
    /// Waiting for a phone, and for the member to say yes.
    Waiting {
        /// Content that both screens show.
        code: String,
        /// The address in the QR code.
        url: String,
        /// Until when.
        valid_until: ServerTime,
    },
    /// The member has said yes; a member of the vehicle, which earns already, or the operator has to agree.
    AwaitingConsent,
    /// There is no connection to enrol over.
    Offline,
    /// Nobody answered in time.
    Expired,
    /// The member or the cloud said no.
    Refused,
    /// Done.
    Enrolled {
        /// The member's name.
        name: String,
    },
}
