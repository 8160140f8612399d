//! Places in a JSON text: those that a mapping names are found in one pass, and everything else is skipped.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::payload::{PayloadError, Scalar};

/// Most steps of a pointer; the search goes no deeper into any text.
const STEPS_MAX: usize = 16;

/// A JSON pointer (RFC 6901), such as `/data/speed/value`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pointer(Vec<String>);

impl Pointer {
    /// Parses a pointer; `None` for what is none, for the whole text, and for one of more than 16 steps.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let steps = text.strip_prefix('/')?.split('/').map(step);
        let steps: Vec<String> = steps.collect::<Option<_>>()?;
        (steps.len() <= STEPS_MAX).then_some(Self(steps))
    }
}

/// One step, with `~1` for a slash and `~0` for a tilde.
fn step(written: &str) -> Option<String> {
    let mut parts = written.split('~');
    let mut step = parts.next()?.to_owned();
    for part in parts {
        let rest = match part.as_bytes().first() {
            Some(b'0') => '~',
            Some(b'1') => '/',
            Some(_) | None => return None,
        };
        step.push(rest);
        step.push_str(&part[1..]);
    }
    Some(step)
}

/// The places of one topic, as a tree; each has a slot for what is found there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Pointers {
    root: Node,
    slots: usize,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Node {
    slot: Option<usize>,
    below: Vec<(String, Self)>,
}

impl Pointers {
    /// Adds a place and returns its slot; one that is there already keeps it.
    pub(super) fn add(&mut self, pointer: &Pointer) -> usize {
        let mut node = &mut self.root;
        for step in &pointer.0 {
            let at = node.below.iter().position(|(known, _)| known == step);
            let at = at.unwrap_or_else(|| {
                node.below.push((step.clone(), Node::default()));
                node.below.len() - 1
            });
            node = &mut node.below[at].1;
        }
        *node.slot.get_or_insert_with(|| {
            self.slots += 1;
            self.slots - 1
        })
    }

    /// Reads a JSON text and returns what each slot's place has; `None` where there is no such place.
    ///
    /// # Errors
    /// [`PayloadError::NotADataPoint`] for a text that is no JSON, or that has one place twice.
    pub(super) fn read<'de>(
        &self,
        text: &'de str,
    ) -> Result<Vec<Option<Scalar<'de>>>, PayloadError> {
        let mut found: Vec<Option<Scalar<'de>>> =
            std::iter::repeat_with(|| None).take(self.slots).collect();
        let mut json = serde_json::Deserializer::from_str(text);
        let seek = Seek {
            node: &self.root,
            found: &mut found,
        };
        seek.deserialize(&mut json)
            .and_then(|()| json.end())
            .map_err(|_| PayloadError::NotADataPoint)?;
        Ok(found)
    }
}

impl Node {
    fn below(&self, step: &str) -> Option<&Self> {
        let found = self.below.iter().find(|(known, _)| known == step);
        found.map(|(_, node)| node)
    }
}

/// Reads one JSON value for a node of the tree.
struct Seek<'n, 'f, 'de> {
    node: &'n Node,
    found: &'f mut [Option<Scalar<'de>>],
}

impl<'de> Seek<'_, '_, 'de> {
    fn put<E: Error>(self, scalar: Scalar<'de>) -> Result<(), E> {
        let Some(slot) = self.node.slot else {
            return Ok(());
        };
        if self.found[slot].replace(scalar).is_some() {
            return Err(E::custom("a place twice"));
        }
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Seek<'_, '_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

#[derive(Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'de> Visitor<'de> for Seek<'_, '_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E: Error>(self, flag: bool) -> Result<(), E> {
        self.put(Scalar::Flag(flag))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<(), E> {
        self.put(Scalar::Number(number))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<(), E> {
        self.put(Scalar::whole(number.into()))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<(), E> {
        self.put(Scalar::whole(number.into()))
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<(), E> {
        self.put(Scalar::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        self.put(Scalar::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        self.put(Scalar::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let Self { node, found } = self;
        if node.below.is_empty() {
            while list.next_element::<IgnoredAny>()?.is_some() {}
            return Seek { node, found }.put(Scalar::Other);
        }
        for index in 0_usize.. {
            let more = match node.below(&index.to_string()) {
                Some(node) if !node.below.is_empty() || node.slot.is_some() => {
                    let found = &mut *found;
                    list.next_element_seed(Seek { node, found })?.is_some()
                }
                Some(_) | None => list.next_element::<IgnoredAny>()?.is_some(),
            };
            if !more {
                break;
            }
        }
        Seek { node, found }.put(Scalar::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<(), A::Error> {
        let Self { node, found } = self;
        while let Some(Key(key)) = fields.next_key()? {
            match node.below(&key) {
                Some(node) => {
                    let found = &mut *found;
                    fields.next_value_seed(Seek { node, found })?;
                }
                None => drop(fields.next_value::<IgnoredAny>()?),
            }
        }
        Seek { node, found }.put(Scalar::Other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(pointers: &[&str], text: &str) -> Result<Vec<String>, PayloadError> {
        let mut tree = Pointers::default();
        let slots: Vec<usize> = pointers
            .iter()
            .map(|pointer| tree.add(&Pointer::parse(pointer).unwrap()))
            .collect();
        let found = tree.read(text)?;
        let shown = slots.into_iter().map(|slot| match &found[slot] {
            None => "-".to_owned(),
            Some(Scalar::Flag(flag)) => flag.to_string(),
            Some(Scalar::Number(number)) => number.to_string(),
            Some(Scalar::Long(number)) => number.to_string(),
            Some(Scalar::Text(text)) => format!("{text:?}"),
            Some(Scalar::Null) => "null".to_owned(),
            Some(Scalar::Other) => "other".to_owned(),
        });
        Ok(shown.collect())
    }

    #[test]
    fn places_are_found_in_one_pass() {
        let text = r#"{"data":{"x.y":{"value":1.5,"t":"now"},"list":[7,{"deep":[1]},true],"gone":null},"a/b":{"c~d":"\u00e4"},"more":[[[]]]}"#;
        let pointers = [
            "/data/x.y/value",
            "/data/x.y/t",
            "/data/list/0",
            "/data/list/2",
            "/data/list",
            "/data/gone",
            "/a~1b/c~0d",
            "/data/x.y/value",
            "/nowhere",
        ];
        assert_eq!(
            found(&pointers, text).unwrap(),
            [
                "1.5", "\"now\"", "7", "true", "other", "null", "\"ä\"", "1.5", "-"
            ]
        );
    }

    #[test]
    fn texts_without_json_are_refused() {
        for text in [
            "",
            "{",
            "{\"a\":1} x",
            "{\"a\":1e999}",
            "{\"a\":1,\"a\":2}",
            "nonsense",
        ] {
            assert_eq!(
                found(&["/a"], text),
                Err(PayloadError::NotADataPoint),
                "{text}"
            );
        }
        for text in ["1", "[]", "null", "{\"b\":{\"a\":1}}"] {
            assert_eq!(found(&["/a"], text).unwrap(), ["-"], "{text}");
        }
        // Depth is skipped below every place, and it stops nothing.
        let deep = format!("{}{}", "[".repeat(2_000), "]".repeat(2_000));
        assert_eq!(found(&["/a"], &deep).unwrap(), ["-"]);
    }

    #[test]
    fn a_pointer_starts_with_a_slash() {
        let long = "/x".repeat(STEPS_MAX + 1);
        for text in ["", "value", "$.value", "/a~", "/a~2", long.as_str()] {
            assert_eq!(Pointer::parse(text), None, "{text}");
        }
    }
}
