//! What to do about what a check of the ERP finds.

use crate::{
    erp::{ErpError, FaultCause},
    event::{Bilingual, cause, hint_on},
    http::CheckRow,
};

impl CheckRow {
    /// It does not hold because of this.
    pub(super) fn failed_by(self, error: &ErpError) -> Self {
        self.fails(error.to_string(), Some(advice(error)))
    }
}

/// What to do about a failure of the ERP; a check only reads.
fn advice(error: &ErpError) -> Bilingual {
    if let Some(fault) = error.fault() {
        return hint_on(fault.cause.as_str(), &fault.subject);
    }
    match error {
        error if error.is_without_session() => Bilingual::new(
            "账号密码无误，但登录没有给出会话：核对 erp.login_path 是否为该版本的登录地址，并请管理员检查 ERP 的 token 验证；改后重启并恢复派发",
            "the credentials are right, and the login gives no session: see that erp.login_path is this version's login, have the ERP's \
             token validation looked at, then restart and resume",
        ),
        // Something else than the ERP answered, or it has no such interface.
        ErpError::OutcomeUnknown { .. } => cause(FaultCause::WrongPath.as_str()).hint(),
        ErpError::Refused(_) => cause(FaultCause::RightMissing.as_str()).hint(),
        ErpError::TooMany(_) => Bilingual::new(
            "该安装忽略了查询条件：请联系开发者",
            "the installation ignores the filter: tell the developers",
        ),
        error => cause(error.code()).hint(),
    }
}
