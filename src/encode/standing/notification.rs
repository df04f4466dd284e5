//! Notifications.
//!
//! Source: Debezium's `SinkNotificationChannel`.

use super::super::Encoder;
use super::super::format::{Format, Payload, Segments};
use super::Standing;
use crate::event::Notification;
use crate::schema::Put as _;

struct Key<'a>(&'a Notification);

impl Payload for Key<'_> {
    fn fill<'s, F: Format>(&self, to: Segments<'s, F>) -> Segments<'s, F> {
        to.value(|to| to.put_str(&self.0.id))
    }
}

struct Value<'a> {
    notification: &'a Notification,
    unix_millis: i64,
}

impl Payload for Value<'_> {
    fn fill<'s, F: Format>(&self, to: Segments<'s, F>) -> Segments<'s, F> {
        let Notification { id, aggregate, kind, additional } = self.notification;
        to.value(|to| to.put_str(id))
            .value(|to| to.put_str(kind))
            .value(|to| to.put_str(aggregate))
            .value(|to| {
                to.begin_map(additional.len());
                for (name, text) in additional {
                    to.entry(name);
                    to.put_str(text);
                }
                to.end_map(additional.len());
            })
            .value(|to| to.put_i64(self.unix_millis))
    }
}

impl Encoder {
    /// Encodes a notification; gives the number of records, which is 1, or 0 where no topic has them.
    pub fn notification(&mut self, notification: &Notification, now_unix_nanos: u64) -> usize {
        if self.options.records.notification_topic.is_none() {
            return 0;
        }
        let unix_millis = i64::try_from(now_unix_nanos / 1_000_000).unwrap_or(i64::MAX);
        self.write_standing(Standing::Notification, None, &Key(notification), &Value { notification, unix_millis })
    }
}
