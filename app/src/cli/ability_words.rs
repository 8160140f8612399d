//! The words for what a car can earn, and for what is missing.

use dashpoint_ui::locale::Language;
use serde::Serialize;

use crate::abilities::{Ability, AbilityFinding, EarningGap, Extent, Lack};

/// An ability in the JSON of a command.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct AbilityReport {
    ability: Ability,
    extent: Extent,
    /// The reasons that it is no more than that, one sentence each.
    missing: Vec<&'static str>,
}

impl AbilityReport {
    pub(super) fn of(finding: &AbilityFinding, language: Language) -> Self {
        let missing = finding.lacks.iter().map(|lack| lack_text(language, *lack));
        Self {
            ability: finding.ability,
            extent: finding.extent,
            missing: missing.collect(),
        }
    }
}

/// Names an ability.
pub(super) const fn ability_text(language: Language, ability: Ability) -> &'static str {
    match ability {
        Ability::Trips => language.choose("trips", "行程"),
        Ability::Distance => language.choose("distance", "里程"),
        Ability::EnergyUsed => language.choose("energy used", "行驶能耗"),
        Ability::Braking => language.choose("braking", "制动"),
        Ability::Charging => language.choose("charging", "充电"),
        Ability::ParkedState => language.choose("parked state", "驻车状态"),
    }
}

/// Names an extent.
pub(super) const fn extent_text(language: Language, extent: Extent) -> &'static str {
    match extent {
        Extent::Yes => language.choose("yes", "有"),
        Extent::Metered => language.choose("metered", "计量"),
        Extent::Estimated => language.choose("estimated", "估算"),
        Extent::None => language.choose("none", "无"),
    }
}

/// Says what is missing, and what follows from that.
pub(super) const fn lack_text(language: Language, lack: Lack) -> &'static str {
    match lack {
        Lack::WordForOn => language.choose(
            "By its words the ignition (LowVoltageSystemState) is never ON or START; after OFF no trip begins without it, or a gear \
             (SelectedGear) out of park.",
            "按照用词，点火状态（LowVoltageSystemState）不会是 ON 或 START；OFF 之后只有 ON 或离开驻车挡的挡位（SelectedGear）才开始行程。",
        ),
        Lack::NotOn => language.choose(
            "The ignition (LowVoltageSystemState) was not ON in this time; after OFF no trip begins without it, or a gear \
             (SelectedGear) out of park.",
            "监听期间点火状态（LowVoltageSystemState）没有为 ON；OFF 之后只有 ON 或离开驻车挡的挡位（SelectedGear）才开始行程。",
        ),
        Lack::Odometer => language.choose(
            "There is no odometer (TraveledDistance), and a trip is paid by its metres.",
            "没有里程表（TraveledDistance），行程按里程计算。",
        ),
        Lack::Trips => language.choose(
            "It is a part of a trip, and there are no trips.",
            "它属于行程，而该车没有行程。",
        ),
        Lack::EnergyCounter => language.choose(
            "There is no counter of used energy (AccumulatedConsumedEnergy): CurrentPower is added up, at the pace at which it is \
             said.",
            "没有累计耗电量（AccumulatedConsumedEnergy）：按 CurrentPower 的间隔累加。",
        ),
        Lack::Energy => language.choose(
            "There is neither a counter of used energy (AccumulatedConsumedEnergy) nor CurrentPower.",
            "既没有累计耗电量（AccumulatedConsumedEnergy），也没有 CurrentPower。",
        ),
        Lack::Deceleration => language.choose(
            "There is neither a speed nor an acceleration (Acceleration.Longitudinal).",
            "既没有车速，也没有加速度（Acceleration.Longitudinal）。",
        ),
        Lack::Cadence => language.choose(
            "It is said so seldom that what happens between two values is not seen.",
            "间隔太长，两个值之间看不到。",
        ),
        Lack::CadenceUnknown => language.choose(
            "It was said once in this time: how often it is said is not known.",
            "监听期间只收到一次，间隔未知。",
        ),
        Lack::ChargeCounter => language.choose(
            "This car does not say what it charges: there is no lifetime counter (AccumulatedChargedEnergy).",
            "该车不提供充电量：没有终身累计充电量（AccumulatedChargedEnergy）。",
        ),
        Lack::ChargeFlag => language.choose(
            "There is no IsCharging: a charge is found by its counter later, without its time and its source.",
            "没有 IsCharging：充电只能事后由累计值发现，没有时间和来源。",
        ),
        Lack::Park => language.choose(
            "There is neither a gear (SelectedGear) nor an ignition: the screen stays as it is while driving.",
            "既没有挡位（SelectedGear），也没有点火状态：屏幕保持行驶中的样子。",
        ),
    }
}

/// Says what a car cannot earn.
pub(super) const fn gap_text(language: Language, gap: EarningGap) -> &'static str {
    match gap {
        EarningGap::TripsUnmapped => language.choose(
            "this car says too little for trips, which earn nothing; `dashpoint check-mapping` tells what is missing",
            "该车提供的信号不足以构成行程，行程不累计积分；缺少什么请用 `dashpoint check-mapping` 查看",
        ),
        EarningGap::ChargingUnmapped => language.choose(
            "this car does not say what it charges: charging earns nothing",
            "该车不提供充电量，充电不累计积分",
        ),
        EarningGap::IgnitionRefused => language.choose(
            "what this car says of its ignition is refused; see `dashpoint status --signals`",
            "该车的点火状态被拒收；请看 `dashpoint status --signals`",
        ),
    }
}

/// Hints at an ignition that has words, none of which stands for ON.
pub(super) const fn on_hint(language: Language) -> &'static str {
    language.choose(
        "hint: no word of the ignition (LowVoltageSystemState) stands for ON or START; after OFF a trip begins only if the car \
         itself says one of these, or a gear (SelectedGear) out of park",
        "提示：点火状态（LowVoltageSystemState）没有代表 ON 或 START 的用词；OFF 之后只有车辆本身这样说，或挡位（SelectedGear）离开驻车挡，行程才会开始",
    )
}
