//! Whether the queries that are read in place of tables can be cut, as the server sees them.
//!
//! Owns [`cut`], which asks before anything is read, in the snapshot's own transaction. The text decides first (see `query`).
//! Then the server tells
//! 1. that the name in it is that of the table, or of a view whose query is as simple, which then stands in its place;
//! 2. that each function in it gives the same for the same row, whatever other rows and tables hold: a row that did not
//!    change is judged as before. What only reads the clock or settings of the session counts as such, because it is asked
//!    for in the course of the snapshot either way. Operators and casts are taken to be immutable;
//! 3. what it would do: all of it is one scan of the table, or of partitions of it, and not much more work than the query as it
//!    stands, which may find few rows by an index; and what it is made into is a scan as well.
//!
//! Whatever is in doubt is read as one part, and so is a small table. What the server refuses here it refuses again when it is
//! to be read, and says so there.

use std::collections::BTreeSet;
use std::error::Error as StdError;

use serde_json::Value;
use tokio_postgres::types::{FromSql, Type};

use super::plan;
use super::query::{Around, Form, Query, Whole};
use super::range::Range;
use super::reading::{OWN_NAMES, ROLES_NAMES, Reading};
use super::tables::{PAGE_RANGES, Storage, Subject};
use crate::error::{Class, Result};
use crate::progress::TableName;
use crate::source::sql::field;

/// So many times the work of a query is a scan of its table worth at most: it can be shared, and goes on where it stood.
const WORK_MAX: f64 = 4.0;

/// Views below each other.
const VIEWS_MAX: usize = 8;

/// Functions of the server's own that are not immutable because they read the clock or settings, and nothing else.
const OF_THE_SESSION: [&str; 16] = [
    "now",
    "transaction_timestamp",
    "date_trunc",
    "date_part",
    "extract",
    "age",
    "timezone",
    "date",
    "time",
    "timetz",
    "timestamp",
    "timestamptz",
    "to_char",
    "to_date",
    "to_timestamp",
    "concat",
];

const WITHOUT_INDEXES: &str =
    "SET LOCAL enable_indexscan = off; SET LOCAL enable_indexonlyscan = off; SET LOCAL enable_bitmapscan = off";

/// Finds out which of these queries can be read in ranges of pages.
///
/// # Errors
/// Transient kinds. What the server refuses leaves a query as it is.
pub async fn cut(reading: &Reading, subjects: &mut [Subject]) -> Result<()> {
    if reading.version() < PAGE_RANGES {
        return Ok(());
    }
    for subject in subjects {
        let Some(text) = subject.query.as_ref().map(|query| query.text.clone()) else { continue };
        let plain = Subject { query: None, ..subject.clone() };
        let heaps = plain.heaps();
        let is_small = !plan::may_be_shared(heaps.iter().map(|heap| heap.stored_bytes).sum());
        if is_small || heaps.iter().all(|heap| heap.pages.is_none()) {
            continue;
        }
        reading.execute("SAVEPOINT query").await?;
        let found = judge(reading, &plain, &text).await;
        reading.execute("ROLLBACK TO SAVEPOINT query; RELEASE SAVEPOINT query").await?;
        let name = subject.table_name();
        let found = match found {
            Err(error) if error.class() != Class::Definite => return Err(error),
            found => found.unwrap_or(Err(Whole::Refused)),
        };
        match found {
            Ok(around) => subject.query = Some(Query { text, around: Some(around) }),
            Err(why) => tracing::info!(table = name.to_string(), "a query is read as one part: {}", why.words()),
        }
    }
    Ok(())
}

/// What a query comes to.
type Judged<T> = Result<Result<T, Whole>>;

/// Goes on where a judgement is favourable.
macro_rules! favourable {
    ($judged:expr) => {
        match $judged {
            Ok(favourable) => favourable,
            Err(why) => return Ok(Err(why)),
        }
    };
}

async fn judge(reading: &Reading, plain: &Subject, text: &str) -> Judged<Around> {
    let mut texts = vec![text.to_owned()];
    reading.execute(ROLES_NAMES).await?;
    while let Some(inner) = texts.last() {
        match favourable!(below(reading, plain, &favourable!(Form::of(inner))).await?) {
            Some(definition) if texts.len() <= VIEWS_MAX => texts.push(definition),
            Some(_) => return Ok(Err(Whole::Form)),
            None => break,
        }
    }
    let forms: Vec<Form<'_>> = favourable!(texts.iter().map(|text| Form::of(text)).collect());
    reading.execute(OWN_NAMES).await?;
    let functions: BTreeSet<&str> = forms.iter().flat_map(|form| &form.functions).map(String::as_str).collect();
    favourable!(are_steady(reading, functions.into_iter().collect()).await?);
    let columns = columns(reading, plain).await?;
    let mut forms = forms.iter().rev();
    let around = forms.next().map(|innermost| innermost.around(columns)).ok_or(Whole::Form);
    let around = forms.fold(favourable!(around), |inner, form| form.around_view(&inner));
    reading.execute(ROLES_NAMES).await?;
    weigh(reading, plain, text, around).await
}

/// What stands below a query: nothing where it is the table, the query of a view where it is one.
async fn below(reading: &Reading, plain: &Subject, form: &Form<'_>) -> Judged<Option<String>> {
    let statement = "
        SELECT c.oid, c.relkind::pg_catalog.text AS kind, c.relhassubclass AS heirs,
               CASE c.relkind WHEN 'v' THEN pg_catalog.pg_get_viewdef(c.oid) END AS definition
          FROM pg_catalog.pg_class c WHERE c.oid = pg_catalog.to_regclass($1)::pg_catalog.oid";
    let rows = reading.query(statement, &[(&form.name, Type::TEXT)]).await?;
    let Some(row) = rows.first() else { return Ok(Err(Whole::Table)) };
    let is_table = field::<u32>(row, "oid")? == plain.relation.id.0;
    if let Some(definition) = field::<Option<String>>(row, "definition")? {
        let definition = definition.trim_end().trim_end_matches(';').to_owned();
        return Ok(if form.only { Err(Whole::Form) } else { Ok(Some(definition)) });
    }
    let is_partitioned = matches!(plain.storage, Storage::Partitions(_));
    Ok(match form.only {
        _ if !is_table => Err(Whole::Table),
        true if is_partitioned => Err(Whole::Table),
        false if !is_partitioned && field(row, "heirs")? => Err(Whole::Heirs),
        _ => Ok(None),
    })
}

/// Whether all functions of these names, in whatever schema and with whatever arguments, give one value for a row that does not
/// change.
async fn are_steady(reading: &Reading, functions: Vec<&str>) -> Judged<()> {
    let statement = "
        SELECT wanted.name
          FROM unnest($1) AS wanted (name)
          LEFT JOIN pg_proc p ON p.proname = wanted.name
         WHERE p.oid IS NULL OR p.proretset OR p.prokind <> 'f'
            OR NOT (p.provolatile = 'i' OR p.provolatile = 's' AND p.pronamespace = 'pg_catalog'::regnamespace
                                           AND wanted.name = ANY ($2))";
    let of_the_session = OF_THE_SESSION.as_slice();
    let params = [(&functions as _, Type::TEXT_ARRAY), (&of_the_session as _, Type::TEXT_ARRAY)];
    let unsteady = reading.query(statement, &params).await?;
    Ok(if unsteady.is_empty() { Ok(()) } else { Err(Whole::Function) })
}

/// All columns of a table: the publication may send fewer, and a query may look at them.
async fn columns(reading: &Reading, plain: &Subject) -> Result<Vec<String>> {
    let statement = "SELECT attname::text AS name FROM pg_attribute
                      WHERE attrelid = $1 AND attnum > 0 AND NOT attisdropped ORDER BY attnum";
    let rows = reading.query(statement, &[(&plain.relation.id.0, Type::OID)]).await?;
    rows.iter().map(|row| field(row, "name")).collect()
}

/// Whether the work is worth it, and is what it should be.
async fn weigh(reading: &Reading, plain: &Subject, text: &str, around: Around) -> Judged<Around> {
    let whole = Subject { query: Some(Query::whole(text.to_owned())), ..plain.clone() };
    let wanted = explain(reading, &whole).await?;
    reading.execute(WITHOUT_INDEXES).await?;
    let scanned = explain(reading, &whole).await?;
    let names: BTreeSet<TableName> = plain.heaps().into_iter().map(|heap| heap.name).collect();
    let Some(read) = scanned.relations() else { return Ok(Err(Whole::Plan)) };
    let is_worth_it = wanted.cost().zip(scanned.cost()).is_some_and(|(wanted, cost)| wanted * WORK_MAX >= cost);
    if read.is_empty() || !read.is_subset(&names) || !is_worth_it {
        return Ok(Err(Whole::Plan));
    }
    let around = around.of(read);
    let cut = Subject { query: Some(Query { text: text.to_owned(), around: Some(around.clone()) }), ..plain.clone() };
    let part = explain(reading, &cut).await?;
    let heap = cut.heaps().into_iter().next().map(|heap| heap.name);
    let is_scan = part.relations().is_some_and(|read| read.len() == 1 && read.first() == heap.as_ref());
    Ok(if is_scan { Ok(around) } else { Err(Whole::Plan) })
}

/// How the server would read the first heap of a table.
async fn explain(reading: &Reading, subject: &Subject) -> Result<Plan> {
    let Some(heap) = subject.heaps().into_iter().next() else { return Ok(Plan(Value::Null)) };
    let select = subject.select_statement(&heap, (Range::WHOLE, None), &[], &[]);
    let row = reading.query_one(&format!("EXPLAIN (VERBOSE, FORMAT JSON) {select}"), &[]).await?;
    field(&row, "QUERY PLAN")
}

/// A plan, as EXPLAIN prints it in JSON.
#[derive(Debug)]
struct Plan(Value);

impl<'a> FromSql<'a> for Plan {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn StdError + Sync + Send>> {
        Ok(Self(serde_json::from_slice(raw)?))
    }

    fn accepts(ty: &Type) -> bool {
        *ty == Type::JSON
    }
}

impl Plan {
    fn root(&self) -> Option<&Value> {
        self.0.get(0)?.get("Plan")
    }

    fn cost(&self) -> Option<f64> {
        self.root()?.get("Total Cost")?.as_f64()
    }

    /// What it scans; nothing where it does anything else.
    fn relations(&self) -> Option<BTreeSet<TableName>> {
        let mut relations = BTreeSet::new();
        let mut nodes = vec![self.root()?];
        while let Some(node) = nodes.pop() {
            let text = |member: &str| node.get(member).and_then(Value::as_str);
            let below = node.get("Plans").and_then(Value::as_array);
            match (text("Node Type")?, below) {
                ("Gather" | "Append" | "Result", Some(below)) => nodes.extend(below),
                ("Seq Scan" | "Foreign Scan", None) => {
                    let (schema, table) = (text("Schema")?.to_owned(), text("Relation Name")?.to_owned());
                    relations.insert(TableName { schema, table });
                }
                _ => return None,
            }
        }
        Some(relations)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn relations(plan: &str) -> Option<Vec<String>> {
        let plan = Plan::from_sql(&Type::JSON, plan.as_bytes()).unwrap();
        plan.relations().map(|found| found.iter().map(TableName::to_string).collect())
    }

    #[test]
    fn a_plan_is_a_scan_or_something_else() {
        let scan = |name: &str| {
            format!(
                r#"{{"Node Type": "Seq Scan", "Relation Name": "{name}", "Schema": "s", "Alias": "o", "Filter": "x"}}"#
            )
        };
        let plan = |node: &str, below: &str| format!(r#"[{{"Plan": {{"Node Type": "{node}", "Plans": [{below}]}}}}]"#);
        let one = |node: &str| format!(r#"[{{"Plan": {node}}}]"#);
        assert_eq!(relations(&one(&scan("a"))), Some(vec!["s.a".to_owned()]));
        assert_eq!(relations(&plan("Gather", &scan("a"))), Some(vec!["s.a".to_owned()]));
        let both = format!("{}, {}", scan("b"), scan("a"));
        assert_eq!(
            relations(&plan("Result", &scan("a"))),
            Some(vec!["s.a".to_owned()]),
            "a condition that is no row's"
        );
        assert_eq!(relations(&plan("Append", &both)), Some(vec!["s.a".to_owned(), "s.b".to_owned()]));
        for node in ["Sort", "Limit", "Aggregate", "Nested Loop", "Subquery Scan", "Merge Append"] {
            assert_eq!(relations(&plan(node, &scan("a"))), None, "{node}");
        }
        let with_subquery = scan("a").replace('}', r#", "Plans": [{"Node Type": "Result"}]}"#);
        assert_eq!(relations(&one(&with_subquery)), None);
        assert_eq!(relations(&one(r#"{"Node Type": "Result"}"#)), None);
        assert_eq!(relations("[]"), None);
    }
}
