package dev.tributary.server.ledger;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.util.Set;
import java.util.TreeSet;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import org.junit.jupiter.api.Test;

/// The side store on a disk that fails: every durable leaf has its record, what was erased stays so
/// and is in the log, wherever the power goes or the process ends; and every force is needed for
/// that.
class SidePowerLossTest {
  private static final int WORLDS = 300;
  private static final int LIVES = 20;

  /// Most worlds until a missing force must have shown.
  private static final int MUTANT_WORLDS = 600;

  /// Lets a store live, end at a random step and live again.
  private static SideWorld history(long seed, String skipped, Set<String> sites)
      throws IOException {
    RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(seed);
    FaultyDisk faults = new FaultyDisk(random);
    SkippingDisk disk = new SkippingDisk(faults, skipped);
    SideWorld world = new SideWorld(random, faults, disk);
    for (int life = 0; life < LIVES; life++) {
      FaultyDisk.Fault fault =
          switch (random.nextInt(6)) {
            case 0 -> FaultyDisk.Fault.IO_ERROR;
            case 1 -> FaultyDisk.Fault.FULL;
            default -> FaultyDisk.Fault.END;
          };
      faults.failAfter(random.nextInt(random.nextBoolean() ? 12 : 80), fault);
      try {
        world.live(15);
      } catch (FaultyDisk.Ended | IOException e) {
        // As meant.
      }
      if (random.nextInt(3) == 0) {
        faults.restart();
      } else {
        faults.losePower();
      }
    }
    faults.restart();
    world.live(0);
    sites.addAll(disk.sites());
    return world;
  }

  @Test
  void everyLeaf_hasItsRecordUntilItIsErased() throws IOException {
    int leaves = 0;
    int erased = 0;
    for (int seed = 0; seed < WORLDS; seed++) {
      try {
        SideWorld world = history(seed, "", new TreeSet<>());
        leaves += world.size();
        erased += world.erased();
      } catch (AssertionError | RuntimeException e) {
        throw new AssertionError("world " + seed, e);
      }
    }
    assertThat(leaves).isGreaterThan(WORLDS * 30);
    assertThat(erased).isGreaterThan(WORLDS * 5);
  }

  @Test
  void everyForce_isNeeded() throws IOException {
    Set<String> sites = new TreeSet<>();
    for (int seed = 0; seed < 10; seed++) {
      history(seed, "", sites);
    }
    assertThat(sites).hasSizeGreaterThan(6);
    Set<String> needless = new TreeSet<>();
    for (String site : sites) {
      if (!fails(site)) {
        needless.add(site);
      }
    }
    assertThat(needless).as("of " + sites).isEmpty();
  }

  private static boolean fails(String site) {
    for (int seed = 0; seed < MUTANT_WORLDS; seed++) {
      try {
        history(seed, site, new TreeSet<>());
      } catch (AssertionError | LedgerRefused | IOException e) {
        return true;
      }
    }
    return false;
  }
}
