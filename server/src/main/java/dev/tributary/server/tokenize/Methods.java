package dev.tributary.server.tokenize;

import dev.tributary.server.tokenize.Value.Bool;
import dev.tributary.server.tokenize.Value.Dict;
import dev.tributary.server.tokenize.Value.Function;
import dev.tributary.server.tokenize.Value.Int;
import dev.tributary.server.tokenize.Value.Items;
import dev.tributary.server.tokenize.Value.Loop;
import dev.tributary.server.tokenize.Value.Namespace;
import dev.tributary.server.tokenize.Value.None;
import dev.tributary.server.tokenize.Value.Undefined;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// Attributes and items: `object.name` prefers a method, `object['name']` an item, each falling
/// back to the other, as in Jinja.
final class Methods {
  private static final Set<String> TEXT =
      Set.of(
          "strip",
          "lstrip",
          "rstrip",
          "split",
          "rsplit",
          "splitlines",
          "startswith",
          "endswith",
          "upper",
          "lower",
          "title",
          "capitalize",
          "replace",
          "join",
          "find",
          "rfind",
          "count",
          "isdigit",
          "isspace",
          "isalpha",
          "removeprefix",
          "removesuffix");
  private static final Set<String> DICT = Set.of("items", "keys", "values", "get");
  private static final Set<String> ITEMS = Set.of("index", "count");
  private static final Set<String> LOOP = Set.of("cycle");

  /// Methods that Python has and that aren't built. A template that calls one is refused; that they
  /// exist matters where one is looked up by a key that isn't there.
  private static final Set<String> DICT_UNSUPPORTED = Set.of("copy", "fromkeys");

  private static final Set<String> LIST_UNSUPPORTED = Set.of("copy");

  /// Methods that change their object: to the sandbox of transformers they are undefined.
  private static final Set<String> DICT_FORBIDDEN =
      Set.of("clear", "pop", "popitem", "setdefault", "update");

  private static final Set<String> LIST_FORBIDDEN =
      Set.of("append", "clear", "extend", "insert", "pop", "remove", "reverse", "sort");
  private static final Set<String> TEXT_UNSUPPORTED =
      Set.of(
          "casefold",
          "center",
          "encode",
          "expandtabs",
          "format",
          "format_map",
          "index",
          "isalnum",
          "isascii",
          "isdecimal",
          "isidentifier",
          "islower",
          "isnumeric",
          "isprintable",
          "istitle",
          "isupper",
          "ljust",
          "maketrans",
          "partition",
          "rindex",
          "rjust",
          "rpartition",
          "swapcase",
          "translate",
          "zfill");

  private final RenderBudget budget;
  private final TextMethods texts;
  private final Operators operators;

  Methods(RenderBudget budget) {
    this.budget = budget;
    this.texts = new TextMethods(budget);
    this.operators = new Operators(budget);
  }

  /// Whether a template may call a method of this name on something.
  static boolean isKnown(String name) {
    return TEXT.contains(name)
        || DICT.contains(name)
        || ITEMS.contains(name)
        || LOOP.contains(name);
  }

  Value attribute(Value object, String name) {
    Value found = ownAttribute(object, name);
    if (found == null && object instanceof Dict dict) {
      found = dict.entries().get(Text.own(name));
    }
    return found != null ? found : missing(object, name);
  }

  Value item(Value object, Value key) {
    Value found =
        switch (object) {
          case Dict dict -> Values.isHashable(key) ? Values.find(dict, key) : null;
          case Text text when isIndex(key) -> {
            int index = index(key, text.length());
            yield index < 0 ? null : text.slice(index, index + 1);
          }
          case Items items when isIndex(key) && items.kind() != Items.Kind.VIEW -> {
            int index = index(key, items.values().size());
            yield index < 0 ? null : items.values().get(index);
          }
          default -> null;
        };
    if (found == null && key instanceof Text name) {
      found = ownAttribute(object, name.toString());
    }
    return found != null ? found : missing(object, Python.str(key, budget).toString());
  }

  private static boolean isIndex(Value key) {
    return key instanceof Int || key instanceof Bool;
  }

  private static int index(Value key, int length) {
    long index = Operators.integer(key);
    long fromStart = index < 0 ? index + length : index;
    return fromStart < 0 || fromStart >= length ? -1 : (int) fromStart;
  }

  private static Undefined missing(Value object, String name) {
    if (object instanceof Undefined undefined) {
      throw new TemplateException(undefined.what());
    }
    return new Undefined("'" + Python.type(object) + "' has no attribute '" + name + "'");
  }

  private @Nullable Value ownAttribute(Value object, String name) {
    return switch (object) {
      case Text text when TEXT.contains(name) ->
          method(name, arguments -> texts.call(text, name, arguments));
      case Text text when TEXT_UNSUPPORTED.contains(name) -> unsupported("str", name);
      case Dict dict when DICT.contains(name) ->
          method(name, arguments -> dictMethod(dict, name, arguments));
      case Dict dict when DICT_UNSUPPORTED.contains(name) -> unsupported("dict", name);
      case Dict dict when DICT_FORBIDDEN.contains(name) -> forbidden("dict", name);
      case Items items when items.kind() != Items.Kind.VIEW && ITEMS.contains(name) ->
          method(name, arguments -> itemsMethod(items, name, arguments));
      case Items items when items.kind() == Items.Kind.LIST && LIST_UNSUPPORTED.contains(name) ->
          unsupported("list", name);
      case Items items when items.kind() == Items.Kind.LIST && LIST_FORBIDDEN.contains(name) ->
          forbidden("list", name);
      case Namespace namespace -> namespace.attributes().get(name);
      case Loop loop -> loopAttribute(loop, name);
      default -> null;
    };
  }

  private static Function method(String name, Function.Body body) {
    return new Function(name, body);
  }

  private static Undefined forbidden(String type, String name) {
    return new Undefined("access to attribute '" + name + "' of " + type + " is unsafe");
  }

  private static Function unsupported(String type, String name) {
    return new Function(
        name,
        arguments -> {
          throw new TemplateException("method '" + name + "' of " + type + " is not supported");
        });
  }

  private Value dictMethod(Dict dict, String name, Arguments arguments) {
    if (name.equals("get")) {
      Value key = arguments.required("key");
      Value standard = arguments.or("default", None.NONE);
      arguments.end();
      Value found = Values.find(dict, key);
      return found != null ? found : standard;
    }
    arguments.end();
    budget.collection(dict.entries().size());
    List<Value> view =
        switch (name) {
          case "keys" -> List.copyOf(dict.entries().keySet());
          case "values" -> List.copyOf(dict.entries().values());
          default -> pairs(dict);
        };
    return new Items(Items.Kind.VIEW, view);
  }

  static List<Value> pairs(Dict dict) {
    List<Value> pairs = new ArrayList<>();
    for (Map.Entry<Value, Value> entry : dict.entries().entrySet()) {
      pairs.add(Items.tuple(entry.getKey(), entry.getValue()));
    }
    return pairs;
  }

  private Value itemsMethod(Items items, String name, Arguments arguments) {
    Value wanted = arguments.required("value");
    arguments.end();
    int count = 0;
    for (int i = 0; i < items.values().size(); i++) {
      if (operators.equal(items.values().get(i), wanted)) {
        if (name.equals("index")) {
          return new Int(i);
        }
        count++;
      }
    }
    if (name.equals("index")) {
      throw new TemplateException("the value is not in the list");
    }
    return new Int(count);
  }

  private static @Nullable Value loopAttribute(Loop loop, String name) {
    int at = loop.position()[0];
    int length = loop.values().size();
    return switch (name) {
      case "index" -> new Int(at + 1);
      case "index0" -> new Int(at);
      case "revindex" -> new Int(length - at);
      case "revindex0" -> new Int(length - at - 1);
      case "first" -> Bool.of(at == 0);
      case "last" -> Bool.of(at == length - 1);
      case "length" -> new Int(length);
      case "depth" -> new Int(1);
      case "depth0" -> new Int(0);
      case "previtem" ->
          at > 0 ? loop.values().get(at - 1) : new Undefined("there is no previous item");
      case "nextitem" ->
          at < length - 1 ? loop.values().get(at + 1) : new Undefined("there is no next item");
      case "cycle" ->
          method(
              name,
              arguments -> {
                List<Value> values = arguments.rest();
                arguments.end();
                if (values.isEmpty()) {
                  throw new TemplateException("no items for cycling given");
                }
                return values.get(at % values.size());
              });
      default -> null;
    };
  }

  /// `object[from:to:step]` with Python's rules for what is absent, negative or out of range.
  Value slice(Value object, Value from, Value to, Value step) {
    int length =
        switch (object) {
          case Text text -> text.length();
          case Items items when items.kind() != Items.Kind.VIEW -> items.values().size();
          case Undefined undefined -> throw new TemplateException(undefined.what());
          default -> throw new TemplateException("a " + Python.type(object) + " has no slices");
        };
    long stride = step == None.NONE ? 1 : Operators.integer(step);
    if (stride == 0) {
      throw new TemplateException("slice step cannot be zero");
    }
    boolean forward = stride > 0;
    long start = bound(from, length, forward ? 0 : length - 1, forward);
    long end = bound(to, length, forward ? length : -1, forward);
    long span = forward ? end - start : start - end;
    long pace = Math.abs(Math.max(stride, -Integer.MAX_VALUE));
    int count = span <= 0 ? 0 : (int) ((span - 1) / Math.min(pace, Integer.MAX_VALUE) + 1);
    int by = (int) Math.max(-Integer.MAX_VALUE, Math.min(stride, Integer.MAX_VALUE));
    if (object instanceof Text text) {
      budget.text(count);
      return text.pick((int) start, count > 1 ? by : 1, count);
    }
    Items items = (Items) object;
    budget.collection(count);
    List<Value> picked = new ArrayList<>(count);
    for (int i = 0; i < count; i++) {
      picked.add(items.values().get((int) (start + (long) i * by)));
    }
    return new Items(items.kind(), picked);
  }

  private static long bound(Value value, int length, long absent, boolean forward) {
    if (value == None.NONE) {
      return absent;
    }
    long index = Operators.integer(value);
    long fromStart = index < 0 ? Math.max(index, -(long) Integer.MAX_VALUE) + length : index;
    return forward
        ? Math.max(0, Math.min(fromStart, length))
        : Math.max(-1, Math.min(fromStart, length - 1));
  }
}
