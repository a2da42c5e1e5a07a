//! The console's pages on the large ledger: how long until a page's first byte, and what it weighs.

use std::{path::Path, process::Command, time::Instant};

use sqlx::{Connection, PgConnection, SqliteConnection};

use super::{
    Options, Outcome,
    bridge::{OPERATOR, Program, Setup},
    ledgers::Ledgers,
    report::Report,
    series::Series,
};

/// Of the filled ledger's waiting events nine in ten have ended, some of them badly or kept out by the rules; a hundred thousand
/// contacts are linked under their names, and a hundred of those whose events these are; as many again are linked to nobody, and noted.
const AGED: [&str; 8] = [
    "update events set status = 'succeeded', finished_at = received_at where seq % 10 <> 0",
    "update events set status = 'dead', error_code = 'refused', error = '客户名称已存在' where seq % 100 = 1",
    "update events set status = 'not_admitted', admission =
       '{\"admitted\":false,\"rules\":[{\"rule\":\"score\",\"passed\":false,\"message\":\"评分 22 低于 60\",\"value\":\"22\"}]}'
     where seq % 50 = 7",
    "delete from turns where head_seq % 10 <> 0",
    "insert into contacts (contact_id, ord, khid, kind, linked_by, linked_at, found_by)
     select 'linked-' || seq, seq, 'KH' || seq, 'person', 'created', received_at, '沈嘉禾' || seq || '\n138' || (10000000 + seq)
     from events where seq <= 100000",
    "insert into contacts (contact_id, ord, khid, kind, linked_by, linked_at, found_by)
     select contact_id, 1000000 + seq, 'WX' || contact_id, 'person', 'created', received_at,
       '张' || substr(contact_id, 7) || '伟\n138000' || substr(contact_id, 7) from events where seq <= 100",
    "insert into strangers (contact_id, found_by)
     select 'stranger-' || seq, '顾北辰' || seq || '\n139' || (10000000 + seq) from events where seq <= 100000",
    "update marks set value = (select max(seq) from events) where name = 'strangers_seq'",
];
/// Every page of the navigation and what lies behind it; one event, one contact and one replay come to these …
const PAGES: [&str; 20] = [
    "/console/overview",
    "/console/overview?span=month",
    "/console/todo",
    "/console/todo?cause=refused",
    "/console/events",
    "/console/events?status=dead,needs_review",
    "/console/events?status=queued,running,held",
    "/console/events/bulk?do=replay&all=true&status=dead",
    "/console/contacts",
    "/console/contacts/bench-00042",
    "/console/not-admitted",
    "/console/not-admitted?what=if&score=20&rule=score",
    "/console/replays",
    "/console/erp",
    "/console/outbox",
    "/console/rejections",
    "/console/audit",
    "/console/settings",
    "/console/help",
    "/console/help/operations",
];
/// … and searches: such as find nothing, which takes longest, and such as find whom they look for.
const SEARCHES: [&str; 7] = [
    "/console/events?q=nowhere",
    "/console/events?type=deal.closed&since=2026-01-01",
    "/console/contacts?q=nowhere",
    "/console/events?q=bench-00042",
    "/console/events?q=张00042伟",
    "/console/contacts?q=沈嘉禾",
    "/console/events?code=refused",
];
/// What every page asks for besides itself.
const ASSETS: [&str; 3] = ["console.css", "console.js", "icon.svg"];
/// How often each is asked for in one round, after once to warm up.
const ASKED: usize = 9;

pub(crate) async fn measure(options: &Options, ledgers: &[Ledgers], report: &mut Report) -> Outcome<()> {
    for ledgers in ledgers {
        let url = &ledgers.large.fresh.url;
        age(url).await?;
        let bridge = Program::bridge(Setup::storing(url))?;
        let base = format!("http://{}", bridge.address());
        let client = signed_in(&base).await?;
        let replay = made_replay(&client, &base, url).await?;
        let event = asked_of(url, "select id from events where status = 'dead' order by seq desc limit 1").await?;
        let single = [format!("/console/events/{event}"), replay];
        let pages: Vec<&str> = PAGES.into_iter().chain(single.iter().map(String::as_str)).collect();
        for (name, goal, pages) in
            [("slowest page's", "≤ 100 ms · 150 KB", &pages[..]), ("slowest search's", "≤ 150 ms · 150 KB", &SEARCHES)]
        {
            let mut slowest = ("", Series::new());
            let mut heaviest = 0;
            for page in pages {
                let (span, bytes) = asked(options, &client, &format!("{base}{page}")).await?;
                heaviest = heaviest.max(bytes);
                if slowest.0.is_empty() || span.median() > slowest.1.median() {
                    slowest = (page, span);
                }
            }
            let figure = format!("{name} first byte, {}: {} events", ledgers.database, ledgers.large.events);
            report.row(&figure, goal, &format!("{} ms ({}) · {} KB", slowest.1.words(1), slowest.0, heaviest / 1_000));
        }
    }
    let (bytes, compressed) = assets()?;
    let figure = format!("{} KB (as they are {} KB)", compressed.div_ceil(1_000), bytes.div_ceil(1_000));
    report.row("the console's style, script and icon, compressed", "≤ 120 KB", &figure);
    Ok(())
}

/// Bytes of style, script and icon, as they are and compressed.
fn assets() -> Outcome<(usize, usize)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/console/assets");
    let (mut bytes, mut compressed) = (0, 0);
    for asset in ASSETS {
        let file = folder.join(asset);
        bytes += std::fs::read(&file)?.len();
        compressed += Command::new("gzip").arg("-9").arg("-c").arg(&file).output()?.stdout.len();
    }
    Ok((bytes, compressed))
}

/// The page of a replay of what is dead.
async fn made_replay(client: &reqwest::Client, base: &str, ledger: &str) -> Outcome<String> {
    let asked =
        client.post(format!("{base}/v1/replays")).bearer_auth(OPERATOR).header("content-type", "application/json");
    asked.body(r#"{"status": "dead", "reason": "bench"}"#).send().await?.error_for_status()?;
    Ok(format!("/console/replays/{}", asked_of(ledger, "select id from replays order by seq desc limit 1").await?))
}

/// A text out of a ledger.
async fn asked_of(url: &str, sql: &'static str) -> Outcome<String> {
    Ok(if url.starts_with("postgres") {
        sqlx::query_scalar(sql).fetch_one(&mut PgConnection::connect(url).await?).await?
    } else {
        sqlx::query_scalar(sql).fetch_one(&mut SqliteConnection::connect(url).await?).await?
    })
}

/// Lets a ledger look as after months of work.
async fn age(url: &str) -> Outcome<()> {
    for sql in AGED {
        if url.starts_with("postgres") {
            sqlx::query(sql).execute(&mut PgConnection::connect(url).await?).await?;
        } else {
            sqlx::query(sql).execute(&mut SqliteConnection::connect(url).await?).await?;
        }
    }
    Ok(())
}

/// A browser that holds a session.
async fn signed_in(base: &str) -> Outcome<reqwest::Client> {
    // Another client of this process may have installed it.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let form = format!("token={OPERATOR}");
    let plain = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build()?;
    let sent = plain.post(format!("{base}/console/sign-in")).header("origin", base);
    let entered = sent.header("content-type", "application/x-www-form-urlencoded").body(form).send().await?;
    let cookie = entered.headers().get("set-cookie").ok_or("the console lets nobody in")?.to_str()?;
    let cookie = cookie.split(';').next().unwrap_or_default().parse()?;
    let headers = reqwest::header::HeaderMap::from_iter([(reqwest::header::COOKIE, cookie)]);
    Ok(reqwest::Client::builder().no_proxy().default_headers(headers).build()?)
}

/// Milliseconds until the first byte of a page, and its bytes.
async fn asked(options: &Options, client: &reqwest::Client, url: &str) -> Outcome<(Series, usize)> {
    let (mut span, mut bytes) = (Series::new(), 0);
    for number in 0..=options.rounds * ASKED {
        let began = Instant::now();
        let answer = client.get(url).send().await?.error_for_status()?;
        if number > 0 {
            span.push(began.elapsed().as_secs_f64() * 1_000.0);
        }
        bytes = answer.bytes().await?.len();
    }
    Ok((span, bytes))
}
