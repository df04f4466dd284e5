//! A registry in memory, for tests: numbers texts as Confluent's does, and fails as it is told to.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::{Pending, Registry};
use crate::error::{Error, Result};

/// A registry in memory. The same text has one number, whatever its subjects.
#[derive(Debug, Default)]
pub struct MemoryRegistry(Mutex<Held>);

#[derive(Debug, Default)]
struct Held {
    numbers: HashMap<String, u32>,
    versions: HashMap<String, Vec<String>>,
    failures: VecDeque<Error>,
    asked: usize,
}

impl MemoryRegistry {
    /// The next question fails so; several failures come one after the other.
    pub fn fail(&self, error: Error) {
        self.held().failures.push_back(error);
    }

    /// The texts under a subject, oldest first.
    #[must_use]
    pub fn versions(&self, subject: &str) -> Vec<String> {
        self.held().versions.get(subject).cloned().unwrap_or_default()
    }

    /// How often it was asked for a number.
    #[must_use]
    pub fn asked(&self) -> usize {
        self.held().asked
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn register(&self, subject: &str, text: &str) -> Result<u32> {
        let mut held = self.held();
        held.asked += 1;
        if let Some(error) = held.failures.pop_front() {
            return Err(error);
        }
        let next = u32::try_from(held.numbers.len()).unwrap_or(u32::MAX).saturating_add(1);
        let number = *held.numbers.entry(text.to_owned()).or_insert(next);
        let versions = held.versions.entry(subject.to_owned()).or_default();
        if versions.iter().all(|version| version != text) {
            versions.push(text.to_owned());
        }
        Ok(number)
    }
}

impl Registry for MemoryRegistry {
    fn number<'r>(&'r self, subject: &'r str, text: &'r str) -> Pending<'r, u32> {
        Box::pin(async move { self.register(subject, text) })
    }

    fn look(&self) -> Pending<'_, ()> {
        Box::pin(async move {
            match self.held().failures.pop_front() {
                Some(error) => Err(error),
                None => Ok(()),
            }
        })
    }
}
