//! Trees that pages for people choose from, as they are answered (`erp-wire.md §3`).

/// One node of a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TreeNode {
    /// The id that calls take.
    pub(crate) value: String,
    /// The display text.
    pub(crate) text: String,
    /// What stands below it.
    pub(crate) nodes: Vec<TreeNode>,
}
