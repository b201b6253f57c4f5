package dev.tributary.server.tokenize;

import dev.tributary.server.tokenize.Value.Bool;
import dev.tributary.server.tokenize.Value.Dict;
import dev.tributary.server.tokenize.Value.Items;
import dev.tributary.server.tokenize.Value.None;
import java.time.Clock;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.LongSupplier;

/// A chat template: the Jinja program a model brings along to write a conversation as one text.
///
/// Immutable and safe for concurrent use. Loading parses and checks the whole template and renders
/// probe conversations; a template with anything that isn't supported is refused then.
public final class ChatTemplate {
  /// Bounds the source of a template, in characters.
  static final int MAX_SOURCE = 1 << 20;

  /// Bounds messages and tools of one conversation.
  static final int MAX_MESSAGES = 10_000;

  /// Names the server sets, which a caller can't.
  private static final Set<String> SERVER_NAMES =
      Set.of("messages", "tools", "documents", "add_generation_prompt");

  /// Words of the protocol between caller and template. They can't spell a control token by
  /// themselves, but a template may build one around them (`<|` ~ role ~ `|>`).
  private static final Set<String> ROLES =
      Set.of("system", "user", "assistant", "tool", "developer", "function", "ipython");

  private static final List<List<Message>> PROBES =
      List.of(
          List.of(new Message("user", "Hello")),
          List.of(new Message("system", "Be kind."), new Message("user", "Hello")),
          List.of(
              new Message("user", "Hello"),
              new Message("assistant", "Hi."),
              new Message("user", "Bye")));

  private static final Map<String, Object> PROBE_TOOL =
      Map.of(
          "type",
          "function",
          "function",
          Map.of(
              "name",
              "now",
              "description",
              "The time.",
              "parameters",
              Map.of("type", "object", "properties", Map.of(), "required", List.of())));

  private final List<Node.Stmt> body;
  private final Map<String, String> specialTokens;
  private final Clock clock;
  private final RenderBudget.Limits limits;
  private final LongSupplier nanoTime;

  private ChatTemplate(
      List<Node.Stmt> body,
      Map<String, String> specialTokens,
      Clock clock,
      RenderBudget.Limits limits,
      LongSupplier nanoTime) {
    this.body = body;
    this.specialTokens = specialTokens;
    this.clock = clock;
    this.limits = limits;
    this.nanoTime = nanoTime;
  }

  /// @param specialTokens `bos_token`, `eos_token` and their kin, by the names templates use
  /// @throws TemplateException for a template that can't be rendered exactly
  public static ChatTemplate load(String source, Map<String, String> specialTokens) {
    return load(
        source,
        specialTokens,
        Clock.systemDefaultZone(),
        RenderBudget.Limits.DEFAULT,
        System::nanoTime,
        List.of());
  }

  /// Like [#load], for a template that is used only where tools are described.
  static ChatTemplate loadForTools(String source, Map<String, String> specialTokens) {
    return load(
        source,
        specialTokens,
        Clock.systemDefaultZone(),
        RenderBudget.Limits.DEFAULT,
        System::nanoTime,
        List.of(PROBE_TOOL));
  }

  static ChatTemplate load(
      String source,
      Map<String, String> specialTokens,
      Clock clock,
      RenderBudget.Limits limits,
      LongSupplier nanoTime,
      List<Object> probeTools) {
    if (source.length() > MAX_SOURCE) {
      throw new TemplateException("chat template is longer than " + MAX_SOURCE + " characters");
    }
    List<Node.Stmt> body = TemplateParser.parse(source);
    TemplateCheck.check(body);
    ChatTemplate template =
        new ChatTemplate(body, Map.copyOf(specialTokens), clock, limits, nanoTime);
    template.probe(probeTools);
    return template;
  }

  /// What a template does with plain conversations must work, or be refused by the template itself.
  private void probe(List<Object> tools) {
    for (List<Message> probe : PROBES) {
      try {
        render(probe, new ChatOptions(false, Map.of(), tools, true));
      } catch (TemplateException e) {
        if (!e.isRefusal()) {
          throw e;
        }
      }
    }
  }

  /// The conversation as text.
  ///
  /// @throws TemplateException if the template refuses the conversation or a limit is reached
  public String render(List<Message> messages, ChatOptions options) {
    return renderMarked(messages, options).toString();
  }

  /// The conversation as text that knows which characters the caller gave.
  Text renderMarked(List<Message> messages, ChatOptions options) {
    if (messages.size() > MAX_MESSAGES || options.tools().size() > MAX_MESSAGES) {
      throw new TemplateException("a conversation has at most " + MAX_MESSAGES + " messages");
    }
    boolean given = !options.trustContent();
    RenderBudget budget = new RenderBudget(limits, nanoTime);
    Scope globals = new Globals(clock, budget).scope();
    specialTokens.forEach((name, token) -> globals.set(name, Text.own(token)));
    options
        .templateVars()
        .forEach(
            (name, value) -> {
              if (SERVER_NAMES.contains(name)
                  || specialTokens.containsKey(name)
                  || Globals.FUNCTIONS.contains(name)) {
                throw new TemplateException("template variable '" + name + "' can't be set");
              }
              globals.set(name, Values.of(value, given));
            });
    List<Value> list = new ArrayList<>(messages.size());
    for (Message message : messages) {
      Map<Value, Value> entries = new LinkedHashMap<>();
      budget.text(message.role().length() + (long) message.content().length());
      boolean knownRole = ROLES.contains(message.role());
      entries.put(Text.own("role"), Values.of(message.role(), given && !knownRole));
      entries.put(Text.own("content"), Values.of(message.content(), given));
      list.add(new Dict(entries));
    }
    globals.set("messages", Items.list(list));
    globals.set("tools", options.tools().isEmpty() ? None.NONE : Values.of(options.tools(), given));
    globals.set("documents", None.NONE);
    globals.set("add_generation_prompt", Bool.of(options.addGenerationPrompt()));
    return new Renderer(budget).render(body, globals);
  }
}
