#!/bin/sh
# What the job's account may do on the brokers, for their administrator to run:
#   kafka.sh --bootstrap-server kafka-0.example:9093 --command-config admin.properties
# Kafka's kafka-acls.sh must be on the PATH. Account, topics, group and prefix are those of
# overlays/prod/promo-stream.yaml and of the configuration's defaults.
set -eu

allow() {
  kafka-acls.sh "$@" --add --allow-principal User:promo-stream
}

# Promos, and how far they are read. (Read and Write include Describe.)
allow "$@" --operation Read --topic restaurant.promos
allow "$@" --operation Read --group promo-stream

# What goes out. Each transaction also commits how far its writer is, as the offset of a group on the
# topic: Kafka asks for Read on the topic for that. DescribeConfigs tells how large a message may be.
# Without it the job finds that out by refused messages.
for topic in subscriber.promos restaurant.promos.rejected; do
  allow "$@" --operation Write --topic "$topic"
  allow "$@" --operation Read --topic "$topic"
  allow "$@" --operation DescribeConfigs --topic "$topic"
done

# Its transactions and the groups of their offsets: transaction-prefix and a slash. An account that
# shares the prefix can abort them.
allow "$@" --operation Write --transactional-id promo-stream/ --resource-pattern-type prefixed
allow "$@" --operation Read --group promo-stream/ --resource-pattern-type prefixed

# How long the brokers let a transaction be open, for --check, and how long they keep such offsets.
# Without it the job relies on offsets for a day only.
allow "$@" --operation DescribeConfigs --cluster
