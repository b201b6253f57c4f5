#!/usr/bin/env bash
# Fetches real chat templates and vocabularies for the tokenizer's tests into the folder given as $1
# (or by TRIBUTARY_TEST_DATA). They come from the source distribution of llama-cpp-python, which
# carries llama.cpp's collection; the tests hold what transformers makes of them.
set -euo pipefail

into=${1:-${TRIBUTARY_TEST_DATA:?give a folder as argument or by TRIBUTARY_TEST_DATA}}
package=llama_cpp_python-0.3.36
sha256=832db0699007f1be95a7e41ef12e88926b02ba836461e36a36372db2760c1a2e
here=$(cd "$(dirname "$0")" && pwd)

if [[ -f $into/$package.done ]]; then
  exit 0
fi
mkdir -p "$into"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# pip prepares the package's metadata after the download; the archive is all that is wanted here.
python3 -m pip download --quiet --no-deps --no-binary llama-cpp-python \
  --dest "$work" llama-cpp-python==0.3.36
echo "$sha256  $work/$package.tar.gz" | sha256sum --check --quiet
tar -xzf "$work/$package.tar.gz" -C "$work" --wildcards --strip-components=3 \
  '*/llama.cpp/models/templates/*.jinja' '*/llama.cpp/models/ggml-vocab-*' \
  '*/llama.cpp/tests/test-chat-template.cpp'
mkdir -p "$into/templates" "$into/vocabularies"
mv "$work"/models/templates/*.jinja "$into/templates/"
mv "$work"/models/ggml-vocab-* "$into/vocabularies/"
python3 "$here/goldens/tokenize_extract_templates.py" \
  "$work/tests/test-chat-template.cpp" "$into/templates"
touch "$into/$package.done"
