//! Every text of the pages has its Chinese, and says the same arguments.

use std::collections::BTreeMap;
use std::path::Path;

use crate::Report;
use crate::fonts::folder;

/// The source of every page and widget.
pub fn sources() -> Vec<(String, String)> {
    let mut found = Vec::new();
    collect(&folder().join("slint"), &mut found);
    assert!(
        found.len() > 15,
        "the .slint files are where the test looks"
    );
    found
}

fn collect(folder: &Path, found: &mut Vec<(String, String)>) {
    let mut entries: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            collect(&path, found);
        } else if path.extension().is_some_and(|end| end == "slint") {
            let source = std::fs::read_to_string(&path).unwrap();
            found.push((path.display().to_string(), source));
        }
    }
}

/// The texts of `@tr(..)` in a source: singular and plural are two.
fn messages(source: &str) -> Vec<String> {
    let mut found = Vec::new();
    for after in source.split("@tr(").skip(1) {
        let mut rest = after.trim_start();
        while let Some(text) = rest.strip_prefix('"') {
            let end = text.find('"').expect("a text ends");
            assert!(
                !text[..end].contains('\\'),
                "escapes are not looked at: {}",
                &text[..end]
            );
            let tail = text[end + 1..].trim_start();
            if let Some(next) = tail.strip_prefix("=>") {
                // It was a context.
                rest = next.trim_start();
                continue;
            }
            found.push(text[..end].to_owned());
            match tail.strip_prefix('|') {
                Some(next) => rest = next.trim_start(),
                None => break,
            }
        }
    }
    found
}

/// Every English text.
pub fn english() -> Vec<String> {
    sources()
        .iter()
        .flat_map(|(_, source)| messages(source))
        .collect()
}

/// The Chinese of each text; a plural shares that of its singular.
fn catalogue() -> BTreeMap<String, String> {
    let text =
        std::fs::read_to_string(folder().join("lang/zh_CN/LC_MESSAGES/dashpoint-ui.po")).unwrap();
    let mut catalogue = BTreeMap::new();
    let mut ids: Vec<String> = Vec::new();
    for line in text.lines() {
        let value = |prefix: &str| {
            line.strip_prefix(prefix)
                .and_then(|rest| rest.strip_suffix('"'))
                .map(str::to_owned)
        };
        if let Some(id) = value("msgid \"") {
            ids = vec![id];
        } else if let Some(id) = value("msgid_plural \"") {
            ids.push(id);
        } else if let Some(text) = value("msgstr \"").or_else(|| value("msgstr[0] \"")) {
            for id in ids.drain(..) {
                catalogue.insert(id, text.clone());
            }
        }
    }
    catalogue.remove("");
    catalogue
}

/// Every Chinese text.
pub fn chinese() -> Vec<String> {
    catalogue().into_values().collect()
}

/// Texts of a source that have no Chinese.
pub fn untranslated(source: &str) -> Vec<String> {
    let catalogue = catalogue();
    messages(source)
        .into_iter()
        .filter(|text| catalogue.get(text).is_none_or(String::is_empty))
        .map(|text| format!("{text:?} has no Chinese"))
        .collect()
}

/// TR: every text is translated with the same arguments, and no translation is left over.
pub fn translated(report: &mut Report) {
    for (path, source) in sources() {
        report.hold("TR", &path, untranslated(&source));
    }
    let english = english();
    for (text, translation) in catalogue() {
        if !english.contains(&text) {
            report.hold("TR", "catalogue", vec![format!("{text:?} is on no page")]);
        }
        // The page breaks its lines where its width asks for it.
        if text.contains('\\') || translation.contains('\\') {
            report.hold(
                "TR",
                "catalogue",
                vec![format!("{translation:?} has a break of its own")],
            );
        }
        let arguments = |text: &str| (text.matches("{}").count(), text.matches("{n}").count());
        if arguments(&text) != arguments(&translation) {
            report.hold(
                "TR",
                "catalogue",
                vec![format!("{text:?} and {translation:?} differ in arguments")],
            );
        }
    }
}
