//! What walcast tells beyond Debezium: its own headers, and where numbers of schemas are kept.

use super::check::Checked;
use super::findings::Findings;

/// `walcast.schema.history` and `walcast.schema.history.topic`
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SchemaHistory {
    /// Whether it is kept.
    pub keeping: Keeping,
    /// The topic that it is kept in.
    pub topic: String,
}

/// `walcast.schema.history`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Keeping {
    /// Where its topic is there or may be made: `auto`.
    #[default]
    WherePossible,
    /// Or the connector does not start: `required`, and `auto` where records carry the numbers.
    Required,
    /// Numbers begin at 1 with every run: `off`.
    Off,
}

/// One of walcast's own headers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WalcastHeader {
    /// `position`
    Position,
    /// `event_id`
    EventId,
    /// `schema_version`
    SchemaVersion,
}

impl WalcastHeader {
    /// All there are.
    pub const ALL: [Self; 3] = [Self::Position, Self::EventId, Self::SchemaVersion];

    /// The word in `walcast.headers`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Position => "position",
            Self::EventId => "event_id",
            Self::SchemaVersion => "schema_version",
        }
    }
}

/// Words of a list, without blanks around them and without empty ones.
fn words(value: &str) -> impl Iterator<Item = &str> {
    value.split(',').map(str::trim).filter(|word| !word.is_empty())
}

fn header(word: &str) -> Option<WalcastHeader> {
    WalcastHeader::ALL.into_iter().find(|header| header.word().eq_ignore_ascii_case(word))
}

/// Checks `walcast.headers`.
pub(super) fn check_headers(value: &str) -> Result<(), String> {
    let mut seen = Vec::new();
    for word in words(value) {
        let Some(header) = header(word) else {
            return Err(format!("must be a list of {}", WalcastHeader::ALL.map(WalcastHeader::word).join(", ")));
        };
        if seen.contains(&header) {
            return Err(format!("names {} twice", header.word()));
        }
        seen.push(header);
    }
    Ok(())
}

/// Checks `walcast.schema.history.topic`.
pub(super) fn check_topic(value: &str) -> Result<(), String> {
    let valid = value.len() <= 249
        && !matches!(value, "." | "..")
        && value.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-'));
    match valid {
        true => Ok(()),
        false => Err("must be up to 249 letters, digits, dots, hyphens and underscores".to_owned()),
    }
}

/// The headers that are wanted, in their order.
pub(super) fn headers(checked: &Checked) -> Vec<WalcastHeader> {
    words(checked.value("walcast.headers").unwrap_or_default()).filter_map(header).collect()
}

/// The history of a connector.
pub(super) fn schema_history(checked: &Checked, findings: &mut Findings) -> SchemaHistory {
    let shows_numbers = headers(checked).contains(&WalcastHeader::SchemaVersion);
    let word = checked.value("walcast.schema.history").unwrap_or_default().trim().to_ascii_lowercase();
    let keeping = match word.as_str() {
        "required" => Keeping::Required,
        "off" => Keeping::Off,
        _ if shows_numbers => Keeping::Required,
        _ => Keeping::WherePossible,
    };
    if shows_numbers && keeping == Keeping::Off {
        findings.mistake(
            "walcast.schema.history: is off, but walcast.headers has schema_version, and numbers that begin again with \
             every run say nothing; leave one of them out",
        );
    }
    let named = checked.value("walcast.schema.history.topic").map(str::trim).filter(|topic| !topic.is_empty());
    let prefix = checked.value("topic.prefix").unwrap_or_default();
    SchemaHistory { keeping, topic: named.map_or_else(|| format!("{prefix}.walcast-schemas"), str::to_owned) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Connector, Overrides, load_text};
    use crate::error::Error;

    fn load(more: &str) -> Result<Connector, Error> {
        let text = format!(
            "bootstrap.servers=b:1\ndatabase.hostname=h\ndatabase.user=u\ndatabase.dbname=d\ntopic.prefix=shop\n\
             plugin.name=pgoutput\nsnapshot.mode=no_data\n{more}"
        );
        load_text("x.properties", &text, &Overrides::default(), &|_| None).map(|loaded| loaded.connector)
    }

    #[test]
    fn there_are_no_headers_unless_they_are_asked_for_and_then_in_their_order() {
        use WalcastHeader::{EventId, Position, SchemaVersion};
        for (more, headers) in [
            ("", &[][..]),
            ("walcast.headers=", &[]),
            ("walcast.headers=event_id", &[EventId]),
            ("walcast.headers= Schema_Version , position,", &[SchemaVersion, Position]),
            ("walcast.headers=position,event_id,schema_version", &[Position, EventId, SchemaVersion]),
        ] {
            assert_eq!(load(more).unwrap().records.walcast_headers, headers, "{more}");
        }
        for more in ["walcast.headers=postion", "walcast.headers=position,position"] {
            let report = load(more).unwrap_err().report();
            assert!(report.contains("walcast.headers") && report.contains("position"), "{report}");
        }
        let report = load("walcast.headers=version").unwrap_err().report();
        assert!(report.contains("position, event_id, schema_version"), "{report}");
    }

    #[test]
    fn the_history_is_kept_where_it_can_be_and_must_be_where_numbers_are_shown() {
        for (more, keeping, topic) in [
            ("", Keeping::WherePossible, "shop.walcast-schemas"),
            ("walcast.schema.history=AUTO", Keeping::WherePossible, "shop.walcast-schemas"),
            ("walcast.schema.history=off", Keeping::Off, "shop.walcast-schemas"),
            ("walcast.schema.history=required\nwalcast.schema.history.topic=h", Keeping::Required, "h"),
            ("walcast.headers=schema_version", Keeping::Required, "shop.walcast-schemas"),
            ("walcast.headers=position", Keeping::WherePossible, "shop.walcast-schemas"),
        ] {
            let history = load(more).unwrap().schema_history;
            assert_eq!((history.keeping, history.topic.as_str()), (keeping, topic), "{more}");
        }
        for (more, named) in [
            ("walcast.schema.history=off\nwalcast.headers=schema_version", "schema_version"),
            ("walcast.schema.history=perhaps", "auto, required, off"),
            ("walcast.schema.history.topic=a b", "letters"),
        ] {
            let report = load(more).unwrap_err().report();
            assert!(report.contains(named), "{report}");
        }
    }
}
