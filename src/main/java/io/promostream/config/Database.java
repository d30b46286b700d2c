package io.promostream.config;

import java.io.Serializable;

/**
 * How to connect to a Postgres database.
 *
 * @param url {@code jdbc:postgresql:...}; its parameters override the job's connection settings
 * @param user the role
 * @param password the role's password
 */
public record Database(String url, String user, Secret password) implements Serializable {}
