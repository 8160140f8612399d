//! A head unit that is nobody's yet, and shows the code that its member has to approve.

use anyhow::bail;
use dashpoint_membership::ServerTime;
use dashpoint_store::{StoreError, StoreReader, has_owner};
use dashpoint_ui::locale::Language;

use super::words::zoned_minute;
use crate::books::{Books, BooksError};
use crate::clock::system_unix_ms;
use crate::config::Config;
use crate::data_folder::open_reader;
use crate::screen::ShownCode;

/// The code on the screen of a head unit that is open and nobody's yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum CodeShown {
    /// A code that waits for the yes.
    Waits {
        /// The code.
        code: String,
        /// The end of its time.
        until: ServerTime,
    },
    /// A code whose time is over: the screen makes a new one when somebody asks for it.
    Expired,
    /// None: the cloud has not answered yet, or the answer was no.
    None,
}

impl CodeShown {
    /// Reads the code of a program that owns the data folder.
    ///
    /// # Errors
    /// [`StoreError`] for a cache that cannot be read.
    pub(super) fn read(reader: &StoreReader) -> Result<Self, StoreError> {
        let now = ServerTime::from_unix_s(system_unix_ms().div_euclid(1_000));
        let shown = ShownCode::read(reader)?;
        Ok(match shown.as_ref().map(|shown| shown.waiting(now)) {
            Some(Some((code, until))) => Self::Waits {
                code: code.to_owned(),
                until,
            },
            Some(None) => Self::Expired,
            None => Self::None,
        })
    }
}

/// Refuses while the head unit is nobody's yet: with what its screen shows while it is open, else as not enrolled.
pub(super) fn refuse_before_enrolment(config: &Config, language: Language) -> anyhow::Result<()> {
    let reader = match open_reader(config) {
        Ok(reader) => reader,
        Err(error) if matches!(error.downcast_ref(), Some(BooksError::NotEnrolled)) => {
            return Err(error);
        }
        // What is wrong with it is told by what reads it.
        Err(_) => return Ok(()),
    };
    if Books::is_enrolled(&reader)? {
        return Ok(());
    }
    if !has_owner(&config.data) {
        return Err(BooksError::NotEnrolled.into());
    }
    match (CodeShown::read(&reader)?, language) {
        (CodeShown::Waits { code, until }, Language::English) => bail!(
            "this head unit is not enrolled yet: its screen shows the code {code} until {}, and waits for the member's yes",
            zoned_minute(until, &config.zone)
        ),
        (CodeShown::Waits { code, until }, Language::Chinese) => bail!(
            "本车机尚未绑定：屏幕显示绑定码 {code}（有效至 {}），等待会员确认",
            zoned_minute(until, &config.zone)
        ),
        (CodeShown::Expired, Language::English) => bail!(
            "this head unit is not enrolled yet, and the code on its screen has expired: press New code there"
        ),
        (CodeShown::Expired, Language::Chinese) => {
            bail!("本车机尚未绑定，屏幕上的绑定码已过期：请在屏幕上点“换新码”")
        }
        (CodeShown::None, Language::English) => bail!(
            "this head unit is open and not enrolled yet: its screen shows the code once the cloud has given one"
        ),
        (CodeShown::None, Language::Chinese) => {
            bail!("本车机程序已打开，尚未绑定：云端给出绑定码后，屏幕即显示")
        }
    }
}
