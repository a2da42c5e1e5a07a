//! The line of what was received, around what became of it.

use erp_bridge::event::Status;

use super::{events::ended, visitor::Visitor};
use crate::front::{Front, READ, promoted};

#[tokio::test]
async fn what_was_received_stands_in_the_chart_before_anything_became_of_it() {
    let front = Front::open().await;
    ended(&front, "c1", Status::Succeeded, "", None).await;
    for number in 0..3 {
        front.post_event(&format!("w{number}"), &promoted(&format!("q{number}"))).await;
    }
    let html = Visitor::signed_in(&front, READ).await.get("/console/overview?span=hour").await.html;
    assert!(html.contains("<span class=\"key around\">收到</span>"), "{html}");
    let (_, points) = html.split_once("<polyline points=\"").unwrap();
    let points = points.split_once('"').unwrap().0;
    assert_eq!(points.split(' ').count(), 120, "an edge at both sides of each minute: {points}");
    assert_eq!(points.matches(",0.0").count(), 2, "four of four in one of them: {points}");
    assert_eq!(html.matches("<polyline").count(), 1, "spans have no such line");
}
