//! `DIFFERENCES.md`: the differences that are known and wanted, read by machine.

/// The file itself, so that the tests and the live comparison allow what it says and nothing else.
const FILE: &str = include_str!("../DIFFERENCES.md");

/// What Debezium calls a logical message among the tables of a transaction begins so; an address follows.
pub(crate) const OBJECT_ADDRESS: &str = "$LogicalDecodingMessageId@";
/// What Debezium writes for an array in an array of texts begins so; an address follows.
pub(crate) const ARRAY_ADDRESS: &str = "[Ljava.";
/// The columns of a row that holds it.
const COLUMNS: &str = "after.*";
/// The tables of a transaction.
const TABLES: &str = "data_collections";

/// What a notification tells more of.
const MORE: &str = "additional_data";

/// What may differ.
#[derive(Debug, Default)]
pub(crate) struct Known {
    /// Fields of values, as paths, of records about rows and messages, then of those about transactions.
    fields: Vec<String>,
    /// Fields of the values of rows that an incremental snapshot read.
    incremental: Vec<String>,
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
                "value" | "transaction" | "notification" => known.fields.push(name),
                "incremental" => known.incremental.push(name),
                "header" => known.headers.push(name),
                "topic" => known.topics.push(name.trim_start_matches('*').to_owned()),
                _ => panic!("{row}: {sort} is no part of a record"),
            }
        }
        known
    }

    /// Whether a field of a value may differ from what Debezium has there.
    pub(super) fn may_differ(&self, field: &str, ours: &[u8], theirs: &[u8]) -> bool {
        let name = if field.starts_with("after.") { COLUMNS } else { field };
        let address = match name {
            TABLES => Some(OBJECT_ADDRESS),
            COLUMNS => Some(ARRAY_ADDRESS),
            _ => None,
        };
        self.fields.iter().any(|known| known == name)
            && address.is_none_or(|address| contains(theirs, address.as_bytes()))
            && (name != MORE || is_same_in_another_order(ours, theirs))
    }

    /// Whether a field of a row that an incremental snapshot read may differ.
    pub(super) fn may_differ_beside(&self, field: &str) -> bool {
        self.incremental.iter().any(|known| known == field)
    }

    /// Whether a row is one that an incremental snapshot read, by its field `source.snapshot`.
    pub(super) fn is_beside(mark: &[u8]) -> bool {
        contains(mark, b"incremental")
    }

    pub(super) fn is_own_topic(&self, topic: &str) -> bool {
        self.topics.iter().any(|end| topic.ends_with(end))
    }

    /// Whether a header may have both values.
    pub(super) fn header_may_differ(&self, header: &str, ours: &[u8], theirs: &[u8]) -> bool {
        self.headers.iter().any(|name| name == header) && [ours, theirs].into_iter().all(is_uuid_version_7)
    }
}

/// Whether bytes are the same in another order, as those of a map are.
fn is_same_in_another_order(ours: &[u8], theirs: &[u8]) -> bool {
    let sorted = |bytes: &[u8]| {
        let mut sorted = bytes.to_vec();
        sorted.sort_unstable();
        sorted
    };
    sorted(ours) == sorted(theirs)
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

    assert!(known.fields.len() + known.incremental.len() + known.headers.len() + known.topics.len() <= 13, "{known:?}");
    assert_eq!(known.fields[0], "source.version");
}

#[test]
fn columns_differ_only_by_addresses() {
    let known = Known::read();

    assert!(known.may_differ("after.b", b"x", br#"["[Ljava.lang.String;@47bd46de"]"#));
    assert!(!known.may_differ("after.b", b"x", br#"["a"]"#));
    assert!(!known.may_differ("after", b"x", br#"{"b":["[Ljava.lang.String;@47bd46de"]}"#));
    assert!(known.may_differ("additional_data", b"ab", b"ba"));
    assert!(!known.may_differ("additional_data", b"ab", b"bb"));
    assert!(!known.may_differ("before.b", b"x", br#"["[Ljava.lang.String;@47bd46de"]"#));
}
