//! What is asked of a registry and how its answers read, in each interface. Pure.
//!
//! Source: Confluent's "Schema Registry API Reference"; Apicurio's "Core Registry API", versions 2 and 3, as its
//! converters call them (`DefaultSchemaResolver`).

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use crate::config::{ApicurioId, RegistryDialect};

/// What a segment of a path may hold as it is.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

const CONFLUENT_TYPE: &str = "application/vnd.schemaregistry.v1+json";
const JSON_TYPE: &str = "application/json";

/// A request, without the address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Call {
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method {
    Get,
    Post,
}

/// A version of a subject, as far as the answer tells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Version {
    pub(super) number: Option<u32>,
    pub(super) version: Option<String>,
    /// The schema's text.
    pub(super) text: Option<String>,
}

fn segment(text: &str) -> String {
    utf8_percent_encode(text, SEGMENT).to_string()
}

fn get(path: String) -> Call {
    Call { method: Method::Get, path, headers: vec![("accept", JSON_TYPE.to_owned())], body: String::new() }
}

fn post(path: String, content_type: &str, body: String) -> Call {
    let headers = vec![("accept", JSON_TYPE.to_owned()), ("content-type", content_type.to_owned())];
    Call { method: Method::Post, path, headers, body }
}

/// Where an artifact is, in Apicurio's own interface.
fn artifact(group: &str, subject: &str) -> String {
    format!("/groups/{}/artifacts/{}", segment(group), segment(subject))
}

/// Registers a schema, or finds the one that is registered already.
pub(super) fn register(dialect: &RegistryDialect, subject: &str, text: &str, normalize: bool) -> Call {
    match dialect {
        RegistryDialect::Confluent => {
            let path = format!("/subjects/{}/versions?normalize={normalize}", segment(subject));
            post(path, CONFLUENT_TYPE, json!({ "schema": text }).to_string())
        }
        RegistryDialect::ApicurioV2 { group, .. } => {
            let path = format!("/groups/{}/artifacts?ifExists=RETURN_OR_UPDATE&canonical=false", segment(group));
            let mut call = post(path, JSON_TYPE, text.to_owned());
            call.headers.push(("x-registry-artifactid", subject.to_owned()));
            call.headers.push(("x-registry-artifacttype", "AVRO".to_owned()));
            call
        }
        RegistryDialect::ApicurioV3 { group, .. } => {
            let path = format!("/groups/{}/artifacts?ifExists=FIND_OR_CREATE_VERSION&canonical=false", segment(group));
            let content = json!({"content": text, "contentType": JSON_TYPE});
            let body = json!({"artifactId": subject, "artifactType": "AVRO", "firstVersion": {"content": content}});
            post(path, JSON_TYPE, body.to_string())
        }
    }
}

/// Finds a schema that must be registered already.
pub(super) fn look_up(dialect: &RegistryDialect, subject: &str, text: &str, normalize: bool) -> Call {
    match dialect {
        RegistryDialect::Confluent => {
            let path = format!("/subjects/{}?normalize={normalize}&deleted=false", segment(subject));
            post(path, CONFLUENT_TYPE, json!({ "schema": text }).to_string())
        }
        RegistryDialect::ApicurioV2 { group, .. } => {
            post(format!("{}/meta?canonical=true", artifact(group, subject)), JSON_TYPE, text.to_owned())
        }
        RegistryDialect::ApicurioV3 { group, .. } => {
            let (group, subject) = (segment(group), segment(subject));
            let path =
                format!("/search/versions?canonical=true&artifactType=AVRO&groupId={group}&artifactId={subject}");
            post(path, JSON_TYPE, text.to_owned())
        }
    }
}

/// Finds the latest version of a subject.
pub(super) fn latest(dialect: &RegistryDialect, subject: &str) -> Call {
    match dialect {
        RegistryDialect::Confluent => get(format!("/subjects/{}/versions/latest", segment(subject))),
        RegistryDialect::ApicurioV2 { group, .. } => get(format!("{}/meta", artifact(group, subject))),
        RegistryDialect::ApicurioV3 { group, .. } => {
            get(format!("{}/versions/branch=latest", artifact(group, subject)))
        }
    }
}

/// Finds the text of the latest version, where [`latest`] does not tell it.
pub(super) fn latest_text(dialect: &RegistryDialect, subject: &str) -> Option<Call> {
    match dialect {
        RegistryDialect::Confluent => None,
        RegistryDialect::ApicurioV2 { group, .. } => Some(get(artifact(group, subject))),
        RegistryDialect::ApicurioV3 { group, .. } => {
            Some(get(format!("{}/versions/branch=latest/content", artifact(group, subject))))
        }
    }
}

/// Something that each registry answers, and that asks for no subject.
pub(super) fn look(dialect: &RegistryDialect) -> Call {
    match dialect {
        RegistryDialect::Confluent => get("/schemas/types".to_owned()),
        RegistryDialect::ApicurioV2 { .. } | RegistryDialect::ApicurioV3 { .. } => get("/system/info".to_owned()),
    }
}

/// Reads the answer to any of them; `None` where it is no JSON object.
pub(super) fn version(dialect: &RegistryDialect, body: &[u8]) -> Option<Version> {
    let body: Value = serde_json::from_slice(body).ok()?;
    let of = |node: &Value, id: &str| Version {
        number: node.get(id).and_then(Value::as_u64).and_then(|number| u32::try_from(number).ok()),
        version: node.get("version").and_then(plain),
        text: node.get("schema").and_then(Value::as_str).map(str::to_owned),
    };
    match dialect {
        RegistryDialect::Confluent => body.is_object().then(|| of(&body, "id")),
        RegistryDialect::ApicurioV2 { id, .. } => body.is_object().then(|| of(&body, id.member())),
        RegistryDialect::ApicurioV3 { id, .. } => {
            // Creating gives the version in a member, searching in a list, asking for one itself.
            let node = match (body.get("versions"), body.get("version")) {
                (Some(Value::Array(found)), _) => {
                    return Some(found.last().map(|node| of(node, id.member())).unwrap_or_default());
                }
                (_, Some(node @ Value::Object(_))) => node,
                _ => &body,
            };
            node.is_object().then(|| of(node, id.member()))
        }
    }
}

impl ApicurioId {
    const fn member(self) -> &'static str {
        match self {
            Self::Content => "contentId",
            Self::Global => "globalId",
        }
    }
}

/// A number or a text as text.
fn plain(node: &Value) -> Option<String> {
    match node {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dialects() -> [RegistryDialect; 3] {
        let group = "default".to_owned();
        [
            RegistryDialect::Confluent,
            RegistryDialect::ApicurioV2 { id: ApicurioId::Content, group: group.clone() },
            RegistryDialect::ApicurioV3 { id: ApicurioId::Global, group },
        ]
    }

    #[test]
    fn subjects_stand_in_paths_whatever_they_hold() {
        let [confluent, v2, v3] = dialects();
        let subject = "a.b/c:d é-key";
        let escaped = "a.b%2Fc%3Ad%20%C3%A9-key";
        assert_eq!(latest(&confluent, subject).path, format!("/subjects/{escaped}/versions/latest"));
        assert_eq!(latest(&v2, subject).path, format!("/groups/default/artifacts/{escaped}/meta"));
        assert_eq!(latest(&v3, subject).path, format!("/groups/default/artifacts/{escaped}/versions/branch=latest"));
        let registered = register(&confluent, subject, "\"int\"", true);
        assert_eq!(registered.path, format!("/subjects/{escaped}/versions?normalize=true"));
        assert_eq!(registered.body, r#"{"schema":"\"int\""}"#);
    }

    #[test]
    fn answers_are_read_in_each_interface() {
        let [confluent, v2, v3] = dialects();
        let table = [
            (&confluent, r#"{"id":7}"#, Some(7), None),
            (&confluent, r#"{"subject":"s","version":3,"id":8,"schema":"\"int\""}"#, Some(8), Some("3")),
            (&v2, r#"{"version":"1","globalId":5,"contentId":4}"#, Some(4), Some("1")),
            (&v3, r#"{"artifact":{},"version":{"version":"2","globalId":5,"contentId":4}}"#, Some(5), Some("2")),
            (&v3, r#"{"version":"2","globalId":6,"contentId":4}"#, Some(6), Some("2")),
            (&v3, r#"{"count":1,"versions":[{"version":"9","globalId":3,"contentId":4}]}"#, Some(3), Some("9")),
            (&v3, r#"{"count":0,"versions":[]}"#, None, None),
            (&confluent, r#"{"id":-1}"#, None, None),
        ];
        for (dialect, body, number, version_number) in table {
            let found = version(dialect, body.as_bytes()).expect(body);
            assert_eq!((found.number, found.version.as_deref()), (number, version_number), "{body}");
        }
        assert_eq!(version(&confluent, b"<html>"), None);
        assert_eq!(version(&confluent, b"[]"), None);
    }
}
