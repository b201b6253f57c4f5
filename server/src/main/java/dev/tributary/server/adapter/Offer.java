package dev.tributary.server.adapter;

import org.jspecify.annotations.Nullable;

/// A folder as it was last looked at.
///
/// @param stamp of its files before they were read
/// @param version null if the files were refused before they had a digest
/// @param refusal why it is not served, or null
record Offer(
    PeftFolder folder,
    PeftFolder.Stamp stamp,
    @Nullable AdapterVersion version,
    @Nullable AdapterRefusal refusal) {

  String name() {
    return folder.name();
  }

  Offer refuse(AdapterRefusal reason) {
    return new Offer(folder, stamp, version, reason);
  }

  /// Whether looking again would only find the same refusal.
  boolean isSettled(PeftFolder.Stamp now) {
    return !(refusal instanceof AdapterRefusal.Unreadable) && stamp.equals(now);
  }
}
