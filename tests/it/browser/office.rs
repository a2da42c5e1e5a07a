//! A bridge as an office finds it: somebody became a customer, somebody is asked about, something failed, something waits.

use erp_bridge::{
    config::Config,
    event::Status,
    store::{Addressee, Delivery, WriteBack},
};
use serde_json::{Value, json};

use crate::support::{World, WorldOptions, contact, deal, eventually, message, mobile, promoted};

/// The events of the office, by what became of them.
pub struct Office {
    pub world: World,
    pub succeeded: String,
    pub asked: String,
    pub dead: String,
    pub not_admitted: String,
    pub blocked: String,
    /// A replay of what is dead, not begun.
    pub replay: String,
    /// The two customers that may be the one asked about.
    pub candidates: [i64; 2],
}

/// A contact as people are called.
pub fn person(id: &str, name: &str, number: u32) -> Value {
    let mut person = contact(id, number);
    person["name"] = name.into();
    person
}

impl Office {
    pub async fn open() -> Self {
        Self::with(WorldOptions::default()).await
    }

    /// An office with two replicas behind one name.
    pub async fn with_replicas() -> Self {
        Self::with(WorldOptions { replicas: true, ..WorldOptions::default() }).await
    }

    async fn with(options: WorldOptions) -> Self {
        // Whoever came in by a right token shall not be slowed down.
        let configure = Box::new(|config: &mut Config| config.api.rate_limit = 0);
        let world = World::with(WorldOptions { configure, ..options }).await;
        world.apps().for_each(|app| app.store.write_back(WriteBack { succeeded: false }));
        let erp = &world.sim.handle;
        let seed = |name: &str, khid: &str| {
            let fields = [("name", name), ("khid", khid), ("mobile", &*mobile(7))];
            erp.seed_customer_fields(&fields).unwrap()
        };
        let candidates = [seed("李雷", "KH20260017"), seed("李磊", "KH20240301")];
        let ended = async |webhook_id: &str, event: &Value, status: Status| {
            let id = world.accept(webhook_id, event).await;
            world.until(&id, &[status]).await;
            id
        };
        let mut shen = person("c_1001", "沈嘉禾", 1);
        shen["company"] = "杭州示例茶业有限公司".into();
        shen["notes"] = "公司年会想订龙井礼盒 60 份，十二月上旬送到".into();
        let succeeded = ended("w1", &promoted(&shen, 82.0), Status::Succeeded).await;
        ended("w2", &message("c_1001", 1, "样品今天下午顺丰寄出，预计后天到"), Status::Succeeded).await;
        ended("w3", &deal(&shen, 88.0), Status::Succeeded).await;
        world.accept("w4", &message("c_2002", 2, "你好，请问有现货吗？")).await;
        let mut nobody = person("c_3003", "先生", 3);
        nobody["phone"] = json!("138");
        nobody["wechat_id"] = Value::Null;
        let (status, refused) = world.post("w5", &promoted(&nobody, 22.0)).await;
        assert_eq!((status, &refused["status"]), (200, &json!("not_admitted")));
        let not_admitted = refused["id"].as_str().unwrap().to_owned();
        let asked = ended("w6", &promoted(&person("c_7007", "李雷", 7), 76.0), Status::NeedsReview).await;
        erp.fault("customer.add:refuse:text=备注太长，请修改后再保存").unwrap();
        let dead = ended("w7", &promoted(&person("c_4004", "赵志远", 4), 91.0), Status::Dead).await;
        erp.clear_faults();
        erp.change_settings(|settings| settings.choices.sources.retain(|(_, text)| text != "微信"));
        world.apps().for_each(|app| app.erp.forget_installation());
        let blocked = world.accept("w8", &promoted(&person("c_5005", "周敏", 5), 70.0)).await;
        eventually("it waits for the source", std::time::Duration::from_secs(40), async || {
            world.event(&blocked).await.blocked_by.is_some().then_some(())
        })
        .await;
        let replay = draft(&world).await;
        untold(&world).await;
        Self { world, replay, succeeded, asked, dead, not_admitted, blocked, candidates }
    }

    /// The source that the ERP lacks is there again.
    pub fn put_right(&self) {
        let erp = &self.world.sim.handle;
        erp.change_settings(|settings| {
            settings.choices.sources = erp_bridge::simulator::Choices::default().sources;
        });
    }
}

/// Makes a replay of what is dead.
async fn draft(world: &World) -> String {
    let wish = json!({"status": "dead", "reason": "备注已改短"});
    let (status, made) = world.call("POST", "/v1/replays", Some(wish)).await;
    assert_eq!(status, 201, "{made}");
    made["id"].as_str().unwrap().to_owned()
}

/// The platform does not take the first of what it is to be told.
async fn untold(world: &World) {
    let store = &world.app.store;
    let claimed = store.claim_messages(Addressee::Platform, 1, std::time::Duration::from_secs(30)).await.unwrap();
    store.settle_message(&claimed[0], &Delivery::Dead("HTTP 410".into())).await.unwrap();
}
