//! The choices of a field: id and display text (`erp-wire.md §3`).

/// A field whose values are choices, by the ERP's `enumid`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ChoiceField {
    /// 客户来源 (`ly`).
    Source = 13,
    /// 价值评估 (`jz`).
    Level = 14,
}

impl ChoiceField {
    /// The Chinese name and the ERP's field id: `客户来源 (ly)`.
    pub fn label(self) -> &'static str {
        match self {
            Self::Source => "客户来源 (ly)",
            Self::Level => "价值评估 (jz)",
        }
    }
}

/// One choice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// The id that adding takes.
    pub id: i64,
    /// The display text that editing takes.
    pub text: String,
}
