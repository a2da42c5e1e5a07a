//! The door alone on a port of its own, with a real ledger and no clockwork behind it.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use erp_bridge::{
    clock::{Clock, Millis},
    config::{AdmissionConfig, ApiToken, Config, DatabaseConfig, MessagesConfig, Network, Scope, Settings},
    event::{Bilingual, Candidate, Event, Link, LinkKind, LinkedBy, Reading, Rules},
    http::{
        AdoptedContact, Adopter, CheckRow, Checker, CustomerField, Dispatch, DispatchFacts, HttpParts, HttpState,
        PreviewError, Previewer, Salesperson, TriedTarget,
        keys::{Keyring, Keys, Tokens},
        proxies::Proxies,
        rates::RateLimits,
        router,
        server::{ServerLimits, ServerOptions, serve},
        signed_body::{Secrets, sign},
    },
    store::{Actor, Advance, EventFilter, Settlement, Store},
    telemetry::traces::Traces,
};
use futures::future::BoxFuture;
use reqwest::{Method, StatusCode};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::watch, task::JoinHandle};
use tokio_util::sync::CancellationToken;

/// The moment at which every test begins.
pub const NOW: Millis = Millis(1_795_000_000_000);
/// The secret that senders have.
pub const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
/// A second one, as while a secret is rotated.
pub const OTHER_SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oDC2FVsBQIhrs=";
/// Bearer tokens.
pub const READ: &str = "read-token-012345678901234";
/// One that may change things.
pub const OPERATE: &str = "007-operate-token-01234567";
/// What somebody may have written into the ERP where a text can stand.
const HOSTILE: &str = "<script>alert(1)</script>\"'&\u{202e}😀";
/// Largest body.
pub const BODY_LIMIT: u64 = 16 * 1024;

/// What a test may want different.
#[derive(Debug, Clone, Copy)]
pub struct Wishes {
    pub webhooks_per_second: u32,
    pub calls_per_second: u32,
    pub failures_per_minute: u32,
    pub previews_per_minute: u32,
    pub max_backlog: u64,
    pub read_timeout: Duration,
    pub write_timeout: Duration,
    pub max_connections: usize,
    pub max_connections_per_address: usize,
    pub long_bodies_memory: u64,
    pub strict: bool,
    pub behind_a_proxy: bool,
    /// Nothing keeps events from the ERP.
    pub dispatches: bool,
    /// It is a time at which nothing is to be sent to the ERP.
    pub is_quiet: bool,
    /// The ERP does not answer.
    pub is_away: bool,
}

impl Wishes {
    /// This machine is a reverse proxy, or nobody is.
    fn trusted_proxies(self) -> Vec<Network> {
        if self.behind_a_proxy { vec!["127.0.0.1".parse().unwrap()] } else { Vec::new() }
    }
}

impl Default for Wishes {
    fn default() -> Self {
        Self {
            webhooks_per_second: 0,
            calls_per_second: 0,
            failures_per_minute: 0,
            previews_per_minute: 0,
            max_backlog: 1_000_000,
            read_timeout: Duration::from_secs(20),
            write_timeout: Duration::from_secs(20),
            max_connections: 64,
            max_connections_per_address: 0,
            long_bodies_memory: 64 * 1_024 * 1_024,
            strict: false,
            behind_a_proxy: false,
            dispatches: false,
            is_quiet: false,
            is_away: false,
        }
    }
}

/// A running door.
pub struct Front {
    pub address: SocketAddr,
    pub store: Store,
    pub clock: Clock,
    pub keys: Arc<Keyring>,
    pub stop: CancellationToken,
    pub served: JoinHandle<usize>,
    pub database: DatabaseConfig,
    client: reqwest::Client,
    directory: tempfile::TempDir,
}

/// An answer, read to its end.
#[derive(Debug)]
pub struct Answered {
    pub status: StatusCode,
    pub headers: reqwest::header::HeaderMap,
    pub body: Value,
}

impl Answered {
    /// The problem's name; empty if it is none.
    pub fn problem(&self) -> &str {
        self.body["type"].as_str().and_then(|kind| kind.strip_prefix("urn:erp-bridge:problem:")).unwrap_or_default()
    }
}

struct Echo;

impl Previewer for Echo {
    fn filled_by_link(&self, event: &Event, candidate: &Candidate) -> Option<Vec<String>> {
        let fields = [event.contact().wechat_id().map(|_| "weixinAcc"), event.contact().job().map(|_| "job")];
        let fields = fields.into_iter().flatten().filter(|_| candidate.ord == 7_001);
        Some(fields.map(str::to_owned).collect())
    }

    fn preview(&self, event: Event, force: bool) -> BoxFuture<'_, Result<Value, PreviewError>> {
        let calls =
            json!([{"step": "save_customer", "interface": "个人客户添加", "fields": {"name": event.contact().name()}}]);
        let (contact, phone) = (event.contact().id(), event.contact().phone());
        let changes = ["intro", "address", "product", "faren"];
        let changes = changes.map(|field| json!({"field": field, "old": HOSTILE.repeat(800), "new": HOSTILE}));
        let plan = json!({
            "outcome": "planned", "contact": contact, "phone": phone, "force": force, "changes": changes, "calls": calls,
        });
        Box::pin(async move { Ok(plan) })
    }
}

impl Checker for Echo {
    fn check(&self) -> BoxFuture<'_, Vec<CheckRow>> {
        let row = CheckRow::of("values.source", "客户来源 微信", "source 微信");
        let advice = Bilingual::new("请管理员添加 <script>", "have it added <script>");
        Box::pin(async move {
            vec![CheckRow::of("erp.login", "ERP 登录", "ERP login").holds("bridge"), row.fails("没有", Some(advice))]
        })
    }

    fn salespeople(&self) -> BoxFuture<'_, Result<Vec<Salesperson>, PreviewError>> {
        let person =
            |id: &str, name: &str| Salesperson { id: id.into(), name: name.into(), department: "销售部".into() };
        let all = vec![person("63", "王芳"), person("71", "李雷<script>")];
        Box::pin(async { Ok(all) })
    }

    fn try_alerts(&self) -> BoxFuture<'_, Vec<TriedTarget>> {
        let target = |kind, host: &str, refusal: Option<&str>| TriedTarget {
            kind,
            host: host.into(),
            ok: refusal.is_none(),
            refusal: refusal.map(str::to_owned),
        };
        let refusal = "机器人不认识此密钥 <script>alert(1)</script>";
        let tried = vec![target("wecom", "qyapi.weixin.qq.com", None), target("feishu", "f.example", Some(refusal))];
        Box::pin(async { tried })
    }

    fn customer(&self, link: Link) -> BoxFuture<'_, Result<Vec<CustomerField>, PreviewError>> {
        let field = |id: &str, value: &str, shown: &str| CustomerField {
            id: id.into(),
            value: value.into(),
            shown: shown.into(),
        };
        let fields = vec![
            field("khid", &link.khid, &link.khid),
            field("name", "王小明<script>alert(1)</script>", "王小明<script>alert(1)</script>"),
            field("ly", "171", "微信"),
            field("intro", "", &"很".repeat(20_000)),
            field("<b>c9", "\u{202e}😀", "\u{202e}😀"),
        ];
        Box::pin(async { Ok(fields) })
    }
}

impl Adopter for Echo {
    fn adopt(&self, _: Vec<Value>, _: bool, _: Actor) -> BoxFuture<'_, Result<Vec<AdoptedContact>, PreviewError>> {
        Box::pin(async { Ok(Vec::new()) })
    }
}

/// How dispatch stands: the ERP refuses the login or does not answer, it is a quiet time, or all is well.
struct Standing {
    paused: Option<&'static str>,
}

impl Standing {
    fn of(wishes: Wishes) -> Self {
        let paused = match wishes {
            Wishes { is_quiet: true, .. } => Some("quiet_hours"),
            Wishes { is_away: true, .. } => Some("circuit_open"),
            Wishes { dispatches: true, .. } => None,
            _ => Some("login_refused"),
        };
        Self { paused }
    }
}

impl DispatchFacts for Standing {
    fn facts(&self) -> Dispatch {
        let paused = self.paused;
        let told = "the ERP refuses the login; nothing is tried again until it is put right";
        let words = paused.filter(|why| *why == "login_refused").map(|_| format!("ERP 拒绝登录：密码错误 ({told})"));
        let (pauses, blocks, block_hints) = (Vec::new(), Vec::new(), Vec::new());
        Dispatch { circuit: "closed", paused, words, pauses, blocks, block_hints, in_flight: 0, limit: 4 }
    }

    fn logged_in_since(&self) -> Option<Millis> {
        None
    }

    fn resume(&self) -> BoxFuture<'static, ()> {
        Box::pin(std::future::ready(()))
    }
}

/// What somebody has configured, with secrets.
fn settings() -> Settings {
    let file = "[erp]\nbase_url = \"http://erp.example\"\npassword = \"swordfish\"\nserial = \"ZB-1\"\nusername = \"bridge\"\n\
                [admission]\nmin_score = 55\n";
    let env = [("ERP_BRIDGE__WEBHOOK__SECRETS".to_owned(), SECRET.to_owned())];
    Config::from_sources(Some(("erp-bridge.toml", file)), env.into_iter()).unwrap().settings
}

/// The keys that a door begins with.
pub fn keys(secrets: &[&str]) -> Keys {
    keys_with(secrets, &[ApiToken::new("view", Scope::Read, READ), ApiToken::new("ops", Scope::Operate, OPERATE)])
}

/// Keys with these tokens.
pub fn keys_with(secrets: &[&str], tokens: &[ApiToken]) -> Keys {
    let secrets: Vec<_> = secrets.iter().map(|secret| secret.parse().unwrap()).collect();
    Keys { secrets: Secrets::new(&secrets), tokens: Tokens::new(tokens) }
}

impl Front {
    pub async fn open() -> Self {
        Self::with(Wishes::default()).await
    }

    pub async fn with(wishes: Wishes) -> Self {
        // Another test of this process may have installed it.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let directory = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", directory.path().join("ledger.db").display());
        let clock = Clock::manual(NOW);
        let database =
            DatabaseConfig { url: url.parse().unwrap(), max_backlog: wishes.max_backlog, ..DatabaseConfig::default() };
        let store = Store::open(&database, clock.clone(), true).await.unwrap();
        let keys = Arc::new(Keyring::new(keys(&[SECRET, OTHER_SECRET])));
        let stop = CancellationToken::new();
        let door = HttpState::new(HttpParts {
            traces: Traces::default(),
            store: store.clone(),
            clock: clock.clone(),
            rules: watch::channel(Rules::new(&AdmissionConfig::default())).1,
            messages: MessagesConfig::default(),
            keys: keys.clone(),
            body_limit: BODY_LIMIT,
            long_bodies_memory: wishes.long_bodies_memory,
            read_timeout: wishes.read_timeout,
            tolerance: Duration::from_secs(300),
            reading: Reading { strict: wishes.strict, ..Reading::default() },
            silence_after: Duration::ZERO,
            limits: RateLimits::new(
                wishes.webhooks_per_second,
                wishes.calls_per_second,
                wishes.failures_per_minute,
                wishes.previews_per_minute,
            ),
            previewer: Arc::new(Echo),
            adopter: Arc::new(Echo),
            checker: Arc::new(Echo),
            settings: watch::channel(settings()).1,
            succeeded_kept: Duration::from_secs(90 * 86_400),
            block_pause: Duration::from_secs(5),
            dispatch: Arc::new(Standing::of(wishes)),
            metrics: Arc::new(|| "# no metrics\n".to_owned()),
            stop: stop.clone(),
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let limits = ServerLimits {
            read_timeout: wishes.read_timeout,
            write_timeout: wishes.write_timeout,
            max_connections: wishes.max_connections,
            max_connections_per_address: wishes.max_connections_per_address,
            shutdown_grace: Duration::from_secs(20),
        };
        let options = ServerOptions { limits, proxies: Proxies::new(&wishes.trusted_proxies()), tls: None };
        let routes = router(door.clone(), erp_bridge::console::routes());
        let served = tokio::spawn(serve(listener, routes, door, options, stop.clone()));
        let client = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        Self { address, store, clock, keys, stop, served, database, client, directory }
    }

    /// One request.
    pub async fn call(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<reqwest::Body>,
    ) -> Answered {
        let mut request = self.client.request(method, format!("http://{}{path}", self.address));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = request.body(body).send().await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        let bytes = response.bytes().await.unwrap();
        let text = || Value::String(String::from_utf8_lossy(&bytes).into_owned());
        Answered { status, headers, body: serde_json::from_slice(&bytes).unwrap_or_else(|_| text()) }
    }

    /// A call of the REST interface with a token and, unless it is null, a JSON body.
    pub async fn rest(&self, method: Method, path: &str, token: &str, body: &Value) -> Answered {
        let bearer = format!("Bearer {token}");
        if body.is_null() {
            return self.call(method, path, &[("authorization", &bearer)], "").await;
        }
        let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
        self.call(method, path, &headers, body.to_string()).await
    }

    /// A signed event.
    pub async fn post_event(&self, id: &str, event: &Value) -> Answered {
        let body = event.to_string();
        let at = self.clock.now().0 / 1_000;
        let signature = sign(&SECRET.parse().unwrap(), id, at, body.as_bytes());
        let at = at.to_string();
        let headers = [
            ("content-type", "application/json"),
            ("webhook-id", id),
            ("webhook-timestamp", &at),
            ("webhook-signature", &signature),
        ];
        self.call(Method::POST, "/webhooks/events", &headers, body).await
    }

    /// Ends the event whose turn it is.
    pub async fn end(&self, end: Settlement) {
        let lease = self.store.claim(1, Duration::from_secs(60)).await.unwrap().remove(0).lease;
        self.store.settle(lease, end).await.unwrap();
    }

    /// Where the ledger's files are.
    pub fn directory(&self) -> &std::path::Path {
        self.directory.path()
    }

    /// Runs a statement past the ledger.
    pub async fn ledger(&self, sql: &str) {
        crate::ledger::run(self.database.url.expose_secret(), sql).await;
    }

    /// How many events and rejections are stored.
    pub async fn stored(&self) -> (usize, usize) {
        let events = self.store.list_events(&EventFilter::default(), None, 10_000).await.unwrap().len();
        (events, self.store.rejections(None, 10_000).await.unwrap().items.len())
    }

    /// Lets a contact's first event succeed, as the clockwork would, and links the contact.
    pub async fn link(&self, ord: i64, khid: &str) {
        let link = Link { ord, khid: khid.into(), kind: LinkKind::Person, linked_by: LinkedBy::Created };
        let last = Advance { link: Some(link), ..Advance::default() };
        self.end(Settlement::succeeded(last)).await;
    }
}

/// An event that is admitted.
pub fn promoted(contact: &str) -> Value {
    json!({
        "type": "contact.promoted", "timestamp": "2026-11-23T15:04:05+08:00",
        "data": {
            "contact": {"id": contact, "name": "王小明", "phone": "138 0000 1001", "phone_verified": true, "wechat_id": "wxm_1001"},
            "thread": {"id": "t-1", "score": 82, "bucket": "WHITE", "previous_bucket": "GRAY"},
        },
    })
}
