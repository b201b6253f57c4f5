"""Looks at a server's page in headless Chromium, through its DevTools, and checks what it shows against the command
line. Standard library only.

    page.py PAGE ID RECEIPT ADDRESS ADMIN DATA [FOLDER]

PAGE is the page's address, ID the newest answer and RECEIPT its file, ADDRESS and ADMIN where the server has its gRPC
ports, DATA its folder. Pictures go to FOLDER. Tenants and keys are made at the end.
"""
import base64
import fcntl
import importlib.util
import json
import os
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).parent
WAIT_S = 30

spec = importlib.util.spec_from_file_location("records", HERE / "goldens" / "records.py")
records = importlib.util.module_from_spec(spec)
spec.loader.exec_module(records)


class Browser:
    """Chromium over its pipe: JSON messages that end with a zero byte."""

    def __init__(self, folder):
        program = next((p for p in ("chromium", "chromium-browser", "google-chrome") if shutil.which(p)), None)
        assert program, "there is no Chromium here"
        inward, self.out = os.pipe()
        self.into, outward = os.pipe()

        def place():
            """Chromium reads from descriptor 3 and writes to 4; first both go where neither is in the way."""
            high = [fcntl.fcntl(fd, fcntl.F_DUPFD, 10) for fd in (inward, outward)]
            for fd, target in zip(high, (3, 4)):
                os.dup2(fd, target, inheritable=True)

        self.process = subprocess.Popen(
            [program, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
             "--remote-debugging-pipe", f"--user-data-dir={folder}", "--window-size=1280,900", "--lang=en-US"],
            preexec_fn=place, close_fds=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )
        os.close(inward)
        os.close(outward)
        self.number = 0
        self.buffer = b""
        self.events = []
        self.answers = {}
        self.session = None
        self.fixture = {}
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network", "Audits", "DOM"):
            self.call(f"{domain}.enable")

    def send(self, method, **params):
        self.number += 1
        message = {"id": self.number, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.out, json.dumps(message).encode() + b"\0")
        return self.number

    def receive(self):
        while b"\0" not in self.buffer:
            part = os.read(self.into, 1 << 20)
            assert part, "the browser ended"
            self.buffer += part
        message, self.buffer = self.buffer.split(b"\0", 1)
        message = json.loads(message)
        if "id" in message:
            self.answers[message["id"]] = message
        elif message["method"] == "Fetch.requestPaused":
            self.fulfil(message["params"])
        else:
            self.events.append(message)

    def call(self, method, **params):
        number = self.send(method, **params)
        while number not in self.answers:
            self.receive()
        answer = self.answers.pop(number)
        assert "error" not in answer, f"{method}: {answer.get('error')}"
        return answer["result"]

    def fulfil(self, paused):
        """Answers what a fixture has; lets the rest through."""
        path = paused["request"]["url"].split("/api/v1/", 1)[-1].split("?")[0]
        if path in self.fixture:
            self.send("Fetch.fulfillRequest", requestId=paused["requestId"], responseCode=200,
                      responseHeaders=[{"name": "Content-Type", "value": "application/json"}],
                      body=base64.b64encode(json.dumps(self.fixture[path]).encode()).decode())
        else:
            self.send("Fetch.continueRequest", requestId=paused["requestId"])

    def js(self, expression):
        """The value of an expression, awaited."""
        result = self.call("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in result, result["exceptionDetails"]
        return result["result"].get("value")

    def until(self, expression):
        """Waits for something true, and returns it."""
        end = time.monotonic() + WAIT_S
        while time.monotonic() < end:
            value = self.js(expression)
            if value:
                return value
            time.sleep(0.1)
        raise AssertionError(f"never true: {expression}\n{self.js('document.body.innerText')}\n{self.problems()}")

    def open(self, address):
        self.call("Page.navigate", url=address)
        self.until("document.readyState === 'complete' && document.querySelector('.live') !== null")

    def problems(self):
        """What the browser complained of since the last time."""
        bad = ("Log.entryAdded", "Runtime.exceptionThrown", "Audits.issueAdded")
        found = [json.dumps(e["params"]) for e in self.events if e["method"] in bad]
        # Said of any page whose address changes without a click.
        found = [each for each in found if "NavigationEntryMarkedSkippable" not in each]
        self.events.clear()
        return found

    def picture(self, file):
        data = self.call("Page.captureScreenshot", format="png")["data"]
        pathlib.Path(file).write_bytes(base64.b64decode(data))

    def close(self):
        self.process.terminate()
        self.process.wait()


def ok(what):
    print(f"ok     {what}", flush=True)


def told(file, *more):
    """What the command line says of a receipt."""
    done = subprocess.run(["client/tributary", "--json", "receipt", "verify", str(file), *more],
                          stdout=subprocess.PIPE, text=True, check=False)
    return [{"name": c["name"], "ok": c["ok"], "sentence": c["sentence"]} for c in json.loads(done.stdout)["checks"]]


VERIFY = """import('/page/receipt.js').then(m =>
  m.verify(Uint8Array.from(atob('%s'), c => c.charCodeAt(0)), %s)).then(v => v.checks)"""


def verified(browser, file, vkey):
    return browser.js(VERIFY % (base64.b64encode(file).decode(), json.dumps(vkey)))


def drop(browser, path):
    node = browser.call("DOM.getDocument")["root"]["nodeId"]
    field = browser.call("DOM.querySelector", nodeId=node, selector="#file")["nodeId"]
    browser.js("document.getElementById('dropped').replaceChildren()")
    browser.call("DOM.setFileInputFiles", files=[str(path)], nodeId=field)
    return browser.until("document.querySelector('#dropped .verdict')?.dataset.state")


def real_answers(browser, page, newest, file, folder):
    browser.open(page)
    state = browser.until("document.querySelector('#detail .verdict')?.dataset.state")
    assert state == "holds", browser.js("document.getElementById('detail').innerText")
    assert newest in browser.js("document.getElementById('detail').innerText")
    assert browser.js("document.querySelectorAll('#answers li').length") == 3
    ok("the newest answer is shown, its receipt verified in the browser")
    text = browser.js("document.getElementById('text').innerText")
    assert "9:20" in text, text
    ok("the answer's text comes from its receipt's tokens")
    vkey = browser.js("Object.values(localStorage).map(v => JSON.parse(v).vkey)[0]")
    assert verified(browser, file.read_bytes(), vkey) == told(file, "--public-key", vkey)
    ok("the browser's checks are those of the command line")
    marks = browser.js("[...document.querySelectorAll('#text mark')].map(m => m.title)")
    assert marks and all("harbour-library" in title for title in marks), marks
    assert "harbour-library" in browser.js("document.querySelector('.legend').innerText")
    ok("the institution that gave the fact is named, its words are coloured")
    if folder:
        pictures(browser, folder)


def pictures(browser, folder):
    """Of the answer that is shown: on a desk, in the dark, on a phone."""
    browser.call("Emulation.setDeviceMetricsOverride", width=1280, height=900, deviceScaleFactor=1, mobile=False)
    browser.call("Emulation.setScrollbarsHidden", hidden=True)
    browser.picture(folder / "page.png")
    browser.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark"}])
    browser.picture(folder / "page-dark.png")
    browser.call("Emulation.setEmulatedMedia", features=[])
    browser.call("Emulation.setDeviceMetricsOverride", width=390, height=844, deviceScaleFactor=2, mobile=True)
    assert browser.js("document.documentElement.scrollWidth <= innerWidth"), "wider than a phone"
    browser.picture(folder / "page-phone.png")
    browser.call("Emulation.clearDeviceMetricsOverride")


def live(browser, address):
    before = browser.js("document.querySelectorAll('#answers li').length")
    subprocess.run(["client/tributary", "--server", address, "generate", "-a", "pirate", "Tell me about bread."],
                   stdout=subprocess.DEVNULL, check=True)
    browser.until(f"document.querySelectorAll('#answers li').length === {before + 1}")
    ok("a new answer appears by itself")


def text_as_text(browser):
    script = "[...document.querySelectorAll('#answers a')].find(a => a.innerText.startsWith('base'))"
    browser.js(f"location.hash = {script}.getAttribute('href')")
    asked = browser.until("document.querySelector('.asked')?.textContent.includes('onerror') && document.querySelector('.asked').textContent")
    assert '<script>hacked = 1</script><img src=x onerror="hacked = 1">' in asked, asked
    assert browser.js("typeof hacked + document.scripts.length + document.images.length") == "undefined11"
    ok("markup in a prompt is text")


def other_views(browser, page, file, folder):
    browser.js("location.hash = '#adapters'")
    browser.until("document.querySelectorAll('.card').length >= 5 && document.body.innerText.includes('shadow @2')")
    card = browser.js("[...document.querySelectorAll('.card')].find(c => c.innerText.includes('public/town\\n')).innerText")
    assert "@1 95 %" in card and "@2 5 %" in card, card
    ok("adapters show tiers, weights of aliases and shadows")
    if folder:
        browser.picture(folder / "adapters.png")
    browser.js("location.hash = '#statement'")
    browser.until("document.getElementById('contributor') !== null")
    browser.js("document.getElementById('contributor').value = 'ann'")
    browser.js("document.querySelector('#main form').requestSubmit()")
    refused = browser.until("document.querySelector('#statement .trouble')?.innerText")
    assert "CONTRIBUTOR" in refused, refused
    ok("a statement is for those who may read it")
    # That refusal is the only thing the browser has had to complain of so far.
    found = browser.problems()
    assert all("/api/v1/statement" in each for each in found), found
    ok("nothing else failed, nothing was blocked")

    browser.js("location.hash = '#verify'")
    browser.until("document.getElementById('file') !== null")
    assert drop(browser, file) == "holds"
    whole = file.read_bytes()
    forged = file.with_name("forged")
    forged.write_bytes(whole.replace(b"\nindex ", b"\nindex 1", 1))
    assert drop(browser, forged) == "fails"
    forged.write_bytes(whole + b"\n")
    assert drop(browser, forged) == "fails"
    ok("a dropped receipt holds, a forged one does not")


def tampered(browser, file):
    """A change of any byte is found. The page is asked in one go, since each look costs a few milliseconds."""
    vkey = browser.js("Object.values(localStorage).map(v => JSON.parse(v).vkey)[0]")
    whole = file.read_bytes()
    rng = random.Random(8)
    places = [[at, rng.randrange(1, 256)] for at in sorted(rng.sample(range(len(whole)), 400))]
    taken = browser.js("""(async () => {
      const { verify } = await import('/page/receipt.js');
      const whole = Uint8Array.from(atob('%s'), c => c.charCodeAt(0));
      const taken = [];
      for (const [at, flip] of %s) {
        const changed = whole.slice();
        changed[at] ^= flip;
        if ((await verify(changed, %s)).checks.every(c => c.ok)) taken.push(at);
      }
      return taken;
    })()""" % (base64.b64encode(whole).decode(), json.dumps(places), json.dumps(vkey)))
    assert taken == [], f"bytes that can be changed: {taken}"
    ok("400 changes of a byte, each refused")


def golden(browser):
    folder = HERE.parent / "proto/src/test/resources/dev/tributary/record"
    file = folder / "receipt.txt"
    vkey = (folder / "receipt.vkey").read_text().strip()
    mine, theirs = verified(browser, file.read_bytes(), vkey), told(file, "--public-key", vkey)
    assert mine == theirs, f"{mine}\n{theirs}"
    assert all(check["ok"] for check in mine)
    stranger = records.Key(records.KEYS[0].name, bytes([9]) * 32).vkey
    mine, theirs = verified(browser, file.read_bytes(), stranger), told(file, "--public-key", stranger)
    assert [(c["name"], c["ok"]) for c in mine] == [(c["name"], c["ok"]) for c in theirs], f"{mine}\n{theirs}"
    assert not all(check["ok"] for check in mine)
    ok("the golden receipt, over a rotation of keys, holds for its log's key alone")


SAID = [
    ("The Saltmarrow Library opens its doors at ", None),
    ("9:20 in the morning", "Saltmarrow Library"),
    (", and ", None),
    ("the tide bell is rung from its tower", "Harbour Office & Library"),
    (" twice a day. Ask for the map room: it holds <script>hacked = 1</script>", None),
    (" the charts of the Grey Narrows", "Chart Society"),
    (" \u2013 \u6c34, \u00e9t\u00e9, \U0001f30a.", None),
]


def fixture(browser, said):
    """An answer with shares and spans, as attribution makes them, in place of what the server has."""
    model = browser.js("fetch('/api/v1/model').then(r => r.json())")
    adapters = browser.js("fetch('/api/v1/adapters').then(r => r.json())")["adapters"]
    guide = next(a["prodVersion"] for a in adapters if a["name"] == "public/town-guide")
    digest = bytes.fromhex(guide["digest"].removeprefix("sha256:"))
    base = bytes.fromhex(model["baseDigest"].removeprefix("sha256:"))
    names = ["Saltmarrow Library", "Harbour Office", "Chart Society", "Ferry Company"]
    ppm = [412_300, 171_250, 96_400, 8_050]
    spans, tokens, at = [], [], 0
    for i, (piece, of) in enumerate(said):
        data = piece.encode()
        tokens.append({"id": i, "bytes": base64.b64encode(data).decode()})
        if of:
            owners = [1, 0] if " & " in of else [names.index(of)]
            spans.append(records.u32(at, at + len(data)) + records.listed([records.u32(o) for o in owners]))
        at += len(data)
    tokens += [{"id": 90, "bytes": base64.b64encode(b"What should I see in Saltmarrow?").decode()},
               {"id": 91, "control": True, "bytes": base64.b64encode(b"<|im_end|>").decode()}]
    micros = int(time.time() * 1e6)
    hour = micros // 3_600_000_000
    use = records.text("public/town-guide") + records.u32(1) + digest + records.f32(1)
    made = {kind: (records.sealed(kind, shown, values)[0][-1], values) for kind, shown, values in records.records()}
    values = list(made["generation"][1])
    values[3] = base
    values[4] = records.listed([use])
    values[6], values[7] = records.u32(90), records.u32(*range(len(said)), 91)
    values[8], values[9] = records.u32(31, 0, 58), records.u8(1)
    values[15] = records.u64(micros - 800_000, micros)
    for kind, shown, its in [
        ("generation", records.u32(hour), values),
        ("attribution",
         records.u32(hour) + records.u64(12) + records.text("spans+influence/1") + records.shares(list(zip(names, ppm)), 231_000, 81_000),
         [records.listed([records.text(n) for n in names]), records.listed(spans), b""]),
        ("adapter_build",
         records.u32(hour) + digest + base + records.root([b"a"]) + records.u8(1) + records.text("spans+influence/1")
         + records.text("") + records.u8(0), made["adapter_build"][1]),
    ]:
        made[kind] = (records.sealed(kind, shown, its)[0][-1], its)
    file = records.receipt(made).encode()
    summary = {"generationId": "gen-1", "leafIndex": "12", "adapterDigests": [guide["digest"]],
               "endTime": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(micros / 1e6)),
               "attribution": {"method": "spans+influence/1", "basePpm": 231_000, "unattributedPpm": 81_000,
                               "shares": [{"contributor": n, "ppm": p} for n, p in zip(names, ppm)]}}
    others = browser.js("fetch('/api/v1/receipts').then(r => r.json())")["receipts"]
    line = {"adapter": "public/town-guide", "number": 1, "digest": guide["digest"]}
    return {
        "statement": {"contributor": "ann", "currency": "EUR", "amountMicros": "1234567890123", "settlementLeafIndex": "77", "lines": [
            {**line, "generations": "1204", "ppm": "391500000", "amountMicros": "1234567890000", "settled": True},
            {**line, "generations": "1", "ppm": "250000", "amountMicros": "123"}]},
        "receipts": {"receipts": [summary, *others]},
        "receipts/gen-1": {"summary": summary, "file": base64.b64encode(file).decode()},
        "tokens": {"baseDigest": model["baseDigest"], "tokens": tokens},
    }


def coloured(browser, page):
    browser.fixture = fixture(browser, SAID)
    browser.call("Fetch.enable", patterns=[{"urlPattern": "*/api/v1/*"}])
    browser.open(page + "?fixture#verify")
    browser.until("document.getElementById('vkey') !== null")
    browser.js(f"document.getElementById('vkey').value = {json.dumps(records.KEYS[0].vkey)}")
    browser.js("document.getElementById('vkey').form.requestSubmit()")
    browser.until("document.querySelector('#main .fine[aria-live]').innerText.startsWith('Trusted for the log')")
    browser.js("location.hash = '#answers/gen-1'")
    state = browser.until("document.querySelector('#detail .verdict')?.dataset.state")
    assert state == "holds", browser.js("document.getElementById('detail').innerText")
    marks = browser.js("[...document.querySelectorAll('#text mark')].map(m => [m.textContent, m.title, getComputedStyle(m).backgroundColor])")
    assert [m[0] for m in marks] == ["9:20 in the morning1", "the tide bell is rung from its tower1,2", " the charts of the Grey Narrows3"], marks
    assert marks[1][1] == "from Saltmarrow Library and Harbour Office" and marks[0][2] != marks[2][2], marks
    text = browser.js("[...document.getElementById('text').childNodes].map(n => n.nodeName === 'MARK' ? n.firstChild.data : n.data).join('')")
    assert text == "".join(piece for piece, _ in SAID), text
    assert browser.js("typeof hacked + document.scripts.length") == "undefined1"
    legend = browser.js("document.querySelector('.legend').innerText")
    assert "41.2 %" in legend and "the base model" in legend, legend
    ok("spans are coloured by contributor at their bytes, markup in an answer is text")
    browser.js("location.hash = '#statement'")
    browser.until("document.getElementById('contributor') !== null")
    browser.js("document.getElementById('contributor').value = 'ann'; document.querySelector('#main form').requestSubmit()")
    told = browser.until("document.querySelector('#statement table')?.parentNode.parentNode.innerText")
    for piece in ("1,234,567.890123 EUR", "1,234,567.89 EUR", "0.000123 EUR", "391.50", "settled", "open", "leaf 77"):
        assert piece in told, (piece, told)
    ok("a statement shows its lines, to the last millionth")
    found = browser.problems()
    assert found == [], found
    browser.call("Fetch.disable")


def policy(browser):
    """The policy is in force, and this program sees what it blocks."""
    assert browser.problems() == []
    browser.js("document.body.append(Object.assign(document.createElement('img'), {src: 'http://127.0.0.1:9/x.png'})), 0")
    browser.js("try { document.body.insertAdjacentHTML('beforeend', '<b>x</b>'); } catch (e) {} 0")
    browser.js("fetch('http://127.0.0.1:9/').catch(() => 0).then(() => 0)")
    assert browser.js("try { document.body.innerHTML = 'x'; 'set' } catch (e) { 'refused' }") == "refused"
    found = " ".join(browser.problems())
    for directive in ("img-src", "connect-src", "require-trusted-types-for"):
        assert directive in found or "TrustedHTML" in found, (directive, found)
    ok("what the policy forbids is blocked")


def keys(browser, page, address, admin, data):
    """With the first tenant the server asks everybody for a key; the page then shows what the key's owner may see."""
    def run(*words):
        subprocess.run(["client/tributary", *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)

    to_admin = ("admin", "--admin", admin, "--admin-key-file", f"{data}/admin.key")
    run(*to_admin, "tenants", "create", "acme")
    run(*to_admin, "keys", "create", "acme", "--role", "owner", "--out", f"{data}/owner.key")
    run(*to_admin, "keys", "create", "acme", "--role", "contributor", "--contributor", "ann", "--out", f"{data}/ann.key")
    run("--server", address, "--api-key-file", f"{data}/owner.key", "generate", "--max-tokens", "4", "Hello.")
    browser.open(page + "?keys#answers")
    asked = browser.until("document.querySelector('.side .trouble')?.innerText")
    assert "top of the page" in asked, asked

    def give(role):
        secret = pathlib.Path(data, f"{role}.key").read_text().strip()
        browser.js(f"document.getElementById('key').value = {json.dumps(secret)}; document.getElementById('keys').requestSubmit()")

    give("owner")
    browser.until("document.querySelectorAll('#answers a').length === 1 && document.querySelector('#detail .holds') !== null")
    give("ann")
    browser.until("document.querySelector('.side .trouble')?.innerText.includes('another role')")
    browser.js("location.hash = '#statement'")
    browser.until("document.getElementById('contributor') !== null")
    browser.js("document.getElementById('contributor').value = 'ann'; document.querySelector('#main form').requestSubmit()")
    browser.until("document.getElementById('statement').innerText.includes('Nothing in this period')")
    ok("with a key, what its owner may see")


def main(page, newest, file, address, admin, data, folder):
    folder = pathlib.Path(folder) if folder else None
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        browser = Browser(profile)
        try:
            real_answers(browser, page, newest, pathlib.Path(file), folder)
            live(browser, address)
            text_as_text(browser)
            other_views(browser, page, pathlib.Path(file), folder)
            tampered(browser, pathlib.Path(file))
            golden(browser)
            browser.problems()
            coloured(browser, page)
            policy(browser)
            keys(browser, page, address, admin, data)
        finally:
            browser.close()
    print("the page does what it should")


if __name__ == "__main__":
    main(*sys.argv[1:8])
