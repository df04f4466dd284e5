//! Tables and rows as the encoder meets them.

use std::sync::Arc;

use walcast::catalog::{
    Column, ColumnType, DeclaredType, IsText, Learnt, Nullability, NumericSize, RelationVersion, SourceType,
};
use walcast::config::{Converter, DecimalFormat, JsonConverter, JsonSchemas, NullForm, Records, WalcastHeader};
use walcast::encode::{Encoder, EncoderOptions, SchemaIds};
use walcast::event::{Change, Event, KnownRow, OldRow, Transaction};
use walcast::lsn::{CommitLsn, Lsn, Position};
use walcast::pgoutput::build::TupleBuffer;
use walcast::pgoutput::{Datum, RelationId, ReplicaIdentity, TypeOid, Xid};
use walcast::pgtime::PgMicros;

/// A table with a row of it before and after an update.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) relation: Arc<RelationVersion>,
    before: TupleBuffer,
    after: TupleBuffer,
    transaction: Transaction,
}

impl Case {
    fn new(name: &'static str, id: u32, columns: Vec<Column>, row: &[Datum<'_>]) -> Self {
        let mut before: Vec<Datum<'_>> = vec![Datum::Null; row.len()];
        if let (Some(key), Some(after)) = (before.first_mut(), row.first()) {
            *key = match after {
                Datum::Binary(key) if key.len() == 8 => Datum::Binary(&[0, 0, 0, 0, 0, 0, 0, 1]),
                Datum::Binary(_) => Datum::Binary(&[0, 0, 0, 1]),
                _ => Datum::Text(b"1"),
            };
        }
        Self {
            name,
            relation: Arc::new(RelationVersion {
                id: RelationId(id),
                version: 1,
                schema: "public".to_owned(),
                table: name.to_owned(),
                identity: ReplicaIdentity::Default,
                columns,
                key: vec![0],
            }),
            before: TupleBuffer::new(&before),
            after: TupleBuffer::new(row),
            transaction: Transaction {
                xid: Xid(4_242),
                commit: CommitLsn::new(Lsn::new(1_000_000_000)),
                commit_time: PgMicros::from_unix_micros(1_600_000_000_123_456),
                origin: None,
            },
        }
    }

    fn event<'a>(&'a self, change: Change<'a>, nth: u64) -> Event<'a> {
        Event {
            position: Position { commit: self.transaction.commit, ordinal: nth + 1 },
            lsn: Lsn::new(900_000_000 + nth),
            last_commit: Some(Lsn::new(800_000_000)),
            transaction: &self.transaction,
            relation: &self.relation,
            change,
        }
    }

    /// The nth event of a transaction of inserts.
    pub(crate) fn insert(&self, nth: u64) -> Event<'_> {
        self.event(Change::Insert { new: self.after.tuple() }, nth)
    }

    /// The nth event of a transaction of key changes, each of which makes three records with headers.
    pub(crate) fn key_change(&self, nth: u64) -> Event<'_> {
        let old = OldRow::Known(KnownRow::Key(self.before.tuple()));
        self.event(Change::Update { old, new: self.after.tuple() }, nth)
    }
}

fn column(name: &str, column_type: ColumnType, nullability: Nullability) -> Column {
    let text = if column_type == ColumnType::Text { IsText::Text } else { IsText::Other };
    Column {
        name: name.to_owned(),
        type_oid: TypeOid(0),
        typmod: -1,
        identity: false,
        column_type,
        nullability,
        declared: DeclaredType::default(),
        default: None,
        source_type: SourceType { name: String::new(), length: -1, scale: Some(0), text },
        learnt: Learnt::FromStream,
    }
}

/// The form in which values come from the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Text,
    Binary,
}

impl Form {
    pub(crate) const ALL: [Self; 2] = [Self::Text, Self::Binary];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Binary => "binary",
        }
    }

    /// A value that has both.
    const fn datum<'a>(self, (text, binary): (&'a str, &'a [u8])) -> Datum<'a> {
        match self {
            Self::Text => Datum::Text(text.as_bytes()),
            Self::Binary => Datum::Binary(binary),
        }
    }
}

/// 2020-09-13 12:26:40.123456, in microseconds from 2000-01-01.
const SEEN_AT: [u8; 8] = 653_315_200_123_456_i64.to_be_bytes();

/// Three columns, a hundred bytes of values.
pub(crate) fn narrow(form: Form) -> Case {
    let columns = vec![
        column("id", ColumnType::Int8, Nullability::Required),
        column("name", ColumnType::Text, Nullability::Required),
        column("updated_at", ColumnType::TimestampTz(6), Nullability::Optional),
    ];
    let row = [
        ("123456789", &123_456_789_i64.to_be_bytes()[..]),
        ("a name of some length", b"a name of some length"),
        ("2020-09-13 12:26:40.123456+00", &SEEN_AT),
    ];
    Case::new("narrow", 16_400, columns, &row.map(|value| form.datum(value)))
}

/// Thirty columns of ten types, each three times.
pub(crate) fn wide(form: Form) -> Case {
    const FOX: &str = "The quick brown fox jumps over the lazy dog, again and again";
    const UUID: [u8; 16] = 0x9b0f_2a5e_6f0e_4b0a_9d3f_0c6f_4f6d_7a11_u128.to_be_bytes();
    let size = Some(NumericSize { precision: 12, scale: 2 });
    let labels: Arc<[String]> = Arc::from(["new".to_owned(), "paid".to_owned(), "shipped".to_owned()]);
    // Three groups of four digits from 10000 on, and two digits to be shown.
    let amount = [0, 3, 0, 1, 0, 0, 0, 2, 0x04, 0xd2, 0x16, 0x2e, 0x23, 0x28];
    let kinds: [(ColumnType, (&str, &[u8])); 10] = [
        (ColumnType::Int4, ("123456", &123_456_i32.to_be_bytes())),
        (ColumnType::Text, (FOX, FOX.as_bytes())),
        (ColumnType::Numeric(size), ("12345678.90", &amount)),
        (ColumnType::TimestampTz(6), ("2020-09-13 12:26:40.123456+00", &SEEN_AT)),
        (ColumnType::Bool, ("t", &[1])),
        (ColumnType::Float8, ("3.141592653589793", &std::f64::consts::PI.to_be_bytes())),
        (ColumnType::Uuid, ("9b0f2a5e-6f0e-4b0a-9d3f-0c6f4f6d7a11", &UUID)),
        (ColumnType::Timestamp(6), ("2021-02-28 23:59:59.5", &667_871_999_500_000_i64.to_be_bytes())),
        (ColumnType::Jsonb, (r#"{"a": [1, 2, 3], "b": "text"}"#, b"\x01{\"a\": [1, 2, 3], \"b\": \"text\"}")),
        (ColumnType::Enum(labels), ("shipped", b"shipped")),
    ];
    let mut columns = vec![];
    let mut row = vec![];
    for round in 0..3 {
        for (index, (column_type, value)) in kinds.iter().enumerate() {
            let nullability = if round == 0 { Nullability::Required } else { Nullability::Optional };
            columns.push(column(&format!("column_{round}_{index}"), column_type.clone(), nullability));
            row.push(form.datum(*value));
        }
    }
    Case::new("wide", 16_401, columns, &row)
}

/// JSON without schema.
pub(crate) fn json() -> Converter {
    Converter::default()
}

/// JSON with its schema in each record.
pub(crate) fn json_with_schema() -> Converter {
    Converter::Json(JsonConverter {
        schemas: JsonSchemas::InEachRecord,
        decimals: DecimalFormat::Base64,
        nulls: NullForm::Default,
    })
}

/// A registry that has everything.
#[derive(Debug)]
struct Registered;

impl SchemaIds for Registered {
    fn id(&self, _: &str, _: &str) -> Option<u32> {
        Some(7)
    }
}

/// An encoder with one converter for keys and values.
pub(crate) fn encoder(converter: Converter) -> Encoder {
    encoder_with(converter, Records::default())
}

/// An encoder that stamps every record with all of walcast's own headers.
pub(crate) fn stamping_encoder() -> Encoder {
    encoder_with(json(), Records { walcast_headers: WalcastHeader::ALL.to_vec(), ..Records::default() })
}

/// An encoder with more settings.
pub(crate) fn encoder_with(converter: Converter, records: Records) -> Encoder {
    let records = Records { key_converter: converter, value_converter: converter, ..records };
    let options = EncoderOptions {
        topic_prefix: "shop".to_owned(),
        dbname: "shop".to_owned(),
        records,
        task_id: "0".to_owned(),
        run_id: "01900000-0000-7000-8000-000000000000".to_owned(),
    };
    Encoder::new(options).with_schema_ids(Arc::new(Registered))
}
