//! What walcast's own snapshots read: of the tables as they were prepared, and for signals that the stream waits for:
//! `copies.jsonl`.
//!
//! Every statement is the library's. Nothing writes between the preparation and the workload, nor while Debezium reads for a
//! signal, so the rows are those that each Debezium has read.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tokio::runtime::Runtime;
use walcast::config::{self, Brokers, Connector as Settings, Overrides};
use walcast::error::{Error, Result};
use walcast::pgoutput::ReplicaIdentity;
use walcast::signal::Request;
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
    for (subject, texts, data) in copied(&connector, &selection).await? {
        if known.insert((subject.relation.id.0, subject.query.as_ref().map(|query| query.text.clone()))) {
            lines.push(line(&subject, &texts, &data).to_string());
        }
    }
    Ok(())
}

/// What a blocking snapshot reads for the signal `id`.
pub(crate) async fn of_signal(connector: &Settings, id: &str, request: Request) -> Result<Vec<String>> {
    let selection = Selection::new(connector)?.asked(request);
    let told = |(subject, texts, data): (Subject, Vec<bool>, String)| {
        let mut line = line(&subject, &texts, &data);
        line["signal"] = Value::from(id);
        line.to_string()
    };
    Ok(copied(connector, &selection).await?.into_iter().map(told).collect())
}

/// The tables in the order in which they are read, with the columns asked for as text and the bytes in hexadecimal digits.
async fn copied(connector: &Settings, selection: &Selection) -> Result<Vec<(Subject, Vec<bool>, String)>> {
    let reading = Reading::begin(&connector.database, connector.snapshot.lock_timeout, None).await?;
    let admitted = |schema: &str, table: &str| selection.admits(schema, table);
    let mut subjects = tables::of_publication(&reading, &connector.publication.name, admitted).await?;
    selection.arrange(&mut subjects);
    let ids: Vec<_> = subjects.iter().map(|subject| subject.relation.id).collect();
    let facts = facts::of_relations(&Sql::new(connector.database.clone()), &ids).await?;
    let mut copied = Vec::new();
    for subject in subjects {
        let texts = subject.texts(&facts);
        let whole = subject.heaps().into_iter().next().ok_or_else(|| Error::bug("a table without rows of its own"))?;
        let mut copy = reading.copy(&subject.copy_statement(&whole, (Range::WHOLE, None), &texts, &[])).await?;
        let mut data = String::new();
        while let Some(piece) = copy.next().await? {
            data.extend(piece.iter().map(|byte| format!("{byte:02x}")));
        }
        copied.push((subject, texts, data));
    }
    Ok(copied)
}

fn line(subject: &Subject, texts: &[bool], data: &str) -> Value {
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
    json!({
        "oid": relation.id.0,
        "schema": relation.schema,
        "table": relation.table,
        "identity": identity,
        "columns": columns.collect::<Vec<_>>(),
        "query": subject.query.as_ref().map(|query| &query.text),
        "data": data,
    })
}
