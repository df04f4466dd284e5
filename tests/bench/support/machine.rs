//! What the numbers were measured on, and how busy it was with other things.

use std::fs;

use serde_json::{Value, json};

use super::process::Cpu;
use super::stand::Stand;

/// CPU ticks of the whole machine.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ticks {
    busy: f64,
    all: f64,
}

impl Ticks {
    /// Up to now. Time that a hypervisor gave to others counts as busy, because we could not have it.
    pub(crate) fn now() -> Self {
        let stat = fs::read_to_string("/proc/stat").unwrap_or_default();
        let line = stat.lines().next().unwrap_or_default();
        let fields: Vec<f64> = line.split_ascii_whitespace().skip(1).take(8).filter_map(|n| n.parse().ok()).collect();
        let all: f64 = fields.iter().sum();
        // Fields 4 and 5 are idle and waiting for a disk.
        let idle: f64 = fields.iter().skip(3).take(2).sum();
        Self { busy: all - idle, all }
    }

    /// Share of the machine, in percent, that went to something other than `ours` since `self`. The bench's own
    /// polling and consuming is part of it.
    pub(crate) fn elsewhere_percent(self, ours: &[Cpu]) -> f64 {
        let now = Self::now();
        let ours: f64 = ours.iter().map(|cpu| cpu.as_secs_f64() * 100.0).sum();
        let all = now.all - self.all;
        if all > 0.0 { ((now.busy - self.busy - ours) * 100.0 / all).max(0.0) } else { 0.0 }
    }
}

/// The load averages as the kernel prints them.
pub(crate) fn load() -> String {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split_ascii_whitespace().take(3).collect::<Vec<_>>().join(" ")
}

/// Processor, memory, kernel and versions, in the order in which a reader asks for them.
pub(crate) fn facts(stand: &Stand) -> Value {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let cpu = first_value("/proc/cpuinfo", "model name").unwrap_or_else(|| "unknown processor".to_owned());
    let kib: f64 = first_value("/proc/meminfo", "MemTotal")
        .and_then(|text| text.split_ascii_whitespace().next()?.parse().ok())
        .unwrap_or_default();
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    json!({
        "cores": cores,
        "processor": cpu,
        "memory": format!("{:.0} GiB", kib / 1024.0 / 1024.0),
        "kernel": kernel.trim(),
        "postgresql": stand.postgres_version,
        "kafka": stand.kafka.description(),
        "librdkafka": rdkafka::util::get_rdkafka_version().1,
        "walcast": env!("CARGO_PKG_VERSION"),
        "walcast_set": stand.set,
        "debezium": stand.connect.as_ref().map(|_| "3.6.0.Final in Kafka Connect 4.3.1"),
        "load_before": load(),
    })
}

/// The facts as one line for people.
pub(crate) fn line(facts: &Value) -> String {
    let text = |key: &str| match &facts[key] {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let rival = facts["debezium"].as_str().map_or_else(String::new, |rival| format!("; Debezium {rival}"));
    let set: Vec<&str> = facts["walcast_set"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let set = if set.is_empty() { String::new() } else { format!(" with {}", set.join(", ")) };
    format!(
        "{} cores ({}), {}, Linux {}; PostgreSQL {}; {}; librdkafka {}; walcast {}{set}{rival}; \
         load average before {}, after {}",
        text("cores"),
        text("processor"),
        text("memory"),
        text("kernel"),
        text("postgresql"),
        text("kafka"),
        text("librdkafka"),
        text("walcast"),
        text("load_before"),
        load(),
    )
}

fn first_value(file: &str, key: &str) -> Option<String> {
    let text = fs::read_to_string(file).ok()?;
    let line = text.lines().find(|line| line.starts_with(key))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}
