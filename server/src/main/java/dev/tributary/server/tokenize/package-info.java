/// Tokenizer and chat template: text to token ids and back, exactly as transformers does it.
///
/// Design decisions:
///
/// - Token ids come from Hugging Face's own tokenizers library (through DJL). A GGUF file is turned
///   into the `tokenizer.json` it was once converted from and loaded like one.
/// - That library never sees a control token. [ChatEncoder] finds control tokens itself, in text of
///   which every character's origin is known ([Text]), and hands the stretches between them to a
///   tokenizer whose vocabulary has no control token in it. So content can't become a control
///   token, whatever it contains and however it is split over messages.
/// - Chat templates are Jinja with Python's semantics and are interpreted here, over seven kinds of
///   plain value and nothing else: no Java object is ever reachable from a template. Jinja
///   libraries for the JVM were tried first; they coerce, skip errors and parse by another grammar
///   (1 == '1' holds, `none` prints as nothing, unknown names pass silently), and strings in them
///   carry no origin. A construct that isn't known here is refused when the template is loaded.
/// - Every walk is bounded: steps, time, depth, characters made ([RenderBudget]).
@NullMarked
package dev.tributary.server.tokenize;

import org.jspecify.annotations.NullMarked;
