//! Which tables a snapshot reads, how, and in which order.
//!
//! Owns [`Selection`]. Pure.

use super::tables::Subject;
use crate::config::{Connector, QueryOverride, Signals, TableOrder};
use crate::error::Result;
use crate::source::capture::{CaptureFilter, TableFilter};

/// What the settings say of the tables of a snapshot.
#[derive(Clone, Debug)]
pub struct Selection {
    captured: CaptureFilter,
    signals: Signals,
    included: TableFilter,
    overrides: Vec<QueryOverride>,
    order: TableOrder,
    /// The expressions of `table.include.list`, one by one.
    listed: Vec<TableFilter>,
}

impl Selection {
    /// Compiles the lists.
    ///
    /// # Errors
    /// Config, naming the property and the expression.
    pub fn new(connector: &Connector) -> Result<Self> {
        let listed = connector.capture.table_include.iter();
        Ok(Self {
            captured: CaptureFilter::new(&connector.capture)?,
            signals: connector.snapshot.signals.clone(),
            included: TableFilter::new("snapshot.include.collection.list", &connector.snapshot.include)?,
            overrides: connector.snapshot.overrides.clone(),
            order: connector.snapshot.order,
            listed: listed
                .map(|one| TableFilter::new("table.include.list", std::slice::from_ref(one)))
                .collect::<Result<_>>()?,
        })
    }

    /// Whether a table is read.
    #[must_use]
    pub fn admits(&self, schema: &str, table: &str) -> bool {
        !self.signals.are_in(schema, table)
            && self.captured.matches(schema, table)
            && self.included.matches(schema, table)
    }

    /// Gives tables their queries, and puts them into their order, which is that of the records in one reader.
    ///
    /// Source: Debezium's `RelationalSnapshotChangeEventSource.determineDataCollectionsToBeSnapshotted`, and `TableId`,
    /// which compares whole names as Java does.
    pub fn arrange(&self, subjects: &mut [Subject]) {
        let name = |subject: &Subject| format!("{}.{}", subject.relation.schema, subject.relation.table);
        for subject in &mut *subjects {
            let name = name(subject);
            subject.query = self.overrides.iter().find(|query| query.table == name).map(|query| query.query.clone());
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
            let query = subject.query.as_ref().map(|query| format!(" {query}")).unwrap_or_default();
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
