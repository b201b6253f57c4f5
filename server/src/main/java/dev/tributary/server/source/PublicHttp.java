package dev.tributary.server.source;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.io.BufferedInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.URI;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.SSLSocketFactory;
import org.jspecify.annotations.Nullable;

/// One `GET` of HTTP/1.1 (RFC 9112) on behalf of a caller who is not to be trusted with this
/// machine's network: it goes to public addresses only.
///
/// The host is resolved once and the socket is connected to the very address that was judged, so
/// that a name whose address changes meanwhile leads nowhere else. The JDK's client offers no such
/// place between resolving and connecting. Sends no credentials and takes no cookies.
final class PublicHttp {
  private static final int MAX_HEADERS = 128;
  private static final int MAX_LINE = 16 << 10;

  /// Stands for the name server.
  interface Resolver {
    InetAddress[] resolve(String host) throws UnknownHostException;
  }

  private final Resolver resolver;
  private final @Nullable URI trusted;
  private final int patience;

  /// @param trusted scheme, host and port that the operator has named: may be anywhere; or null
  /// @param patience how long a connection, or the next byte, may take
  PublicHttp(Resolver resolver, @Nullable URI trusted, Duration patience) {
    this.resolver = resolver;
    this.trusted = trusted;
    this.patience = Math.toIntExact(patience.toMillis());
  }

  /// An answer whose body has not been read yet.
  ///
  /// @param headers by lower-case name; the last of equal ones
  record Answer(int status, Map<String, String> headers, InputStream body, Socket socket)
      implements AutoCloseable {
    Optional<String> header(String name) {
      return Optional.ofNullable(headers.get(name));
    }

    @Override
    public void close() throws IOException {
      socket.close();
    }
  }

  /// @throws IllegalArgumentException if this server does not go there
  Answer get(URI uri) throws IOException {
    InetAddress address = judge(uri);
    Socket socket = connect(uri, address);
    try {
      socket.getOutputStream().write(request(uri).getBytes(ISO_8859_1));
      socket.getOutputStream().flush();
      return answer(socket);
    } catch (IOException | RuntimeException e) {
      socket.close();
      throw e;
    }
  }

  private InetAddress judge(URI uri) throws IOException {
    String host = uri.getHost();
    if (host == null || uri.getRawUserInfo() != null) {
      throw new IllegalArgumentException("not an address that this server goes to");
    }
    InetAddress[] addresses = resolver.resolve(host);
    if (addresses.length == 0) {
      throw new UnknownHostException(host);
    }
    if (!isTrusted(uri)) {
      if (!"https".equals(uri.getScheme()) || uri.getPort() != -1 && uri.getPort() != 443) {
        throw new IllegalArgumentException(host + ": only https at its own port is read");
      }
      for (InetAddress address : addresses) {
        if (!PublicAddress.isPublic(address)) {
          throw new IllegalArgumentException(host + " is not on the public internet");
        }
      }
    }
    return addresses[0];
  }

  private boolean isTrusted(URI uri) {
    return trusted != null
        && trusted.getScheme().equals(uri.getScheme())
        && trusted.getHost().equalsIgnoreCase(uri.getHost())
        && trusted.getPort() == uri.getPort();
  }

  private Socket connect(URI uri, InetAddress address) throws IOException {
    boolean tls = "https".equals(uri.getScheme());
    int port = uri.getPort() >= 0 ? uri.getPort() : tls ? 443 : 80;
    Socket plain = new Socket(java.net.Proxy.NO_PROXY);
    try {
      plain.setSoTimeout(patience);
      plain.connect(new InetSocketAddress(address, port), patience);
      if (!tls) {
        return plain;
      }
      SSLSocketFactory factory = (SSLSocketFactory) SSLSocketFactory.getDefault();
      SSLSocket socket = (SSLSocket) factory.createSocket(plain, uri.getHost(), port, true);
      SSLParameters parameters = socket.getSSLParameters();
      // Without it any valid certificate would do, whoever's it is.
      parameters.setEndpointIdentificationAlgorithm("HTTPS");
      socket.setSSLParameters(parameters);
      socket.startHandshake();
      return socket;
    } catch (IOException | RuntimeException e) {
      plain.close();
      throw e;
    }
  }

  private static String request(URI uri) {
    String path = uri.getRawPath().isEmpty() ? "/" : uri.getRawPath();
    String query = uri.getRawQuery() == null ? "" : "?" + uri.getRawQuery();
    String port = uri.getPort() < 0 ? "" : ":" + uri.getPort();
    // Sizes are those of the file, not of a compressed form of it.
    return ("GET %s%s HTTP/1.1\r\nHost: %s%s\r\nUser-Agent: tributary\r\n"
            + "Accept-Encoding: identity\r\nConnection: close\r\n\r\n")
        .formatted(path, query, uri.getHost(), port);
  }

  private static Answer answer(Socket socket) throws IOException {
    InputStream in = new BufferedInputStream(socket.getInputStream());
    String[] status = line(in).split(" ", 3);
    if (status.length < 2
        || !status[0].startsWith("HTTP/1.")
        || !status[1].matches("[2-5]\\d\\d")) {
      throw new IOException("the answer is not HTTP");
    }
    Map<String, String> headers = new HashMap<>();
    for (String line = line(in); !line.isEmpty(); line = line(in)) {
      int colon = line.indexOf(':');
      if (colon < 1 || headers.size() == MAX_HEADERS) {
        throw new IOException("the answer's headers are malformed or too many");
      }
      headers.put(
          line.substring(0, colon).toLowerCase(Locale.ROOT), line.substring(colon + 1).strip());
    }
    return new Answer(Integer.parseInt(status[1]), headers, body(in, headers), socket);
  }

  private static InputStream body(InputStream in, Map<String, String> headers) throws IOException {
    String encoding = headers.get("transfer-encoding");
    if (encoding != null) {
      if (!encoding.equalsIgnoreCase("chunked")) {
        throw new IOException("the answer is encoded as " + encoding);
      }
      return new Chunked(in);
    }
    String length = headers.getOrDefault("content-length", "");
    if (!length.matches("\\d{1,18}")) {
      throw new IOException("the answer does not say how long it is");
    }
    return new Bounded(in, Long.parseLong(length));
  }

  static String line(InputStream in) throws IOException {
    StringBuilder line = new StringBuilder();
    for (int c = in.read(); c != '\n'; c = in.read()) {
      if (c < 0) {
        throw new EOFException("the answer ends in its headers");
      }
      if (line.length() == MAX_LINE) {
        throw new IOException("a line of the answer is too long");
      }
      line.append((char) c);
    }
    int end = line.length();
    return line.substring(0, end > 0 && line.charAt(end - 1) == '\r' ? end - 1 : end);
  }

  /// A body, or a chunk of one, of a known length; an early end is an error.
  private static final class Bounded extends InputStream {
    private final InputStream in;
    private long left;

    Bounded(InputStream in, long left) {
      this.in = in;
      this.left = left;
    }

    @Override
    public int read() throws IOException {
      byte[] one = new byte[1];
      return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public int read(byte[] bytes, int offset, int length) throws IOException {
      if (left == 0) {
        return -1;
      }
      int count = in.read(bytes, offset, (int) Math.min(length, left));
      if (count < 0) {
        throw new EOFException("the answer ends " + left + " bytes early");
      }
      left -= count;
      return count;
    }
  }

  /// RFC 9112, section 7.1; extensions and trailers are left unread.
  private static final class Chunked extends InputStream {
    private final InputStream in;
    private @Nullable Bounded chunk;
    private boolean ended;

    Chunked(InputStream in) {
      this.in = in;
    }

    @Override
    public int read() throws IOException {
      byte[] one = new byte[1];
      return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public int read(byte[] bytes, int offset, int length) throws IOException {
      while (!ended) {
        int count = chunk == null ? -1 : chunk.read(bytes, offset, length);
        if (count >= 0) {
          return count;
        }
        next();
      }
      return -1;
    }

    private void next() throws IOException {
      if (chunk != null && !line(in).isEmpty()) {
        throw new IOException("a chunk does not end where it should");
      }
      String size = line(in).split(";", 2)[0].strip();
      if (!size.matches("[0-9A-Fa-f]{1,15}")) {
        throw new IOException("a chunk without a size");
      }
      long length = Long.parseLong(size, 16);
      ended = length == 0;
      chunk = new Bounded(in, length);
    }
  }
}
