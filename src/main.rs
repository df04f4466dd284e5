//! stub
use std::sync::Arc;
use walcast::config::{Overrides, Source, load};
fn main() {
    tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    let file = std::env::args().nth(1).unwrap();
    let loaded = load(&Source::File(file.into()), &Overrides::default()).unwrap_or_else(|e| {
        eprintln!("{}", e.report());
        std::process::exit(2)
    });
    let connector = Arc::new(loaded.connector);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (_stop, signal) = tokio::sync::watch::channel(None);
    let kafka = connector.kafka.clone();
    let outcome = runtime.block_on(async {
        tokio::spawn(async move {
            tokio::signal::ctrl_c().await.ok();
            _stop.send(Some(std::time::Duration::from_secs(10))).ok();
            std::future::pending::<()>().await;
        });
        walcast::pipeline::shell::run(
            connector,
            || walcast::sink::kafka::KafkaSink::open(&kafka, "walcast"),
            Arc::default(),
            signal,
        )
        .await
    });
    eprintln!("{outcome:?}");
}
