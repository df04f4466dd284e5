-- variants: default schemas avro avro-names avro-unicode-names

CREATE SCHEMA "odd-schema";

CREATE TYPE "odd-schema"."odd mood" AS ENUM ('sad', 'o k');

CREATE TABLE "odd-schema"."odd-table" ("the-id" int PRIMARY KEY, "1st" text, "a.b" text, "c d" text, "ünïcode" text, "$dollar" int, plain int, "_under_score" text, "emoji🎉" text, "9" int, "mood-column" "odd-schema"."odd mood", "UPPER" text, "e/f" numeric(5,2));

CREATE TABLE "1st table" ("id" int PRIMARY KEY, "before" text, "op" text);

CREATE TABLE "größe" ("größe" text PRIMARY KEY, v text);

CREATE TABLE "quo""te" ("quo""te" int PRIMARY KEY);

CREATE TABLE under_score (id int PRIMARY KEY, v_w text);

CREATE TABLE "CamelCase" ("Id" int, "otherId" int, PRIMARY KEY ("Id", "otherId"));

-- workload

INSERT INTO "odd-schema"."odd-table" VALUES (1, 'a', 'b', 'c', 'd', 5, 6, 'g', 'h', 9, 'sad', 'u', 1.5)

UPDATE "odd-schema"."odd-table" SET "the-id" = 2

DELETE FROM "odd-schema"."odd-table"

INSERT INTO "1st table" VALUES (1, 'a', 'b')

INSERT INTO "größe" VALUES ('a', 'b')

UPDATE "größe" SET "größe" = 'c'

INSERT INTO "quo""te" VALUES (1)

INSERT INTO under_score VALUES (1, 'v')

INSERT INTO "CamelCase" VALUES (1, 2)

SELECT pg_logical_emit_message(true, 'prefix', 'content')

INSERT INTO under_score VALUES (2, 'w')
