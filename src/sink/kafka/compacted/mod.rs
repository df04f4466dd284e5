//! A compacted topic that is this connector's own memory: seen, made, read whole, written with all replicas' word.
//!
//! Owns [`CompactedTopic`], which the schema history and the progress of snapshots are kept in. Everything here blocks and
//! is rare, so its callers run each step on a thread of its own: the whole topic is read when a connector starts, and few
//! records are written, with all in-sync replicas' acknowledgement.
//!
//! Nobody else writes to the topic. That is checked by its offsets: a record must come to lie right behind what was read
//! or written last. Where it lies further on, the caller is told to read the topic again, and where it lies before, the
//! topic was emptied. Must never make a topic that was there and is gone: its memory would begin anew, in silence.
//!
//! - `reader`, `writer`: the two ways of the records
//! - `purpose`: what it is kept for, in the words of its errors

mod purpose;
mod reader;
mod writer;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::error::RDKafkaErrorCode as Code;

pub(super) use self::purpose::{Forgetful, Purpose};
pub(super) use self::reader::consumer_settings;
use self::writer::Writer;
use super::context::lock;
use super::topics::{Brokers, Dry, creation_failure};
use crate::config::TopicCreation;
use crate::error::{Class, Error, Kind, Result};

/// How long the brokers have to answer a question.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(15);

/// Takes a record's key and value, in the order of each partition; says what is wrong with one that does not belong here.
pub(super) type Take<'a> = dyn FnMut(Option<&[u8]>, Option<&[u8]>) -> Result<(), String> + 'a;

/// A record to be written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Writing<'a> {
    /// What it is, for messages.
    pub(super) name: &'a str,
    pub(super) key: &'a [u8],
    /// None removes what was kept under the key.
    pub(super) value: Option<&'a [u8]>,
}

/// What a look has found.
#[derive(Debug)]
pub(super) enum Seen {
    /// Nothing that stands in the way, as far as this user may know it. That brokers are away is told by the sink's own look.
    Fine,
    /// The topic is there, and the brokers delete what it keeps.
    Forgetful(Error),
    /// It is not there and would not be made.
    Refused(Error),
}

/// Whether what was written lies where it should.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(super) enum Kept {
    /// Right behind what was read or written last.
    Next,
    /// Somebody else has written too: a process of ours that was killed meanwhile, or another.
    AmongOthers,
}

/// Why the topic is of no use.
#[derive(Debug)]
pub(super) enum Trouble {
    /// It is not there and may not be made, or may not be read.
    NoTopic(Error),
    /// Anything else.
    Other(Error),
}

impl Trouble {
    pub(super) fn into_error(self) -> Error {
        match self {
            Self::NoTopic(error) | Self::Other(error) => error,
        }
    }
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        Self::Other(error)
    }
}

/// A compacted topic of one connector.
pub(super) struct CompactedTopic {
    client: ClientConfig,
    creation: Option<TopicCreation>,
    name: String,
    purpose: &'static Purpose,
    state: Mutex<State>,
    /// Kept from the look to the opening: a connection with TLS and SASL is not made twice for a start.
    brokers: Mutex<Option<Brokers>>,
}

#[derive(Default)]
struct State {
    /// Where the next record of each partition will lie, as far as this process knows; none before the topic was read.
    ends: Vec<i64>,
    writer: Option<Writer>,
}

impl CompactedTopic {
    /// With the settings of the sink's producer.
    pub(super) fn new(
        client: ClientConfig,
        creation: Option<TopicCreation>,
        name: String,
        purpose: &'static Purpose,
    ) -> Self {
        Self { client, creation, name, purpose, state: Mutex::default(), brokers: Mutex::default() }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// How the topic is made: as configured for all topics, but for what a memory needs.
    fn new_topic(&self) -> TopicCreation {
        let configured = self.creation.as_ref();
        TopicCreation {
            partitions: 1,
            replication_factor: configured.map_or(-1, |creation| creation.replication_factor),
            config: vec![("cleanup.policy".to_owned(), "compact".to_owned())],
        }
    }

    /// Whether topics may be made: walcast was told to, or the brokers do it for anybody who writes.
    fn may_make(&self, brokers: &mut Brokers) -> bool {
        self.creation.is_some() || brokers.creates_automatically() != Some(false)
    }

    /// Looks, without side effects.
    ///
    /// # Errors
    /// Where the look itself cannot be made.
    pub(super) fn look(&self) -> Result<Seen> {
        let mut brokers = Brokers::new(self.client.clone())?;
        let seen = self.look_at(&mut brokers);
        *lock(&self.brokers) = Some(brokers);
        seen
    }

    fn look_at(&self, brokers: &mut Brokers) -> Result<Seen> {
        let Ok(seen) = brokers.topics(ANSWER_TIMEOUT) else { return Ok(Seen::Fine) };
        if seen.contains(&self.name) {
            return Ok(self.forgetful(brokers).map_or(Seen::Fine, Seen::Forgetful));
        }
        if !self.may_make(brokers) {
            return Ok(Seen::Refused(self.missing()));
        }
        let (name, creation) = (Arc::from(self.name()), self.new_topic());
        let outcome = brokers.creation_outcome(&[&name], &creation, Dry::Run)?;
        let code = outcome.into_iter().find_map(|(_, code)| code).filter(|code| *code != Code::TopicAlreadyExists);
        let refusal = code.map(|code| creation_failure(&name, code, &creation));
        Ok(refusal.filter(|error| error.class() == Class::Definite).map_or(Seen::Fine, Seen::Refused))
    }

    /// What is wrong with `cleanup.policy`, where this user may know it: what is deleted in time is no memory.
    fn forgetful(&self, brokers: &mut Brokers) -> Option<Error> {
        let policy = brokers.configuration(&self.name, "cleanup.policy")?;
        policy.split(',').any(|word| word.trim() == "delete").then(|| self.not_compacted(&policy))
    }

    /// Makes the topic where it is missing, and reads it whole.
    ///
    /// # Errors
    /// Transient for brokers that do not answer; definite for a topic that is missing, gone, refused, or holds what `take`
    /// does not.
    pub(super) fn open(&self, take: &mut Take<'_>) -> Result<(), Trouble> {
        let mut state = lock(&self.state);
        let known = lock(&self.brokers).take();
        let mut brokers = known.map_or_else(|| Brokers::new(self.client.clone()), Ok)?;
        if brokers.topics(ANSWER_TIMEOUT)?.contains(&self.name) {
            if self.purpose.forgetful == Forgetful::Refused
                && let Some(error) = self.forgetful(&mut brokers)
            {
                return Err(Trouble::Other(error));
            }
            return self.read_into(&mut state, take);
        }
        if !state.ends.is_empty() {
            return Err(Trouble::Other(self.gone()));
        }
        if !self.may_make(&mut brokers) {
            return Err(Trouble::NoTopic(self.missing()));
        }
        // Records are sure to come, and rows wait for them: it connects while the topic is made.
        let writer = Writer::new(&self.client).ok();
        let name: Arc<str> = Arc::from(self.name());
        brokers.create(&[&name], &self.new_topic()).map_err(|error| match error.kind() {
            Kind::SinkRefused => Trouble::NoTopic(error),
            _ => Trouble::Other(error),
        })?;
        tracing::info!(topic = self.name(), "made the topic of {}", self.purpose.what);
        // Nothing is in it yet, and not every broker may have heard of it.
        state.ends = vec![0];
        state.writer = writer.inspect(|writer| writer.learn(&self.name));
        Ok(())
    }

    /// Reads it whole again.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub(super) fn read(&self, take: &mut Take<'_>) -> Result<(), Trouble> {
        self.read_into(&mut lock(&self.state), take)
    }

    /// What was known of its ends outlasts a failure: it tells whether the topic was ever there.
    fn read_into(&self, state: &mut State, take: &mut Take<'_>) -> Result<(), Trouble> {
        state.ends = reader::read(self, &state.ends, take)?;
        Ok(())
    }

    /// Writes records in their order, all at once, and waits for the brokers. Some may be kept where it fails.
    ///
    /// # Errors
    /// As [`Self::open`], and definite where the topic was emptied.
    pub(super) fn keep(&self, records: &[Writing<'_>]) -> Result<Kept> {
        let mut state = lock(&self.state);
        let mut writer = match state.writer.take() {
            Some(writer) => writer,
            None => Writer::new(&self.client)?,
        };
        let places = writer.write(self, records)?;
        state.writer = Some(writer);
        let mut kept = Kept::Next;
        for (partition, offset) in places {
            let expected = usize::try_from(partition).ok().and_then(|at| state.ends.get_mut(at));
            match expected {
                Some(expected) if offset == *expected => *expected += 1,
                Some(expected) if offset < *expected => return Err(self.emptied()),
                _ => kept = Kept::AmongOthers,
            }
        }
        Ok(kept)
    }
}
