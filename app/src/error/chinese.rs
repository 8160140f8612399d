//! Errors in Chinese, for those that a person meets at the command line.

use std::path::Path;

use anyhow::Chain;
use dashpoint_store::StoreError;
use dashpoint_ui::locale::Language;

use super::causes::{is_like_an_entry, one_line, store_error};
use super::chinese_config;
use super::usage::{AuthorityUnread, FolderShut, NotWritten, UsageError};
use crate::books::BooksError;
use crate::bus::TlsError;
use crate::config::ConfigError;
use crate::enrolment::OutOfReach;
use crate::explain::{ExplainError, ROWS_MAX, RecordingError};
use crate::keys::{EnrolledWithoutKey, KeyError};
use crate::other_car::OtherCar;
use crate::window::NoDisplay;

/// Words an error in one line with the way out; `None` for one that is worded in English alone.
#[must_use]
pub(super) fn in_chinese(error: &anyhow::Error) -> Option<String> {
    if let Some(store) = store_error(error) {
        return Some(of_store(store));
    }
    error.chain().find_map(|cause| {
        let usage = cause.downcast_ref().map(of_usage);
        let config = || cause.downcast_ref().and_then(of_config);
        let books = || cause.downcast_ref().and_then(of_books);
        let explain = || cause.downcast_ref().map(of_explain);
        let without_key = || cause.downcast_ref().map(of_enrolment_without_key);
        let key = || cause.downcast_ref().map(of_key);
        let not_written = || cause.downcast_ref().map(of_unwritten);
        let folder = || cause.downcast_ref().map(of_folder);
        let authority = || cause.downcast_ref().map(of_authority);
        let tls = || cause.downcast_ref().map(of_tls);
        let other_car = || {
            let other_car = cause.downcast_ref::<OtherCar>();
            other_car.map(|other_car| other_car.in_words(Language::Chinese).to_owned())
        };
        let out_of_reach = || {
            error.downcast_ref::<OutOfReach>().map(|_| {
                "无法连接云端；绑定需要云端：请检查网络与配置中的 cloud.url，然后再运行 `dashpoint enrol`".to_owned()
            })
        };
        let display = || {
            cause.downcast_ref::<NoDisplay>().map(|_| {
                "没有可打开窗口的显示器；请加 --no-screen 运行，或设置 DISPLAY 或 WAYLAND_DISPLAY"
                    .to_owned()
            })
        };
        usage
            .or_else(config)
            .or_else(books)
            .or_else(explain)
            .or_else(without_key)
            .or_else(key)
            .or_else(display)
            .or_else(not_written)
            .or_else(folder)
            .or_else(authority)
            .or_else(tls)
            .or_else(other_car)
            .or_else(out_of_reach)
    })
}

fn of_store(error: &StoreError) -> String {
    if let StoreError::NotThere { folder } = error {
        return format!(
            "{}：其中没有账本；请先运行 `dashpoint run`",
            folder.display()
        );
    }
    if let StoreError::OlderSchema { file, .. } = error {
        let file = file.display();
        return format!("{file}：格式较旧；请先运行一次 `dashpoint run`，由它升级");
    }
    if error.is_in_use() {
        "数据目录正被其他程序使用；请停止该程序，或换用其他数据目录"
    } else if error.is_disk_full() {
        "存储空间已满；请清理，已显示的积分不会丢失"
    } else if error.is_read_only() {
        "存储只读；请以可写方式挂载数据目录"
    } else if error.is_newer_schema() {
        "数据由更新版本的程序写入；请使用该版本，数据未被改动"
    } else if error.is_corrupt() {
        "数据目录中的数据库已损坏；请运行 `dashpoint run`，能读取的内容会被保留"
    } else {
        return format!("无法使用数据目录（{}）", one_line(Chain::new(error)));
    }
    .to_owned()
}

fn of_usage(error: &UsageError) -> String {
    match error {
        UsageError::BusClock => {
            "clock = \"bus\" 仅供测试；请加 --test，或设置 clock = \"system\"".to_owned()
        }
        UsageError::NoVin => "总线未提供 VIN；请启动车辆，或在配置中设置 vehicle.vin".to_owned(),
        UsageError::NoSalt => {
            "cloud.key 没有盐值，任何人都能反查离开车辆的 VIN；请设为 `dashpoint-cloud key` 输出的 \
             KEY.SALT"
                .to_owned()
        }
        UsageError::Driver(driver) => format!(
            "--driver {driver:?}：应为 ISSUER#SUBJECT，与车辆总线上的写法一致，例如 https://id.example.com#42"
        ),
        UsageError::Zone(zone) => {
            format!("--zone {zone:?}：应为 IANA 时区，例如 Asia/Shanghai")
        }
    }
}

fn of_config(error: &ConfigError) -> Option<String> {
    Some(match error {
        ConfigError::Unreadable { path, source } => format!(
            "{}：无法读取{}；请用 --config FILE 指定车机的配置",
            path.display(),
            cause(source)
        ),
        ConfigError::NotToml { path, line, what } => {
            format!("{}：第 {line} 行：不是 TOML：{what}", path.display())
        }
        ConfigError::Key {
            path,
            key,
            found,
            expected,
        } => {
            let (found, expected) = (
                chinese_config::found(found),
                chinese_config::expected(expected),
            );
            format!("{}：{key}：{found}；应为{expected}", path.display())
        }
        ConfigError::UnknownKey {
            path,
            key,
            meant,
            known,
        } => {
            let way_out = meant.as_ref().map_or_else(
                || format!("可用的键：{known}"),
                |meant| format!("是否想写 `{meant}`？"),
            );
            format!("{}：{key}：配置中没有这个键；{way_out}", path.display())
        }
        ConfigError::Tls(tls) => of_tls(tls),
        ConfigError::Mapping(_) => return None,
    })
}

fn of_books(error: &BooksError) -> Option<String> {
    Some(match error {
        BooksError::NotEnrolled => "本车机尚未绑定；请先运行 `dashpoint enrol`".to_owned(),
        BooksError::OtherCloud(_) => {
            "本车机是在另一个云端绑定的，与配置中的 cloud.key 不符".to_owned()
        }
        BooksError::OwnEntry { epoch, seq, source } => {
            format!("记录 {epoch}-{seq} 校验失败（{source}）；请运行 `dashpoint ledger --verify`")
        }
        BooksError::Store(_) => return None,
    })
}

fn of_explain(error: &ExplainError) -> String {
    match error {
        ExplainError::Recording(recording) => of_recording(recording),
        ExplainError::PolicyUnreadable { path, source } => {
            format!("{}：无法读取{}", path.display(), cause(source))
        }
        ExplainError::NoEntry { entry } => {
            format!("{entry}：账本中没有这条记录；请看 `dashpoint ledger`")
        }
        ExplainError::NoPolicy { entry, version } => {
            format!("{entry}：规则版本 {version} 已不再保存；请用 --policy FILE 指定")
        }
        ExplainError::PolicyShape { name, source } => format!("{name}：{source}"),
        ExplainError::PolicyWrong { name, line, source } => {
            let line = line.map_or_else(String::new, |line| format!("第 {line} 行："));
            format!("{name}：{line}{source}")
        }
    }
}

fn of_recording(error: &RecordingError) -> String {
    match error {
        RecordingError::Unreadable { path, source } => {
            format!(
                "{}：无法读取{}{}",
                path.display(),
                cause(source),
                slashed(path)
            )
        }
        RecordingError::UnknownHeader { path } => format!(
            "{}：不是行车记录；首行应含 second,m/s 或 cycSecs,cycMps（速度表）、timestamp,timestep,speed_mph（行车记录）或 \
             field,signal,value,delay（KUKSA csv-provider）",
            path.display()
        ),
        RecordingError::NothingUsed { path } => {
            format!("{}：其中没有车机使用的信号", path.display())
        }
        RecordingError::Folder { path } => {
            format!("{}：目录中没有行车记录（.csv）", path.display())
        }
        RecordingError::Row { path, line, what } => {
            format!("{}：第 {line} 行无法读取（{what}）", path.display())
        }
        RecordingError::TooLong { path } => {
            format!("{}：行数过多，最多 {ROWS_MAX} 行", path.display())
        }
    }
}

/// Says how an entry is written, where a path looks like one.
fn slashed(path: &Path) -> &'static str {
    if is_like_an_entry(path) {
        "；记录写作 EPOCH-SEQ，例如 1-1"
    } else {
        ""
    }
}

fn of_enrolment_without_key(EnrolledWithoutKey(key): &EnrolledWithoutKey) -> String {
    format!(
        "本车机已绑定，但设备密钥不可用；请放回密钥，待签记录随即签名；如密钥已丢失，请换用其他数据目录重新绑定：已确认的积分仍归会员，\
         其余留在此目录，可交售后处理：{}",
        of_key(key)
    )
}

fn of_folder(FolderShut { folder, source }: &FolderShut) -> String {
    format!(
        "{}：无法在此目录中建立文件{}；请使本程序可以写入，例如 `chmod 700`",
        folder.display(),
        cause(source)
    )
}

fn of_authority(AuthorityUnread { path, source }: &AuthorityUnread) -> String {
    format!(
        "{}：无法读取 cloud.ca_file{}",
        path.display(),
        cause(source)
    )
}

fn of_tls(error: &TlsError) -> String {
    match error {
        TlsError::File {
            path,
            expected,
            source,
        } => {
            let expected = chinese_config::expected(expected);
            format!("{}：应为{expected}，PEM 格式（{source}）", path.display())
        }
        TlsError::Unusable(source) => format!("总线的证书无法使用（{source}）"),
    }
}

fn of_unwritten(NotWritten { path, source }: &NotWritten) -> String {
    format!("{}：无法写入{}", path.display(), cause(source))
}

fn of_key(error: &KeyError) -> String {
    let problem = match error {
        KeyError::Io { path, source } => {
            format!("{}：密钥无法读写{}", path.display(), cause(source))
        }
        KeyError::NotAKey { path } => format!("{}：不是密钥；文件未被改动", path.display()),
        KeyError::Missing { path } => format!("{}：没有密钥文件", path.display()),
        KeyError::OtherDevice { path } => {
            format!("{}：是另一台设备的密钥；文件未被改动", path.display())
        }
        KeyError::NoRandomness => "系统未提供随机数".to_owned(),
    };
    format!("{problem}；请检查数据目录中的密钥")
}

/// The cause of a file that cannot be read or written; one that is not common as the system words it.
fn cause(error: &std::io::Error) -> String {
    use std::io::ErrorKind::{
        IsADirectory, NotFound, PermissionDenied, ReadOnlyFilesystem, StorageFull,
    };
    let kind = error.kind();
    if kind == NotFound {
        "（没有此文件）".to_owned()
    } else if kind == PermissionDenied {
        "（没有权限）".to_owned()
    } else if kind == IsADirectory {
        "（这是目录）".to_owned()
    } else if kind == StorageFull {
        "（存储空间已满）".to_owned()
    } else if kind == ReadOnlyFilesystem {
        "（存储只读）".to_owned()
    } else {
        format!("（{error}）")
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Error, ErrorKind};
    use std::path::PathBuf;

    use dashpoint_wire::WireError;

    use super::*;

    fn path() -> PathBuf {
        PathBuf::from("/data/device.key")
    }

    fn key_errors() -> [(KeyError, &'static str); 7] {
        let io = |source| KeyError::Io {
            path: path(),
            source,
        };
        [
            (
                io(Error::from(ErrorKind::PermissionDenied)),
                "/data/device.key：密钥无法读写（没有权限）",
            ),
            (
                io(Error::from(ErrorKind::StorageFull)),
                "/data/device.key：密钥无法读写（存储空间已满）",
            ),
            (
                io(Error::other("the disk is gone")),
                "/data/device.key：密钥无法读写（the disk is gone）",
            ),
            (
                KeyError::NotAKey { path: path() },
                "/data/device.key：不是密钥；文件未被改动",
            ),
            (
                KeyError::Missing { path: path() },
                "/data/device.key：没有密钥文件",
            ),
            (
                KeyError::OtherDevice { path: path() },
                "/data/device.key：是另一台设备的密钥；文件未被改动",
            ),
            (KeyError::NoRandomness, "系统未提供随机数"),
        ]
    }

    #[test]
    fn each_error_of_a_key_tells_its_cause_and_where_to_look() {
        for (error, problem) in key_errors() {
            let told = in_chinese(&error.into()).unwrap();
            assert_eq!(told, format!("{problem}；请检查数据目录中的密钥"));
        }
    }

    #[test]
    fn an_enrolment_without_its_key_keeps_its_two_ways_out() {
        for (error, problem) in key_errors() {
            let told = in_chinese(&EnrolledWithoutKey(error).into()).unwrap();
            for part in [
                "请放回密钥",
                "其他数据目录",
                problem,
                "请检查数据目录中的密钥",
            ] {
                assert!(told.contains(part), "{told}");
            }
        }
    }

    #[test]
    fn what_a_newcomer_meets_is_chinese() {
        let folder = ExplainError::Recording(RecordingError::Folder { path: path() });
        let unwritten = NotWritten {
            path: path(),
            source: Error::from(ErrorKind::NotFound),
        };
        let refused = Error::from(ErrorKind::ConnectionRefused);
        let away = anyhow::Error::from(refused).context(OutOfReach);
        let long = ExplainError::Recording(RecordingError::TooLong { path: path() });
        let no_ledger = StoreError::NotThere { folder: path() };
        let unread = StoreError::Io {
            doing: "read",
            path: path(),
            source: Error::from(ErrorKind::TimedOut),
        };
        let shut = FolderShut {
            folder: path(),
            source: Error::from(ErrorKind::PermissionDenied),
        };
        let authority = AuthorityUnread {
            path: path(),
            source: Error::from(ErrorKind::NotFound),
        };
        for (error, told) in [
            (long.into(), "/data/device.key：行数过多，最多 5000000 行"),
            (
                no_ledger.into(),
                "/data/device.key：其中没有账本；请先运行 `dashpoint run`",
            ),
            (
                unread.into(),
                "无法使用数据目录（cannot read /data/device.key: timed out）",
            ),
            (
                shut.into(),
                "/data/device.key：无法在此目录中建立文件（没有权限）；请使本程序可以写入，例如 `chmod 700`",
            ),
            (
                authority.into(),
                "/data/device.key：无法读取 cloud.ca_file（没有此文件）",
            ),
            (
                folder.into(),
                "/data/device.key：目录中没有行车记录（.csv）",
            ),
            (unwritten.into(), "/data/device.key：无法写入（没有此文件）"),
            (
                away,
                "无法连接云端；绑定需要云端：请检查网络与配置中的 cloud.url，然后再运行 `dashpoint enrol`",
            ),
        ] {
            assert_eq!(in_chinese(&error).unwrap(), told);
        }
    }

    #[test]
    fn an_entry_that_does_not_verify_tells_the_cause() {
        let source = WireError::TooLong { len: 9, max: 8 };
        let told = in_chinese(
            &BooksError::OwnEntry {
                epoch: 1,
                seq: 2,
                source,
            }
            .into(),
        );
        assert_eq!(
            told.unwrap(),
            "记录 1-2 校验失败（9 bytes where at most 8 are allowed）；请运行 `dashpoint ledger --verify`"
        );
    }
}
