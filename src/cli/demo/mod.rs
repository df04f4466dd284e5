//! `walcast demo`: throwaway servers, a small shop, traffic, and a consumer that reads the topics back.
//!
//! Owns the order of things and the verdict. Everything it shows is counted twice, by SQL and by a Kafka consumer
//! that knows nothing of walcast, and compared.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{oneshot, watch};

use self::consumer::Consumer;
use self::shop::Shop;
use self::tally::{Tally, Verdict};
use crate::config::{self, Connector, Overrides, Source};
use crate::error::{Error, Kind, Result};
use crate::local::{KafkaBroker, KafkaOptions, PostgresOptions, PostgresServer, Progress, Servers};
use crate::observe::{Metrics, Status, log, terminal::Screen};
use crate::pipeline;
use crate::sink::Sink as _;
use crate::sink::kafka::KafkaSink;

mod consumer;
mod shop;
mod tally;

/// The connector that the demo runs: the ready file that users are given too.
const CONNECTOR_FILE: &str = "connectors/local-demo.json";
const CONNECTOR_TEXT: &str = include_str!("../../../connectors/local-demo.json");

/// How long the consumer may take to see the last record after the traffic has ended.
const CATCH_UP_MAX: Duration = Duration::from_secs(30);

/// How long the pipeline may take to stop.
const STOP_PATIENCE: Duration = Duration::from_secs(20);

/// What it takes.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// How long traffic runs.
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub(super) seconds: u64,
    /// Row changes a second that the traffic aims at.
    #[arg(long, value_name = "N", default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(super) rate: u32,
    /// Major version of PostgreSQL.
    #[arg(long, value_name = "MAJOR", default_value_t = 18)]
    pub(super) postgres: u16,
    /// Leaves the servers up and prints how to connect.
    #[arg(long)]
    pub(super) keep: bool,
}

/// Runs the demo; the exit code is 1 when what was written and what was read differ.
pub(super) fn execute(arguments: &Arguments) -> Result<ExitCode> {
    log::init(log::Format::Text, Some("warn,walcast::sink::kafka=error"), &Screen::stderr())?;
    let servers = Servers::choose(Progress::terminal())?;
    let (postgres, kafka) = start(&servers, arguments.postgres)?;
    println!("PostgreSQL  {} on {}:{}", postgres.description(), postgres.host(), postgres.port());
    println!("Kafka       {} on {}", kafka.description(), kafka.bootstrap());
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .map_err(|error| Error::new(Kind::Local, "no runtime could be made").caused_by(error))?;
    let verdict = runtime.block_on(play(arguments, postgres.as_ref(), kafka.as_ref()))?;
    print!("{verdict}");
    if arguments.keep {
        let kept = servers.keep()?;
        print_how_to_connect(postgres.as_ref(), kafka.as_ref(), &kept.stop_command);
    }
    Ok(if verdict.is_equal() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Both servers start side by side: most of the time each waits for itself.
fn start(servers: &Servers, major: u16) -> Result<(Box<dyn PostgresServer>, Box<dyn KafkaBroker>)> {
    std::thread::scope(|scope| {
        let kafka = scope.spawn(|| servers.kafka(&KafkaOptions::default()));
        let postgres = servers.postgres(&PostgresOptions::new(major))?;
        let kafka = kafka.join().map_err(|_| Error::bug("starting the broker panicked"))??;
        Ok((postgres, kafka))
    })
}

async fn play(arguments: &Arguments, postgres: &dyn PostgresServer, kafka: &dyn KafkaBroker) -> Result<Verdict> {
    let connector = connector(postgres, kafka)?;
    let shop = Shop::open(&connector.database).await?;
    let topics: Vec<Arc<str>> =
        Shop::TABLES.iter().map(|table| Arc::from(format!("{}.public.{table}", connector.topic_prefix))).collect();
    // The consumer subscribes before there is anything to read, so its topics must exist.
    KafkaSink::open(&connector.kafka, "walcast-demo")?.prepare(topics.clone()).await?;
    let status = Arc::new(Status::new(&connector.name));
    let (order, stop) = watch::channel(None);
    let (ended, mut end) = oneshot::channel();
    let brokers = connector.kafka.clone();
    let make = move || KafkaSink::open(&brokers, "walcast-demo");
    let thread = pipeline::spawn(Arc::clone(&connector), make, Metrics::new(Arc::clone(&status)), stop, ended)?;
    if !streaming(&status, &mut end).await {
        return Err(pipeline::join(thread).err().unwrap_or_else(|| Error::bug("the pipeline ended by itself")));
    }
    println!("walcast     streaming from slot {} to {} topics\n", connector.slot.name, topics.len());
    let read = Consumer::start(kafka.bootstrap(), &topics)?;
    let written = traffic(arguments, shop, &read, &mut end).await?;
    let deadline = Instant::now() + CATCH_UP_MAX;
    while !read.tally().holds(&written) && Instant::now() < deadline {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    // A moment more, so that a record too many would be seen as well.
    tokio::time::sleep(Duration::from_millis(500)).await;
    // The receiver is gone only when the pipeline has ended, and then joining it tells why.
    let _ = order.send(Some(STOP_PATIENCE));
    let joined = tokio::task::spawn_blocking(move || pipeline::join(thread)).await;
    joined.map_err(|error| Error::bug("waiting for the pipeline failed").caused_by(error))??;
    Ok(Verdict::new(written, read.stop()))
}

fn connector(postgres: &dyn PostgresServer, kafka: &dyn KafkaBroker) -> Result<Arc<Connector>> {
    let overrides = Overrides {
        set: vec![
            ("database.hostname".to_owned(), postgres.host().to_owned()),
            ("database.port".to_owned(), postgres.port().to_string()),
            ("database.user".to_owned(), postgres.user().to_owned()),
        ],
        bootstrap_servers: Some(kafka.bootstrap().to_owned()),
        ..Overrides::default()
    };
    let source = Source::Text { name: CONNECTOR_FILE.to_owned(), text: CONNECTOR_TEXT.to_owned() };
    Ok(Arc::new(config::load(&source, &overrides)?.connector))
}

/// Waits until changes flow; `false` when the pipeline ended instead.
async fn streaming(status: &Status, end: &mut oneshot::Receiver<()>) -> bool {
    loop {
        if status.live().state == crate::observe::State::Streaming {
            return true;
        }
        tokio::select! {
            _ = &mut *end => return false,
            () = tokio::time::sleep(Duration::from_millis(10)) => {}
        }
    }
}

/// Writes for the given time, showing where things stand once a second.
async fn traffic(
    arguments: &Arguments,
    mut shop: Shop,
    read: &Consumer,
    end: &mut oneshot::Receiver<()>,
) -> Result<Tally> {
    let begun = Instant::now();
    let length = Duration::from_secs(arguments.seconds);
    let mut shown = 0;
    let mut before = 0;
    while begun.elapsed() < length {
        if end.try_recv() != Err(oneshot::error::TryRecvError::Empty) {
            return Err(Error::new(Kind::SinkUnavailable, "the pipeline ended before the traffic"));
        }
        let due = begun.elapsed().as_secs_f64() * f64::from(arguments.rate);
        if (shop.changes() as f64) < due {
            shop.trade().await?;
        } else {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let second = begun.elapsed().as_secs();
        if second > shown {
            shown = second;
            read.show(second, shop.written(), &mut before);
        }
    }
    Ok(shop.close())
}

fn print_how_to_connect(postgres: &dyn PostgresServer, kafka: &dyn KafkaBroker, stop_command: &str) {
    let (host, port, user, brokers) = (postgres.host(), postgres.port(), postgres.user(), kafka.bootstrap());
    println!(
        "\nThe servers stay up.\n  \
         SQL:      psql -h {host} -p {port} -U {user} shop\n  \
         topics:   kcat -b {brokers} -C -t demo.public.customers\n  \
         stream:   walcast run {CONNECTOR_FILE} --set database.hostname={host} --set database.port={port} \
         --set database.user={user} --bootstrap-servers {brokers}\n  \
         stop:     {stop_command}"
    );
}
