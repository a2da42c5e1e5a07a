//! Doing a step. Whether it is done, [`super::verify`] asks.

use super::{Journal, SyncError, assignment, details, records, step::Step};
use crate::{
    clock::Millis,
    config::ErpValues,
    erp::{CustomerKind, Erp, ErpError, NewProgress},
    event::Assignment,
};

/// What doing a step brought; it still has to be read back.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Effect {
    /// The ERP's words.
    pub said: String,
    /// The allocated `ord`, of [`Step::Allocate`].
    pub ord: Option<i64>,
    /// Nothing was sent, and nothing will be; why.
    pub left_out: Option<String>,
}

impl Effect {
    pub(super) fn said(said: impl Into<String>) -> Self {
        Self { said: said.into(), ord: None, left_out: None }
    }

    pub(super) fn left_out(why: impl Into<String>) -> Self {
        Self { left_out: Some(why.into()), ..Self::default() }
    }
}

/// Does steps for one customer of the ERP.
pub struct Executor<'a> {
    /// The ERP, recording for the event.
    pub erp: &'a Erp,
    /// The ledger's two questions.
    pub journal: &'a dyn Journal,
    /// Values for edits where the record shows none.
    pub values: &'a ErpValues,
    /// The customer, once it is known: linked, found or allocated.
    pub ord: Option<i64>,
    /// Since when the steps can have left anything in the ERP: the event's acceptance. `None` in a preview.
    pub since: Option<Millis>,
    /// Whether an assignment gives way to one that a person made in the ERP meanwhile: it comes late, and nobody ordered it.
    pub yields: bool,
}

impl Executor<'_> {
    /// Does a step. Whether it took effect is [`Executor::verify`]'s to say.
    pub async fn execute(&self, step: &Step) -> Result<Effect, SyncError> {
        let answer = match step {
            Step::Allocate { kind } => {
                let allocated = self.erp.allocate_customer(*kind).await?;
                return Ok(Effect { ord: Some(allocated.ord), ..Effect::said("") });
            }
            Step::Link { .. } => return Ok(Effect::said("")),
            Step::SaveCustomer { kind, fields } => self.erp.add_customer(*kind, self.ord()?, fields).await?,
            Step::FillMissing { kind, ord, fields } => return self.fill(*kind, *ord, fields).await,
            Step::AddContactPerson { company, fields } => self.erp.add_contact_person(*company, fields).await?,
            Step::Progress { text, way } => {
                let record = NewProgress { ord: self.ord()?, intro: text.clone(), sort: *way, lead: None };
                self.erp.add_progress(&record).await?
            }
            Step::SetStage { kind, stage } => return self.set_stage(*kind, self.ord()?, stage).await,
            Step::Assign { to } => {
                assignment::check_users(self.erp, to).await?;
                if self.yields
                    && let Some(who) = self.assigned_meanwhile(to).await?
                {
                    return Ok(Effect::left_out(format!("ERP 中已指派给 {who} (the ERP has it assigned already)")));
                }
                self.erp.assign(self.ord()?, members(to).as_deref()).await?
            }
            Step::Apply => self.erp.apply(self.ord()?).await?,
            Step::Approve { agree } => self.erp.approve(self.ord()?, *agree).await?,
            Step::TakeBack => self.erp.take_back(self.ord()?).await?,
        };
        Ok(Effect::said(answer.message))
    }

    /// A mark by which equal effects are counted; only progress records need it.
    pub fn fingerprint(&self, step: &Step) -> Option<String> {
        let Step::Progress { text, .. } = step else { return None };
        Some(records::fingerprint(self.ord?, text))
    }

    /// Whether the ERP has a step's customer no more.
    pub async fn is_gone(&self, step: &Step) -> Result<bool, SyncError> {
        let ord = step.customer().map_or_else(|| self.ord(), Ok)?;
        Ok(details::is_gone(self.erp, CustomerKind::Person, ord).await?)
    }

    pub(super) fn ord(&self) -> Result<i64, ErpError> {
        self.ord.ok_or_else(|| ErpError::Invalid("the plan names no customer for this step".into()))
    }

    /// To whom somebody has given the customer since the bridge made it, which was the bridge's own then. `None` as well where
    /// the installation does not tell.
    async fn assigned_meanwhile(&self, to: &Assignment) -> Result<Option<String>, ErpError> {
        let salesperson = match self.salesperson().await {
            Ok(salesperson) => salesperson.filter(|name| !name.is_empty()),
            Err(ErpError::TooMany(_)) => None,
            Err(error) => return Err(error),
        };
        let Some(salesperson) = salesperson else { return Ok(None) };
        let accounts = match self.erp.list_accounts().await {
            Ok(accounts) => accounts,
            Err(error) if error.denies_interface() || matches!(error, ErpError::TooMany(_)) => return Ok(None),
            Err(error) => return Err(error),
        };
        let username = self.erp.username();
        let own = accounts.iter().find(|account| account.username.as_deref() == Some(username.as_str()));
        let Some(own) = own.and_then(|account| account.name.clone()) else { return Ok(None) };
        let expected = match to {
            Assignment::Users(users) => assignment::names_of(&accounts, users),
            Assignment::Public => Vec::new(),
        };
        let is_ours = expected.into_iter().chain([&*own]).any(|name| assignment::is_named(&salesperson, name));
        Ok((!is_ours).then_some(salesperson))
    }
}

/// `member2` of 客户指派; `None` opens the customer to all.
fn members(to: &Assignment) -> Option<String> {
    match to {
        Assignment::Public => None,
        Assignment::Users(users) => Some(users.join(",")),
    }
}
