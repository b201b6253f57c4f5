/// From contributions to what attribution knows of them.
///
/// [Clusters][dev.tributary.server.ingest.Clusters] says which training examples are one, so that
/// who sends the same text again, under another name or with a word changed, has one vote and not
/// two. The decisions:
///
/// - **Stars, not chains.** An example joins a head if it is like that head itself. Were it enough
///   to be like another member, a row of examples, each a little different from the last, would
///   bridge two facts of two contributors.
/// - **What differs between facts must be equal.** Two opening hours in the same sentence are 95%
///   the same text and two facts. So numbers and rare tokens have to be the same ones in the same
///   order, whatever the rest.
/// - **First come, first credited.** Examples are taken in commit order and an example joins the
///   earliest head that it is like.
/// - **Candidates by MinHash, verified exactly.** The sketches only say whom to compare;
///   [Shingles][dev.tributary.server.ingest.Shingles] compares the tokens themselves, so neither a
///   collision nor somebody who makes one merges anything.
///
/// MinHash is Apache DataSketches' theta sketch, which keeps the smallest hashes of a set. The
/// other library at hand, info.debatty:java-lsh 0.12, has had no release for years and computes a
/// hash function per value; DataSketches is a project of the Apache foundation, has a release for
/// Java 25, and no dependencies.
@NullMarked
package dev.tributary.server.ingest;

import org.jspecify.annotations.NullMarked;
