//! The control socket in the file system: made with mode 0600 before it has its name, removed at the end.

use std::io::{Error as IoError, ErrorKind};
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use crate::error::Error;

/// How often a socket that is dead is removed before somebody else must be making new ones.
const TRIES: usize = 3;

/// A bound socket.
#[derive(Debug)]
pub(super) struct Socket {
    listener: UnixListener,
    path: PathBuf,
    inode: u64,
}

impl Socket {
    /// Binds. A socket that nobody listens to any more, as a killed server leaves it, is replaced.
    pub(super) fn bind(path: &Path) -> Result<Self, Error> {
        let broke = |error| Error::io("cannot make the control socket", path)(error);
        for _ in 0..TRIES {
            match bind(path) {
                Ok((listener, inode)) => {
                    return Ok(Socket {
                        listener,
                        path: path.to_owned(),
                        inode,
                    });
                }
                Err(error) if error.kind() == ErrorKind::AlreadyExists => remove_dead(path)?,
                Err(error) => return Err(broke(error)),
            }
        }
        Err(broke(IoError::from(ErrorKind::AddrInUse)))
    }

    /// The listening end, for a thread.
    pub(super) fn listener(&self) -> Result<UnixListener, Error> {
        let listener = self.listener.try_clone();
        listener.map_err(Error::io("cannot listen on", &self.path))
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        // Where it is not ours any more, it is somebody else's.
        if inode(&self.path).is_ok_and(|inode| inode == self.inode) {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

/// Binds in a folder that is ours alone, sets the mode, and gives the socket its name, which nobody may have. So there is no
/// moment in which others could connect, whatever the umask.
fn bind(path: &Path) -> std::io::Result<(UnixListener, u64)> {
    let beside = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty());
    let folder = tempfile::Builder::new()
        .prefix(".iaxproof-")
        .permissions(std::fs::Permissions::from_mode(0o700))
        .tempdir_in(beside.unwrap_or(Path::new(".")))?;
    let unnamed = folder.path().join("s");
    let listener = UnixListener::bind(&unnamed)?;
    std::fs::set_permissions(&unnamed, std::fs::Permissions::from_mode(0o600))?;
    std::fs::hard_link(&unnamed, path)?;
    Ok((listener, inode(path)?))
}

/// Removes a socket that nobody listens to.
fn remove_dead(path: &Path) -> Result<(), Error> {
    let cannot = || Error::io("cannot make the control socket", path);
    let found = std::fs::symlink_metadata(path).map_err(cannot())?;
    if !found.file_type().is_socket() {
        return Err(Error::Usage(format!(
            "--control {}: there is a file that is not a socket",
            path.display()
        )));
    }
    match UnixStream::connect(path) {
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => {
            tracing::info!(path = %path.display(), "the control socket of a dead server is replaced");
            std::fs::remove_file(path).map_err(cannot())
        }
        // It was removed meanwhile.
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(cannot()(error)),
        Ok(_) => Err(Error::Usage(format!(
            "--control {}: another server listens there",
            path.display()
        ))),
    }
}

fn inode(path: &Path) -> std::io::Result<u64> {
    Ok(std::fs::symlink_metadata(path)?.ino())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dead_socket_is_replaced_a_live_one_refused_and_ours_removed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("control");
        // A listener that is closed leaves its socket behind.
        drop(UnixListener::bind(&path).unwrap());
        let socket = Socket::bind(&path).unwrap();
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert!(UnixStream::connect(&path).is_ok());
        let refused = Socket::bind(&path).unwrap_err().to_string();
        assert!(
            refused.contains("another server listens there"),
            "{refused}"
        );
        drop(socket);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_file_that_is_no_socket_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("precious");
        std::fs::write(&path, "data").unwrap();
        let refused = Socket::bind(&path).unwrap_err().to_string();
        assert!(refused.contains("not a socket"), "{refused}");
        assert_eq!(std::fs::read(&path).unwrap(), b"data");
    }
}
