//! Windows, where the bridge is a service or runs in a console.

use std::{ffi::OsString, fs::OpenOptions, io, path::Path, process::ExitCode, sync::OnceLock, time::Duration};

use reqwest::ClientBuilder;
use tokio::{
    net::TcpStream,
    signal::windows::{CtrlBreak, CtrlC, ctrl_break, ctrl_c},
    sync::Notify,
};
use windows_service::{
    define_windows_service,
    service::{ServiceControl, ServiceControlAccept, ServiceExitCode, ServiceState, ServiceStatus, ServiceType},
    service_control_handler::{self, ServiceControlHandlerResult},
    service_dispatcher,
};

use super::Told;

/// The service's name; `sc create` may give it another one, as a service that is alone in its process.
const SERVICE: &str = "erp-bridge";

static MAIN: OnceLock<fn() -> ExitCode> = OnceLock::new();
static STOP: Notify = Notify::const_new();
static RELOAD: Notify = Notify::const_new();

define_windows_service!(service_entry, as_service);

/// Runs the program: as a service if the service manager started it, and else as it is.
pub fn run(main: fn() -> ExitCode) -> ExitCode {
    let _ = MAIN.set(main);
    // It returns when the service has ended, and at once with an error where no service manager waits for it.
    match service_dispatcher::start(SERVICE, service_entry) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => main(),
    }
}

fn as_service(_arguments: Vec<OsString>) {
    let told = |control| match control {
        ServiceControl::Stop | ServiceControl::Shutdown => {
            STOP.notify_one();
            ServiceControlHandlerResult::NoError
        }
        ServiceControl::ParamChange => {
            RELOAD.notify_one();
            ServiceControlHandlerResult::NoError
        }
        ServiceControl::Interrogate => ServiceControlHandlerResult::NoError,
        _ => ServiceControlHandlerResult::NotImplemented,
    };
    let (Some(main), Ok(manager)) = (MAIN.get(), service_control_handler::register(SERVICE, told)) else { return };
    // What the manager is not told it finds out by the end of the process.
    let _ = manager.set_service_status(status(ServiceState::Running, ServiceExitCode::Win32(0)));
    let has_failed = main() != ExitCode::SUCCESS;
    let code = if has_failed { ServiceExitCode::ServiceSpecific(1) } else { ServiceExitCode::Win32(0) };
    let _ = manager.set_service_status(status(ServiceState::Stopped, code));
}

fn status(current_state: ServiceState, exit_code: ServiceExitCode) -> ServiceStatus {
    let accepted = ServiceControlAccept::STOP | ServiceControlAccept::SHUTDOWN | ServiceControlAccept::PARAM_CHANGE;
    ServiceStatus {
        service_type: ServiceType::OWN_PROCESS,
        current_state,
        controls_accepted: if current_state == ServiceState::Running {
            accepted
        } else {
            ServiceControlAccept::empty()
        },
        exit_code,
        checkpoint: 0,
        wait_hint: Duration::ZERO,
        process_id: None,
    }
}

/// A file has the rights of its folder here: nothing of its own is set.
pub fn owner_only(options: &mut OpenOptions) -> &mut OpenOptions {
    options
}

/// Who may read a file is its folder's affair here.
pub fn rights_of_others(_path: &Path) -> Option<u32> {
    None
}

/// As [`rights_of_others`].
pub fn rights_of_everybody(_path: &Path) -> Option<u32> {
    None
}

/// Nothing is taken from anybody, as [`rights_of_others`] finds none.
///
/// # Errors
/// None.
pub fn close_to_others(_path: &Path) -> io::Result<()> {
    Ok(())
}

/// Not asked: `database.min_free_disk` has no effect here.
pub fn free_disk(_path: &Path) -> Option<u64> {
    None
}

/// The system sets it by itself.
pub fn set_send_buffer(_stream: &TcpStream, _bytes: usize) {}

/// The system gives up when it does so by itself.
pub fn give_up_after(client: ClientBuilder, _limit: Duration) -> ClientBuilder {
    client
}

/// What is typed shows.
pub struct HiddenInput;

impl HiddenInput {
    /// Hides nothing.
    pub fn begin() -> Self {
        Self
    }
}

/// What the service manager or a console says.
pub struct Signals {
    interrupt: CtrlC,
    halt: CtrlBreak,
}

impl Signals {
    /// Begins to listen; from here on neither key ends the process by itself.
    ///
    /// # Errors
    /// The system does not let it listen.
    pub fn listen() -> io::Result<Self> {
        Ok(Self { interrupt: ctrl_c()?, halt: ctrl_break()? })
    }

    /// Waits for the next of them.
    pub async fn next(&mut self) -> Told {
        tokio::select! {
            _ = self.interrupt.recv() => Told::Stop,
            _ = self.halt.recv() => Told::Stop,
            () = STOP.notified() => Told::Stop,
            () = RELOAD.notified() => Told::Reload,
        }
    }
}
