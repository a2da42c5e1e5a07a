use super::*;

#[test]
fn a_refusal_says_whether_the_erp_has_the_same_already() {
    for (text, expected) in [
        ("客户编号已被使用，不能保存！", true),
        ("手机“13800001234”已存在", true),
        ("客户名称重复", true),
        ("系统中已有相同客户，保存失败", true),
        ("Duplicate name", true),
        ("联系人姓名不能为空", false),
        ("您没有权限进行此操作", false),
        ("客户名称超过100字", false),
    ] {
        assert_eq!(speaks_of_duplicate(text), expected, "{text}");
    }
}

#[test]
fn an_ended_licence_is_told_from_a_record_that_speaks_of_rights_or_dates() {
    for (text, expected) in [
        ("软件授权已到期，不能保存", true),
        ("系统授权过期，请联系供应商", true),
        ("试用期已到期", true),
        ("License expired", true),
        ("报价已过期", false),
        ("合同到期，不能保存", false),
        ("该操作未授权", false),
        ("软件授权数量不足", false),
    ] {
        assert_eq!(speaks_of_an_ended_licence(text), expected, "{text}");
    }
}

#[test]
fn a_limit_and_a_field_that_nobody_sends_meet_whoever_comes() {
    for (text, expected) in [
        ("您的客户数已达上限，不能添加", true),
        ("已有客户数量达到上限", true),
        ("客户行业不能为空", true),
        ("请选择客户行业", true),
        ("所属区域为必填项", true),
        ("联系人姓名不能为空", false),
        ("请填写客户名称", false),
        ("客户来源为必填项", false),
        ("手机号码不能为空", false),
        ("请填写邮箱", false),
        ("联系地址为必填项", false),
        ("微信号不能为空", false),
        ("请输入公司电话", true),
        ("您领用的客户数已超出限制，不能添加", true),
        ("接口暂未开放", true),
        ("该功能未启用", true),
        ("洽谈进展模块已停用", true),
        ("该客户已停用，不能修改", false),
        ("客户名称超出限制长度", false),
        ("客户名称超过限制，最多50字", false),
        ("备注超出限制", false),
        ("该客户已停用，无法使用此功能", false),
        ("客户名称超过长度上限100字符", false),
        ("手机号重复", false),
        ("该客户不存在", false),
    ] {
        assert_eq!(speaks_of_restriction(text), expected, "{text}");
    }
}

#[test]
fn a_list_may_say_in_words_that_it_is_empty() {
    for (text, expected) in [
        ("暂无数据", true),
        ("没有找到相关记录！", true),
        ("没有符合条件的客户", true),
        ("No data", true),
        ("没有权限查看数据", false),
        ("没有数据查看权限", false),
        ("无法读取数据", false),
        ("接口暂未开放", false),
    ] {
        assert_eq!(speaks_of_no_rows(text), expected, "{text}");
    }
}

#[test]
fn a_login_that_credentials_refused_is_known_whatever_else_is_said() {
    for (text, expected) in [
        ("用户名或密码错误，请重试", true),
        ("密码不正确", true),
        ("该账号已锁定，请稍后登录", true),
        ("请输入验证码", true),
        ("验证码错误，请稍后再试", true),
        ("Invalid password", true),
        ("该账号已在其他地方登录，请稍后", false),
        ("服务器错误，账号无法登录", false),
        ("系统正在维护，请稍候", false),
    ] {
        assert_eq!(speaks_of_credentials(text), expected, "{text}");
    }
}

#[test]
fn a_login_that_trouble_refused_is_told_from_wrong_credentials() {
    for (text, expected) in [
        ("该账号已在其他地方登录", true),
        ("系统正在维护，请稍候", true),
        ("系统升级中，暂停服务", true),
        ("用户名或密码错误", false),
        ("请输入验证码", false),
    ] {
        assert_eq!(speaks_of_trouble(text), expected, "{text}");
    }
}
