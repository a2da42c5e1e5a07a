//! What a test says to chromedriver: the part of W3C WebDriver that the journeys need. A library for it would turn on features
//! of serde and reqwest that the program is not built with, and the tests would try another program.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
};

use reqwest::Method;
use serde_json::{Value, json};

/// The member that names an element (W3C WebDriver §12).
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// The Shift key, as WebDriver names it.
const SHIFT: char = '\u{e008}';

/// How often a driver is started until one finds a port.
const STARTS: usize = 20;

/// How elements are looked for.
#[derive(Debug, Clone, Copy)]
pub enum By<'a> {
    Css(&'a str),
    XPath(&'a str),
}

/// An element of the page as it was when it was found.
#[derive(Debug)]
pub struct Element(String);

/// What the driver says it cannot do, such as to click what is gone.
#[derive(Debug)]
pub struct Refused(#[expect(dead_code, reason = "it is printed where it ends a test")] Value);

type Answer<T = Value> = Result<T, Refused>;

/// A running driver with one browser; both end with the value.
pub struct Driver {
    process: Child,
    http: reqwest::Client,
    session: String,
}

impl Driver {
    /// Starts a driver on a free port, and with it a browser that wants these `capabilities`.
    pub async fn start(capabilities: Value) -> Self {
        // Another test of this process may have installed it.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
        let (process, address) = spawn();
        let mut driver = Self { process, http, session: format!("{address}/session") };
        let wishes = json!({ "capabilities": { "alwaysMatch": capabilities } });
        let begun = driver.command(Method::POST, "", &wishes).await.unwrap();
        driver.session = format!("{}/{}", driver.session, begun["sessionId"].as_str().unwrap());
        driver
    }

    /// Goes to an address and waits until the page is there.
    pub async fn go(&self, url: &str) {
        self.post("/url", &json!({ "url": url })).await.unwrap();
    }

    /// The address where it is.
    pub async fn place(&self) -> String {
        text(&self.get("/url").await.unwrap())
    }

    /// The page as it is now, as HTML.
    pub async fn html(&self) -> String {
        text(&self.get("/source").await.unwrap())
    }

    /// Every element that is found, in the page's order.
    pub async fn find(&self, by: By<'_>) -> Answer<Vec<Element>> {
        let (using, value) = match by {
            By::Css(value) => ("css selector", value),
            By::XPath(value) => ("xpath", value),
        };
        let found = self.post("/elements", &json!({ "using": using, "value": value })).await?;
        Ok(found.as_array().into_iter().flatten().map(|element| Element(text(&element[ELEMENT]))).collect())
    }

    /// Whether it can be seen.
    pub async fn is_displayed(&self, element: &Element) -> Answer<bool> {
        Ok(self.get(&format!("/element/{}/displayed", element.0)).await? == true)
    }

    /// Its text, as far as it is shown.
    pub async fn text(&self, element: &Element) -> Answer<String> {
        Ok(text(&self.get(&format!("/element/{}/text", element.0)).await?))
    }

    /// The name by which a reader of screens calls what has the focus.
    pub async fn name_of_focused(&self) -> Answer<String> {
        let focused = self.get("/element/active").await?;
        Ok(text(&self.get(&format!("/element/{}/computedlabel", text(&focused[ELEMENT]))).await?))
    }

    pub async fn click(&self, element: &Element) -> Answer {
        self.post(&format!("/element/{}/click", element.0), &json!({})).await
    }

    /// Writes into a field, in place of what stood there.
    pub async fn fill(&self, element: &Element, words: &str) -> Answer {
        self.post(&format!("/element/{}/clear", element.0), &json!({})).await?;
        self.post(&format!("/element/{}/value", element.0), &json!({ "text": words })).await
    }

    /// Presses keys one after the other, wherever the focus is; Shift is held until the last of them.
    pub async fn press(&self, keys: &str) {
        let stroke = |kind: &str, key: char| json!({ "type": kind, "value": key });
        let mut strokes = Vec::new();
        for key in keys.chars() {
            strokes.push(stroke("keyDown", key));
            if key != SHIFT {
                strokes.push(stroke("keyUp", key));
            }
        }
        if keys.contains(SHIFT) {
            strokes.push(stroke("keyUp", SHIFT));
        }
        let keyboard = json!({ "type": "key", "id": "keyboard", "actions": strokes });
        self.post("/actions", &json!({ "actions": [keyboard] })).await.unwrap();
    }

    /// What a script of the test's own answers.
    pub async fn ask(&self, script: &str) -> Answer {
        self.post("/execute/sync", &json!({ "script": script, "args": [] })).await
    }

    /// The same of a script that calls its last argument when it is done.
    pub async fn ask_in_time(&self, script: &str) -> Answer {
        self.post("/execute/async", &json!({ "script": script, "args": [] })).await
    }

    /// A command of the DevTools protocol.
    pub async fn tool(&self, name: &str, parameters: Value) -> Value {
        self.post("/goog/cdp/execute", &json!({ "cmd": name, "params": parameters })).await.unwrap()
    }

    /// What one of the browser's logs (`browser`, `performance`) has noted since the last question.
    pub async fn log(&self, name: &str) -> Vec<Value> {
        let noted = self.post("/se/log", &json!({ "type": name })).await.unwrap();
        noted.as_array().cloned().unwrap_or_default()
    }

    async fn get(&self, path: &str) -> Answer {
        self.command(Method::GET, path, &Value::Null).await
    }

    async fn post(&self, path: &str, body: &Value) -> Answer {
        self.command(Method::POST, path, body).await
    }

    async fn command(&self, method: Method, path: &str, body: &Value) -> Answer {
        let mut request = self.http.request(method, format!("{}{path}", self.session));
        if !body.is_null() {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        let response = request.send().await.unwrap();
        let is_done = response.status().is_success();
        let answer: Value = serde_json::from_str(&response.text().await.unwrap()).unwrap();
        if is_done { Ok(answer["value"].clone()) } else { Err(Refused(answer["value"].clone())) }
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        // The browser ends with its driver.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// Starts a driver; answers it and its address.
///
/// A driver picks a port that is free for one family of addresses and gives up where somebody has it in the other, such as one
/// of the servers that are tried beside this test: the next one picks another.
fn spawn() -> (Child, String) {
    let mut words = String::new();
    for _ in 0..STARTS {
        let mut driver = Command::new("chromedriver");
        driver.arg("--port=0").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut driver =
            driver.spawn().unwrap_or_else(|error| panic!("chromedriver: {error}; `make tools` installs it"));
        for line in BufReader::new(driver.stdout.take().unwrap()).lines().map_while(Result::ok) {
            if let Some((_, port)) = line.split_once("started successfully on port ") {
                return (driver, format!("http://127.0.0.1:{}", port.trim_end_matches('.')));
            }
            words.push_str(&line);
            words.push('\n');
        }
        // It has closed its output: it ends.
        let _ = driver.wait();
    }
    panic!("chromedriver says no port:\n{words}")
}
