package dev.tributary.server.rpc;

import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.MethodDescriptor;
import io.grpc.stub.ClientCalls;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;

/// Calls methods with whatever bytes a test has.
final class RawCalls implements MethodDescriptor.Marshaller<byte[]> {
  /// The bytes of the answer of a unary method.
  static byte[] unary(Channel channel, String method, byte[] request) {
    MethodDescriptor<byte[], byte[]> raw =
        MethodDescriptor.newBuilder(new RawCalls(), new RawCalls())
            .setType(MethodDescriptor.MethodType.UNARY)
            .setFullMethodName(method)
            .build();
    return ClientCalls.blockingUnaryCall(channel, raw, CallOptions.DEFAULT, request);
  }

  @Override
  public InputStream stream(byte[] value) {
    return new ByteArrayInputStream(value);
  }

  @Override
  public byte[] parse(InputStream stream) {
    try {
      return stream.readAllBytes();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
