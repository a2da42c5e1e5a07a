//! What to do about what a check of the ERP finds.

use crate::{
    erp::{ErpError, Fault, FaultCause},
    http::{CheckRow, Words},
};

impl CheckRow {
    /// It does not hold because of this.
    pub(super) fn failed_by(self, error: &ErpError) -> Self {
        self.fails(error.to_string(), Some(advice(error)))
    }
}

/// What to do about a failure of the ERP.
fn advice(error: &ErpError) -> Words {
    match error {
        ErpError::NotDelivered(_) => Words::of(
            "核对 erp.base_url、网络和防火墙，以及 ERP 服务是否在运行",
            "look at erp.base_url, the network and its firewalls, and whether the ERP runs",
        ),
        ErpError::OutcomeUnknown { .. } => Words::of(
            "核对 erp.base_url 和 erp.login_path：可能有代理、登录页或错误页挡在前面",
            "look at erp.base_url and erp.login_path: a proxy, a login page or an error page may stand in front",
        ),
        ErpError::LoginRefused(_) => Words::of(
            "核对 erp.username、erp.password 和 erp.serial；不要反复尝试，三次错误后 ERP 要求验证码",
            "look at erp.username, erp.password and erp.serial; do not try again and again: after three the ERP wants a picture code",
        ),
        ErpError::ChoiceMissing { .. } => advice_on_choice(),
        ErpError::Refused(_) => {
            Words::of("请 ERP 管理员给该账号相应的权限", "let the ERP's administrator give the account this right")
        }
        ErpError::Installation(fault) => of_fault(fault),
        ErpError::TooMany(_) => {
            Words::of("该安装忽略了查询条件：请联系开发者", "the installation ignores the filter: tell the developers")
        }
        ErpError::SessionExpired | ErpError::LeaseOver | ErpError::Invalid(_) => {
            Words::of("请再次运行检查", "run the check again")
        }
    }
}

fn of_fault(fault: &Fault) -> Words {
    match fault.cause {
        FaultCause::ChoiceMissing => advice_on_choice(),
        FaultCause::SalespersonUnknown => Words::of(
            "改 assignment.rules 中的 users，或在 ERP 中启用该账号",
            "change users in assignment.rules, or open the account in the ERP",
        ),
        FaultCause::RightMissing => {
            Words::of("请 ERP 管理员给该账号相应的权限", "let the ERP's administrator give the account this right")
        }
        FaultCause::WrongPath => Words::of(
            "核对 erp.base_url：可能有代理、登录页或错误页挡在前面，或该接口未开放",
            "look at erp.base_url: a proxy, a login page or an error page may stand in front, or the interface is closed",
        ),
        FaultCause::LicenceRefused => {
            Words::of("核对 erp.serial 和 ERP 的许可", "look at erp.serial and at the ERP's licence")
        }
    }
}

fn advice_on_choice() -> Words {
    Words::of(
        "请 ERP 管理员添加该选项，或改用列出的选项",
        "let the ERP's administrator add it, or write one of those that there are",
    )
}
