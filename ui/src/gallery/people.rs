//! Sample members, notices and devices.

use dashpoint_membership::{
    DeviceId, EntryHash, Epoch, Growth, Points, PolicyVersion, Seq, ServerTime, Text,
};

use super::variation::{NOW, Variation};
use crate::locale::Language;
use crate::model::{
    DeviceData, Exchange, LadderData, MemberData, NoticeData, Settles, TierData, TodayData,
};

/// Every notice once.
pub(super) const NOTICES: [NoticeData; 13] = [
    NoticeData::ConnectSoon {
        by: NOW.plus_s(5 * 86_400),
    },
    NoticeData::NeedsConfirmation,
    NoticeData::UnderReview,
    NoticeData::AwaitingSignature { awards: 3 },
    NoticeData::PolicyRefused,
    NoticeData::Salvaged,
    NoticeData::Unreachable {
        next_try: NOW.plus_s(720),
    },
    NoticeData::Arrears {
        points: Points::new(85),
    },
    NoticeData::Refused,
    NoticeData::Guest,
    NoticeData::RulesSkipped,
    NoticeData::GuestByCar,
    NoticeData::EntriesRefused,
];

const LONGEST_ZH: &str = "阿卜杜热依木·买买提吐尔逊江";
const LONGEST_EN: &str = "Maximiliane Featherstonehaugh-Cholmondeley";

pub(super) const fn longest_name(language: Language) -> &'static str {
    match language {
        Language::Chinese => LONGEST_ZH,
        Language::English => LONGEST_EN,
    }
}

pub(super) fn text(en: &str, zh: &str) -> Text {
    Text {
        en: en.to_owned(),
        zh: zh.to_owned(),
    }
}

/// The tiers of the default ladder and their thresholds.
pub(super) fn tiers() -> [(Text, i64); 5] {
    [
        (text("Basic", "基础"), 0),
        (text("Silver", "银卡"), 1_000),
        (text("Gold", "金卡"), 3_000),
        (text("Diamond", "钻石"), 10_000),
        (text("Black Diamond", "黑钻"), 30_000),
    ]
}

pub(super) fn member(
    variation: Variation,
    rank: usize,
    notice: Option<NoticeData>,
    online: bool,
) -> MemberData {
    let long = variation == Variation::Longest;
    let tiers = tiers();
    let rank = if long { 4 } else { rank.min(tiers.len() - 1) };
    let growth = if long {
        9_999_999
    } else {
        [420, 2_180, 8_420, 23_900, 48_650][rank]
    };
    let balance = if long {
        9_999_999
    } else {
        [640, 3_180, 12_840, 38_410, 96_200][rank]
    };
    let is_refused = notice == Some(NoticeData::Refused);
    let waiting = Points::new(match (long, online) {
        (true, _) => 99_999,
        (false, true) => 8,
        (false, false) => 126,
    });
    MemberData {
        name: if long {
            format!("{LONGEST_EN} {LONGEST_ZH}")
                .chars()
                .take(42)
                .collect()
        } else {
            "林喆".to_owned()
        },
        joined: ServerTime::from_unix_s(1_620_000_000),
        tier: TierData {
            title: tiers[rank].0.clone(),
            rank,
        },
        balance: Points::new(balance),
        worth_fen: balance * 10,
        pending: if is_refused { Points::ZERO } else { waiting },
        unpaid: if is_refused { waiting } else { Points::ZERO },
        settles: if long {
            Settles::InReview {
                until: NOW.plus_s(200 * 86_400),
            }
        } else {
            Settles::NextConnection
        },
        expiring: Some((
            NOW.plus_s(if long { 60 } else { 39 } * 86_400),
            Points::new(if long { 999_999 } else { 320 }),
        )),
        ladder: LadderData {
            growth: Growth::new(growth),
            next: tiers
                .get(rank + 1)
                .map(|(title, threshold)| (title.clone(), Growth::new(threshold - growth))),
            keep: (rank > 0).then(|| {
                (
                    NOW.plus_s(220 * 86_400),
                    Growth::new(if rank == 3 { 0 } else { 1_200 }),
                )
            }),
        },
        today: TodayData {
            clean: Points::new(if long { 999 } else { 12 }),
            safe: Points::new(if long { 999 } else { 8 }),
            other: Points::new(i64::from(long)),
            other_cars: long,
            room: Some(Points::new(30)),
        },
        notice,
    }
}

pub(super) fn device(variation: Variation, online: bool) -> DeviceData {
    let mut device = DeviceData {
        device: DeviceId::from_bytes(*b"\x3f\x9a\x07\xc4dashpoint-01"),
        epoch: Epoch::new(2),
        head: Some((
            Seq::new(418),
            EntryHash::from_bytes([
                0x9c, 1, 0x77, 0xae, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21,
                22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32,
            ]),
        )),
        waiting: 0,
        last_receipt: Some(NOW),
        policy: Some(PolicyVersion::new(7)),
        exchange: Exchange::Done,
    };
    if !online {
        device.waiting = 3;
        device.last_receipt = Some(NOW.plus_s(-3 * 86_400));
        device.exchange = Exchange::Failed {
            next_try: NOW.plus_s(720),
        };
    }
    match variation {
        Variation::Normal | Variation::Error => {}
        Variation::Empty => {
            device.head = None;
            device.last_receipt = None;
            device.policy = None;
            device.epoch = Epoch::new(1);
        }
        Variation::Longest => {
            device.waiting = 99_999;
            device.last_receipt = Some(NOW.plus_s(-400 * 86_400));
            device.head = device.head.map(|(_, hash)| (Seq::new(9_999_999), hash));
            device.policy = Some(PolicyVersion::new(99_999));
            device.exchange = if online {
                Exchange::Running
            } else {
                Exchange::Failed {
                    next_try: NOW.plus_s(40 * 86_400),
                }
            };
        }
    }
    device
}
