//! What a registry's refusals and silences become: errors with the subject, the registry's own words and a remedy.
//!
//! Must never repeat a header or a body of ours.

use serde_json::Value;

use super::call::Version;
use super::http::{Answer, Silence};
use super::shape;
use crate::config::SchemaChoice;
use crate::error::{Error, Kind};

/// Longest that is repeated of a registry's own words.
const REASON_CHARS_MAX: usize = 2_000;
/// Most columns that are named.
const COLUMNS_MAX: usize = 10;

const UNAVAILABLE_REMEDY: &str = "start the registry, or check the converter's registry url; nothing is lost meanwhile: \
                                  the slot keeps what is not written";
const CREDENTIALS_REMEDY: &str = "check the user or token of the converter (basic.auth.user.info with \
                                  basic.auth.credentials.source=USER_INFO, or bearer.auth.token) and what it may do";

/// An answer that is none of 200 to 299 and will not pass by itself.
pub(super) struct Refusal<'r> {
    pub(super) address: &'r str,
    pub(super) subject: Option<&'r str>,
    pub(super) answer: &'r Answer,
    pub(super) choice: SchemaChoice,
}

/// Whether the same question may be answered later.
pub(super) const fn may_pass(status: u16) -> bool {
    matches!(status, 408 | 425 | 429 | 500..)
}

/// The registry's own words, and its own code.
fn reason(answer: &Answer) -> (String, Option<u64>) {
    let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let text = |name: &str| body.get(name).and_then(Value::as_str);
    let mut words = text("message").or(text("detail")).or(text("title")).unwrap_or("no reason was given").to_owned();
    // Apicurio keeps what is wrong apart from what was asked.
    for cause in body.get("causes").and_then(Value::as_array).into_iter().flatten() {
        let description = cause.get("description").and_then(Value::as_str).unwrap_or_default();
        let context = cause.get("context").and_then(Value::as_str).unwrap_or_default();
        words.push_str(&format!("; {description} {context}"));
    }
    if let Some((at, _)) = words.char_indices().nth(REASON_CHARS_MAX) {
        words.truncate(at);
        words.push('…');
    }
    (words, body.get("error_code").and_then(Value::as_u64))
}

/// An address that did not answer, in words.
pub(super) fn silent(address: &str, silence: &Silence) -> String {
    match silence {
        Silence::Unreachable(why) | Silence::Untrusted(why) => format!("{address}: {why}"),
        Silence::TimedOut(patience) => format!("{address}: no answer within {} ms", patience.as_millis()),
    }
}

/// An address that cannot answer now, in words.
pub(super) fn temporary(address: &str, answer: &Answer) -> String {
    format!("{address}: {} {}", answer.status, reason(answer).0)
}

/// No address answers.
pub(super) fn unavailable(failed: Vec<String>) -> Error {
    Error::new(Kind::RegistryUnavailable, "the schema registry does not answer")
        .detail(failed.join("; "))
        .hint(UNAVAILABLE_REMEDY)
}

/// One side does not accept the other's certificate.
pub(super) fn untrusted(address: &str, why: &str) -> Error {
    Error::new(Kind::RegistryRefused, "the schema registry and walcast do not trust each other")
        .detail(format!("{address}: {why}"))
        .hint("check ssl.truststore, ssl.keystore, and that the registry's certificate names the host in its url")
}

/// Something else than a registry answers.
pub(super) fn unreadable(subject: Option<&str>, answer: &Answer) -> Error {
    let of = subject.map(|subject| format!(" for subject \"{subject}\"")).unwrap_or_default();
    Error::new(Kind::RegistryRefused, format!("the schema registry's answer{of} cannot be read"))
        .detail(format!("status {}, {} bytes", answer.status, answer.body.len()))
        .hint("check that the converter's registry url leads to a schema registry, with its path")
}

/// The latest version has no number that records can carry.
pub(super) fn no_number(subject: &str) -> Error {
    Error::new(Kind::RegistryRefused, format!("the latest schema of subject \"{subject}\" has no number"))
        .hint("check that the converter's registry url leads to a schema registry, with its path")
}

/// It was to be there, and is not.
pub(super) fn not_registered(subject: &str) -> Error {
    Error::new(Kind::RegistryRefused, format!("the schema of subject \"{subject}\" is not registered")).hint(
        "register the table's schema, or let walcast: auto.register.schemas=true \
         (apicurio.registry.auto-register=true)",
    )
}

/// What an answer means that will not be another one later.
pub(super) fn refused(refusal: &Refusal<'_>) -> Error {
    let Refusal { address, subject, answer, choice } = refusal;
    let (words, code) = reason(answer);
    let about = subject.map(|subject| format!(" for subject \"{subject}\"")).unwrap_or_default();
    let said = format!("{address} says {}: {words}", answer.status);
    let error = |what: String| Error::new(Kind::RegistryRefused, what).detail(said.clone());
    match (answer.status, code, subject) {
        (401, ..) => error(format!("the schema registry does not know us{about}")).hint(CREDENTIALS_REMEDY),
        (403, ..) => error(format!("the schema registry does not allow us{about}")).hint(CREDENTIALS_REMEDY),
        (404, Some(_), Some(subject)) if *choice != SchemaChoice::Register => {
            not_registered(subject).detail(said.clone())
        }
        (404, ..) => error(format!("{UNKNOWN_PATH}{about}"))
            .hint("check the converter's registry url with its path (Apicurio: /apis/ccompat/v7 for Confluent's)"),
        (409, ..) if lost_a_race(answer) => {
            Error::new(Kind::RegistryUnavailable, format!("someone else was registering a schema{about} as well"))
                .detail(said)
                .hint("none is needed: walcast asks again")
        }
        (409, ..) => Error::new(
            Kind::SchemaIncompatible,
            format!("the schema registry refuses the new schema of subject \"{}\"", subject.unwrap_or_default()),
        )
        .detail(said),
        (422, ..) => error(format!("the schema registry cannot take the schema{about}"))
            .hint("names that Avro does not allow are the usual cause: set schema.name.adjustment.mode=avro"),
        _ => error(format!("the schema registry refuses the question{about}"))
            .hint("look at the registry's own log; start again when it is mended"),
    }
}

/// Whether Apicurio was asked by two at once to make the same version: whoever asks again finds it, or makes the next.
fn lost_a_race(answer: &Answer) -> bool {
    let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let text = |name: &str| body.get(name).and_then(Value::as_str);
    match text("name") {
        Some(name) => name.ends_with("AlreadyExistsException"),
        None => text("message").is_some_and(|words| words.ends_with("already exists.")),
    }
}

const UNKNOWN_PATH: &str = "no schema registry answers at this path";

/// Whether an address answered that there is nothing at that path.
pub(super) fn is_unknown_path(error: &Error) -> bool {
    error.message().starts_with(UNKNOWN_PATH)
}

/// Whether a schema was refused because of those before it.
pub(super) fn is_incompatible(error: &Error) -> bool {
    error.kind() == Kind::SchemaIncompatible
}

/// Adds the version that stands and the columns that differ from it.
pub(super) fn incompatible(error: Error, text: &str, latest: Option<&Version>) -> Error {
    let mut error = error.hint(
        "make the change compatible (a nullable column, or one with a default), or lower the subject's compatibility \
         in the registry, and start again: the change is still in the slot",
    );
    let Some(latest) = latest else { return error };
    if let Some(version) = &latest.version {
        error = error.more_detail(&format!("the subject's latest version is {version}"));
    }
    match columns(latest.text.as_deref().unwrap_or_default(), text) {
        Some(columns) => error.more_detail(&columns),
        None => error,
    }
}

/// The latest schema is not one that the table's records can be written under.
pub(super) fn latest_differs(subject: &str, latest: &Version, text: &str) -> Error {
    let version = latest.version.as_deref().unwrap_or("unknown");
    let error = Error::new(
        Kind::SchemaIncompatible,
        format!("the latest schema of subject \"{subject}\", version {version}, is not that of the table"),
    )
    .hint("register the table's schema as the latest one, or do without use.latest.version (find-latest)");
    match columns(latest.text.as_deref().unwrap_or_default(), text) {
        Some(columns) => error.detail(columns),
        None => error.detail("the columns are the same; names or something around them differ"),
    }
}

/// The columns that differ, in a sentence.
fn columns(old: &str, new: &str) -> Option<String> {
    let all = shape::differences(old, new);
    let mut told: Vec<String> = all.iter().take(COLUMNS_MAX).map(ToString::to_string).collect();
    if all.len() > COLUMNS_MAX {
        told.push(format!("and {} more", all.len() - COLUMNS_MAX));
    }
    (!told.is_empty()).then(|| told.join(", "))
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::error::Class;

    fn error(status: u16, body: &'static str, choice: SchemaChoice) -> Error {
        let answer = Answer { status, body: Bytes::from_static(body.as_bytes()) };
        refused(&Refusal { address: "http://r", subject: Some("t-value"), answer: &answer, choice })
    }

    #[test]
    fn each_refusal_names_subject_reason_and_remedy() {
        let table = [
            (401, r#"{"error_code":40101,"message":"who?"}"#, Kind::RegistryRefused, "basic.auth.user.info"),
            (403, r#"{"error_code":40301,"message":"no"}"#, Kind::RegistryRefused, "bearer.auth.token"),
            (404, r#"{"error_code":40403,"message":"none"}"#, Kind::RegistryRefused, "auto.register.schemas=true"),
            (404, "<html>", Kind::RegistryRefused, "path"),
            (422, r#"{"error_code":42201,"message":"bad"}"#, Kind::RegistryRefused, "schema.name.adjustment.mode"),
            (418, "", Kind::RegistryRefused, "log"),
        ];
        for (status, body, kind, remedy) in table {
            let error = error(status, body, SchemaChoice::LookUp);
            assert_eq!(error.kind(), kind, "{status}");
            let report = error.report();
            assert!(report.contains("t-value") && report.contains(remedy), "{report}");
            assert!(report.contains(&status.to_string()), "{report}");
        }
        assert!([408, 429, 500, 502, 503].into_iter().all(may_pass));
        assert!(![400, 401, 404, 409, 422].into_iter().any(may_pass));
    }

    #[test]
    fn a_race_for_a_version_passes_and_an_incompatible_schema_does_not() {
        let table = [
            (r#"{"error_code":409,"message":"taken","name":"VersionAlreadyExistsException"}"#, Class::Transient),
            (r#"{"error_code":409,"message":"An artifact version 'null' already exists."}"#, Class::Transient),
            (r#"{"error_code":409,"message":"already exists.","name":"RuleViolationException"}"#, Class::Definite),
            (r#"{"error_code":409,"message":"Schema being registered is incompatible"}"#, Class::Definite),
            ("", Class::Definite),
        ];
        for (body, class) in table {
            let error = error(409, body, SchemaChoice::Register);
            assert_eq!(error.class(), class, "{body}");
            assert!(error.report().contains("t-value"), "{}", error.report());
        }
    }

    #[test]
    fn an_incompatible_schema_names_version_reason_and_column() {
        let body =
            r#"{"error_code":409,"message":"not compatible","causes":[{"description":"no default","context":"/b"}]}"#;
        let key = |fields: &str| format!(r#"{{"type":"record","name":"Key","fields":[{fields}]}}"#);
        let old = key(r#"{"name":"a","type":"int"}"#);
        let latest = Version { version: Some("4".to_owned()), text: Some(old), number: Some(9) };
        let new = key(r#"{"name":"a","type":"int"},{"name":"b","type":"int"}"#);
        let report = incompatible(error(409, body, SchemaChoice::Register), &new, Some(&latest)).report();
        for part in ["t-value", "not compatible", "no default /b", "version is 4", "column \"b\" (int) was added"] {
            assert!(report.contains(part), "{part} is missing in {report}");
        }
    }
}
