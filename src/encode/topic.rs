//! Topic names.
//!
//! Source: Debezium's `SchemaTopicNamingStrategy` and `AbstractTopicNamingStrategy`; Kafka's `Topic.validate`.

use std::sync::Arc;

/// Longest topic name that Kafka takes, in bytes.
const NAME_BYTES_MAX: usize = 249;

/// The topic of a table: `<prefix><delimiter><schema><delimiter><table>` with every character that Kafka does not
/// take replaced by `_`. Two tables may come out alike; that is Debezium's rule too.
pub(super) fn data_topic(prefix: &str, delimiter: &str, schema: &str, table: &str) -> Arc<str> {
    let name = [prefix, schema, table].join(delimiter);
    let topic = sanitized(&name);
    if topic != name {
        tracing::warn!(table = %format_args!("{schema}.{table}"), topic, "topic name differs from the table's name");
    }
    Arc::from(topic)
}

/// Java counts UTF-16 units, so a character outside the basic plane becomes two underscores.
fn sanitized(name: &str) -> String {
    let mut topic = String::with_capacity(name.len());
    for c in name.chars() {
        if c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-') {
            topic.push(c);
        } else {
            topic.extend(std::iter::repeat_n('_', c.len_utf16()));
        }
    }
    topic.truncate(NAME_BYTES_MAX);
    if topic == "." || topic == ".." { topic.replace('.', "_") } else { topic }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_hold_only_what_kafka_takes() {
        for (prefix, schema, table, topic) in [
            ("shop", "public", "orders", "shop.public.orders"),
            ("shop", "public", "Quoted \"Name\"", "shop.public.Quoted__Name_"),
            ("shop", "s", "größe", "shop.s.gr__e"),
            ("shop", "s", "a\u{1F600}b", "shop.s.a__b"),
            ("shop", "s", "a-b_c.d", "shop.s.a-b_c.d"),
        ] {
            assert_eq!(&*data_topic(prefix, ".", schema, table), topic);
        }
        assert_eq!(&*data_topic("p", "_", "s", "t"), "p_s_t", "the delimiter is configured");
        assert_eq!(data_topic("p", ".", "s", &"x".repeat(300)).len(), NAME_BYTES_MAX);
        assert_eq!(sanitized(".."), "__");
    }
}
