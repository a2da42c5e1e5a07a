//! The style and the script: embedded, named by their content, kept by browsers for a year.

use std::sync::LazyLock;

use axum::{
    extract::Path,
    http::header,
    response::{IntoResponse, Response},
};
use sha2::{Digest, Sha256};

use super::fault::Fault;

/// Where they are served.
pub(super) const PATH: &str = "/console/assets/{name}";
const KEPT: &str = "public, max-age=31536000, immutable";

/// A file that pages name.
struct Asset {
    name: String,
    kind: &'static str,
    text: &'static str,
}

impl Asset {
    fn new(stem: &str, ending: &str, kind: &'static str, text: &'static str) -> Self {
        let hash = hex::encode(&Sha256::digest(text)[..6]);
        Self { name: format!("{stem}-{hash}.{ending}"), kind, text }
    }
}

static ASSETS: LazyLock<[Asset; 3]> = LazyLock::new(|| {
    [
        Asset::new("console", "css", "text/css; charset=utf-8", include_str!("assets/console.css")),
        Asset::new("console", "js", "text/javascript; charset=utf-8", include_str!("assets/console.js")),
        Asset::new("icon", "svg", "image/svg+xml", include_str!("assets/icon.svg")),
    ]
});

/// The style's address.
pub(super) fn style() -> String {
    address(0)
}

/// The script's address.
pub(super) fn script() -> String {
    address(1)
}

/// The icon's address.
pub(super) fn icon() -> String {
    address(2)
}

fn address(index: usize) -> String {
    format!("/console/assets/{}", ASSETS[index].name)
}

/// Serves one of them; nobody needs to be signed in for it.
pub(super) async fn serve(Path(name): Path<String>) -> Result<Response, Fault> {
    let asset = ASSETS.iter().find(|asset| asset.name == name).ok_or(Fault::NoPage)?;
    Ok(([(header::CONTENT_TYPE, asset.kind), (header::CACHE_CONTROL, KEPT)], asset.text).into_response())
}
