package dev.tributary.server.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SubsetsTest {
  @TempDir private Path folder;

  private static Set<String> names(int count) {
    Set<String> names = new TreeSet<>();
    IntStream.range(0, count).forEach(i -> names.add("c%03d".formatted(i)));
    return names;
  }

  @ParameterizedTest
  @CsvSource({"2, 2", "3, 6", "4, 6", "5, 20", "8, 64", "8, 70", "10, 64", "33, 64", "200, 16"})
  void of_anySize_isDistinctAndBalanced(int contributors, int count) {
    for (long seed = 0; seed < 5; seed++) {
      Subsets subsets = Subsets.of(names(contributors), count, seed);
      Set<Set<String>> distinct = new HashSet<>();
      int[] in = new int[contributors];
      for (int i = 0; i < subsets.count(); i++) {
        Set<String> subset = subsets.contributors(i);
        assertThat(subset.size()).isBetween(contributors / 2, Math.ceilDiv(contributors, 2));
        assertThat(distinct.add(subset)).isTrue();
        subset.forEach(name -> in[Integer.parseInt(name.substring(1))]++);
      }
      assertThat(distinct).hasSize(count);
      assertThat(in).containsOnly(count / 2);
    }
  }

  @Test
  void of_theSameSeed_isTheSame_andNoJustOpposites() {
    Subsets subsets = Subsets.of(names(10), 32, 1);
    Subsets same = Subsets.of(names(10), 32, 1);
    Set<Set<String>> all = new HashSet<>();
    for (int i = 0; i < 32; i++) {
      assertThat(same.contributors(i)).isEqualTo(subsets.contributors(i));
      all.add(subsets.contributors(i));
    }
    long opposites =
        all.stream()
            .filter(
                subset -> {
                  Set<String> rest = names(10);
                  rest.removeAll(subset);
                  return all.contains(rest);
                })
            .count();
    assertThat(opposites).isLessThan(16);
    assertThat(IntStream.range(0, 32).mapToObj(Subsets.of(names(10), 32, 2)::contributors).toList())
        .isNotEqualTo(IntStream.range(0, 32).mapToObj(subsets::contributors).toList());
  }

  @Test
  void of_moreThanThereAre_saysHowManyThereAre() {
    assertThatThrownBy(() -> Subsets.of(names(4), 8, 0))
        .isInstanceOf(InvalidSettingException.class)
        .hasMessage("audit_subsets is 8, must be even, from 2 to 6 with 4 contributors");
    assertThatThrownBy(() -> Subsets.of(names(8), 63, 0)).hasMessageContaining("must be even");
    assertThatThrownBy(() -> Subsets.of(names(1), 2, 0)).hasMessageContaining("1 contributors");
  }

  @Test
  void members_ofAnEnsemble_trainOnTheirSubsetAndStayFinished() throws IOException {
    Member whole = new Member("whole", Runs.settings(1, 5), Runs.examples(12, 1), List.of());
    Subsets subsets = Subsets.of(Set.of("a", "b"), 2, 0);
    List<Member> members = subsets.members(whole, 2);
    assertThat(members)
        .extracting(Member::name)
        .containsExactly(
            "subset-000-seed-0", "subset-000-seed-1", "subset-001-seed-0", "subset-001-seed-1");
    for (Member member : members) {
      Set<String> in = subsets.contributors(Integer.parseInt(member.name().substring(7, 10)));
      assertThat(member.training()).allMatch(each -> in.contains(each.contributor())).hasSize(6);
    }
    List<List<Member>> cohorts = Subsets.cohorts(members, 3);
    assertThat(cohorts).extracting(List::size).containsExactly(3, 1);
    Set<String> digests = new HashSet<>();
    for (List<Member> cohort : cohorts) {
      digests.addAll(Runs.digests(Runs.trainer(9), folder, cohort));
    }
    assertThat(digests).hasSize(4);
    ToyGradients gradients = new ToyGradients(64);
    Trainer again = new Trainer(Runs.place(gradients, 9, new LocalDisk()));
    assertThat(new HashSet<>(Runs.digests(again, folder, members))).isEqualTo(digests);
    assertThat(gradients.passes).isEmpty();
  }
}
