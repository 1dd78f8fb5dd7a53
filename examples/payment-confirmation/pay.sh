#!/bin/sh
# Runs the payment provider: pay.sh <invoice> <cents> [confirmed|refused]
# Java runs the source file as it is; Kafka's client comes from KAFKA_JARS, or from what the embedded stack brought.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
jars=${KAFKA_JARS:-$(cd "$here/../.." && npm run --silent stack:jars)}
exec java -XX:TieredStopAtLevel=1 -Dlog4j2.level=ERROR -cp "$jars/*" "$here/PaymentProvider.java" "$@"
