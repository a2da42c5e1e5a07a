//! Trees that pages for people choose from (`erp-wire.md §3`): reported, and their shape is assumed.

use super::{Erp, ErpError, TreeNode, interface::Interface};

/// 客户分类 and below each its 跟进程度: no fields, no command. Source: `erp-wire.md §3`.
pub(super) const CATEGORIES: Interface =
    Interface::trees("客户分类", "tree.categories", "/sysa/mobilephone/systemManage/telsort_list.asp?stype=check");

impl Erp {
    /// 客户分类, each with its 跟进程度.
    ///
    /// # Errors
    ///
    /// A refusal in the ERP's words; an unknown outcome where the installation answers no such tree.
    pub(crate) async fn category_tree(&self) -> Result<Vec<TreeNode>, ErpError> {
        Ok(self.call(&CATEGORIES, &[]).await?.trees.unwrap_or_default())
    }
}
