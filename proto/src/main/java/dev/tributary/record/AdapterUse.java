package dev.tributary.record;

import dev.tributary.tlog.Hash;

/// An adapter version that a generation is made with.
///
/// @param name `tenant/name`
/// @param number of the version, from 1
/// @param digest of its weights and configuration
/// @param scale multiplies alpha/r; 1 is as trained
public record AdapterUse(String name, int number, Hash digest, float scale) {
  public AdapterUse {
    RecordException.require(number >= 1, "version " + number + " of an adapter");
    RecordException.require(Float.isFinite(scale), "a scale of " + scale);
  }

  void encode(Encoder out) {
    out.text(name).u32(number).hash(digest).f32(scale);
  }

  static AdapterUse decode(Decoder in) {
    return new AdapterUse(in.text(), in.u31(), in.hash(), in.f32());
  }
}
