//! Contacts and their customers.

use super::texts;

texts! {
    /// Contacts and their customers.
    ContactsWords {
        title: "客户", "Contacts";
        search_hint: "姓名、手机、微信号、客户编号", "name, phone, WeChat id, customer number";
        search_hint_read: "联系人编号、客户编号", "contact id, customer number";
        search_where: "搜索全部已关联的联系人：编号、客户编号、客户 ID，关联时的姓名、手机、微信号、邮箱；后来改过的在最近一千条事件中查找", "Searches all linked contacts by id, customer number, customer id, and name, phone, WeChat id and address as they were when they were linked; what changed since is looked for in the newest thousand events";
        search_where_read: "搜索已关联的联系人：编号、客户编号和客户 ID", "Searches linked contacts by id, customer number and customer id";
        contact: "联系人", "Contact";
        customer: "ERP 客户", "ERP customer";
        khid: "客户编号", "Customer number";
        ord: "客户 ID", "Customer id";
        kind: "类别", "Kind";
        linked_by: "关联方式", "Linked by";
        linked_at: "关联时间", "Linked";
        next: "下一页", "Next page";
        none_yet: "还没有关联的客户", "No contact is linked yet";
        none_yet_hint: "联系人转为客户后出现在这里", "Contacts stand here once they are customers";
        none_match: "没有找到", "Nothing found";
        none_match_hint: "没有关联的联系人请在“事件”中按编号、姓名、手机或微信号查找", "Look for a contact that is not linked among the events, by its id, name, phone or WeChat id";
        none_match_hint_read: "没有关联的联系人请在“事件”中按联系人编号查找", "Look for a contact that is not linked among the events, by its id";
        person: "个人客户", "Person";
        company: "单位客户", "Company";
        contact_person: "单位的联系人", "Contact person of a company";
        by_created: "新建", "created";
        by_khid: "按客户编号", "by customer number";
        by_mobile: "按手机", "by mobile number";
        by_company: "按公司名称", "by company name";
        by_hint: "平台指定", "named by the platform";
        by_operator: "人工选定", "chosen by a person";
        by_adopt: "存量认领", "adopted";
        not_linked: "尚未关联 ERP 客户", "Not linked to a customer yet";
        profile: "资料", "Profile";
        profile_none: "没有留存的资料", "Nothing is kept of it";
        history: "经过", "History";
        history_more: "更早的事件", "Earlier events";
        history_none: "没有事件，此联系人的事件会出现在这里", "No events: those of this contact will stand here";
        held: "{} 条记录等待此联系人成为客户", "{} records wait until the contact is a customer";
        acts: "操作", "What you can do";
        sync: "手动同步", "Sync by hand";
        sync_what: "按这里填写的资料同步此联系人；先预览可以看到会写入什么", "Syncs the contact with what stands here; the preview shows what would be written";
        force: "跳过准入条件", "Skip admission";
        preview: "预览", "Preview";
        preview_title: "预览：同步会做什么", "Preview: what the sync would do";
        preview_none: "不会写入 ERP", "Nothing would be written to the ERP";
        preview_nothing: "ERP 中已经齐全，无需写入", "The ERP has it all: nothing to write";
        preview_review: "有多个可能的客户，需要人来决定", "Several customers are possible: a person would have to decide";
        preview_forced: "已按要求跳过准入条件", "Admission is skipped, as you asked";
        preview_changes: "补充到已有客户", "Filled in at the customer";
        preview_calls: "将发送到 ERP", "To be sent to the ERP";
        old_value: "现在", "Now";
        new_value: "之后", "Then";
        send: "同步", "Sync";
        assign: "指派", "Assign";
        assign_what: "指派后由所选的人跟进此客户", "Whom you choose looks after the customer from now on";
        assign_names: "销售人员，最多 5 位", "Salespeople, five at most";
        assign_no_names: "ERP 没有列出人员，请填写 ERP 用户 ID", "The ERP does not list its people: write their ids";
        assign_users: "ERP 用户 ID，用逗号分隔，最多 5 个", "ERP user ids with commas between them, five at most";
        assign_public: "对所有用户公开", "Open to all users";
        apply: "申请", "Apply";
        apply_what: "向 ERP 申请此客户", "Applies for the customer in the ERP";
        approve: "同意", "Approve";
        refuse: "不同意", "Refuse";
        approval: "审批", "Approval";
        take_back: "收回", "Take back";
        take_back_what: "收回此客户", "Takes the customer back";
        unlink: "解除关联", "Unlink";
        unlink_what: "ERP 中的客户不变；此联系人的下一个事件会重新查找客户", "The customer in the ERP stays; the contact's next event looks it up anew";
        erase: "清除个人数据", "Erase personal data";
        erase_what: "删除此联系人的事件内容、被拒请求和 ERP 调用记录，只留下发生过的痕迹；不能恢复。ERP 中的客户不变", "Erases the contents of the contact's events, refused requests and ERP calls; only the trace that they were stays. It cannot be undone. The customer in the ERP stays";
    }
}
