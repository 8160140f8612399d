//! The rules of membership, the same code in the car and in the cloud.
//!
//! Pure: no clock, no files, no network, no randomness. `now` and ids are parameters, decisions are values.
//!
//! The way of a point: [`appraise`] says what the rules of a [`CompiledPolicy`] pay for a [`Transaction`];
//! [`Fold::mint`] makes the [`Entry`] that the car signs, with what it expects; [`settle`] values it again, pays it
//! within the caps and gives one row of the ledger, a [`Settlement`]. The car runs the same [`settle`] in [`fold`], on
//! top of the last [`Statement`], and [`view`] is what the screen shows of both.
//!
//! [`GLOSSARY.md`](../../../GLOSSARY.md) at the top of the repository explains each term in one sentence.

mod account;
mod carbon;
mod catalogue;
mod chain;
mod entry;
mod evidence;
mod ids;
mod meter;
mod plain_toml;
mod points;
pub mod policy;
pub mod profile;
mod score;
mod settlement;
mod statement;
mod text;
mod time;
mod toml_file;
mod trigger;
mod valuation;
mod verdict;
mod zone;

pub use account::{
    Account, AccountError, Allocation, Cause, Flaw, LOTS_MAX, Lot, LotId, Pending, Remainder,
    Settlement, TierHeld,
};
pub use catalogue::{
    Benefit, BenefitKind, Catalogue, CatalogueError, DEFAULT_CATALOGUE_TOML, Suits,
};
pub use chain::{AllowanceState, Arrival, Chain, LATEST_ARRIVAL_DAYS};
pub use entry::{Award, Entry, EntryBody, EntryKind, MemberAction, Subject, Transaction};
pub use evidence::{
    Charge, Current, Discharge, DrivingTime, Evidence, Factor, FactorSeen, Grade, Trip,
};
pub use ids::{
    BenefitId, BindingId, CapId, CatalogueVersion, DeviceId, DriverTag, EntryHash, EntryRef, Epoch,
    EvidenceDigest, LedgerVersion, MemberId, ParseIdError, PolicyVersion, RuleId, Seq, ServerEpoch,
    TierId, VehicleId,
};
pub use meter::{Meter, MeterInterval, MeterNumber, MeterOpening};
pub use points::{Growth, Milli, Points};
pub use policy::{
    CompiledPolicy, DEFAULT_POLICY_TOML, Policies, Policy, PolicyError, co2_avoided_g,
};
pub use score::{factor_costs_x100, score_x100};
pub use settlement::{
    AroundEntry, CapNow, ChainStart, Cut, Fold, FoldMark, Given, GivenPart, Header, KeepTier,
    NextTier, PendingItem, PendingState, Settled, View, cuts, fold, fold_mine, reject, settle,
    settle_late, settle_weighed, view,
};
pub use statement::{Cover, Profile, Statement};
pub use text::Text;
pub use time::{ClockQuality, CoarseTime, EventTime, LocalDay, ServerTime};
pub use toml_file::{
    FileError, line_of, line_of_benefit, line_of_key, line_of_warning, nearest_name,
};
pub use valuation::{Appraisal, AppraisalProblem, appraise};
pub use verdict::{Adjustment, Paid, Rejection, ReviewReason, Verdict};
pub use zone::{Zone, ZoneError};
