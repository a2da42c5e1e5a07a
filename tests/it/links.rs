//! What operators do about the link of a contact, on the whole bridge.

use std::time::Duration;

use erp_bridge::event::Status;

use crate::support::{World, contact, message, promoted};

const LIMIT: Duration = Duration::from_secs(60);

#[tokio::test]
async fn after_a_link_is_forgotten_the_next_event_looks_the_contact_up_anew() {
    let world = World::start().await;
    let person = contact("c1", 1);
    let first = world.accept("e1", &promoted(&person, 82.0)).await;
    world.until(&first, &[Status::Succeeded]).await;
    for wanting in ["", "?reason=", "?reason=%20"] {
        let (status, refused) = world.call("DELETE", &format!("/v1/contacts/c1/link{wanting}"), None).await;
        assert_eq!((status, &refused["errors"][0]["pointer"]), (422, &"/reason".into()), "{wanting}: {refused}");
    }
    assert_eq!(world.call("GET", "/v1/contacts/c1", None).await.0, 200, "nothing is forgotten without a reason");
    let (status, link) = world.call("DELETE", "/v1/contacts/c1/link?reason=merged", None).await;
    assert_eq!((status, &link["linked_by"]), (200, &"created".into()), "{link}");
    assert_eq!(world.call("GET", "/v1/contacts/c1", None).await.0, 404);
    assert_eq!(world.call("DELETE", "/v1/contacts/c1/link?reason=merged", None).await.0, 404);
    let held = world.accept("m1", &message("c1", 1, "在吗")).await;
    assert_eq!(world.event(&held).await.status, Status::Held);
    let again = world.accept("e2", &promoted(&person, 82.0)).await;
    world.until(&again, &[Status::Succeeded]).await;
    world.idle(LIMIT).await;
    let (_, found) = world.call("GET", "/v1/contacts/c1", None).await;
    assert_eq!((&found["ord"], &found["linked_by"]), (&link["ord"], &"khid".into()));
    assert_eq!(world.event(&held).await.status, Status::Succeeded);
    let (_, audit) = world.call("GET", "/v1/audit", None).await;
    assert_eq!(
        (&audit["items"][0]["action"], &audit["items"][0]["reason"]),
        (&"contact.unlink".into(), &"merged".into())
    );
}
