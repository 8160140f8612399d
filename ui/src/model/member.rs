//! The member's card, tier and earnings of today, and what the member should know of.

use dashpoint_membership::{Growth, Points, ServerTime, Text};

/// The member as the car knows him.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberData {
    /// Name as the member writes it.
    pub name: String,
    /// Since when a member.
    pub joined: ServerTime,
    /// The confirmed tier.
    pub tier: TierData,
    /// Points that can be spent.
    pub balance: Points,
    /// Their worth, in hundredths of a yuan.
    pub worth_fen: i64,
    /// Points on their way.
    pub pending: Points,
    /// Points that were shown and are not paid, because the cloud refuses this car.
    pub unpaid: Points,
    /// The event that settles them.
    pub settles: Settles,
    /// The points that expire next, within the time of the first reminder.
    pub expiring: Option<(ServerTime, Points)>,
    /// Growth value and the ladder.
    pub ladder: LadderData,
    /// Today's earnings, pending entries included.
    pub today: TodayData,
    /// Something that the member should know of.
    pub notice: Option<NoticeData>,
}

/// A tier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TierData {
    /// Title in the member's languages.
    pub title: Text,
    /// Its place on the ladder, 0 for the lowest.
    pub rank: usize,
}

/// The event that settles pending points.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settles {
    /// With the next connection.
    NextConnection,
    /// The cloud holds them back.
    InReview {
        /// Until then, unless somebody objects.
        until: ServerTime,
    },
}

/// The member on the ladder of tiers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LadderData {
    /// Confirmed growth value.
    pub growth: Growth,
    /// The tier above and the growth value that is missing.
    pub next: Option<(Text, Growth)>,
    /// Time of the next tier review, and the growth value that is missing until then.
    pub keep: Option<(ServerTime, Growth)>,
}

/// Today's earnings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TodayData {
    /// For clean energy.
    pub clean: Points,
    /// For safe driving.
    pub safe: Points,
    /// For anything else.
    pub other: Points,
    /// True when the member earns with other cars, too: the sums are this car's alone, the room is the member's.
    pub other_cars: bool,
    /// Room that is left under the day's cap.
    pub room: Option<Points>,
}

/// Something that the member should know of; the worst one is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoticeData {
    /// The soft limit of the offline allowance is reached.
    ConnectSoon {
        /// Time at which the hard limit is reached.
        by: ServerTime,
    },
    /// The hard limit is reached.
    NeedsConfirmation,
    /// The device is under review.
    UnderReview,
    /// The cloud refuses this car: it is not enrolled, or no longer.
    Refused,
    /// The cloud lets this car in, and does not take what it sent.
    EntriesRefused,
    /// A guest drives, and nothing is earned.
    Guest,
    /// The car says so: no choice on the screen changes it.
    GuestByCar,
    /// The key store cannot be read.
    AwaitingSignature {
        /// Awards that are kept.
        awards: u32,
    },
    /// A new policy did not verify.
    PolicyRefused,
    /// The policy has rules that this program cannot evaluate; the cloud pays by them.
    RulesSkipped,
    /// The storage was damaged and comes back.
    Salvaged,
    /// The cloud cannot be used now.
    Unreachable {
        /// Time of the next try.
        next_try: ServerTime,
    },
    /// Points are owed.
    Arrears {
        /// The number of points.
        points: Points,
    },
}
