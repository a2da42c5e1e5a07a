//! The console in a real browser: headless Chromium against the real bridge and simulator. Every journey has a browser of its
//! own and ends with a look at what the browser complained of and whom it spoke to.

mod chrome;
mod copies;
mod decisions;
mod driver;
mod journeys;
mod keyboard;
mod live;
mod looks;
mod office;
mod readers;
mod recoveries;
mod replicas;
mod states;
mod without_script;
