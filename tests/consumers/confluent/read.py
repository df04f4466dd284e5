"""Reads topics with Confluent's client and its Avro deserializer, and writes the rows that their changes leave.

Nothing is known here of the tables: how a value is meant is read from the schemas of the registry, where each field
has Connect's name for its type.
"""

import datetime
import decimal
import json
import os
import sys

import confluent_kafka
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer
from confluent_kafka.serialization import MessageField, SerializationContext

PATIENCE_SECONDS = 60
# Stands for a value that PostgreSQL did not send, because it is stored out of line and did not change.
UNAVAILABLE = "__debezium_unavailable_value"
EPOCH = datetime.datetime(1970, 1, 1)


def microseconds(count):
    return (EPOCH + datetime.timedelta(microseconds=count)).isoformat()


def variable_scale(value):
    return str(decimal.Decimal(int.from_bytes(value["value"], "big", signed=True)).scaleb(-value["scale"], CONTEXT))


CONTEXT = decimal.Context(prec=1000)
# By the name that Connect's schema has.
MEANINGS = {
    "io.debezium.time.Date": lambda days: (EPOCH + datetime.timedelta(days=days)).date().isoformat(),
    "io.debezium.time.Timestamp": lambda count: microseconds(count * 1000),
    "io.debezium.time.MicroTimestamp": microseconds,
    "io.debezium.time.MicroTime": lambda count: microseconds(count).split("T")[1],
    "io.debezium.data.VariableScaleDecimal": variable_scale,
    "io.debezium.data.Json": json.loads,
    "org.apache.kafka.connect.data.Decimal": str,
}


class Rows:
    """What a schema says of the columns of a table's rows."""

    def __init__(self, text):
        self.named = {}
        envelope = json.loads(text)
        after = next(field for field in envelope["fields"] if field["name"] == "after")
        # The record is written out where it is first used, which is in `before`.
        self.learn(envelope)
        row = self.resolve(after["type"])
        self.columns = {field["name"]: self.meaning(field["type"]) for field in row["fields"]}

    def learn(self, schema):
        """Remembers the named types in a schema."""
        if isinstance(schema, list):
            for branch in schema:
                self.learn(branch)
        elif isinstance(schema, dict):
            if schema.get("type") == "record":
                namespace = schema.get("namespace")
                self.named[f"{namespace}.{schema['name']}" if namespace else schema["name"]] = schema
                self.named[schema["name"]] = schema
                for field in schema["fields"]:
                    self.learn(field["type"])
            elif schema.get("type") == "array":
                self.learn(schema["items"])

    def resolve(self, schema):
        """The type itself, without the null beside it."""
        if isinstance(schema, list):
            schema = next(branch for branch in schema if branch != "null")
        return self.named.get(schema, {"type": schema}) if isinstance(schema, str) else schema

    def meaning(self, schema):
        schema = self.resolve(schema)
        if schema["type"] == "bytes" and "connect.name" not in schema:
            return lambda value: "\\x" + value.hex()
        return MEANINGS.get(schema.get("connect.name"), lambda value: value)

    def row(self, record, before):
        """The row as PostgreSQL would take it; what was not sent is taken from the row as it was."""
        return {
            column: before[column] if value == UNAVAILABLE else None if value is None else meaning(value)
            for column, meaning in self.columns.items()
            for value in [record[column]]
        }


def main():
    registry = SchemaRegistryClient({"url": os.environ["REGISTRY_URL"]})
    deserializer = AvroDeserializer(registry)
    consumer = confluent_kafka.Consumer({
        "bootstrap.servers": os.environ["BOOTSTRAP_SERVERS"],
        "group.id": "confluent",
        "auto.offset.reset": "earliest",
        "enable.auto.commit": False,
        "enable.partition.eof": True,
    })
    prefix = os.environ["TOPIC_PREFIX"] + ".public."
    topics = [topic for topic in consumer.list_topics(timeout=30).topics if topic.startswith(prefix)]
    consumer.assign([confluent_kafka.TopicPartition(topic, 0, 0) for topic in topics])
    tables, schemas, records, ended = {topic: {} for topic in topics}, {}, 0, set()
    while len(ended) < len(topics):
        message = consumer.poll(PATIENCE_SECONDS)
        if message is None:
            sys.exit(f"the ends of {set(topics) - ended} did not come")
        topic = message.topic()
        if message.error():
            if message.error().code() != confluent_kafka.KafkaError._PARTITION_EOF:
                sys.exit(str(message.error()))
            ended.add(topic)
            continue
        records += 1
        rows = tables[topic]
        key = deserializer(message.key(), SerializationContext(topic, MessageField.KEY))
        key = None if key is None else json.dumps(key)
        change = deserializer(message.value(), SerializationContext(topic, MessageField.VALUE))
        if change is None:
            if key in rows:
                sys.exit(f"{topic}: a tombstone for a row that is there")
        elif change["op"] == "t":
            rows.clear()
        elif change["op"] == "d":
            del rows[key]
        else:
            schema_id = int.from_bytes(message.value()[1:5], "big")
            if schema_id not in schemas:
                schemas[schema_id] = Rows(registry.get_schema(schema_id).schema_str)
            rows[key] = schemas[schema_id].row(change["after"], rows.get(key))
    with open(os.environ["OUTPUT"], "w", encoding="utf-8") as output:
        for topic, rows in tables.items():
            for row in rows.values():
                print(json.dumps({"table": topic.removeprefix(prefix), "row": row}), file=output)
    print(json.dumps({"version": confluent_kafka.__version__, "read": f"{records} records"}))


main()
