//! The receiving half of `clients/python/erp_bridge_sender.py` as a platform uses it, told by the real bridge.

use std::{process::Stdio, time::Duration};

use erp_bridge::config::Config;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::Command,
};

use crate::support::{World, WorldOptions, contact, promoted, python};

const LIMIT: Duration = Duration::from_secs(60);
const SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oDC2FVsBQIhrs=";

/// A platform whose handler fails at the first message, and which answers its first success with an error all the same.
const PLATFORM: &str = r#"
import http.server, os, sqlite3
from erp_bridge_sender import *

receiver, failures = Receiver("hub.db", os.environ["SECRET"]), ["handler", "answer"]
sqlite3.connect("hub.db").execute("create table heard (type text, contact text)")

def handle(type, data, db):
    if failures and failures[0] == "handler":
        failures.pop(0)
        raise RuntimeError("the platform's own trouble")
    db.execute("insert into heard values (?, ?)", (type, data["contact_id"]))
    print(type, data["contact_id"], data.get("khid") or data["reasons"][0]["rule"], flush=True)

class Hook(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        try:
            new = receiver.take(self.headers, body, handle)
            status = 204
            if failures:
                failures.pop(0)
                status = 500
            if not new:
                print("heard before", flush=True)
        except RuntimeError:
            status = 500
        for headers, raw in ((dict(self.headers), body + b" "), ({**self.headers, "webhook-timestamp": "1000"}, body), ({}, body)):
            try:
                receiver.take(headers, raw, handle)
                print("taken although it is forged", flush=True)
            except Refused:
                pass
        self.send_response(status)
        self.end_headers()
    def log_message(self, *_):
        pass

server = http.server.HTTPServer(("127.0.0.1", 0), Hook)
print(server.server_port, flush=True)
server.serve_forever()
"#;

#[tokio::test]
async fn the_platform_handles_each_message_once_whatever_fails_on_its_way_and_no_forged_one() {
    let dir = tempfile::tempdir().unwrap();
    let clients = concat!(env!("CARGO_MANIFEST_DIR"), "/clients/python");
    let mut platform = Command::new(python())
        .args(["-c", PLATFORM])
        .env("PYTHONPATH", clients)
        .env("SECRET", SECRET)
        .current_dir(dir.path())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(platform.stdout.take().unwrap()).lines();
    let mut line = async || tokio::time::timeout(LIMIT, lines.next_line()).await.unwrap().unwrap().unwrap();
    let port = line().await;
    let configure = Box::new(move |config: &mut Config| {
        config.writeback.url = Some(format!("http://127.0.0.1:{port}/hooks/erp").parse().unwrap());
        config.writeback.secret = Some(SECRET.parse().unwrap());
    });
    let world = World::with(WorldOptions { configure, ..WorldOptions::default() }).await;
    world.accept("p1", &promoted(&contact("c1", 1), 70.0)).await;
    assert_eq!(line().await, "contact.linked c1 WXc1", "the second time, for the handler failed");
    assert_eq!(line().await, "heard before", "the third time, for the answer was an error");
    world.post("p2", &promoted(&contact("c2", 2), 10.0)).await;
    assert_eq!(line().await, "event.not_admitted c2 score");
}
