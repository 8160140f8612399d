//! The program's data for the whole screen.

use dashpoint_membership::{DeviceId, EntryHash, Epoch, PolicyVersion, Seq, ServerTime};

use super::availability::Availability;
use super::benefits::BenefitData;
use super::enrolment::EnrolmentData;
use super::ledger::RowData;
use super::member::MemberData;
use super::trip::TripData;

/// The connection with the member cloud.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LinkData {
    /// True when the last exchange went through.
    pub online: bool,
    /// Time of the cloud for the data shown; `None` before the first exchange.
    pub as_of: Option<ServerTime>,
}

/// The head unit and its queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceData {
    /// Id of this device.
    pub device: DeviceId,
    /// The life of its chain.
    pub epoch: Epoch,
    /// The last entry and its hash.
    pub head: Option<(Seq, EntryHash)>,
    /// Entries that the cloud has not confirmed.
    pub waiting: u32,
    /// Server time of the last receipt.
    pub last_receipt: Option<ServerTime>,
    /// The policy in force.
    pub policy: Option<PolicyVersion>,
    /// State of the last exchange.
    pub exchange: Exchange,
}

/// State of the last exchange with the cloud.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exchange {
    /// Nothing is left to do.
    Done,
    /// Under way.
    Running,
    /// It failed and is tried again.
    Failed {
        /// Time of the next try.
        next_try: ServerTime,
    },
    /// The cloud refuses this device.
    Refused,
    /// The cloud lets this device in, and does not take what it sent.
    EntriesRefused,
}

/// Everything that the pages are made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScreenData {
    /// The connection.
    pub link: LinkData,
    /// The member's card.
    pub member: Availability<MemberData>,
    /// The ledger, newest first.
    pub activity: Availability<Vec<RowData>>,
    /// The benefits, in the order of the catalogue.
    pub benefits: Availability<Vec<BenefitData>>,
    /// The trip that has just ended.
    pub trip: Option<TripData>,
    /// An enrolment under way; the car has no member before it ends.
    pub enrolment: Option<EnrolmentData>,
    /// The head unit and its queue.
    pub device: DeviceData,
    /// True while the driver is a guest.
    pub guest: bool,
    /// True while the car itself says so, or knows somebody who is no member here.
    pub guest_by_car: bool,
}
