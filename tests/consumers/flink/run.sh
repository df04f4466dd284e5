#!/usr/bin/env bash
# Reads all topics below $TOPIC_PREFIX with Flink SQL and writes the tables' last rows to $OUTPUT.
set -euo pipefail
cd "$(dirname "$0")"
. ../fetch.sh
folder=$(fetched pom.xml jars)
# A Java 17 or 21 with its compiler: the reader is run from its source.
java=java
if [ -n "${JAVA_HOME:-}" ]; then java=$JAVA_HOME/bin/java; fi
exec "$java" -Xmx700m -XX:+UseSerialGC -Dorg.slf4j.simpleLogger.defaultLogLevel=error \
  --add-opens=java.base/java.lang=ALL-UNNAMED --add-opens=java.base/java.util=ALL-UNNAMED \
  --add-opens=java.base/java.time=ALL-UNNAMED --add-opens=java.base/java.net=ALL-UNNAMED \
  -cp "$folder/libs/*" Read.java
