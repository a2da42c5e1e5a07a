use super::*;

#[test]
fn the_words_of_saves_are_understood() {
    let table = [
        ("保存成功", Meaning::Done),
        ("保存成功！", Meaning::Done),
        ("客户资料已保存", Meaning::Done),
        ("保存成功，请等待审核", Meaning::Done),
        ("保存成功！已存在3条相同名称的客户", Meaning::Done),
        ("成功指派1个客户，失败0个", Meaning::Done),
        ("成功：1，失败：0", Meaning::Done),
        ("Success", Meaning::Done),
        ("该客户编号已被使用，不能保存", Meaning::Refused),
        ("保存失败", Meaning::Refused),
        ("保存不成功", Meaning::Refused),
        ("手机号重复，不能保存成功", Meaning::Refused),
        ("成功指派0个客户，失败1个", Meaning::Refused),
        ("失败10个", Meaning::Refused),
        ("客户名称已存在", Meaning::Refused),
        ("客户编号重复", Meaning::Refused),
        ("您没有权限进行此操作", Meaning::Refused),
        ("联系人姓名不能为空", Meaning::Refused),
        ("客户名称超过100字", Meaning::Refused),
        ("请填写联系人姓名", Meaning::Refused),
        ("数据错误", Meaning::Refused),
        ("不允许重复申请", Meaning::Refused),
        ("系统繁忙，请稍后再试", Meaning::Busy),
        ("系统正在维护，请稍候", Meaning::Busy),
        ("系统升级中，暂停服务", Meaning::Busy),
        ("数据备份，无法保存，请稍后", Meaning::Busy),
        ("保存不成功，系统维护中", Meaning::Busy),
        ("保存成功，今晚系统维护", Meaning::Done),
        ("您不是该客户的维护人，不能修改", Meaning::Refused),
        ("该客户正在维护中，不能修改", Meaning::Refused),
        ("系统提示：该客户正在维护中，不能修改", Meaning::Refused),
        ("系统维护中，该客户不能保存", Meaning::Busy),
        ("系统正在升级，该记录无法保存", Meaning::Busy),
        ("该客户正在被他人修改，请稍后再试", Meaning::Busy),
        ("数据库中已存在相同客户，不能保存", Meaning::Refused),
        ("保存失败：数据库超时", Meaning::Busy),
        ("数据库超时，请重新登录", Meaning::Busy),
        ("超时时间已到。在操作完成之前超时时间已过或服务器未响应。", Meaning::Busy),
        ("登录超时，请重新登录", Meaning::NoSession),
        ("您尚未登录", Meaning::NoSession),
        ("", Meaning::Unclear),
        ("ok", Meaning::Unclear),
        ("提示", Meaning::Unclear),
    ];
    for (text, expected) in table {
        assert_eq!(meaning(text), expected, "{text}");
    }
}

#[test]
fn the_words_beside_a_failure_are_understood() {
    let table = [
        ("", Meaning::NoSession),
        ("  ", Meaning::NoSession),
        ("session expired", Meaning::NoSession),
        ("Session无效", Meaning::NoSession),
        ("Session timeout", Meaning::NoSession),
        ("会话失效", Meaning::NoSession),
        ("请先登录", Meaning::NoSession),
        ("登陆超时", Meaning::NoSession),
        ("登录已过期，请重试", Meaning::NoSession),
        ("令牌已过期", Meaning::NoSession),
        ("身份已过期", Meaning::NoSession),
        ("invalid TOKEN", Meaning::NoSession),
        ("您长时间未操作超时，请重新登录", Meaning::NoSession),
        ("操作超时", Meaning::Busy),
        ("操作超时，请重新登录", Meaning::Busy),
        ("数据库超时", Meaning::Busy),
        ("数据库会话超时", Meaning::Busy),
        ("执行超时", Meaning::Busy),
        ("超时时间已到", Meaning::Busy),
        ("事务已被死锁，请重新运行", Meaning::Busy),
        ("Execution Timeout Expired. The timeout period elapsed", Meaning::Busy),
        ("请求超时", Meaning::Busy),
        ("系统繁忙", Meaning::Busy),
        ("系统正在维护", Meaning::Busy),
        ("该客户维护中", Meaning::Unclear),
        ("报价已过期", Meaning::Unclear),
        ("客户编号已被使用", Meaning::Unclear),
        ("没有权限", Meaning::Unclear),
        ("参数错误", Meaning::Unclear),
    ];
    for (text, expected) in table {
        assert_eq!(meaning_of_failure(text), expected, "{text:?}");
    }
}
