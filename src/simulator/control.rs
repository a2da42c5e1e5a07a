//! The control interface under `/__control`: no session, no quirks, no faults.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    faults::FaultRule,
    handle::{Handle, Seed},
    quirks::Quirks,
    render::Rendered,
    settings::Settings,
};

/// Answers one control call; `path` is what stands behind `/__control`.
pub(super) fn answer(handle: &Handle, method: &str, path: &str, query: &str, body: &[u8]) -> Rendered {
    let result = match (method, path) {
        ("GET", "/state") => Ok(handle.state()),
        ("GET", "/calls") => calls(handle, query),
        ("DELETE", "/calls") => {
            handle.clear_calls();
            Ok(json!({}))
        }
        ("GET", "/faults") => Ok(faults(handle)),
        ("POST", "/faults") => {
            read::<Vec<FaultRule>>(body).and_then(|rules| handle.set_faults(rules)).map(|()| faults(handle))
        }
        ("DELETE", "/faults") => {
            handle.clear_faults();
            Ok(json!([]))
        }
        ("GET", "/quirks") => Ok(json!(handle.world().quirks.names())),
        ("POST", "/quirks") => read::<Names>(body).and_then(Names::parse).map(|quirks| {
            let names = quirks.names();
            handle.set_quirks(quirks);
            json!(names)
        }),
        ("POST", "/sessions/expire") => Ok(json!({"expired": handle.expire_sessions()})),
        ("POST", "/login/unlock") => {
            handle.unlock_login();
            Ok(json!({}))
        }
        ("POST", "/seed") => read::<Seed>(body).and_then(|seed| handle.seed(&seed)).map(|seeded| json!(seeded)),
        ("GET", "/settings") => Ok(shown_settings(handle)),
        ("POST", "/settings") => change_settings(handle, body),
        ("POST", "/reset") => {
            handle.reset();
            Ok(json!({}))
        }
        _ => {
            return json_answer(
                404,
                &json!({"error": format!("no control call is {method} {path}; see docs/simulator.md")}),
            );
        }
    };
    match result {
        Ok(value) => json_answer(200, &value),
        Err(why) => json_answer(400, &json!({"error": why})),
    }
}

fn json_answer(status: u16, value: &Value) -> Rendered {
    Rendered { status, content_type: "application/json", body: value.to_string().into_bytes() }
}

#[expect(clippy::disallowed_methods, reason = "the simulator reads JSON apart from the bridge, as the ERP does")]
fn read<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, String> {
    serde_json::from_slice(body).map_err(|why| format!("the body does not fit: {why}"))
}

fn calls(handle: &Handle, query: &str) -> Result<Value, String> {
    let since = query.split('&').find_map(|pair| pair.strip_prefix("since=")).unwrap_or("0");
    let since = since.parse().map_err(|_| format!("since is the number of a call, not {since}"))?;
    Ok(json!(handle.calls(since)))
}

fn faults(handle: &Handle) -> Value {
    let world = handle.world();
    let shown = |(rule, seen, hits): (&FaultRule, u64, u64)| {
        let mut shown = json!(rule);
        shown["seen"] = json!(seen);
        shown["hits"] = json!(hits);
        shown
    };
    world.faults.list().map(shown).collect()
}

/// `"all"` or a list of names.
#[derive(Deserialize)]
#[serde(untagged)]
enum Names {
    One(String),
    Many(Vec<String>),
}

impl Names {
    fn parse(self) -> Result<Quirks, String> {
        match self {
            Self::One(name) => Quirks::parse([name.as_str()]),
            Self::Many(names) => Quirks::parse(names.iter().map(String::as_str)),
        }
    }
}

/// The settings without the password.
fn shown_settings(handle: &Handle) -> Value {
    let mut shown = json!(handle.settings());
    if let Some(members) = shown.as_object_mut() {
        members.remove("password");
    }
    shown
}

/// Changes the settings that the body names; a wrong name or value changes nothing.
fn change_settings(handle: &Handle, body: &[u8]) -> Result<Value, String> {
    let changes: Map<String, Value> = read(body)?;
    let mut changed = json!(handle.settings());
    for (key, value) in changes {
        changed[key] = value;
    }
    let settings = Settings::deserialize(changed).map_err(|why| format!("the settings do not fit: {why}"))?;
    handle.change_settings(|now| *now = settings);
    Ok(shown_settings(handle))
}
