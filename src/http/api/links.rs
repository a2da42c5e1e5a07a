//! `GET /v1/contacts` and `/v1/contacts/{contact_id}/link`: links to customers of the ERP, searched and forgotten.

use axum::{Json, extract::State};
use serde::Deserialize;

use super::{
    disclosure,
    operations::{ReasonBody, checked_reason},
    query::{self, Params, PathId},
    views::{ContactView, Sight},
};
use crate::{
    event::FieldError,
    http::{
        auth::{Operator, Reader},
        body::OptionalJsonBody,
        keys::Caller,
        openapi::parts::ContactPath,
        problem::{Problem, ProblemDocument},
        state::HttpState,
    },
    store::{ContactRow, LinkSearch, Named, SeenContact},
};

/// Which links, and which page of them.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct SearchParams {
    /// Part of the contact's id or of a 客户编号 that is shown, or the whole `ord`. For `operate` also part of the name, company, phone
    /// number, WeChat id or e-mail address.
    #[param(nullable = false, max_length = 200, pattern = r"^[^\u0000-\u001f\u007f-\u009f]*$")]
    pub q: Option<String>,
    /// Items of a page.
    #[param(nullable = false, value_type = i64, required = false, minimum = 1, maximum = 200, default = 50)]
    pub limit: Option<String>,
    /// The `next_cursor` of the page before.
    #[param(nullable = false, pattern = "^[A-Za-z0-9_-]{0,48}$")]
    pub cursor: Option<String>,
}

/// A page of linked contacts, by their ids.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
pub(crate) struct ContactPage {
    /// The links.
    pub items: Vec<ContactView>,
    /// `cursor` of the next page; null on the last one.
    #[schema(pattern = "^[A-Za-z0-9_-]{1,48}$")]
    pub next_cursor: Option<String>,
}

/// Search linked contacts
///
/// Whom `read` may not see in clear it cannot search for either. For `operate`, names and numbers are looked for as they stood
/// when the contact was linked, and in the bodies of the newest thousand events that still have one.
#[utoipa::path(
    get, path = "/v1/contacts", tag = "contacts", params(SearchParams), security(("token" = ["read"])),
    responses((status = 200, description = "A page of linked contacts", body = ContactPage)),
)]
pub(crate) async fn search_contacts(
    State(state): State<HttpState>,
    Reader(caller): Reader,
    Params(params): Params<SearchParams>,
) -> Result<Json<ContactPage>, Problem> {
    search(&state, &caller, params).await.map(Json)
}

/// A page of the linked contacts that match, as the caller may see them.
///
/// # Errors
/// [`Problem::InvalidQuery`], or that the ledger cannot be read.
pub(crate) async fn search(state: &HttpState, caller: &Caller, params: SearchParams) -> Result<ContactPage, Problem> {
    let invalid = |(name, allowed): query::Fault| Problem::InvalidQuery(name.to_owned(), allowed);
    let q = query::plain("q", params.q.unwrap_or_default()).map_err(invalid)?;
    let limit = query::limit(params.limit.as_deref())?;
    let after = params.cursor.filter(|cursor| !cursor.is_empty());
    if after.as_deref().is_some_and(|cursor| !query::is_contact_id(cursor)) {
        return Err(query::no_cursor());
    }
    let sight = Sight::of(caller.scope);
    let q = Some(q.trim().to_owned()).filter(|q| !q.is_empty());
    let is_plain = sight == Sight::Plain;
    let search = LinkSearch { q, people: is_plain, findable: (!is_plain).then_some(disclosure::is_shown_id) };
    let mut rows = state.store.search_links(&search, after.as_deref(), limit + 1).await?;
    let is_last = i64::try_from(rows.len()).unwrap_or(i64::MAX) <= limit;
    rows.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    let next_cursor = rows.last().filter(|_| !is_last).map(|row| row.contact_id.clone());
    Ok(ContactPage { items: rows.into_iter().map(|row| ContactView::of(row, sight)).collect(), next_cursor })
}

/// Whether the caller sees in a link what it was found by: a 客户编号 can be a person's number.
fn is_seen(row: &ContactRow, q: &str, sight: Sight) -> bool {
    let q = q.trim().to_lowercase();
    let holds = |text: &str| text.to_lowercase().contains(&q);
    let is_ord = row.link.ord.to_string() == q;
    sight == Sight::Plain || is_ord || holds(&row.contact_id) || holds(&disclosure::id(&row.link.khid))
}

/// Whom and what a text names, as far as the caller may know of it.
///
/// # Errors
/// If the ledger cannot be read.
pub(crate) async fn named(state: &HttpState, sight: Sight, q: &str) -> Result<Named, Problem> {
    Ok(state.store.named(q, sight == Sight::Plain, |row| is_seen(row, q, sight)).await?)
}

/// Why something is done.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ReasonParams {
    /// For the audit log; else the body's.
    #[param(nullable = false, max_length = 500, pattern = r"^[^\u0000]*$")]
    pub reason: Option<String>,
}

impl ReasonParams {
    /// The reason of the address, or else of the body, if one says anything.
    pub(crate) fn or(self, body: ReasonBody) -> Option<String> {
        [self.reason, body.reason].into_iter().flatten().find(|reason| !reason.trim().is_empty())
    }
}

/// Forget a contact's customer
///
/// 解除关联: the contact's next event looks it up anew. The customer in the ERP stays as it is. It takes a reason, in the address
/// or in the body. Refused while an event of the contact is running or half done; audited as `contact.unlink`.
#[utoipa::path(
    delete, path = "/v1/contacts/{contact_id}/link", tag = "contacts", security(("token" = ["operate"])),
    params(ContactPath, ReasonParams),
    request_body(content = ReasonBody, content_type = "application/json"),
    responses(
        (status = 200, description = "The link that was forgotten", body = ContactView),
        (status = 404, description = "The contact is not linked", body = ProblemDocument),
        (status = 409, description = "An event of the contact is running or half done", body = ProblemDocument),
        (status = 422, description = "Without a reason", body = ProblemDocument),
    ),
)]
pub(crate) async fn forget_link(
    State(state): State<HttpState>,
    operator: Operator,
    id: PathId,
    Params(params): Params<ReasonParams>,
    OptionalJsonBody(body): OptionalJsonBody<ReasonBody>,
) -> Result<Json<ContactView>, Problem> {
    forget(&state, &operator, id, params.or(body), None).await.map(Json)
}

/// Forgets the link; answers what it was. `seen` is what the caller saw of the contact, if the caller says it.
///
/// # Errors
/// [`Problem::Changed`] if the contact has another link since, [`Problem::ContactNotLinked`], [`Problem::WrongState`], or that
/// the reason is missing or not valid.
pub(crate) async fn forget(
    state: &HttpState,
    Operator(caller): &Operator,
    id: PathId,
    reason: Option<String>,
    seen: Option<SeenContact>,
) -> Result<ContactView, Problem> {
    let reason = checked_reason(reason)?.filter(|reason| !reason.trim().is_empty());
    let missing = FieldError::new("/reason", "请写明原因，写入审计记录 (say why: it is kept in the audit log)");
    let reason = reason.ok_or_else(|| Problem::Invalid(vec![missing]))?;
    let contact_id = id.contact()?;
    let (store, actor) = (state.store.clone(), caller.actor());
    let forget = async move { store.unlink(&contact_id, &actor, Some(&reason), seen.as_ref()).await };
    let link = state.undisturbed(forget).await.map_err(|problem| match problem {
        Problem::EventNotFound => Problem::ContactNotLinked,
        other => other,
    })?;
    Ok(ContactView::of(link, Sight::Plain))
}
