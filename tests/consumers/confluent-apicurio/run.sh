#!/usr/bin/env bash
# Confluent's client again, on what Apicurio's converter writes where it is told to write as Confluent's does.
exec "$(dirname "$0")/../confluent/run.sh"
