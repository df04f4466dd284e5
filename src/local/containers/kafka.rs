//! One throwaway Kafka broker, controller included, in a container of the Apache image.

use std::sync::Arc;

use testcontainers::core::IntoContainerPort as _;
use testcontainers::{ContainerRequest, GenericImage, ImageExt as _};

use super::{Container, Engine, published_host};
use crate::error::Result;
use crate::local::processes::server::free_port;
use crate::local::ready::KafkaProbe;
use crate::local::{KafkaBroker, KafkaOptions, Progress};

const VERSION: &str = "4.3.1";

/// A broker in a container.
#[derive(Debug)]
pub(super) struct Kafka {
    container: Container,
    description: String,
    bootstrap: String,
}

impl Kafka {
    /// Starts the container and returns when the broker answers.
    pub(super) fn start(engine: &Arc<Engine>, options: &KafkaOptions, progress: &Progress) -> Result<Self> {
        let description = format!("Apache Kafka {VERSION} (container)");
        let _step = progress.step(&format!("starting {description}"));
        let port = free_port()?;
        let bootstrap = format!("{}:{port}", published_host());
        let container = engine.start(&description, request(options, port, &bootstrap))?;
        let broker = Self { container, description, bootstrap };
        broker.wait_until_ready()?;
        Ok(broker)
    }

    fn wait_until_ready(&self) -> Result<()> {
        let probe = KafkaProbe::new(&self.bootstrap)?;
        self.container.wait_until("answer", || probe.answers())
    }
}

fn request(options: &KafkaOptions, port: u16, bootstrap: &str) -> ContainerRequest<GenericImage> {
    let advertised = format!("PLAINTEXT://{bootstrap}");
    let ours = [
        ("node.id", "1"),
        ("process.roles", "broker,controller"),
        ("controller.quorum.voters", "1@localhost:9093"),
        ("listeners", "PLAINTEXT://:9092,CONTROLLER://:9093"),
        ("advertised.listeners", &*advertised),
        ("controller.listener.names", "CONTROLLER"),
        ("listener.security.protocol.map", "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT"),
        ("offsets.topic.replication.factor", "1"),
        ("offsets.topic.num.partitions", "1"),
        ("transaction.state.log.replication.factor", "1"),
        ("transaction.state.log.num.partitions", "1"),
        ("transaction.state.log.min.isr", "1"),
        ("share.coordinator.state.topic.replication.factor", "1"),
        ("share.coordinator.state.topic.num.partitions", "1"),
        ("share.coordinator.state.topic.min.isr", "1"),
        ("group.initial.rebalance.delay.ms", "0"),
    ];
    let mut request = GenericImage::new("apache/kafka", VERSION)
        .with_env_var("KAFKA_HEAP_OPTS", format!("-Xmx{}m", options.heap_mib))
        .with_mapped_port(port, 9092.tcp());
    for (name, value) in ours {
        request = request.with_env_var(variable(name), value);
    }
    for (name, value) in &options.properties {
        request = request.with_env_var(variable(name), value);
    }
    request
}

/// The variable that the image's entry point turns into a line of `server.properties`.
fn variable(property: &str) -> String {
    let name = property.to_uppercase().replace('_', "__").replace('-', "___").replace('.', "_");
    format!("KAFKA_{name}")
}

impl KafkaBroker for Kafka {
    fn description(&self) -> &str {
        &self.description
    }

    fn bootstrap(&self) -> &str {
        &self.bootstrap
    }

    fn pid(&self) -> Option<u32> {
        None
    }

    fn log_tail(&self) -> String {
        self.container.log_tail()
    }

    fn stop(&self) -> Result<()> {
        self.container.stop_by("SIGTERM")
    }

    fn kill(&self) -> Result<()> {
        self.container.stop_by("SIGKILL")
    }

    fn start_again(&self) -> Result<()> {
        self.container.start_again()?;
        self.wait_until_ready()
    }

    fn pause(&self) -> Result<()> {
        self.container.pause()
    }

    fn resume(&self) -> Result<()> {
        self.container.resume()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_property_becomes_the_variable_of_the_image() {
        assert_eq!(variable("message.max.bytes"), "KAFKA_MESSAGE_MAX_BYTES");
        assert_eq!(variable("a_b-c"), "KAFKA_A__B___C");
    }
}
