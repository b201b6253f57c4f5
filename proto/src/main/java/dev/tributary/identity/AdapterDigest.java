package dev.tributary.identity;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;

/// The identity of an adapter: see [the package][dev.tributary.identity] for the hashed bytes.
public final class AdapterDigest {
  /// The configuration's file name in an adapter folder.
  public static final String CONFIG_FILE = "adapter_config.json";

  /// The weights' file name in an adapter folder.
  public static final String WEIGHTS_FILE = "adapter_model.safetensors";

  private static final byte[] DOMAIN = "tributary-adapter-v1\n".getBytes(StandardCharsets.US_ASCII);

  private AdapterDigest() {}

  /// The digest of a PEFT folder. Links are followed.
  ///
  /// @return `sha256:<hex>`
  /// @throws IOException if a file is missing or cannot be read
  /// @throws PeftConfigException if the configuration is refused
  /// @throws SafetensorsException if the weights' header is malformed
  public static String of(Path adapterFolder) throws IOException {
    Path configFile = adapterFolder.resolve(CONFIG_FILE);
    if (Files.size(configFile) > PeftConfig.MAX_BYTES) {
      throw new PeftConfigException("", "has more than " + PeftConfig.MAX_BYTES + " bytes");
    }
    PeftConfig config = PeftConfig.parse(Files.readAllBytes(configFile));
    Path weightsFile = adapterFolder.resolve(WEIGHTS_FILE);
    if (!Files.isRegularFile(weightsFile)) {
      throw new NoSuchFileException(
          weightsFile.toString(), null, "adapters are read from safetensors only");
    }
    try (FileChannel channel = FileChannel.open(weightsFile)) {
      return of(config, ReadableBytes.of(channel));
    }
  }

  /// The digest of a parsed configuration and the bytes of a safetensors file.
  ///
  /// @return `sha256:<hex>`
  /// @throws SafetensorsException if the weights' header is malformed
  public static String of(PeftConfig config, ReadableBytes weights) throws IOException {
    return of(config, SafetensorsHeader.parse(weights), weights);
  }

  /// The same, with the header of `weights` parsed already.
  public static String of(PeftConfig config, SafetensorsHeader header, ReadableBytes weights)
      throws IOException {
    List<String> names = new ArrayList<>(header.tensors().keySet());
    names.sort(
        (a, b) ->
            Arrays.compareUnsigned(
                a.getBytes(StandardCharsets.UTF_8), b.getBytes(StandardCharsets.UTF_8)));
    Sha256 sha = new Sha256().bytes(DOMAIN).prefixed(config.canonicalJson()).u64(names.size());
    for (String name : names) {
      SafetensorsHeader.Tensor tensor = Objects.requireNonNull(header.tensors().get(name));
      sha.prefixed(name.getBytes(StandardCharsets.UTF_8))
          .prefixed(tensor.dtype().getBytes(StandardCharsets.US_ASCII))
          .u64(tensor.shape().size());
      tensor.shape().forEach(sha::u64);
      sha.u64(tensor.end() - tensor.begin()).range(weights, tensor.begin(), tensor.end());
    }
    return sha.text();
  }
}
