//! Numbers, dates and times as each language writes them.

use dashpoint_membership::{Points, ServerTime};
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

pub use crate::language::Language;

/// Language, number format and calendar of the member.
#[derive(Debug, Clone)]
pub struct Locale {
    /// The language.
    pub language: Language,
    /// The zone of the member's days.
    pub zone: TimeZone,
}

impl Locale {
    /// A date such as `31 Dec` or `12月31日`, with its year when that is not this one.
    #[must_use]
    pub fn date(&self, at: ServerTime, now: ServerTime) -> String {
        let (at, now) = (self.zoned(at), self.zoned(now));
        let pattern = match (self.language, at.year() == now.year()) {
            (Language::Chinese, true) => "%-m月%-d日",
            (Language::Chinese, false) => "%Y年%-m月%-d日",
            (Language::English, true) => "%-d %b",
            (Language::English, false) => "%-d %b %Y",
        };
        at.strftime(pattern).to_string()
    }

    /// A time of day such as `08:42`.
    #[must_use]
    pub fn time(&self, at: ServerTime) -> String {
        self.zoned(at).strftime("%H:%M").to_string()
    }

    /// The time of day for today, otherwise the date: what fits beside an icon.
    #[must_use]
    pub fn day_or_time(&self, at: ServerTime, now: ServerTime) -> String {
        if self.same_day(at, now) {
            self.time(at)
        } else {
            self.date(at, now)
        }
    }

    /// The time of day for today, the day for this year, else the month: at most eight letters wide.
    #[must_use]
    pub fn brief(&self, at: ServerTime, now: ServerTime) -> String {
        let (zoned, today) = (self.zoned(at), self.zoned(now));
        if zoned.year() == today.year() {
            return self.day_or_time(at, now);
        }
        let pattern = match self.language {
            Language::Chinese => "%Y年%-m月",
            Language::English => "%b %Y",
        };
        zoned.strftime(pattern).to_string()
    }

    /// The time of day, with the date before it unless it is today.
    #[must_use]
    pub fn moment(&self, at: ServerTime, now: ServerTime) -> String {
        if self.same_day(at, now) {
            self.time(at)
        } else {
            format!("{} {}", self.date(at, now), self.time(at))
        }
    }

    /// Returns whether both times are on one day of the member's calendar.
    #[must_use]
    pub fn same_day(&self, one: ServerTime, other: ServerTime) -> bool {
        self.zoned(one).date() == self.zoned(other).date()
    }

    /// The year, such as `2021`.
    #[must_use]
    pub fn year(&self, at: ServerTime) -> String {
        self.zoned(at).strftime("%Y").to_string()
    }

    fn zoned(&self, at: ServerTime) -> Zoned {
        Timestamp::from_second(at.as_unix_s())
            .unwrap_or(Timestamp::UNIX_EPOCH)
            .to_zoned(self.zone.clone())
    }
}

/// An amount with its thousands apart and a real minus sign: `12,840`, `−320`.
#[must_use]
pub fn number(amount: i64) -> String {
    let digits = amount.unsigned_abs().to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3 + 3);
    if amount < 0 {
        text.push('−');
    }
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// An amount with its sign, also when it is positive: `+12`, `−320`, `0`.
#[must_use]
pub fn signed(amount: i64) -> String {
    if amount > 0 {
        format!("+{}", number(amount))
    } else {
        number(amount)
    }
}

/// Points with their sign; a dash where this car does not know them.
#[must_use]
pub fn points_or_dash(points: Option<Points>) -> String {
    points.map_or_else(|| "–".to_owned(), |points| signed(points.get()))
}

/// Money in hundredths of a yuan: `¥1,284.00`.
#[must_use]
pub fn yuan(fen: i64) -> String {
    let sign = if fen < 0 { "−" } else { "" };
    let whole = i64::try_from(fen.unsigned_abs() / 100).unwrap_or(i64::MAX);
    format!("{sign}¥{}.{:02}", number(whole), fen.unsigned_abs() % 100)
}

/// Thousandths as a number with one decimal, rounded half away from zero: `23,349` becomes `23.3`.
#[must_use]
pub fn tenths_of_thousandths(thousandths: i64) -> String {
    let tenths = (thousandths.unsigned_abs() + 50) / 100;
    let sign = if thousandths < 0 && tenths > 0 {
        "−"
    } else {
        ""
    };
    let whole = i64::try_from(tenths / 10).unwrap_or(i64::MAX);
    format!("{sign}{}.{}", number(whole), tenths % 10)
}

/// A score times 100 with one decimal, cut and not rounded: 87.96 must not read as the 88 that it missed.
#[must_use]
pub fn score(score_x100: u16) -> String {
    format!("{}.{}", score_x100 / 100, score_x100 % 100 / 10)
}

/// A share in permille as percent: `80`, `80.5`.
#[must_use]
pub fn percent(permille: u16) -> String {
    if permille.is_multiple_of(10) {
        (permille / 10).to_string()
    } else {
        format!("{}.{}", permille / 10, permille % 10)
    }
}

/// The first bytes of a digest in groups of four, for eyes to compare: `9C01 77AE`.
#[must_use]
pub fn fingerprint(bytes: &[u8]) -> String {
    bytes
        .iter()
        .take(4)
        .enumerate()
        .map(|(index, byte)| {
            let gap = if index == 2 { " " } else { "" };
            format!("{gap}{byte:02X}")
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn locale(language: Language) -> Locale {
        Locale {
            language,
            zone: TimeZone::get("Asia/Shanghai").unwrap(),
        }
    }

    /// 2026-11-22T00:42:00Z, 08:42 in Shanghai.
    const NOW: ServerTime = ServerTime::from_unix_s(1_795_308_120);

    #[test]
    fn amounts_keep_their_thousands_apart() {
        for (amount, text) in [
            (0, "0"),
            (999, "999"),
            (1_000, "1,000"),
            (-320, "−320"),
            (12_345_678, "12,345,678"),
            (i64::MIN, "−9,223,372,036,854,775,808"),
        ] {
            assert_eq!(number(amount), text);
        }
        assert_eq!(signed(12), "+12");
        assert_eq!(signed(0), "0");
        assert_eq!(yuan(128_405), "¥1,284.05");
        assert_eq!(yuan(-5), "−¥0.05");
    }

    #[test]
    fn measures_have_one_decimal() {
        assert_eq!(tenths_of_thousandths(23_349), "23.3");
        assert_eq!(tenths_of_thousandths(23_350), "23.4");
        assert_eq!(tenths_of_thousandths(-49), "0.0");
        assert_eq!(score(8_796), "87.9");
        assert_eq!(score(10_000), "100.0");
        assert_eq!(percent(805), "80.5");
        assert_eq!(fingerprint(&[0x9c, 1, 0x77, 0xae, 5]), "9C01 77AE");
    }

    #[test]
    fn dates_are_written_as_the_language_does() {
        let next_year = ServerTime::from_unix_s(NOW.as_unix_s() + 220 * 86_400);
        assert_eq!(locale(Language::English).date(NOW, NOW), "22 Nov");
        assert_eq!(locale(Language::Chinese).date(NOW, NOW), "11月22日");
        assert_eq!(
            locale(Language::English).date(next_year, NOW),
            "30 Jun 2027"
        );
        assert_eq!(
            locale(Language::Chinese).date(next_year, NOW),
            "2027年6月30日"
        );
    }

    #[test]
    fn the_date_is_left_out_today() {
        let yesterday = ServerTime::from_unix_s(NOW.as_unix_s() - 9 * 3_600);
        let locale = locale(Language::English);
        assert_eq!(locale.moment(NOW, NOW), "08:42");
        assert_eq!(locale.moment(yesterday, NOW), "21 Nov 23:42");
        assert_eq!(locale.day_or_time(yesterday, NOW), "21 Nov");
    }
}
