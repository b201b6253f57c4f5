package dev.tributary.server.ledger;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.util.NoSuchElementException;
import java.util.Set;
import java.util.TreeSet;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import org.junit.jupiter.api.Test;

/// The log on a disk that fails: nothing acknowledged is lost and no published checkpoint is
/// contradicted, wherever the power goes or the process ends; and every force is needed for that.
class PowerLossTest {
  private static final int WORLDS = 100;
  private static final int LIVES = 20;

  /// Most worlds until a missing force must have shown.
  private static final int MUTANT_WORLDS = 400;

  private static RandomGenerator random(long seed) {
    return RandomGeneratorFactory.of("L64X128MixRandom").create(seed);
  }

  /// Lets a log live, end at a random step and live again.
  private static World history(long seed, String skipped, Set<String> sites) throws IOException {
    RandomGenerator random = random(seed);
    FaultyDisk faults = new FaultyDisk(random);
    SkippingDisk disk = new SkippingDisk(faults, skipped);
    World world = new World(random, faults, disk);
    int lives = seed % 10 == 0 ? 4 * LIVES : LIVES;
    for (int life = 0; life < lives; life++) {
      FaultyDisk.Fault fault =
          switch (random.nextInt(6)) {
            case 0 -> FaultyDisk.Fault.IO_ERROR;
            case 1 -> FaultyDisk.Fault.FULL;
            default -> FaultyDisk.Fault.END;
          };
      // A start takes about ten steps.
      faults.failAfter(random.nextInt(random.nextBoolean() ? 20 : 120), fault);
      try {
        world.live(30);
      } catch (FaultyDisk.Ended e) {
        // As meant.
      } catch (IOException e) {
        // A start that failed.
      }
      if (random.nextInt(3) == 0) {
        faults.restart();
      } else {
        faults.losePower();
      }
    }
    faults.restart();
    world.live(1);
    sites.addAll(disk.sites());
    return world;
  }

  @Test
  void nothingAcknowledged_isEverLost() throws IOException {
    int leaves = 0;
    int rotations = 0;
    for (int seed = 0; seed < WORLDS; seed++) {
      try {
        World world = history(seed, "", new TreeSet<>());
        leaves += world.size();
        rotations += world.rotations();
      } catch (AssertionError | RuntimeException e) {
        throw new AssertionError("world " + seed, e);
      }
    }
    assertThat(leaves).isGreaterThan(WORLDS * 50);
    assertThat(rotations).isGreaterThan(WORLDS);
  }

  @Test
  void everyForce_isNeeded() throws IOException {
    Set<String> sites = new TreeSet<>();
    for (int seed = 0; seed < 10; seed++) {
      history(seed, "", sites);
    }
    assertThat(sites).hasSizeGreaterThan(8);
    Set<String> needless = new TreeSet<>();
    for (String site : sites) {
      if (!fails(site)) {
        needless.add(site);
      }
    }
    assertThat(needless).as("of " + sites).isEmpty();
  }

  private static boolean fails(String site) throws IOException {
    for (int seed = 0; seed < MUTANT_WORLDS; seed++) {
      try {
        history(seed, site, new TreeSet<>());
      } catch (AssertionError | LedgerRefused | NoSuchElementException e) {
        return true;
      }
    }
    return false;
  }
}
