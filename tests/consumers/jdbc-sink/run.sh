#!/usr/bin/env bash
# Prints the plugin path with Debezium's JDBC sink; the worker is the driver's.
set -euo pipefail
cd "$(dirname "$0")"
. ../fetch.sh
folder=$(fetched pom.xml archives)
version=$(ls "$folder"/plugins/debezium-connector-jdbc/debezium-connector-jdbc-*.jar | sed 's/.*jdbc-\(.*\)\.jar/\1/')
printf '{"version": "%s", "plugin_path": "%s"}\n' "$version" "$folder/plugins"
