//! One registry behind one or more addresses.
//!
//! Owns the choice of the address, and what is asked to find a schema's number. Must never try the same address twice
//! for one question: when to ask again is the pipeline's to say.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use super::breaker::{self, Breaker};
use super::call::{self, Call, Version};
use super::failure::{self, Refusal};
use super::http::{Answer, Http, Silence};
use super::{Pending, Registry, shape};
use crate::config::{self, SchemaChoice};
use crate::error::{Class, Error, Result};

/// A registry's client.
#[derive(Debug)]
pub(super) struct Client {
    settings: config::Registry,
    http: Http,
    addresses: Mutex<Addresses>,
}

#[derive(Debug)]
struct Addresses {
    breakers: Vec<Breaker>,
    /// The one that answered last.
    last: usize,
}

impl Client {
    pub(super) fn new(settings: &config::Registry) -> Result<Self> {
        let addresses = Addresses { breakers: vec![Breaker::default(); settings.urls.len()], last: 0 };
        Ok(Self { settings: settings.clone(), http: Http::new(settings)?, addresses: Mutex::new(addresses) })
    }

    fn addresses(&self) -> MutexGuard<'_, Addresses> {
        // Whoever panicked with it held a whole value.
        self.addresses.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks one address after the other until one answers.
    async fn ask(&self, subject: Option<&str>, call: &Call) -> Result<Answer> {
        let order = {
            let addresses = self.addresses();
            breaker::order(&addresses.breakers, addresses.last, Instant::now())
        };
        let mut failed = Vec::new();
        for at in order {
            let Some(url) = self.settings.urls.get(at) else { continue };
            let answer = self.http.ask(url, call).await;
            let good = matches!(&answer, Ok(answer) if !failure::may_pass(answer.status));
            {
                let mut addresses = self.addresses();
                if good {
                    addresses.last = at;
                }
                if let Some(breaker) = addresses.breakers.get_mut(at) {
                    match good {
                        true => breaker.answered(),
                        false => breaker.failed(Instant::now(), fastrand::f64()),
                    }
                }
            }
            match answer {
                Ok(answer) if good => {
                    return match (200..300).contains(&answer.status) {
                        true => Ok(answer),
                        false => Err(self.refused(&url.address, subject, &answer)),
                    };
                }
                Ok(answer) => failed.push(failure::temporary(&url.address, &answer)),
                Err(Silence::Untrusted(why)) => return Err(failure::untrusted(&url.address, &why)),
                Err(silence) => failed.push(failure::silent(&url.address, &silence)),
            }
        }
        Err(failure::unavailable(failed))
    }
}

impl Client {
    /// What a refusal means.
    fn refused(&self, address: &str, subject: Option<&str>, answer: &Answer) -> Error {
        failure::refused(&Refusal { address, subject, answer, choice: self.settings.choice })
    }

    /// The latest version of a subject with its text.
    async fn latest(&self, subject: &str) -> Result<Version> {
        let dialect = &self.settings.dialect;
        let answer = self.ask(Some(subject), &call::latest(dialect, subject)).await?;
        let mut version =
            call::version(dialect, &answer.body).ok_or_else(|| failure::unreadable(Some(subject), &answer))?;
        if let Some(call) = call::latest_text(dialect, subject) {
            let answer = self.ask(Some(subject), &call).await?;
            version.text = String::from_utf8(answer.body.to_vec()).ok();
        }
        Ok(version)
    }

    async fn find(&self, subject: &str, text: &str) -> Result<u32> {
        let (dialect, normalize) = (&self.settings.dialect, self.settings.normalize);
        let call = match self.settings.choice {
            SchemaChoice::Register => call::register(dialect, subject, text, normalize),
            SchemaChoice::LookUp => call::look_up(dialect, subject, text, normalize),
            SchemaChoice::Latest => return self.find_latest(subject, text).await,
        };
        let answer = match self.ask(Some(subject), &call).await {
            Ok(answer) => answer,
            Err(error) if failure::is_incompatible(&error) => {
                // The reason is worth a second question; where that fails, the first answer is enough.
                let latest = self.latest(subject).await.ok();
                return Err(failure::incompatible(error, text, latest.as_ref()));
            }
            Err(error) => return Err(error),
        };
        let version =
            call::version(dialect, &answer.body).ok_or_else(|| failure::unreadable(Some(subject), &answer))?;
        version.number.ok_or_else(|| match self.settings.choice {
            // A search that finds nothing is an answer as any other.
            SchemaChoice::LookUp => failure::not_registered(subject),
            _ => failure::unreadable(Some(subject), &answer),
        })
    }

    /// The latest version's number, where records can be written under it.
    async fn find_latest(&self, subject: &str, text: &str) -> Result<u32> {
        let latest = self.latest(subject).await?;
        let standing = latest.text.as_deref().unwrap_or_default();
        if !shape::same_bytes(standing, text) {
            return Err(failure::latest_differs(subject, &latest, text));
        }
        latest.number.ok_or_else(|| failure::no_number(subject))
    }

    async fn look_around(&self) -> Result<()> {
        match self.ask(None, &call::look(&self.settings.dialect)).await {
            Ok(_) => Ok(()),
            // Registries that are older than the question do not know it.
            Err(error) if failure::is_unknown_path(&error) && error.class() == Class::Definite => Ok(()),
            Err(error) => Err(error),
        }
    }
}

impl Registry for Client {
    fn number<'r>(&'r self, subject: &'r str, text: &'r str) -> Pending<'r, u32> {
        Box::pin(self.find(subject, text))
    }

    fn look(&self) -> Pending<'_, ()> {
        Box::pin(self.look_around())
    }
}
