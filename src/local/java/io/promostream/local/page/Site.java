package io.promostream.local.page;

import io.promostream.config.Database;
import io.promostream.config.TableName;

/**
 * Where the page finds the topics and tables.
 *
 * @param subscribers connects as a role that may change the subscriber list
 * @param feedback connects as a role that may read the feedback table
 */
public record Site(
    String bootstrapServers,
    String promos,
    String notifications,
    String rejected,
    String reports,
    String control,
    Database subscribers,
    TableName subscribersTable,
    Database feedback,
    TableName feedbackTable,
    TableName refusedTable) {}
