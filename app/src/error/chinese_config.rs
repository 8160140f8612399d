//! Errors of the configuration in Chinese: the value that was found, and the one that a key should have.

/// Words the value that a key has.
#[must_use]
pub(super) fn found(found: &str) -> String {
    if let Some(value) = found.strip_prefix("found ") {
        return format!("值为 {value}");
    }
    match found {
        "missing" => "未设置".to_owned(),
        "there is no bus.user" => "没有 bus.user".to_owned(),
        other => other.to_owned(),
    }
}

/// Words the value that a key should have; the names of keys are the same in both languages.
#[must_use]
pub(super) fn expected(expected: &str) -> String {
    let words = match expected {
        "a folder" => "目录",
        "a table" => "表，例如 [bus]",
        "\"system\" or \"bus\"" => "\"system\" 或 \"bus\"",
        "an IANA zone such as \"Asia/Shanghai\"" => "IANA 时区，例如 \"Asia/Shanghai\"",
        "a VIN: 17 capital letters and digits without I, O, Q" => {
            "VIN：17 位大写字母与数字，不含 I、O、Q"
        }
        "\"HOST:PORT\" of the in-vehicle broker" => "车内消息代理的 \"HOST:PORT\"",
        "a TOML file" => "TOML 文件",
        "the name of this vehicle in the topics, in the place of +" => "本车在主题中的名字，代替 +",
        "a name at the broker" => "消息代理的用户名",
        "the name at the broker beside it" => "同时给出消息代理的用户名",
        "a file with the password of bus.user in its first line" => "文件，首行是 bus.user 的密码",
        "a PEM file with the certificate of the broker's authority" => {
            "PEM 文件，内有消息代理的 CA 证书"
        }
        "a PEM file with the head unit's certificate" => "PEM 文件，内有车机的证书",
        "a PEM file with the key of bus.tls.cert" => "PEM 文件，内有 bus.tls.cert 的私钥",
        "an https:// address (http:// only to this machine)" => "https:// 地址（http:// 仅限本机）",
        "the cloud's public key and salt: KEY.SALT, as dashpoint-cloud key prints it" => {
            "云端的公钥与盐值：KEY.SALT，即 `dashpoint-cloud key` 的输出"
        }
        "a PEM file" => "PEM 文件",
        "a private key" => "私钥",
        "a certificate" => "证书",
        "whole seconds from 0 to 3600" => "0 到 3600 的整秒数",
        other => other,
    };
    words.to_owned()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use dashpoint_ui::locale::Language;

    use crate::config::Config;
    use crate::error::worded;

    /// Each refusal of the configuration is Chinese in Chinese: of English there are names and values alone.
    #[test]
    fn each_refusal_of_the_configuration_is_chinese() {
        const CLOUD: &str = "[cloud]\nurl = \"https://a.example\"\nkey = \"12\"\n";
        for (text, said) in [
            ("data = 3", "data：值为 3；应为目录"),
            ("clock = 3", "clock：值为 3；应为\"system\" 或 \"bus\""),
            ("zone = \"Mars\"", "zone：值为 \"Mars\"；应为IANA 时区"),
            ("bus = 3", "bus：值为 3；应为表"),
            (
                "[bus]\nbroker = \"here\"",
                "bus.broker：值为 \"here\"；应为车内消息代理的",
            ),
            ("[bus]\nmapping = 3", "bus.mapping：值为 3；应为TOML 文件"),
            (
                "[bus]\nvehicle = 3",
                "bus.vehicle：值为 3；应为本车在主题中",
            ),
            ("[bus]\nuser = 3", "bus.user：值为 3；应为消息代理的用户名"),
            (
                "[bus]\nuser = \"car\"",
                "bus.password_file：未设置；应为文件，首行是",
            ),
            (
                "[bus]\npassword_file = \"a\"",
                "bus.password_file：没有 bus.user；应为同时给出",
            ),
            (
                "[bus.tls]\ncert = \"a.pem\"",
                "bus.tls.ca：未设置；应为PEM 文件，内有消息代理的 CA",
            ),
            (
                "[bus.tls]\nca = \"a.pem\"\ncert = 3",
                "bus.tls.cert：值为 3；应为PEM 文件，内有车机",
            ),
            (
                "[bus.tls]\nca = \"a.pem\"\ncert = \"b.pem\"",
                "bus.tls.key：未设置；应为PEM 文件，内有 bus",
            ),
            ("", "cloud.url：未设置；应为https:// 地址"),
            (CLOUD, "cloud.key：值为 \"12\"；应为云端的公钥与盐值"),
            (
                "[bus]\nbrokr = \"a\"",
                "bus.brokr：配置中没有这个键；是否想写 `broker`？",
            ),
            (
                "[clod]\nurl = \"\"",
                "clod：配置中没有这个键；是否想写 `cloud`？",
            ),
        ] {
            let refused = Config::parse(text, Path::new("/etc/dashpoint.toml")).unwrap_err();
            let told = worded(&refused.into(), Language::Chinese);
            let told = told
                .strip_prefix("/etc/dashpoint.toml：")
                .unwrap()
                .to_owned();
            assert!(told.starts_with(said), "{told}");
        }
    }
}
