//! Errors as they leave the process: for people, or as one JSON object.

use std::error::Error as _;
use std::io::Write as _;
use std::time::SystemTime;

use serde_json::{Value, json};

use crate::error::Error;
use crate::lsn::Lsn;
use crate::observe::log::Format;
use crate::observe::status::utc;

/// Prints an error to standard error.
pub(super) fn print(error: &Error, format: Format) {
    let text = match format {
        Format::Text => error.report(),
        Format::Json => object(error, SystemTime::now()).to_string(),
    };
    // Where standard error is gone, the exit code still tells.
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// The same fields that a log line has, and the error's parts.
fn object(error: &Error, now: SystemTime) -> Value {
    let (expected, found) = error.lsns();
    let mut causes = Vec::new();
    let mut cause = error.source();
    while let Some(source) = cause {
        causes.push(source.to_string());
        cause = source.source();
    }
    json!({
        "timestamp": utc(now),
        "level": "ERROR",
        "message": error.message(),
        "class": error.class().as_str(),
        "kind": error.kind().as_str(),
        "detail": error.detail_text(),
        "causes": causes,
        "remedy": error.hint_text(),
        "expected_lsn": expected.as_ref().map(Lsn::to_string),
        "found_lsn": found.as_ref().map(Lsn::to_string),
        "exit_code": error.kind().exit_code(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;

    #[test]
    fn the_object_has_every_part_of_the_error() {
        let error = Error::new(Kind::SlotMoved, "moved")
            .positions(Lsn::new(1), Lsn::new(2))
            .detail("d")
            .hint("h")
            .caused_by(std::io::Error::other("inner"));
        let object = object(&error, SystemTime::UNIX_EPOCH);
        for (key, value) in [
            ("timestamp", json!("1970-01-01T00:00:00.000Z")),
            ("message", json!("moved")),
            ("class", json!("definite")),
            ("kind", json!("slot_moved")),
            ("detail", json!("d")),
            ("causes", json!(["inner"])),
            ("remedy", json!("h")),
            ("expected_lsn", json!("0/1")),
            ("found_lsn", json!("0/2")),
            ("exit_code", json!(5)),
        ] {
            assert_eq!(object[key], value, "{key}");
        }
        assert!(!object.to_string().contains('\n'), "one line");
    }
}
