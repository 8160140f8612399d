//! Names of what caps bound, as people read them.

use super::{Cap, CapOver, CompiledPolicy, RuleKind, Trigger};
use crate::text::Text;

impl CompiledPolicy {
    /// Names the awards that a cap of this policy bounds.
    #[must_use]
    pub fn cap_title(&self, cap: &Cap) -> Text {
        let text = |en: &str, zh: &str| Text {
            en: en.to_owned(),
            zh: zh.to_owned(),
        };
        match &cap.over {
            CapOver::Rule(rule) => self.rule(rule).map_or_else(
                || text(rule.as_str(), rule.as_str()),
                |(rule, _)| rule.title.clone(),
            ),
            CapOver::Kind(RuleKind::Known(Trigger::Trip)) => text("all trips", "全部行程"),
            CapOver::Kind(RuleKind::Known(Trigger::Charge)) => text("all charging", "全部充电"),
            CapOver::Kind(RuleKind::Known(Trigger::Discharge)) => {
                text("all feeding in", "全部放电")
            }
            CapOver::Kind(RuleKind::Known(Trigger::CheckIn)) => text("all check-ins", "全部签到"),
            // No rule of such a kind is evaluated here, so the cap cuts nothing that is shown.
            CapOver::Kind(RuleKind::Unknown(_)) => text("all of another kind", "其他类型"),
            CapOver::All => text("all points", "全部积分"),
        }
    }
}
