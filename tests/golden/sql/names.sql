-- variants: default avro

CREATE SCHEMA sales;

CREATE SCHEMA "Odd Schema";

CREATE SCHEMA "sch.dot";

CREATE TABLE sales.orders (id int PRIMARY KEY, v text);

CREATE TABLE "Odd Schema"."Mixed Case" ("Id" int PRIMARY KEY, "Some Value" text);

CREATE TABLE "sch.dot"."tab.dot" ("a.b" int PRIMARY KEY, "c-d" text, "e f" int, "ünïcode" text, "quo""te" text, "back\slash" text, "emoji🎉" text, "tab	c" text, "1digit" int, "$dollar" int);

CREATE TABLE "dash-table" (id int PRIMARY KEY);

CREATE TABLE "ünïcode_täble" (id int PRIMARY KEY);

CREATE TABLE "emoji🎉table" (id int PRIMARY KEY);

CREATE TABLE "quo""te" (id int PRIMARY KEY);

CREATE TABLE "sla/sh\\back" (id int PRIMARY KEY);

CREATE TABLE "UPPER" ("ID" int PRIMARY KEY, "Before" text, "after" text, "source" text);

CREATE TABLE upper (id int PRIMARY KEY);

CREATE TABLE "a_very_long_table_name_that_has_exactly_sixty_three_bytes_in_it_" (id int PRIMARY KEY);

CREATE TABLE "a b" (id int PRIMARY KEY, v text);

CREATE TABLE "a_b" (id int PRIMARY KEY, v text);

CREATE TYPE "Odd Schema"."Mood Type" AS ENUM ('A b', 'c');

CREATE TABLE sales.moods (m "Odd Schema"."Mood Type" PRIMARY KEY, n "Odd Schema"."Mood Type");

CREATE TABLE no_columns ();

CREATE UNLOGGED TABLE unlogged_table (id int PRIMARY KEY);

CREATE TABLE only_dropped (id int);

ALTER TABLE only_dropped DROP COLUMN id;

-- workload

INSERT INTO sales.orders VALUES (1, 'a')

INSERT INTO "Odd Schema"."Mixed Case" VALUES (1, 'a')

UPDATE "Odd Schema"."Mixed Case" SET "Id" = 2

INSERT INTO "sch.dot"."tab.dot" VALUES (1, 'c', 2, 'u', 'q', 'b', 'e', 't', 3, 4)

UPDATE "sch.dot"."tab.dot" SET "a.b" = 2

INSERT INTO "dash-table" VALUES (1)

INSERT INTO "ünïcode_täble" VALUES (1)

INSERT INTO "emoji🎉table" VALUES (1)

INSERT INTO "quo""te" VALUES (1)

INSERT INTO "sla/sh\\back" VALUES (1)

INSERT INTO "UPPER" VALUES (1, 'b', 'a', 's')

INSERT INTO upper VALUES (1)

INSERT INTO "a_very_long_table_name_that_has_exactly_sixty_three_bytes_in_it_" VALUES (1)

INSERT INTO "a b" VALUES (1, 'blank')

INSERT INTO "a_b" VALUES (1, 'underscore')

INSERT INTO sales.moods VALUES ('A b', 'c')

INSERT INTO no_columns DEFAULT VALUES

INSERT INTO unlogged_table VALUES (1)

CREATE TEMPORARY TABLE temporary_table (id int PRIMARY KEY)

INSERT INTO temporary_table VALUES (1)

INSERT INTO only_dropped DEFAULT VALUES
