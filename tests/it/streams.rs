//! `GET /v1/stream`: what every replica did, and how a reader who was away goes on.

use std::time::Duration;

use reqwest::Response;

use crate::support::{READER, World, WorldOptions, contact, postgres, promoted};

/// How long anything may take on a busy machine.
const LIMIT: Duration = Duration::from_secs(60);

/// An open stream, and what it has told.
struct Listening {
    response: Response,
    told: String,
}

impl Listening {
    async fn to(world: &World, last: Option<&str>) -> Self {
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let request = http.get(world.url("/v1/stream")).bearer_auth(READER);
        let request = last.map_or(request.try_clone().unwrap(), |last| request.header("last-event-id", last));
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 200);
        Self { response, told: String::new() }
    }

    /// Reads on until it has told this.
    async fn until(&mut self, words: &str) {
        let reading = async {
            while !self.told.contains(words) {
                let chunk = self.response.chunk().await.unwrap().expect("the stream goes on");
                self.told.push_str(&String::from_utf8_lossy(&chunk));
            }
        };
        let read = tokio::time::timeout(LIMIT, reading).await;
        assert!(read.is_ok(), "never told: {words}\n{}", self.told);
    }

    /// The id of what it told last.
    fn last_id(&self) -> String {
        let id = self.told.lines().rev().find_map(|line| line.strip_prefix("id: "));
        id.unwrap_or_else(|| panic!("no id in {}", self.told)).to_owned()
    }
}

async fn replica(database: &str) -> World {
    let database = database.to_owned();
    let configure = Box::new(move |config: &mut erp_bridge::config::Config| {
        config.database.url = database.parse().unwrap();
    });
    World::with(WorldOptions { configure, dispatch: false, ..WorldOptions::default() }).await
}

#[tokio::test]
async fn a_stream_on_one_replica_shows_what_another_did_and_is_resumed_by_the_last_id() {
    let database = postgres::database().await;
    let (here, there) = (replica(&database).await, replica(&database).await);
    let mut stream = Listening::to(&here, None).await;
    stream.until("id: ").await;
    let begin = stream.last_id();
    // The replicas may just have begun to listen to each other.
    let mut number = 0;
    tokio::time::timeout(LIMIT, async {
        while !stream.told.contains("event: state") {
            number += 1;
            there.accept(&format!("w{number}"), &promoted(&contact(&format!("c{number}"), number), 70.0)).await;
            let _ = tokio::time::timeout(Duration::from_millis(200), stream.until("event: state")).await;
        }
    })
    .await
    .unwrap();
    let last = stream.last_id();
    drop(stream);
    let missed = there.accept("missed", &promoted(&contact("missed", 900), 70.0)).await;
    let mut resumed = Listening::to(&here, Some(&last)).await;
    resumed.until(&missed).await;
    assert!(!resumed.told.contains("event: reset"), "{}", resumed.told);
    let mut from_begin = Listening::to(&here, Some(&begin)).await;
    from_begin.until(&missed).await;
    assert!(from_begin.told.matches("event: state").count() >= 2, "all that it missed: {}", from_begin.told);
    let mut elsewhere = Listening::to(&there, Some(&last)).await;
    elsewhere.until("event: reset").await;
    let next = here.accept("next", &promoted(&contact("next", 901), 70.0)).await;
    elsewhere.until(&next).await;
}
