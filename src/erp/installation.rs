//! What a survey saw of the installation, as far as it decides what is asked and which evidence is believed.

/// Facts of one installation. `None`: nobody saw it, and the client is as careful as without a survey.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Installation {
    /// The ERP's version then, as [`plain_version`] writes it, empty where no login said it; under another version nothing of
    /// this is believed.
    pub(crate) app_version: String,
    /// 客户列表 tells 客户, 客户池 and 待审核 apart by `stype`: then a customer stands in one of them.
    pub(crate) tells_places_apart: Option<bool>,
    /// 客户列表 is sorted by 客户编号 as `_rpt_sort` asks.
    pub(crate) sorts_customers: Option<bool>,
    /// 客户列表 finds a 客户编号: it knows the filter, or shows the column so that rows can be compared.
    pub(crate) finds_khid: Option<bool>,
    /// 客户详情 masks mobile numbers, as the list may.
    pub(crate) masks_details: Option<bool>,
    /// Each customer has a first contact person: 联系人列表 finds its number wherever it stands.
    pub(crate) has_first_contacts: Option<bool>,
    /// 客户列表 has the salesperson (`catename`).
    pub(crate) shows_salesperson: Option<bool>,
    /// 客户列表 shows the latest record (`telintro`).
    pub(crate) shows_latest_record: Option<bool>,
    /// An edit shows in 客户详情.
    pub(crate) shows_edits: Option<bool>,
    /// How 洽谈进展列表 is closed, if it is.
    pub(crate) progress_closed: Option<String>,
}

/// Whether the ERP is of another version than when it was surveyed; a version that nobody knows is none.
pub(crate) fn is_another(version: &str, surveyed: &str) -> bool {
    !version.is_empty() && !surveyed.is_empty() && plain_version(version) != surveyed
}

/// A version as a report may hold it: letters, digits and dots, twenty of them at most.
pub(crate) fn plain_version(version: &str) -> String {
    version.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '.').take(20).collect()
}
