//! What one event costs to encode, by format and width of its row.
//!
//! `cargo bench --bench encode [-- --rounds N]`
//!
//! Each figure is the median of the rounds; a round encodes inserts of one transaction for a fifth of a second, and looks
//! at the clock once for a thousand of them. What counts is the time on the processor, so that other processes of the
//! machine disturb less.

mod encode {
    #[allow(dead_code, reason = "the test of allocations uses the rest")]
    pub(crate) mod cases;
}
#[allow(dead_code, reason = "each bench uses a part of what all share")]
#[path = "support/markdown.rs"]
mod markdown;

use std::error::Error;
use std::hint::black_box;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Parser;
use walcast::config::{AvroConverter, Converter};
use walcast::ledger::Ticket;

use encode::cases::{self, Case, Form};
use markdown::{Table, median, number};

/// Events between two looks at the clock.
const BATCH_EVENTS: u64 = 1_000;
const ROUND: Duration = Duration::from_millis(200);

/// Measures the encoder.
#[derive(Debug, Parser)]
#[command(name = "encode")]
struct Arguments {
    /// Rounds measured for each figure.
    #[arg(long, default_value_t = 7, value_name = "N")]
    rounds: u32,
    /// Given by cargo.
    #[arg(long, hide = true)]
    bench: bool,
}

/// A figure: time and size of one event.
struct Figure {
    nanos: f64,
    bytes: usize,
}

/// Time that this thread was on a processor: the first number of its `schedstat`.
fn busy_nanos() -> Result<f64, Box<dyn Error>> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat")?;
    Ok(text.split_ascii_whitespace().next().unwrap_or_default().parse()?)
}

fn measured(case: &Case, converter: Converter, rounds: u32) -> Result<Figure, Box<dyn Error>> {
    let mut encoder = cases::encoder(converter);
    encoder.encode(&case.insert(0), 1)?;
    let bytes = encoder.bytes();
    let mut nanos = Vec::new();
    for round in 0..=rounds {
        let (start, busy) = (Instant::now(), busy_nanos()?);
        let mut events = 0;
        while start.elapsed() < ROUND {
            let now_unix_nanos = 1_700_000_000_000_000_000 + events;
            for nth in 0..BATCH_EVENTS {
                encoder.encode(black_box(&case.insert(events + nth)), now_unix_nanos)?;
                black_box(encoder.record(0, Ticket::from_u64(0)));
            }
            events += BATCH_EVENTS;
        }
        // The first round warms up.
        if round > 0 {
            nanos.push((busy_nanos()? - busy) / events as f64);
        }
    }
    Ok(Figure { nanos: median(nanos).unwrap_or(f64::NAN), bytes })
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let rows = Form::ALL.map(|form| [(form, cases::narrow(form)), (form, cases::wide(form))]);
    let mut table = Table::new(3, &["format", "row", "from", "ns an event", "bytes"]);
    let formats = [
        ("JSON", cases::json()),
        ("JSON with schema", cases::json_with_schema()),
        ("Avro", Converter::Avro(AvroConverter::default())),
    ];
    for (format, converter) in formats {
        for (form, case) in rows.as_flattened() {
            match measured(case, converter, arguments.rounds) {
                Ok(figure) => table.row(vec![
                    format.to_owned(),
                    format!("{}, {} columns", case.name, case.relation.columns.len()),
                    form.name().to_owned(),
                    number(Some(figure.nanos), 0),
                    figure.bytes.to_string(),
                ]),
                Err(error) => {
                    eprintln!("{error}");
                    return ExitCode::FAILURE;
                }
            }
        }
    }
    table.print();
    ExitCode::SUCCESS
}
