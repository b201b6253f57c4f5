package dev.tributary.server;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tributary.record.StartedRecord;
import dev.tributary.server.rpc.Books;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class BookkeepingTest {
  @TempDir private Path data;

  private final ByteArrayOutputStream said = new ByteArrayOutputStream();

  private static Config config(String... args) {
    return Main.parse(args, Map.of()).config();
  }

  private Books open(String... args) throws IOException {
    return Objects.requireNonNull(
        Bookkeeping.open(config(args), data, new PrintStream(said, true, StandardCharsets.UTF_8)));
  }

  private int run(String deed) {
    return Main.run(new String[] {"--data", data.toString(), deed}, Map.of());
  }

  private static void start(Books books, String id) {
    var unused =
        books.ledger().append(new StartedRecord(id, "public", List.of(), 1_000_000)).join();
  }

  @Test
  void open_off_keepsNothing() throws IOException {
    PrintStream out = new PrintStream(said, true, StandardCharsets.UTF_8);
    assertThat(Bookkeeping.open(config("--ledger", "off"), data, out)).isNull();
    assertThat(data).isEmptyDirectory();
    assertThat(said.toString(StandardCharsets.UTF_8)).contains("there are no receipts");
  }

  @Test
  void open_saysWhoseLogItIsAndWhatItCannotExclude() throws IOException {
    try (Books books = open("--origin", "logs.example.com/a")) {
      assertThat(said.toString(StandardCharsets.UTF_8))
          .contains("logs.example.com/a, 0 leaves", "key logs.example.com/a+", "no witnesses");
    }
  }

  @Test
  void closeInterrupted_endsWhatWasLeftOpen_once() throws IOException {
    try (Books books = open()) {
      start(books, "one");
      start(books, "two");
    }
    try (Books books = open()) {
      assertThat(books.closeInterrupted(InstantSource.system())).isEqualTo(2);
      assertThat(books.ledger().log().durable()).as("two ends, two attributions").isEqualTo(6);
    }
    try (Books books = open()) {
      assertThat(books.closeInterrupted(InstantSource.system())).isZero();
      assertThat(books.ledger().log().durable()).isEqualTo(6);
    }
  }

  @Test
  void checkLedger_findsWhatWasChanged() throws IOException {
    try (Books books = open()) {
      start(books, "one");
    }
    assertThat(run("--check-ledger")).isZero();

    Path segment;
    try (Stream<Path> files = Files.walk(data.resolve("ledger"))) {
      segment =
          files
              .filter(file -> file.getFileName().toString().matches(".*seg.*|\\d+.*"))
              .filter(Files::isRegularFile)
              .filter(file -> !file.toString().contains("side"))
              .findFirst()
              .orElseThrow();
    }
    byte[] bytes = Files.readAllBytes(segment);
    bytes[20] ^= 1;
    Files.write(segment, bytes);
    assertThat(run("--check-ledger")).isOne();
  }

  @Test
  void rotateLedgerKey_goesOnUnderAnotherKeyOfTheSameName() throws IOException {
    String before;
    String origin;
    try (Books books = open()) {
      start(books, "one");
      before = books.ledger().log().verifierKey().toString();
      origin = books.ledger().log().origin();
    }
    assertThat(run("--rotate-ledger-key")).isZero();
    try (Books books = open()) {
      assertThat(books.ledger().log().verifierKey().toString()).isNotEqualTo(before);
      assertThat(books.ledger().log().origin()).isEqualTo(origin);
      assertThat(books.ledger().log().rotations()).hasSize(1);
      start(books, "two");
    }
    assertThat(run("--check-ledger")).isZero();
  }
}
