//! Which tables and messages are captured.
//!
//! Owns [`CaptureFilter`], [`SnapshotFilter`] and [`MessageFilter`]. Source: Debezium's `io.debezium.connector.postgresql.Filters` and
//! `io.debezium.relational.Selectors`: comma-separated expressions that must match the whole name, without regard to
//! case; an include list wins over an exclude list of the same level.

use regex::Regex;

use crate::config::{self, pattern};
use crate::error::{Error, Kind, Result};

/// Decides by schema and table name.
#[derive(Clone, Debug)]
pub struct CaptureFilter {
    schemas: Rule,
    tables: Rule,
}

#[derive(Clone, Debug)]
enum Rule {
    All,
    Only(Vec<Regex>),
    AllBut(Vec<Regex>),
}

impl Rule {
    fn new(include: (&str, &[String]), exclude: (&str, &[String])) -> Result<Self> {
        if !include.1.is_empty() {
            Ok(Self::Only(compile(include)?))
        } else if !exclude.1.is_empty() {
            Ok(Self::AllBut(compile(exclude)?))
        } else {
            Ok(Self::All)
        }
    }

    fn admits(&self, name: &str) -> bool {
        let any = |expressions: &[Regex]| expressions.iter().any(|expression| expression.is_match(name));
        match self {
            Self::All => true,
            Self::Only(expressions) => any(expressions),
            Self::AllBut(expressions) => !any(expressions),
        }
    }
}

fn compile((property, expressions): (&str, &[String])) -> Result<Vec<Regex>> {
    expressions.iter().map(|text| anchored(property, text.trim())).collect()
}

fn anchored(property: &str, text: &str) -> Result<Regex> {
    pattern::compile(text).map_err(|why| {
        Error::new(Kind::Config, format!("{property}: {text:?} is not a usable regular expression"))
            .detail(why)
            .hint("look-around and back-references are not supported; write the list with plain alternatives")
    })
}

impl CaptureFilter {
    /// Compiles the lists.
    ///
    /// # Errors
    /// Config, naming the property and the expression.
    pub fn new(capture: &config::Capture) -> Result<Self> {
        Ok(Self {
            schemas: Rule::new(
                ("schema.include.list", &capture.schema_include),
                ("schema.exclude.list", &capture.schema_exclude),
            )?,
            tables: Rule::new(
                ("table.include.list", &capture.table_include),
                ("table.exclude.list", &capture.table_exclude),
            )?,
        })
    }

    /// Whether a table is captured. Costs a regular expression: ask once per relation version, not per row.
    #[must_use]
    pub fn matches(&self, schema: &str, table: &str) -> bool {
        !built_in(schema, table) && self.schemas.admits(schema) && self.tables.admits(&format!("{schema}.{table}"))
    }
}

/// Decides by one list of expressions for `schema.table`; an empty one admits every table.
#[derive(Clone, Debug)]
pub struct TableFilter(Rule);

impl TableFilter {
    /// Compiles the list of a property.
    ///
    /// # Errors
    /// Config, naming the property and the expression.
    pub fn new(property: &str, list: &[String]) -> Result<Self> {
        Rule::new((property, list), ("", &[])).map(Self)
    }

    /// Whether a table is in the list.
    #[must_use]
    pub fn matches(&self, schema: &str, table: &str) -> bool {
        self.0.admits(&format!("{schema}.{table}"))
    }
}

/// Decides which tables a snapshot reads: captured ones, but the table of signals.
#[derive(Clone, Debug)]
pub struct SnapshotFilter {
    captured: CaptureFilter,
    included: TableFilter,
    signals: config::Signals,
}

impl SnapshotFilter {
    /// Compiles the lists.
    ///
    /// # Errors
    /// Config, naming the property and the expression.
    pub fn new(connector: &config::Connector) -> Result<Self> {
        Ok(Self {
            captured: CaptureFilter::new(&connector.capture)?,
            included: TableFilter::new("snapshot.include.collection.list", &connector.snapshot.include)?,
            signals: connector.snapshot.signals.clone(),
        })
    }

    /// Whether `snapshot.mode` wants a table read.
    #[must_use]
    pub fn admits(&self, schema: &str, table: &str) -> bool {
        self.admits_if_asked(schema, table) && self.included.matches(schema, table)
    }

    /// Whether a table is read where a signal asks for it: `snapshot.include.collection.list` does not concern those.
    #[must_use]
    pub fn admits_if_asked(&self, schema: &str, table: &str) -> bool {
        !self.signals.are_in(schema, table) && self.captured.matches(schema, table)
    }
}

/// Decides which logical decoding messages are captured, by prefix.
///
/// Source: Debezium's `LogicalDecodingMessageFilter`.
#[derive(Clone, Debug)]
pub struct MessageFilter(Rule);

impl MessageFilter {
    /// Compiles the lists.
    ///
    /// # Errors
    /// Config, naming the property and the expression.
    pub fn new(prefixes: &config::MessagePrefixes) -> Result<Self> {
        let (include, exclude) = (&prefixes.include, &prefixes.exclude);
        Rule::new(("message.prefix.include.list", include), ("message.prefix.exclude.list", exclude)).map(Self)
    }

    /// Whether messages of a prefix are captured.
    #[must_use]
    pub fn matches(&self, prefix: &str) -> bool {
        self.0.admits(prefix)
    }
}

/// Tables that are never captured, whatever the lists say.
fn built_in(schema: &str, table: &str) -> bool {
    matches!(schema, "pg_catalog" | "information_schema")
        || schema.starts_with("pg_temp")
        || schema.starts_with("pg_toast")
        || table == "spatial_ref_sys"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|&text| text.to_owned()).collect()
    }

    fn filter(capture: &config::Capture) -> CaptureFilter {
        CaptureFilter::new(capture).expect("a valid filter")
    }

    #[test]
    fn without_lists_all_but_system_tables_are_captured() {
        let filter = filter(&config::Capture::default());
        for (schema, table, captured) in [
            ("public", "orders", true),
            ("pg_catalog", "pg_class", false),
            ("information_schema", "tables", false),
            ("pg_temp_3", "t", false),
            ("pg_toast", "pg_toast_16384", false),
            ("pg_toast_temp_1", "t", false),
            ("public", "spatial_ref_sys", false),
            ("pgboss", "job", true),
        ] {
            assert_eq!(filter.matches(schema, table), captured, "{schema}.{table}");
        }
    }

    #[test]
    fn expressions_match_whole_names_without_regard_to_case() {
        let tables = list(&["public.order", r"inventory\.(a|b).*", "Sales[.]X|sales.y"]);
        let filter = filter(&config::Capture { table_include: tables, ..config::Capture::default() });
        for (schema, table, captured) in [
            ("public", "order", true),
            ("PUBLIC", "Order", true),
            ("public", "orders", false),
            ("xpublic", "order", false),
            ("public", "order\n", false),
            ("inventory", "apples", true),
            ("inventory", "cherries", false),
            ("sales", "x", true),
            ("sales", "y", true),
            ("sales", "yy", false),
            ("sales", "xx", false),
        ] {
            assert_eq!(filter.matches(schema, table), captured, "{schema}.{table:?}");
        }
    }

    #[test]
    fn schema_and_table_lists_must_both_admit() {
        let filter = filter(&config::Capture {
            schema_include: list(&["a", "b"]),
            table_exclude: list(&[r"a\.secret", ".*\\.tmp_.*"]),
            ..config::Capture::default()
        });
        for (schema, table, captured) in
            [("a", "t", true), ("b", "secret", true), ("a", "secret", false), ("b", "tmp_1", false), ("c", "t", false)]
        {
            assert_eq!(filter.matches(schema, table), captured, "{schema}.{table}");
        }
    }

    #[test]
    fn an_include_list_wins_over_an_exclude_list() {
        let filter = filter(&config::Capture {
            schema_include: list(&["a"]),
            schema_exclude: list(&["a"]),
            ..config::Capture::default()
        });
        assert!(filter.matches("a", "t"));
    }

    #[test]
    fn a_broken_expression_is_named_with_its_property() {
        for text in ["a(", "a)|(b", "(?!a)b", "*"] {
            let capture = config::Capture { table_include: list(&["ok", text]), ..config::Capture::default() };
            let error = CaptureFilter::new(&capture).expect_err(text);
            assert_eq!(error.kind(), Kind::Config);
            assert!(error.message().contains("table.include.list") && error.message().contains(text), "{error}");
        }
    }
}
