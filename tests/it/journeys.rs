//! The main job, end to end: what is posted at one end is in the ERP at the other.

use std::time::Duration;

use erp_bridge::event::Status;

use crate::support::{World, contact, deal, message, mobile, promoted};

const LIMIT: Duration = Duration::from_secs(30);

#[tokio::test]
async fn a_promoted_person_becomes_a_customer_with_every_mapped_field() {
    let world = World::start().await;
    let event = world.handle("m1", &promoted(&contact("c1", 1), 92.0)).await;
    assert_eq!(event.status, Status::Succeeded, "{:?}", event.error);
    let customers = world.sim.handle.customers_with("khid", "WXc1");
    assert_eq!(customers.len(), 1);
    let link = world.link_of("c1").await;
    assert_eq!((link.ord, link.kind.as_str(), link.linked_by.as_str()), (customers[0].ord, "person", "created"));
    let fields = serde_json::to_value(&customers[0]).unwrap();
    for (field, value) in
        [("name", "张1伟"), ("mobile", &mobile(1)), ("weixinAcc", "wx_c1"), ("ly", "1201"), ("jz", "175")]
    {
        assert_eq!(fields["fields"][field], value, "{field}: {fields}");
    }
}

#[tokio::test]
async fn messages_before_and_after_the_promotion_are_in_the_erp_in_order() {
    let world = World::start().await;
    let (status, body) = world.post("m1", &message("c1", 1, "你好")).await;
    assert_eq!((status, &body["status"]), (202, &"held".into()));
    world.accept("m2", &message("c1", 2, "在吗")).await;
    world.accept("m3", &promoted(&contact("c1", 1), 70.0)).await;
    world.accept("m4", &message("c1", 4, "报个价")).await;
    world.accept("m5", &deal(&contact("c1", 1), 70.0)).await;
    world.idle(LIMIT).await;
    let ord = world.ord_of("c1").await;
    let records = world.sim.handle.progress_of(ord);
    assert_eq!(
        records,
        [
            "2026-11-23 15:04:05 客户：你好",
            "2026-11-23 15:04:05 客户：在吗",
            "2026-11-23 15:04:05 客户：报个价",
            "2026-11-23 16:00:00 我方：成交《年度框架》，金额 CNY 12800.50（成交编号 D1）",
        ]
    );
}
