//! One scenario under all its variants, walcast and Debezium at the same time.

use std::path::Path;

use walcast::local::{KafkaBroker, PostgresServer};

use super::heartbeats;
use super::walcast::Walcast;
use crate::Outcome;
use crate::comparison::{self, AvroSchemas, Comparison, Differences, Known, Recorded};
use crate::golden::debezium::{Connector, Debezium, Oracle, wait};
use crate::golden::scenario::Scenario;
use crate::golden::session::{self, Session};
use crate::golden::topics::Topics;
use crate::golden::variant::Variant;

/// Counts the transactions of the workload.
const COUNTING_SLOT: &str = "counting";

/// What both sides run in.
pub(crate) struct Sides<'r> {
    /// Debezium's.
    pub(crate) oracle: &'r Oracle<'r>,
    /// The broker that walcast writes to.
    pub(crate) kafka: &'r dyn KafkaBroker,
    /// walcast itself.
    pub(crate) binary: &'r Path,
    /// What may differ.
    pub(crate) known: &'r Known,
}

/// What the comparison of one variant found.
pub(crate) struct Found {
    pub(crate) variant: String,
    pub(crate) place: String,
    pub(crate) compared: usize,
    pub(crate) differences: Differences,
}

/// Runs the workload of a scenario before both sides, once for all variants, and compares what they wrote.
pub(crate) fn run(
    sides: &Sides<'_>,
    server: &dyn PostgresServer,
    scenario: &Scenario,
    variants: &[Variant],
) -> Outcome<Vec<Found>> {
    let session = Session::with_new_database(sides.oracle.runtime, server)?;
    scenario.prepare(&session)?;
    let mut debezium = Debezium::start(sides.oracle, &session, server, scenario, variants)?;
    let mut walcasts = Walcasts::start(sides, &session, &debezium.connectors)?;
    walcasts.hold(true);
    session.create_slot(COUNTING_SLOT)?;
    let theirs = Topics::new(sides.oracle.kafka.bootstrap())?;
    scenario.perform(
        &session,
        |barrier| {
            debezium.pass(barrier, &theirs)?;
            walcasts.hold(false);
            walcasts.wait("has caught up", |connector, ours| Ok(connector.has_passed(barrier, ours)))?;
            walcasts.hold(true);
            Ok(())
        },
        || Ok(()),
        |_| Ok(()),
    )?;
    let transactions = session::transactions(&session.frames(COUNTING_SLOT, "")?)?;
    debezium.tell_of(transactions, &theirs)?;
    walcasts.hold(false);
    walcasts.wait("has written the last transaction's end", |connector, ours| {
        Ok(connector.has_told_of(transactions, ours))
    })?;
    wait(
        || Ok(debezium.connectors.iter().all(|connector| heartbeats::has_beaten(connector, &theirs))),
        |is_over| if is_over { Err("Debezium writes no heartbeats".into()) } else { Ok(()) },
    )?;
    walcasts.wait("writes heartbeats", |connector, ours| Ok(heartbeats::has_beaten(connector, ours)))?;
    debezium.stop()?;
    walcasts.running.iter_mut().for_each(Walcast::stop);

    let prefixes: Vec<String> = debezium.connectors.iter().map(|connector| connector.prefix.clone()).collect();
    let mut found = Vec::new();
    for connector in &debezium.connectors {
        let place = format!("PostgreSQL {} {} {}", server.major(), scenario.name, connector.variant);
        let mut differences = Differences::default();
        let mut compared = 0;
        if let Some((_, why)) = walcasts.ended.iter().find(|(variant, _)| *variant == connector.variant) {
            differences.tell(format!("{place}: {why}"));
        } else {
            let mut schemas = AvroSchemas::default();
            let [mine, its] = [&walcasts.topics, &theirs].map(|topics| {
                let raw = topics.read(&topics.of(&connector.prefix, &prefixes)?)?;
                let mut records = comparison::Topics::new();
                for raw in raw {
                    let header = |(name, value): (String, Option<Vec<u8>>)| (name, value.unwrap_or_default());
                    let headers = raw.headers.into_iter().map(header).collect();
                    let record = Recorded { key: raw.key, value: raw.value, headers };
                    learn_schemas(sides, connector, &record, &mut schemas)?;
                    records.entry(raw.topic).or_default().push(record);
                }
                Outcome::Ok(records)
            });
            let comparison = Comparison { known: sides.known, schemas: &schemas, place: place.clone() };
            compared = comparison.topics(&mine?, &its?, &mut differences);
            heartbeats::compare(connector, [&walcasts.topics, &theirs], &place, &mut differences)?;
        }
        found.push(Found { variant: connector.variant.clone(), place, compared, differences });
    }
    Ok(found)
}

/// Asks the registry for the schemas of a record that are not known yet.
fn learn_schemas(
    sides: &Sides<'_>,
    connector: &Connector,
    record: &Recorded,
    schemas: &mut AvroSchemas,
) -> Outcome<()> {
    if !connector.is_avro() {
        return Ok(());
    }
    for id in [&record.key, &record.value].into_iter().flatten().filter_map(|bytes| comparison::schema_id(bytes)) {
        if !schemas.contains(id) {
            schemas.add(id, &sides.oracle.registry.schema(id).map_err(|error| error.report())?);
        }
    }
    Ok(())
}

/// walcast once for each variant.
struct Walcasts {
    topics: Topics,
    running: Vec<Walcast>,
    /// Variants whose walcast has ended, and its last words.
    ended: Vec<(String, String)>,
}

impl Walcasts {
    /// Starts them with the configurations of Debezium's connectors, but for their slots.
    fn start(sides: &Sides<'_>, session: &Session<'_>, connectors: &[Connector]) -> Outcome<Self> {
        let ours = connectors.iter().map(|theirs| {
            let slot = theirs.slot.replace("debezium", "walcast");
            let mut configuration = theirs.configuration.clone();
            configuration.insert("slot.name".to_owned(), slot.as_str().into());
            let (variant, prefix) = (theirs.variant.clone(), theirs.prefix.clone());
            let connector = Connector { variant, slot, prefix, configuration };
            Walcast::start(sides.binary, connector, sides.kafka.bootstrap())
        });
        let running = ours.collect::<Outcome<_>>()?;
        let mut walcasts = Self { topics: Topics::new(sides.kafka.bootstrap())?, running, ended: Vec::new() };
        walcasts.wait("streams", |connector, _| session.is_streaming(&connector.slot))?;
        Ok(walcasts)
    }

    /// Makes those that register schemas wait, or go on.
    fn hold(&self, held: bool) {
        self.running.iter().for_each(|walcast| walcast.hold(held));
    }

    /// Waits until a condition holds for each that has not ended.
    fn wait(&mut self, what: &str, condition: impl Fn(&Connector, &Topics) -> Outcome<bool>) -> Outcome<()> {
        for mut walcast in std::mem::take(&mut self.running) {
            let mut end = None;
            let outcome = wait(
                || {
                    end = walcast.ended()?;
                    Ok(end.is_some() || condition(&walcast.connector, &self.topics)?)
                },
                |is_over| if is_over { Err(format!("waited in vain until walcast {what}").into()) } else { Ok(()) },
            );
            if let Err(error) = outcome {
                return Err(format!("{}: {error}\n{}", walcast.connector.variant, walcast.log()).into());
            }
            match end {
                Some(words) => self.ended.push((walcast.connector.variant.clone(), words)),
                None => self.running.push(walcast),
            }
        }
        Ok(())
    }
}
