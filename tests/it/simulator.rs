//! The simulator over real HTTP, with bytes written by hand: what a client on the other side of the wire would see.

mod faults;
mod profiles;
mod program;
mod wire;

use std::time::Duration;

use erp_bridge::simulator::{Running, SimConfig, start};
use serde_json::{Value, json};

const ADD: &str = "/sysa/mobilephone/salesmanage/custom/add.asp";
const CUSTOMERS: &str = "/sysa/mobilephone/salesmanage/custom/list.asp";
const CONTACTS: &str = "/sysa/mobilephone/salesmanage/person/list.asp";
const REPLY: &str = "/sysa/mobilephone/systemmanage/reply.asp?datatype=tel";
const EDIT: &str = "/webapi/v3/sales/customer/edit";

/// A simulator, a client, and the session that it opened.
struct Bench {
    sim: Running,
    client: reqwest::Client,
    session: String,
}

impl Bench {
    async fn start() -> Self {
        Self::start_with(SimConfig::default()).await
    }

    async fn start_with(config: SimConfig) -> Self {
        // A second test of the same process finds it installed already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let sim = start(config).await.unwrap();
        let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(20)).build().unwrap();
        let mut bench = Self { sim, client, session: String::new() };
        bench.session = bench.login("123456").await["header"]["session"].as_str().unwrap_or_default().to_owned();
        bench
    }

    async fn send(&self, path: &str, body: String) -> reqwest::Result<(u16, Vec<u8>)> {
        let request = self.client.post(format!("{}{path}", self.sim.base_url()));
        let request = request.header("content-type", "application/json").header("zbapi-token", &self.session);
        let answer = request.body(body).send().await?;
        Ok((answer.status().as_u16(), answer.bytes().await?.to_vec()))
    }

    async fn json(&self, path: &str, body: Value) -> Value {
        let (status, bytes) = self.send(path, body.to_string()).await.unwrap();
        serde_json::from_slice(&bytes).unwrap_or_else(|why| panic!("{path}: {status}: {why}"))
    }

    fn envelope(&self, cmdkey: Option<&str>, fields: &[(&str, &str)]) -> Value {
        let datas: Vec<Value> = fields.iter().map(|(id, val)| json!({"id": id, "val": val})).collect();
        let mut body = json!({"session": self.session, "datas": datas});
        if let Some(cmdkey) = cmdkey {
            body["cmdkey"] = json!(cmdkey);
        }
        body
    }

    async fn read(&self, path: &str, fields: &[(&str, &str)]) -> Value {
        self.json(path, self.envelope(None, fields)).await
    }

    async fn save(&self, path: &str, fields: &[(&str, &str)]) -> Value {
        self.json(path, self.envelope(Some("__sys_dosave"), fields)).await
    }

    async fn list(&self, path: &str, fields: &[(&str, &str)]) -> Value {
        self.json(path, self.envelope(Some("refresh"), fields)).await["body"]["source"]["table"].take()
    }

    async fn login(&self, password: &str) -> Value {
        let password = format!("txt:{password}");
        let fields = [("user", "txt:admin"), ("password", password.as_str()), ("serialnum", "txt:A1"), ("rndcode", "")];
        self.read("/webapi/v3/ov1/login", &fields).await
    }

    async fn control(&self, method: &str, path: &str, body: Value) -> (u16, Value) {
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        let url = format!("{}/__control{path}", self.sim.base_url());
        let answer = self.client.request(method, url).body(body.to_string()).send().await.unwrap();
        let status = answer.status().as_u16();
        (status, serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap())
    }

    /// Allocates an `ord` and saves a 个人客户 under it.
    async fn add_person(&self, fields: &[(&str, &str)]) -> (String, Value) {
        let bill = self.read(ADD, &[("edit", ""), ("intsort", "2")]).await["body"]["bill"].take();
        let ord = bill["value"].to_string();
        let mut all = vec![("ord", ord.as_str()), ("sort1", "3,7")];
        all.extend(fields);
        let saved = self.save(&format!("{ADD}?intsort=2"), &all).await;
        (ord, saved)
    }

    /// Puts 张三 in and answers the `ord`.
    fn seed(&self) -> String {
        let fields = [("name", "张三"), ("khid", "WX1"), ("mobile", "13800138000"), ("intro", "old")];
        self.sim.handle.seed_customer_fields(&fields).unwrap().to_string()
    }
}

/// The words of an ASP answer's message.
fn words(answer: &Value) -> &str {
    answer["body"]["message"]["text"].as_str().unwrap_or_default()
}

/// One field of a bill.
fn field<'a>(answer: &'a Value, id: &str) -> &'a Value {
    let groups = answer["body"]["bill"]["groups"].as_array().unwrap();
    let mut fields = groups.iter().flat_map(|group| group["fields"].as_array().unwrap());
    fields.find(|field| field["id"] == id).unwrap()
}

/// One column of a table, by its id.
fn column(table: &Value, id: &str) -> Vec<Value> {
    let cols = table["cols"].as_array().unwrap();
    let at = cols.iter().position(|col| col["id"] == id).unwrap();
    table["rows"].as_array().unwrap().iter().map(|row| row[at].clone()).collect()
}

/// The six required fields of 客户修改 for [`Bench::seed`]'s customer, then `more`.
fn edit_body(ord: &str, more: &[(&str, &str)]) -> Value {
    let mut body =
        json!({"ord": ord, "sort2": 2, "name": "张三", "sort": "默认分类", "sort1": "潜在客户", "person_name": "张三"});
    for (id, value) in more {
        body[*id] = json!(value);
    }
    body
}
