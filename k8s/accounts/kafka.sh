#!/bin/sh
# Grants the job's account its rights on the brokers. A Kafka administrator runs it:
#   kafka.sh --bootstrap-server kafka-0.example:9093 --command-config admin.properties
# Kafka's kafka-acls.sh must be on the PATH. Account, topics, group and prefix are those of
# overlays/prod/promo-stream.yaml and the defaults of the configuration.
set -eu

allow() {
  kafka-acls.sh "$@" --add --allow-principal User:promo-stream
}

# To read promos and to commit their offsets. (Read and Write include Describe.) With control.topic, the
# account also needs Read on that topic.
allow "$@" --operation Read --topic restaurant.promos
allow "$@" --operation Read --group promo-stream

# To write notifications and rejected promos. Each transaction also commits the progress of its writer as
# the offset of a group on the topic, and Kafka requires Read on the topic for that. With DescribeConfigs
# the job knows the largest message. Without it, it learns the limit from refused messages. With
# reports.topic, add that topic.
for topic in subscriber.promos restaurant.promos.rejected; do
  allow "$@" --operation Write --topic "$topic"
  allow "$@" --operation Read --topic "$topic"
  allow "$@" --operation DescribeConfigs --topic "$topic"
done

# The job's transactions and the groups of their offsets start with transaction-prefix and a slash. Another
# account with rights on this prefix can abort the transactions.
allow "$@" --operation Write --transactional-id promo-stream/ --resource-pattern-type prefixed
allow "$@" --operation Read --group promo-stream/ --resource-pattern-type prefixed

# To read the brokers' longest transaction timeout, for --check, and their retention of offsets. Without
# this right the job assumes that offsets are kept for one day.
allow "$@" --operation DescribeConfigs --cluster
