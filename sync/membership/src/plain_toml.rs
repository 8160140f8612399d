//! Words what the TOML reader refuses in a policy or a catalogue, for people who write such files and no programs.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Says in one line what is wrong and what to write.
pub(crate) fn problem(text: &str, refused: &toml::de::Error) -> String {
    let message = refused.message();
    let span = refused.span();
    let key = span.clone().and_then(|span| key_of(text, &span));
    if let Some(told) = key.as_deref().and_then(|key| choice(key, message)) {
        return told;
    }
    if let Some(missing) = message.strip_prefix("missing field `") {
        return format!("the key `{missing} is missing");
    }
    if message == "duplicate key" {
        let twice = span.and_then(|span| text.get(span)).unwrap_or_default();
        return format!("the key `{twice}` stands here for the second time: remove one of them");
    }
    let plain = expected(message).unwrap_or_else(|| message.replace('\n', ", "));
    match key {
        Some(key) => format!("`{key}`: {plain}"),
        None => plain,
    }
}

/// Words a value that is one of several forms, when it has none of them, or several.
fn choice(key: &str, message: &str) -> Option<String> {
    let forms = match key {
        "over" | "all" => {
            "`over = { rule = \"ID\" }`, `over = { kind = \"trip\" }` or `over = \"all\"`; two bounds are two caps"
        }
        "expiry" => "`expiry = { months = 24 }` or `expiry = { calendar-years = 2 }`",
        _ => return None,
    };
    let found = if message.contains("more than 1 element") {
        "it names more than one thing"
    } else if message.contains("found 0 elements") {
        "it names nothing"
    } else {
        "it is not written so that it can be read"
    };
    let key = if key == "all" { "over" } else { key };
    Some(format!("`{key}`: {found}; write exactly one of {forms}"))
}

/// Words the type or the value that was expected, and the one that was found.
fn expected(message: &str) -> Option<String> {
    let told = message
        .strip_prefix("invalid type: ")
        .or_else(|| message.strip_prefix("invalid value: "))?;
    let (found, expected) = told.split_once(", expected ")?;
    let expected = match expected {
        "a string" | "string" => "a text in quotes",
        "a boolean" => "true or false",
        "a sequence" => "a list, [ .. ]",
        "struct Text" => "a text in both languages, { en = \"..\", zh = \"..\" }",
        "u8" => "a whole number from 0 to 255",
        "u16" => "a whole number from 0 to 65535",
        "u32" => "a whole number from 0 to 4294967295",
        "u64" => "a whole number from 0 on",
        "i64" => "a whole number",
        other if other.starts_with("struct ") => "a table, { .. }",
        other => other,
    };
    let found = match found {
        "map" => "a table",
        "sequence" => "a list",
        found => ["integer ", "floating point ", "boolean ", "string "]
            .iter()
            .find_map(|kind| found.strip_prefix(kind))
            .map_or(found, |value| value.trim_matches('`')),
    };
    Some(format!("expected {expected}, found {found}"))
}

/// Finds the key whose value lies at a place of the text.
fn key_of(text: &str, span: &std::ops::Range<usize>) -> Option<String> {
    let table = DeTable::parse(text).ok()?;
    in_table(table.get_ref(), span)
}

fn in_table(table: &DeTable<'_>, span: &std::ops::Range<usize>) -> Option<String> {
    table.iter().find_map(|(key, value)| {
        if value.span() == *span && !is_item_head(value) {
            return Some(key.get_ref().to_string());
        }
        in_value(value, span)
    })
}

fn in_value(value: &Spanned<DeValue<'_>>, span: &std::ops::Range<usize>) -> Option<String> {
    match value.get_ref() {
        DeValue::Table(table) => in_table(table, span),
        DeValue::Array(items) => items.iter().find_map(|item| in_value(item, span)),
        DeValue::String(_)
        | DeValue::Integer(_)
        | DeValue::Float(_)
        | DeValue::Boolean(_)
        | DeValue::Datetime(_) => None,
    }
}

/// Returns whether a value is a list of tables, whose place is that of its first table.
fn is_item_head(value: &Spanned<DeValue<'_>>) -> bool {
    let DeValue::Array(items) = value.get_ref() else {
        return false;
    };
    matches!(items.first().map(Spanned::get_ref), Some(DeValue::Table(_)))
}
