//! Answers that are not the bridge's, and answers that the real one should never give.

use super::Platform;

/// A server that is no bridge: it answers each post with the next of `answers`, then as the bridge does.
const STRANGER: &str = r#"
import http.server, json

class Stranger(http.server.BaseHTTPRequestHandler):
    protocol_version, answers, seen, TAKEN = "HTTP/1.1", [], [], '{"id": "1", "status": "queued"}'

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        status, headers, text = self.answer(body)
        if text == self.TAKEN:
            self.seen.append(self.headers["webhook-id"])
        self.send_response(status)
        for name, value in {"content-length": len(text), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(text.encode())

    def answer(self, body):
        return self.answers.pop(0) if self.answers else (202, {}, self.TAKEN)

    def log_message(self, *_):
        pass

server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Stranger)
threading.Thread(target=server.serve_forever, daemon=True).start()
sender = Sender("hub.db", f"http://127.0.0.1:{server.server_port}/proxied/webhooks/events/", os.environ["SECRET"])
module.PAUSE_MAX_S = 0.05
"#;

#[tokio::test]
async fn whoever_answers_in_the_bridge_s_place_decides_nothing() {
    let platform = Platform::of("http://127.0.0.1:1");
    let script = format!(
        r#"{STRANGER}
page, problem = "<html>请登录</html>", '{{"type": "urn:erp-bridge:problem:%s", "detail": "…"}}'
Stranger.answers = [
    (200, {{}}, page), (200, {{}}, '{{"status": "ok"}}'), (302, {{"location": "/login"}}, ""), (400, {{}}, page), (403, {{}}, page),
    (404, {{}}, problem % "route_not_found"), (405, {{}}, page), (413, {{}}, page), (422, {{}}, '{{"errors": ["x"]}}'),
    (400, {{}}, problem % "missing_header"), (415, {{}}, problem % "unsupported_media_type"), (408, {{}}, problem % "body_timeout"),
    (429, {{"retry-after": "0"}}, page), (500, {{}}, problem % "internal"), (502, {{}}, page),
    (503, {{"retry-after": "Thu, 26 Nov 2026 08:00:00 GMT"}}, problem % "stopping"), (202, {{}}, page), (202, {{}}, "[1]"),
    (200, {{}}, '{{"id": "x", "status": "error"}}'), (200, {{}}, '{{"errors": true, "reasons": 1}}'),
]
tries = len(Stranger.answers) + 1
message("c0", 0)
message("c1", 1)
deliver()
assert sender.counts() == {{"waiting": 0, "failed": 0, "delivered": 2}}, sender.counts()
assert sorted(Stranger.seen) == ["m-c0-0", "m-c1-1"], Stranger.seen
assert sum(entry.tries for entry in sender.delivered()) == tries + 1, sender.delivered()
"#
    );
    platform.run(&script).await;
}

#[tokio::test]
async fn an_event_at_which_the_bridge_fails_delays_its_contact_and_nobody_else() {
    let platform = Platform::of("http://127.0.0.1:1");
    let script = format!(
        r#"{STRANGER}
answer = Stranger.answer
failing = True
def answer_unless_c0(self, body):
    of_c0 = failing and body["data"]["contact"]["id"] == "c0"
    return (500, {{}}, '{{"type": "urn:erp-bridge:problem:internal"}}') if of_c0 else answer(self, body)
Stranger.answer = answer_unless_c0
for number in range(9):
    message(f"c{{number % 3}}", number)
sender.start()
until("the others are delivered", lambda: sender.counts()["delivered"] == 6)
assert [entry.id for entry in sender.pending()] == ["m-c0-0", "m-c0-3", "m-c0-6"]
assert [entry.tries > 0 for entry in sender.pending()] == [True, False, False], sender.pending()
failing = False
deliver()
assert Stranger.seen[6:] == ["m-c0-0", "m-c0-3", "m-c0-6"]
assert sender._paused == {{}}, "nobody is remembered who is not waited for"
"#
    );
    platform.run(&script).await;
}

#[tokio::test]
async fn whoever_drips_its_answer_holds_nothing_up_for_ever() {
    let platform = Platform::of("http://127.0.0.1:1");
    let script = format!(
        r#"{STRANGER}
import socket
module.POST_MAX_S = 0.5

dripping = socket.create_server(("127.0.0.1", 0))
def drip(endless):
    client, _ = dripping.accept()
    client.recv(65536)
    try:
        client.sendall(endless)
        while True:
            client.sendall(b"x")
            time.sleep(0.1)
    except OSError:
        said.append(endless)

said = []
head, body = b"HTTP/1.1 202 Accepted\r\nx-endless: ", b"HTTP/1.1 202 Accepted\r\ncontent-length: 9999\r\n\r\n"
closing = b"HTTP/1.0 202 Accepted\r\n\r\n"
def drip_each():
    for endless in (head, body, closing):
        drip(endless)
threading.Thread(target=drip_each, daemon=True).start()
sender = Sender("hub.db", f"http://127.0.0.1:{{dripping.getsockname()[1]}}", os.environ["SECRET"])
message("c0", 0)
sender.start()
until("all are hung up on", lambda: said == [head, body, closing])
assert sender.counts() == {{"waiting": 1, "failed": 0, "delivered": 0}}, sender.counts()
assert "没有应答" in sender.pending()[0].words or "不是 ERP Bridge" in sender.pending()[0].words, sender.pending()
os._exit(0)
"#
    );
    platform.run(&script).await;
}

#[tokio::test]
async fn a_post_whose_time_is_over_just_as_its_connection_was_closed_is_hung_up_on_without_a_word() {
    let platform = Platform::of("http://127.0.0.1:1");
    let script = format!(
        r#"{STRANGER}
judge, failed = module.judge, []
def judge_late(*answer):
    time.sleep(0.5)
    return judge(*answer)
module.judge, module.POST_MAX_S, threading.excepthook = judge_late, 0.2, failed.append
Stranger.answers = [(202, {{"connection": "close"}}, Stranger.TAKEN)]
message("c0", 0)
deliver()
assert failed == [], failed
"#
    );
    platform.run(&script).await;
}
