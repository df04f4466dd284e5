//! Snapshots, signals and notifications.

use super::super::notifications::check_channels;
use super::super::property::{Prefix, Property, ValueType};
use super::super::signals::{self, check_table};
use super::super::snapshot::check_mode;
use super::NO_MARKS;

/// Why classes are accepted.
const NO_JAVA: &str = "its mode custom is refused";
/// Why settings of Debezium's chunks are accepted.
const CUT_BY_SIZE: &str = "tables are cut by their size, whatever their keys";

pub(super) static PROPERTIES: &[Property] = &[
    Property::text(
        "snapshot.mode",
        "Which rows are read before the stream: initial, initial_only, always, when_needed, no_data (never and schema_only \
         are old names of it), configuration_based",
    )
    .or("initial")
    .high()
    .check(check_mode),
    Property::text("snapshot.mode.custom.name", "Java class for snapshot.mode=custom").no_effect(NO_JAVA),
    Property::bool("snapshot.mode.configuration.based.snapshot.data", "false", "Whether rows are read"),
    Property::bool("snapshot.mode.configuration.based.snapshot.schema", "false", "Whether schemas are read")
        .no_effect("schemas are read with the rows and with the stream"),
    Property::bool("snapshot.mode.configuration.based.start.stream", "false", "Whether to stream afterwards"),
    Property::bool(
        "snapshot.mode.configuration.based.snapshot.on.schema.error",
        "false",
        "Read schemas after an error",
    )
    .no_effect("schemas are read with the rows and with the stream"),
    Property::bool(
        "snapshot.mode.configuration.based.snapshot.on.data.error",
        "false",
        "Read rows again where the slot is lost",
    ),
    Property::one_of(
        "snapshot.isolation.mode",
        &["serializable", "repeatable_read", "read_committed", "read_uncommitted"],
        "Isolation level of the snapshot",
    )
    .or("serializable")
    .no_effect("every row of a snapshot is read under one snapshot of the database, read-only"),
    Property::one_of(
        "snapshot.locking.mode",
        &["none", "shared"],
        "How tables are locked: none locks a table while a part of it is read, shared locks all against changes of their \
         shape while the snapshot lasts",
    )
    .or("none")
    .medium(),
    Property::text("snapshot.locking.mode.custom.name", "Java class for snapshot.locking.mode=custom")
        .no_effect(NO_JAVA),
    Property::long("snapshot.lock.timeout.ms", 0, "How long the lock of a table may be waited for").or("10000").medium(),
    Property::one_of("snapshot.query.mode", &["select_all"], "How rows are queried").or("select_all"),
    Property::text("snapshot.query.mode.custom.name", "Java class for snapshot.query.mode=custom").no_effect(NO_JAVA),
    Property::patterns("snapshot.include.collection.list", "Captured tables that are read").medium(),
    Property::text("snapshot.select.statement.overrides", "Tables that are read with a query of their own").medium(),
    Property::int("snapshot.fetch.size", 0, "Rows of one fetch")
        .or("10240")
        .medium()
        .no_effect("rows come by COPY, bounded in bytes"),
    Property::long("snapshot.delay.ms", 0, "Wait before the snapshot").or("0"),
    Property::long("streaming.delay.ms", 0, "Wait between snapshot and streaming").or("0"),
    Property::int("snapshot.max.threads", 1, "How many connections read at the same time").or("1").medium(),
    Property::int("snapshot.max.threads.multiplier", 1, "Chunks for each thread").or("1").no_effect(CUT_BY_SIZE),
    Property::bool("legacy.snapshot.max.threads", "false", "Whether a table has one thread")
        .alias(&["internal.legacy.snapshot.max.threads"])
        .no_effect(CUT_BY_SIZE),
    Property::one_of(
        "snapshot.tables.order.by.row.count",
        &["ascending", "descending", "disabled"],
        "Order of the tables",
    )
    .or("disabled"),
    Property::bool("internal.snapshot.scan.all.columns.force", "false", "Read the columns of all tables")
        .no_effect("the columns of captured tables are read, of others none"),
    Property::int("query.fetch.size", 0, "Rows of one fetch of other queries")
        .or("0")
        .no_effect("the catalog is read without cursors"),
    Property::text("signal.data.collection", "Table whose inserted rows are signals; a publication has to have it")
        .high()
        .check(check_table),
    Property::new("signal.enabled.channels", ValueType::List, "Where signals come from: source, kafka, file; jmx is left out")
        .or("source")
        .high()
        .check(signals::check_channels),
    Property::long("signal.poll.interval.ms", 0, "Time between two looks for signals").or("5000"),
    Property::text("signal.kafka.topic", "Topic of signals, of one partition; <topic.prefix>-signal where absent").medium(),
    Property::text(
        "signal.kafka.bootstrap.servers",
        "Brokers of that topic, with signal.consumer.* alone; where absent the producer's, with its settings",
    )
    .medium(),
    Property::text("signal.kafka.groupId", "Consumer group under which it is kept what was acted on").or("kafka-signal"),
    Property::int("signal.kafka.poll.timeout.ms", 0, "Wait for a signal of that topic").or("100"),
    Property::text("signal.file", "File of signals, one in a line; it is emptied").or("file-signals.txt"),
    Property::int("signal.emit.failure.max.retries", 0, "How often a mark of a chunk is written again")
        .or("0")
        .no_effect(NO_MARKS),
    Property::long("signal.emit.failure.backoff.ms", 0, "Wait between these tries").or("10000").no_effect(NO_MARKS),
    Property::int("incremental.snapshot.chunk.size", 1, "Rows of one chunk of an incremental snapshot")
        .or("1024")
        .high(),
    Property::one_of(
        "incremental.snapshot.watermarking.strategy",
        &["INSERT_INSERT", "INSERT_DELETE"],
        "How the windows of chunks are closed in the table of signals",
    )
    .or("INSERT_INSERT")
    .medium(),
    Property::bool(
        "incremental.snapshot.allow.schema.changes",
        "false",
        "Schema changes during an incremental snapshot",
    )
    .no_effect("they are allowed: a chunk is read again where its table has changed"),
    Property::new("notification.enabled.channels", ValueType::List, "Where notifications go: sink, log; jmx is left out")
        .medium()
        .check(check_channels),
    Property::text("notification.sink.topic.name", "Topic of notifications").medium(),
];

pub(super) static PREFIXES: &[Prefix] = &[
    Prefix::implemented("signal.consumer.", "Settings of the consumer of signals"),
    Prefix::implemented(
        "snapshot.select.statement.overrides.",
        "The query of one table; SELECT .. FROM table WHERE .. is read in parts",
    ),
    Prefix::no_effect("snapshot.max.threads.multiplier.", CUT_BY_SIZE, "Chunks of one table for each thread"),
];
