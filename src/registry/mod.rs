//! The schema registry: numbers of schemas over HTTP, before records are written under them.
//!
//! Owns [`Registrar`], which the pipeline asks, the client behind it (interfaces of Confluent's and Apicurio's, several
//! addresses, TLS, credentials), and the errors that refusals become. What schemas look like is the `encode` room's
//! matter; when to try again is the pipeline's. Must never put a secret into a message, nor keep a failure.
//!
//! Invariant: a number that was once given for a subject and a text stays; the encoder reads it from memory.

use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, PoisonError, RwLock};

use crate::config::Registries;
use crate::encode::{SchemaIds, SchemaText, Side};
use crate::error::{Error, Result};

mod breaker;
mod call;
mod client;
mod failure;
mod http;
pub mod memory;
mod shape;
#[cfg(test)]
mod tests;
mod tls;

use client::Client;

/// Something that will be there later.
pub type Pending<'r, T> = Pin<Box<dyn Future<Output = Result<T>> + Send + 'r>>;

/// A place where schemas have numbers.
pub trait Registry: fmt::Debug + Send + Sync {
    /// The number of a schema under a subject; registers it where that is wanted.
    ///
    /// # Errors
    /// `RegistryUnavailable` where another try may help; `RegistryRefused` and `SchemaIncompatible` where none will.
    ///
    /// # Cancel safety
    /// A schema that was registered stays so, and has the same number when it is asked for again.
    fn number<'r>(&'r self, subject: &'r str, text: &'r str) -> Pending<'r, u32>;

    /// Whether it answers and takes the credentials.
    ///
    /// # Errors
    /// As [`Registry::number`].
    fn look(&self) -> Pending<'_, ()>;
}

/// Finds the numbers of the schemas of keys and values, and keeps them.
#[derive(Debug)]
pub struct Registrar {
    key: Option<Arc<dyn Registry>>,
    value: Option<Arc<dyn Registry>>,
    numbers: Arc<Numbers>,
}

impl Registrar {
    /// The registrar that the configuration asks for; none where no converter needs one. Connects to nothing.
    ///
    /// # Errors
    /// `Config` where a certificate or a key cannot be read.
    pub fn open(registries: &Registries) -> Result<Option<Arc<Self>>> {
        let client = |settings| Client::new(settings).map(|client| Arc::new(client) as Arc<dyn Registry>);
        let key = registries.key.as_ref().map(client).transpose()?;
        let value = match &key {
            // One client for both keeps one connection, and one opinion of what answers.
            Some(key) if registries.key == registries.value => Some(Arc::clone(key)),
            _ => registries.value.as_ref().map(client).transpose()?,
        };
        let some = key.is_some() || value.is_some();
        Ok(some.then(|| Arc::new(Self::over(key, value))))
    }

    /// A registrar over these registries.
    #[must_use]
    pub fn over(key: Option<Arc<dyn Registry>>, value: Option<Arc<dyn Registry>>) -> Self {
        Self { key, value, numbers: Arc::default() }
    }

    /// Where the encoder finds the numbers.
    #[must_use]
    pub fn numbers(&self) -> Arc<dyn SchemaIds> {
        Arc::clone(&self.numbers) as Arc<dyn SchemaIds>
    }

    /// Whether the numbers of all these schemas are there already.
    #[must_use]
    pub fn knows(&self, schemas: &[SchemaText]) -> bool {
        schemas.iter().all(|schema| self.numbers.id(&schema.subject, &schema.text).is_some())
    }

    /// Finds the numbers of schemas, one after the other.
    ///
    /// # Errors
    /// As [`Registry::number`]; what was found before stays.
    ///
    /// # Cancel safety
    /// As [`Registry::number`].
    pub async fn register(&self, schemas: &[SchemaText]) -> Result<()> {
        for schema in schemas {
            if self.numbers.id(&schema.subject, &schema.text).is_some() {
                continue;
            }
            let registry = match schema.side {
                Side::Key => &self.key,
                Side::Value => &self.value,
            };
            let registry = registry.as_ref().ok_or_else(|| Error::bug("a schema is to be registered nowhere"))?;
            let number = registry.number(&schema.subject, &schema.text).await?;
            tracing::debug!(subject = schema.subject, number, "the schema has its number");
            self.numbers.keep(schema, number);
        }
        Ok(())
    }

    /// Whether the registries answer.
    ///
    /// # Errors
    /// As [`Registry::look`], the first one that fails.
    pub async fn look(&self) -> Result<()> {
        if let Some(value) = &self.value {
            value.look().await?;
        }
        match &self.key {
            Some(key) if self.value.as_ref().is_none_or(|value| !Arc::ptr_eq(key, value)) => key.look().await,
            _ => Ok(()),
        }
    }
}

/// Numbers that were found: of each subject, of each text.
#[derive(Debug, Default)]
struct Numbers(RwLock<HashMap<String, HashMap<String, u32>>>);

impl Numbers {
    fn keep(&self, schema: &SchemaText, number: u32) {
        let mut numbers = self.0.write().unwrap_or_else(PoisonError::into_inner);
        numbers.entry(schema.subject.clone()).or_default().insert(schema.text.clone(), number);
    }
}

impl SchemaIds for Numbers {
    fn id(&self, subject: &str, schema: &str) -> Option<u32> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(subject)?.get(schema).copied()
    }
}
