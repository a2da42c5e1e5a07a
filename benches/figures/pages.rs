//! The console's pages on the large ledger: how long until a page's first byte, and what it weighs.

use std::time::Instant;

use sqlx::{Connection, PgConnection, SqliteConnection};

use super::{
    Options, Outcome,
    bridge::{OPERATOR, Program, Setup},
    ledgers::Ledgers,
    report::Report,
    series::Series,
};

/// Of the filled ledger's waiting events nine in ten have ended, some of them badly; and a hundred thousand contacts are linked.
const AGED: [&str; 4] = [
    "update events set status = 'succeeded', finished_at = received_at where seq % 10 <> 0",
    "update events set status = 'dead', error_code = 'refused', error = '客户名称已存在' where seq % 100 = 1",
    "delete from turns where head_seq % 10 <> 0",
    "insert into contacts (contact_id, ord, khid, kind, linked_by, linked_at)
     select 'linked-' || seq, seq, 'KH' || seq, 'person', 'created', received_at from events where seq <= 100000",
];
/// Every page of the navigation and the lists behind it …
const PAGES: [&str; 12] = [
    "/console/overview",
    "/console/todo",
    "/console/todo?cause=refused",
    "/console/events",
    "/console/events?status=dead,needs_review",
    "/console/events?status=queued,running,held",
    "/console/contacts",
    "/console/not-admitted",
    "/console/replays",
    "/console/outbox",
    "/console/audit",
    "/console/settings",
];
/// … and searches, which find nothing: that takes longest.
const SEARCHES: [&str; 3] =
    ["/console/events?q=nowhere", "/console/events?type=deal.closed&since=2026-01-01", "/console/contacts?q=nowhere"];
/// How often each is asked for in one round, after once to warm up.
const ASKED: usize = 9;

pub(crate) async fn measure(options: &Options, ledgers: &[Ledgers], report: &mut Report) -> Outcome<()> {
    for ledgers in ledgers {
        let url = &ledgers.large.fresh.url;
        age(url).await?;
        let bridge = Program::bridge(Setup::storing(url))?;
        let base = format!("http://{}", bridge.address());
        let client = signed_in(&base).await?;
        for (name, goal, pages) in
            [("slowest page's", "≤ 100 ms · 150 KB", &PAGES[..]), ("slowest search's", "≤ 150 ms · 150 KB", &SEARCHES)]
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
    Ok(())
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
