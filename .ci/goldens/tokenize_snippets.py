"""Small templates on which the chat template interpreter is compared with Jinja: written ones for
what the language says, and random ones."""
import random

PRELUDE = (
    "{% set d = {'a': 1, 'b': [1, 2.5, none, true], 'c': {'k': 'v\"w'}, 'items': 'I'} %}"
    "{% set l = [3, 1, 2] %}{% set s = 'Hello, <b>World</b> ' %}{% set u = 'äß😀\\tǆ' %}"
    "{% set p = [{'n': 'Bob', 'g': 2}, {'n': 'amy', 'g': 1}, {'n': 'Cid', 'g': 2}] %}"
)

# One expression a line.
EXPRESSIONS = r"""
1 + 2 * 3 ** 2 // 4 % 5 - -1
7 / 2
-7 // 2
-7 % 3
7.5 % -2
2 ** -1
10 ** 15 * 1.0
1e16
1e-5
0.1 + 0.2
1.0
100000000000000000.0
123456789.123456789
true + 1
not true
not not 1
1 if 0 else 2
1 if 0
(1 if 0) is defined
'a' 'b'
'a' ~ 1 ~ none ~ true ~ 1.5 ~ [1, 'x'] ~ {'k': 'v'}
'a' + 'b' ~ 'c'
1 < 2 < 3
1 < 3 > 2 == true
1 == 1.0
1 == true
'1' == 1
none == false
none is none
nothing is defined
nothing
nothing is none
nothing == nothing
nothing ~ 'x'
nothing or 'x'
0 or '' or 'z'
1 and 'y' and ''
'a' in 'cat'
'x' not in 'cat'
1 in l
9 in l
'a' in d
'z' in d
not 'a' in d
'a' in none
l
d
p
(1,)
(1, 2)
()
[]
{}
[[], {}, ()]
d.a
d['a']
d.b[1]
d.b[-1]
d.b[9]
d.c.k
d['c']['k']
d.items
d['items']
d.zz
d.zz is defined
d['zz']
d.get('a')
d.get('z')
d.get('z', 5)
d.keys() | list
d.values() | list
d.items() | list
d | list
d | items | list
d | length
d.items() | length
d | dictsort
d | dictsort(reverse=true)
d | first
d | last
l[0]
l[-1]
l[1:]
l[:-1]
l[::-1]
l[::2]
l[5:]
l[-2:]
l[2:0:-1]
'hello'[1]
'hello'[-1]
'hello'[1:3]
'hello'[::-1]
'hello'[-3:]
'hello'[10:]
'hello'[3:1]
'hello'[10]
s | trim
s.strip()
s.lstrip('He')
s.rstrip(' >b/')
s.split()
s.split(',')
s.split(',')[0]
s.split('l', 1)
s.rsplit('l', 1)
s.rsplit()
' a  b '.split()
' a  b '.split(' ')
'a,b,,c'.split(',')
'a b c'.split(none, 1)
'a b c '.rsplit(none, 1)
'a\nb\r\nc\n'.splitlines()
'a\nb'.splitlines(true)
s.upper()
s.lower()
u.upper()
u.lower()
u.title()
u.capitalize()
s.title()
s | title
"it's o'neil-x (y" | title
"it's o'neil-x (y".title()
u | title
u | capitalize
s | capitalize
s.replace('l', 'L')
s.replace('l', 'L', 1)
s | replace('l', 'L')
s | replace('l', 'LL', 2)
'abc'.replace('', '-')
'abc'.replace('', '-', 2)
s.startswith('Hello')
s.endswith((' ', 'x'))
s.startswith(('a', 'H'))
s.find('o')
s.rfind('o')
s.find('zz')
s.count('l')
'aaa'.count('aa')
'abc'.count('')
'x'.join(['a', 'b'])
','.join('abc')
l | join
l | join(', ')
p | join(',', attribute='n')
'abc' | join('-')
'12'.isdigit()
''.isdigit()
' '.isspace()
'ab'.isalpha()
'abc'.removeprefix('a')
'abc'.removesuffix('c')
'abc'.removesuffix('')
l | sort
l | sort(reverse=true)
['b', 'A', 'c'] | sort
['b', 'A', 'c'] | sort(case_sensitive=true)
p | sort(attribute='n')
p | sort(attribute='g') | map(attribute='n') | list
l | reverse | list
'abc' | reverse
l | max
l | min
p | map(attribute='n') | max
l | sum
p | sum(attribute='g')
[1, 1.0, true, 2, 'a', 'A'] | unique | list
p | map(attribute='n') | list
p | map(attribute='zz', default='-') | list
p | map(attribute='zz') | list
['a', 'b'] | map('upper') | list
['a', 'b'] | map('replace', 'a', 'x') | join
p | selectattr('g', 'equalto', 2) | map(attribute='n') | join(',')
p | rejectattr('g', 'eq', 2) | list
p | selectattr('n') | list | length
l | select('odd') | list
l | reject('odd') | list
l | select('gt', 1) | list
[0, 1, '', 'x', none] | select | list
[0, 1] | reject | list
l | select('in', [1, 3]) | list
[1, 'a', none, 2.5] | select('number') | list
[d, l, s] | map('length') | list
'5' | int
'5.7' | int
'x' | int
'x' | int(7)
3.9 | int
-3.9 | int
none | int
'2.50' | float
'x' | float
true | int
-5 | abs
-5.5 | abs
' 12 ' | int
'1_000' | int
'1e3' | float
1 is odd
2 is even
4 is divisibleby 2
4 is divisibleby(3)
1 is number
true is number
true is boolean
1 is boolean
1 is integer
true is integer
1.0 is float
's' is string
d is mapping
l is mapping
l is sequence
s is sequence
d is sequence
none is sequence
nothing is sequence
s is iterable
1 is iterable
nothing is iterable
l is iterable
1 is true
true is true
false is false
0 is false
none is sameas none
1 is eq 1
1 is lt 2
1 is ne 1
'a' is in 'abc'
1 is not none
1 is not defined
d.items is callable
range is callable
1 is callable
d.a is undefined
d | tojson
d | tojson(indent=2)
[] | tojson
{} | tojson(indent=4)
[[], {}, [1]] | tojson(indent=1)
u | tojson
u | tojson(ensure_ascii=true)
'\x00\x1f\x7f\u2028"\\/' | tojson
d | tojson(sort_keys=true)
d | tojson(separators=(',', ':'))
1.5 | tojson
1e30 | tojson
none | tojson
true | tojson
(1, 2) | tojson
{1: 2} | tojson
'é' | tojson
'<>&' | tojson
nothing | tojson
nothing | default('x')
'' | default('x')
'' | default('x', true)
none | default('x')
none | default('x', true)
d.zz | default(d.a)
nothing | length
nothing | list
nothing | first
nothing | join
'' | first
[] | last
[]
first is defined
'a\nb\n\nc' | indent
'a\nb' | indent(2, true)
'a\n\nb' | indent(2, blank=true)
'a\nb' | indent('> ', first=true)
s | safe
s | safe ~ '<'
s | string
l | string
1.0 | string
d.c | string
'x' * 3
3 * 'x'
[1] * 2
l + [4]
(1,) + (2,)
'x' * 0
'x' * -1
range(3) | list
range(1, 4) | list
range(5, 0, -2) | list
range(3)[1]
range(3) | length
range(3) | sum
2 in range(3)
range(0) | list
(range(3)
list)[1:]
namespace(a=1).a
namespace(a=1)['a']
namespace().zz is defined
dict(a=1, b='x')
dict({'a': 1}, b=2)
raise_exception is defined
loop is defined
'it\'s'
repr is defined
['it\'s', "say \"x\"", 'both \' and "', 'nl\n\t\\', '\x00\x7f\xa0\xad', 'é😀\u200b\ue000']
{'a': none, 'b': true}
[1.0, 1e100, -0.0, 1e-7]
'\q\d'
"\x41\u0042\U00000043"
'{{ x }}'
'%}'
"}}"
strftime_now('%d %b %Y')
strftime_now('%Y-%m-%d %H:%M:%S %A %B %j %I %p %y %%')
[1, 2] == [1, 2]
[1, 2] < [1, 3]
(1, 2) == [1, 2]
{'a': 1} == {'a': 1.0}
'a' < 'b'
'B' < 'a'
'a' < 1
none < 1
[1] + 'x'
'x' + 1
d + d
-'x'
1 + nothing
nothing.x
nothing[0]
none.x
none.x.y
1.x is defined
d()
'x'()
l.index(1)
l.index(9)
l.count(3)
""".strip().split("\n")

BLOCKS = [
    "{% for i in l %}{{ loop.index }}{{ loop.index0 }}{{ loop.revindex }}{{ loop.revindex0 }}{{ loop.first }}{{ loop.last }}{{ loop.length }}{{ loop.depth }};{% endfor %}",
    "{% for i in l %}{{ loop.previtem }}<{{ i }}>{{ loop.nextitem }}{% endfor %}",
    "{% for i in l %}{{ loop.previtem is defined }}{{ loop.nextitem is defined }}{{ loop.cycle('a', 'b') }}{% endfor %}",
    "{% for k, v in d.items() %}{{ k }}={{ v }};{% endfor %}", "{% for k in d %}{{ k }}{% endfor %}",
    "{% for k, v in d | dictsort %}{{ k }}{% endfor %}", "{% for (a, (b, c)) in [(1, (2, 3))] %}{{ a }}{{ b }}{{ c }}{% endfor %}",
    "{% for i in [] %}x{% else %}empty{% endfor %}", "{% for i in nothing %}x{% else %}none{% endfor %}",
    "{% for i in l if i > 1 %}{{ i }}{{ loop.length }}{% else %}none{% endfor %}", "{% for c in 'äb' %}[{{ c }}]{% endfor %}",
    "{% for i in range(9) %}{% if i == 2 %}{% continue %}{% elif i > 4 %}{% break %}{% endif %}{{ i }}{% endfor %}",
    "{% for i in l %}{% for j in l %}{% if j == 1 %}{% break %}{% endif %}{{ i }}{{ j }} {% endfor %}{% endfor %}",
    "{% set x = 1 %}{% for i in l %}{{ x }}{% set x = i %}{{ x }}{% endfor %}{{ x }}",
    "{% set x = 1 %}{% if true %}{% set x = 2 %}{% endif %}{{ x }}", "{% if false %}{% set y = 2 %}{% endif %}{{ y is defined }}",
    "{% set ns = namespace(n=0) %}{% for i in l %}{% set ns.n = ns.n + i %}{% endfor %}{{ ns.n }}",
    "{% set a, b = 1, 2 %}{{ a }}{{ b }}", "{% set t = 1, 2 %}{{ t }}", "{% set a = [1,] %}{{ a }}", "{% set (a, b) = [1, 2] %}{{ a ~ b }}",
    "{% set x %}  block {{ l[0] }} {% endset %}[{{ x }}]", "{% set x | upper | trim %} block {% endset %}[{{ x }}]", "{% filter upper %}a{{ s }}{% endfilter %}",
    "{% filter replace('a', 'b') | upper %}banana{% endfilter %}",
    "{% macro m(a, b=2, c='x') %}{{ a }}{{ b }}{{ c }}{% endmacro %}{{ m(1) }}|{{ m(1, c=3) }}|{{ m(1, 5, 6) }}|{{ m() }}",
    "{% macro f(n) %}{% if n > 0 %}{{ n }}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(5) }}",
    "{% macro a() %}{{ b() }}{% endmacro %}{% macro b() %}B{% endmacro %}{{ a() }}", "{% set g = 1 %}{% macro m() %}{{ g }}{% endmacro %}{% set g = 2 %}{{ m() }}",
    "{% macro m(x) %}{% set y = x %}{{ y }}{% endmacro %}{{ m(3) }}{{ y is defined }}", "{% macro m() %} x {% endmacro %}{{ m() | trim | length }}{{ m() + 'y' }}",
    "{% for i in l %}{% macro m() %}{{ i }}{% endmacro %}{{ m() }}{% endfor %}", "{% with a = 1, b = l[0] %}{{ a }}{{ b }}{% endwith %}{{ a is defined }}",
    "{% generation %}{% set q = 1 %}gen{{ l }}{% endgeneration %}{{ q is defined }}", "{# comment {{ x }} #}a{# b #}", "{% raw %}{{ x }}{% y %}{% endraw %}",
    "a\n{% if true %}\nb\n{% endif %}\nc\n", "a\n  {% if true %}  \n  b\n  {% endif %}\n  c", "a  {%- if true -%}  b  {%- endif -%}  c", "a\n  {%+ if true +%}\n b{% endif %}",
    "  {{ 1 }}\n  {{- 2 -}}  \n 3", "{{ 1 }}\n\n{{ 2 }}\n", "x\n{#- c -#}\n y\n  {# c #}\nz", "{%- raw -%}  a  {%- endraw -%}  b", "  {% raw %}\n a\n  {% endraw %}\nb",
    "\t{% set x = 1 %}\t\nx", "a{% set x = 1 %}\nb", "{{ '\n' }}{% if 1 %}\n\n{% endif %}x", "a\r\nb\r{% if 1 %}\r\nc{% endif %}", "x {{ 1 }} {% if 1 %} y {% endif %} z", "\n\n", "a\n\n",
    "{% if l and not nothing or d.zz %}y{% else %}n{% endif %}", "{% if x is defined and x %}a{% elif l|length == 3 %}b{% else %}c{% endif %}", "{{ messages }}{{ tools }}{{ add_generation_prompt }}",
    "{{ messages[0] }}{{ messages[0].content.split('<')[-1] }}{{ messages[0]['role'] }}{{ messages | length }}", "{{ messages | tojson }}{{ documents is none }}{{ bos_token }}",
    "{% for m in messages %}{{ m.content | trim | upper }}{{ m['content'][::-1] }}{{ loop.last }}{% endfor %}", "{{ messages[0].items() | list }}{{ messages[0].nope }}{{ messages[-1].content is string }}",
    "{{ {'a': {'b': [1, {'c': 2}]}}.a.b[1].c }}", "{{ [1, 2, 3,] }}{{ {'a': 1,} }}{{ (1, 2,) }}", "{{ 1 if l else 2 if d else 3 }}", "{{ (l | first) ~ (l | last) }}", "{{ -l[0] }}{{ -2 | abs }}{{ (-2) ** 2 }}{{ -2 ** 2 }}",
    "{{ not l | length }}", "{{ 2 + 'ab' | length }}", "{{ 'a' ~ 'b' | upper }}", "{{ 1 is defined and true }}", "{{ l is not string }}", "{{ 'x' is string ~ 'y' }}", "{{ d.b | map('string') | join('|') }}",
    "{{ [p[0].n, p[1]['n']] }}", "{% for x in p | groupby('g') %}{% endfor %}", "{{ 'a' 'b' ~ 'c' 'd' }}", "{% set x = l | map('int') %}{{ x | list }}{{ x | list }}", "{{ d.b | tojson | length }}", "{{ [nothing] }}",
    "{% set ns = namespace(x={'a': 1}) %}{{ ns.x.a }}{% set ns.y = 2 %}{{ ns.y }}", "{{ loop }}", "{% for i in l %}{{ loop.nope }}{% endfor %}", "{{ 'a'.nope }}", "{{ 'a'.nope() }}", "{{ l.append(1) }}", "{{ range(2) }}", "{{ d.keys() }}",
    "{{ raise_exception('stop ' ~ l) }}", "{% if d['pop'] %}method{% endif %}", "{% if d['nope'] %}x{% else %}y{% endif %}", "{{ l['append'] is callable }}", "{{ 'x'['upper']() }}", "{{ (l | reverse)[0] is defined }}", "{{ (l | map('int'))[0] is defined }}",
    "{{ 'a' if nothing else 'b' }}{{ 'c' if nothing is defined else 'd' }}", "{{ 1_000 }}{{ 1.5e3 }}{{ 0 }}{{ 00 }}{{ 1E2 }}", "{{ 0x1f }}", "{{ l[0:2][1] }}{{ l[:][0] }}{{ 'abc'[:2][::-1] }}", "{{ l[1:2, 3] }}", "{{ d.c['k'][0] }}{{ d.b.1 }}",
]


def random_expression(rng, depth):
    if depth == 0 or rng.random() < 0.2:
        return rng.choice(
            ["1", "0", "-2", "2.5", "'ab'", "''", "none", "true", "nothing", "l", "d", "s", "u", "p", "[]", "{}", "messages[0]",
             "'a b'", "messages[0].content", "range(3)", "d.b", "d.c", "(1, 'x')", "'7'"]
        )
    a, b = random_expression(rng, depth - 1), random_expression(rng, depth - 1)
    return rng.choice(
        [f"{a} + {b}", f"{a} ~ {b}", f"{a} == {b}", f"{a} != {b}", f"{a} < {b}", f"{a} in {b}", f"{a} not in {b}", f"({a} if {b} else 'c')",
         f"[{a}, {b}]", f"({a})[{b}]", f"({a})[{b}:]", f"({a})[:{b}]", f"({a})[::-1]", f"not {a}", f"{a} and {b}", f"{a} or {b}", f"{a} * {b}",
         f"{a} - {b}", f"{a} // {b}", f"{a} % {b}", f"{a} / {b}", f"{{'k': {a}, 'l': {b}}}", f"({a}) | default({b}, true)", f"({a}, {b})", f"-({a})"]
        + [f"({a}) | {f}" for f in (
            "length", "list", "tojson", "string", "first", "last", "reverse | list", "sort", "unique | list", "join(',')", "items | list",
            "int", "float", "title", "trim", "upper", "max", "sum", "abs", "map('string') | list", "select | list", "dictsort", "capitalize",
            "replace('a', 'b')", "tojson(indent=1)", "default('x')", "reject('string') | list", "indent(1)")]
        + [f"({a}) is {t}" for t in ("defined", "string", "none", "mapping", "iterable", "sequence", "number", "true", "boolean", "integer")]
        + [f"({a}).{m}" for m in (
            "strip()", "split()", "upper()", "items() | list", "keys() | list", "get('a')", "title()", "splitlines()", "a", "b", "n", "split('a')",
            "replace('l', 'x')", "startswith('H')", "count('a')", "find('o')", "rsplit(none, 1)")]
    )


def snippets():
    """All snippets; the same ones in every run."""
    rng = random.Random(42)
    randomly = [random_expression(rng, 3) for _ in range(2500)]
    return ["{{ " + e + " }}" for e in EXPRESSIONS + randomly] + BLOCKS
