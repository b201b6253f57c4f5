package dev.tributary.client;

import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.util.JsonFormat;
import dev.tributary.record.ContributionRecord;
import dev.tributary.record.Leaf;
import dev.tributary.record.RecordException;
import dev.tributary.record.SaltedField;
import dev.tributary.record.Sealed;
import dev.tributary.tlog.Hash;
import dev.tributary.tlog.Merkle;
import dev.tributary.tlog.Policy;
import dev.tributary.v1.ContributionReceipt;
import dev.tributary.v1.RegisterContributionsRequest.Contribution;
import dev.tributary.v1.RegisterContributionsRequest.Header;
import dev.tributary.v1.RegisterContributionsResponse;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/// What contributors keep: for each contribution the leaf with all its fields and salts, and the
/// proof that it is in the log.
///
/// In a file each line is a `RegisterContributionsResponse` in JSON with one contributor's receipts
/// of one registration, and the checkpoint that their proofs lead to.
public final class ContributionReceipts {
  /// Contributions of one file.
  private static final int MAX_LINES = 100_000;

  private ContributionReceipts() {}

  /// A receipt that holds, as it says.
  ///
  /// @param leafIndex in the log
  public record Held(String contributionId, long leafIndex, ContributionRecord record) {}

  /// Checks receipts against the checkpoint that is with them.
  ///
  /// @return what they say, in their order
  /// @throws UnmetException if a leaf is not what its fields say, is not in the tree, or the
  ///   checkpoint is not to be believed
  public static List<Held> check(RegisterContributionsResponse response, Policy policy) {
    Head head = Head.of(response.getCheckpoint());
    head.require(policy);
    List<Held> held = new ArrayList<>();
    for (ContributionReceipt receipt : response.getReceiptsList()) {
      held.add(held(receipt, head));
    }
    return held;
  }

  /// Checks that a response is about exactly what was sent.
  ///
  /// @throws UnmetException if it is not, or a receipt does not hold
  public static void check(
      RegisterContributionsResponse response,
      Header header,
      List<Contribution> sent,
      Policy policy) {
    List<Held> held = check(response, policy);
    if (held.size() != sent.size() || response.getContributionIdsCount() != sent.size()) {
      throw new UnmetException(
          "%d receipts came for %d contributions".formatted(held.size(), sent.size()));
    }
    List<Hash> leaves = new ArrayList<>();
    long before = response.getFirstLeafIndex() - 1;
    for (int i = 0; i < sent.size(); i++) {
      Held each = held.get(i);
      ContributionRecord record = each.record();
      if (!record.contributor().equals(sent.get(i).getContributor())
          || !record.example().equals(digest(sent.get(i)))
          || !record.dataset().equals(header.getDataset())
          || !record.licence().equals(header.getLicence())
          || each.leafIndex() <= before
          || !each.contributionId().equals(response.getContributionIds(i))) {
        throw new UnmetException(
            "the record of contribution %d, leaf %d, is not of what was sent"
                .formatted(i, each.leafIndex()));
      }
      before = each.leafIndex();
      leaves.add(Merkle.leaf(response.getReceipts(i).getLeaf().toByteArray()));
    }
    if (held.getFirst().leafIndex() != response.getFirstLeafIndex()) {
      throw new UnmetException("the first leaf is not that of the first contribution");
    }
    if (!Merkle.root(leaves).text().equals(response.getManifestDigest())) {
      throw new UnmetException("the manifest's digest is not that of the contributions");
    }
  }

  private static Hash digest(Contribution contribution) {
    return ContributionRecord.digest(
        contribution.getMessagesList().stream()
            .map(each -> new ContributionRecord.Message(each.getRole(), each.getContent()))
            .toList());
  }

  private static Held held(ContributionReceipt receipt, Head head) {
    String id = receipt.getContributionId();
    long index = receipt.getProof().getLeafIndex();
    byte[] leaf = receipt.getLeaf().toByteArray();
    ContributionRecord record;
    try {
      Sealed sealed =
          new Sealed(
              Leaf.decode(leaf),
              receipt.getFieldsList().stream()
                  .map(
                      field ->
                          new SaltedField(
                              field.getTag(),
                              field.getSalt().toByteArray(),
                              field.getData().toByteArray()))
                  .toList());
      sealed.check();
      record = ContributionRecord.of(sealed);
    } catch (RecordException e) {
      throw new UnmetException("the receipt of " + id + " is none: " + e.getMessage());
    }
    if (!Merkle.leaf(leaf).text().equals(id)) {
      throw new UnmetException("contribution " + id + " is not named by the hash of its leaf");
    }
    List<Hash> proof = Ledger.hashes(receipt.getProof().getHashesList(), Merkle.MAX_INCLUSION);
    if (receipt.getProof().getTreeSize() != head.size()
        || !Merkle.included(
            Merkle.leaf(leaf), index, head.size(), proof, head.checkpoint().root())) {
      throw new UnmetException(
          "contribution %s is not proved to be leaf %d of the log".formatted(id, index));
    }
    return new Held(id, index, record);
  }

  /// Appends each contributor's receipts to their own file, which only its owner may read.
  ///
  /// @return the files, by contributor
  public static Map<String, Path> store(Path folder, RegisterContributionsResponse response)
      throws IOException {
    Map<String, RegisterContributionsResponse.Builder> each = new LinkedHashMap<>();
    for (ContributionReceipt receipt : response.getReceiptsList()) {
      each.computeIfAbsent(
              receipt.getContributor(),
              name ->
                  RegisterContributionsResponse.newBuilder()
                      .setManifestDigest(response.getManifestDigest())
                      .setCheckpoint(response.getCheckpoint()))
          .addReceipts(receipt)
          .addContributionIds(receipt.getContributionId());
    }
    Files.createDirectories(folder);
    Map<String, Path> files = new LinkedHashMap<>();
    for (Map.Entry<String, RegisterContributionsResponse.Builder> entry : each.entrySet()) {
      Path file = folder.resolve(FileNames.of(entry.getKey()) + ".jsonl");
      append(file, JsonFormat.printer().omittingInsignificantWhitespace().print(entry.getValue()));
      files.put(entry.getKey(), file);
    }
    return files;
  }

  private static void append(Path file, String line) throws IOException {
    try {
      Files.createFile(
          file, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
    } catch (FileAlreadyExistsException e) {
      // Of a registration before.
    }
    Files.write(file, (line + "\n").getBytes(StandardCharsets.UTF_8), StandardOpenOption.APPEND);
  }

  /// What [#store] wrote.
  ///
  /// @throws UnmetException if it is not
  public static List<RegisterContributionsResponse> read(Path file) throws IOException {
    List<RegisterContributionsResponse> all = new ArrayList<>();
    try (Stream<String> lines = Files.lines(file)) {
      for (String line : (Iterable<String>) lines.limit(MAX_LINES)::iterator) {
        RegisterContributionsResponse.Builder each = RegisterContributionsResponse.newBuilder();
        JsonFormat.parser().merge(line, each);
        all.add(each.build());
      }
    } catch (InvalidProtocolBufferException e) {
      throw new UnmetException(
          "line %d of %s is no contributor's receipts: %s"
              .formatted(all.size() + 1, file, e.getMessage()));
    }
    return all;
  }
}
