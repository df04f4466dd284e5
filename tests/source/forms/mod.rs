//! Given a row of every type, when pgoutput sends it as text and with the option `binary`, then both decode to equal
//! values, and the binary form prints the text byte for byte.

mod corpus;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use walcast::catalog::facts::Facts;
use walcast::catalog::{Catalog, ColumnType, OwnedRelation, RelationVersion, UnknownType};
use walcast::pgoutput::{Block, Datum, Message, RelationId, parse};
use walcast::source::facts;
use walcast::value::{Reason, decode_binary, decode_text};

use super::fixture::{Address, Fixture, options, own_server, servers};
use corpus::Column;

/// What the replication connection pins.
const PINNED: &str = "SET client_encoding = 'UTF8'; SET DateStyle = 'ISO'; SET IntervalStyle = 'postgres'; \
                      SET TimeZone = 'UTC'; SET bytea_output = 'hex'; SET extra_float_digits = 3";
const SLOT_OPTIONS: &str = "NULL, NULL, 'proto_version', '1'";

/// A table with a column of one type and a row for each literal.
struct Case {
    column: Column,
    table: String,
    publication: String,
}

/// The datum of one row, as it came.
#[derive(Clone, Debug)]
enum Sent {
    Text(Vec<u8>),
    Binary(Vec<u8>),
}

/// The rows of each relation in the order in which they were sent, and what the relations look like.
#[derive(Default)]
struct Stream {
    rows: BTreeMap<RelationId, Vec<Sent>>,
    relations: BTreeMap<RelationId, Arc<RelationVersion>>,
}

impl Stream {
    /// Reads the slot from its start, which does not move it.
    async fn peek(fixture: &Fixture, slot: &str, publications: &str, binary: bool, facts: &Facts) -> Self {
        let query = format!(
            "SELECT data FROM pg_logical_slot_peek_binary_changes('{slot}', {SLOT_OPTIONS}, \
             'publication_names', '{publications}', 'binary', '{binary}')"
        );
        let messages = fixture.admin.query(&query, &[]).await.unwrap_or_else(|error| panic!("{query}: {error:?}"));
        let (mut stream, mut catalog) = (Self::default(), Catalog::new());
        for row in messages {
            match parse(Block::Plain, row.get("data")).expect("a message") {
                Message::Relation(relation) => {
                    let version = catalog.learn(&OwnedRelation::from(&relation), facts);
                    stream.relations.insert(relation.id, version);
                }
                Message::Insert(insert) => {
                    let sent = match insert.new.iter().next().expect("a column") {
                        Datum::Text(text) => Sent::Text(text.to_vec()),
                        Datum::Binary(bytes) => Sent::Binary(bytes.to_vec()),
                        other => panic!("{other:?}"),
                    };
                    stream.rows.entry(insert.relation).or_default().push(sent);
                }
                _ => {}
            }
        }
        stream
    }
}

async fn install(fixture: &Fixture, extension: &str) -> bool {
    let query = format!("SELECT count(*)::text FROM pg_available_extensions WHERE name = '{extension}'");
    let available = fixture.value(&query).await != "0";
    if available {
        fixture.run(&format!("CREATE EXTENSION {extension}")).await;
    }
    available
}

/// Makes a table and a publication for each type that the server has.
async fn prepare(fixture: &Fixture) -> Vec<Case> {
    fixture.run(corpus::SETUP).await;
    let mut columns = [corpus::SCALARS, corpus::TEMPORAL, corpus::OTHERS, corpus::ARRAYS].concat();
    for (extension, more) in [("vector", corpus::VECTORS), ("postgis", corpus::POSTGIS)] {
        if install(fixture, extension).await {
            columns.extend_from_slice(more);
        }
    }
    let version: u32 = fixture.value("SELECT current_setting('server_version_num')").await.parse().expect("a number");
    for (since, more) in [(150_000, corpus::SINCE_15), (170_000, corpus::SINCE_17)] {
        if version >= since {
            columns.extend_from_slice(more);
        }
    }
    let mut cases = Vec::new();
    for (number, column) in columns.into_iter().enumerate() {
        let (table, publication) = (format!("form_{number}"), format!("form_pub_{number}"));
        fixture
            .run(&format!("CREATE TABLE {table} (v {}); CREATE PUBLICATION {publication} FOR TABLE {table}", column.0))
            .await;
        cases.push(Case { column, table, publication });
    }
    cases
}

/// Publications as the plugin's option names them.
fn publications<'a>(cases: impl Iterator<Item = &'a Case>) -> String {
    cases.map(|case| case.publication.as_str()).collect::<Vec<_>>().join(",")
}

async fn relation(fixture: &Fixture, case: &Case) -> RelationId {
    let oid = fixture.value(&format!("SELECT '{}'::regclass::oid::text", case.table)).await;
    RelationId(oid.parse().expect("an OID"))
}

fn shown(bytes: &[u8]) -> String {
    bytes.escape_ascii().to_string()
}

/// Both forms of the rows of one type.
fn compare(type_name: &str, column_type: &ColumnType, texts: &[Sent], binaries: &[Sent], wrong: &mut Vec<String>) {
    for (text, binary) in texts.iter().zip(binaries) {
        let (Sent::Text(text), Sent::Binary(binary)) = (text, binary) else {
            wrong.push(format!("{type_name}: {text:?} and {binary:?} are not text and binary"));
            continue;
        };
        let both = (decode_text(column_type, text), decode_binary(column_type, binary));
        let (Ok(from_text), Ok(from_binary)) = both else {
            wrong.push(format!("{type_name} {}, {binary:02x?}: {both:?}", shown(text)));
            continue;
        };
        if from_text != from_binary {
            wrong.push(format!("{type_name} {}, {binary:02x?}: the values differ", shown(text)));
        }
        for value in [from_text, from_binary] {
            let mut printed = Vec::new();
            value.write_text(&mut printed);
            if printed != *text {
                wrong.push(format!("{type_name} {} prints as {}", shown(text), shown(&printed)));
            }
        }
    }
}

async fn text_and_binary_of_every_type_are_equal_values(server: &Address) {
    // Given tables of every type that were written to behind a slot.
    let fixture = Fixture::new(server).await;
    let cases = prepare(&fixture).await;
    let slot = super::fixture::unique("forms");
    fixture.run(&format!("SELECT pg_create_logical_replication_slot('{slot}', 'pgoutput'); {PINNED}")).await;
    let (mut relations, mut rows) = (Vec::new(), 0);
    for case in &cases {
        relations.push(relation(&fixture, case).await);
        let values: Vec<String> = case.column.1.iter().map(|literal| format!("($v${literal}$v$)")).collect();
        rows += values.len();
        fixture.run(&format!("INSERT INTO {} VALUES {}", case.table, values.join(","))).await;
    }
    let facts = facts::of_relations(&fixture.sql(), &relations).await.expect("facts");

    // When the slot is read in text, and where the types allow it in binary.
    let text = Stream::peek(&fixture, &slot, &publications(cases.iter()), false, &facts).await;
    let column_type = |relation: &RelationId| text.relations[relation].columns[0].column_type.clone();
    let safe: BTreeSet<RelationId> =
        relations.iter().copied().filter(|relation| column_type(relation).has_safe_binary()).collect();
    let safe_cases = cases.iter().zip(&relations).filter(|(_, relation)| safe.contains(relation));
    let binary = Stream::peek(&fixture, &slot, &publications(safe_cases.map(|(case, _)| case)), true, &facts).await;
    fixture.run(&format!("SELECT pg_drop_replication_slot('{slot}')")).await;

    // Then nothing is refused, and both forms are the same.
    let mut wrong = Vec::new();
    for (case, relation) in cases.iter().zip(&relations) {
        let (name, column_type) = (case.column.0, column_type(relation));
        let texts = &text.rows[relation];
        assert_eq!(texts.len(), case.column.1.len(), "{name}");
        if safe.contains(relation) {
            assert_eq!(texts.len(), binary.rows[relation].len(), "{name}");
            compare(name, &column_type, texts, &binary.rows[relation], &mut wrong);
            continue;
        }
        for sent in texts {
            let Sent::Text(sent) = sent else { panic!("{name}: {sent:?}") };
            if let Err(bad) = decode_text(&column_type, sent) {
                wrong.push(format!("{name} {}: {bad}", shown(sent)));
            }
        }
        if !matches!(column_type, ColumnType::Array(_)) {
            let refused = decode_binary(&column_type, b"").map_err(|bad| bad.reason);
            let dropped_array = matches!(column_type, ColumnType::DroppedArray(_));
            assert!(dropped_array || refused == Err(Reason::NoSafeBinary), "{name}");
        }
    }
    assert!(wrong.is_empty(), "{} of {rows} rows:\n{}", wrong.len(), wrong.join("\n"));
    let opaque = |relation: &&RelationId| column_type(relation) == ColumnType::Unknown(UnknownType::Opaque);
    assert_eq!(relations.iter().filter(opaque).count(), 6, "pair, float_range, tsquery, regclass, int2vector, lquery");
    assert!(rows > 300 && safe.len() > 100, "{rows} rows, {} safe types", safe.len());
}

/// On a server of a major version that no other test here uses.
async fn on_a_server_of(major: u16) {
    let server = own_server(options(major)).await;
    assert_eq!(server.major(), major);
    text_and_binary_of_every_type_are_equal_values(&Address::of(&*server)).await;
}

#[tokio::test]
async fn text_and_binary_of_every_type_are_equal_values_on_postgres_14() {
    on_a_server_of(14).await;
}

#[tokio::test]
async fn text_and_binary_of_every_type_are_equal_values_on_postgres_15_and_18() {
    for server in servers().await {
        text_and_binary_of_every_type_are_equal_values(&server).await;
    }
}

#[tokio::test]
async fn text_and_binary_of_every_type_are_equal_values_on_postgres_16() {
    on_a_server_of(16).await;
}

#[tokio::test]
async fn text_and_binary_of_every_type_are_equal_values_on_postgres_17() {
    on_a_server_of(17).await;
}
