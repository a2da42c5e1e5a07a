//! What an installation may be set to, by flags at the start and by control while it runs.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{choices::Choices, columns::Columns, faults::FaultRule, population::Population, quirks::Quirks};
use crate::clock::Clock;

/// The settings of the made-up installation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// The password of every account.
    pub password: String,
    /// How long a session lives after its login, in seconds. The wire file does not know; clients assume two hours.
    pub session_lifetime_s: u64,
    /// A second login of an account ends the first session.
    pub single_session: bool,
    /// Only `application/zsml` is taken, as older versions do.
    pub only_zsml: bool,
    /// Whether the list of progress records can be read.
    pub replylist: ReplyList,
    /// Most characters of a record's text that this list shows; it shows texts whole where this is empty.
    pub replylist_cut: Option<usize>,
    /// Most characters of a customer's name that 客户列表 shows, and what stands behind one that was cut; it shows names whole
    /// where this is empty (§1.12).
    pub name_cut: Option<(usize, String)>,
    /// In progress records this text is stored as that one: an alteration that nobody foresaw.
    pub replaces: Option<(String, String)>,
    /// The progress list begins with the oldest record, however it is asked to be sorted (§1.14).
    pub replylist_oldest_first: bool,
    /// The progress list does not say how many pages and records it has.
    pub replylist_uncounted: bool,
    /// What stands behind a text that was cut.
    pub replylist_mark: String,
    /// Whether an id that was allocated is given again until something is stored under it.
    pub allocates_again: bool,
    /// Most rows of a list page, whatever page size is asked for; the quirk `page_cap` sets 10 where this is empty.
    pub page_cap: Option<usize>,
    /// Fields whose duplicates are refused: any of `khid`, `name`, `mobile`, `email`, `phone`.
    pub duplicate_rules: Vec<String>,
    /// A progress record of a customer that is gone is said to be stored, and is not.
    pub takes_dead_records: bool,
    /// The list of the records of a customer that is gone is refused; else it is empty.
    pub refuses_dead_lists: bool,
    /// 客户列表 ignores `stype`: ordinary customers, 客户池 and 待审核 in one (§1.15).
    pub ignores_stype: bool,
    /// 客户列表 takes a `stype` that it does not know for none; else such a list is empty.
    pub unknown_stype_is_none: bool,
    /// 客户详情 refuses a customer of the other kind than `intsort` says (§3).
    pub detail_demands_kind: bool,
    /// Accounts that are closed, by their ids.
    pub closed_users: Vec<i64>,
    /// The login is refused in these words, whoever logs in: a licence that ran out.
    pub licence_refused: Option<String>,
    /// Filters that a list does not know, as `customer.list:address` (§1.15); `_rpt_sort` is one of them.
    pub ignored_filters: Vec<String>,
    /// Columns of 客户列表 by which it is not sorted, whatever is asked.
    pub unsorted_columns: Vec<String>,
    /// `searchKey` does not look into the mobile numbers.
    pub search_key_skips_mobile: bool,
    /// Lists that show mobile numbers as `138****1234`: `customer.list`, `contact.list`. The quirk `masked_lists` is for both.
    pub masked_lists: Vec<String>,
    /// What 客户详情 says of a customer that is not there, where it has words of its own.
    pub missing_words: Option<String>,
    /// 客户列表 begins with the oldest customer where no sorting is asked for (§1.14).
    pub oldest_first: bool,
    /// The company's choices.
    pub choices: Choices,
    /// The columns of every list.
    pub columns: Columns,
    /// Every value of an ASP list is a text.
    pub columns_are_texts: bool,
    /// Interfaces that are closed, and how: `{"tree.areas": "404"}`.
    pub closed: BTreeMap<String, ReplyList>,
    /// Whether a call without a session is refused; some installations have that off (§2).
    pub demands_session: bool,
    /// Whether a login answers a session; where none is demanded, some installations give none.
    pub gives_session: bool,
    /// What 客户列表 shows as the salesperson of a customer that is open to all (§3: nothing, it is assumed).
    pub opened_shows: String,
    /// Added to every answer, in milliseconds.
    pub latency_ms: u64,
    /// By so many seconds the header `Date` of every answer is ahead.
    pub date_ahead_s: i64,
}

/// Whether an interface is open, such as `replylist.asp` (`erp-wire.md` §5: it may be closed on an installation).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ReplyList {
    /// It answers.
    #[serde(rename = "open")]
    Open,
    /// A page for people instead of an answer, with HTTP 200 (§1.2).
    #[serde(rename = "html")]
    Html,
    /// There is no such page: HTTP 404.
    #[serde(rename = "404")]
    NotFound,
    /// The account may not read it.
    #[serde(rename = "refused")]
    Refused,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            password: "123456".to_owned(),
            session_lifetime_s: 2 * 60 * 60,
            single_session: false,
            only_zsml: false,
            replylist: ReplyList::Open,
            replylist_cut: None,
            name_cut: None,
            replaces: None,
            replylist_oldest_first: false,
            replylist_uncounted: false,
            replylist_mark: "…".to_owned(),
            allocates_again: false,
            page_cap: None,
            duplicate_rules: vec!["khid".to_owned()],
            takes_dead_records: false,
            refuses_dead_lists: false,
            ignores_stype: false,
            unknown_stype_is_none: false,
            detail_demands_kind: false,
            closed_users: Vec::new(),
            licence_refused: None,
            ignored_filters: Vec::new(),
            unsorted_columns: Vec::new(),
            search_key_skips_mobile: false,
            masked_lists: Vec::new(),
            missing_words: None,
            oldest_first: false,
            choices: Choices::default(),
            columns: Columns::default(),
            columns_are_texts: false,
            closed: BTreeMap::new(),
            demands_session: true,
            gives_session: true,
            opened_shows: String::new(),
            latency_ms: 0,
            date_ahead_s: 0,
        }
    }
}

/// How to start a simulator.
#[derive(Clone, Debug)]
pub struct SimConfig {
    /// Where to listen; port 0 takes a free one.
    pub listen: String,
    /// The account that logs in.
    pub username: String,
    /// Seeds every random decision.
    pub seed: u64,
    /// Quirks at the start.
    pub quirks: Quirks,
    /// Fault rules at the start.
    pub faults: Vec<FaultRule>,
    /// Settings at the start; the password is among them.
    pub settings: Settings,
    /// Whom it knows at the start.
    pub population: Population,
    /// Where the time comes from.
    pub clock: Clock,
}

impl Default for SimConfig {
    /// A free local port, `admin` and `123456`, no faults.
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:0".to_owned(),
            username: "admin".to_owned(),
            seed: 1,
            quirks: Quirks::default(),
            faults: Vec::new(),
            settings: Settings::default(),
            population: Population::default(),
            clock: Clock::system(),
        }
    }
}
