//! What Unix and Windows do each in their way: rights of a file, the disk, sockets, terminals, and how a process is told to stop.
//! Nobody else names either, and both files have the same functions (`tests/it/house/portable.rs`).
//!
//! The bridge is built and tested on Linux. What it does on Windows is written against the documentation of its crates and was
//! neither compiled nor run: a toolchain for it was not at hand.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
pub use self::unix::{
    HiddenInput, Signals, close_to_others, free_disk, give_up_after, owner_only, rights_of_everybody, rights_of_others,
    run, set_send_buffer,
};
#[cfg(windows)]
pub use self::windows::{
    HiddenInput, Signals, close_to_others, free_disk, give_up_after, owner_only, rights_of_everybody, rights_of_others,
    run, set_send_buffer,
};

/// What a process can be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    /// To stop: SIGTERM, Ctrl-C, the stop of a service.
    Stop,
    /// To read its configuration again: SIGHUP, or `paramchange` of a service.
    Reload,
}
