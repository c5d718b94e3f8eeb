"""A file on a web server, read on a thread of its own, so that whoever waits for it can turn away at any moment."""

from __future__ import annotations

import re
import ssl
import threading
from collections.abc import Generator
from contextlib import closing, suppress
from dataclasses import dataclass
from queue import Empty, Full, Queue
from urllib.parse import unquote
from urllib.request import getproxies, proxy_bypass

import certifi
import urllib3
from urllib3.contrib.socks import SOCKSProxyManager
from urllib3.util import make_headers, parse_url

from clipdesk.errors import one_line

TICK_SECONDS = 0.1
"""How often whoever reads a stream is let look up, at least."""

_PIECE = 1 << 18
_QUEUED = 16
_WORTH_ANOTHER_TRY = frozenset((408, 425, 429, 500, 502, 503, 504))
_HEADERS = {"Accept-Encoding": "identity", "User-Agent": "clipdesk"}
# Whether and when to try again is decided by whoever reads.
_REDIRECTS = urllib3.Retry(total=None, connect=0, read=0, status=0, other=0, redirect=5)


class Refused(Exception):
    """The file cannot be had from there; to ask again would not help. The message says why, in a few words."""


class Broken(Exception):
    """Something went wrong that may go better at another try.

    Args:
        reason: What, in a few words.
        unreachable: Whether there was no connection at all.
        wait: Seconds after which the server wants to be asked again; None where it has not said.
        afresh: Whether to begin again with the first byte.
    """

    def __init__(
        self, reason: str, *, unreachable: bool = False, wait: float | None = None, afresh: bool = False
    ) -> None:
        super().__init__(reason)
        self.unreachable = unreachable
        self.wait = wait
        self.afresh = afresh


@dataclass(frozen=True)
class Head:
    """What a server says before it sends: position of the first byte that comes, and bytes of the whole file."""

    start: int
    total: int | None


class Stream:
    """The bytes of a file from a position on.

    Iterated, it yields first a `Head`, then bytes as they come, and None whenever nothing has come for a tenth of a
    second. It may be left at any moment; nothing is read on then.

    Args:
        address: Of the file, http or https.
        start: Position of the first byte that is wanted. A server may send all from 0 instead.
        timeout: Seconds for connecting, and for each pause between bytes.

    Raises:
        Refused, Broken: while it is iterated.
    """

    def __init__(self, address: str, start: int, timeout: float) -> None:
        self._address = address
        self._start = start
        self._timeout = timeout
        self._host = parse_url(address).host or address
        self._queue: Queue[Head | bytes | Exception] = Queue(_QUEUED)
        self._left = threading.Event()
        self._response: urllib3.BaseHTTPResponse | None = None

    def __iter__(self) -> Generator[Head | bytes | None, None, None]:
        threading.Thread(target=self._read, name="download", daemon=True).start()
        try:
            while True:
                try:
                    item = self._queue.get(timeout=TICK_SECONDS)
                except Empty:
                    yield None
                    continue
                if isinstance(item, Exception):
                    raise item
                yield item
                if item == b"":
                    return
        finally:
            self._leave()

    def _leave(self) -> None:
        self._left.set()
        if self._response is not None:
            # Ends a read that waits. The other thread closes the connection.
            with suppress(OSError, RuntimeError, ValueError):
                self._response.shutdown()

    # On the other thread

    def _read(self) -> None:
        try:
            with _manager(self._address) as manager, closing(self._ask(manager)) as self._response:
                self._put(_head(self._response, self._start, self._host))
                while not self._left.is_set():
                    piece = self._response.read1(_PIECE, decode_content=False)
                    self._put(piece)
                    if not piece:
                        return
        except (Broken, Refused) as error:
            self._put(error)
        except Exception as error:
            found = explained(error, self._host, self._timeout)
            found.__cause__ = error
            self._put(found)

    def _ask(self, manager: urllib3.PoolManager) -> urllib3.BaseHTTPResponse:
        return manager.request(
            "GET",
            self._address,
            headers={**_HEADERS, **({"Range": f"bytes={self._start}-"} if self._start else {})},
            preload_content=False,
            retries=_REDIRECTS,
            timeout=urllib3.Timeout(connect=self._timeout, read=self._timeout),
        )

    def _put(self, item: Head | bytes | Exception) -> None:
        while not self._left.is_set():
            with suppress(Full):
                self._queue.put(item, timeout=TICK_SECONDS)
                return


def _head(response: urllib3.BaseHTTPResponse, start: int, host: str) -> Head:
    """What the answer promises.

    Raises:
        Refused, Broken: it promises nothing of use.
    """
    if response.status == 200:
        length = response.headers.get("Content-Length", "")
        return Head(0, int(length) if length.isdecimal() else None)
    if response.status == 206 and start:
        found = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", response.headers.get("Content-Range", ""))
        if found is None or int(found[1]) != start:
            raise Broken(f"{host} sent another part of the file than was asked for", afresh=True)
        return Head(start, None if found[2] == "*" else int(found[2]))
    if response.status == 416 and start:
        raise Broken(f"{host} has no more of the file", afresh=True)
    answer = f"{host} answered {response.status} {one_line(response.reason or '')}".rstrip()
    if response.status in _WORTH_ANOTHER_TRY:
        raise Broken(answer, wait=_wait(response))
    raise Refused(answer)


def _wait(response: urllib3.BaseHTTPResponse) -> float | None:
    with suppress(urllib3.exceptions.InvalidHeader):
        return urllib3.Retry().get_retry_after(response)
    return None


def _manager(address: str) -> urllib3.PoolManager:
    """Connections as the environment wants them: through its proxy, if it names one.

    Raises:
        Refused: the proxy's address makes no sense.
    """
    url = parse_url(address)
    context = trusted() if url.scheme == "https" else None
    proxy = _proxy(url.scheme or "", url.host or "")
    if proxy is None:
        return urllib3.PoolManager(ssl_context=context)
    try:
        if proxy.startswith("socks"):
            return SOCKSProxyManager(proxy, ssl_context=context)
        auth = parse_url(proxy).auth
        headers = make_headers(proxy_basic_auth=unquote(auth)) if auth else None
        return urllib3.ProxyManager(proxy, proxy_headers=headers, ssl_context=context)
    except (ValueError, urllib3.exceptions.HTTPError) as error:
        raise Refused(f"the proxy's address makes no sense ({error})") from error


def _proxy(scheme: str, host: str) -> str | None:
    proxies = getproxies()
    proxy = proxies.get(scheme) or proxies.get("all")
    if not proxy or proxy_bypass(host):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"


def trusted() -> ssl.SSLContext:
    """Trusts whom the system trusts, as a firm's proxy, and whom Mozilla trusts: a bundle may find no system's list."""
    context = ssl.create_default_context(cafile=certifi.where())
    context.load_default_certs()
    return context


def explained(error: Exception, host: str, timeout: float) -> Refused | Broken:
    """What to tell the user of an error of urllib3's."""
    while isinstance(error, urllib3.exceptions.MaxRetryError) and isinstance(error.reason, Exception):
        error = error.reason
    if isinstance(error, urllib3.exceptions.ProxyError):
        return Broken(f"the proxy does not answer ({_words(error.original_error)})", unreachable=True)
    if isinstance(error, urllib3.exceptions.NameResolutionError):
        return Broken(f"{host} was not found; this computer may be offline", unreachable=True)
    if isinstance(error, urllib3.exceptions.NewConnectionError):
        return Broken(f"no connection to {host} ({_words(error)})", unreachable=True)
    if isinstance(error, urllib3.exceptions.ConnectTimeoutError):
        return Broken(f"{host} does not answer", unreachable=True)
    if isinstance(error, urllib3.exceptions.SSLError):
        inner = error.args[0] if error.args else error
        if isinstance(inner, ssl.SSLCertVerificationError):
            why = f"the certificate of {host} is not trusted ({inner.verify_message})"
            return Refused(f"{why}; SSL_CERT_FILE may name a file with more certificates")
        return Broken(f"no secure connection to {host}", unreachable=True)
    if isinstance(error, urllib3.exceptions.ReadTimeoutError):
        return Broken(f"{host} sent nothing for {timeout:g} s")
    if isinstance(error, urllib3.exceptions.LocationValueError | urllib3.exceptions.ResponseError):
        return Refused(f"the address leads nowhere ({error})")
    return Broken(f"the connection to {host} broke")


def _words(error: BaseException) -> str:
    """The system's own words for an error, without those around them."""
    inner = error.__cause__ or error.__context__ or error
    return inner.strerror or str(inner) if isinstance(inner, OSError) else str(inner)
