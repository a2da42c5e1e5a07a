"""One act of a contact's story, played through the hub: it chats, a person promotes it, it buys.

    python3 examples/platform/story.py --db hub.db --url http://127.0.0.1:8080 chat|promote|buy

The secret comes from ERP_BRIDGE_SECRET. Each act is a process of its own, as if the platform were restarted in between.
"""

import argparse
import os
import sys
import time

from hub import Hub

CONTACT = "6f1c2a54-8c1e-4a43-9d7a-2f1f6f0f9a11"
LIMIT_S = 30


def chat(hub: Hub) -> None:
    print("  昵称“🍵嘉禾”的联系人来询价，平台存下三条消息（评分 38、–、12）")
    print("  a contact with the nickname 🍵嘉禾 asks for a price; the platform stores three messages")
    hub.add_contact("🍵嘉禾", "wx_shenjiahe", CONTACT)
    hub.store_message(CONTACT, "你好，公司年会想订龙井礼盒，大概 60 份，能开发票吗？", "them", "2026-11-20 09:12:38.120000", score=38)
    hub.store_message(CONTACT, None, "me", "2026-11-20 09:15:02.004000", file="/files/年会礼盒图册.pdf")
    hub.store_message(CONTACT, "好的", "them", "2026-11-20 09:16:40.870000", score=12)


def promote(hub: Hub) -> None:
    print("  销售核对手机号后建档：沈嘉禾，138 0000 1010（人工决定，评分 100）")
    print("  a salesperson checks the number and promotes the contact: 沈嘉禾, score 100, because a person decided")
    hub.promote(CONTACT, "沈嘉禾", "138 0000 1010")


def buy(hub: Hub) -> None:
    print("  寄出样品，随后录入订单：年会龙井礼盒 60 份，10080 元")
    print("  samples are sent, and an order is recorded: 60 gift boxes, CNY 10080")
    hub.store_message(CONTACT, "样品今天下午顺丰寄出，明天能到。", "me", "2026-11-21 14:31:03.500000")
    hub.record_order(CONTACT, "D-20261123-02", "年会龙井礼盒 60 份", 10080.0, "2026-11-23 15:58:00")


def main() -> int:
    acts = {act.__name__: act for act in (chat, promote, buy)}
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--db", required=True)
    parser.add_argument("--url", required=True)
    parser.add_argument("act", choices=acts)
    given = parser.parse_args()
    hub = Hub(given.db, given.url, os.environ["ERP_BRIDGE_SECRET"])
    acts[given.act](hub)
    sender = hub.sender
    events = sender.pending()
    sender.start()
    deadline = time.monotonic() + LIMIT_S
    while sender.counts()["waiting"] and time.monotonic() < deadline:
        time.sleep(0.05)
    sender.stop()
    words = {entry.id: entry.words for entry in sender.delivered() + sender.failed() + sender.pending()}
    for event in events:
        print(f"      {event.id}  {event.type}  →  {words[event.id] or '等待 · waits'}")
    return 0 if not sender.pending() and not sender.failed() else 1


if __name__ == "__main__":
    sys.exit(main())
