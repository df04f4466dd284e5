//! PostgreSQL alone: the table through as many connections as asked for, thrown away.
//!
//! In a process of its own, this binary executed again, so that its CPU can be told apart.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use clap::Args;
use futures_core::Stream as _;
use tokio_postgres::{Client, NoTls};

use crate::support::Outcome;

/// Bytes of a table that are copied with one statement, as walcast does it.
const RANGE_BYTES: u64 = 8 << 20;
const RANGE_BYTES_MIN: u64 = 4 << 20;
const PAGE_BYTES: u64 = 8192;

/// What the child process is told.
#[derive(Clone, Debug, Args)]
pub(crate) struct Arguments {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) user: String,
    pub(crate) dbname: String,
    pub(crate) table: String,
    pub(crate) connections: usize,
}

/// Copies the whole table and prints how many bytes there were.
pub(crate) fn run(arguments: &Arguments) -> Outcome<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let bytes = runtime.block_on(copy(arguments))?;
    println!("{bytes}");
    Ok(())
}

async fn copy(arguments: &Arguments) -> Outcome<u64> {
    let holder = connect(arguments).await?;
    let snapshot: String = holder.query_one("SELECT pg_export_snapshot()", &[]).await?.get(0);
    let bytes: i64 = holder.query_one(&format!("SELECT pg_relation_size('{}')", arguments.table), &[]).await?.get(0);
    let columns: String = holder
        .query_one(
            &format!(
                "SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) FROM pg_attribute \
                 WHERE attrelid = '{}'::regclass AND attnum > 0 AND NOT attisdropped",
                arguments.table
            ),
            &[],
        )
        .await?
        .get(0);
    let (bytes, connections) = (u64::try_from(bytes)?, arguments.connections as u64);
    let range =
        if connections == 1 { RANGE_BYTES } else { (bytes / (connections * 2)).clamp(RANGE_BYTES_MIN, RANGE_BYTES) };
    let pages = u32::try_from(range / PAGE_BYTES)?;
    let ranges = u32::try_from(bytes.div_ceil(range))?.max(1);
    let next = Arc::new(AtomicU32::new(0));
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..arguments.connections {
        let client = connect(arguments).await?;
        client.batch_execute(&format!("SET TRANSACTION SNAPSHOT '{snapshot}'")).await?;
        let (next, columns, table) = (Arc::clone(&next), columns.clone(), arguments.table.clone());
        tasks.spawn(async move {
            let mut bytes = 0;
            loop {
                let at = next.fetch_add(1, Ordering::Relaxed);
                if at >= ranges {
                    return Ok::<u64, tokio_postgres::Error>(bytes);
                }
                let below = if at + 1 == ranges { u32::MAX } else { (at + 1) * pages };
                let from = at * pages;
                let statement = format!(
                    "COPY (SELECT {columns} FROM ONLY {table} WHERE ctid >= '({from},0)' AND ctid < '({below},0)') \
                     TO STDOUT (FORMAT binary)"
                );
                let mut stream = pin!(client.copy_out(&statement).await?);
                while let Some(piece) = poll_fn(|context| Pin::new(&mut stream).as_mut().poll_next(context)).await {
                    bytes += piece?.len() as u64;
                }
            }
        });
    }
    let mut all = 0;
    while let Some(read) = tasks.join_next().await {
        all += read??;
    }
    Ok(all)
}

async fn connect(arguments: &Arguments) -> Outcome<Client> {
    let mut config = tokio_postgres::Config::new();
    config.host(&arguments.host).port(arguments.port).user(&arguments.user).dbname(&arguments.dbname);
    let (client, connection) = config.connect(NoTls).await?;
    tokio::spawn(connection);
    client.batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
    Ok(client)
}
