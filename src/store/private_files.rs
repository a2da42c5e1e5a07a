//! The ledger's files are for the user that the bridge runs as, and for nobody else.

use std::{
    ffi::OsString,
    fs::OpenOptions,
    io,
    path::{Path, PathBuf},
};

use crate::os;

/// Makes an empty file before anything is written into it, and takes everybody else's rights from what is there already:
/// a SQLite ledger, the log and the index beside it. SQLite gives what it makes beside the ledger the ledger's rights.
pub(super) fn own_ledger(ledger: &Path) {
    // A name of SQLite's own, as of a ledger in memory, which is refused, is no file.
    if ledger.as_os_str().as_encoded_bytes().starts_with(b"file:") {
        return;
    }
    // Where this fails opening the ledger fails as well, and says why.
    let _ = create(ledger);
    for suffix in ["", "-wal", "-shm"] {
        let mut path = OsString::from(ledger);
        path.push(suffix);
        own(&PathBuf::from(path));
    }
}

/// Makes a new file that only its owner can read.
pub(super) fn create(path: &Path) -> io::Result<()> {
    os::owner_only(OpenOptions::new().write(true).create_new(true)).open(path).map(drop)
}

fn own(path: &Path) {
    let Some(mode) = os::rights_of_others(path) else { return };
    let (path_shown, mode_shown) = (path.display(), format!("{mode:o}"));
    match os::close_to_others(path) {
        Ok(()) => tracing::warn!(
            file = %path_shown, mode = mode_shown,
            "账本文件曾对其他用户可读，已收紧 (others could read this file of the ledger; now only its owner can)"
        ),
        Err(error) => tracing::warn!(
            file = %path_shown, mode = mode_shown, %error,
            "账本文件对其他用户可读 (others can read this file of the ledger: chmod 600 it)"
        ),
    }
}
