//! What the helpers make of what platforms have, and what is refused before it is sent.

use super::{Platform, world};

#[tokio::test]
async fn the_helpers_make_what_the_bridge_takes_without_a_warning_of_what_platforms_have() {
    let world = world(|config| config.webhook.strict = true).await;
    let platform = Platform::of(&world.url(""));
    let script = r#"
import datetime, decimal, uuid
id = uuid.UUID("6f1c2a54-8c1e-4a43-9d7a-2f1f6f0f9a11")
person = contact(id, best_name("K-0042", "😀", "13800001001", " 沈嘉禾🌸 "), phone=13800001001, phone_verified=1,
                 wechat_id="", email=None, khid="K-0042")
assert person == {"id": str(id), "name": "沈嘉禾🌸", "phone": "13800001001", "phone_verified": True, "erp": {"khid": "K-0042"}}
assert contact(12345, "K-0042") == {"id": "12345", "erp": {"khid": "K-0042"}}
for nickname in ("Lisa1988", "amy520", "Leo88", "A1"):
    assert contact("c1", nickname) == {"id": "c1", "name": nickname} and best_name(nickname) == nickname
assert best_name("K0042", "KH-1") is None
assert contact("WX12345", " 13800001001 ") == {"id": "WX12345"}
assert contact("c1", "A公司", ord=7592, phone_verified=0) == {
    "id": "c1", "name": "A公司", "phone_verified": False, "erp": {"ord": 7592}}
for wrong in ("小明🌸", "lily", "", None, True, "a.1", "1" * 49):
    try:
        contact(wrong)
    except ValueError as error:
        assert "昵称" in str(error)
    else:
        raise AssertionError(f"{wrong!r} is taken for an id")

said = signal(7, None, file="C:\\files\\报价.pdf", direction="me", sent_at=datetime.datetime(2026, 11, 23, 15, 4, 5, 123456))
assert said == {"id": "7", "content": "[文件] 报价.pdf", "direction": "outbound", "sent_at": "2026-11-23T15:04:05.123456+08:00"}
assert signal(7, " 见附件 ", file="a.doc", direction="them")["content"] == "见附件\n[文件] a.doc"
assert signal(7, "在", sent_at="2026-11-23 15:04:05")["sent_at"] == "2026-11-23T15:04:05+08:00"
assert signal(7, "在", sent_at="2026-11-23T07:04:05Z")["sent_at"] == "2026-11-23T07:04:05+00:00"
assert signal(7, "在", sent_at=1795417445)["sent_at"] == "2026-11-23T15:04:05+08:00"
assert [deal(1, amount)["amount"] for amount in (12800.499999, 80, "¥12,800.5", decimal.Decimal("1E+3"))] == [
    "12800.50", "80", "12800.5", "1000.00"]
assert "amount" not in deal("order-1") and thread(3) == {"id": "3"}

grade = thread(3, 82, "white", "gray")
sold = deal(9, 12800.5, title="年度框架", closed_at="2026-11-23 16:00:00")
sender.emit("contact.promoted", {"contact": person, "thread": grade, "signal": said}, "promoted")
sender.emit("deal.closed", {"contact": person, "thread": grade, "deal": sold}, "deal")
sender.emit("message.logged", {"contact": contact(12345), "signal": signal(8, "在\ud83d吗", direction="them")}, "message")
person = contact(77, "李四维", phone="13800001077", phone_verified=1)
sender.emit("sync.requested", {"contact": person, "thread": thread(4, 12.0), "requested_by": "小林"}, "sync")
deliver()
for entry in reversed(sender.delivered()):
    say(entry.id, entry.words)
"#;
    let said = platform.run(script).await;
    assert_eq!(said, "promoted queued\ndeal queued\nmessage held\nsync not_admitted; score: 评分 12 低于 60");
}

#[tokio::test]
async fn an_event_that_cannot_be_sent_is_refused_where_it_is_emitted() {
    let platform = Platform::of("http://127.0.0.1:1");
    let script = r#"
def refused(call):
    try:
        call()
    except ValueError:
        return True
for id in ("消息-1", "a b", "x" * 256):
    assert refused(lambda: sender.emit("t", {}, event_id=id)), id
assert refused(lambda: sender.emit("t", {"n": float("nan")}))
assert sender.emit("t", {}, event_id="x" * 255) and sender.counts()["waiting"] == 1
for url, secret in (("127.0.0.1:8080", "whsec_AAAA"), ("ftp://x", "whsec_AAAA"), ("http://x", "AAAA")):
    assert refused(lambda: Sender("hub.db", url, secret)), (url, secret)
"#;
    platform.run(script).await;
}

#[tokio::test]
async fn what_was_delivered_loses_its_content_at_once_and_is_forgotten_after_30_days() {
    let world = world(|_| {}).await;
    let platform = Platform::of(&world.url(""));
    let script = r#"
for number in range(3):
    message("c0", number)
deliver()
sender.stop()
db = sqlite3.connect("hub.db", isolation_level=None)
assert db.execute("select distinct body from erp_outbox").fetchall() == [("",)]
for number, age in ((0, -5), (1, 5)):
    changed_at = time.time() - 30 * 86_400 + age
    db.execute("update erp_outbox set changed_at = ? where id = ?", (changed_at, f"m-c0-{number}"))
message("c0", 3)
sender.start()
until("the first is forgotten", lambda: [entry.id for entry in sender.delivered()] == ["m-c0-3", "m-c0-2", "m-c0-1"])
"#;
    platform.run(script).await;
}
