//! Output of the head unit's screen: in a window, as pictures, or none.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::bail;

use crate::failure::DemoFailure;

/// Time for which a window shows each step.
const LOOK: Duration = Duration::from_secs(3);

/// Output of the head unit's screen.
#[derive(Debug, Clone)]
pub struct ScreenOutput {
    /// True when the head unit opens its window.
    pub window: bool,
    /// True when each step is shown, false when only the end is.
    pub each_step: bool,
    /// Time for which each step is shown.
    pub pause: Duration,
    /// Folder and size of the pictures.
    pub pictures: Option<Pictures>,
}

/// The arguments that choose the output.
#[derive(Debug, Clone, Copy, Default)]
pub struct ScreenOptions<'a> {
    /// No window.
    pub headless: bool,
    /// A look at each step.
    pub each_step: bool,
    /// Time for which each step is shown, in seconds.
    pub pause_s: Option<u16>,
    /// Folder for the pictures.
    pub out: Option<&'a Path>,
}

/// A folder of pictures, one after another.
#[derive(Debug, Clone)]
pub struct Pictures {
    folder: PathBuf,
    drawn: u32,
}

/// A page of the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScreenPage {
    /// The member's card.
    Home,
    /// The ledger, its newest row open.
    Activity,
    /// The summary of the newest trip.
    Trip,
}

impl ScreenPage {
    /// Its name on the command line of the head unit.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Home => "home",
            Self::Activity => "activity",
            Self::Trip => "trip",
        }
    }
}

impl ScreenOutput {
    /// Chooses the output from the arguments and from what this machine has.
    ///
    /// # Errors
    /// When the folder of the pictures cannot be made, or has something in it: pictures of two runs would be mixed.
    pub fn choose(asked: &ScreenOptions<'_>, has_display: bool) -> anyhow::Result<Self> {
        let window = has_display && !asked.headless;
        let look = if window { LOOK } else { Duration::ZERO };
        Ok(Self {
            window,
            each_step: asked.each_step,
            pause: asked
                .pause_s
                .map_or(look, |seconds| Duration::from_secs(seconds.into())),
            pictures: asked.out.map(Pictures::into_folder).transpose()?,
        })
    }
}

impl Pictures {
    fn into_folder(folder: &Path) -> anyhow::Result<Self> {
        let cannot = |cause| DemoFailure::Out {
            folder: folder.to_owned(),
            cause,
        };
        fs::create_dir_all(folder).map_err(cannot)?;
        if fs::read_dir(folder).map_err(cannot)?.next().is_some() {
            bail!(DemoFailure::OutInUse(folder.to_owned()));
        }
        Ok(Self {
            folder: folder.to_owned(),
            drawn: 0,
        })
    }

    /// Returns the path of the next picture: its number, and its step.
    pub fn next(&mut self, step: &str, page: ScreenPage) -> PathBuf {
        self.drawn += 1;
        let page = page.name();
        self.folder
            .join(format!("{:02}-{step}-{page}.png", self.drawn))
    }
}

/// Returns whether this machine has a display.
#[must_use]
pub fn has_display() -> bool {
    ["DISPLAY", "WAYLAND_DISPLAY"]
        .iter()
        .any(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_needs_a_display_and_nobody_who_says_no() {
        for (headless, has_display, expected) in [
            (false, true, true),
            (true, true, false),
            (false, false, false),
        ] {
            let asked = ScreenOptions {
                headless,
                ..ScreenOptions::default()
            };
            let screen = ScreenOutput::choose(&asked, has_display).unwrap();
            assert_eq!(screen.window, expected);
            assert_eq!(screen.pause.is_zero(), !expected);
        }
        let asked = ScreenOptions {
            pause_s: Some(2),
            ..ScreenOptions::default()
        };
        let screen = ScreenOutput::choose(&asked, false).unwrap();
        assert_eq!(screen.pause, Duration::from_secs(2));
    }

    #[test]
    fn pictures_are_numbered_in_the_order_of_the_story() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("a/b");
        let asked = ScreenOptions {
            out: Some(&out),
            ..ScreenOptions::default()
        };
        let screen = ScreenOutput::choose(&asked, false).unwrap();
        let mut pictures = screen.pictures.unwrap();
        assert!(out.is_dir());
        let first = pictures.next("enrol", ScreenPage::Home);
        assert_eq!(first, out.join("01-enrol-home.png"));
        let second = pictures.next("drive", ScreenPage::Trip);
        assert_eq!(second, out.join("02-drive-trip.png"));
        fs::write(first, "").unwrap();
        let refused = ScreenOutput::choose(&asked, false).unwrap_err().to_string();
        assert!(
            refused.ends_with("expected an empty or a new one"),
            "{refused}"
        );
    }
}
