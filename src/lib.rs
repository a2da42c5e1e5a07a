//! ERP Bridge stands between a WeChat customer platform (微信中台) and 智邦国际 ERP: signed event webhooks come in, each
//! takes effect in the ERP exactly once and in order. A webhook walks through the rooms in this order:

pub mod clock;
pub mod config;
/// The foreign house: one typed call for each interface of the ERP.
pub mod erp;
pub mod event;
pub mod http;
pub mod store;
pub mod telemetry;
