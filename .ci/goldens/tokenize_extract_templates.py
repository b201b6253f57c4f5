"""Writes the templates that llama.cpp's test-chat-template.cpp holds as C++ strings to files.

usage: tokenize_extract_templates.py test-chat-template.cpp FOLDER
"""
import ast
import pathlib
import re
import sys

STRING = re.compile(r'R"\((?P<raw>.*?)\)"|(?P<plain>"(?:[^"\\\n]|\\.)*")', re.DOTALL)


def strings(text):
    """The C++ string literals `text` starts with, joined; and what follows them."""
    value, at = "", 0
    while match := re.compile(r"\s*").match(text, at):
        literal = STRING.match(text, match.end())
        if literal is None:
            break
        value += literal["raw"] if literal["raw"] is not None else ast.literal_eval(literal["plain"])
        at = literal.end()
    return value


def main(source, folder):
    text = pathlib.Path(source).read_text(encoding="utf-8")
    for entry in text.split("/* .name= */")[1:]:
        name = strings(entry)
        marker = "/* .template_str= */"
        if marker not in entry:
            continue
        template = strings(entry[entry.index(marker) + len(marker):])
        file = re.sub(r"[^A-Za-z0-9.]+", "-", name).strip("-")
        if template:
            (pathlib.Path(folder) / f"{file}.inline.jinja").write_text(template, encoding="utf-8", newline="")


main(*sys.argv[1:])
