//! Answers as they came over the wire, for a survey: it looks at how an installation answers, not at what it means.

use std::time::Duration;

use serde_json::Value;

use super::{
    Erp, ErpError, Field, assignment, choices,
    classify::{Verdict, judge},
    contact_persons, customers,
    envelope::{asp_body, parse, tree, v3_body},
    interface::{CUSTOMER_LIST, Interface, SOURCES, Style},
    phrases::{Meaning, meaning},
    progress,
    session::Session,
    topics::speaks_of_rights,
    trees,
};
use crate::json;

/// 客户行业, as 客户来源.
const TRADES: Interface = Interface::choices("客户行业", "choices.trade", "/sysa/mobilephone/source.asp?enumid=11");
/// 跟进方式, as 客户来源.
const WAYS: Interface = Interface::choices("跟进方式", "choices.way", "/sysa/mobilephone/source.asp?enumid=98");
/// Accounts by department, as 客户分类.
const ACCOUNT_TREE: Interface =
    Interface::trees("账号树", "tree.accounts", "/sysa/mobilephone/systemManage/gate_list.asp");
/// 地区, as 客户分类.
const AREA_TREE: Interface = Interface::trees("地区", "tree.areas", "/sysa/mobilephone/systemManage/area_list.asp");

/// The calls that a survey makes unread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RawCall {
    /// 客户列表.
    CustomerList,
    /// 客户详情.
    CustomerDetail,
    /// 联系人列表.
    ContactList,
    /// 联系人详情.
    ContactDetail,
    /// The list of progress records.
    ProgressList,
    /// 账号列表.
    Accounts,
    /// 客户来源.
    Sources,
    /// 价值评估.
    Levels,
    /// 客户行业.
    Trades,
    /// 跟进方式.
    Ways,
    /// 客户分类 and 跟进程度.
    CategoryTree,
    /// Accounts by department.
    AccountTree,
    /// 地区.
    AreaTree,
    /// 个人客户添加, the only one that writes.
    AddPerson,
}

impl RawCall {
    fn interface(self) -> &'static Interface {
        match self {
            Self::CustomerList => &CUSTOMER_LIST,
            Self::CustomerDetail => &customers::DETAIL,
            Self::ContactList => &contact_persons::LIST,
            Self::ContactDetail => &contact_persons::DETAIL,
            Self::ProgressList => &progress::LIST,
            Self::Accounts => &assignment::ACCOUNTS,
            Self::Sources => &SOURCES,
            Self::Levels => &choices::LEVEL,
            Self::Trades => &TRADES,
            Self::Ways => &WAYS,
            Self::CategoryTree => &trees::CATEGORIES,
            Self::AccountTree => &ACCOUNT_TREE,
            Self::AreaTree => &AREA_TREE,
            Self::AddPerson => &customers::ADD_PERSON,
        }
    }
}

/// An answer, as it came.
#[derive(Debug, Clone)]
pub(crate) struct RawAnswer {
    /// The HTTP status.
    pub(crate) status: u16,
    /// The header `Date`.
    pub(crate) date: Option<String>,
    /// How long it took.
    pub(crate) elapsed: Duration,
    /// Its bytes.
    pub(crate) body: Vec<u8>,
}

impl RawAnswer {
    /// The body as JSON, its numbers as numbers; where it is damaged beyond control characters, as any answer is read.
    /// `None` if it is no JSON.
    pub(crate) fn tree(&self) -> Option<Value> {
        // A blank in place of a control character is as good between values, and within one it changes no form.
        let plain: Vec<u8> = self.body.iter().map(|byte| if *byte < b' ' { b' ' } else { *byte }).collect();
        json::parse(&plain).ok().or_else(|| tree(&self.body).ok())
    }

    /// Whether the words of a refusal in the older envelope are read as one.
    pub(crate) fn is_understood_refusal(&self) -> bool {
        let said = parse(&self.body).map(|asp| asp.words.spoken()).unwrap_or_default();
        meaning(&said) == Meaning::Refused || speaks_of_rights(&said)
    }
}

impl Erp {
    /// Makes a call and hands back whatever came. A session that expired is renewed once.
    ///
    /// # Errors
    ///
    /// What kept an answer from coming: a login that is refused, a broken line.
    pub(crate) async fn raw(&self, call: RawCall, fields: &[Field]) -> Result<RawAnswer, ErpError> {
        let interface = call.interface();
        let session = self.session(None).await?;
        let (answer, is_expired) = self.exchange_raw(interface, fields, &session).await?;
        if !is_expired {
            return Ok(answer);
        }
        let session = self.session(Some(&session)).await?;
        Ok(self.exchange_raw(interface, fields, &session).await?.0)
    }

    /// As [`Erp::raw`], without a session: some installations demand none (`erp-wire.md §2`).
    ///
    /// # Errors
    ///
    /// As [`Erp::raw`].
    pub(crate) async fn raw_without_session(&self, call: RawCall, fields: &[Field]) -> Result<RawAnswer, ErpError> {
        let interface = call.interface();
        let sent = self.post(interface, interface.path, asp_body(None, interface.cmdkey, fields), None, None).await;
        let answer = sent.answer?;
        Ok(RawAnswer { status: answer.status, date: sent.date, elapsed: sent.elapsed, body: answer.body })
    }

    async fn exchange_raw(
        &self,
        interface: &Interface,
        fields: &[Field],
        session: &Session,
    ) -> Result<(RawAnswer, bool), ErpError> {
        let body = match interface.style {
            Style::Asp => asp_body(Some(&session.token), interface.cmdkey, fields),
            Style::V3 => v3_body(fields),
        };
        let sent = self.post(interface, interface.path, body, Some(session), None).await;
        let answer = sent.answer?;
        let verdict = judge(interface, &answer, self.sessions().is_proven(session));
        if matches!(verdict, Verdict::Done(_)) {
            self.sessions().proved_good(session);
        }
        let raw = RawAnswer { status: answer.status, date: sent.date, elapsed: sent.elapsed, body: answer.body };
        Ok((raw, matches!(verdict, Verdict::Expired { .. })))
    }
}
