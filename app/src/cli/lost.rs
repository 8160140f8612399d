//! Entries that a damaged disk lost before they were sent.

use dashpoint_store::{StoreError, StoreReader};
use dashpoint_ui::locale::Language;

/// Entries that a line names.
const NAMED_MAX: usize = 5;

/// Lists them by epoch and place, such as `1-4`.
pub(super) fn lost_entries(reader: &StoreReader) -> Result<Vec<String>, StoreError> {
    let lost = reader.lost_entries()?;
    Ok(lost
        .into_iter()
        .map(|(epoch, seq)| format!("{epoch}-{seq}"))
        .collect())
}

/// Says which they are, that nothing sends them, and what to do; nothing when there are none.
pub(super) fn lost_text(language: Language, lost: &[String]) -> Option<String> {
    let named = lost[..lost.len().min(NAMED_MAX)].join(", ");
    let others = lost.len().saturating_sub(NAMED_MAX);
    Some(match (language, lost.len(), others) {
        (_, 0, _) => return None,
        (Language::English, 1, _) => format!(
            "entry {named} was damaged on the disk before it was sent: it is not sent, and its points are not paid; keep \
             ledger.corrupt-1.db and the files like it in the data folder, ask service, and have the disk looked at"
        ),
        (Language::English, _, others) => format!(
            "entries {named}{} were damaged on the disk before they were sent: they are not sent, and their points are not paid; \
             keep ledger.corrupt-1.db and the files like it in the data folder, ask service, and have the disk looked at",
            match others {
                0 => String::new(),
                others => format!(" and {others} more"),
            }
        ),
        (Language::Chinese, _, others) => format!(
            "记录 {named}{} 上传前在存储中损坏，不会上传，其积分不会到账；请保留数据目录中的 ledger.corrupt-1.db 等文件，\
             联系售后，并检查存储",
            match others {
                0 => String::new(),
                others => format!(" 等（另有 {others} 条）"),
            }
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lost_entries_are_named_and_nothing_is_said_without_any() {
        let lost =
            |count: usize| -> Vec<String> { (1..=count).map(|seq| format!("1-{seq}")).collect() };
        for language in [Language::English, Language::Chinese] {
            assert_eq!(lost_text(language, &[]), None);
            let one = lost_text(language, &lost(1)).unwrap();
            assert!(
                one.contains(" 1-1 ") && one.contains("ledger.corrupt-1.db"),
                "{one}"
            );
            let many = lost_text(language, &lost(7)).unwrap();
            assert!(many.contains(" 1-1, 1-2, 1-3, 1-4, 1-5 "), "{many}");
            assert!(many.contains('2') && !many.contains("1-6"), "{many}");
        }
    }
}
