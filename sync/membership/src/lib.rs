//! The rules of membership, the same code in the car and in the cloud.
//!
//! Pure: no clock, no files, no network, no randomness. `now` and ids are parameters, decisions are values.

mod account;
mod catalogue;
mod chain;
mod entry;
mod evidence;
mod ids;
mod points;
pub mod policy;
mod statement;
mod text;
mod time;
mod verdict;

pub use account::{
    Account, Allocation, Cause, Lot, LotId, Pending, Remainder, Settlement, TierHeld,
};
pub use catalogue::{Benefit, BenefitKind, Catalogue, Suits};
pub use chain::Chain;
pub use entry::{Award, Entry, EntryBody, MemberAction, Transaction};
pub use evidence::{
    Charge, Current, Discharge, Evidence, Factor, FactorSeen, Grade, Meter, MeterInterval, Trip,
};
pub use ids::{
    BenefitId, BindingId, CapId, CatalogueVersion, DeviceId, DriverTag, EntryHash, EntryRef, Epoch,
    EvidenceDigest, LedgerVersion, MemberId, ParseIdError, PolicyVersion, RuleId, Seq, ServerEpoch,
    TierId, VehicleId,
};
pub use points::{Growth, Milli, Points};
pub use policy::Policy;
pub use statement::{Cover, Profile, Statement};
pub use text::Text;
pub use time::{ClockQuality, CoarseTime, EventTime, LocalDay, ServerTime};
pub use verdict::{Adjustment, Paid, Rejection, ReviewReason, Verdict};
