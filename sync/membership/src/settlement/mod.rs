//! The way of an entry into the account: the same code predicts in the car and decides in the cloud.

mod cut;
mod fold;
mod given;
mod late;
mod mint;
mod payment;
mod settle;
mod view;

pub use cut::{AroundEntry, Cut, cuts};
pub use fold::{ChainStart, Fold, FoldMark, fold, fold_mine};
pub use given::{Given, GivenPart};
pub use late::settle_late;
pub use mint::Header;
pub use settle::{Settled, reject, settle, settle_weighed};
pub use view::{CapNow, KeepTier, NextTier, PendingItem, PendingState, View, view};
