//! Schemas as `JsonConverter.asJsonSchema` writes them.

use super::Json;
use super::number::write_integer;
use super::text::write_string;
use crate::encode::format::Format;
use crate::schema::{Kind, Schema};

/// Appends a schema.
pub(in crate::encode) fn append_schema(out: &mut Vec<u8>, schema: &Schema, format: Json) {
    append(out, schema, format, None);
}

/// `field` is the name that a struct has for it, and comes last.
fn append(out: &mut Vec<u8>, schema: &Schema, format: Json, field: Option<&str>) {
    out.extend_from_slice(b"{\"type\":\"");
    out.extend_from_slice(type_name(&schema.kind).as_bytes());
    out.push(b'"');
    match &schema.kind {
        Kind::Array(items) => {
            out.extend_from_slice(b",\"items\":");
            append(out, items, format, None);
        }
        Kind::Map { keys, values } => {
            out.extend_from_slice(b",\"keys\":");
            append(out, keys, format, None);
            out.extend_from_slice(b",\"values\":");
            append(out, values, format, None);
        }
        Kind::Struct(fields) => {
            out.extend_from_slice(b",\"fields\":[");
            for (index, field) in fields.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                append(out, &field.schema, format, Some(&field.name));
            }
            out.push(b']');
        }
        _ => {}
    }
    out.extend_from_slice(if schema.optional { b",\"optional\":true" } else { b",\"optional\":false" });
    if let Some(name) = &schema.name {
        member(out, "name", name);
    }
    if let Some(version) = schema.version {
        out.extend_from_slice(b",\"version\":");
        write_integer(out, version);
    }
    if let Some(doc) = &schema.doc {
        member(out, "doc", doc);
    }
    append_parameters(out, schema);
    if let Some(default) = &schema.default {
        out.extend_from_slice(b",\"default\":");
        default.put(&mut format.writer(out));
    }
    if let Some(field) = field {
        member(out, "field", field);
    }
    out.push(b'}');
}

fn append_parameters(out: &mut Vec<u8>, schema: &Schema) {
    let mut separator = &b",\"parameters\":{"[..];
    for (name, value) in &schema.parameters {
        out.extend_from_slice(separator);
        write_string(out, name);
        out.push(b':');
        write_string(out, value);
        separator = b",";
    }
    if !schema.parameters.is_empty() {
        out.push(b'}');
    }
}

fn member(out: &mut Vec<u8>, name: &str, value: &str) {
    out.push(b',');
    write_string(out, name);
    out.push(b':');
    write_string(out, value);
}

const fn type_name(kind: &Kind) -> &'static str {
    match kind {
        Kind::Boolean => "boolean",
        Kind::Int8 => "int8",
        Kind::Int16 => "int16",
        Kind::Int32 => "int32",
        Kind::Int64 => "int64",
        Kind::Float32 => "float",
        Kind::Float64 => "double",
        Kind::Bytes => "bytes",
        Kind::String => "string",
        Kind::Array(_) => "array",
        Kind::Map { .. } => "map",
        Kind::Struct(_) => "struct",
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::config::{DecimalFormat, NullForm};
    use crate::schema::{Field, Literal};

    fn text(schema: &Schema) -> String {
        let mut out = Vec::new();
        append_schema(&mut out, schema, Json { decimals: DecimalFormat::Base64, nulls: NullForm::Default });
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn members_stand_in_kafkas_order() {
        let decimal = Schema::semantic(Kind::Bytes, Schema::DECIMAL)
            .parameter("scale", "2")
            .parameter("connect.decimal.precision", "10")
            .or(Literal::Decimal { unscaled: crate::value::Unscaled::Small(100), scale: 2 })
            .optional();
        let row = Schema::of(Kind::Struct(vec![
            Field::new("price", decimal),
            Field::new("tags", Schema::of(Kind::Array(Arc::new(Schema::of(Kind::String).optional())))),
            Field::new(
                "map",
                Schema::of(Kind::Map {
                    keys: Arc::new(Schema::of(Kind::String)),
                    values: Arc::new(Schema::of(Kind::Float32)),
                }),
            ),
        ]))
        .named("a.Value")
        .documented("say \"hi\"");
        assert_eq!(
            text(&row),
            concat!(
                r#"{"type":"struct","fields":["#,
                r#"{"type":"bytes","optional":true,"name":"org.apache.kafka.connect.data.Decimal","version":1,"#,
                r#""parameters":{"scale":"2","connect.decimal.precision":"10"},"default":"ZA==","field":"price"},"#,
                r#"{"type":"array","items":{"type":"string","optional":true},"optional":false,"field":"tags"},"#,
                r#"{"type":"map","keys":{"type":"string","optional":false},"#,
                r#""values":{"type":"float","optional":false},"optional":false,"field":"map"}"#,
                r#"],"optional":false,"name":"a.Value","doc":"say \"hi\""}"#
            )
        );
    }
}
