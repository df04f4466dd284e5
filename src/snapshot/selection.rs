//! Which tables a snapshot reads, how, and in which order.
//!
//! Owns [`Selection`]. Pure.

use super::query::Query;
use super::tables::{Storage, Subject};
use crate::config::{Connector, QueryOverride, TableOrder};
use crate::error::Result;
use crate::signal::Request;
use crate::source::capture::{SnapshotFilter, TableFilter};

/// What the settings say of the tables of a snapshot.
#[derive(Clone, Debug)]
pub struct Selection {
    filter: SnapshotFilter,
    overrides: Vec<QueryOverride>,
    order: TableOrder,
    /// The expressions of `table.include.list`, one by one.
    listed: Vec<TableFilter>,
    /// What a signal asks for, in place of the lists and queries of the settings.
    asked: Option<Request>,
}

impl Selection {
    /// Compiles the lists.
    ///
    /// # Errors
    /// Config, naming the property and the expression.
    pub fn new(connector: &Connector) -> Result<Self> {
        let listed = connector.capture.table_include.iter();
        Ok(Self {
            filter: SnapshotFilter::new(connector)?,
            overrides: connector.snapshot.overrides.clone(),
            order: connector.snapshot.order,
            listed: listed
                .map(|one| TableFilter::new("table.include.list", std::slice::from_ref(one)))
                .collect::<Result<_>>()?,
            asked: None,
        })
    }

    /// What a signal asks for of the tables that are captured: neither `snapshot.include.collection.list` nor queries of the
    /// settings concern it.
    ///
    /// Source: Debezium's `RelationalSnapshotChangeEventSource.getBlockingSnapshottingTask`.
    #[must_use]
    pub fn asked(self, request: Request) -> Self {
        Self { asked: Some(request), ..self }
    }

    /// Whether a table is read.
    #[must_use]
    pub fn admits(&self, schema: &str, table: &str) -> bool {
        match &self.asked {
            Some(request) => self.filter.admits_if_asked(schema, table) && request.tables.matches(schema, table),
            None => self.filter.admits(schema, table),
        }
    }

    /// Gives tables their queries, and puts them into their order, which is that of the records in one reader.
    ///
    /// Source: Debezium's `RelationalSnapshotChangeEventSource.determineDataCollectionsToBeSnapshotted`, and `TableId`,
    /// which compares whole names as Java does.
    pub fn arrange(&self, subjects: &mut [Subject]) {
        let name = |subject: &Subject| format!("{}.{}", subject.relation.schema, subject.relation.table);
        for subject in &mut *subjects {
            let text = match &self.asked {
                Some(request) => request
                    .filter(&subject.relation.schema, &subject.relation.table)
                    .map(|filter| query_of(subject, filter)),
                None => {
                    let name = name(subject);
                    self.overrides.iter().find(|query| query.table == name).map(|query| query.query.clone())
                }
            };
            subject.query = text.map(Query::whole);
        }
        let place = |subject: &Subject| {
            let (schema, table) = (&subject.relation.schema, &subject.relation.table);
            self.listed.iter().position(|one| one.matches(schema, table)).unwrap_or(usize::MAX)
        };
        subjects.sort_by_cached_key(|subject| (place(subject), name(subject).encode_utf16().collect::<Vec<u16>>()));
        match self.order {
            TableOrder::ByName => {}
            TableOrder::Ascending => subjects.sort_by_key(|subject| subject.rows.unwrap_or_default()),
            TableOrder::Descending => {
                subjects.sort_by_key(|subject| std::cmp::Reverse(subject.rows.unwrap_or_default()));
            }
        }
    }
}

/// The query that a signal's filter asks for: a SELECT is one, as Debezium wants it, and a predicate belongs into one.
fn query_of(subject: &Subject, filter: &str) -> String {
    let is_query = ["select", "with"].iter().any(|word| {
        let begin = filter.trim_start();
        begin.get(..word.len()).is_some_and(|found| found.eq_ignore_ascii_case(word))
            && begin.get(word.len()..).is_some_and(|rest| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_'))
    });
    if is_query {
        return filter.to_owned();
    }
    let only = if matches!(subject.storage, Storage::Heap { .. }) { "ONLY " } else { "" };
    let published = subject.filter.as_ref().map(|filter| format!("({filter}) AND ")).unwrap_or_default();
    // It may end in a comment.
    format!("SELECT * FROM {only}{} WHERE {published}({filter}\n)", subject.name())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::{Learnt, OwnedRelation};
    use crate::config::{self, Brokers, Overrides};
    use crate::pgoutput::{RelationId, ReplicaIdentity};
    use crate::snapshot::tables::{Expected, Storage};

    fn connector(more: &str) -> Connector {
        let text = format!(
            "database.hostname=127.0.0.1\ndatabase.user=u\ndatabase.dbname=d\nplugin.name=pgoutput\ntopic.prefix=p\n{more}"
        );
        let overrides = Overrides { brokers: Brokers::NotNeeded, ..Overrides::default() };
        let loaded = config::load_text("c.properties", &text, &overrides, &|_| None);
        loaded.unwrap_or_else(|error| panic!("{}", error.report())).connector
    }

    fn subject(schema: &str, table: &str, rows: Option<u64>) -> Subject {
        Subject {
            relation: OwnedRelation {
                id: RelationId(1),
                schema: schema.to_owned(),
                table: table.to_owned(),
                identity: ReplicaIdentity::Default,
                columns: Vec::new(),
                learnt: Learnt::FromCatalog,
            },
            storage: Storage::Elsewhere,
            file: 0,
            rows,
            bytes: 0,
            expected: Expected::default(),
            filter: None,
            query: None,
        }
    }

    /// The tables that a connector reads, in order, with their queries.
    fn read(more: &str) -> Vec<String> {
        let selection = Selection::new(&connector(more)).unwrap();
        let all =
            [("a", "z", Some(3)), ("a", "b", Some(9)), ("a", "c", None), ("a-b", "x", Some(5)), ("s", "t", Some(1))];
        let all = all.into_iter().filter(|(schema, table, _)| selection.admits(schema, table));
        let mut subjects: Vec<Subject> = all.map(|(schema, table, rows)| subject(schema, table, rows)).collect();
        selection.arrange(&mut subjects);
        let told = |subject: &Subject| {
            let query = subject.query.as_ref().map(|query| format!(" {}", query.text)).unwrap_or_default();
            format!("{}.{}{query}", subject.relation.schema, subject.relation.table)
        };
        subjects.iter().map(told).collect()
    }

    #[test]
    fn tables_come_by_the_include_list_and_then_by_their_whole_name() {
        assert_eq!(read(""), ["a-b.x", "a.b", "a.c", "a.z", "s.t"]);
        assert_eq!(read("table.include.list=s[.]t,a[.].*"), ["s.t", "a.b", "a.c", "a.z"]);
        assert_eq!(
            read("table.exclude.list=s[.]t\nsnapshot.include.collection.list=a.c,S.T,a-b[.]x"),
            ["a-b.x", "a.c"]
        );
    }

    #[test]
    fn a_signal_asks_for_tables_and_filters_of_its_own() {
        let settings = "table.include.list=a[.].*\nsnapshot.include.collection.list=a.z\n\
                        snapshot.select.statement.overrides=a.b\nsnapshot.select.statement.overrides.a.b=SELECT 1";
        let filters = [("a.c", " Select * from x -- all"), ("a.z", "selected > 3 -- no more")];
        let request = Request::of(["a[.][bcz]", "s.t"], filters).unwrap();
        let selection = Selection::new(&connector(settings)).unwrap().asked(request);
        assert!(selection.admits("a", "c") && !selection.admits("s", "t"), "only what is captured");
        let published = Subject { filter: Some("v > 0".to_owned()), ..subject("a", "z", None) };
        let mut subjects = [published, subject("a", "b", None), subject("a", "c", None)];
        selection.arrange(&mut subjects);
        let queries: Vec<_> =
            subjects.iter().map(|subject| subject.query.as_ref().map(|query| query.text.as_str())).collect();
        let predicate = "SELECT * FROM \"a\".\"z\" WHERE (v > 0) AND (selected > 3 -- no more\n)";
        assert_eq!(queries, [None, Some(" Select * from x -- all"), Some(predicate)]);
    }

    #[test]
    fn tables_may_come_by_their_size() {
        let by = |order: &str| read(&format!("snapshot.tables.order.by.row.count={order}"));
        assert_eq!(by("ascending"), ["a.c", "s.t", "a.z", "a-b.x", "a.b"]);
        assert_eq!(by("descending"), ["a.b", "a-b.x", "a.z", "s.t", "a.c"]);
    }

    #[test]
    fn a_query_takes_the_place_of_its_table() {
        let overrides = "table.include.list=a[.](b|c)\nsnapshot.select.statement.overrides=a.c\n\
                         snapshot.select.statement.overrides.a.c=SELECT 1";
        assert_eq!(read(overrides), ["a.b", "a.c SELECT 1"]);
    }
}
