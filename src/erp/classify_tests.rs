use super::*;

const SAVE: Interface = Interface::command("保存", "save", "/save.asp", None);
const BILL: Interface = Interface::bill("详情", "bill", "/bill.asp");
const LIST: Interface = Interface::list("列表", "list", "/list.asp");
const CHOICES: Interface = Interface::choices("选项", "choices", "/source.asp");
const EDIT: Interface = Interface::v3("修改", "edit", "/edit", Shape::Words);
const ROWS: Interface = Interface::v3("账号", "rows", "/rows", Shape::List);

fn word(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Done(_) => "done",
        Verdict::Expired { by_page: true, .. } => "expired, by a page",
        Verdict::Expired { .. } => "expired",
        Verdict::Refused { known_session: true, .. } => "refused",
        Verdict::Refused { known_session: false, .. } => "refused, session unproven",
        Verdict::Doubtful { .. } => "refused or expired",
        Verdict::Failed(ErpError::OutcomeUnknown { answered: true, .. }) => "unknown",
        Verdict::Failed(ErpError::Installation(fault)) => match (fault.cause, fault.is_certain) {
            (FaultCause::WrongPath, true) => "wrong path",
            (FaultCause::WrongPath, false) => "wrong path, perhaps done",
            _ => "no right",
        },
        Verdict::Failed(ErpError::OutcomeUnknown { answered: false, .. }) => "unknown, may come late",
        Verdict::Failed(_) => "other",
    }
}

fn answer(status: u16, location: Option<&str>, body: &str) -> HttpAnswer {
    HttpAnswer { status, location: location.map(str::to_owned), body: body.as_bytes().to_vec() }
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table of bodies")]
fn every_body_has_its_meaning() {
    let table: &[(&Interface, bool, &str, &str)] = &[
        (&SAVE, true, r#"{"header":{"status":0},"body":{"message":{"text":"保存成功"}}}"#, "done"),
        (&SAVE, true, r#"{"header":{"status":0},"body":{"message":{"text":""}}}"#, "done"),
        (&SAVE, true, r#"{"header":{"status":"0","message":"ok"}}"#, "done"),
        (
            &SAVE,
            true,
            r#"{"header":{"status":0},"body":{"message":{"title":"提示","text":"编号已被使用，不能保存"}}}"#,
            "refused",
        ),
        (
            &SAVE,
            true,
            r#"{"header":{"status":0,"message":"保存失败"},"body":{"message":{"title":"提示","text":""}}}"#,
            "refused",
        ),
        (&SAVE, true, r#"{"header":{"status":0},"body":{"message":{"text":"系统繁忙"}}}"#, "unknown"),
        (&SAVE, true, r#"{"header":{"status":0},"body":{"message":{"text":"登录超时，请重新登录"}}}"#, "expired"),
        (&SAVE, true, r#"{"header":{"status":1,"message":"编号已被使用"}}"#, "refused or expired"),
        (&SAVE, false, r#"{"header":{"status":1,"message":"编号已被使用"}}"#, "refused or expired"),
        (&SAVE, true, r#"{"header":{"status":1,"message":""}}"#, "refused or expired"),
        (&SAVE, false, r#"{"header":{"status":1,"message":""}}"#, "refused or expired"),
        (&LIST, false, r#"{"header":{"status":1,"message":"编号已被使用"}}"#, "expired"),
        (&LIST, true, r#"{"header":{"status":1,"message":""}}"#, "expired"),
        (&SAVE, true, r#"{"header":{"status":"-1","message":"Session expired"}}"#, "expired"),
        (&SAVE, true, r#"{"header":{"status":1,"message":"系统繁忙，请稍后再试"}}"#, "unknown"),
        (&SAVE, false, r#"{"header":{"status":1,"message":"操作超时"}}"#, "unknown"),
        (&SAVE, true, r#"{"header":{"status":1,"message":"数据库超时，请重新登录"}}"#, "unknown"),
        (&SAVE, false, r#"{"header":{"status":1},"body":{"message":{"text":"超时时间已到"}}}"#, "unknown"),
        (&SAVE, true, r#"{"header":{"status":0},"body":{"message":{"text":"数据库执行超时"}}}"#, "unknown"),
        (&SAVE, true, r#"{"header":{"status":1,"message":"登录超时"}}"#, "expired"),
        (&SAVE, true, r#"{"header":{"status":1,"message":"报价已过期"}}"#, "refused or expired"),
        (&SAVE, true, r#"{"header":{"status":1,"message":"当前登录用户没有添加客户的权限"}}"#, "refused or expired"),
        (&LIST, true, r#"{"header":{"status":1,"message":"当前登录用户没有查看的权限"}}"#, "refused or expired"),
        (&SAVE, true, r#"{"header":{"status":1,"message":"身份证号不能为空"}}"#, "refused or expired"),
        (&SAVE, true, r#"{"header":{"status":1,"message":"类型不匹配: 'session(...)'"}}"#, "refused or expired"),
        (&LIST, true, r#"{"header":{"status":1,"message":"类型不匹配: 'session(...)'"}}"#, "expired"),
        (&SAVE, true, r#"{"header":{}}"#, "unknown"),
        (&SAVE, true, "", "unknown"),
        (&SAVE, true, "<html>", "unknown"),
        (&SAVE, true, " <html><input name=p TYPE = 'Password'>", "expired, by a page"),
        (&LIST, true, r#"{"header":{"status":0},"body":{"message":{"text":"type=password"}}}"#, "refused"),
        (&SAVE, true, "{", "unknown"),
        (&BILL, true, r#"{"header":{"status":0},"body":{"bill":{"value":"1"}}}"#, "done"),
        (&BILL, true, r#"{"header":{"status":0},"body":{"message":{"text":"客户不存在"}}}"#, "refused"),
        (&BILL, true, r#"{"header":{"status":0},"body":{"message":{"text":"该客户属于他人"}}}"#, "refused"),
        (&BILL, true, r#"{"header":{"status":0,"message":"ok"},"body":{}}"#, "unknown"),
        (&BILL, true, r#"{"header":{"status":0},"body":{"message":{"text":"成功"}}}"#, "unknown"),
        (&BILL, true, r#"{"header":{"status":0},"body":{"message":{"text":"请重新登录"}}}"#, "expired"),
        (
            &LIST,
            true,
            r#"{"header":{"status":0},"body":{"source":{"table":{"cols":[{"id":"ord"}],"rows":[]}}}}"#,
            "done",
        ),
        (&LIST, true, r#"{"header":{"status":0},"body":{"source":{"table":{"cols":[{"id":"ord"}]}}}}"#, "unknown"),
        (&LIST, true, r#"{"header":{"status":0},"body":{"bill":{"value":"1"}}}"#, "unknown"),
        (&LIST, true, r#"{"header":{"status":0},"body":{"message":{"text":"没有权限"}}}"#, "refused"),
        (&LIST, true, r#"{"header":{"status":0},"body":{"message":{"text":"暂无数据"}}}"#, "done"),
        (&LIST, true, r#"{"header":{"status":0},"body":{"message":{"text":"没有数据查看权限"}}}"#, "refused"),
        (&CHOICES, true, r#"{"header":{"status":0},"body":{"source":{"options":[{"id":1,"text":"a"}]}}}"#, "done"),
        (&CHOICES, true, r#"{"header":{"status":0},"body":{"source":{}}}"#, "unknown"),
        (&EDIT, true, r#"{"Code":200,"Msg":"ok"}"#, "done"),
        (&EDIT, true, r#"{"Code":300,"Msg":"手机重复"}"#, "refused"),
        (&EDIT, true, r#"{"Code":300,"Msg":"系统繁忙"}"#, "unknown"),
        (&EDIT, true, r#"{"Code":300,"Msg":"登录已失效，请重新登录"}"#, "expired"),
        (&EDIT, true, r#"{"Code":"400","Msg":"token"}"#, "expired"),
        (&EDIT, true, r#"{"Code":403,"Msg":"?"}"#, "no right"),
        (&EDIT, true, r#"{"Code":500,"Msg":"error"}"#, "unknown"),
        (&EDIT, true, r#"{"Code":999,"Msg":"?"}"#, "refused, session unproven"),
        (&EDIT, true, r#"{"Code":404,"Msg":"该客户不存在"}"#, "refused, session unproven"),
        (&EDIT, true, r#"{"Code":404,"Msg":"接口不存在"}"#, "wrong path"),
        (&EDIT, true, r#"{"Code":404,"Msg":""}"#, "wrong path"),
        (&EDIT, true, r#"{"Code":405,"Msg":"客户修改接口不支持此方法"}"#, "wrong path"),
        (&EDIT, true, r#"{"Code":401,"Msg":"?"}"#, "expired"),
        (&EDIT, true, r#"{"header":{"status":1,"message":"session"}}"#, "expired"),
        (&EDIT, true, r#"{"Msg":"ok"}"#, "unknown"),
        (&ROWS, true, r#"{"Code":200,"Rows":[],"Cols":[]}"#, "done"),
        (&ROWS, true, r#"{"Code":200,"Msg":"ok"}"#, "unknown"),
    ];
    for (interface, proven, body, expected) in table {
        let verdict = judge(interface, &answer(200, None, body), *proven);
        assert_eq!(word(&verdict), *expected, "{body}, proven: {proven}");
    }
}

#[test]
fn a_refusal_that_speaks_of_rights_is_no_fault_of_what_was_sent() {
    for (text, is_fault) in [
        ("对不起，您没有权限使用此功能！", true),
        ("您没有添加客户的权限", true),
        ("权限不足", true),
        ("您无权操作", true),
        ("Access Denied", true),
        ("该编号已被使用，不能保存", false),
        ("该客户不存在或已被删除", false),
        ("请先设置权限后保存", false),
    ] {
        let fault = refusal(&SAVE, text.into()).fault();
        assert_eq!(fault.is_some(), is_fault, "{text}");
        assert!(fault.is_none_or(|fault| fault.subject == "保存 (save)" && fault.words == text));
    }
}

#[test]
fn every_http_status_has_its_meaning() {
    let table = [
        (200, None, "unknown"),
        (204, None, "unknown"),
        (302, Some("/sysa/Login.asp?x=1"), "expired, by a page"),
        (302, Some("https://erp.test/"), "wrong path, perhaps done"),
        (301, None, "wrong path, perhaps done"),
        (400, None, "wrong path"),
        (401, None, "expired"),
        (403, None, "wrong path"),
        (404, None, "wrong path"),
        (405, None, "wrong path"),
        (406, None, "wrong path"),
        (408, None, "unknown"),
        (413, None, "wrong path"),
        (415, None, "wrong path"),
        (429, None, "unknown"),
        (500, None, "unknown"),
        (502, None, "unknown, may come late"),
        (503, None, "unknown"),
        (504, None, "unknown, may come late"),
        (524, None, "unknown, may come late"),
    ];
    for (status, location, expected) in table {
        for interface in [&SAVE, &EDIT] {
            assert_eq!(word(&judge(interface, &answer(status, location, ""), true)), expected, "HTTP {status}");
        }
    }
    let spoken = answer(400, None, r#"{"header":{"status":1,"message":"内容不合法"}}"#);
    assert_eq!(word(&judge(&SAVE, &spoken, true)), "refused, session unproven");
    let doubled = answer(400, None, r#"{"Code":400,"Msg":"token invalid"}"#);
    assert_eq!(word(&judge(&EDIT, &doubled, true)), "expired");
}

#[test]
fn every_answer_to_a_login_has_its_meaning() {
    let good = r#"{"header":{"status":0,"session":"s1"}}"#;
    let wrong = r#"{"header":{"status":1,"message":"密码错误"}}"#;
    let busy = r#"{"header":{"status":1,"message":"数据库超时"}}"#;
    let table = [
        (200, good, "in"),
        (200, wrong, "refused: 密码错误"),
        (200, busy, "failed"),
        (200, r#"{"header":{"status":1,"message":"用户名或密码错误，请重试"}}"#, "refused: 用户名"),
        (200, r#"{"header":{"status":0,"message":"API鉴权成功."}}"#, "in"),
        (200, r#"{"header":{"status":0,"session":""},"body":{"message":{"text":"登录成功"}}}"#, "in"),
        (200, r#"{"header":{"status":0}}"#, "in"),
        (200, r#"{"header":{"status":0,"message":"密码错误"}}"#, "refused: 密码错误"),
        (200, r#"{"header":{"status":0},"body":{"message":{"text":"请输入验证码"}}}"#, "refused: 请输入验证码"),
        (200, r#"{"header":{"status":1,"message":"账号已锁定，请稍后登录"}}"#, "refused: 账号"),
        (200, r#"{"header":{"status":1,"message":"系统繁忙，请重试"}}"#, "failed"),
        (200, "<html>", "failed"),
        (200, r#"<form><input type="password"></form>"#, "wrong_path"),
        (200, r#"{"header":{"status":1,"message":"授权已到期，请联系供应商"}}"#, "licence_refused"),
        (200, r#"{"header":{"status":1,"message":"机器码serialnum无效"}}"#, "licence_refused"),
        (200, r#"{"header":{"status":1,"message":"用户名未授权或密码错误"}}"#, "refused: 用户名"),
        (302, wrong, "wrong_path"),
        (400, wrong, "refused: 密码错误"),
        (400, r#"{"Code":400,"Msg":"密码错误"}"#, "refused: 密码错误"),
        (400, "<html>", "wrong_path"),
        (401, wrong, "refused: 密码错误"),
        (401, "", "refused: HTTP 401"),
        (401, busy, "failed"),
        (403, wrong, "refused: 密码错误"),
        (403, "<html>", "wrong_path"),
        (404, "<html>", "wrong_path"),
        (405, "<html>", "wrong_path"),
        (408, wrong, "failed"),
        (422, r#"{"Code":500,"Msg":"error"}"#, "failed"),
        (429, wrong, "failed"),
        (500, wrong, "failed"),
    ];
    for (status, body, expected) in table {
        let outcome = match judge_login(&SAVE, "/login", &answer(status, None, body)) {
            LoginOutcome::In { .. } => "in".to_owned(),
            LoginOutcome::Refused(text) => format!("refused: {text}"),
            LoginOutcome::Failed(ErpError::Installation(fault)) => fault.cause.as_str().to_owned(),
            LoginOutcome::Failed(_) => "failed".to_owned(),
        };
        assert!(outcome.starts_with(expected), "HTTP {status} {body}: {outcome}");
    }
}
