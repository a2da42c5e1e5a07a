//! A headless Chromium that does what a person does, and tells what a person would not see: what its console says, and whom
//! it spoke to.

use std::{path::Path, process::Command, sync::LazyLock, time::Duration};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::driver::{By, Driver, Element, Refused};
use crate::support::eventually;

/// How long anything may take on a busy machine.
const LIMIT: Duration = Duration::from_secs(40);

/// What the browser is started with: nothing that asks anybody but the bridge.
const ARGUMENTS: [&str; 9] = [
    "--headless=new",
    // As root, which tests in a container are, Chromium starts no other way.
    "--no-sandbox",
    // It ends when its driver does, however that ends.
    "--remote-debugging-pipe",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--window-size=1440,1000",
];

/// Keys as WebDriver names them; Shift and Tab lead back.
pub const ENTER: &str = "\u{e007}";
pub const TAB: &str = "\u{e004}";
pub const BACK: &str = "\u{e008}\u{e004}";
pub const SPACE: &str = " ";

/// The colours and the width of a screen.
#[derive(Debug, Clone, Copy)]
pub struct Screen {
    pub width: u32,
    pub is_dark: bool,
}

/// The desk, the same at night, and the phone.
pub const WIDE: Screen = Screen { width: 1440, is_dark: false };
pub const DARK: Screen = Screen { width: 1440, is_dark: true };
pub const PHONE: Screen = Screen { width: 390, is_dark: false };

/// A browser on the pages of one bridge.
pub struct Browser {
    driver: Driver,
    base: String,
    _profile: TempDir,
}

impl Browser {
    /// An empty browser for the bridge at this address.
    pub async fn open(base: &str) -> Self {
        Self::with(base, json!({})).await
    }

    /// One whose owner has turned script off.
    pub async fn without_script(base: &str) -> Self {
        Self::with(base, json!({ "profile.managed_default_content_settings.javascript": 2 })).await
    }

    async fn with(base: &str, preferences: Value) -> Self {
        let profile = tempfile::tempdir().unwrap();
        let folder = format!("--user-data-dir={}", profile.path().display());
        let arguments: Vec<&str> = ARGUMENTS.into_iter().chain([folder.as_str()]).collect();
        let driver = Driver::start(json!({
            "goog:chromeOptions": { "args": arguments, "prefs": preferences },
            "goog:loggingPrefs": { "browser": "ALL", "performance": "ALL" },
        }))
        .await;
        Self { driver, base: base.to_owned(), _profile: profile }
    }

    /// Signed in with this token.
    pub async fn signed_in(base: &str, token: &str) -> Self {
        let browser = Self::open(base).await;
        browser.sign_in(token).await;
        browser
    }

    /// The same browser on another bridge.
    pub fn at(mut self, base: &str) -> Self {
        base.clone_into(&mut self.base);
        self
    }

    pub async fn sign_in(&self, token: &str) {
        self.go("/console").await;
        self.fill("#token", token).await;
        self.click("登录").await;
        self.arrives("/console/overview").await;
    }

    /// Goes to a page.
    pub async fn go(&self, path: &str) {
        self.driver.go(&format!("{}{path}", self.base)).await;
    }

    /// Where it is, without the bridge's address.
    pub async fn place(&self) -> String {
        self.driver.place().await.replacen(&self.base, "", 1)
    }

    /// Waits until it is at a page whose address begins so.
    pub async fn arrives(&self, path: &str) {
        eventually(&format!("the browser is at {path}"), LIMIT, async || {
            self.place().await.starts_with(path).then_some(())
        })
        .await;
    }

    /// Waits until the page says this.
    pub async fn sees(&self, words: &str) {
        self.sees_in("body", words).await;
    }

    /// Waits until a part of the page says this.
    pub async fn sees_in(&self, css: &str, words: &str) {
        let reading = async {
            while !self.text(css).await.contains(words) {
                tokio::time::sleep(Duration::from_millis(25)).await;
            }
        };
        let told = tokio::time::timeout(LIMIT, reading).await.is_ok();
        assert!(told, "{css} of {} never says {words:?}:\n{}", self.place().await, self.text("body").await);
    }

    /// What a part of the page says, as far as it is shown; empty if there is none.
    pub async fn text(&self, css: &str) -> String {
        let found = self.driver.find(By::Css(css)).await.unwrap_or_default();
        match found.first() {
            Some(part) => self.driver.text(part).await.unwrap_or_default(),
            None => String::new(),
        }
    }

    /// Clicks the first button, link or heading of a fold that is shown and says this.
    pub async fn click(&self, words: &str) {
        let paths = ["button", "summary", "a"].map(|tag| format!("//{tag}[normalize-space(.)='{words}']"));
        self.do_to(By::XPath(&paths.join(" | ")), async |element| self.driver.click(element).await).await;
    }

    /// Clicks what this selector finds.
    pub async fn click_on(&self, css: &str) {
        self.do_to(By::Css(css), async |element| self.driver.click(element).await).await;
    }

    /// Writes into a field, in place of what stood there.
    pub async fn fill(&self, css: &str, words: &str) {
        self.do_to(By::Css(css), async |field| self.driver.fill(field, words).await).await;
    }

    /// Presses keys one after the other, wherever the focus is.
    pub async fn press(&self, keys: &str) {
        self.driver.press(keys).await;
    }

    /// The name of what has the focus; empty if it has none, or while the page changes.
    pub async fn focused(&self) -> String {
        self.driver.name_of_focused().await.unwrap_or_default()
    }

    /// Does something to the first of these that is shown, again if the page was put anew meanwhile.
    async fn do_to(&self, by: By<'_>, act: impl AsyncFn(&Element) -> Result<Value, Refused>) {
        eventually(&format!("{by:?} is there to act on"), LIMIT, async || {
            for element in self.driver.find(by).await.unwrap_or_default() {
                if self.driver.is_displayed(&element).await.unwrap_or_default() && act(&element).await.is_ok() {
                    return Some(());
                }
            }
            None
        })
        .await;
    }

    /// Waits until a script of the test's own answers `true`.
    pub async fn until(&self, what: &str, script: &str) {
        eventually(what, LIMIT, async || (self.ask(script).await == true).then_some(())).await;
    }

    /// What a script of the test's own answers; nothing while the page changes.
    pub async fn ask(&self, script: &str) -> Value {
        self.driver.ask(script).await.unwrap_or_default()
    }

    /// The same of a script that calls its last argument when it is done.
    pub async fn ask_in_time(&self, script: &str) -> Value {
        self.driver.ask_in_time(script).await.unwrap()
    }

    /// From the next page on, what pages do every minute they do five times a second, and count their looks in `window.looks`.
    pub async fn hurry(&self) {
        let source = "const every = window.setInterval, ask = window.fetch;
            window.setInterval = (act, span) => every(act, span === 60000 ? 200 : span);
            window.looks = 0;
            window.fetch = (...asked) => { window.looks += 1; return ask(...asked); };";
        self.begin_with(source).await;
    }

    /// From the next page on, a script of the test's own runs before anything of the page.
    pub async fn begin_with(&self, source: &str) {
        self.driver.tool("Page.addScriptToEvaluateOnNewDocument", json!({ "source": source })).await;
    }

    /// The page as it is now.
    pub async fn html(&self) -> String {
        self.driver.html().await
    }

    /// Sets the screen.
    pub async fn look_by(&self, screen: Screen) {
        let is_phone = screen.width < 600;
        let metrics = json!({ "width": screen.width, "height": 900, "deviceScaleFactor": 1, "mobile": is_phone });
        self.driver.tool("Emulation.setDeviceMetricsOverride", metrics).await;
        let scheme = if screen.is_dark { "dark" } else { "light" };
        let media = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        self.driver.tool("Emulation.setEmulatedMedia", media).await;
    }

    /// The whole page as a picture.
    pub async fn picture(&self, file: &Path) {
        let taken = self.driver.tool("Page.captureScreenshot", json!({ "captureBeyondViewport": true })).await;
        std::fs::write(file, STANDARD.decode(taken["data"].as_str().unwrap()).unwrap()).unwrap();
    }

    /// What axe finds serious or critical on the page as it stands, in both themes: the rule, what it says and where. In the
    /// dark theme only the colours are others.
    pub async fn barriers(&self) -> Vec<String> {
        // A page that follows changes would change under its eyes.
        self.ask("document.querySelector('.live[data-state=live] button')?.click()").await;
        self.look_by(WIDE).await;
        let mut found = self.axe(&AXE, "{}").await;
        self.look_by(DARK).await;
        found.extend(self.axe("", "{ runOnly: ['color-contrast'] }").await);
        found
    }

    async fn axe(&self, source: &str, wishes: &str) -> Vec<String> {
        let script = format!(
            "const done = arguments[arguments.length - 1]; {source};
             axe.run(document, {wishes}).then(
               (found) => done(found.violations.filter((one) => ['serious', 'critical'].includes(one.impact))
                 .map((one) => `${{one.id}}: ${{one.help}}: ` + one.nodes.map((node) => node.html).join(' | '))),
               (error) => done([String(error)]));"
        );
        serde_json::from_value(self.ask_in_time(&script).await).unwrap()
    }

    /// The faults that the browser's console has told since the last question.
    pub async fn complaints(&self) -> Vec<String> {
        let told = self.driver.log("browser").await;
        let told = told.iter().filter(|entry| entry["level"] == "SEVERE" || entry["level"] == "WARNING");
        told.map(|entry| entry["message"].to_string()).collect()
    }

    /// The addresses outside of the bridge that were asked since the last question.
    pub async fn strangers(&self) -> Vec<String> {
        let log = self.driver.log("performance").await;
        let events = log.iter().filter_map(|entry| serde_json::from_str::<Value>(entry["message"].as_str()?).ok());
        let asked = events.filter(|event| event["message"]["method"] == "Network.requestWillBeSent");
        let asked = asked.filter_map(|event| event["message"]["params"]["request"]["url"].as_str().map(str::to_owned));
        asked.filter(|url| url.starts_with("http") && !url.starts_with(&self.base)).collect()
    }

    /// Nothing was complained of, and nobody else was asked.
    pub async fn is_content(&self) {
        assert_eq!(self.complaints().await, [""; 0], "the browser's console, last at {}", self.place().await);
        assert_eq!(self.strangers().await, [""; 0], "requests to others");
    }
}

/// The script that looks for barriers.
static AXE: LazyLock<String> = LazyLock::new(|| {
    let tools = format!("{}/scripts/browser-tools.sh", env!("CARGO_MANIFEST_DIR"));
    let told = Command::new(&tools).arg("--print").output().unwrap();
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    std::fs::read_to_string(String::from_utf8(told.stdout).unwrap().trim()).unwrap()
});
