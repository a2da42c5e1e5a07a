//! ERP Bridge stands between a WeChat customer platform (微信中台) and 智邦国际 ERP: signed event webhooks come in, each
//! takes effect in the ERP exactly once and in order. A webhook walks through the rooms in this order:

pub mod clock;
pub mod config;
pub mod event;
/// A stand-in for the ERP, for tests and demonstrations: `zhibang-sim`.
pub mod simulator;
pub mod store;
