//! The Avro schema of a Connect schema, in the text that registering it takes.
//!
//! The text is byte for byte that of Confluent's `AvroData.fromConnectSchema`, printed by Avro's `Schema.toString`,
//! because a registry knows a schema again by its text.

use std::collections::HashSet;

use crate::config::SchemaMetadata;
use crate::encode::json::number::{write_f32, write_f64, write_integer};
use crate::encode::json::text::write_escaped;
use crate::schema::{Kind, Literal, Schema, with_be_bytes};

/// Namespace of what `AvroData` makes up by itself.
const NAMESPACE: &str = "io.confluent.connect.avro";
/// What a struct without a name is called.
const DEFAULT_NAME: &str = "ConnectDefault";
/// What an entry of a map is called whose keys are no strings.
const MAP_ENTRY: &str = "MapEntry";
/// Digits of a decimal that does not say how many it has.
const PRECISION_DEFAULT: &str = "64";

/// The full name of the record that a structure becomes.
pub(in crate::encode) fn record_name(schema: &Schema) -> String {
    Name::of(schema).full()
}

/// The text of a schema.
pub(in crate::encode) fn schema_text(schema: &Schema, metadata: SchemaMetadata) -> String {
    let mut printer = Printer { out: Vec::new(), known: HashSet::new(), metadata };
    printer.schema(schema, None);
    // Everything that was appended came from texts.
    String::from_utf8(printer.out).unwrap_or_default()
}

struct Printer {
    out: Vec<u8>,
    /// Full names of the records that stand already: each later use is by name.
    known: HashSet<String>,
    metadata: SchemaMetadata,
}

/// A name with its namespace.
struct Name<'n> {
    namespace: Option<&'n str>,
    name: &'n str,
}

impl<'n> Name<'n> {
    fn of(schema: &'n Schema) -> Self {
        match schema.name.as_deref() {
            Some(full) => match full.rsplit_once('.') {
                Some((namespace, name)) => Self { namespace: Some(namespace), name },
                None => Self { namespace: None, name: full },
            },
            None => Self { namespace: Some(NAMESPACE), name: DEFAULT_NAME },
        }
    }

    fn full(&self) -> String {
        self.namespace.map_or_else(|| self.name.to_owned(), |namespace| format!("{namespace}.{}", self.name))
    }
}

impl Printer {
    /// A schema with its optionality; `enclosing` is the namespace it stands in.
    fn schema(&mut self, schema: &Schema, enclosing: Option<&str>) {
        if !schema.optional {
            return self.required(schema, enclosing);
        }
        let (first, second) =
            if schema.default.is_some() { (&b"["[..], &b",\"null\"]"[..]) } else { (&b"[\"null\","[..], &b"]"[..]) };
        self.out.extend_from_slice(first);
        self.required(schema, enclosing);
        self.out.extend_from_slice(second);
    }

    fn required(&mut self, schema: &Schema, enclosing: Option<&str>) {
        match &schema.kind {
            Kind::Struct(_) => self.record(schema, enclosing),
            Kind::Array(items) => {
                self.out.extend_from_slice(b"{\"type\":\"array\",\"items\":");
                self.schema(items, enclosing);
                self.metadata(schema);
                self.out.push(b'}');
            }
            Kind::Map { keys, values } if keys.kind == Kind::String && !keys.optional => {
                self.out.extend_from_slice(b"{\"type\":\"map\",\"values\":");
                self.schema(values, enclosing);
                self.metadata(schema);
                self.out.push(b'}');
            }
            Kind::Map { keys, values } => {
                self.out.extend_from_slice(b"{\"type\":\"array\",\"items\":");
                self.map_entry(keys, values, enclosing);
                self.metadata(schema);
                self.out.push(b'}');
            }
            _ => self.primitive(schema),
        }
    }

    fn primitive(&mut self, schema: &Schema) {
        let (name, connect_type) = match schema.kind {
            Kind::Boolean => ("boolean", None),
            Kind::Int8 => ("int", Some("int8")),
            Kind::Int16 => ("int", Some("int16")),
            Kind::Int64 => ("long", None),
            Kind::Float32 => ("float", None),
            Kind::Float64 => ("double", None),
            Kind::Bytes => ("bytes", None),
            Kind::String => ("string", None),
            _ => ("int", None),
        };
        let logical = logical_type(schema);
        let connect_type = connect_type.filter(|_| self.metadata == SchemaMetadata::Kept);
        let bare = connect_type.is_none() && logical.is_none() && !self.has_metadata(schema);
        if bare {
            return self.string(name);
        }
        self.out.extend_from_slice(b"{\"type\":");
        self.string(name);
        if logical == Some("decimal") {
            let parameter = |wanted: &str| {
                let found = schema.parameters.iter().find(|(name, _)| name == wanted);
                found.map(|(_, value)| value.as_str())
            };
            let scale = parameter("scale").unwrap_or("0").to_owned();
            let precision = parameter("connect.decimal.precision").unwrap_or(PRECISION_DEFAULT).to_owned();
            self.raw_member("scale", scale.as_bytes());
            self.raw_member("precision", precision.as_bytes());
        }
        self.metadata(schema);
        if let Some(connect_type) = connect_type {
            self.member("connect.type", connect_type);
        }
        if let Some(logical) = logical {
            self.member("logicalType", logical);
        }
        self.out.push(b'}');
    }

    fn record(&mut self, schema: &Schema, enclosing: Option<&str>) {
        let name = Name::of(schema);
        if !self.define(&name, enclosing) {
            return;
        }
        self.out.extend_from_slice(b",\"fields\":[");
        for (index, field) in schema.fields().iter().enumerate() {
            self.field(&field.name, &field.schema, index == 0, name.namespace);
        }
        self.out.push(b']');
        self.metadata(schema);
        self.out.push(b'}');
    }

    fn map_entry(&mut self, keys: &Schema, values: &Schema, enclosing: Option<&str>) {
        if !self.define(&Name { namespace: Some(NAMESPACE), name: MAP_ENTRY }, enclosing) {
            return;
        }
        self.out.extend_from_slice(b",\"fields\":[");
        self.field("key", keys, true, Some(NAMESPACE));
        self.field("value", values, false, Some(NAMESPACE));
        self.out.extend_from_slice(b"]}");
    }

    /// Begins a record that does not stand yet, and says so; one that does is named.
    fn define(&mut self, name: &Name<'_>, enclosing: Option<&str>) -> bool {
        let full = name.full();
        if !self.known.insert(full.clone()) {
            self.string(if name.namespace == enclosing { name.name } else { &full });
            return false;
        }
        self.out.extend_from_slice(b"{\"type\":\"record\"");
        self.member("name", name.name);
        if name.namespace != enclosing {
            self.member("namespace", name.namespace.unwrap_or_default());
        }
        true
    }

    fn field(&mut self, name: &str, schema: &Schema, first: bool, enclosing: Option<&str>) {
        self.out.extend_from_slice(if first { b"{\"name\":" } else { b",{\"name\":" });
        self.string(name);
        self.out.extend_from_slice(b",\"type\":");
        self.schema(schema, enclosing);
        match &schema.default {
            Some(default) => {
                self.out.extend_from_slice(b",\"default\":");
                self.literal(default);
            }
            None if schema.optional => self.out.extend_from_slice(b",\"default\":null"),
            None => {}
        }
        self.out.push(b'}');
    }

    /// Whether there is anything for [`Self::metadata`] to write.
    fn has_metadata(&self, schema: &Schema) -> bool {
        let there_is = schema.name.is_some()
            || schema.version.is_some()
            || schema.doc.is_some()
            || !schema.parameters.is_empty()
            || schema.default.is_some();
        there_is && self.metadata == SchemaMetadata::Kept
    }

    /// The members that keep what Avro has no words for, in the order in which `AvroData` adds them.
    fn metadata(&mut self, schema: &Schema) {
        if !self.has_metadata(schema) {
            return;
        }
        if let Some(doc) = &schema.doc {
            self.member("connect.doc", doc);
        }
        if let Some(version) = schema.version {
            self.raw_member("connect.version", itoa::Buffer::new().format(version).as_bytes());
        }
        for (index, (name, value)) in schema.parameters.iter().enumerate() {
            self.out.extend_from_slice(if index == 0 { b",\"connect.parameters\":{" } else { b"," });
            self.string(name);
            self.out.push(b':');
            self.string(value);
        }
        if !schema.parameters.is_empty() {
            self.out.push(b'}');
        }
        if let Some(default) = &schema.default {
            self.out.extend_from_slice(b",\"connect.default\":");
            self.literal(default);
        }
        if let Some(name) = &schema.name {
            self.member("connect.name", name);
        }
    }

    fn literal(&mut self, literal: &Literal) {
        match literal {
            Literal::Boolean(value) => self.out.extend_from_slice(if *value { b"true" } else { b"false" }),
            Literal::Int16(value) => write_integer(&mut self.out, *value),
            Literal::Int32(value) | Literal::Date(value) | Literal::Time(value) => write_integer(&mut self.out, *value),
            Literal::Int64(value) | Literal::Timestamp(value) => write_integer(&mut self.out, *value),
            Literal::Float32(value) => write_f32(&mut self.out, *value),
            Literal::Float64(value) => write_f64(&mut self.out, *value),
            Literal::String(value) => self.string(value),
            Literal::Bytes(value) => self.latin1(value),
            Literal::Decimal { unscaled, .. } => with_be_bytes(unscaled, |bytes| self.latin1(bytes)),
            // No column has a default with parts.
            Literal::VariableScaleDecimal { .. }
            | Literal::Array(_)
            | Literal::Map(_)
            | Literal::Point { .. }
            | Literal::Geometry(_)
            | Literal::SparseVector => self.out.extend_from_slice(b"null"),
        }
    }

    /// Bytes as a text of the characters with their codes.
    fn latin1(&mut self, bytes: &[u8]) {
        let text: String = bytes.iter().copied().map(char::from).collect();
        self.string(&text);
    }

    fn member(&mut self, name: &str, value: &str) {
        self.out.push(b',');
        self.string(name);
        self.out.push(b':');
        self.string(value);
    }

    fn raw_member(&mut self, name: &str, value: &[u8]) {
        self.out.push(b',');
        self.string(name);
        self.out.push(b':');
        self.out.extend_from_slice(value);
    }

    /// A string with its quotes. Jackson escapes characters above U+FFFF in bytes, but not in texts, which this is.
    fn string(&mut self, text: &str) {
        self.out.push(b'"');
        let mut rest = text;
        while let Some(at) = rest.find(|c: char| c > '\u{ffff}') {
            let (plain, tail) = rest.split_at(at);
            write_escaped(&mut self.out, plain);
            let length = tail.chars().next().map_or(0, char::len_utf8);
            let (special, tail) = tail.split_at(length);
            self.out.extend_from_slice(special.as_bytes());
            rest = tail;
        }
        write_escaped(&mut self.out, rest);
        self.out.push(b'"');
    }
}

/// The logical types of Avro that Connect's own types become.
fn logical_type(schema: &Schema) -> Option<&'static str> {
    match schema.name.as_deref()? {
        Schema::DECIMAL => Some("decimal"),
        Schema::DATE => Some("date"),
        Schema::TIME => Some("time-millis"),
        Schema::TIMESTAMP => Some("timestamp-millis"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::schema::Field;
    use crate::value::Unscaled;

    #[test]
    fn an_envelope_is_as_confluent_writes_it() {
        let snapshot = Schema::semantic(Kind::String, "io.debezium.data.Enum")
            .parameter("allowed", "true,false")
            .or(Literal::String("false".to_owned()))
            .optional();
        let price = Schema::semantic(Kind::Bytes, Schema::DECIMAL)
            .parameter("scale", "2")
            .or(Literal::Decimal { unscaled: Unscaled::Small(-1), scale: 2 });
        let variable = Schema::semantic(
            Kind::Struct(vec![
                Field::new("scale", Schema::of(Kind::Int32)),
                Field::new("value", Schema::of(Kind::Bytes)),
            ]),
            "io.debezium.data.VariableScaleDecimal",
        )
        .documented("Variable scaled decimal");
        let row = Arc::new(
            Schema::of(Kind::Struct(vec![
                Field::new("id", Schema::of(Kind::Int16)),
                Field::new("snapshot", snapshot),
                Field::new("price", price),
                Field::new("a", variable.clone().optional()),
                Field::new("b", variable),
                Field::new("day", Schema::semantic(Kind::Int32, Schema::DATE)),
                Field::new("share", Schema::of(Kind::Float32).or(Literal::Float32(1.5))),
            ]))
            .named("srv.public.t.Value")
            .optional(),
        );
        let envelope = Schema::of(Kind::Struct(vec![
            Field::new("before", Arc::clone(&row)),
            Field::new("after", row),
            Field::new("op", Schema::of(Kind::String)),
        ]))
        .named("srv.public.t.Envelope")
        .version(2);
        assert_eq!(
            schema_text(&envelope, SchemaMetadata::Kept),
            concat!(
                r#"{"type":"record","name":"Envelope","namespace":"srv.public.t","fields":["#,
                r#"{"name":"before","type":["null",{"type":"record","name":"Value","fields":["#,
                r#"{"name":"id","type":{"type":"int","connect.type":"int16"}},"#,
                r#"{"name":"snapshot","type":[{"type":"string","connect.version":1,"#,
                r#""connect.parameters":{"allowed":"true,false"},"connect.default":"false","#,
                r#""connect.name":"io.debezium.data.Enum"},"null"],"default":"false"},"#,
                r#"{"name":"price","type":{"type":"bytes","scale":2,"precision":64,"connect.version":1,"#,
                r#""connect.parameters":{"scale":"2"},"connect.default":"ÿ","#,
                r#""connect.name":"org.apache.kafka.connect.data.Decimal","logicalType":"decimal"},"default":"ÿ"},"#,
                r#"{"name":"a","type":["null",{"type":"record","name":"VariableScaleDecimal","#,
                r#""namespace":"io.debezium.data","fields":[{"name":"scale","type":"int"},"#,
                r#"{"name":"value","type":"bytes"}],"connect.doc":"Variable scaled decimal","connect.version":1,"#,
                r#""connect.name":"io.debezium.data.VariableScaleDecimal"}],"default":null},"#,
                r#"{"name":"b","type":"io.debezium.data.VariableScaleDecimal"},"#,
                r#"{"name":"day","type":{"type":"int","connect.version":1,"#,
                r#""connect.name":"org.apache.kafka.connect.data.Date","logicalType":"date"}},"#,
                r#"{"name":"share","type":{"type":"float","connect.default":1.5},"default":1.5}"#,
                r#"],"connect.name":"srv.public.t.Value"}],"default":null},"#,
                r#"{"name":"after","type":["null","Value"],"default":null},"#,
                r#"{"name":"op","type":"string"}],"connect.version":2,"connect.name":"srv.public.t.Envelope"}"#
            )
        );
    }
}
