package dev.tributary.server.tokenize;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Templates that try to get out, or to use up the server.
class ChatTemplateSandboxTest {
  private static final List<Message> HELLO = List.of(new Message("user", "Hello"));

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{{ messages.getClass() }}",
        "{{ ''.getClass().forName('java.lang.Runtime').getRuntime().exec('id') }}",
        "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "{{ ().__class__ }}",
        "{{ messages[0].__init__ }}",
        "{{ self.__init__.__globals__ }}",
        "{{ ____int3rpr3t3r____.getContext() }}",
        "{{ raise_exception.__globals__ }}",
        "{{ namespace.__init__ }}",
        "{{ cycler.__init__ }}",
        "{{ lipsum.__globals__ }}",
        "{{ joiner }}",
        "{{ ''|attr('__class__') }}",
        "{{ [].append(1) }}",
        "{{ messages.clear() }}",
        "{{ messages[0].pop('role') }}",
        "{{ messages[0].update({}) }}",
        "{{ '{0.__class__}'.format(1) }}",
        "{{ '%s' % 1 }}",
        "{{ open('/etc/passwd') }}",
        "{{ eval('1') }}",
        "{{ config }}{{ config.items() }}",
        "{{ type(1) }}",
        "{% include 'x' %}",
        "{% import 'x' as y %}",
        "{% from 'x' import y %}",
        "{% extends 'x' %}",
        "{% block b %}{% endblock %}",
        "{% call f() %}{% endcall %}",
        "{% autoescape true %}{% endautoescape %}",
        "{% do messages.append(1) %}",
        "{% for x in [1] recursive %}{{ loop([1]) }}{% endfor %}",
        "{% set ns = namespace() %}{% set ns.__class__ = 1 %}",
        "{{ namespace(_x=1) }}",
        "{% unknown %}",
        "{{ x | unknown }}",
        "{{ x is unknown }}",
        "{{ unknown() }}",
        "{{ x.unknown() }}",
        "{{ messages | map('unknown') | list }}",
        "{{ messages | selectattr('role', 'unknown') | list }}",
        "{{ x",
        "{% if x %}",
        "{% for x in %}{% endfor %}",
        "{# open",
        "{{ 'open }}",
        "{{ 1 + }}",
        "{{ (1 }}",
        "{{ [1) }}",
        "{% endif %}",
        "{% break %}",
        "{% macro m(a, a) %}{% endmacro %}",
        "{% set true = 1 %}",
        "{{ f(*messages) }}",
        "{{ f(**messages) }}",
        "{{ '\\N{BULLET}' }}",
        "{{ 99999999999999999999 }}",
        "{{ x | safe + 'y' }}",
        "{% set x = 'y' | safe %}{{ x + 'z' }}",
        "{{ 'y' | safe | trim }}",
      })
  void load_escapeOrUnsupported_isRefused(String template) {
    assertThatThrownBy(() -> load(template)).isInstanceOf(TemplateException.class);
  }

  /// What reaches into Java elsewhere is an attribute like any other that isn't there.
  @Test
  void render_attributesOfJavaObjects_areUndefined() {
    ChatTemplate template =
        load(
            "{{ ''.class }}{{ messages.getClass }}{{ messages.size }}{{ 1.class }}{{ none.class }}"
                + "{{ ____int3rpr3t3r____ }}{{ raise_exception.body }}{{ messages[0].entrySet }}");
    assertThat(template.render(HELLO, ChatOptions.DEFAULT)).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{{ messages.foo.bar }}",
        "{{ nothing.at_all }}",
        "{{ nothing + 1 }}",
        "{{ nothing < 1 }}",
        "{{ -nothing }}",
        "{{ 'a' + 1 }}",
        "{{ 1 + none }}",
        "{{ 'a' < 1 }}",
        "{{ 1 in 'a' }}",
        "{{ 1 // 0 }}",
        "{{ 1 % 0 }}",
        "{{ 1 / 0 }}",
        "{{ 9223372036854775 * 9223372036854775 }}",
        "{{ 10 ** 60 }}",
        "{{ none | length }}",
        "{{ 1 | length }}",
        "{% for x in 1 %}{% endfor %}",
        "{% for x in none %}{% endfor %}",
        "{% for a, b in [[1]] %}{% endfor %}",
        "{{ 'a'.split('') }}",
        "{{ 'abc'[::0] }}",
        "{{ nothing | tojson }}",
        "{{ messages[0].items() }}",
        "{{ 'x'.strip(1) }}",
        "{{ 'x'.strip('a', 'b') }}",
        "{{ 'x'.strip(nope='a') }}",
        "{{ 'x' | trim(nope='a') }}",
        "{{ strftime_now('%Q') }}",
        "{{ range(1, 2, 0) }}",
        "{{ messages() }}",
        "{% macro m(a) %}{% endmacro %}{{ m(1, 2) }}",
        "{% macro m(a) %}{% endmacro %}{{ m(b=2) }}",
        "{% set x = 1 %}{% set x.y = 2 %}",
      })
  void load_mistakeThatPythonRaises_isRefused(String template) {
    assertThatThrownBy(() -> load(template))
        .isInstanceOf(TemplateException.class)
        .hasMessageContaining("line 1");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{% for i in range(10**9) %}{% endfor %}",
        "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
        "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
        "{% macro a() %}{{ b() }}{% endmacro %}{% macro b() %}{{ a() }}{% endmacro %}{{ a() }}",
        "{{ 'x' * 10**10 }}",
        "{{ [0] * 10**10 }}",
        "{{ 'x' | indent(10**9, true) }}",
        "{{ [1] | tojson(indent=10**9) }}",
        "{% set ns = namespace(x='xxxxxxxxxx') %}{% for i in range(99) %}{% set ns.x = ns.x + ns.x %}{% endfor %}",
        "{% set ns = namespace(x='xxxxxxxxxx') %}{% for i in range(99) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}",
        "{% set ns = namespace(x='x') %}{% for i in range(99) %}{% set ns.x = ns.x.replace('x', 'xxxx') %}{% endfor %}",
        "{% set ns = namespace(x='x') %}{% for i in range(99) %}{% set ns.x = ns.x.join(['a', 'b', 'c']) ~ ns.x %}{% endfor %}",
        "{% set ns = namespace(x=[1]) %}{% for i in range(99) %}{% set ns.x = ns.x + ns.x %}{% endfor %}",
        "{% set ns = namespace(x=[1]) %}{% for i in range(999) %}{% set ns.x = [ns.x] %}{% endfor %}{{ ns.x }}",
        "{% set ns = namespace(x=[1]) %}{% for i in range(999) %}{% set ns.x = [ns.x] %}{% endfor %}{{ ns.x | tojson }}",
        "{% set ns = namespace(x=[1]) %}{% for i in range(99) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}{{ ns.x == ns.x }}",
        "{% set ns = namespace(x=(1,)) %}{% for i in range(99999) %}{% set ns.x = (ns.x,) %}{% endfor %}{{ ns.x in {} }}",
        "{% set ns = namespace(x=(1,)) %}{% for i in range(99999) %}{% set ns.x = (ns.x,) %}{% endfor %}{{ ns.x < ns.x or ns.x in [ns.x] }}",
        "{% set ns = namespace(x=[1]) %}{% for i in range(60) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}{{ ns.x | tojson }}",
        "{% set ns = namespace(x=[1]) %}{% for i in range(60) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}{{ ns.x ~ '' }}",
        "{% for i in range(99999) %}{{ 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx' }}{% endfor %}",
        "{% set a = 'a' * 2000000 %}{% set b = 'a' * 1000000 ~ 'b' %}{{ b in a }}",
        "{% set a = 'a' * 2000000 %}{% set b = 'b' ~ 'a' * 1000000 %}{{ a.rfind(b) }}",
        "{% set a = 'a' * 2000000 %}{{ a.split('a') | length }}",
        "{{ range(99999) | unique | list | length }}",
        "{% set d = {} %}{% for i in range(99999) %}{% for j in range(9999) %}{{ d }}{% endfor %}{% endfor %}",
      })
  void load_templateThatNeverEnds_reachesALimit(String template) {
    assertThatThrownBy(() -> load(template))
        .isInstanceOf(TemplateException.class)
        .hasMessageMatching(".*(more than|deeper than|longer than|limited to).*");
  }

  @Test
  void load_deeplyNestedSource_isRefusedWithoutOverflow() {
    List<String> sources =
        List.of(
            "{{ " + "(".repeat(20_000) + "1" + ")".repeat(20_000) + " }}",
            "{{ " + "[".repeat(20_000) + "]".repeat(20_000) + " }}",
            "{{ " + "not ".repeat(20_000) + "1 }}",
            "{{ " + "-".repeat(20_000) + "1 }}",
            "{{ x" + ".y".repeat(20_000) + " }}",
            "{{ x" + "[0]".repeat(20_000) + " }}",
            "{{ x" + "|trim".repeat(20_000) + " }}",
            "{{ 1" + " + 1".repeat(20_000) + " }}",
            "{{ 1" + " if 1 else 1".repeat(20_000) + " }}",
            "{{ 1" + " is defined".repeat(20_000) + " }}",
            "{% if 1 %}".repeat(20_000) + "{% endif %}".repeat(20_000),
            "{% for x in [1] %}".repeat(20_000) + "{% endfor %}".repeat(20_000),
            "{% set " + "(".repeat(20_000) + "x" + ")".repeat(20_000) + " = 1 %}",
            "{{ " + "f(".repeat(20_000) + ")".repeat(20_000) + " }}",
            "{{ " + "{1:".repeat(20_000) + "1" + "}".repeat(20_000) + " }}",
            "{{ '" + "x".repeat(2_000_000) + "' }}",
            "{{ 1 }}".repeat(100_000));
    for (String source : sources) {
      assertThatThrownBy(() -> load(source))
          .as(source.substring(0, 20))
          .isInstanceOf(TemplateException.class);
    }
  }

  @Test
  void render_timeLimit_isKept() {
    AtomicLong now = new AtomicLong();
    ChatTemplate template =
        ChatTemplate.load(
            "{% if messages|length > 4 %}{% for i in range(90000) %}{% endfor %}{% endif %}",
            Map.of(),
            Clock.systemUTC(),
            RenderBudget.Limits.DEFAULT,
            () -> now.addAndGet(Duration.ofMillis(50).toNanos()),
            List.of());
    List<Message> five = new ArrayList<>();
    for (int i = 0; i < 5; i++) {
      five.add(new Message("user", "x"));
    }
    assertThatThrownBy(() -> template.render(five, ChatOptions.DEFAULT))
        .isInstanceOf(TemplateException.class)
        .hasMessageContaining("longer than PT5S");
  }

  @Test
  void render_raiseException_givesItsMessageAlone() {
    ChatTemplate template =
        load("{% if messages|length > 3 %}{{ raise_exception('No: ' ~ 4) }}{% endif %}");
    List<Message> four = List.of(HELLO.get(0), HELLO.get(0), HELLO.get(0), HELLO.get(0));
    assertThatThrownBy(() -> template.render(four, ChatOptions.DEFAULT))
        .isInstanceOf(TemplateException.class)
        .hasMessage("No: 4");
  }

  @Test
  void render_templateVars_cantReplaceWhatTheServerSets() {
    ChatTemplate template = ChatTemplate.load("{{ bos_token }}{{ x }}", Map.of("bos_token", "<s>"));
    for (String name :
        List.of("messages", "tools", "documents", "add_generation_prompt", "bos_token", "range")) {
      assertThatThrownBy(
              () ->
                  template.render(HELLO, new ChatOptions(false, Map.of(name, 1), List.of(), true)))
          .isInstanceOf(TemplateException.class)
          .hasMessageContaining(name);
    }
    Map<String, Object> odd = new LinkedHashMap<>();
    odd.put("x", new Object());
    assertThatThrownBy(() -> template.render(HELLO, new ChatOptions(false, odd, List.of(), true)))
        .isInstanceOf(TemplateException.class);
    Object deep = List.of();
    for (int i = 0; i < 10_000; i++) {
      deep = List.of(deep);
    }
    Map<String, Object> nested = Map.of("x", deep);
    assertThatThrownBy(
            () -> template.render(HELLO, new ChatOptions(false, nested, List.of(), true)))
        .isInstanceOf(TemplateException.class)
        .hasMessageContaining("nests deeper");
  }

  @Test
  void render_hugeContent_isRefusedOrRendered() {
    ChatTemplate template = load("{% for m in messages %}{{ m.content }}{% endfor %}");
    String large = "x".repeat(7_000_000);
    assertThat(template.render(List.of(new Message("user", large)), ChatOptions.DEFAULT))
        .hasSize(7_000_000);
    assertThatThrownBy(
            () -> template.render(List.of(new Message("user", large + large)), ChatOptions.DEFAULT))
        .isInstanceOf(TemplateException.class)
        .hasMessageContaining("characters");
  }

  private static ChatTemplate load(String source) {
    return ChatTemplate.load(source, Map.of());
  }
}
