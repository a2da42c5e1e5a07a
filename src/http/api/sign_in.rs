//! `POST /v1/console/sign-in`: an address of the console that signs in once, to be handed to a person's browser.

use std::time::Duration;

use axum::{Json, extract::State};
use sha2::{Digest, Sha256};

use crate::{
    config::TokenHash,
    http::{auth::Reader, keys::Caller, problem::Problem, state::HttpState},
};

/// How long an address may wait to be opened.
const LINK_LIFE: Duration = Duration::from_secs(5 * 60);
/// Random bytes of a secret, which is written in hexadecimal digits; those of the console's sessions are the same.
pub(crate) const SECRET_BYTES: usize = 32;

/// Where somebody signs in without typing a token.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
pub(crate) struct SignInLink {
    /// Address of the console, without the host.
    #[schema(examples("/console/sign-in?link=…"))]
    pub path: String,
    /// Until when it can be used.
    #[schema(format = DateTime)]
    pub expires_at: String,
}

/// Make an address that signs in to the console
///
/// It begins one session with the rights of the calling token, within five minutes, and then no more; audited as
/// `console.offer`.
#[utoipa::path(
    post, path = "/v1/console/sign-in", tag = "operations", security(("token" = ["read"])),
    responses((status = 200, description = "The address", body = SignInLink)),
)]
pub(crate) async fn offer_sign_in(
    State(state): State<HttpState>,
    Reader(caller): Reader,
) -> Result<Json<SignInLink>, Problem> {
    let secret = hex::encode(rand::random::<[u8; SECRET_BYTES]>());
    let until = state.clock.now().plus(LINK_LIFE);
    let (store, link, actor) = (state.store.clone(), name_of(&secret), caller.actor());
    let offer = async move { store.offer_console_session(&link, caller.token.0, until, &actor).await };
    state.undisturbed(offer).await?;
    Ok(Json(SignInLink { path: format!("/console/sign-in?link={secret}"), expires_at: until.rfc3339() }))
}

/// Whether it could be the secret of a link or of a session: of anything else nobody need ask the ledger.
pub(crate) fn is_secret(text: &str) -> bool {
    text.len() == 2 * SECRET_BYTES && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Whose link this is; it is used up.
///
/// # Errors
/// [`Problem::TokenUnknown`] or [`Problem::TokenExpired`] if there is no such link, or its token is gone.
pub(crate) async fn redeem(state: &HttpState, secret: &str) -> Result<Caller, Problem> {
    if !is_secret(secret) {
        return Err(Problem::TokenUnknown);
    }
    let (store, link) = (state.store.clone(), name_of(secret));
    let token = state.undisturbed(async move { store.take_console_link(&link).await }).await?;
    let token = TokenHash(token.ok_or(Problem::TokenUnknown)?);
    state.keys.current().tokens.holder(token, state.clock.now()).cloned()
}

/// What the ledger knows a link by; a link taken for a session's cookie has another name there.
fn name_of(secret: &str) -> String {
    hex::encode(Sha256::digest(format!("link {secret}")))
}
