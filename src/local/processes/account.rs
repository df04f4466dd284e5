//! The account that servers run under which refuse to run as root.
//!
//! Owns [`Account`] and the question which directories it can reach. Has no meaning unless this process is root.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;

use crate::error::{Error, Kind, Result};

/// A user of this machine without rights of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::local) struct Account {
    uid: u32,
    gid: u32,
}

impl Account {
    /// The account to run PostgreSQL under: nobody's when this process is root, else none, which means our own.
    pub(in crate::local) fn for_servers() -> Result<Option<Self>> {
        let uid = fs::metadata("/proc/self").map_err(|error| local("cannot read /proc/self", error))?.uid();
        if uid != 0 {
            return Ok(None);
        }
        let passwd = fs::read_to_string("/etc/passwd").map_err(|error| local("cannot read /etc/passwd", error))?;
        // initdb looks its own account up by number, so a bare number without an entry would not do.
        Self::unprivileged(&passwd).map(Some).ok_or_else(|| {
            Error::new(Kind::Local, "PostgreSQL must not run as root and /etc/passwd has no unprivileged account")
                .hint("add a user named nobody or postgres, or run walcast as a normal user")
        })
    }

    fn unprivileged(passwd: &str) -> Option<Self> {
        ["nobody", "postgres", "daemon"].iter().find_map(|wanted| {
            passwd.lines().find_map(|line| {
                let mut fields = line.split(':');
                let (name, _password) = (fields.next()?, fields.next()?);
                let (uid, gid) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
                (name == *wanted && uid != 0).then_some(Self { uid, gid })
            })
        })
    }

    /// Whether every directory on the way to `path`, and `path` itself, lets this account through.
    pub(in crate::local) fn reaches(self, path: &Path) -> bool {
        path.ancestors().filter(|ancestor| ancestor.as_os_str() != OsStr::new("")).all(|ancestor| {
            fs::metadata(ancestor).is_ok_and(|metadata| {
                let mode = metadata.mode();
                match (metadata.uid() == self.uid, metadata.gid() == self.gid) {
                    (true, _) => mode & 0o100 != 0,
                    (false, true) => mode & 0o010 != 0,
                    (false, false) => mode & 0o001 != 0,
                }
            })
        })
    }

    /// Makes `command` run under this account, without our supplementary groups.
    pub(in crate::local) fn run(self, command: &mut Command) {
        command.uid(self.uid).gid(self.gid);
    }

    /// Gives a file or directory to this account.
    pub(in crate::local) fn own(self, path: &Path) -> io::Result<()> {
        chown(path, Some(self.uid), Some(self.gid))
    }
}

/// A failed call to the operating system, with what we wanted from it.
pub(in crate::local) fn local(message: impl Into<String>, error: io::Error) -> Error {
    Error::new(Kind::Local, message).caused_by(error)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn the_unprivileged_account_is_never_root() {
        let passwd = "root:x:0:0::/root:/bin/sh\nnobody:x:0:0::/:/bin/false\npostgres:x:70:71::/:/bin/sh\n";
        assert_eq!(Account::unprivileged(passwd), Some(Account { uid: 70, gid: 71 }));
        assert_eq!(Account::unprivileged("root:x:0:0::/root:/bin/sh\n"), None);
    }

    #[test]
    fn a_directory_without_search_rights_is_not_reached() {
        let stranger = Account { uid: 4_000_000_000, gid: 4_000_000_000 };
        let directory = tempfile::tempdir().unwrap();
        let inner = directory.path().join("inner");
        fs::create_dir(&inner).unwrap();

        fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o711)).unwrap();
        fs::set_permissions(&inner, fs::Permissions::from_mode(0o711)).unwrap();
        assert!(stranger.reaches(&inner));

        fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o700)).unwrap();
        assert!(!stranger.reaches(&inner));
    }
}
