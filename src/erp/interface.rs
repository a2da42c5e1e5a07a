//! What the client must know of an interface to call it and to read its answer.

/// Rows of a list asked for at once. The ERP's own default is 20; it may give fewer than asked.
pub(super) const PAGE_SIZE: i64 = 100;

/// The same where rows are short; installations honoured up to so many (`erp-wire.md §1.14`).
const LONG_PAGE: i64 = 500;

/// One interface of the ERP. Each is a constant beside the function that calls it, with its fields and limits.
#[derive(Debug, Clone, Copy)]
pub(super) struct Interface {
    /// The Chinese name: 客户列表.
    pub(super) name: &'static str,
    /// The short name for logs and the ledger: `customer.list`.
    pub(super) call: &'static str,
    /// Path and query.
    pub(super) path: &'static str,
    /// Which family of envelopes.
    pub(super) style: Style,
    /// What a good answer holds.
    pub(super) shape: Shape,
    /// `cmdkey` of the ASP envelope.
    pub(super) cmdkey: Option<&'static str>,
    /// Rows asked for at once, of a list.
    pub(super) page_size: i64,
    /// Whether it changes something in the ERP; a rehearsal does not send such calls.
    pub(super) writes: bool,
    /// Whether it is asked the same for everybody: what it refuses, it refuses to any other event as well.
    pub(super) is_general: bool,
}

/// The two families of envelopes (`erp-wire.md §1`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    /// `{"session", "cmdkey", "datas"}`.
    Asp,
    /// Plain JSON with the session in the header `ZBAPI-Token`.
    V3,
}

/// What a good answer holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// Words only: a save or a command.
    Words,
    /// A bill: one record.
    Bill,
    /// A table: one page of a list.
    List,
    /// The choices of a field.
    Choices,
    /// A tree to choose from.
    Trees,
}

/// `cmdkey` of a save.
pub(super) const SAVE: Option<&str> = Some("__sys_dosave");
/// `cmdkey` of a list.
pub(super) const LIST: Option<&str> = Some("refresh");

impl Interface {
    /// An ASP interface that answers in words.
    pub(super) const fn command(
        name: &'static str,
        call: &'static str,
        path: &'static str,
        cmdkey: Option<&'static str>,
    ) -> Self {
        Self {
            name,
            call,
            path,
            style: Style::Asp,
            shape: Shape::Words,
            cmdkey,
            page_size: PAGE_SIZE,
            writes: true,
            is_general: false,
        }
    }

    /// An ASP interface that answers a bill.
    pub(super) const fn bill(name: &'static str, call: &'static str, path: &'static str) -> Self {
        Self {
            name,
            call,
            path,
            style: Style::Asp,
            shape: Shape::Bill,
            cmdkey: None,
            page_size: PAGE_SIZE,
            writes: false,
            is_general: false,
        }
    }

    /// An ASP interface that answers a list in pages.
    pub(super) const fn list(name: &'static str, call: &'static str, path: &'static str) -> Self {
        Self {
            name,
            call,
            path,
            style: Style::Asp,
            shape: Shape::List,
            cmdkey: LIST,
            page_size: PAGE_SIZE,
            writes: false,
            is_general: true,
        }
    }

    /// An ASP interface that answers the choices of a field.
    pub(super) const fn choices(name: &'static str, call: &'static str, path: &'static str) -> Self {
        Self {
            name,
            call,
            path,
            style: Style::Asp,
            shape: Shape::Choices,
            cmdkey: None,
            page_size: PAGE_SIZE,
            writes: false,
            is_general: true,
        }
    }

    /// An ASP interface that answers a tree.
    pub(super) const fn trees(name: &'static str, call: &'static str, path: &'static str) -> Self {
        Self {
            name,
            call,
            path,
            style: Style::Asp,
            shape: Shape::Trees,
            cmdkey: None,
            page_size: PAGE_SIZE,
            writes: false,
            is_general: true,
        }
    }

    /// The same interface, which reserves or changes something although it answers as a read does.
    pub(super) const fn writing(self) -> Self {
        Self { writes: true, ..self }
    }

    /// The same interface, which names no record of the ERP.
    pub(super) const fn general(self) -> Self {
        Self { is_general: true, ..self }
    }

    /// The same list, which is that of one customer.
    pub(super) const fn of_one_customer(self) -> Self {
        Self { is_general: false, ..self }
    }

    /// The same list, whose rows are short: more of them are asked for at once.
    pub(super) const fn in_long_pages(self) -> Self {
        Self { page_size: LONG_PAGE, ..self }
    }

    /// A v3 interface; one that answers in words only is a save.
    pub(super) const fn v3(name: &'static str, call: &'static str, path: &'static str, shape: Shape) -> Self {
        Self {
            name,
            call,
            path,
            style: Style::V3,
            shape,
            cmdkey: None,
            page_size: PAGE_SIZE,
            writes: matches!(shape, Shape::Words),
            is_general: false,
        }
    }
}

/// 客户列表: filters `name`, `khid`, `phone` (the office phone), `address`, `intro` fuzzy; `telord` a customer's id; `stype`
/// empty for customers, 1 客户池, 2 待审核; `searchKey` any text column; `pagesize`, `pageindex` from 1. Refused in words without
/// the right. Source: `erp-wire.md §3`, `§1.8`, `§1.9`.
pub(super) const CUSTOMER_LIST: Interface =
    Interface::list("客户列表", "customer.list", "/sysa/mobilephone/salesmanage/custom/list.asp").in_long_pages();

/// 客户来源: no fields; answers the choices. Source: `erp-wire.md §3`.
pub(super) const SOURCES: Interface =
    Interface::choices("客户来源", "choices.source", "/sysa/mobilephone/source.asp?enumid=13");
