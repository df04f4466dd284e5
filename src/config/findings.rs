//! What was found while a configuration was read: mistakes, warnings and notes.
//!
//! Owns [`Findings`], which collects, and turns mistakes into the one error that lists them all. Invariant: a
//! value is only put into a text by [`shown`], and a name that may hold a salt by [`shown_name`]; both hide secrets.

use std::borrow::Cow;
use std::fmt;

use crate::error::{Error, Kind};

/// Something to look at that does not stop a start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// The property, where it is about one.
    pub property: Option<String>,
    /// What is odd about it, and what happens.
    pub text: String,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.property {
            Some(property) => write!(f, "{property}: {}", self.text),
            None => f.write_str(&self.text),
        }
    }
}

/// A property that was accepted and has no effect here, with the reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// The property.
    pub property: String,
    /// Why it has no effect.
    pub reason: String,
}

/// A value as it may be shown: quoted, shortened, and never a secret.
pub(super) fn shown(value: &str, secret: bool) -> String {
    const LONGEST: usize = 80;
    if secret {
        return "********".to_owned();
    }
    let mut text: String = value.chars().take(LONGEST).collect();
    if text.len() < value.len() {
        text.push('…');
    }
    format!("{text:?}")
}

/// The name of a property as it may be shown: a salt is a part of the name, and a secret.
pub(super) fn shown_name(name: &str) -> Cow<'_, str> {
    let lower = name.to_ascii_lowercase();
    let before = |mark: &str| lower.find(mark).and_then(|at| name.get(..at + mark.len()));
    // Whoever forgets the one word has most likely not forgotten the salt.
    let salt = before(".salt.").or_else(|| before(".with.").filter(|_| lower.contains("mask.hash")));
    salt.map_or(Cow::Borrowed(name), |before| Cow::Owned(format!("{before}********")))
}

/// Collects what is found.
#[derive(Debug, Default)]
pub(super) struct Findings {
    mistakes: Vec<String>,
    /// Properties that are present with a mistake, and so are not missing.
    reported: Vec<String>,
    pub(super) warnings: Vec<Warning>,
    pub(super) notes: Vec<Note>,
}

impl Findings {
    /// A mistake: the start is refused once everything was looked at.
    pub(super) fn mistake(&mut self, text: impl Into<String>) {
        let text = text.into();
        if !self.mistakes.contains(&text) {
            self.mistakes.push(text);
        }
    }

    /// A mistake in a property's value, which then counts as present.
    pub(super) fn mistake_of(&mut self, property: &str, text: impl Into<String>) {
        self.reported.push(property.to_owned());
        self.mistake(text);
    }

    /// Whether a mistake in this property's value was found.
    pub(super) fn is_reported(&self, property: &str) -> bool {
        self.reported.iter().any(|reported| reported == property)
    }

    pub(super) fn warn(&mut self, property: &str, text: impl Into<String>) {
        self.warnings.push(Warning { property: Some(shown_name(property).into_owned()), text: text.into() });
    }

    pub(super) fn note(&mut self, property: &str, reason: impl Into<String>) {
        self.notes.push(Note { property: shown_name(property).into_owned(), reason: reason.into() });
    }

    /// All mistakes as one error, one a line, then the warnings; `None` where there is no mistake.
    pub(super) fn error(&self, origin: &str) -> Option<Error> {
        let message = match self.mistakes.len() {
            0 => return None,
            1 => format!("the configuration in {origin} has a mistake"),
            count => format!("the configuration in {origin} has {count} mistakes"),
        };
        let mut lines = String::new();
        for mistake in &self.mistakes {
            lines.push_str("\n    - ");
            lines.push_str(mistake);
        }
        // A misspelt name is often why something is missing.
        for warning in &self.warnings {
            lines.push_str("\n    also: ");
            lines.push_str(&warning.to_string());
        }
        Some(
            Error::new(Kind::Config, message).detail(lines).hint("mend what is listed; nothing was started or changed"),
        )
    }
}
