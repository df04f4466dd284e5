//! Chunks of incremental snapshots: how one is asked for in SQL, and read.
//!
//! Owns [`ChunkReader`]. Each chunk is read in a transaction of its own, which looks at its snapshot first and at the end of
//! the log last. Nothing is written, so a standby serves as well.
//!
//! Rows are cut by the key: the primary key, or that of `message.key.columns` where there is none, and before it the
//! surrogate key where one was asked for. Rows that have the
//! same surrogate key are told apart by the record's key, so none is lost between two chunks.
//!
//! Source: Debezium's `AbstractChunkQueryBuilder`, whose conditions these are: row values where no column of the key may be
//! null, else one alternative for each column; nulls come last.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use bytes::{BufMut as _, Bytes, BytesMut};

use super::copy::CopyRows;
use super::incremental::{Order, Outcome, Sight};
use super::reading::{OWN_NAMES, ROLES_NAMES, Reading};
use super::tables::{self, Storage, Subject};
use crate::catalog::{Column, Learnt, Nullability, RelationVersion};
use crate::config::{Columns, Connector, Database};
use crate::error::{Class, Error, Kind, Result};
use crate::lsn::Lsn;
use crate::pgoutput::{Datum, Tuple, TypeOid};
use crate::progress::{KeyValues, TableName};
use crate::source::facts;
use crate::source::ident::QuotedIdent;
use crate::source::sql::{Sql, field};

use tokio_postgres::types::PgLsn;

/// What became of an order, before the keys of its records are known.
#[derive(Debug)]
pub enum Found {
    /// Rows.
    Rows(Box<Rows>),
    /// The table changed meanwhile, or cannot be read now.
    Again(Option<Error>),
    /// The table cannot be read.
    Ended(Outcome, Option<Error>),
}

/// Rows that were read.
#[derive(Debug)]
pub struct Rows {
    /// Their table's shape.
    pub relation: RelationVersion,
    /// Columns that came as text.
    pub texts: Vec<bool>,
    /// What their snapshot sees.
    pub sight: Sight,
    /// The end of the log, looked at behind the read.
    pub log_end: Lsn,
    /// The rows, in the order of their keys, as they were copied.
    pub rows: Vec<Bytes>,
    /// The columns of the key that they are cut by, with their types.
    pub key: Vec<String>,
    /// The key of the last one.
    pub last: Option<KeyValues>,
    /// The largest key when the table was begun.
    pub until: Option<KeyValues>,
    /// Whether there may be more.
    pub more: bool,
}

/// Reads chunks, over a connection that is kept between them.
pub struct ChunkReader {
    database: Database,
    sql: Arc<Sql>,
    publication: String,
    lock_timeout: Duration,
    columns: Columns,
    reading: Option<Reading>,
}

/// A column of the key by which a table is cut.
struct KeyColumn<'a> {
    name: &'a str,
    type_oid: TypeOid,
    nullability: Nullability,
}

impl ChunkReader {
    /// A reader of a connector's tables; it connects when it has to.
    #[must_use]
    pub fn new(connector: &Connector, sql: Arc<Sql>) -> Self {
        Self {
            database: connector.database.clone(),
            sql,
            publication: connector.publication.name.clone(),
            lock_timeout: connector.snapshot.lock_timeout,
            columns: connector.records.columns.clone(),
            reading: None,
        }
    }

    /// Reads a chunk. Errors are in what was found: none of them concerns the stream.
    ///
    /// # Cancel safety
    /// The connection is closed.
    pub async fn read(&mut self, order: &Order) -> Found {
        let reading = match self.begin().await {
            Ok(reading) => reading,
            Err(error) if error.class() == Class::Transient => return Found::Again(Some(error)),
            Err(error) => return Found::Ended(Outcome::SqlException, Some(error)),
        };
        let found = self.read_in(&reading, order).await;
        let ended = reading.execute("COMMIT").await;
        if ended.is_ok() && found.is_ok() {
            self.reading = Some(reading);
        }
        match found {
            Ok(found) => found,
            // The table may have been changed or dropped since it was looked up, which the next look tells.
            Err(error) if error.class() == Class::Transient || order.again == 0 => Found::Again(Some(error)),
            Err(error) => Found::Ended(Outcome::SqlException, Some(error)),
        }
    }

    /// The publication's tables for which `wanted` holds.
    ///
    /// # Errors
    /// Any kind a server answer maps to.
    ///
    /// # Cancel safety
    /// The connection is closed.
    pub async fn tables(&mut self, wanted: impl Fn(&str, &str) -> bool) -> Result<Vec<TableName>> {
        let reading = self.begin().await?;
        let subjects = tables::of_publication(&reading, &self.publication, wanted).await?;
        reading.execute("COMMIT").await?;
        self.reading = Some(reading);
        let name = |subject: Subject| TableName { schema: subject.relation.schema, table: subject.relation.table };
        Ok(subjects.into_iter().map(name).collect())
    }

    async fn begin(&mut self) -> Result<Reading> {
        if let Some(reading) = self.reading.take()
            && !reading.is_lost()
            && reading.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await.is_ok()
        {
            return Ok(reading);
        }
        Reading::begin(&self.database, self.lock_timeout, None).await
    }

    async fn read_in(&self, reading: &Reading, order: &Order) -> Result<Found> {
        let sight = reading.query_one("SELECT txid_current_snapshot()::text AS contents", &[]).await?;
        let sight = Sight::parse(&field::<String>(&sight, "contents")?);
        let sight = sight.ok_or_else(|| Error::new(Kind::Protocol, "PostgreSQL shows a snapshot that is none"))?;
        let name = &order.wanted.table;
        let is_wanted = |schema: &str, table: &str| (schema, table) == (name.schema.as_str(), name.table.as_str());
        let subjects = tables::of_publication(reading, &self.publication, is_wanted).await?;
        let Some(mut subject) = subjects.into_iter().next() else {
            return Ok(Found::Ended(Outcome::UnknownSchema, None));
        };
        // Keys of these records are compared with those of changes, byte for byte.
        subject.relation.learnt = Learnt::FromStream;
        let facts = facts::of_relations(&self.sql, &[subject.relation.id]).await?;
        let relation = subject.relation.completed(&facts);
        let (own, unique) = match relation.key.as_slice() {
            [] => {
                let columns = relation.columns.iter().map(|column| column.name.as_str());
                let table = format!("{}.{}", relation.schema, relation.table);
                (self.columns.key_positions(&table, columns), Unique::Perhaps)
            }
            key => (key.to_vec(), Unique::Certainly),
        };
        if own.is_empty() {
            return Ok(Found::Ended(Outcome::NoPrimaryKey, None));
        }
        let key = match key_columns(&relation, &own, order.wanted.surrogate_key.as_deref()) {
            Ok(key) => key,
            Err(error) => return Ok(Found::Ended(Outcome::SqlException, Some(error))),
        };
        let texts = subject.texts(&facts);
        let filter = order.wanted.filter.as_deref();
        let query = Query { subject: &subject, key: &key, unique, filter };
        let names: Vec<String> = key.iter().map(|key| format!("{} {}", key.name, key.type_oid.0)).collect();
        // Bounds of another key say nothing of this one.
        let knows = order.key.is_empty() || order.key == names;
        reading.execute(ROLES_NAMES).await?;
        let until = match order.until.as_ref().filter(|_| knows) {
            Some(until) => Some(until.clone()),
            None => largest_key(reading, &query).await?,
        };
        let after = order.after.as_ref().filter(|_| knows);
        let statement = query.chunk(&texts, after, until.as_ref(), order.rows);
        let (rows, last) = copy(reading, &statement, key.len()).await?;
        reading.execute(OWN_NAMES).await?;
        let file = subject.pages().map(|_| reading.files(subject.relation.id.0));
        if let Some(file) = file
            && file.await?.is_none_or(|(then, now)| then != now)
        {
            return Ok(Found::Again(None));
        }
        let log_end = log_end(reading).await?;
        let more = rows.len() >= order.rows;
        Ok(Found::Rows(Box::new(Rows { relation, texts, sight, log_end, rows, key: names, last, until, more })))
    }
}

fn key_columns<'a>(
    relation: &'a RelationVersion,
    own: &[usize],
    surrogate: Option<&'a str>,
) -> Result<Vec<KeyColumn<'a>>> {
    let columns = own.iter().filter_map(|&at| relation.columns.get(at));
    let mut key = Vec::new();
    if let Some(name) = surrogate {
        let column = relation.columns.iter().find(|column| column.name == name).ok_or_else(|| {
            Error::new(Kind::ServerRefused, "the surrogate key of a signal is no column of its table")
        })?;
        key.push(column);
    }
    key.extend(columns.filter(|column| Some(column.name.as_str()) != surrogate));
    let key_column = |column: &'a Column| {
        let Column { name, type_oid, nullability, .. } = column;
        KeyColumn { name, type_oid: *type_oid, nullability: *nullability }
    };
    Ok(key.into_iter().map(key_column).collect())
}

async fn largest_key(reading: &Reading, query: &Query<'_>) -> Result<Option<KeyValues>> {
    let rows = reading.query(&query.largest_key(), &[]).await?;
    let Some(row) = rows.first() else { return Ok(None) };
    let values = (0..query.key.len()).map(|at| field::<Option<String>>(row, &format!("k{at}")));
    values.collect::<Result<_>>().map(|values| Some(KeyValues(values)))
}

/// Rows without the columns of the key that stand behind their own, and those of the last one.
async fn copy(reading: &Reading, statement: &str, key_columns: usize) -> Result<(Vec<Bytes>, Option<KeyValues>)> {
    let mut copy = reading.copy(statement).await?;
    let (mut reader, mut rows, mut last) = (CopyRows::new(), Vec::new(), None);
    while let Some(piece) = copy.next().await? {
        reader.feed(piece);
        while let Some(row) = reader.next_row()? {
            rows.push(without_key(&row, key_columns)?);
            last = Some(row);
        }
    }
    if !reader.has_ended() {
        return Err(Error::new(Kind::Connection, "PostgreSQL ended a COPY in the middle of a row"));
    }
    let last = last.map(|row| key_of(&row, key_columns)).transpose()?;
    Ok((rows, last))
}

fn key_of(row: &[u8], key_columns: usize) -> Result<KeyValues> {
    let tuple = Tuple::from_copy(row, &[])?;
    let count = tuple.iter().count();
    let text = |datum| match datum {
        Datum::Binary(bytes) | Datum::Text(bytes) => String::from_utf8(bytes.to_vec()).ok(),
        _ => None,
    };
    Ok(KeyValues(tuple.iter().skip(count.saturating_sub(key_columns)).map(text).collect()))
}

fn without_key(row: &[u8], key_columns: usize) -> Result<Bytes> {
    let tuple = Tuple::from_copy(row, &[])?;
    let own = tuple.iter().count().saturating_sub(key_columns);
    let bytes: usize = tuple
        .iter()
        .take(own)
        .map(|datum| match datum {
            Datum::Binary(bytes) | Datum::Text(bytes) => 4 + bytes.len(),
            _ => 4,
        })
        .sum();
    let body = row.get(2..2 + bytes).ok_or_else(|| Error::bug("a row is shorter than its columns"))?;
    let mut short = BytesMut::with_capacity(2 + bytes);
    short.put_u16(u16::try_from(own).unwrap_or(u16::MAX));
    short.extend_from_slice(body);
    Ok(short.freeze())
}

/// The end of the log. Where it is the place behind a page's header, no record has that place yet, and the stream will not
/// say that it has passed it before the next one: then it is the place before the header.
async fn log_end(reading: &Reading) -> Result<Lsn> {
    /// `SizeOfXLogShortPHD`, `SizeOfXLogLongPHD`
    const PAGE_HEADERS: [u64; 2] = [24, 40];
    let statement = "
        SELECT CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_insert_lsn() END AS ended,
               current_setting('wal_block_size')::int8 AS page_bytes";
    let row = reading.query_one(statement, &[]).await?;
    let ended = u64::from(field::<PgLsn>(&row, "ended")?);
    let page_bytes = u64::try_from(field::<i64>(&row, "page_bytes")?).unwrap_or(8192).max(1);
    let into_page = ended % page_bytes;
    Ok(Lsn::new(if PAGE_HEADERS.contains(&into_page) { ended - into_page } else { ended }))
}

/// A table with the key by which it is cut.
struct Query<'a> {
    subject: &'a Subject,
    key: &'a [KeyColumn<'a>],
    unique: Unique,
    filter: Option<&'a str>,
}

/// Whether no two rows have the same key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unique {
    /// The primary key is among its columns.
    Certainly,
    /// An operator has named its columns: rows of one key stay in one chunk.
    Perhaps,
}

impl Query<'_> {
    /// The table's name qualifies its columns, so that a filter may do so too.
    fn column(&self, name: &str) -> String {
        format!("{}.{}", QuotedIdent(&self.subject.relation.table), QuotedIdent(name))
    }

    fn from(&self) -> String {
        let only = if matches!(self.subject.storage, Storage::Heap { .. }) { "ONLY " } else { "" };
        format!(" FROM {only}{} AS {}", self.subject.name(), QuotedIdent(&self.subject.relation.table))
    }

    fn text(&self, name: &str) -> String {
        tables::printed(&self.column(name))
    }

    fn conditions(&self, more: Vec<String>) -> String {
        let own = self.subject.filter.iter().map(String::as_str).chain(self.filter).map(str::to_owned);
        let mut sql = String::new();
        for (at, condition) in own.chain(more).enumerate() {
            // Writing to a text cannot fail. An operator's filter may end in a comment.
            let _ = write!(sql, " {} ({condition}\n)", if at == 0 { "WHERE" } else { "AND" });
        }
        sql
    }

    fn order(&self, suffix: &str) -> String {
        let columns: Vec<String> = self.key.iter().map(|key| self.column(key.name) + suffix).collect();
        format!(" ORDER BY {}", columns.join(", "))
    }

    fn largest_key(&self) -> String {
        let columns: Vec<String> =
            self.key.iter().enumerate().map(|(at, key)| format!("{} AS k{at}", self.text(key.name))).collect();
        let (from, order) = (self.from(), self.order(" DESC"));
        format!("SELECT {}{from}{}{order} LIMIT 1", columns.join(", "), self.conditions(Vec::new()))
    }

    fn chunk(&self, texts: &[bool], after: Option<&KeyValues>, until: Option<&KeyValues>, rows: usize) -> String {
        let own = self.subject.relation.columns.iter().enumerate().map(|(at, column)| {
            if texts.get(at).copied().unwrap_or_default() { self.text(&column.name) } else { self.column(&column.name) }
        });
        let columns: Vec<String> = own.chain(self.key.iter().map(|key| self.text(key.name))).collect();
        let mut bounds = Vec::new();
        bounds.extend(after.map(|after| self.beyond(after)));
        bounds.extend(until.map(|until| format!("({}) IS NOT TRUE", self.beyond(until))));
        let (from, conditions, order) = (self.from(), self.conditions(bounds), self.order(""));
        let limit = match self.unique {
            Unique::Certainly => format!("LIMIT {rows}"),
            Unique::Perhaps => format!("FETCH FIRST {rows} ROWS WITH TIES"),
        };
        format!("COPY (SELECT {}{from}{conditions}{order} {limit}) TO STDOUT (FORMAT binary)", columns.join(", "))
    }

    /// That a row comes behind a key in the order, in which nulls are last. The values have no type, so that each takes that
    /// of its column.
    fn beyond(&self, key: &KeyValues) -> String {
        let values: Vec<Option<String>> = key.0.iter().map(|value| value.as_deref().map(literal)).collect();
        let required = self.key.iter().all(|key| key.nullability == Nullability::Required);
        let present: Vec<&str> = values.iter().flatten().map(String::as_str).collect();
        if required && present.len() == self.key.len() {
            let columns: Vec<String> = self.key.iter().map(|key| self.column(key.name)).collect();
            return format!("ROW({}) > ROW({})", columns.join(", "), present.join(", "));
        }
        let mut alternatives = Vec::new();
        let mut equal: Vec<String> = Vec::new();
        for (key, value) in self.key.iter().zip(&values) {
            let column = self.column(key.name);
            if let Some(value) = value {
                let greater = format!("({column} > {value} OR {column} IS NULL)");
                alternatives.push(equal.iter().cloned().chain([greater]).collect::<Vec<_>>().join(" AND "));
            }
            equal.push(match value {
                Some(value) => format!("{column} = {value}"),
                None => format!("{column} IS NULL"),
            });
        }
        if alternatives.is_empty() { "false".to_owned() } else { alternatives.join(" OR ") }
    }
}

/// A text as a constant, whatever `standard_conforming_strings` says.
fn literal(value: &str) -> String {
    let quoted = value.replace('\'', "''");
    if quoted.contains('\\') { format!("E'{}'", quoted.replace('\\', "\\\\")) } else { format!("'{quoted}'") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::{OwnedColumn, OwnedRelation};
    use crate::pgoutput::{RelationId, ReplicaIdentity, TypeOid};

    fn subject() -> Subject {
        let column =
            |name: &str| OwnedColumn { name: name.to_owned(), type_oid: TypeOid(23), typmod: -1, identity: false };
        Subject {
            relation: OwnedRelation {
                id: RelationId(1),
                schema: "s".to_owned(),
                table: "t".to_owned(),
                identity: ReplicaIdentity::Default,
                learnt: Learnt::FromStream,
                columns: vec![column("a"), column("b")],
            },
            storage: Storage::Heap { pages: 1 },
            file: 1,
            rows: None,
            bytes: 0,
            expected: tables::Expected::default(),
            filter: Some("(a > 0)".to_owned()),
            query: None,
        }
    }

    fn values(values: &[Option<&str>]) -> KeyValues {
        KeyValues(values.iter().map(|value| value.map(str::to_owned)).collect())
    }

    #[test]
    fn a_chunk_lies_behind_a_key_and_not_beyond_the_largest() {
        let (subject, name) = (subject(), "a");
        let key = [KeyColumn { name, type_oid: TypeOid(23), nullability: Nullability::Required }];
        let unique = Unique::Certainly;
        let query = Query { subject: &subject, key: &key, unique, filter: Some("b <> 'x' -- only") };
        assert_eq!(
            query.chunk(&[false, true], Some(&values(&[Some("it's")])), Some(&values(&[Some("9")])), 5),
            "COPY (SELECT \"t\".\"a\", CASE WHEN pg_catalog.num_nulls(\"t\".\"b\") = 0 THEN pg_catalog.format('%s', \"t\".\"b\") END, \
             CASE WHEN pg_catalog.num_nulls(\"t\".\"a\") = 0 THEN pg_catalog.format('%s', \"t\".\"a\") END FROM ONLY \"s\".\"t\" AS \"t\" \
             WHERE ((a > 0)\n) AND (b <> 'x' -- only\n) AND (ROW(\"t\".\"a\") > ROW('it''s')\n) \
             AND ((ROW(\"t\".\"a\") > ROW('9')) IS NOT TRUE\n) ORDER BY \"t\".\"a\" LIMIT 5) TO STDOUT (FORMAT binary)"
        );
    }

    #[test]
    fn nulls_come_last() {
        let subject = subject();
        let key = ["a", "b"].map(|name| KeyColumn { name, type_oid: TypeOid(23), nullability: Nullability::Optional });
        let query = Query { subject: &subject, key: &key, unique: Unique::Perhaps, filter: None };
        assert_eq!(
            query.beyond(&values(&[Some("1"), Some("2\\")])),
            "(\"t\".\"a\" > '1' OR \"t\".\"a\" IS NULL) OR \
             \"t\".\"a\" = '1' AND (\"t\".\"b\" > E'2\\\\' OR \"t\".\"b\" IS NULL)"
        );
        assert_eq!(
            query.beyond(&values(&[None, Some("2")])),
            "\"t\".\"a\" IS NULL AND (\"t\".\"b\" > '2' OR \"t\".\"b\" IS NULL)"
        );
        assert_eq!(query.beyond(&values(&[None, None])), "false");
        assert!(query.chunk(&[], None, None, 5).contains(" FETCH FIRST 5 ROWS WITH TIES) TO STDOUT"));
    }

    #[test]
    fn the_key_behind_a_row_is_taken_off() {
        let row = [0, 3, 0, 0, 0, 1, 7, 255, 255, 255, 255, 0, 0, 0, 2, b'4', b'2'];
        assert_eq!(key_of(&row, 1).unwrap(), values(&[Some("42")]));
        assert_eq!(without_key(&row, 1).unwrap(), &[0, 2, 0, 0, 0, 1, 7, 255, 255, 255, 255][..]);
    }
}
