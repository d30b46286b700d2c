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

# What goes out. A sink that starts looks for transactions that an earlier attempt left open on its
# topic: Kafka asks for Read to list a topic's producers. DescribeConfigs tells how large a message
# may be; without it a topic that takes less than 1 MiB fails the job.
for topic in subscriber.promos restaurant.promos.rejected; do
  allow "$@" --operation Write --topic "$topic"
  allow "$@" --operation Read --topic "$topic"
  allow "$@" --operation DescribeConfigs --topic "$topic"
done

# Its transactions: transaction-prefix and a slash. An account that shares the prefix can abort them.
allow "$@" --operation Write --transactional-id promo-stream/ --resource-pattern-type prefixed

# For --check only: how long the brokers let a transaction be open.
allow "$@" --operation DescribeConfigs --cluster
