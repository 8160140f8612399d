//! Commands of people to a running head unit, and the answers.

use dashpoint_ui::ThemeChoice;
use dashpoint_ui::locale::Language;
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;

use crate::unpaid::CapCut;

/// Commands of a person to a running head unit.
#[derive(Debug)]
pub enum Ask {
    /// To reconcile now, instead of when its pause is over; the sender gets the number of the attempt.
    Sync(Option<oneshot::Sender<u64>>),
    /// To keep what the driver has chosen.
    Keep(Choice),
    /// To check the member in for today.
    CheckIn(oneshot::Sender<CheckIn>),
}

/// A driver's choice on the screen, to be stored.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Choice {
    /// The language.
    Language(Language),
    /// Choice of the appearance.
    Theme(ThemeChoice),
    /// True when a guest drives.
    Guest(bool),
}

/// Result of a check-in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "result", rename_all = "kebab-case")]
pub enum CheckIn {
    /// It is signed and on the disk.
    Done {
        /// Points that it is expected to be paid.
        points: i64,
    },
    /// The check-in of the day has been made, or a cap has no room left: nothing was signed.
    NothingMore {
        /// The cap that has no room; `None` when no rule pays a check-in.
        #[serde(default)]
        limit: Option<CapCut>,
        /// True when the cap is over check-ins alone.
        #[serde(default)]
        is_of_check_ins: bool,
    },
    /// A guest is set on the screen.
    Guest,
    /// The car knows no member at the wheel.
    GuestByCar,
    /// The bus names another car than the one that the head unit was enrolled in.
    OtherVehicle,
    /// The cloud refuses this car.
    Refused {
        /// Status of the refusal.
        status: u16,
    },
    /// It cannot be signed or written now; the log says why.
    NotNow,
}
