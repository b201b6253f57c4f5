package dev.tributary.server.accounts;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/// A real PostgreSQL server, in a folder and on a port of its own. Its programs are in the folder
/// that `TRIBUTARY_TEST_POSTGRES` names; as root it runs as the user `postgres`, as it must.
final class Postgres implements AutoCloseable {
  private static final String VARIABLE = "TRIBUTARY_TEST_POSTGRES";

  private final Path programs;
  private final Path folder;
  private final int port;
  private int databases;

  private Postgres(Path programs, Path folder, int port) {
    this.programs = programs;
    this.folder = folder;
    this.port = port;
  }

  /// Aborts the test where there is none.
  static Postgres start() throws IOException {
    String programs = System.getenv(VARIABLE);
    assumeTrue(programs != null, VARIABLE + " does not name the folder with initdb and pg_ctl");
    Path folder = Files.createTempDirectory("postgres");
    if (isRoot()) {
      Files.setOwner(
          folder,
          folder.getFileSystem().getUserPrincipalLookupService().lookupPrincipalByName("postgres"));
    }
    Postgres server = new Postgres(Path.of(programs), folder, freePort());
    server.run("initdb", "-D", server.data(), "-U", "tributary", "-A", "trust", "-E", "UTF8", "-N");
    server.control("start");
    return server;
  }

  private static boolean isRoot() {
    return System.getProperty("user.name").equals("root");
  }

  private static int freePort() throws IOException {
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return socket.getLocalPort();
    }
  }

  private String data() {
    return folder.resolve("data").toString();
  }

  void control(String action) throws IOException {
    String settings = "-p %d -k %s -h 127.0.0.1 -c fsync=off".formatted(port, folder);
    String log = folder.resolve("log").toString();
    run("pg_ctl", "-D", data(), "-l", log, "-w", "-m", "immediate", "-o", settings, action);
  }

  private void run(String program, String... arguments) throws IOException {
    List<String> command = new ArrayList<>();
    if (isRoot()) {
      command.addAll(List.of("runuser", "-u", "postgres", "--"));
    }
    command.add(programs.resolve(program).toString());
    command.addAll(List.of(arguments));
    Path output = Files.createTempFile("postgres", ".out");
    try {
      Process process =
          new ProcessBuilder(command)
              .directory(folder.toFile())
              .redirectErrorStream(true)
              .redirectOutput(output.toFile())
              .start();
      assertThat(process.waitFor()).as(() -> program + " says " + text(output)).isZero();
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    } finally {
      Files.delete(output);
    }
  }

  private static String text(Path file) {
    try {
      return Files.readString(file);
    } catch (IOException e) {
      return e.toString();
    }
  }

  /// The URL of a new database.
  String database() {
    databases++;
    try (Connection connection = DriverManager.getConnection(url("postgres"));
        Statement statement = connection.createStatement()) {
      statement.execute("CREATE DATABASE test" + databases);
    } catch (SQLException e) {
      throw new AssertionError(e);
    }
    return url("test" + databases);
  }

  private String url(String database) {
    return "jdbc:postgresql://127.0.0.1:%d/%s?user=tributary".formatted(port, database);
  }

  @Override
  public void close() throws IOException {
    control("stop");
    try (Stream<Path> files = Files.walk(folder)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    }
  }
}
