//! The reference member cloud: verifies what cars sign, re-runs the rules, answers and signs.
//!
//! [`CloudCore`] decides and writes, with the time and new ids as parameters; [`Cloud`] serves it over HTTP, and the
//! command line works on the same database beside it.
//!
//! [`GLOSSARY.md`](../../../GLOSSARY.md) at the top of the repository explains each term in one sentence.

mod backup;
mod bucket;
pub mod cli;
mod clock;
mod connections;
mod core;
mod error;
mod folder;
mod http;
mod lacking;
mod ledger;
mod opening;
mod peer;
mod plausible;
mod random;
mod server;
mod shares;
mod store;
mod watch;

pub use backup::{RestoredBackup, restore};
pub use clock::{ClockKind, UnconfirmedClock};
pub use connections::Limits;
pub use core::{
    Approval, Approved, AskIds, BroughtOver, CloudCore, CorrectedReadings, DeviceLine, EntryChange,
    EntryLine, FreedStretches, GrantedIds, HeldLine, LateEntries, LatePayment, LeftOut, Maintained,
    NamedCap, NewMember, OpeningLine, OpeningRuling, PolicyLine, PostOutcome, Reversed, Revocation,
    RuleLine, Ruling, Selected, SelectedEntries, StaysBehind, WaitedEntries, Waiting, Word,
};
pub use error::{CloudError, NameError, NamedKind};
pub use lacking::Lacking;
pub use plausible::{Doubt, EvidenceFlaw, flaw};
pub use server::{Cloud, Running, ServerConfig, init};
pub use store::{
    ExpirySpan, Freed, MemberLine, MeterReadings, MeterStretch, OpenedMeter, OpeningState, Worth,
    open_file, open_in_memory, open_on_vfs,
};
