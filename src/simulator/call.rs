//! One received call: which interface it means, and what it carries (`erp-wire.md` §1).

use std::collections::BTreeMap;

use serde_json::Value;

use super::fields::{Fields, get};

/// The interfaces that the simulator knows, by the names that fault rules and the call log use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Interface {
    /// `login`
    Login,
    /// `logout`
    Logout,
    /// `allocate` (分配新客户ID)
    Allocate,
    /// `customer.add` (单位客户添加, 个人客户添加)
    CustomerAdd,
    /// `customer.detail` (客户详情)
    CustomerDetail,
    /// `customer.list` (客户列表)
    CustomerList,
    /// `customer.edit` (客户修改, v3)
    CustomerEdit,
    /// `contact.add` (联系人添加)
    ContactAdd,
    /// `contact.detail` (联系人详情)
    ContactDetail,
    /// `contact.list` (联系人列表)
    ContactList,
    /// `progress.add` (洽谈进展)
    ProgressAdd,
    /// `progress.list`
    ProgressList,
    /// `assign` (客户指派)
    Assign,
    /// `apply` (客户申请)
    Apply,
    /// `approve` (客户审批)
    Approve,
    /// `takeback` (客户收回)
    Takeback,
    /// `accounts` (账号列表, v3)
    Accounts,
    /// `choices` (`source.asp`)
    Choices,
    /// `tree.categories` (客户分类 and its 跟进程度)
    CategoryTree,
    /// `tree.accounts` (accounts by department)
    AccountTree,
    /// `tree.areas` (地区)
    AreaTree,
}

impl Interface {
    /// Every interface, in the order of the wire file.
    pub const ALL: [Self; 21] = [
        Self::Login,
        Self::Logout,
        Self::Allocate,
        Self::CustomerAdd,
        Self::CustomerDetail,
        Self::CustomerList,
        Self::CustomerEdit,
        Self::ContactAdd,
        Self::ContactDetail,
        Self::ContactList,
        Self::ProgressAdd,
        Self::ProgressList,
        Self::Assign,
        Self::Apply,
        Self::Approve,
        Self::Takeback,
        Self::Accounts,
        Self::Choices,
        Self::CategoryTree,
        Self::AccountTree,
        Self::AreaTree,
    ];

    /// The name in fault rules and in the call log.
    pub fn name(self) -> &'static str {
        match self {
            Self::Login => "login",
            Self::Logout => "logout",
            Self::Allocate => "allocate",
            Self::CustomerAdd => "customer.add",
            Self::CustomerDetail => "customer.detail",
            Self::CustomerList => "customer.list",
            Self::CustomerEdit => "customer.edit",
            Self::ContactAdd => "contact.add",
            Self::ContactDetail => "contact.detail",
            Self::ContactList => "contact.list",
            Self::ProgressAdd => "progress.add",
            Self::ProgressList => "progress.list",
            Self::Assign => "assign",
            Self::Apply => "apply",
            Self::Approve => "approve",
            Self::Takeback => "takeback",
            Self::Accounts => "accounts",
            Self::Choices => "choices",
            Self::CategoryTree => "tree.categories",
            Self::AccountTree => "tree.accounts",
            Self::AreaTree => "tree.areas",
        }
    }

    /// Whether it is one of the `/webapi/v3` interfaces that take plain JSON and answer `Code` and `Msg`.
    pub(super) fn is_v3(self) -> bool {
        matches!(self, Self::CustomerEdit | Self::Accounts)
    }

    /// The `cmdkey` values that this interface takes; the empty one stands for "absent".
    fn cmdkeys(self) -> Option<&'static [&'static str]> {
        match self {
            Self::CustomerAdd | Self::ContactAdd | Self::ProgressAdd | Self::Assign => Some(&["__sys_dosave"]),
            Self::CustomerList | Self::ContactList | Self::ProgressList => Some(&["refresh"]),
            Self::Approve => Some(&["onsave"]),
            Self::Allocate | Self::CustomerDetail | Self::ContactDetail | Self::Apply | Self::Takeback => Some(&[""]),
            Self::Choices | Self::CategoryTree | Self::AccountTree | Self::AreaTree => Some(&["", "refresh"]),
            Self::Login | Self::Logout | Self::CustomerEdit | Self::Accounts => None,
        }
    }

    /// The query parameters without which the ASP page would not be this interface.
    fn query(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::ProgressAdd | Self::ProgressList | Self::Assign => &[("datatype", "tel")],
            Self::Approve => &[("__msgid", "onsave")],
            Self::CategoryTree => &[("stype", "check")],
            _ => &[],
        }
    }
}

/// A call that could be read.
#[derive(Clone, Debug)]
pub(super) struct Call {
    pub(super) interface: Interface,
    pub(super) fields: Fields,
    pub(super) query: BTreeMap<String, String>,
    pub(super) session: String,
    cmdkey: String,
}

/// Why a request is no call at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoCall {
    /// Every call is `POST`.
    NotPost,
    /// No such page.
    NotFound,
    /// Neither `application/json` nor `application/zsml`, or not the one that this installation insists on.
    ContentType,
    /// The body is no JSON object.
    NotJson,
}

/// The parts of an HTTP request that matter here.
pub(super) struct Received<'a> {
    pub(super) is_post: bool,
    pub(super) path: &'a str,
    pub(super) query: &'a str,
    pub(super) content_type: &'a str,
    pub(super) token: &'a str,
    pub(super) body: &'a [u8],
}

impl Call {
    /// Reads a request; `only_zsml` is the older installation that insists on `application/zsml`.
    pub(super) fn read(received: &Received<'_>, only_zsml: bool) -> Result<Self, NoCall> {
        let path = full_path(received.path);
        if !is_known(&path) {
            return Err(NoCall::NotFound);
        }
        if !received.is_post {
            return Err(NoCall::NotPost);
        }
        match received.content_type.split(';').next().unwrap_or("").trim().to_ascii_lowercase().as_str() {
            "application/zsml" => {}
            "application/json" if !only_zsml => {}
            _ => return Err(NoCall::ContentType),
        }
        let body = received.body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(received.body);
        let Some(body) = read_object(body) else { return Err(NoCall::NotJson) };
        let query = read_query(received.query);
        let cmdkey = body.get("cmdkey").map(text).unwrap_or_default();
        let interface = identify(&path, &query, &cmdkey).ok_or(NoCall::NotFound)?;
        let (fields, session) = if interface.is_v3() {
            (body.iter().map(|(id, value)| (id.clone(), text(value))).collect(), received.token.to_owned())
        } else {
            (read_datas(body.get("datas")), body.get("session").map(text).unwrap_or_default())
        };
        Ok(Self { interface, fields, query, session, cmdkey })
    }

    /// The value of a field, empty when it is absent.
    pub(super) fn field(&self, id: &str) -> &str {
        get(&self.fields, id)
    }

    /// The field `ord` as a number.
    pub(super) fn ord(&self) -> Option<i64> {
        self.field("ord").trim().parse().ok()
    }

    /// The customer that it writes to, if it writes to one.
    pub(super) fn written_customer(&self) -> Option<i64> {
        use Interface as I;
        match self.interface {
            I::CustomerAdd | I::CustomerEdit | I::ProgressAdd | I::Assign | I::Apply | I::Approve | I::Takeback => {
                self.ord()
            }
            I::ContactAdd => self.field("company").trim().parse().ok(),
            _ => None,
        }
    }

    /// Refuses a call with the wrong `cmdkey`, or without the query parameters that make the page this interface.
    pub(super) fn check_envelope(&self) -> Result<(), String> {
        if let Some(known) = self.interface.cmdkeys()
            && !known.contains(&self.cmdkey.as_str())
        {
            return Err(format!("无效的命令 cmdkey={}", self.cmdkey));
        }
        for (key, value) in self.interface.query() {
            if self.query.get(*key).is_none_or(|given| !given.eq_ignore_ascii_case(value)) {
                return Err(format!("缺少参数 {key}={value}"));
            }
        }
        Ok(())
    }
}

const CUSTOMER_PAGE: &str = "/sysa/mobilephone/salesmanage/custom/add.asp";
const CONTACT_PAGE: &str = "/sysa/mobilephone/salesmanage/person/add.asp";

/// The path in lower case, an alias under `/webapi/v3/ov1/` as the page that it stands for (`erp-wire.md` §6). The login's alias
/// has no `.asp` (§2); whether the others have is not known, so both are taken.
fn full_path(path: &str) -> String {
    let path = path.to_ascii_lowercase();
    match path.strip_prefix("/webapi/v3/ov1/") {
        Some(page) => format!("/sysa/mobilephone/{}.asp", page.trim_end_matches(".asp")),
        None => path,
    }
}

fn is_known(path: &str) -> bool {
    [CUSTOMER_PAGE, CONTACT_PAGE].contains(&path) || plain(path).is_some()
}

/// The pages that mean one interface whatever the call carries.
fn plain(path: &str) -> Option<Interface> {
    Some(match path {
        "/sysa/mobilephone/login.asp" => Interface::Login,
        "/sysa/mobilephone/logout.asp" => Interface::Logout,
        "/sysa/mobilephone/salesmanage/custom/list.asp" => Interface::CustomerList,
        "/webapi/v3/sales/customer/edit" => Interface::CustomerEdit,
        "/sysa/mobilephone/salesmanage/person/list.asp" => Interface::ContactList,
        "/sysa/mobilephone/systemmanage/reply.asp" => Interface::ProgressAdd,
        "/sysa/mobilephone/systemmanage/replylist.asp" => Interface::ProgressList,
        "/sysa/mobilephone/systemmanage/order.asp" => Interface::Assign,
        "/sysa/mobilephone/salesmanage/custom/apply.asp" => Interface::Apply,
        "/sysa/mobilephone/salesmanage/custom/approve.asp" => Interface::Approve,
        "/sysa/mobilephone/salesmanage/custom/takeback.asp" => Interface::Takeback,
        "/webapi/v3/orgs/user/list" => Interface::Accounts,
        "/sysa/mobilephone/source.asp" => Interface::Choices,
        "/sysa/mobilephone/systemmanage/telsort_list.asp" => Interface::CategoryTree,
        "/sysa/mobilephone/systemmanage/gate_list.asp" => Interface::AccountTree,
        "/sysa/mobilephone/systemmanage/area_list.asp" => Interface::AreaTree,
        _ => return None,
    })
}

fn identify(path: &str, query: &BTreeMap<String, String>, cmdkey: &str) -> Option<Interface> {
    let edit = query.get("edit").is_some_and(|edit| edit == "1");
    match path {
        CUSTOMER_PAGE if edit => Some(Interface::CustomerDetail),
        CUSTOMER_PAGE if cmdkey.is_empty() => Some(Interface::Allocate),
        CUSTOMER_PAGE => Some(Interface::CustomerAdd),
        CONTACT_PAGE if edit => Some(Interface::ContactDetail),
        CONTACT_PAGE => Some(Interface::ContactAdd),
        _ => plain(path),
    }
}

/// The query with its keys in lower case, as ASP compares them. None of the known values needs percent decoding.
fn read_query(query: &str) -> BTreeMap<String, String> {
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(k, v)| (k.to_ascii_lowercase(), v.into()))
        .collect()
}

#[expect(clippy::disallowed_methods, reason = "the simulator reads JSON apart from the bridge, as the ERP does")]
fn read_object(body: &[u8]) -> Option<serde_json::Map<String, Value>> {
    serde_json::from_slice(body).ok()
}

fn read_datas(datas: Option<&Value>) -> Fields {
    let items = datas.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let pair = |item: &Value| Some((text(item.get("id")?), item.get("val").map(text).unwrap_or_default()));
    items.iter().filter_map(pair).collect()
}

/// A JSON value as the text that an ASP page would see.
pub(super) fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(path: &str, query: &str, body: &str) -> Result<Interface, NoCall> {
        let received =
            Received { is_post: true, path, query, content_type: "application/json", token: "", body: body.as_bytes() };
        Call::read(&received, false).map(|call| call.interface)
    }

    #[test]
    fn one_page_is_three_interfaces_told_apart_by_query_and_cmdkey() {
        let page = "/SYSA/mobilephone/SalesManage/custom/Add.asp";
        assert_eq!(read(page, "", r#"{"datas":[]}"#), Ok(Interface::Allocate));
        assert_eq!(read(page, "intsort=1", r#"{"cmdkey":"__sys_dosave"}"#), Ok(Interface::CustomerAdd));
        assert_eq!(read(page, "EDIT=1", r#"{"cmdkey":null}"#), Ok(Interface::CustomerDetail));
        let alias = "/webapi/v3/ov1/salesmanage/custom/add";
        assert_eq!(read(alias, "", r#"{"datas":[]}"#), Ok(Interface::Allocate));
        assert_eq!(read(&format!("{alias}.asp"), "edit=1", r#"{"datas":[]}"#), Ok(Interface::CustomerDetail));
    }

    #[test]
    fn what_is_no_call_says_why() {
        assert_eq!(read("/sysa/nothing.asp", "", "{}"), Err(NoCall::NotFound));
        assert_eq!(read("/sysa/mobilephone/source.asp", "", "[]"), Err(NoCall::NotJson));
        assert_eq!(read("/sysa/mobilephone/source.asp", "", "{\"a\":\"\n\"}"), Err(NoCall::NotJson));
    }

    #[test]
    fn numbers_and_strings_of_datas_are_the_same_text() {
        let body = br#"{"session":"s","cmdkey":"refresh","datas":[{"id":"ord","val":7},{"id":"khid","val":"WX1"},{"id":"x"}]}"#;
        let received = Received {
            is_post: true,
            path: "/sysa/mobilephone/salesmanage/custom/list.asp",
            query: "",
            content_type: "application/zsml; charset=utf-8",
            token: "",
            body,
        };
        let call = Call::read(&received, true).unwrap();
        assert_eq!((call.ord(), call.field("khid"), call.field("x"), call.session.as_str()), (Some(7), "WX1", "", "s"));
    }
}
