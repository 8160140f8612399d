//! Words of the command line for the state of the head unit: connection, clock, disk, keys, and what waits for them.

use dashpoint_membership::{AllowanceState, PolicyVersion, RuleId, ServerTime};
use dashpoint_ui::locale::Language;
use jiff::tz::TimeZone;

use super::words::zoned_minute;
use crate::cloud_clock::CloudClock;
use crate::keys::KeyState;
use crate::live::{CloudRefusal, Connection, DiskTrouble, Reason};
use crate::other_car::other_key;

/// Counts evidence that waits, in English.
fn evidence_waits(count: u64) -> String {
    match count {
        1 => "1 trip or session waits".to_owned(),
        count => format!("{count} trips or sessions wait"),
    }
}

/// Describes why nothing can be written, and the way out.
#[must_use]
pub(super) fn disk(language: Language, trouble: DiskTrouble, unsaved: u64) -> String {
    let what = match trouble {
        DiskTrouble::Full => {
            language.choose("the disk is full: free some space", "存储空间已满，请清理")
        }
        DiskTrouble::ReadOnly => language.choose(
            "the disk may only be read: mount the data folder writable",
            "存储只读，请以可写方式挂载数据目录",
        ),
        DiskTrouble::Failing => language.choose("the disk fails", "存储故障"),
    };
    match language {
        Language::English => format!("{what}; {} to be written", evidence_waits(unsaved)),
        Language::Chinese => format!("{what}；{unsaved} 条记录等待写入"),
    }
}

/// Names the version of the policy by which this car counts.
#[must_use]
pub(super) fn policy_in_force(language: Language, version: PolicyVersion) -> String {
    let policy = language.choose("policy version", "积分规则版本");
    format!("{policy} {version}")
}

/// Says that this car cannot evaluate a rule, and who pays by it all the same.
#[must_use]
pub(super) fn skipped_rule(language: Language, rule: &RuleId) -> String {
    match language {
        Language::English => format!(
            "rule {rule} needs a newer program: the cloud pays it, and its points are shown once they are confirmed; update the \
             head unit to see them at once"
        ),
        Language::Chinese => format!(
            "积分规则 {rule} 需要更新车机程序：云端照常发放，积分在确认后才显示；更新车机后可即时显示"
        ),
    }
}

/// Tells what is wrong with the device key and what to do; nothing when it is good.
#[must_use]
pub(super) const fn device_key(language: Language, state: KeyState) -> Option<&'static str> {
    Some(match state {
        KeyState::Good => return None,
        KeyState::Missing => language.choose("device.key is missing: nothing can be signed, evidence waits; put the file back",
            "缺少 device.key，暂不能签名，记录已保留；请放回该文件",
        ),
        KeyState::Unreadable => language.choose("device.key cannot be read: nothing can be signed, evidence waits; make it readable for this program",
            "无法读取 device.key，暂不能签名，记录已保留；请恢复读取权限",
        ),
        KeyState::NotAKey => language.choose("device.key is not a key: nothing can be signed, evidence waits; put the right file back",
            "device.key 不是有效密钥，暂不能签名，记录已保留；请换回正确文件",
        ),
        KeyState::OfAnotherDevice => other_key(language),
    })
}

/// Tells what is wrong with the seal key and what to do; nothing when it is good.
#[must_use]
pub(super) const fn seal_key(language: Language, state: KeyState) -> Option<&'static str> {
    Some(match state {
        KeyState::Good => return None,
        KeyState::Missing | KeyState::NotAKey | KeyState::OfAnotherDevice => language.choose("seal.key is not usable: the head unit makes a new one at its next start, and the next contact brings the statement",
            "seal.key 不可用，车机下次启动时重建，联网后更新账户",
        ),
        KeyState::Unreadable => language.choose("seal.key cannot be read: no statement can be read or kept; make it readable for this program",
            "无法读取 seal.key，账户数据不可用；请恢复读取权限",
        ),
    })
}

/// Says that the cloud's time contradicts the car's clocks, and what to do.
#[must_use]
pub(super) fn cloud_clock(language: Language, contradiction: CloudClock) -> String {
    let (what, by_s) = match contradiction {
        CloudClock::Ahead { by_s } => (language.choose("ahead by", "快"), by_s),
        CloudClock::Behind { by_s } => (language.choose("behind by", "慢"), by_s),
    };
    let by = difference(language, by_s);
    match language {
        Language::English => format!(
            "the cloud's clock is {what} {by} by the clocks of this car: no points are lost; tell the operator"
        ),
        Language::Chinese => {
            format!("云端时钟与本车时钟不符，{what} {by}；积分不会丢失，请告知运营方")
        }
    }
}

/// A time that has passed, in the two units that say enough.
fn difference(language: Language, seconds: i64) -> String {
    let minutes = seconds / 60;
    let (days, hours, minutes) = (minutes / 1_440, minutes / 60 % 24, minutes % 60);
    match (language, days, hours) {
        (Language::English, 0, 0) => format!("{minutes} min"),
        (Language::English, 0, _) => format!("{hours} h {minutes} min"),
        (Language::English, _, _) => format!("{days} d {hours} h"),
        (Language::Chinese, 0, 0) => format!("{minutes} 分钟"),
        (Language::Chinese, 0, _) => format!("{hours} 小时 {minutes} 分钟"),
        (Language::Chinese, _, _) => format!("{days} 天 {hours} 小时"),
    }
}

/// Counts the evidence that waits for its signature.
#[must_use]
pub(super) fn waits(language: Language, awaiting: u64) -> String {
    match language {
        Language::English => format!("{} to be signed", evidence_waits(awaiting)),
        Language::Chinese => format!("{awaiting} 条记录等待签名"),
    }
}

/// Describes the connection, with its time: `heard` is the newest time that the cloud has signed, for a head unit that
/// has not reached it since it started.
#[must_use]
pub(super) fn connection(
    language: Language,
    connection: &Connection,
    heard: ServerTime,
    zone: &TimeZone,
) -> String {
    let since =
        |unix_s: Option<i64>| zoned_minute(unix_s.map_or(heard, ServerTime::from_unix_s), zone);
    match connection {
        Connection::Starting => language.choose("starting", "启动中").to_owned(),
        Connection::Online { since_unix_s } => format!(
            "{} {}",
            language.choose("online since", "在线，自"),
            since(Some(*since_unix_s))
        ),
        Connection::Syncing { since_unix_s } => format!(
            "{} {}",
            language.choose("sending; online since", "正在同步，在线自"),
            since(Some(*since_unix_s))
        ),
        Connection::Offline {
            since_unix_s,
            reason,
        } => format!(
            "{} {}{}{}",
            language.choose("offline since", "离线，自"),
            since(*since_unix_s),
            language.choose(": ", "："),
            offline(language, *reason)
        ),
        Connection::Fault { status, .. } => refused(language, *status),
    }
}

/// Says that the cloud refuses this car, or what it sent.
#[must_use]
pub(super) fn refused(language: Language, status: u16) -> String {
    match (language, CloudRefusal::of(status)) {
        (Language::English, CloudRefusal::OfCar { .. }) => {
            format!("the cloud refuses this car; ask service. Status {status}")
        }
        (Language::Chinese, CloudRefusal::OfCar { .. }) => {
            format!("云端拒绝本车接入，请联系售后。状态码 {status}")
        }
        (Language::English, CloudRefusal::OfEntries { .. }) => format!(
            "the cloud did not take what this car sent: it is kept; ask service. Status {status}"
        ),
        (Language::Chinese, CloudRefusal::OfEntries { .. }) => {
            format!("云端未接受本车发送的记录，记录已保留；请联系售后。状态码 {status}")
        }
    }
}

/// Gives the reason that the cloud counts as out of reach.
#[must_use]
pub(super) const fn offline(language: Language, reason: Reason) -> &'static str {
    match reason {
        Reason::NotAskedYet => language.choose("not asked yet", "尚未连接"),
        Reason::NoNetwork => language.choose("no network", "无网络"),
        Reason::Unreachable => language.choose("the cloud cannot be reached", "无法连接云端"),
        Reason::TimedOut => language.choose("the cloud does not answer", "云端未响应"),
        Reason::NotTheCloud => language.choose(
            "the other end cannot prove to be the cloud",
            "对方身份无法验证",
        ),
        Reason::Busy => language.choose("the cloud asked to wait", "云端繁忙"),
        Reason::ServerError => language.choose("the cloud failed", "云端出错"),
        Reason::NotAuthorised => {
            language.choose("the cloud does not know this car", "云端不认可本车")
        }
        Reason::BadAnswer => language.choose("the answer cannot be used", "回复无法使用"),
        Reason::Local => language.choose("this car's disk or keys failed", "本车存储或密钥故障"),
    }
}

/// Describes the request of the offline allowance, with the day by which the car is to connect; `None` when there is none.
#[must_use]
pub(super) fn allowance(language: Language, state: AllowanceState, by: &str) -> Option<String> {
    match (state, language) {
        (AllowanceState::Ok, _) => None,
        (AllowanceState::Soft, Language::English) => Some(format!(
            "connect by {by}: until then everything goes on counting"
        )),
        (AllowanceState::Soft, Language::Chinese) => {
            Some(format!("请在 {by} 前联网，此前积分照常累计"))
        }
        (AllowanceState::Hard, _) => Some(
            language
                .choose(
                    "further points need confirmation online",
                    "后续积分需联网确认",
                )
                .to_owned(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_piece_of_evidence_is_not_several() {
        assert_eq!(
            waits(Language::English, 1),
            "1 trip or session waits to be signed"
        );
        assert_eq!(
            waits(Language::English, 2),
            "2 trips or sessions wait to be signed"
        );
        let full = disk(Language::English, DiskTrouble::Full, 1);
        assert!(
            full.ends_with("; 1 trip or session waits to be written"),
            "{full}"
        );
    }

    #[test]
    fn a_wrong_clock_of_the_cloud_is_told_with_its_size() {
        for (by_s, en, zh) in [
            (700, "11 min", "11 分钟"),
            (12_000, "3 h 20 min", "3 小时 20 分钟"),
            (1_735_200, "20 d 2 h", "20 天 2 小时"),
        ] {
            let ahead = CloudClock::Ahead { by_s };
            assert!(cloud_clock(Language::English, ahead).contains(&format!("ahead by {en}")));
            let behind = CloudClock::Behind { by_s };
            assert!(cloud_clock(Language::Chinese, behind).contains(&format!("慢 {zh}")));
        }
    }
}
