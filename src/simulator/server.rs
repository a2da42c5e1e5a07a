//! The HTTP side: an accept loop of our own, because a fault must be able to close a connection without an answer.

use std::{fmt, sync::Arc, time::Duration};

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::{
    Method, Request, Response, StatusCode, body::Incoming, header, header::HeaderValue, server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use jiff::tz::TimeZone;
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinSet,
    time::sleep,
};
use tokio_util::sync::CancellationToken;

use super::{
    answer::Answer,
    call::{Call, NoCall, Received},
    control,
    faults::{Break, Front, Late, Plan},
    fields::Fields,
    handle::Handle,
    render::{HTML, JSON, Rendered, html, render},
    world::Outcome,
};
use crate::clock::Millis;

/// Largest body taken, in bytes: far above the largest save.
const BODY_LIMIT: usize = 4 * 1024 * 1024;
const HEADER_TIMEOUT: Duration = Duration::from_secs(30);
/// After a failed accept (no file handles left), so that the loop does not spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// The connection is to be closed without an answer.
#[derive(Debug)]
struct Cut;

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the connection is cut on purpose")
    }
}

impl std::error::Error for Cut {}

/// A call under way, for as long as it lives: until it was answered, or its client went away.
struct UnderWay(Handle);

impl UnderWay {
    fn begin(handle: &Handle) -> Self {
        count(handle, 1);
        Self(handle.clone())
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        count(&self.0, -1);
    }
}

fn count(handle: &Handle, by: i32) {
    let mut world = handle.world();
    let now = world.clock.steady();
    world.meter.change(now, by);
}

/// Serves until `stop`; then every connection is closed at once, as when a machine goes down.
pub(super) async fn run(listener: TcpListener, handle: Handle, stop: CancellationToken) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(connection(stream, handle.clone()));
                }
                Err(_) => sleep(ACCEPT_PAUSE).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
    connections.shutdown().await;
}

async fn connection(stream: TcpStream, handle: Handle) {
    // Small answers should not wait for more to send; without it they only come later.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| dated(handle.clone(), request));
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .serve_connection(TokioIo::new(stream), service)
        .await;
    // A client that went away, or a cut on purpose: both are the daily bread of this server.
    drop(served);
}

/// As [`respond`], with the time of a machine whose clock is ahead, if it is.
async fn dated(handle: Handle, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Cut> {
    let mut response = respond(handle.clone(), request).await?;
    let world = handle.world();
    if world.settings.date_ahead_s != 0 {
        let moment = Millis(world.clock.now().0 + world.settings.date_ahead_s * 1_000).timestamp();
        let date = moment.to_zoned_datetime(TimeZone::UTC).strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
        response.headers_mut().extend(HeaderValue::from_str(&date).ok().map(|date| (header::DATE, date)));
    }
    drop(world);
    Ok(response)
}

async fn respond(handle: Handle, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Cut> {
    let (head, body) = request.into_parts();
    let body = match Limited::new(body, BODY_LIMIT).collect().await {
        Ok(body) => body.to_bytes(),
        Err(_) => return Ok(response(html(413, "413 - 请求实体太大"))),
    };
    let query = head.uri.query().unwrap_or_default();
    if let Some(path) = head.uri.path().strip_prefix("/__control") {
        return Ok(response(control::answer(&handle, head.method.as_str(), path, query, &body)));
    }
    let header = |name: &str| head.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let received = Received {
        is_post: head.method == Method::POST,
        path: head.uri.path(),
        query,
        content_type: header(header::CONTENT_TYPE.as_str()),
        token: header("zbapi-token"),
        body: &body,
    };
    let only_zsml = handle.world().settings.only_zsml;
    let call = match Call::read(&received, only_zsml) {
        Ok(call) => call,
        Err(why) => return Ok(response(no_call(&handle, why))),
    };
    let _under_way = UnderWay::begin(&handle);
    let (n, plan, latency) = {
        let mut world = handle.world();
        let latency = Duration::from_millis(world.settings.latency_ms);
        let (n, plan) = world.receive(&call);
        let trace_parent = header("traceparent");
        if !trace_parent.is_empty() {
            world.call_log.note(n, |record| trace_parent.clone_into(&mut record.trace_parent));
        }
        let latency = latency + plan.latency;
        (n, plan, latency)
    };
    if latency.is_zero() && plan.late.is_none() {
        return perform(&handle, n, &call, &plan);
    }
    // In a task of its own: a client that gives up waiting does not stop an ERP from finishing.
    let slow = tokio::spawn(async move {
        sleep(latency.saturating_sub(HALF_TICK)).await;
        match plan.late {
            Some(late) => perform_late(handle, n, Arc::new(call), Arc::new(plan), late).await,
            None => perform(&handle, n, &call, &plan),
        }
    });
    slow.await.unwrap_or(Err(Cut))
}

/// The runtime's clock ticks in milliseconds, and whoever sleeps wakes at the next tick: half of one too late on average.
const HALF_TICK: Duration = Duration::from_micros(500);

/// A program that ran into an error behind the effect, or before it.
const FAILED: &str = r#"{"header":{"status":1,"message":"缺少对象: 'bill.AddTool(...)'"}}"#;

fn perform(handle: &Handle, n: u64, call: &Call, plan: &Plan) -> Result<Response<Full<Bytes>>, Cut> {
    // The lock ends with this statement: answers are put into bytes outside of it.
    let outcome = handle.world().perform(n, call, plan);
    match outcome {
        Outcome::Answered(answer, quirks) => Ok(response(render(answer, &call.session, quirks))),
        Outcome::Fronted(front) => Ok(fronted(front)),
        Outcome::Broken(broken, answer, quirks) => match broken {
            Break::Cut => Err(Cut),
            Break::Error500 => Ok(response(html(500, "500 - 内部服务器错误。"))),
            Break::Html200 => Ok(response(html(200, "系统正在维护，请稍候再试"))),
            Break::Empty200 => Ok(response(Rendered { status: 200, content_type: HTML, body: Vec::new() })),
            Break::Failed => Ok(response(Rendered { status: 200, content_type: JSON, body: FAILED.into() })),
            Break::Garbled => {
                let mut rendered = render(answer, &call.session, quirks);
                rendered.body.truncate(rendered.body.len() / 2);
                Ok(response(rendered))
            }
        },
    }
}

/// The effect comes at its time whether anyone still waits; an answer that would come before it is no answer.
async fn perform_late(
    handle: Handle,
    n: u64,
    call: Arc<Call>,
    plan: Arc<Plan>,
    late: Late,
) -> Result<Response<Full<Bytes>>, Cut> {
    let effect = tokio::spawn(async move {
        sleep(late.effect).await;
        perform(&handle, n, &call, &plan)
    });
    sleep(late.answer).await;
    if effect.is_finished() { effect.await.unwrap_or(Err(Cut)) } else { Err(Cut) }
}

/// What an ASP page or IIS answers to what is no call.
fn no_call(handle: &Handle, why: NoCall) -> Rendered {
    let (status, text) = match why {
        NoCall::NotFound => (404, "404 - 找不到文件或目录。"),
        NoCall::NotPost => (200, "请使用移动客户端访问"),
        NoCall::ContentType => (500, "500 - 不支持的 Content-Type"),
        NoCall::NotJson => (500, "Microsoft VBScript 运行时错误 '800a000d' 类型不匹配"),
    };
    let mut world = handle.world();
    let time = world.clock.now().rfc3339();
    let n = world.call_log.open(time, "unknown", &Fields::new(), "");
    world.call_log.note(n, |record| record.outcome = Answer::Html { status, text }.outcome());
    html(status, text)
}

/// What stands before the ERP answers.
fn fronted(front: Front) -> Response<Full<Bytes>> {
    match front {
        Front::Page(status) => response(html(status, "<center>nginx</center>")),
        Front::LoginPage => {
            response(html(200, "统一登录<form><input name=\"user\"><input name=\"pass\" type=\"password\"></form>"))
        }
        Front::Redirect => {
            let mut response = response(html(302, "302 Found"));
            response.headers_mut().insert(header::LOCATION, HeaderValue::from_static("https://portal.example/"));
            response
        }
    }
}

fn response(rendered: Rendered) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(rendered.body)));
    *response.status_mut() = StatusCode::from_u16(rendered.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(rendered.content_type));
    response
}
