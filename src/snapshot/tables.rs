//! What a snapshot reads: the tables of the publication as they are under it.
//!
//! Owns [`Subject`]. The catalog is read in the snapshot's own transaction, so that shape and rows belong together.
//!
//! Publications decide what the stream sends, and so what a snapshot reads: their tables (partitions or their root), row
//! filters, and column lists. Columns that are generated are read although the stream may not send them, as Debezium does.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use tokio_postgres::types::Type;

use super::heaps::{self, Heap};
use super::query::Query;
use super::range::Range;
use super::reading::Reading;
use crate::catalog::facts::Facts;
use crate::catalog::{Learnt, OwnedColumn, OwnedRelation, copies_as_text};
use crate::error::Result;
use crate::pgoutput::{RelationId, ReplicaIdentity, TypeOid};
use crate::progress::TableName;
use crate::source::ident::{QualifiedName, QuotedIdent};
use crate::source::sql::{ServerVersion, field};

/// First version with row filters, column lists, and schemas in publications.
const ROW_FILTERS: ServerVersion = ServerVersion(150_000);

/// First version that publishes partitions as their root.
const PARTITION_ROOTS: ServerVersion = ServerVersion(130_000);

/// First version that scans a range of pages without reading the others.
pub(super) const PAGE_RANGES: ServerVersion = ServerVersion(140_000);

/// A table that is read.
#[derive(Clone, Debug, PartialEq)]
pub struct Subject {
    /// Its shape, as the stream would announce it, with generated columns.
    pub relation: OwnedRelation,
    /// Where its rows lie, and whether they can be read in ranges of pages.
    pub storage: Storage,
    /// The file that holds its rows; another one after a truncation or a rewrite.
    pub file: u32,
    /// Rows, as the server estimates them; unknown where it never looked.
    pub rows: Option<u64>,
    /// Size of its pages.
    pub bytes: u64,
    /// What a reading of it will come to.
    pub expected: Expected,
    /// The publication's row filter, as SQL.
    pub filter: Option<String>,
    /// `snapshot.select.statement.overrides.*`
    pub query: Option<Query>,
}

/// What is known of a table's size before it is read, with that of its partitions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Expected {
    /// Rows: as many on each page as there were when the server last looked; unknown where it never did.
    pub rows: Option<u64>,
    /// Bytes on disk, with those of large values; 0 where the rows lie elsewhere.
    pub bytes: u64,
}

/// Where rows lie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Storage {
    /// In so many pages of a heap.
    Heap {
        /// Pages now.
        pages: u32,
    },
    /// In partitions that can be read one by one.
    Partitions(Vec<Heap>),
    /// Elsewhere: in partitions that can only be read together, at another server, in another kind of storage.
    Elsewhere,
}

impl Subject {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> QualifiedName {
        QualifiedName::new(&self.relation.schema, &self.relation.table)
    }

    /// Its name as progress and notifications have it.
    #[must_use]
    pub fn table_name(&self) -> TableName {
        TableName { schema: self.relation.schema.clone(), table: self.relation.table.clone() }
    }

    /// Whether it can be read in ranges of pages, where its rows lie in such.
    #[must_use]
    pub fn is_cut(&self) -> bool {
        self.query.as_ref().is_none_or(|query| query.around.is_some())
    }

    /// Whether its rows lie in one heap that can be read in ranges of pages.
    #[must_use]
    pub fn pages(&self) -> Option<u32> {
        match self.storage {
            Storage::Heap { pages } if self.is_cut() => Some(pages),
            _ => None,
        }
    }

    /// What is read of it, each by itself: its own rows, or those of each of its partitions.
    #[must_use]
    pub fn heaps(&self) -> Vec<Heap> {
        if let Storage::Partitions(heaps) = &self.storage
            && self.is_cut()
        {
            let around = self.query.as_ref().and_then(|query| query.around.as_ref());
            let is_read = |heap: &&Heap| around.is_none_or(|around| around.reads(&heap.name));
            return heaps.iter().filter(is_read).cloned().collect();
        }
        let name = self.table_name();
        let stored_bytes = self.expected.bytes.max(self.bytes);
        vec![Heap { name, id: self.relation.id, file: self.file, pages: self.pages(), bytes: self.bytes, stored_bytes }]
    }

    /// Which columns have to be asked for as text, because COPY has no binary form of them that can be read.
    #[must_use]
    pub fn texts(&self, facts: &Facts) -> Vec<bool> {
        let as_text = |column: &OwnedColumn| copies_as_text(column.type_oid, &facts.types);
        self.relation.columns.iter().map(as_text).collect()
    }

    /// The statement that copies a range of one of its heaps. Columns for which `left_out` is true are null.
    #[must_use]
    pub fn copy_statement(
        &self,
        heap: &Heap,
        range: (Range, Option<&str>),
        texts: &[bool],
        left_out: &[bool],
    ) -> String {
        format!("COPY ({}) TO STDOUT (FORMAT binary)", self.select_statement(heap, range, texts, left_out))
    }

    /// What that copies.
    #[must_use]
    pub fn select_statement(
        &self,
        heap: &Heap,
        (range, condition): (Range, Option<&str>),
        texts: &[bool],
        left_out: &[bool],
    ) -> String {
        let mut sql = "SELECT ".to_owned();
        for (at, column) in self.relation.columns.iter().enumerate() {
            let name = QuotedIdent(&column.name);
            let has = |flags: &[bool]| flags.get(at).copied().unwrap_or_default();
            let comma = if at == 0 { "" } else { ", " };
            // Writing to a text cannot fail.
            let _ = if has(left_out) {
                write!(sql, "{comma}NULL")
            } else if has(texts) {
                write!(sql, "{comma}{}", printed(&format!("w.{name}")))
            } else {
                write!(sql, "{comma}w.{name}")
            };
        }
        let mut conditions = Vec::new();
        let mut pages = String::new();
        range.write_condition(&mut pages);
        conditions.extend(Some(pages.as_str()).filter(|pages| !pages.is_empty()));
        if self.query.is_none() {
            conditions.extend(self.filter.as_deref());
        }
        conditions.extend(condition);
        let only = if self.storage == Storage::Elsewhere { "" } else { "ONLY " };
        let mut rows = format!("{only}{} AS w", QualifiedName::new(&heap.name.schema, &heap.name.table));
        for (at, condition) in conditions.into_iter().enumerate() {
            let _ = write!(rows, " {} ({condition})", if at == 0 { "WHERE" } else { "AND" });
        }
        let _ = match &self.query {
            None => write!(sql, " FROM {rows}"),
            // Queries may end in a comment.
            Some(Query { around: Some(around), .. }) => write!(sql, " FROM ({}\n) AS w", around.with(&rows)),
            Some(Query { text, around: None }) => write!(sql, " FROM ({text}\n) AS w"),
        };
        sql
    }
}

/// Rows of one relation as the planner takes them: the density that was found, over the pages of now.
fn expected_rows(class: &str) -> String {
    format!(
        "CASE WHEN {class}.relkind = 'f' THEN NULLIF(GREATEST({class}.reltuples, 0), 0)::float8
              WHEN {class}.reltuples >= 0 AND {class}.relpages > 0
              THEN {class}.reltuples::float8 / {class}.relpages
                   * (pg_relation_size({class}.oid) / current_setting('block_size')::int8)
              WHEN pg_relation_size({class}.oid) = 0 THEN 0::float8 END"
    )
}

/// Columns that say how large a table is, and what its partitions come to where it has some.
fn expected(version: ServerVersion) -> String {
    let (rows, bytes) = (expected_rows("c"), "COALESCE(pg_table_size(c.oid), 0)");
    if version < PARTITION_ROOTS {
        return format!("{rows} AS expected_rows, {bytes}::int8 AS expected_bytes");
    }
    // Not pg_partition_tree(), which locks the partitions until the end of the transaction.
    let of_leaves = |sum: &str| {
        format!(
            "(WITH RECURSIVE tree (oid) AS (
                  SELECT c.oid UNION ALL SELECT i.inhrelid FROM tree JOIN pg_inherits i ON i.inhparent = tree.oid)
              SELECT {sum} FROM tree JOIN pg_class l ON l.oid = tree.oid WHERE l.relkind <> 'p')"
        )
    };
    let leaf = expected_rows("l");
    let all_rows = of_leaves(&format!("CASE WHEN count({leaf}) = count(*) THEN sum({leaf}) END"));
    let all_bytes = of_leaves("COALESCE(sum(pg_table_size(l.oid)), 0)");
    format!(
        "CASE c.relkind WHEN 'p' THEN {all_rows} ELSE {rows} END AS expected_rows,
         (CASE c.relkind WHEN 'p' THEN {all_bytes} ELSE {bytes} END)::int8 AS expected_bytes"
    )
}

/// A column as its type prints it, which a cast to text need not do.
#[must_use]
pub fn printed(column: &str) -> String {
    format!("CASE WHEN pg_catalog.num_nulls({column}) = 0 THEN pg_catalog.format('%s', {column}) END")
}

/// The tables of a publication for which `wanted` holds, by name.
///
/// # Errors
/// Any kind a server answer maps to.
pub async fn of_publication(
    reading: &Reading,
    publication: &str,
    wanted: impl Fn(&str, &str) -> bool,
) -> Result<Vec<Subject>> {
    let mut subjects = BTreeMap::new();
    let statement = format!(
        "SELECT c.oid, n.nspname::text AS schema, c.relname::text AS name, c.relkind::text AS kind,
                c.relreplident::text AS identity, c.relfilenode AS file, c.reltuples::float8 AS rows,
                COALESCE(pg_relation_size(c.oid), 0)::int8 AS bytes, a.amname::text AS access,
                current_setting('block_size')::int8 AS page_bytes, {}, {}
           FROM pg_publication p
          CROSS JOIN LATERAL pg_get_publication_tables(p.pubname) AS sent
           JOIN pg_class c ON c.oid = sent.relid
           JOIN pg_namespace n ON n.oid = c.relnamespace
           LEFT JOIN pg_am a ON a.oid = c.relam
          WHERE p.pubname = $1",
        expected(reading.version()),
        if reading.version() >= ROW_FILTERS {
            "pg_get_expr(sent.qual, c.oid) AS filter,
             CASE WHEN EXISTS (SELECT FROM pg_publication_rel r
                                WHERE r.prpubid = p.oid AND r.prattrs IS NOT NULL
                                  AND r.prrelid IN (SELECT c.oid UNION ALL
                                                    SELECT relid FROM pg_partition_ancestors(c.oid)))
                  THEN sent.attrs::int2[] END AS attributes"
        } else {
            "NULL::text AS filter, NULL::int2[] AS attributes"
        }
    );
    for row in reading.query(&statement, &[(&publication, Type::TEXT)]).await? {
        let (schema, table): (String, String) = (field(&row, "schema")?, field(&row, "name")?);
        if !wanted(&schema, &table) {
            continue;
        }
        let (bytes, page_bytes): (i64, i64) = (field(&row, "bytes")?, field(&row, "page_bytes")?);
        let bytes = u64::try_from(bytes).unwrap_or_default();
        let (kind, access): (String, Option<String>) = (field(&row, "kind")?, field(&row, "access")?);
        let storage = match heaps::pages(reading, &kind, access.as_deref(), bytes, page_bytes) {
            Some(pages) => Storage::Heap { pages },
            None => Storage::Elsewhere,
        };
        let rows: f64 = field(&row, "rows")?;
        let expected = Expected {
            rows: field::<Option<f64>>(&row, "expected_rows")?.and_then(estimate),
            bytes: u64::try_from(field::<i64>(&row, "expected_bytes")?).unwrap_or_default(),
        };
        let id = RelationId(field(&row, "oid")?);
        let relation = OwnedRelation {
            id,
            schema,
            table,
            identity: identity(&field::<String>(&row, "identity")?),
            columns: Vec::new(),
            learnt: Learnt::FromCatalog,
        };
        let subject = Subject {
            relation,
            storage,
            file: field(&row, "file")?,
            rows: estimate(rows),
            bytes,
            expected,
            filter: field(&row, "filter")?,
            query: None,
        };
        let attributes: Option<Vec<i16>> = field(&row, "attributes")?;
        subjects.insert(id, (subject, attributes.map(BTreeSet::from_iter)));
    }
    read_columns(reading, &mut subjects).await?;
    let mut subjects: Vec<Subject> = subjects.into_values().map(|(subject, _)| subject).collect();
    subjects.sort_by_cached_key(Subject::name);
    Ok(subjects)
}

/// Finds the partitions of those that are partitioned, where they can be read one by one.
///
/// # Errors
/// Any kind a server answer maps to.
pub async fn read_partitions(reading: &Reading, subjects: &mut [Subject]) -> Result<()> {
    if reading.version() < PARTITION_ROOTS {
        return Ok(());
    }
    let elsewhere = subjects.iter().filter(|subject| subject.storage == Storage::Elsewhere);
    let roots: Vec<u32> = elsewhere.map(|subject| subject.relation.id.0).collect();
    let mut found = heaps::of_partitions(reading, &roots).await?;
    for subject in subjects {
        if let Some(heaps) = found.remove(&subject.relation.id) {
            subject.storage = Storage::Partitions(heaps);
        }
    }
    Ok(())
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an estimate, not negative")]
fn estimate(rows: f64) -> Option<u64> {
    (rows >= 0.0).then_some(rows as u64)
}

fn identity(letter: &str) -> ReplicaIdentity {
    match letter {
        "n" => ReplicaIdentity::Nothing,
        "f" => ReplicaIdentity::Full,
        "i" => ReplicaIdentity::Index,
        _ => ReplicaIdentity::Default,
    }
}

/// Subjects by relation, with the attribute numbers of their column list.
type Subjects = BTreeMap<RelationId, (Subject, Option<BTreeSet<i16>>)>;

/// Columns by attribute number. A column belongs to the replica identity as pgoutput says it: where the identity is the
/// whole row, or by the index that serves.
async fn read_columns(reading: &Reading, subjects: &mut Subjects) -> Result<()> {
    let statement = "
        SELECT a.attrelid AS oid, a.attnum AS number, a.attname::text AS name, a.atttypid AS type, a.atttypmod AS typmod,
               c.relreplident = 'f' OR EXISTS (
                   SELECT FROM pg_index i
                    WHERE i.indrelid = c.oid AND a.attnum = ANY (i.indkey::int2[]) AND i.indisvalid
                      AND CASE c.relreplident WHEN 'd' THEN i.indisprimary AND i.indimmediate
                                              WHEN 'i' THEN i.indisreplident ELSE false END) AS identity
          FROM unnest($1) AS wanted (oid)
          JOIN pg_class c ON c.oid = wanted.oid
          JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
         ORDER BY a.attrelid, a.attnum";
    let oids: Vec<u32> = subjects.keys().map(|id| id.0).collect();
    for row in reading.query(statement, &[(&oids, Type::OID_ARRAY)]).await? {
        let Some((subject, attributes)) = subjects.get_mut(&RelationId(field(&row, "oid")?)) else { continue };
        let number: i16 = field(&row, "number")?;
        if attributes.as_ref().is_some_and(|attributes| !attributes.contains(&number)) {
            continue;
        }
        subject.relation.columns.push(OwnedColumn {
            name: field(&row, "name")?,
            type_oid: TypeOid(field(&row, "type")?),
            typmod: field(&row, "typmod")?,
            identity: field(&row, "identity")?,
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshot::query::Form;

    fn subject(storage: Storage) -> Subject {
        let column =
            |name: &str| OwnedColumn { name: name.to_owned(), type_oid: TypeOid(23), typmod: -1, identity: false };
        Subject {
            relation: OwnedRelation {
                id: RelationId(7),
                schema: "public".to_owned(),
                table: "Order \"x\"".to_owned(),
                identity: ReplicaIdentity::Default,
                columns: ["id", "b", "c"].map(column).to_vec(),
                learnt: Learnt::FromCatalog,
            },
            storage,
            file: 9,
            rows: None,
            bytes: 0,
            expected: Expected::default(),
            filter: None,
            query: None,
        }
    }

    #[test]
    fn a_range_of_a_heap_is_copied_with_its_conditions() {
        let table = Subject { filter: Some("b > 0".to_owned()), ..subject(Storage::Heap { pages: 9 }) };
        let range = Range { from: 4, to: Some(8) };
        assert_eq!(
            table.copy_statement(&table.heaps()[0], (range, Some("true")), &[false, true], &[false, false, true]),
            "COPY (SELECT w.\"id\", CASE WHEN pg_catalog.num_nulls(w.\"b\") = 0 THEN pg_catalog.format('%s', w.\"b\") END, NULL \
             FROM ONLY \"public\".\"Order \"\"x\"\"\" AS w \
             WHERE (ctid >= '(4,0)'::tid AND ctid < '(8,0)'::tid) AND (b > 0) AND (true)) TO STDOUT (FORMAT binary)"
        );
    }

    #[test]
    fn what_is_no_heap_is_read_with_what_is_below_it() {
        let table = subject(Storage::Elsewhere);
        assert_eq!(
            table.copy_statement(&table.heaps()[0], (Range::WHOLE, None), &[], &[]),
            "COPY (SELECT w.\"id\", w.\"b\", w.\"c\" FROM \"public\".\"Order \"\"x\"\"\" AS w) TO STDOUT (FORMAT binary)"
        );
        let table = Subject { query: Some(Query::whole("SELECT * FROM v WHERE id > 3".to_owned())), ..table };
        assert_eq!(table.pages(), None);
        let statement = table.copy_statement(&table.heaps()[0], (Range::WHOLE, None), &[], &[]);
        assert!(statement.contains(" FROM (SELECT * FROM v WHERE id > 3\n) AS w)"), "{statement}");
    }

    #[test]
    fn a_query_that_is_cut_is_copied_around_a_range_of_its_table() {
        let table = Subject { filter: Some("b > 0".to_owned()), ..subject(Storage::Heap { pages: 9 }) };
        let text = "SELECT * FROM orders o WHERE o.b > 3 -- large";
        let around = Form::of(text).unwrap().around(vec!["id".to_owned(), "b".to_owned()]);
        let query = Query { text: text.to_owned(), around: Some(around) };
        let table = Subject { query: Some(query), ..table };
        assert_eq!(table.pages(), Some(9));
        assert_eq!(
            table.copy_statement(&table.heaps()[0], (Range { from: 4, to: None }, Some("true")), &[], &[false, true]),
            "COPY (SELECT w.\"id\", NULL, w.\"c\" FROM (SELECT * FROM (SELECT w.\"id\", w.\"b\" \
             FROM ONLY \"public\".\"Order \"\"x\"\"\" AS w WHERE (ctid >= '(4,0)'::tid) AND (true)) AS o \
             WHERE o.b > 3 -- large\n) AS w) TO STDOUT (FORMAT binary)"
        );
    }

    #[test]
    fn a_partition_is_copied_under_its_own_name_with_the_columns_of_its_root() {
        let heap = Heap {
            name: TableName { schema: "old".to_owned(), table: "p1".to_owned() },
            id: RelationId(8),
            file: 10,
            pages: Some(3),
            bytes: 3 * 8192,
            stored_bytes: 3 * 8192,
        };
        let table = Subject { filter: Some("b > 0".to_owned()), ..subject(Storage::Partitions(vec![heap.clone()])) };
        assert_eq!(table.heaps(), [heap]);
        assert_eq!(
            table.copy_statement(&table.heaps()[0], (Range { from: 2, to: None }, None), &[], &[]),
            "COPY (SELECT w.\"id\", w.\"b\", w.\"c\" FROM ONLY \"old\".\"p1\" AS w \
             WHERE (ctid >= '(2,0)'::tid) AND (b > 0)) TO STDOUT (FORMAT binary)"
        );
        let asked = Subject { query: Some(Query::whole("SELECT 1".to_owned())), ..table };
        assert_eq!(asked.heaps()[0].name.table, "Order \"x\"", "a query is read as one");
    }
}
