//! Topics at the brokers: seen, created, or refused by name.
//!
//! Owns [`Topics`], behind `prepare`. librdkafka's metadata and admin calls block, so each look runs on a thread of
//! its own and answers over a channel; the pipeline's thread goes on answering the database meanwhile.
//! What was seen once is vouched for as long as the sink lives.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, ResourceSpecifier, TopicReplication};
use rdkafka::client::{ClientContext, DefaultClientContext};
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};
use rdkafka::message::DeliveryResult;
use rdkafka::metadata::Metadata;
use rdkafka::producer::{BaseProducer, NoCustomPartitioner, Producer, ProducerContext};
use tokio::sync::oneshot;

use super::context::{Complaints, Vouched, lock};
use super::{Waiting, failure, settings};
use crate::config::TopicCreation;
use crate::error::{Error, Kind, Result};

/// How long the brokers have to answer a question.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(15);

/// How long one question waits before the reasons for the silence are looked at.
const ANSWER_SLICE: Duration = Duration::from_secs(1);

/// How long they have to create topics.
const CREATION_TIMEOUT: Duration = Duration::from_secs(30);

/// How often a topic that is being made is looked for.
const CREATION_LOOK_INTERVAL: Duration = Duration::from_millis(50);

/// Runs something that blocks on a thread of its own.
pub(super) fn on_a_thread<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Waiting<T> {
    Box::pin(async move {
        let (answer, answered) = oneshot::channel();
        thread::Builder::new()
            .name("kafka-topics".to_owned())
            .spawn(move || {
                // The asker may have gone; then nobody wants the answer.
                let _ = answer.send(work());
            })
            .map_err(|error| Error::new(Kind::Local, "cannot start a thread").caused_by(error))?;
        answered.await.unwrap_or_else(|_| Err(Error::bug("the thread that looks at topics panicked")))
    })
}

/// Topics of one sink. Cloning gives another handle of the same.
#[derive(Clone)]
pub(super) struct Topics(Arc<Shared>);

struct Shared {
    client: ClientConfig,
    creation: Option<TopicCreation>,
    vouched: Vouched,
    /// Kept from one look to the next: a connection with TLS and SASL is not made for each topic anew.
    brokers: Mutex<Option<Brokers>>,
}

impl Topics {
    pub(super) fn new(client: ClientConfig, creation: Option<TopicCreation>, vouched: Vouched) -> Self {
        Self(Arc::new(Shared { client, creation, vouched, brokers: Mutex::default() }))
    }

    /// What the sink's clients are made with.
    pub(super) fn client(&self) -> &ClientConfig {
        &self.0.client
    }

    pub(super) fn setting(&self, name: &str) -> Option<String> {
        self.0.client.get(name).map(str::to_owned)
    }

    pub(super) fn is_vouched(&self, topic: &str) -> bool {
        lock(&self.0.vouched).contains(topic)
    }

    pub(super) fn prepare(&self, mut topics: Vec<Arc<str>>) -> Waiting<()> {
        {
            let vouched = lock(&self.0.vouched);
            topics.retain(|topic| !vouched.contains(topic));
        }
        if topics.is_empty() {
            return Box::pin(std::future::ready(Ok(())));
        }
        let shared = Arc::clone(&self.0);
        on_a_thread(move || shared.prepare(&topics))
    }
}

impl Shared {
    fn prepare(&self, topics: &[Arc<str>]) -> Result<()> {
        // Looks of one sink come one after the other: they share a connection.
        let mut kept = lock(&self.brokers);
        let mut brokers = match kept.take() {
            Some(brokers) => brokers,
            None => Brokers::new(self.client.clone())?,
        };
        let seen = brokers.topics(ANSWER_TIMEOUT)?;
        let missing: Vec<&Arc<str>> = topics.iter().filter(|topic| !seen.contains(&***topic)).collect();
        lock(&self.vouched).extend(seen.iter().map(|name| Arc::from(name.as_str())));
        match &self.creation {
            _ if missing.is_empty() => {}
            Some(creation) => brokers.create(&missing, creation)?,
            None => brokers.await_automatic_creation(&missing)?,
        }
        lock(&self.vouched).extend(topics.iter().map(Arc::clone));
        *kept = Some(brokers);
        Ok(())
    }
}

/// Remembers what librdkafka complained of, as the reason why nothing answers.
#[derive(Default)]
pub(super) struct Asking {
    reason: Mutex<Option<(Code, String)>>,
    complaints: Complaints,
}

impl ClientContext for Asking {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, line: &str) {
        self.complaints.log(level, facility, line);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        let code = error.rdkafka_error_code().unwrap_or(Code::Unknown);
        let mut kept = lock(&self.reason);
        // "All brokers are down" is the sum of reasons that came before it; refused credentials outlast the rest.
        let worse = kept.as_ref().is_none_or(|(old, _)| !is_refusal(*old));
        if worse && (code != Code::AllBrokersDown || kept.is_none()) {
            *kept = Some((code, reason.to_owned()));
        }
    }
}

impl ProducerContext<NoCustomPartitioner> for Asking {
    type DeliveryOpaque = usize;

    fn delivery(&self, _result: &DeliveryResult<'_>, _opaque: usize) {}
}

/// Whether a reason for silence is one that an operator has to mend.
fn is_refusal(code: Code) -> bool {
    matches!(code, Code::Authentication | Code::SSL | Code::SaslAuthenticationFailed | Code::UnsupportedSASLMechanism)
}

/// The brokers, to be asked. Every call blocks.
pub(super) struct Brokers {
    client: ClientConfig,
    asking: BaseProducer<Asking>,
    admin: Option<AdminClient<DefaultClientContext>>,
}

impl Brokers {
    /// # Errors
    /// `Config` for settings that do not fit together.
    pub(super) fn new(mut client: ClientConfig) -> Result<Self> {
        // A cut connection may be the only sign of a wrong protocol.
        client.set("log.connection.close", "true");
        let asking = client.create_with_context(Asking::default()).map_err(|error| settings::creation_error(&error))?;
        Ok(Self { client, asking, admin: None })
    }

    /// Names of all topics that this user may see. Asking for all of them creates none.
    ///
    /// # Errors
    /// `SinkUnavailable` without an answer in time; `SinkRefused` for refused credentials or certificates.
    pub(super) fn topics(&self, timeout: Duration) -> Result<HashSet<String>> {
        let metadata = self.metadata(None, timeout)?;
        let topics = metadata.topics().iter().filter(|topic| topic.error().is_none());
        Ok(topics.map(|topic| topic.name().to_owned()).collect())
    }

    /// Cluster id and number of brokers.
    ///
    /// # Errors
    /// As [`Brokers::topics`].
    pub(super) fn cluster(&self, timeout: Duration) -> Result<(Option<String>, usize)> {
        let metadata = self.metadata(None, timeout)?;
        Ok((self.asking.client().fetch_cluster_id(timeout), metadata.brokers().len()))
    }

    /// Asks in slices of time, to see in between whether waiting is of any use.
    fn metadata(&self, topic: Option<&str>, timeout: Duration) -> Result<Metadata> {
        let deadline = Instant::now() + timeout;
        loop {
            let since = Instant::now();
            match self.asking.client().fetch_metadata(topic, ANSWER_SLICE) {
                Ok(metadata) => return Ok(metadata),
                Err(error) => {
                    let silence = self.silence(&error);
                    if silence.kind() == Kind::SinkRefused || Instant::now() >= deadline {
                        return Err(silence);
                    }
                }
            }
            // It also fails at once where a connection was cut.
            thread::sleep(CREATION_LOOK_INTERVAL.saturating_sub(since.elapsed()));
        }
    }

    /// Why nobody answered.
    fn silence(&self, error: &KafkaError) -> Error {
        // Serves what was complained of while the call waited: one event a call.
        for _ in 0..64 {
            self.asking.poll(Duration::ZERO);
        }
        let servers = self.client.get("bootstrap.servers").unwrap_or_default();
        let reason = lock(&self.asking.context().reason).clone();
        match reason {
            Some((code, reason)) if is_refusal(code) => {
                Error::new(Kind::SinkRefused, format!("the connection to the brokers at {servers} is refused"))
                    .detail(reason)
                    .hint("check producer.override.security.protocol, .sasl.* and .ssl.*")
            }
            reason => {
                let detail = reason.map_or_else(|| error.to_string(), |(_, reason)| reason);
                Error::new(Kind::SinkUnavailable, format!("no broker answers at {servers}")).detail(detail).hint(
                    "check that the brokers run, bootstrap.servers, the brokers' advertised.listeners, and \
                     producer.override.security.protocol",
                )
            }
        }
    }

    fn admin(&mut self) -> Result<&AdminClient<DefaultClientContext>> {
        match &mut self.admin {
            Some(admin) => Ok(admin),
            empty => {
                let admin = self
                    .client
                    .create_with_context(DefaultClientContext)
                    .map_err(|error| settings::creation_error(&error))?;
                Ok(empty.insert(admin))
            }
        }
    }

    /// Creates topics; one that is there by now is fine.
    ///
    /// # Errors
    /// `SinkRefused` for rights and settings, naming the first topic; `SinkUnavailable` for the rest.
    pub(super) fn create(&mut self, topics: &[&Arc<str>], creation: &TopicCreation) -> Result<()> {
        for (topic, code) in self.creation_outcome(topics, creation, Dry::No)? {
            match code {
                None | Some(Code::TopicAlreadyExists) => {}
                Some(code) => return Err(creation_failure(&topic, code, creation)),
            }
        }
        Ok(())
    }

    /// What the brokers say to the creation of each topic; with [`Dry::Run`] nothing is created.
    ///
    /// # Errors
    /// `SinkUnavailable` where the brokers say nothing.
    pub(super) fn creation_outcome(
        &mut self,
        topics: &[&Arc<str>],
        creation: &TopicCreation,
        dry: Dry,
    ) -> Result<Vec<(String, Option<Code>)>> {
        let new: Vec<NewTopic<'_>> = topics
            .iter()
            .map(|topic| {
                let replication = TopicReplication::Fixed(creation.replication_factor);
                let new = NewTopic::new(topic, creation.partitions, replication);
                creation.config.iter().fold(new, |new, (name, value)| new.set(name, value))
            })
            .collect();
        let options = AdminOptions::new()
            .operation_timeout(Some(CREATION_TIMEOUT))
            .request_timeout(Some(CREATION_TIMEOUT + Duration::from_secs(5)))
            .validate_only(matches!(dry, Dry::Run));
        let outcomes = block_on(self.admin()?.create_topics(&new, &options))?.map_err(|error| match error {
            KafkaError::AdminOpCreation(reason) => Error::new(Kind::SinkRefused, "a topic cannot be created")
                .detail(reason)
                .hint("check topic.creation.default.*"),
            error => self.silence(&error),
        })?;
        Ok(outcomes
            .into_iter()
            .map(|outcome| match outcome {
                Ok(topic) => (topic, None),
                Err((topic, code)) => (topic, Some(code)),
            })
            .collect())
    }

    /// Asks for topics by name, which makes brokers create them where they do that, and waits until they are there.
    fn await_automatic_creation(&mut self, topics: &[&Arc<str>]) -> Result<()> {
        let deadline = Instant::now() + CREATION_TIMEOUT;
        let mut creates = None;
        for topic in topics {
            loop {
                let metadata = self.metadata(Some(topic), ANSWER_TIMEOUT)?;
                let found = metadata.topics().iter().find(|found| found.name() == &***topic);
                match found.map(|found| found.error().map(Code::from)) {
                    Some(None) => break,
                    Some(Some(Code::UnknownTopicOrPartition | Code::LeaderNotAvailable | Code::UnknownTopic))
                    | None => {}
                    Some(Some(code)) => return Err(failure::of_record(code, topic, false).error()),
                }
                let creates = *creates.get_or_insert_with(|| self.creates_automatically());
                if creates == Some(false) || Instant::now() >= deadline {
                    return Err(failure::missing_topic(topic).error());
                }
                thread::sleep(CREATION_LOOK_INTERVAL);
            }
        }
        Ok(())
    }

    /// `auto.create.topics.enable`, where this user may know it.
    pub(super) fn creates_automatically(&mut self) -> Option<bool> {
        let metadata = self.metadata(None, ANSWER_TIMEOUT).ok()?;
        let broker = ResourceSpecifier::Broker(metadata.brokers().first()?.id());
        Some(self.described(&broker, "auto.create.topics.enable")?.eq_ignore_ascii_case("true"))
    }

    /// A setting of a topic, where this user may know it.
    pub(super) fn configuration(&mut self, topic: &str, name: &str) -> Option<String> {
        self.described(&ResourceSpecifier::Topic(topic), name)
    }

    fn described(&mut self, of: &ResourceSpecifier<'_>, name: &str) -> Option<String> {
        let options = AdminOptions::new().request_timeout(Some(ANSWER_TIMEOUT));
        let described = block_on(self.admin().ok()?.describe_configs([of], &options)).ok()?.ok()?;
        let resource = described.into_iter().next()?.ok()?;
        resource.get(name)?.value.clone()
    }
}

/// Whether a creation is only tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dry {
    /// The brokers check it and create nothing.
    Run,
    /// They create it.
    No,
}

/// Waits for an answer of the admin client, which comes from a thread of its own.
fn block_on<T>(answer: impl Future<Output = T>) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .map_err(|error| Error::new(Kind::Local, "cannot wait for the brokers").caused_by(error))?;
    Ok(runtime.block_on(answer))
}

/// Why a topic was not created.
pub(super) fn creation_failure(topic: &str, code: Code, creation: &TopicCreation) -> Error {
    let text = failure::text(code);
    let refused = |hint: String| {
        Error::new(Kind::SinkRefused, format!("topic {topic} cannot be created")).detail(text.clone()).hint(hint)
    };
    let TopicCreation { partitions, replication_factor, .. } = creation;
    match code {
        Code::TopicAuthorizationFailed | Code::ClusterAuthorizationFailed => refused(format!(
            "grant ACL operation CREATE on topic {topic} (or on the cluster) to the connector's Kafka user, or create \
             the topic"
        )),
        Code::InvalidReplicationFactor => refused(format!(
            "topic.creation.default.replication.factor is {replication_factor}: it must not exceed the number of brokers"
        )),
        Code::InvalidPartitions => refused(format!("topic.creation.default.partitions is {partitions}")),
        Code::InvalidConfig => refused("check the other topic.creation.default.* properties".to_owned()),
        Code::PolicyViolation => refused("a policy of the brokers forbids it; see their log".to_owned()),
        Code::InvalidTopic => failure::of_record(code, topic, false).error(),
        Code::InvalidRequest | Code::UnsupportedVersion => refused("create the topic by hand".to_owned()),
        _ => Error::new(Kind::SinkUnavailable, format!("topic {topic} was not created"))
            .detail(text)
            .hint("see whether the brokers and their controller are up"),
    }
}
