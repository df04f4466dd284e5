#!/usr/bin/env bash
# Reads all topics below $TOPIC_PREFIX with Pathway and writes the tables' last rows to $OUTPUT.
set -euo pipefail
cd "$(dirname "$0")"
. ../fetch.sh
folder=$(fetched requirements.txt python_packages)
exec "$folder/venv/bin/python" read.py
