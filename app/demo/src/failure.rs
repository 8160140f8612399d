//! Failures that whoever plays a story can meet and mend, in both languages. Any other failure is told in English.

use std::error::Error;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use dashpoint_ui::locale::Language;

/// A failure of the arguments, or of whoever plays the story.
#[derive(Debug)]
pub enum DemoFailure {
    /// Ctrl-C.
    Stopped,
    /// The folder that is to be kept is in use.
    KeepInUse(PathBuf),
    /// The folder that is to be kept cannot be made or read.
    Keep {
        /// Path of the folder.
        folder: PathBuf,
        /// The cause.
        cause: io::Error,
    },
    /// The folder of the pictures is in use.
    OutInUse(PathBuf),
    /// The folder of the pictures cannot be made or read.
    Out {
        /// Path of the folder.
        folder: PathBuf,
        /// The cause.
        cause: io::Error,
    },
    /// The story went otherwise than it says.
    Otherwise(Vec<String>),
}

impl DemoFailure {
    /// Words it in a line.
    #[must_use]
    pub fn in_words(&self, language: Language) -> String {
        let both = |en: String, zh: String| match language {
            Language::English => en,
            Language::Chinese => zh,
        };
        match self {
            Self::Stopped => language
                .choose("stopped before its end", "故事未播完即停止")
                .to_owned(),
            Self::KeepInUse(folder) => not_empty(language, "--keep", folder),
            Self::OutInUse(folder) => not_empty(language, "--out", folder),
            Self::Keep { folder, cause } => {
                let folder = folder.display();
                both(
                    format!("--keep {folder}: the folder cannot be made or read: {cause}"),
                    format!("--keep {folder}：无法建立或读取目录（{cause}）"),
                )
            }
            Self::Out { folder, cause } => {
                let folder = folder.display();
                both(
                    format!("--out {folder}: the folder cannot be made or read: {cause}"),
                    format!("--out {folder}：无法建立或读取目录（{cause}）"),
                )
            }
            Self::Otherwise(faults) => both(
                format!("not as it should be: {}", faults.join("; ")),
                format!("结果与预期不符：{}", faults.join("；")),
            ),
        }
    }
}

/// Says that a folder has something in it, which this run would mix with what it makes.
fn not_empty(language: Language, option: &str, folder: &Path) -> String {
    let folder = folder.display();
    match language {
        Language::English => {
            format!("{option} {folder}: the folder is not empty; expected an empty or a new one")
        }
        Language::Chinese => format!("{option} {folder}：目录不为空；请指定空目录或新目录"),
    }
}

impl fmt::Display for DemoFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.in_words(Language::English))
    }
}

impl Error for DemoFailure {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_player_can_mend_is_told_in_both_languages() {
        let folder = || PathBuf::from("kept");
        let cause = || io::Error::from(io::ErrorKind::PermissionDenied);
        for failure in [
            DemoFailure::Stopped,
            DemoFailure::KeepInUse(folder()),
            DemoFailure::OutInUse(folder()),
            DemoFailure::Keep {
                folder: folder(),
                cause: cause(),
            },
            DemoFailure::Out {
                folder: folder(),
                cause: cause(),
            },
            DemoFailure::Otherwise(Vec::new()),
        ] {
            let english = failure.in_words(Language::English);
            let chinese = failure.in_words(Language::Chinese);
            assert!(english.is_ascii(), "{english}");
            assert!(!chinese.is_ascii(), "{chinese}");
        }
    }
}
