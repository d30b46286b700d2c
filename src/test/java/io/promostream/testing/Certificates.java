package io.promostream.testing;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.GeneralSecurityException;
import java.security.Key;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;

/**
 * A certificate for the servers of this machine, and the certificate authority of its own that
 * signed it, made by the JDK's keytool.
 *
 * @param ca the authority's certificate, PEM
 * @param keyStore the server's key and its chain, PKCS12
 * @param key the server's key, PEM
 * @param chain the server's chain, PEM
 */
public record Certificates(Path ca, Path keyStore, Path key, Path chain) {

  public static final String PASSWORD = "changeit";

  private static final char[] PIN = PASSWORD.toCharArray();

  /** Makes them. */
  public static Certificates create(Path directory) throws Exception {
    Path all = directory.resolve("all.p12");
    keytool(all, "-alias", "ca", "-dname", "CN=a CA of its own", "-ext", "bc:c");
    String names = "san=ip:127.0.0.1,dns:localhost";
    keytool(all, "-alias", "server", "-dname", "CN=server", "-signer", "ca", "-ext", names);
    KeyStore made = load(all);
    Certificate[] chain = made.getCertificateChain("server");
    Key key = made.getKey("server", PIN);
    Certificates certificates =
        new Certificates(
            directory.resolve("ca.pem"),
            directory.resolve("server.p12"),
            directory.resolve("server.key"),
            directory.resolve("server.pem"));
    Files.writeString(certificates.ca, pem("CERTIFICATE", made.getCertificate("ca").getEncoded()));
    Files.writeString(
        certificates.chain,
        pem("CERTIFICATE", chain[0].getEncoded()) + pem("CERTIFICATE", chain[1].getEncoded()));
    // Postgres takes no key that others may read.
    Files.createFile(
        certificates.key,
        PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
    Files.writeString(certificates.key, pem("PRIVATE KEY", key.getEncoded()));
    KeyStore server = KeyStore.getInstance("PKCS12");
    server.load(null, PIN);
    server.setKeyEntry("server", key, PIN, chain);
    try (OutputStream out = Files.newOutputStream(certificates.keyStore)) {
      server.store(out, PIN);
    }
    return certificates;
  }

  private static void keytool(Path keyStore, String... options) throws Exception {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "keytool").toString());
    command.addAll(List.of("-genkeypair", "-keyalg", "EC", "-groupname", "secp256r1"));
    command.addAll(List.of("-keystore", keyStore.toString(), "-storepass", PASSWORD));
    command.addAll(List.of(options));
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String output = new String(process.getInputStream().readAllBytes(), UTF_8);
    if (process.waitFor() != 0) {
      throw new IllegalStateException(command + ": " + output);
    }
  }

  private static KeyStore load(Path file) throws IOException, GeneralSecurityException {
    KeyStore keyStore = KeyStore.getInstance("PKCS12");
    try (InputStream in = Files.newInputStream(file)) {
      keyStore.load(in, PIN);
    }
    return keyStore;
  }

  private static String pem(String type, byte[] content) {
    String lines = Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(content);
    return "-----BEGIN %1$s-----\n%2$s\n-----END %1$s-----\n".formatted(type, lines);
  }
}
