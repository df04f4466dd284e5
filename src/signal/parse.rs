//! From id, type and data to a signal.

use regex::Regex;
use serde_json::{Map, Value};

use super::{Action, Condition, Heard, Refused, Request, Signal, Tables};
use crate::config::pattern;

/// Characters of a name from outside that a log line carries at most.
const NAME_CHARS_MAX: usize = 64;

/// Reads a signal from what every channel brings: its id, its type, and a JSON object as its data.
#[must_use]
pub fn parse(id: &str, kind: &str, data: Option<&str>) -> Heard {
    match action(kind, data) {
        Ok(action) => Heard::Signal(Signal { id: id.to_owned(), action }),
        Err(why) => Refused::heard(id, why),
    }
}

fn action(kind: &str, data: Option<&str>) -> Result<Action, String> {
    match kind.trim() {
        "log" => Ok(Action::Log { message: text(&object(data)?, "message")?.ok_or("its data has no message")? }),
        "execute-snapshot" => execute(&object(data)?),
        "stop-snapshot" => {
            let data = object_or_nothing(data)?;
            only_incremental(&data)?;
            Ok(Action::Stop { tables: tables(&data)? })
        }
        "pause-snapshot" => only_incremental(&object_or_nothing(data)?).map(|()| Action::Pause),
        "resume-snapshot" => only_incremental(&object_or_nothing(data)?).map(|()| Action::Resume),
        "snapshot-window-open" | "snapshot-window-close" => Ok(Action::WindowMark),
        "schema-changes" => Err("schemas are read from the database, so nobody can change them by a signal".to_owned()),
        other => Err(format!("there is no signal of type {:?}", shortened(other))),
    }
}

fn execute(data: &Map<String, Value>) -> Result<Action, String> {
    let tables = tables(data)?.ok_or("its data names no data-collections")?;
    let conditions = match data.get("additional-conditions") {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(conditions)) => conditions.iter().map(condition).collect::<Result<_, _>>()?,
        Some(_) => return Err("additional-conditions of its data is no list".to_owned()),
    };
    let surrogate_key = text(data, "surrogate-key")?.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty());
    let request = Request { tables, conditions, surrogate_key };
    Ok(if is_blocking(data)? { Action::Blocking(request) } else { Action::Incremental(request) })
}

/// Whether `type` says `blocking`; `incremental` is the default.
fn is_blocking(data: &Map<String, Value>) -> Result<bool, String> {
    let Some(word) = text(data, "type")? else { return Ok(false) };
    match word.trim().to_ascii_lowercase().as_str() {
        "incremental" => Ok(false),
        "blocking" => Ok(true),
        other => Err(format!("there is no snapshot of type {:?}", shortened(other))),
    }
}

fn only_incremental(data: &Map<String, Value>) -> Result<(), String> {
    if is_blocking(data)? {
        return Err("only incremental snapshots can be stopped, paused and resumed".to_owned());
    }
    Ok(())
}

fn condition(value: &Value) -> Result<Condition, String> {
    let Value::Object(fields) = value else { return Err("one of its additional-conditions is no object".to_owned()) };
    let table = text(fields, "data-collection")?.ok_or("one of its additional-conditions has no data-collection")?;
    let filter = text(fields, "filter")?.filter(|filter| !filter.trim().is_empty());
    let filter = filter.ok_or("one of its additional-conditions has no filter")?;
    Ok(Condition { table: expression(&table)?, text: table, filter })
}

/// A request of texts that were read before.
pub(super) fn request<'a>(
    tables: impl IntoIterator<Item = &'a str>,
    conditions: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> Result<Request, String> {
    let table = |text: &str| Ok((text.to_owned(), expression(text)?));
    let condition = |(text, filter): (&str, &str)| {
        Ok(Condition { table: expression(text)?, text: text.to_owned(), filter: filter.to_owned() })
    };
    Ok(Request {
        tables: Tables(tables.into_iter().map(table).collect::<Result<_, String>>()?),
        conditions: conditions.into_iter().map(condition).collect::<Result<_, String>>()?,
        surrogate_key: None,
    })
}

/// `data-collections`; absent and empty are the same.
fn tables(data: &Map<String, Value>) -> Result<Option<Tables>, String> {
    let listed = match data.get("data-collections") {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::Array(listed)) => listed,
        Some(_) => return Err("data-collections of its data is no list".to_owned()),
    };
    let one = |value: &Value| match value {
        Value::String(text) => Ok((text.trim().to_owned(), expression(text)?)),
        _ => Err("data-collections of its data has an element that is no text".to_owned()),
    };
    let tables: Vec<(String, Regex)> = listed.iter().map(one).collect::<Result<_, String>>()?;
    Ok(Some(tables).filter(|tables| !tables.is_empty()).map(Tables))
}

fn expression(text: &str) -> Result<Regex, String> {
    pattern::compile(text.trim())
}

fn object(data: Option<&str>) -> Result<Map<String, Value>, String> {
    let Some(data) = data.map(str::trim).filter(|data| !data.is_empty()) else {
        return Err("it has no data".to_owned());
    };
    match serde_json::from_str(data) {
        Ok(Value::Object(fields)) => Ok(fields),
        Ok(_) => Err("its data is no JSON object".to_owned()),
        // The text of the error may quote the data.
        Err(error) => Err(format!("its data is no JSON (line {}, column {})", error.line(), error.column())),
    }
}

fn object_or_nothing(data: Option<&str>) -> Result<Map<String, Value>, String> {
    if data.is_none_or(|data| data.trim().is_empty()) { Ok(Map::new()) } else { object(data) }
}

fn text(fields: &Map<String, Value>, name: &str) -> Result<Option<String>, String> {
    match fields.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(format!("{name} of its data is no text")),
    }
}

fn shortened(name: &str) -> String {
    name.chars().take(NAME_CHARS_MAX).collect()
}
