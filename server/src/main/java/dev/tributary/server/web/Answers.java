package dev.tributary.server.web;

import io.netty.buffer.Unpooled;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.FullHttpResponse;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaderValues;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpVersion;

/// Responses, with the headers that all of them have.
final class Answers {
  /// Nothing may be loaded, run, framed or sent.
  static final String POLICY =
      "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

  /// The page loads its own files and asks its own server, and makes no text into markup or code.
  static final String PAGE_POLICY =
      POLICY
          + "; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'"
          + "; require-trusted-types-for 'script'; trusted-types 'none'";

  private Answers() {}

  /// @param head whether only the headers are wanted
  static FullHttpResponse of(Page page, boolean head, boolean keepAlive) {
    FullHttpResponse response =
        new DefaultFullHttpResponse(
            HttpVersion.HTTP_1_1,
            HttpResponseStatus.valueOf(page.status()),
            head ? Unpooled.EMPTY_BUFFER : Unpooled.wrappedBuffer(page.body()));
    HttpHeaders headers = response.headers();
    headers.set(HttpHeaderNames.CONTENT_TYPE, page.contentType());
    if (page.status() != HttpResponseStatus.NOT_MODIFIED.code()) {
      headers.set(HttpHeaderNames.CONTENT_LENGTH, page.body().length);
    }
    if (page.tag() != null) {
      headers.set(HttpHeaderNames.ETAG, page.tag());
    }
    headers.set(
        HttpHeaderNames.CONTENT_SECURITY_POLICY,
        page.contentType().equals(Page.HTML) ? PAGE_POLICY : POLICY);
    headers.set(HttpHeaderNames.X_FRAME_OPTIONS, "DENY");
    headers.set("x-content-type-options", "nosniff");
    headers.set("referrer-policy", "no-referrer");
    headers.set("cross-origin-resource-policy", "same-origin");
    headers.set("cross-origin-opener-policy", "same-origin");
    headers.set(HttpHeaderNames.CACHE_CONTROL, page.cache());
    headers.set(
        HttpHeaderNames.CONNECTION,
        keepAlive ? HttpHeaderValues.KEEP_ALIVE : HttpHeaderValues.CLOSE);
    if (page.status() == HttpResponseStatus.METHOD_NOT_ALLOWED.code()) {
      headers.set(HttpHeaderNames.ALLOW, "GET, HEAD");
    }
    if (page.status() == HttpResponseStatus.UNAUTHORIZED.code()) {
      headers.set(HttpHeaderNames.WWW_AUTHENTICATE, "Bearer");
    }
    return response;
  }
}
