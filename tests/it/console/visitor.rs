//! Somebody with a browser without script: follows links, sends forms, keeps cookies.

use std::collections::BTreeMap;

use reqwest::{Method, StatusCode, header::HeaderMap};

use crate::front::{Answered, Front};

/// A browser.
pub struct Visitor<'a> {
    front: &'a Front,
    cookies: BTreeMap<String, String>,
}

/// A page as it came.
pub struct Page {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub html: String,
}

impl Page {
    /// Where it sends the browser.
    pub fn location(&self) -> &str {
        self.headers.get("location").map_or("", |location| location.to_str().unwrap())
    }

    /// The secret of the page's forms.
    pub fn secret(&self) -> String {
        let (_, rest) = self.html.split_once("name=\"secret\" value=\"").expect("the page has a form");
        rest.split_once('"').unwrap().0.to_owned()
    }
}

impl<'a> Visitor<'a> {
    /// Nobody is signed in.
    pub fn new(front: &'a Front) -> Self {
        Self { front, cookies: BTreeMap::new() }
    }

    /// Signed in with this token.
    pub async fn signed_in(front: &'a Front, token: &str) -> Self {
        let mut visitor = Self::new(front);
        let entered = visitor.send("/console/sign-in", &[("token", token)]).await;
        assert_eq!(entered.status, StatusCode::SEE_OTHER, "{}", entered.html);
        visitor
    }

    /// What it sends along.
    pub fn cookies(&self) -> String {
        let cookies: Vec<_> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        cookies.join("; ")
    }

    pub async fn get(&mut self, path: &str) -> Page {
        self.request(Method::GET, path, &[], String::new()).await
    }

    /// Sends a form as the page of this origin does, without the secret of a session.
    pub async fn send(&mut self, path: &str, fields: &[(&str, &str)]) -> Page {
        let origin = format!("http://{}", self.front.address);
        self.send_from(&origin, path, fields).await
    }

    /// Sends a form from a page of some origin.
    pub async fn send_from(&mut self, origin: &str, path: &str, fields: &[(&str, &str)]) -> Page {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let headers = [("content-type", "application/x-www-form-urlencoded"), ("origin", origin)];
        self.request(Method::POST, path, &headers, body).await
    }

    /// Sends a form of the page at `from`.
    pub async fn change(&mut self, from: &str, path: &str, fields: &[(&str, &str)]) -> Page {
        let secret = self.get(from).await.secret();
        self.send(path, &[&[("secret", secret.as_str())], fields].concat()).await
    }

    async fn request(&mut self, method: Method, path: &str, headers: &[(&str, &str)], body: String) -> Page {
        let cookies = self.cookies();
        let headers: Vec<_> = headers.iter().copied().chain([("cookie", cookies.as_str())]).collect();
        let Answered { status, headers, body } = self.front.call(method, path, &headers, body).await;
        for line in headers.get_all("set-cookie") {
            let (pair, rest) = line.to_str().unwrap().split_once(';').unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            assert!(rest.contains("Path=/console") && rest.contains("SameSite=Strict"), "{rest}");
            if rest.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        let html = body.as_str().map_or_else(|| body.to_string(), str::to_owned);
        Page { status, headers, html }
    }
}

/// A minute, for clocks.
pub const MINUTE: std::time::Duration = std::time::Duration::from_secs(60);
/// An hour, for clocks.
pub const HOUR: std::time::Duration = std::time::Duration::from_secs(3_600);
