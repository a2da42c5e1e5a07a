//! What is wrong with a body, and where.

/// One thing that is wrong with a body.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct FieldError {
    /// Where, as a JSON Pointer (RFC 6901); empty for the body as a whole.
    #[schema(example = "/data/contact/phone")]
    pub pointer: String,
    /// What is allowed there; never what came.
    #[schema(example = "最长 50 字，这是 ERP 的上限 (must be at most 50 characters, the ERP's limit)")]
    pub message: String,
}

impl std::fmt::Display for FieldError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.pointer, self.message)
    }
}

impl FieldError {
    /// An error at `pointer`.
    pub fn new(pointer: impl Into<String>, message: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), message: message.into() }
    }
}
