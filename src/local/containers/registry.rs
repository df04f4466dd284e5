//! One throwaway schema registry in a container of Apicurio's image.

use std::sync::Arc;

use testcontainers::core::IntoContainerPort as _;
use testcontainers::{GenericImage, ImageExt as _};

use super::{Container, Engine, published_host};
use crate::error::Result;
use crate::local::processes::archive::REGISTRY_VERSION;
use crate::local::processes::server::free_port;
use crate::local::ready::registry_answers;
use crate::local::{Progress, RegistryOptions, SchemaRegistry};

/// A registry in a container.
#[derive(Debug)]
pub(super) struct Registry {
    container: Container,
    description: String,
    address: String,
}

impl Registry {
    /// Starts the container and returns when the registry answers.
    pub(super) fn start(engine: &Arc<Engine>, options: &RegistryOptions, progress: &Progress) -> Result<Self> {
        let description = format!("Apicurio Registry {REGISTRY_VERSION} (container)");
        let _step = progress.step(&format!("starting {description}"));
        let port = free_port()?;
        let own = options.properties.iter().map(|(name, value)| format!(" -D{name}={value}"));
        let request = GenericImage::new("apicurio/apicurio-registry", REGISTRY_VERSION)
            .with_env_var("JAVA_OPTS_APPEND", format!("-Xmx{}m{}", options.heap_mib, own.collect::<String>()))
            .with_mapped_port(port, 8080.tcp());
        let container = engine.start(&description, request)?;
        let registry = Self { container, description, address: format!("{}:{port}", published_host()) };
        registry.container.wait_until("answer", || registry_answers(&registry.address))?;
        Ok(registry)
    }
}

impl SchemaRegistry for Registry {
    fn description(&self) -> &str {
        &self.description
    }

    fn address(&self) -> &str {
        &self.address
    }

    fn pid(&self) -> Option<u32> {
        None
    }

    fn log_tail(&self) -> String {
        self.container.log_tail()
    }
}
