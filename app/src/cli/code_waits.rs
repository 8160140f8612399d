//! A head unit that is nobody's yet, and shows the code that its member has to approve.

use anyhow::bail;
use dashpoint_membership::ServerTime;
use dashpoint_ui::locale::Language;

use super::words::zoned_minute;
use crate::books::Books;
use crate::clock::system_unix_ms;
use crate::config::Config;
use crate::data_folder::open_reader;
use crate::screen::ShownCode;

/// Refuses with the code that a window shows while the head unit is nobody's yet.
pub(super) fn refuse_while_a_code_waits(config: &Config, language: Language) -> anyhow::Result<()> {
    let Ok(reader) = open_reader(config) else {
        return Ok(());
    };
    if !Books::is_enrolled(&reader)?
        && let Some(code) = ShownCode::read(&reader)?
        && let Some((code, until)) =
            code.waiting(ServerTime::from_unix_s(system_unix_ms().div_euclid(1_000)))
    {
        let until = zoned_minute(until, &config.zone);
        match language {
            Language::English => bail!(
                "this head unit is not enrolled yet: its screen shows the code {code} until {until}, and waits for the member's yes"
            ),
            Language::Chinese => {
                bail!("本车机尚未绑定：屏幕显示绑定码 {code}（有效至 {until}），等待会员确认")
            }
        }
    }
    Ok(())
}
