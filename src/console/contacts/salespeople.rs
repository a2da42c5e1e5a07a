//! Whom a customer is given to (客户指派), by names from the ERP's own list when it can be had.

use askama::Template;
use axum::{extract::State, response::Response};

use super::seen;
use crate::{
    console::{
        fault::Fault,
        frame::{Frame, Nav, page},
        visit::Visit,
    },
    http::{
        HttpState, Salesperson,
        api::{check, names, query::PathId},
        auth::Operator,
        problem::Problem,
    },
};

#[derive(Template)]
#[template(path = "salespeople.html")]
struct SalespeoplePage {
    frame: Frame,
    id: String,
    /// What the contact is called; empty where that is not known.
    name: String,
    /// `None` if the ERP does not tell.
    salespeople: Option<Vec<Salesperson>>,
    /// As the form says what the page showed.
    seen: String,
    /// Makes a form that is sent twice count once.
    key: String,
}

/// `GET /console/contacts/{id}/assign`: asks the ERP for its accounts, which are believed for a while.
pub(in crate::console) async fn choose_salesperson(
    State(state): State<HttpState>,
    id: PathId,
    visit: Visit,
) -> Result<Response, Fault> {
    let operator = Operator::of(visit.caller.clone())?;
    let id = id.contact().map_err(|_| Problem::ContactUnknown)?;
    let shown = state.store.seen_contact(&id).await.map_err(Problem::from)?;
    let salespeople = match check::salespeople(&state, &operator).await {
        Ok(salespeople) => Some(salespeople).filter(|all| !all.is_empty()),
        Err(Problem::ErpUnavailable(_)) => None,
        Err(problem) => return Err(problem.into()),
    };
    let name = names::of_contact(&state, &visit.caller, &id).await?;
    let key = uuid::Uuid::now_v7().to_string();
    let frame = Frame::of(&state, &visit, Nav::Contacts);
    page(&SalespeoplePage { frame, id, name, salespeople, seen: seen::text(&shown), key })
}
