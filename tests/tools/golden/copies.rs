//! What walcast's own snapshot reads of the tables as they were prepared: `copies.jsonl`.
//!
//! Every statement is the library's. Nothing writes between the preparation and the workload, so the rows are those that
//! each Debezium has read.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tokio::runtime::Runtime;
use walcast::config::{self, Brokers, Overrides};
use walcast::error::Result;
use walcast::pgoutput::ReplicaIdentity;
use walcast::snapshot::range::Range;
use walcast::snapshot::reading::Reading;
use walcast::snapshot::selection::Selection;
use walcast::snapshot::tables::{self, Subject};
use walcast::source::facts;
use walcast::source::sql::Sql;

use super::debezium::Connector;
use crate::Outcome;

/// The lines of the file: each table once, and once more for each query that is read in its place. None where no
/// connector takes a snapshot.
pub(crate) fn of(runtime: &Runtime, connectors: &[Connector]) -> Outcome<Vec<String>> {
    let (mut known, mut lines) = (BTreeSet::new(), Vec::new());
    for connector in connectors {
        let text = Value::from(connector.configuration.clone()).to_string();
        let read = read(&text, &mut known, &mut lines);
        runtime.block_on(read).map_err(|error| format!("{}: {}", connector.variant, error.report()))?;
    }
    Ok(lines)
}

type Known = BTreeSet<(u32, Option<String>)>;

async fn read(configuration: &str, known: &mut Known, lines: &mut Vec<String>) -> Result<()> {
    let overrides = Overrides { brokers: Brokers::NotNeeded, ..Overrides::default() };
    let connector = config::load_text("connector.json", configuration, &overrides, &|_| None)?.connector;
    if !connector.snapshot.mode.reads_rows() {
        return Ok(());
    }
    let selection = Selection::new(&connector)?;
    let reading = Reading::begin(&connector.database, connector.snapshot.lock_timeout, None).await?;
    let admitted = |schema: &str, table: &str| selection.admits(schema, table);
    let mut subjects = tables::of_publication(&reading, &connector.publication.name, admitted).await?;
    selection.arrange(&mut subjects);
    let ids: Vec<_> = subjects.iter().map(|subject| subject.relation.id).collect();
    let facts = facts::of_relations(&Sql::new(connector.database), &ids).await?;
    for subject in subjects {
        if known.insert((subject.relation.id.0, subject.query.clone())) {
            let texts = subject.texts(&facts);
            let mut copy = reading.copy(&subject.copy_statement(Range::WHOLE, None, &texts, &[])).await?;
            let mut data = String::new();
            while let Some(piece) = copy.next().await? {
                data.extend(piece.iter().map(|byte| format!("{byte:02x}")));
            }
            lines.push(line(&subject, &texts, &data));
        }
    }
    Ok(())
}

fn line(subject: &Subject, texts: &[bool], data: &str) -> String {
    let relation = &subject.relation;
    let columns = relation.columns.iter().zip(texts).map(|(column, text)| {
        json!({
            "name": column.name,
            "type": column.type_oid.0,
            "typmod": column.typmod,
            "identity": column.identity,
            "text": text,
        })
    });
    let identity = match relation.identity {
        ReplicaIdentity::Default => "d",
        ReplicaIdentity::Nothing => "n",
        ReplicaIdentity::Full => "f",
        ReplicaIdentity::Index => "i",
    };
    let line = json!({
        "oid": relation.id.0,
        "schema": relation.schema,
        "table": relation.table,
        "identity": identity,
        "columns": columns.collect::<Vec<_>>(),
        "query": subject.query,
        "data": data,
    });
    line.to_string()
}
