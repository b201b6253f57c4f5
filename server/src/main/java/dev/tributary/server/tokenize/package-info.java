/// Tokenizer and chat template: text to token ids and back, exactly as transformers does it.
///
/// Design decisions:
///
/// - Token ids come from Hugging Face's own tokenizers library (through DJL). A GGUF file is turned
///   into the `tokenizer.json` it was once converted from and loaded like one.
/// - That library never sees a control token. [TextEncoder] finds control tokens itself, in text of
///   which every character's origin is known ([Text]), and hands the stretches between them to a
///   tokenizer whose vocabulary has no control token in it. So content can't become a control
///   token, whatever it contains and however it is split over messages.
/// - Chat templates are Jinja with Python's semantics and are interpreted here, over a closed set
///   of plain values ([Value]): no Java object is reachable from a template. A Jinja library for
///   the JVM was measured first: Jinjava 2.8.3 rendered 884 of 2,142 golden conversations
///   differently and without an error, among them some of every promised family (it coerces types,
///   prints `none` as nothing, parses another grammar), and its strings carry no origin. What isn't
///   known here is refused when the template is loaded.
/// - Every walk is bounded: steps, time, depth, characters made ([RenderBudget]).
@NullMarked
package dev.tributary.server.tokenize;

import org.jspecify.annotations.NullMarked;
