//! A sample catalogue.

use dashpoint_membership::{Benefit, BenefitId, BenefitKind, Points, Suits, TierId};

use super::people::{text, tiers};
use super::variation::Variation;
use crate::model::{Availability, BenefitData};

/// Benefits in the sample catalogue.
pub(super) const COUNT: usize = 7;

struct BenefitSample {
    id: &'static str,
    kind: BenefitKind,
    en: (&'static str, &'static str),
    zh: (&'static str, &'static str),
    price: i64,
    rank: usize,
    suits: Suits,
}

const SAMPLES: [BenefitSample; COUNT] = [
    BenefitSample {
        id: "charge-20",
        kind: BenefitKind::Main,
        en: (
            "Charging voucher, 20 kWh",
            "Covers 20 kWh at the maker's own stations, day and night. Parking and charging at partners are not covered.",
        ),
        zh: (
            "20 度充电券",
            "可在品牌自营充电站使用，全天有效，抵扣 20 度电费。停车费与合作站点不包含在内。",
        ),
        price: 400,
        rank: 0,
        suits: Suits::LowCharge,
    },
    BenefitSample {
        id: "labour",
        kind: BenefitKind::Main,
        en: (
            "Labour-hour deduction",
            "Takes one labour hour off the bill of a service at any dealer. Parts are not covered.",
        ),
        zh: (
            "工时抵扣券",
            "在任一经销商保养时抵扣一个工时。配件费用不包含在内。",
        ),
        price: 300,
        rank: 0,
        suits: Suits::ServiceDue,
    },
    BenefitSample {
        id: "rescue",
        kind: BenefitKind::Main,
        en: (
            "Roadside rescue",
            "Help at the roadside, once a year, within 100 km of the nearest dealer.",
        ),
        zh: ("道路救援", "每年一次道路救援，限最近经销商 100 公里以内。"),
        price: 0,
        rank: 1,
        suits: Suits::Always,
    },
    BenefitSample {
        id: "lounge",
        kind: BenefitKind::Partner,
        en: (
            "Airport lounge",
            "One visit for one person at any of 90 airports. Show the voucher at the desk.",
        ),
        zh: ("机场贵宾厅", "90 座机场任选，单人单次，凭券在前台核验。"),
        price: 900,
        rank: 2,
        suits: Suits::Always,
    },
    BenefitSample {
        id: "forest",
        kind: BenefitKind::Charity,
        en: (
            "A tree for the desert's edge",
            "The points become a donation to the planting fund. The certificate comes by message.",
        ),
        zh: ("荒漠植绿捐赠", "积分将捐赠给植绿基金，电子证书以消息送达。"),
        price: 100,
        rank: 0,
        suits: Suits::Always,
    },
    BenefitSample {
        id: "track-day",
        kind: BenefitKind::Main,
        en: (
            "First test drive of a new model",
            "Drive the new model before it is for sale, on a closed course, with an instructor.",
        ),
        zh: ("新车首批试驾", "新车上市前在封闭场地由教练陪同试驾。"),
        price: 5_000,
        rank: 3,
        suits: Suits::Always,
    },
    BenefitSample {
        id: "weekend",
        kind: BenefitKind::Partner,
        en: (
            "Weekend in a partner hotel",
            "Two nights for two in one of 40 hotels. Breakfast is included, travel is not.",
        ),
        zh: ("合作酒店周末", "40 家酒店任选，双人两晚含早餐，交通自理。"),
        price: 26_000,
        rank: 0,
        suits: Suits::Always,
    },
];

pub(super) fn catalogue(variation: Variation) -> Availability<Vec<BenefitData>> {
    let list: Vec<BenefitData> = match variation {
        Variation::Normal => SAMPLES
            .iter()
            .filter_map(|sample| benefit(sample, 2))
            .collect(),
        Variation::Longest => SAMPLES.iter().filter_map(longest).collect(),
        Variation::Empty => Vec::new(),
        Variation::Error => return Availability::Damaged,
    };
    Availability::Here(list)
}

fn benefit(sample: &BenefitSample, member_rank: usize) -> Option<BenefitData> {
    let tier = tiers()[sample.rank].0.clone();
    Some(BenefitData {
        benefit: Benefit {
            id: BenefitId::new(sample.id).ok()?,
            kind: sample.kind,
            title: text(sample.en.0, sample.zh.0),
            terms: text(sample.en.1, sample.zh.1),
            price: Points::new(sample.price),
            tier: TierId::new(["basic", "silver", "gold", "diamond", "black-diamond"][sample.rank])
                .ok()?,
            suits: sample.suits,
            valid_days: 90,
        },
        tier,
        open: sample.rank <= member_rank,
        fits_now: sample.suits == Suits::LowCharge,
        worth_fen: sample.price * 10,
    })
}

/// The longest title, terms and numbers that the pages have to bear.
fn longest(sample: &BenefitSample) -> Option<BenefitData> {
    let mut data = benefit(sample, 4)?;
    data.benefit.title = text(
        "Four-season and air-conditioning service",
        "四季用车检查与空调系统深度养护套餐",
    );
    let en = "Covers the check of tyres, brakes, battery and cooling at any dealer, four times within a year. \
              Parts, fluids and labour beyond the check are not covered, nor are cars over ten years of age. ";
    let zh = "可在任一经销商一年内使用四次，检查轮胎、制动、电池与冷却系统，并对空调系统做深度清洁。检查之外的配件、油液与工时不包含在内，车龄超过十年的车辆不适用。";
    data.benefit.terms = text(&en.repeat(3), &zh.repeat(3));
    data.benefit.price = Points::new(9_999_999);
    data.worth_fen = 99_999_990;
    data.benefit.valid_days = 3_650;
    data.tier = tiers()[4].0.clone();
    Some(data)
}
