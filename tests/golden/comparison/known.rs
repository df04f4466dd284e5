//! `DIFFERENCES.md`: the differences that are known and wanted, read by machine.

/// The file itself, so that the tests and the live comparison allow what it says and nothing else.
const FILE: &str = include_str!("../DIFFERENCES.md");

/// What Debezium calls a logical message among the tables of a transaction begins so; an address follows.
pub(crate) const OBJECT_ADDRESS: &str = "$LogicalDecodingMessageId@";
/// The tables of a transaction.
const TABLES: &str = "data_collections";

/// What may differ.
#[derive(Debug, Default)]
pub(crate) struct Known {
    /// Fields of values, as paths, of records about rows and messages, then of those about transactions.
    fields: Vec<String>,
    /// Headers whose values are UUIDs made at each start.
    headers: Vec<String>,
    /// Ends of topics that only walcast has.
    topics: Vec<String>,
}

impl Known {
    /// Reads the table of the file.
    ///
    /// # Panics
    /// Where a row is not understood or gives no reason.
    pub(crate) fn read() -> Self {
        Self::parse(FILE)
    }

    fn parse(text: &str) -> Self {
        let mut known = Self::default();
        for row in text.lines().filter(|line| line.starts_with("| ")).skip(1) {
            let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
            let [sort, name, reason] = cells[..] else { panic!("{row} has not three cells") };
            assert!(reason.len() > 20, "{row} gives no reason");
            let name = name.trim_matches('`').to_owned();
            match sort {
                "value" | "transaction" => known.fields.push(name),
                "header" => known.headers.push(name),
                "topic" => known.topics.push(name.trim_start_matches('*').to_owned()),
                _ => panic!("{row}: {sort} is no part of a record"),
            }
        }
        known
    }

    /// Whether a field of a value may differ from what Debezium has there.
    pub(super) fn may_differ(&self, field: &str, theirs: &[u8]) -> bool {
        self.fields.iter().any(|name| name == field) && (field != TABLES || contains(theirs, OBJECT_ADDRESS.as_bytes()))
    }

    pub(super) fn is_own_topic(&self, topic: &str) -> bool {
        self.topics.iter().any(|end| topic.ends_with(end))
    }

    /// Whether a header may have both values.
    pub(super) fn header_may_differ(&self, header: &str, ours: &[u8], theirs: &[u8]) -> bool {
        self.headers.iter().any(|name| name == header) && [ours, theirs].into_iter().all(is_uuid_version_7)
    }
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

fn is_uuid_version_7(value: &[u8]) -> bool {
    let text = std::str::from_utf8(value).unwrap_or_default();
    // Headers in JSON have their schema around the text.
    let payload = text.strip_prefix(r#"{"schema":{"type":"string","optional":false},"payload":""#);
    let text = payload.and_then(|rest| rest.strip_suffix("\"}")).unwrap_or(text);
    uuid::Uuid::parse_str(text).is_ok_and(|uuid| uuid.get_version_num() == 7)
}

#[test]
fn the_file_is_short() {
    let known = Known::read();

    assert!(known.fields.len() + known.headers.len() + known.topics.len() <= 8, "{known:?}");
    assert_eq!(known.fields[0], "source.version");
}
