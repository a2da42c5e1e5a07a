//! Unix.

use std::{
    fs::{self, OpenOptions, Permissions},
    io::{self, IsTerminal},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::Path,
    process::ExitCode,
    time::Duration,
};

use reqwest::ClientBuilder;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use tokio::{
    net::TcpStream,
    signal::unix::{Signal, SignalKind, signal},
};

use super::Told;

/// What the owner may do with a file, and nobody else.
const OWNER_ONLY: u32 = 0o600;
/// Rights of anybody but the owner.
const OTHERS: u32 = 0o077;
/// Rights of everybody, and the group's to write: a service reads a configuration of root's by its group.
const EVERYBODY: u32 = 0o027;

/// Runs the program.
pub fn run(main: fn() -> ExitCode) -> ExitCode {
    use_small_pages();
    main()
}

/// The allocator asks for pages of 2 MB, of which a bridge that waits would hold a dozen for a few KB in each. Where they
/// cannot be refused it takes that memory.
fn use_small_pages() {
    #[cfg(target_os = "linux")]
    let _ = rustix::thread::disable_transparent_huge_pages(true);
}

/// A file that is made so is its owner's alone.
pub fn owner_only(options: &mut OpenOptions) -> &mut OpenOptions {
    options.mode(OWNER_ONLY)
}

/// The rights of a file, as `chmod` takes them, if anybody but its owner has some.
pub fn rights_of_others(path: &Path) -> Option<u32> {
    let mode = fs::metadata(path).ok()?.permissions().mode() & 0o777;
    (mode & OTHERS != 0).then_some(mode)
}

/// The rights of a file that is to be read by its owner and group alone, if anybody else has some.
pub fn rights_of_everybody(path: &Path) -> Option<u32> {
    let mode = fs::metadata(path).ok()?.permissions().mode() & 0o777;
    (mode & EVERYBODY != 0).then_some(mode)
}

/// Takes everybody else's rights from a file.
///
/// # Errors
/// The file cannot be changed.
pub fn close_to_others(path: &Path) -> io::Result<()> {
    let mode = fs::metadata(path)?.permissions().mode();
    fs::set_permissions(path, Permissions::from_mode(mode & !OTHERS))
}

/// Bytes free on the disk that holds a file, for who is not root.
pub fn free_disk(path: &Path) -> Option<u64> {
    let disk = rustix::fs::statvfs(path).ok()?;
    Some(disk.f_bavail.saturating_mul(disk.f_frsize))
}

/// How many bytes wait for a client that does not read; the system's own number where that is refused.
pub fn set_send_buffer(stream: &TcpStream, bytes: usize) {
    let _ = rustix::net::sockopt::set_socket_send_buffer_size(stream, bytes);
}

/// Connections on which the system gives up what is not acknowledged for so long, as far as it can be told to.
pub fn give_up_after(client: ClientBuilder, limit: Duration) -> ClientBuilder {
    #[cfg(target_os = "linux")]
    let client = client.tcp_user_timeout(limit);
    #[cfg(not(target_os = "linux"))]
    let _ = limit;
    client
}

/// A terminal that does not show what is typed, until it is dropped.
pub struct HiddenInput(Option<Termios>);

impl HiddenInput {
    /// Hides what is typed. Where it cannot be hidden it is typed in the open, as everything else.
    pub fn begin() -> Self {
        let input = io::stdin();
        let before = if input.is_terminal() { tcgetattr(&input).ok() } else { None };
        if let Some(before) = &before {
            let mut hidden = before.clone();
            hidden.local_modes.remove(LocalModes::ECHO);
            let _ = tcsetattr(&input, OptionalActions::Flush, &hidden);
        }
        Self(before)
    }
}

impl Drop for HiddenInput {
    fn drop(&mut self) {
        if let Some(before) = &self.0 {
            let _ = tcsetattr(io::stdin(), OptionalActions::Flush, before);
        }
    }
}

/// The signals that the bridge listens to.
pub struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
}

impl Signals {
    /// Begins to listen; from here on these signals do not end the process by themselves.
    ///
    /// # Errors
    /// The system does not let it listen.
    pub fn listen() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    /// Waits for the next of them.
    pub async fn next(&mut self) -> Told {
        tokio::select! {
            _ = self.terminate.recv() => Told::Stop,
            _ = self.interrupt.recv() => Told::Stop,
            _ = self.hang_up.recv() => Told::Reload,
        }
    }
}
