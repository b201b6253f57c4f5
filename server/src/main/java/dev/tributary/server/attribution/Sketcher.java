package dev.tributary.server.attribution;

import dev.tributary.server.model.GradientPass;
import dev.tributary.server.model.LoraWeights;
import dev.tributary.server.model.LoraWeights.Pair;
import dev.tributary.server.model.LoraWeights.Site;
import dev.tributary.server.model.Trainable;
import dev.tributary.server.model.TrainingRow;
import dev.tributary.server.tensor.Matrix;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SplittableRandom;

/// Computes what a first step of training on a sequence would change of an adapter's B, as far as a
/// [SketchForm] keeps it.
///
/// One pass at a time, in pieces, by the thread that owns the device.
public final class Sketcher implements AutoCloseable {
  private final GradientPass pass;
  private final SketchForm form;
  private final List<Site> sites;
  private final List<Trainable> rooms = new ArrayList<>();

  /// For each site where its outputs go: the bucket, or its complement for the sign -1.
  private final List<int[]> buckets = new ArrayList<>();

  private final int size;
  private List<Sequence> sequences = List.of();
  private boolean computed = true;
  private int read;
  private List<Sketch> sketches = new ArrayList<>();

  /// @param adapter whose A is used; read here only
  /// @param scale of its B: 0 is the base, as answers are attributed; others are for whoever
  ///   compares
  /// @param rooms sequences of a pass at most
  /// @throws IllegalArgumentException if the adapter has nothing in the layers that are asked
  public Sketcher(GradientPass pass, LoraWeights adapter, SketchForm form, float scale, int rooms) {
    this.pass = pass;
    this.form = form;
    Map<Site, Pair> pairs = adapter.pairs();
    sites = form.sites(pairs);
    for (int i = 0; i < rooms; i++) {
      Trainable room = new Trainable(form.forms(pairs));
      room.pairs()
          .forEach(
              (site, own) -> {
                Pair from = Objects.requireNonNull(pairs.get(site));
                IndexBuild.copy(from.a(), own.a(), 1);
                IndexBuild.copy(from.bt(), own.bt(), scale);
              });
      this.rooms.add(room);
    }
    int length = 0;
    for (Site site : sites) {
      Pair pair = Objects.requireNonNull(pairs.get(site));
      SplittableRandom random =
          new SplittableRandom(
              form.seed() * 1_000_003 + site.layer() * 31L + site.projection().ordinal());
      int[] own = new int[pair.bt().cols()];
      int count = form.buckets(pair.bt().rows());
      for (int i = 0; i < own.length; i++) {
        int bucket = random.nextInt(count);
        own[i] = random.nextBoolean() ? bucket : ~bucket;
      }
      buckets.add(own);
      length += pair.bt().rows() * count;
    }
    size = length;
  }

  /// Values of a sketch.
  int size() {
    return size;
  }

  /// How many of `sequences` one pass takes, from the first on; at least one.
  public int fitting(List<Sequence> sequences) {
    int count = 1;
    while (count < Math.min(rooms.size(), sequences.size())
        && GradientPass.tokens(rows(sequences.subList(0, count + 1))) <= pass.maxTokens()) {
      count++;
    }
    return count;
  }

  /// @param sequences as many as are [#fitting]
  public void begin(List<Sequence> sequences) {
    this.sequences = List.copyOf(sequences);
    sketches = new ArrayList<>();
    read = 0;
    computed = false;
    rooms.subList(0, sequences.size()).forEach(Trainable::clearGradients);
    pass.begin(rows(sequences), true);
  }

  private List<TrainingRow> rows(List<Sequence> given) {
    List<TrainingRow> rows = new ArrayList<>();
    for (int i = 0; i < given.size(); i++) {
      Sequence each = given.get(i);
      int targets = each.tokens().length - each.targetsFrom();
      rows.add(new TrainingRow(each.tokens(), each.targetsFrom(), rooms.get(i), 1f / targets));
    }
    return rows;
  }

  /// One piece of work; whether there is more.
  public boolean advance() {
    if (!computed) {
      computed = !pass.advance();
      return true;
    }
    sketches.add(sketch(rooms.get(read)));
    return ++read < sequences.size();
  }

  /// Of the sequences of the pass, in their order.
  public List<Sketch> sketches() {
    return List.copyOf(sketches);
  }

  /// Mean of -ln p over each sequence's targets, under the base.
  public double[] losses() {
    double[] losses = pass.losses();
    for (int i = 0; i < losses.length; i++) {
      losses[i] /= sequences.get(i).targets();
    }
    return losses;
  }

  private Sketch sketch(Trainable room) {
    float[] sketch = new float[size];
    int at = 0;
    for (int i = 0; i < sites.size(); i++) {
      Matrix gradient = Objects.requireNonNull(room.gradients().get(sites.get(i))).bt();
      int[] own = buckets.get(i);
      float[] row = new float[own.length];
      for (int r = 0; r < gradient.rows(); r++) {
        gradient.row(r, row);
        for (int j = 0; j < row.length; j++) {
          if (own[j] >= 0) {
            sketch[at + own[j]] += row[j];
          } else {
            sketch[at + ~own[j]] -= row[j];
          }
        }
        at += form.buckets(gradient.rows());
      }
    }
    return Sketch.of(sketch);
  }

  @Override
  public void close() {
    rooms.forEach(Trainable::close);
  }
}
