//! Topic names.
//!
//! Source: Debezium's `AbstractTopicNamingStrategy` and the strategies that extend it; Kafka's `Topic.validate`.

use std::sync::Arc;

use crate::config::{Naming, Strategy};

/// Longest topic name that Kafka takes, in bytes.
const NAME_BYTES_MAX: usize = 249;

/// The topic of a table: prefix, schema (with some strategies) and table with the delimiter between them, every character
/// that Kafka does not take replaced, and then renamed where the strategy says so. Two tables may come out alike; that is
/// Debezium's rule too.
pub(super) fn data_topic(prefix: &str, delimiter: &str, naming: &Naming, schema: &str, table: &str) -> Arc<str> {
    let name = origin_topic(prefix, delimiter, naming, schema, table);
    let topic = sanitized(&name, naming.strategy);
    if topic != name {
        tracing::warn!(table = %format_args!("{schema}.{table}"), topic, "topic name differs from the table's name");
    }
    let renamed = naming.renaming.as_ref().and_then(|renaming| renaming.apply(&topic));
    match renamed {
        Some(renamed) if renamed.is_empty() => {
            tracing::warn!(topic, "topic.replacement gives an empty name, so the topic keeps its own");
            Arc::from(topic)
        }
        Some(renamed) => Arc::from(renamed),
        None => Arc::from(topic),
    }
}

/// What the field that renaming adds to keys holds for a table.
pub(super) fn key_field(prefix: &str, delimiter: &str, naming: &Naming, schema: &str, table: &str) -> Option<String> {
    let field = naming.key_field.as_ref()?;
    let name = origin_topic(prefix, delimiter, naming, schema, table);
    Some(field.value.as_ref().and_then(|value| value.apply(&name)).unwrap_or(name))
}

/// The topic of transactions.
pub(super) fn transaction_topic(prefix: &str, delimiter: &str, naming: &Naming) -> Arc<str> {
    Arc::from([prefix, &naming.transaction].join(delimiter))
}

/// The topic of heartbeats.
pub(super) fn heartbeat_topic(prefix: &str, delimiter: &str, naming: &Naming) -> Arc<str> {
    match &naming.heartbeat_name {
        Some(name) => Arc::from(name.as_str()),
        None => Arc::from([&naming.heartbeat_prefix, prefix].join(delimiter)),
    }
}

/// The topic of logical decoding messages, whatever the delimiter is.
pub(super) fn message_topic(prefix: &str) -> Arc<str> {
    Arc::from(format!("{prefix}.message"))
}

/// The name before anything is replaced. Blank parts are left out.
fn origin_topic(prefix: &str, delimiter: &str, naming: &Naming, schema: &str, table: &str) -> String {
    let schema = match naming.strategy {
        Strategy::Schema | Strategy::SchemaRegex | Strategy::SchemaUnicode => schema,
        Strategy::Table | Strategy::TableRegex | Strategy::TableUnicode => "",
    };
    let parts: Vec<&str> = [prefix, schema, table].into_iter().filter(|part| !part.trim().is_empty()).collect();
    parts.join(delimiter)
}

/// Java counts UTF-16 units, so a character outside the basic plane is replaced twice.
fn sanitized(name: &str, strategy: Strategy) -> String {
    let unicode = matches!(strategy, Strategy::SchemaUnicode | Strategy::TableUnicode);
    let replaced = |topic: &mut String, c: char| {
        for unit in c.encode_utf16(&mut [0; 2]) {
            if unicode {
                // `UnicodeReplacementFunction` pads one or two digits by two zeros.
                let zeros = if *unit <= 0xFF { "00" } else { "" };
                topic.push_str(&format!("_u{zeros}{unit:x}"));
            } else {
                topic.push('_');
            }
        }
    };
    let mut topic = String::with_capacity(name.len());
    for c in name.chars() {
        if c.is_ascii_alphanumeric() || matches!(c, '.' | '-') || (c == '_' && !unicode) {
            topic.push(c);
        } else {
            replaced(&mut topic, c);
        }
    }
    topic.truncate(NAME_BYTES_MAX);
    if topic == "." || topic == ".." {
        let dots = std::mem::take(&mut topic);
        dots.chars().for_each(|c| replaced(&mut topic, c));
    }
    topic
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{KeyField, Replacement};

    #[test]
    fn names_hold_only_what_kafka_takes() {
        for (prefix, schema, table, topic) in [
            ("shop", "public", "orders", "shop.public.orders"),
            ("shop", "public", "Quoted \"Name\"", "shop.public.Quoted__Name_"),
            ("shop", "s", "größe", "shop.s.gr__e"),
            ("shop", "s", "a\u{1F600}b", "shop.s.a__b"),
            ("shop", "s", "a-b_c.d", "shop.s.a-b_c.d"),
        ] {
            assert_eq!(&*data_topic(prefix, ".", &Naming::default(), schema, table), topic);
        }
        assert_eq!(&*data_topic("p", "_", &Naming::default(), "s", "t"), "p_s_t", "the delimiter is configured");
        assert_eq!(data_topic("p", ".", &Naming::default(), "s", &"x".repeat(300)).len(), NAME_BYTES_MAX);
        assert_eq!(sanitized("..", Strategy::Schema), "__");
        assert_eq!(sanitized(".", Strategy::TableUnicode), "_u002e");
    }

    #[test]
    fn each_strategy_names_topics_as_its_class_does() {
        for (strategy, table, topic) in [
            (Strategy::Schema, "a_b c", "p.s.a_b_c"),
            (Strategy::Table, "a_b c", "p.a_b_c"),
            (Strategy::SchemaUnicode, "a_b c\u{e9}", "p.s.a_u005fb_u0020c_u00e9"),
            (Strategy::TableUnicode, "t\u{1F600}", "p.t_ud83d_ude00"),
            (Strategy::Schema, " ", "p.s"),
        ] {
            let naming = Naming { strategy, ..Naming::default() };
            assert_eq!(&*data_topic("p", ".", &naming, "s", table), topic, "{strategy:?}");
        }
    }

    #[test]
    fn renamed_topics_say_in_their_keys_where_records_come_from() {
        let rename = |expression, replacement| Replacement::new(expression, replacement).unwrap();
        let mut naming = Naming {
            strategy: Strategy::SchemaRegex,
            renaming: Some(rename("(.*)_shard_?\\d+", "$1")),
            key_field: Some(KeyField { name: "f".to_owned(), value: None }),
            ..Naming::default()
        };
        assert_eq!(&*data_topic("p", ".", &naming, "s", "t_shard 1"), "p.s.t", "renamed after replacing characters");
        assert_eq!(&*data_topic("p", ".", &naming, "s", "other"), "p.s.other");
        assert_eq!(key_field("p", ".", &naming, "s", "t_shard 1").as_deref(), Some("p.s.t_shard 1"));
        naming.key_field = Some(KeyField { name: "f".to_owned(), value: Some(rename(".*_shard (\\d+)", "$1")) });
        assert_eq!(key_field("p", ".", &naming, "s", "t_shard 1").as_deref(), Some("1"));
        naming.renaming = Some(rename(".*t", "x$9".trim_end_matches("x$9")));
        assert_eq!(&*data_topic("p", ".", &naming, "s", "t"), "p.s.t", "an empty name is no name");
    }

    #[test]
    fn topics_of_no_table_follow_their_settings() {
        let mut naming = Naming::default();
        assert_eq!(&*transaction_topic("p", "_", &naming), "p_transaction");
        assert_eq!(&*heartbeat_topic("p", "_", &naming), "__debezium-heartbeat_p");
        assert_eq!(&*message_topic("p"), "p.message");
        naming.heartbeat_name = Some("beat".to_owned());
        naming.transaction = "tx".to_owned();
        assert_eq!((&*transaction_topic("p", ".", &naming), &*heartbeat_topic("p", ".", &naming)), ("p.tx", "beat"));
    }
}
