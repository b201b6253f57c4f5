package dev.tributary.server.schedule;

import dev.tributary.identity.ComputePath;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/// A request on its way: the tokens known so far, how many of them are in the cache of keys and
/// values, on which pages, and the path that each took.
///
/// `computed <= paths.length()` until it gives its pages up: then it computes all again, following
/// the paths it first took.
public final class Sequence {
  private static final int[] NO_PAGES = {};

  private final Request request;
  private final Set<String> adapters;
  private final PathRuns paths;
  private int[] tokens;
  private int length;

  /// Tokens whose keys and values are in the cache now, and the most that ever were.
  private int computed;

  private int reached;

  /// The first token whose logits have not been read and are wanted.
  private int logitsFrom;

  private int[] pages = NO_PAGES;

  /// Tokens that the prefix cache had at the first admission; -1 before.
  private int cached = -1;

  /// Full pages that were offered to the prefix cache or came from it, and the key of the last.
  private int blocks;

  private @Nullable Hash lastBlock;

  public Sequence(Request request) {
    this.request = request;
    tokens = request.tokens();
    length = tokens.length;
    logitsFrom = request.logitsFrom();
    paths = new PathRuns(request.paths());
    Scope scope = request.scope();
    adapters =
        scope == null
            ? Set.of()
            : scope.adapters().stream()
                .map(Scope.Adapter::digest)
                .collect(Collectors.toUnmodifiableSet());
  }

  public long id() {
    return request.id();
  }

  /// A token was generated.
  public void append(int token) {
    if (length == maxLength()) {
      throw new IllegalStateException("sequence " + id() + " runs past its " + length + " tokens");
    }
    if (length == tokens.length) {
      tokens = Arrays.copyOf(tokens, Math.min(2 * length, maxLength()));
    }
    tokens[length++] = token;
  }

  /// Prompt and output so far.
  public int length() {
    return length;
  }

  public int token(int position) {
    return tokens[position];
  }

  /// Tokens `[position, position + count)`.
  public int[] tokens(int position, int count) {
    return Arrays.copyOfRange(tokens, position, position + count);
  }

  public int promptTokens() {
    return request.tokens().length;
  }

  /// Tokens of the prompt that the prefix cache had when the sequence was admitted.
  public int cachedTokens() {
    return Math.max(0, cached);
  }

  /// The path of every token that was computed, in order.
  public List<PathRun> paths() {
    return paths.first(reached);
  }

  Priority priority() {
    return request.priority();
  }

  /// Whose it is.
  public String tenant() {
    return request.tenant();
  }

  int weight() {
    return request.weight();
  }

  boolean repeatable() {
    return request.repeatable();
  }

  @Nullable Scope scope() {
    return request.scope();
  }

  /// Digests of the adapters that it needs in memory.
  Set<String> adapters() {
    return adapters;
  }

  int maxLength() {
    return request.tokens().length + request.maxTokens();
  }

  int computed() {
    return computed;
  }

  int logitsFrom() {
    return logitsFrom;
  }

  int[] pages() {
    return pages;
  }

  /// All that is known is computed but the token generated last.
  boolean decodes() {
    return computed >= promptTokens() && computed == length - 1;
  }

  boolean generates() {
    return request.maxTokens() > 0;
  }

  /// The path that the next token is bound to, or null if it is the plan's to choose.
  @Nullable ComputePath boundPath() {
    return computed < paths.length() ? paths.at(computed) : paths.settled();
  }

  /// How many tokens come next: up to the last multiple of `chunk` within `room` tokens, or the
  /// next one if none is; not beyond a change of path.
  int nextCount(int chunk, int room) {
    int next = (computed / chunk + 1) * chunk;
    int last = repeatable() ? next : Math.max(next, (computed + room) / chunk * chunk);
    int end = Math.min(last, length);
    if (computed < paths.length()) {
      end = Math.min(end, paths.endOfRun(computed));
    }
    return end - computed;
  }

  /// Tokens `[computed, computed + count)` were computed by `path`.
  void advance(int count, ComputePath path) {
    if (computed == paths.length()) {
      paths.add(path, count);
    }
    computed += count;
    reached = Math.max(reached, computed);
    logitsFrom = Math.max(logitsFrom, computed);
  }

  void addPage(int page) {
    pages = Arrays.copyOf(pages, pages.length + 1);
    pages[pages.length - 1] = page;
  }

  /// Takes blocks of the prefix cache, which it holds already, for computed.
  void begin(List<Block> found, int pageTokens) {
    for (Block block : found) {
      addPage(block.page());
      for (int i = 0; i < pageTokens; i++, computed++) {
        if (computed == paths.length()) {
          paths.add(path(block, i), 1);
        }
      }
      blocks++;
      lastBlock = block.key();
    }
    if (cached < 0) {
      cached = computed;
    }
    reached = Math.max(reached, computed);
  }

  /// Loses all that is computed; returns its pages.
  int[] giveUp() {
    int[] given = pages;
    pages = NO_PAGES;
    computed = 0;
    blocks = 0;
    lastBlock = null;
    return given;
  }

  /// Whether `block` may stand for the page of tokens from `at` on: by the paths that this sequence
  /// is bound to, or any that it may take.
  boolean accepts(Block block, int at, int pageTokens) {
    if (repeatable() && !block.fixedChunk()) {
      return false;
    }
    for (int i = 0; i < pageTokens && at + i < paths.length(); i++) {
      if (paths.at(at + i) != path(block, i)) {
        return false;
      }
    }
    return true;
  }

  /// The next page that is full and not yet offered, or null.
  ///
  /// @param chunkFrom where the last slice began, if it was a whole chunk by the path that
  ///   repeatable requests take; else past the end
  @Nullable Block nextBlock(int pageTokens, int chunkFrom) {
    Scope scope = request.scope();
    int at = blocks * pageTokens;
    if (scope == null || at + pageTokens > computed) {
      return null;
    }
    int wide = 0;
    for (int i = 0; i < pageTokens; i++) {
      wide |= paths.at(at + i) == ComputePath.WIDE ? 1 << i : 0;
    }
    Hash content =
        Block.content(lastBlock == null ? scope.hash() : lastBlock, tokens(at, pageTokens));
    Block block = new Block(pages[blocks], content, wide, at >= chunkFrom);
    blocks++;
    lastBlock = block.key();
    return block;
  }

  private static ComputePath path(Block block, int index) {
    return (block.wide() >> index & 1) == 1 ? ComputePath.WIDE : ComputePath.NARROW;
  }
}
