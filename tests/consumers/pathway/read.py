"""Reads tables with Pathway's Debezium reader and writes what they hold after their last change.

A topic has no end, so each table's last row says so: see `sql/4-work.sql`.
"""

import json
import logging
import os
import sys
import threading

import pathway as pw

PATIENCE_SECONDS = 60


# Pathway's Debezium reader takes text, numbers and booleans; a null or an array in a declared column loses the row, as
# does a column that was added later and is absent from the first rows. So those columns are not declared.
class Customers(pw.Schema):
    id: int = pw.column_definition(primary_key=True)
    name: str
    is_active: bool
    registered: str


class Products(pw.Schema):
    sku: str = pw.column_definition(primary_key=True)
    title: str
    price: str
    weight_kg: float


class Orders(pw.Schema):
    id: int = pw.column_definition(primary_key=True)
    customer_id: int
    total: str
    placed: str
    state: str


class OrderLines(pw.Schema):
    order_id: int = pw.column_definition(primary_key=True)
    line_no: int = pw.column_definition(primary_key=True)
    sku: str


# Schema, and what the key of the last row is.
TABLES = {
    "customers": (Customers, {"id": 2147483647}),
    "products": (Products, {"sku": "the end"}),
    "orders": (Orders, {"id": 9223372036854775807}),
    "order_lines": (OrderLines, {"order_id": 9223372036854775807, "line_no": 0}),
}


class Table:
    """What Pathway's changes of one table leave."""

    def __init__(self, name, last):
        self.name, self.last = name, last
        self.rows, self.changes, self.ended = {}, 0, threading.Event()

    def on_change(self, key, row, time, is_addition):
        self.changes += 1
        if is_addition:
            if key in self.rows:
                fail(f"{self.name}: a key is given twice: {row}")
            self.rows[key] = row
        elif self.rows.pop(key, None) != row:
            fail(f"{self.name}: a row is taken back that was not given: {row}")
        if is_addition and all(row[column] == value for column, value in self.last.items()):
            self.ended.set()


def fail(why):
    print(why, file=sys.stderr, flush=True)
    os._exit(1)


def finish(tables):
    """Waits for all ends; the reader itself would go on for ever."""
    for table in tables:
        if not table.ended.wait(PATIENCE_SECONDS):
            fail(f"{table.name}: the last row did not come; {table.changes} changes did")
    with open(os.environ["OUTPUT"], "w", encoding="utf-8") as output:
        for table in tables:
            for row in table.rows.values():
                print(json.dumps({"table": table.name, "row": row}), file=output)
    changes = sum(table.changes for table in tables)
    print(json.dumps({"version": pw.__version__, "read": f"{changes} changes"}), flush=True)
    os._exit(0)


def main():
    logging.disable(logging.INFO)
    settings = {
        "bootstrap.servers": os.environ["BOOTSTRAP_SERVERS"],
        "group.id": "pathway",
        "auto.offset.reset": "earliest",
        "session.timeout.ms": "6000",
    }
    tables = []
    for name, (schema, last) in TABLES.items():
        topic = f"{os.environ['TOPIC_PREFIX']}.public.{name}"
        table = Table(name, last)
        changes = pw.io.debezium.read(settings, topic_name=topic, schema=schema, autocommit_duration_ms=20)
        pw.io.subscribe(changes, on_change=table.on_change)
        tables.append(table)
    threading.Thread(target=finish, args=(tables,), daemon=True).start()
    # A row that cannot be read ends the run instead of being left out.
    pw.run(monitoring_level=pw.MonitoringLevel.NONE, terminate_on_error=True)


main()
