//! Words of a car that stand for values, or for no value at all.

use std::collections::BTreeMap;

use dashpoint_telematics::Value;

use super::payload::{PAYLOAD_MAX, Scalar};

/// The meaning of a word.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum WordMeaning {
    /// It stands for this value.
    Value(Value),
    /// The car says nothing with it.
    Nothing,
}

impl WordMeaning {
    /// Returns the value that is said; `None` when nothing is.
    pub(super) fn value(&self) -> Option<Value> {
        match self {
            Self::Value(value) => Some(value.clone()),
            Self::Nothing => None,
        }
    }
}

/// The words of one signal. Blanks around what a car says do not count; a word that is a number matches by its value.
///
/// Those of a file of format 1 are otherwise: they see a value that was parsed, and match its text letter by letter.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Words {
    is_exact: bool,
    texts: BTreeMap<String, WordMeaning>,
    numbers: Vec<(f64, String)>,
    /// JSON's null.
    pub(super) null: Option<WordMeaning>,
    /// A payload, or a text in it, with nothing in it.
    pub(super) empty: Option<WordMeaning>,
}

impl Words {
    /// Adds a word.
    ///
    /// # Errors
    /// One line, for a word that no message can match, and for one that is there already.
    pub(super) fn add(&mut self, word: &str, meaning: WordMeaning) -> Result<(), String> {
        if word.is_empty() {
            return Err("an empty word: write it as `empty = ...`".to_owned());
        }
        if word.trim() != word {
            return Err(format!(
                "{word:?}: can never match, since blanks around a value do not count; write {:?}",
                word.trim()
            ));
        }
        if word.len() > PAYLOAD_MAX {
            return Err(format!(
                "a word of more than {PAYLOAD_MAX} bytes can never match"
            ));
        }
        if let Some(number) = number_of(word) {
            if let Some((_, other)) = self.numbers.iter().find(|(known, _)| *known == number) {
                return Err(format!(
                    "{word:?}: can never match, since {other:?} is the same number"
                ));
            }
            self.numbers.push((number, word.to_owned()));
        }
        match self.texts.insert(word.to_owned(), meaning) {
            None => Ok(()),
            Some(_) => Err(format!("{word:?}: there twice")),
        }
    }

    /// Adds a word of a file of format 1: one that can never match is kept, and does nothing.
    pub(super) fn add_exact(&mut self, word: String, value: Value) {
        self.is_exact = true;
        self.texts.insert(word, WordMeaning::Value(value));
    }

    /// Returns whether there is none.
    pub(super) fn is_empty(&self) -> bool {
        self.texts.is_empty() && self.null.is_none() && self.empty.is_none()
    }

    /// Returns whether one of them stands for one of these texts.
    pub(super) fn stand_for(&self, expected: &[&str]) -> bool {
        let mut meanings = self.texts.values().chain(&self.null).chain(&self.empty);
        meanings.any(|meaning| is_one_of(meaning, expected))
    }

    /// Returns whether none of these texts can come out: each is itself a word for something else, or ignored. A text that
    /// is no word passes through unchanged.
    pub(super) fn shut_out(&self, expected: &[&str]) -> bool {
        let mut texts = expected.iter();
        !self.stand_for(expected) && texts.all(|text| self.texts.contains_key(*text))
    }

    /// Finds the meaning of a payload before anybody parses it.
    pub(super) fn of_payload(&self, payload: &[u8]) -> Option<&WordMeaning> {
        if self.is_exact || self.is_empty() || payload.len() > PAYLOAD_MAX {
            return None;
        }
        let text = std::str::from_utf8(payload).ok()?.trim();
        match text {
            "null" => self.null.as_ref().or_else(|| self.of_text(text)),
            text => self.of_text(text),
        }
    }

    /// Finds the meaning of a value of a JSON text.
    pub(super) fn of_scalar(&self, scalar: &Scalar<'_>) -> Option<&WordMeaning> {
        if self.is_empty() {
            return None;
        }
        match scalar {
            Scalar::Flag(flag) => self.texts.get(if *flag { "true" } else { "false" }),
            Scalar::Number(number) => self.of_number(*number),
            Scalar::Long(number) => self.of_number(*number as f64),
            Scalar::Text(text) => self.of_text(text.trim()),
            Scalar::Null => self.null.as_ref(),
            Scalar::Other => None,
        }
    }

    /// Finds the meaning of a value that was parsed.
    pub(super) fn of_value(&self, value: &Value) -> Option<&WordMeaning> {
        if self.is_empty() {
            return None;
        }
        match value {
            Value::Number(number) if self.is_exact => self.texts.get(&number.to_string()),
            Value::Text(text) if self.is_exact => self.texts.get(text),
            Value::Bool(flag) => self.texts.get(if *flag { "true" } else { "false" }),
            Value::Number(number) => self.of_number(*number),
            Value::Text(text) => self.of_text(text.trim()),
        }
    }

    fn of_text(&self, text: &str) -> Option<&WordMeaning> {
        if text.is_empty() {
            return self.empty.as_ref();
        }
        let exact = self.texts.get(text);
        exact.or_else(|| self.of_number(number_of(text)?))
    }

    fn of_number(&self, number: f64) -> Option<&WordMeaning> {
        let (_, word) = self.numbers.iter().find(|(known, _)| *known == number)?;
        self.texts.get(word)
    }

    /// Writes each word with its meaning.
    pub(super) fn formulas(&self) -> Vec<String> {
        let named = self.texts.iter().map(|(word, meaning)| (&**word, meaning));
        let null = self.null.iter().map(|meaning| ("null", meaning));
        let empty = self.empty.iter().map(|meaning| ("empty", meaning));
        let formula = |(word, meaning): (&str, &WordMeaning)| match meaning {
            WordMeaning::Value(Value::Bool(flag)) => format!("{word} = {flag}"),
            WordMeaning::Value(Value::Number(number)) => format!("{word} = {number}"),
            WordMeaning::Value(Value::Text(text)) => format!("{word} = {text}"),
            WordMeaning::Nothing => format!("{word} ignored"),
        };
        named.chain(null).chain(empty).map(formula).collect()
    }
}

fn is_one_of(meaning: &WordMeaning, expected: &[&str]) -> bool {
    matches!(meaning, WordMeaning::Value(Value::Text(text)) if expected.contains(&text.as_str()))
}

/// The number that a word is, when it is one.
fn number_of(word: &str) -> Option<f64> {
    // Names such as "inf" and "nan" are words.
    let is_digit = |byte: u8| byte.is_ascii_digit();
    let number: f64 = word.parse().ok()?;
    (word.bytes().any(is_digit) && number.is_finite()).then_some(number)
}
