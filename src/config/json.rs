//! Kafka Connect's JSON: `{"name": .., "config": {..}}`, or the properties themselves.
//!
//! Owns [`parse`], which keeps what `serde_json`'s own map would lose: a key that stands twice, and the text
//! of a scalar.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

/// A JSON value as far as a configuration needs it.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Node {
    /// A string, or a number or truth value as its text.
    Scalar(String),
    /// `null`, which Kafka Connect treats as absent.
    Null,
    /// A list, whatever is in it.
    List,
    /// An object, with every key as often as it stands there.
    Object(Vec<(String, Self)>),
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NodeVisitor)
    }
}

struct NodeVisitor;

impl<'de> Visitor<'de> for NodeVisitor {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Node, E> {
        Ok(Node::Scalar(value.to_string()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Node, E> {
        Ok(Node::Scalar(value.to_string()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Node, E> {
        Ok(Node::Scalar(value.to_string()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Node, E> {
        Ok(Node::Scalar(value.to_string()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Node, E> {
        Ok(Node::Scalar(value.to_owned()))
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Node, A::Error> {
        while items.next_element::<serde::de::IgnoredAny>()?.is_some() {}
        Ok(Node::List)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Node, A::Error> {
        let mut object = Vec::new();
        while let Some(entry) = entries.next_entry::<String, Node>()? {
            object.push(entry);
        }
        Ok(Node::Object(object))
    }
}

/// Where JSON stops being JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct BadJson {
    pub(super) line: usize,
    pub(super) column: usize,
    pub(super) problem: String,
}

/// Reads one JSON value.
pub(super) fn parse(text: &str) -> Result<Node, BadJson> {
    serde_json::from_str(text).map_err(|error| {
        let full = error.to_string();
        let place = format!(" at line {} column {}", error.line(), error.column());
        let problem = full.strip_suffix(&place).unwrap_or(&full).to_owned();
        BadJson { line: error.line(), column: error.column(), problem }
    })
}

/// The lines, counted from 1, on which a key stands, as far as a look at the text can tell.
pub(super) fn lines_of(text: &str, key: &str) -> Vec<usize> {
    let quoted = format!("{key:?}");
    text.match_indices(&quoted)
        .filter(|(at, found)| text[at + found.len()..].trim_start().starts_with(':'))
        .map(|(at, _)| text[..at].matches('\n').count() + 1)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scalars_keep_their_text_and_keys_that_stand_twice_are_kept() {
        let node = parse(r#"{"a": 1, "a": true, "b": "x", "c": null, "d": [1, {}], "e": {"f": -2.5}}"#).expect("JSON");
        let scalar = |text: &str| Node::Scalar(text.to_owned());
        assert_eq!(
            node,
            Node::Object(vec![
                ("a".to_owned(), scalar("1")),
                ("a".to_owned(), scalar("true")),
                ("b".to_owned(), scalar("x")),
                ("c".to_owned(), Node::Null),
                ("d".to_owned(), Node::List),
                ("e".to_owned(), Node::Object(vec![("f".to_owned(), scalar("-2.5"))])),
            ])
        );
    }

    #[test]
    fn a_syntax_error_has_its_place() {
        let bad = parse("{\n  \"a\": 1,\n  \"b\" 2\n}").expect_err("not JSON");
        assert_eq!((bad.line, bad.column, bad.problem.as_str()), (3, 7, "expected `:`"));
    }

    #[test]
    fn keys_are_found_with_their_lines() {
        let text = "{\n \"a\": \"b\",\n \"b\" : 1,\n \"a\": 2 }";
        assert_eq!((lines_of(text, "a"), lines_of(text, "b")), (vec![2, 4], vec![3]));
    }
}
