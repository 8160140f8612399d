//! The content of the last scene, by which a change is found.

use dashpoint_membership::{CatalogueVersion, LedgerVersion, MemberId, PolicyVersion, ServerTime};
use dashpoint_ui::Drive;
use dashpoint_ui::model::EnrolmentData;
use dashpoint_wire::ChainPoint;

use crate::live::{CarState, Connection};
use crate::screen::{Choices, OwnEntry, Scenes};

/// Receiver of the scenes, and the content of the last one.
#[derive(Debug, Default)]
pub(super) struct SceneCache {
    pub(super) scenes: Option<Scenes>,
    /// The enrolment since the program began.
    pub(super) welcome: Option<EnrolmentData>,
    pub(super) told: Option<(LedgerFingerprint, LiveFingerprint)>,
    pub(super) own: Vec<OwnEntry>,
    pub(super) sealed: bool,
}

/// Of which books a scene was made: while these stay, the ledger need not be read again.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct LedgerFingerprint {
    pub(super) head: ChainPoint,
    pub(super) receipt_at: ServerTime,
    pub(super) statements: Vec<(MemberId, LedgerVersion, ServerTime)>,
    pub(super) policy: Option<PolicyVersion>,
    pub(super) catalogue: Option<CatalogueVersion>,
}

/// The other content of a scene.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct LiveFingerprint {
    pub(super) drive: Drive,
    pub(super) connection: Connection,
    pub(super) last_refusal: Option<u16>,
    pub(super) next_try_unix_s: Option<i64>,
    pub(super) waiting: u64,
    pub(super) awaiting: u64,
    pub(super) policy_refused: bool,
    pub(super) other_vehicle: bool,
    pub(super) car: CarState,
    pub(super) choices: Choices,
    pub(super) member: Option<MemberId>,
    pub(super) minute: i64,
}
