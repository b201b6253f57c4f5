package dev.tributary.server.rpc;

import java.util.List;

/// What `GetModel` tells of the resident base besides what engine and tokenizer know.
///
/// @param baseDigest `sha256:<hex>`
/// @param baseAliases names that an adapter may state for its base
/// @param vocabulary number of token ids
/// @param deviceKind `cpu` or `cuda`
/// @param threads of the worker team; 0 where there is none
/// @param deviceFeatures that kernels use, such as `avx512_bf16`
/// @param weightsBytes resident bytes of the base
/// @param quantization resident form of the linear layers
public record ServedModel(
    String baseName,
    String baseDigest,
    List<String> baseAliases,
    String family,
    int vocabulary,
    String numericsId,
    String deviceKind,
    String deviceName,
    int threads,
    List<String> deviceFeatures,
    long weightsBytes,
    String quantization,
    String serverVersion) {
  public ServedModel {
    baseAliases = List.copyOf(baseAliases);
    deviceFeatures = List.copyOf(deviceFeatures);
  }
}
