//! The word for the state of an entry or of another row: one for each state, on the screen, on the command line and in the demo.

use crate::RowStatus;
use crate::locale::Language;

impl RowStatus {
    /// Each state.
    pub const ALL: [Self; 13] = [
        Self::Pending,
        Self::Confirmed,
        Self::Adjusted,
        Self::Rejected,
        Self::Expired,
        Self::Nothing,
        Self::NotPaid,
        Self::HeldBack,
        Self::Refused,
        Self::TakenBack,
        Self::PaidLate,
        Self::Settled,
        Self::CarriedOver,
    ];

    /// Names it within a sentence.
    #[must_use]
    pub const fn in_words(self, language: Language) -> &'static str {
        match self {
            Self::Pending => language.choose("pending", "待确认"),
            Self::Confirmed => language.choose("confirmed", "已确认"),
            Self::Adjusted => language.choose("adjusted", "已调整"),
            Self::Rejected => language.choose("rejected", "未通过"),
            Self::Expired => language.choose("expired", "已到期"),
            Self::Nothing => language.choose("not earned", "未获得"),
            Self::NotPaid => language.choose("not paid", "不会到账"),
            Self::HeldBack => language.choose("held back", "审核中"),
            Self::Refused => language.choose("refused", "审核未通过"),
            Self::TakenBack => language.choose("taken back", "已收回"),
            Self::PaidLate => language.choose("paid late", "后已到账"),
            Self::Settled => language.choose("settled", "已结算"),
            Self::CarriedOver => language.choose("carried over", "已转记"),
        }
    }

    /// Finds the state that an English word names, as `ledger --json` has it.
    #[must_use]
    pub fn named(word: &str) -> Option<Self> {
        let mut all = Self::ALL.into_iter();
        all.find(|status| status.in_words(Language::English) == word)
    }

    /// Names it where it stands alone.
    pub(crate) fn label(self, language: Language) -> String {
        let word = self.in_words(language);
        let mut letters = word.chars();
        let first = letters.next().map(|first| first.to_ascii_uppercase());
        first.into_iter().chain(letters).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_state_has_a_word_of_its_own() {
        for language in [Language::English, Language::Chinese] {
            let words = RowStatus::ALL.map(|status| status.in_words(language));
            let distinct: std::collections::BTreeSet<_> = words.iter().collect();
            assert_eq!(distinct.len(), words.len(), "{words:?}");
        }
        for status in RowStatus::ALL {
            let word = status.in_words(Language::English);
            assert_eq!(RowStatus::named(word), Some(status));
        }
        assert_eq!(RowStatus::HeldBack.label(Language::English), "Held back");
        assert_eq!(RowStatus::HeldBack.label(Language::Chinese), "审核中");
    }
}
