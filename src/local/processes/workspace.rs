//! The directory in which the servers of one run live, and the guarantee that they do not outlive it.
//!
//! A watcher process (`watcher.sh`) holds the other end of a pipe. When the pipe closes, because the
//! [`Workspace`] is dropped or because this process died in whatever way, the watcher stops the servers that
//! are still noted and removes the directory. Where the watcher died too, the next run removes what is left.
//! A file lock on `owner.lock` tells the living from the dead: process ids can be used again, locks cannot.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::account::{Account, local};
use super::server::Signal;
use crate::error::Result;
use crate::local::Kept;

const PREFIX: &str = "walcast-servers-";
const OWNER_LOCK: &str = "owner.lock";
/// Names the processes of a directory that was kept on purpose, one id a line.
const KEPT: &str = "kept";

/// Directory, account and watcher of one run's servers.
#[derive(Debug)]
pub(in crate::local) struct Workspace {
    directory: PathBuf,
    account: Option<Account>,
    watcher: Mutex<Watcher>,
    servers_made: AtomicU32,
    kept: AtomicBool,
    _owner: File,
}

#[derive(Debug)]
struct Watcher {
    process: Child,
    pipe: Option<ChildStdin>,
    /// Running servers; the watcher has the same list.
    servers: Vec<u32>,
}

impl Workspace {
    /// Makes the directory, starts the watcher, and removes what dead owners left.
    pub(in crate::local) fn open() -> Result<Arc<Self>> {
        let account = Account::for_servers()?;
        let root = root(account);
        sweep(&root);
        Self::open_in(&root, account)
            .map(Arc::new)
            .map_err(|error| local(format!("cannot make a directory for the servers in {}", root.display()), error))
    }

    fn open_in(root: &Path, account: Option<Account>) -> io::Result<Self> {
        let directory = tempfile::Builder::new().prefix(PREFIX).tempdir_in(root)?.keep();
        let owner = File::create(directory.join(OWNER_LOCK))?;
        owner.lock()?;
        // Another account must be able to pass through, and nobody to look around.
        fs::set_permissions(&directory, fs::Permissions::from_mode(0o711))?;
        let mut process = Command::new("sh")
            .arg("-c")
            .arg(include_str!("watcher.sh"))
            .arg("walcast-watcher")
            .arg(&directory)
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()?;
        let pipe = process.stdin.take();
        Ok(Self {
            directory,
            account,
            watcher: Mutex::new(Watcher { process, pipe, servers: Vec::new() }),
            servers_made: AtomicU32::new(0),
            kept: AtomicBool::new(false),
            _owner: owner,
        })
    }

    /// The account for servers that refuse root; none means our own.
    pub(in crate::local) fn account(&self) -> Option<Account> {
        self.account
    }

    /// A path of this run that is not in use; nothing is made there.
    pub(in crate::local) fn path(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    /// Makes a directory for one server, which belongs to the servers' account.
    pub(in crate::local) fn server_directory(&self, name: &str) -> io::Result<PathBuf> {
        let number = self.servers_made.fetch_add(1, Ordering::Relaxed);
        let directory = self.directory.join(format!("{name}-{number}"));
        self.make_directory(&directory, 0o711)?;
        Ok(directory)
    }

    /// Makes a directory that belongs to the servers' account.
    pub(in crate::local) fn make_directory(&self, directory: &Path, mode: u32) -> io::Result<()> {
        fs::create_dir(directory)?;
        fs::set_permissions(directory, fs::Permissions::from_mode(mode))?;
        self.account.map_or(Ok(()), |account| account.own(directory))
    }

    /// From now on the watcher stops this process, by `signal` first, when we are gone.
    pub(super) fn watch(&self, pid: u32, signal: Signal) -> io::Result<()> {
        let mut watcher = self.watcher.lock().unwrap_or_else(PoisonError::into_inner);
        watcher.servers.push(pid);
        watcher.tell(&format!("watch {}:{pid}", signal.name()))
    }

    /// The process has ended; its id may be used again by others.
    pub(super) fn forget(&self, pid: u32) {
        let mut watcher = self.watcher.lock().unwrap_or_else(PoisonError::into_inner);
        watcher.servers.retain(|server| *server != pid);
        // A watcher that is gone has nothing to forget.
        let _ = watcher.tell(&format!("forget {pid}"));
    }

    /// Whether the servers are to stay when they are dropped.
    pub(super) fn is_kept(&self) -> bool {
        self.kept.load(Ordering::Relaxed)
    }

    /// Leaves servers and directory when this process ends.
    pub(super) fn keep(&self) -> Result<Kept> {
        let mut watcher = self.watcher.lock().unwrap_or_else(PoisonError::into_inner);
        let pids: Vec<String> = watcher.servers.iter().map(u32::to_string).collect();
        fs::write(self.directory.join(KEPT), pids.join("\n"))
            .and_then(|()| watcher.tell("keep"))
            .map_err(|error| local("cannot note that the servers are to be kept", error))?;
        self.kept.store(true, Ordering::Relaxed);
        Ok(Kept { stop_command: format!("kill {}; rm -rf {}", pids.join(" "), self.directory.display()) })
    }
}

impl Watcher {
    fn tell(&mut self, line: &str) -> io::Result<()> {
        match &mut self.pipe {
            Some(pipe) => pipe.write_all(format!("{line}\n").as_bytes()),
            None => Ok(()),
        }
    }
}

impl Drop for Workspace {
    fn drop(&mut self) {
        let watcher = self.watcher.get_mut().unwrap_or_else(PoisonError::into_inner);
        // Closing the pipe is the signal; the watcher removes the directory and ends.
        watcher.pipe = None;
        let _ = watcher.process.wait();
    }
}

/// The directory for temporary files, unless the servers' account cannot get there.
fn root(account: Option<Account>) -> PathBuf {
    let usual = std::env::temp_dir();
    // A Unix socket's path has 107 bytes at most, and what we append needs about 50 of them.
    const LONGEST: usize = 50;
    let reached = account.is_none_or(|account| account.reaches(&usual));
    if reached && usual.as_os_str().len() <= LONGEST { usual } else { PathBuf::from("/tmp") }
}

/// Removes directories whose owner is dead. What cannot be removed is left: it may be another user's.
fn sweep(root: &Path) {
    let Ok(entries) = fs::read_dir(root) else { return };
    for entry in entries.flatten() {
        let directory = entry.path();
        let ours = entry.file_name().to_string_lossy().starts_with(PREFIX);
        if ours && is_abandoned(&directory) {
            let _ = fs::remove_dir_all(&directory);
        }
    }
}

fn is_abandoned(directory: &Path) -> bool {
    // A directory without a lock file is just being made, or just being removed.
    let Ok(lock) = File::open(directory.join(OWNER_LOCK)) else { return false };
    if lock.try_lock().is_err() {
        return false;
    }
    match fs::read_to_string(directory.join(KEPT)) {
        Ok(pids) => !pids.lines().any(|pid| Path::new("/proc").join(pid.trim()).exists()),
        Err(_) => !has_living_process(directory),
    }
}

/// Whether some process still works in this directory, because its watcher has not got to it yet.
fn has_living_process(directory: &Path) -> bool {
    let Ok(processes) = fs::read_dir("/proc") else { return true };
    processes.flatten().any(|process| {
        fs::read(process.path().join("cmdline"))
            .is_ok_and(|line| memchr::memmem::find(&line, directory.as_os_str().as_encoded_bytes()).is_some())
    })
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    fn sleeper() -> Child {
        Command::new("sleep").arg("600").process_group(0).spawn().unwrap()
    }

    fn ends(child: &mut Child) -> bool {
        let deadline = Instant::now() + Duration::from_secs(20);
        while Instant::now() < deadline {
            if child.try_wait().unwrap().is_some() {
                return true;
            }
            std::thread::sleep(super::super::POLL_INTERVAL);
        }
        false
    }

    #[test]
    fn a_dropped_workspace_takes_servers_and_directory_with_it() {
        let root = tempfile::tempdir().unwrap();
        let workspace = Workspace::open_in(root.path(), None).unwrap();
        let directory = workspace.server_directory("it").unwrap();
        let mut server = sleeper();
        workspace.watch(server.id(), Signal::Kill).unwrap();

        let waiter = std::thread::spawn(move || ends(&mut server));
        drop(workspace);

        assert!(waiter.join().unwrap(), "the server lives on");
        assert!(!directory.exists() && fs::read_dir(root.path()).unwrap().next().is_none());
    }

    #[test]
    fn a_forgotten_process_is_left_alone() {
        let root = tempfile::tempdir().unwrap();
        let workspace = Workspace::open_in(root.path(), None).unwrap();
        let mut bystander = sleeper();
        workspace.watch(bystander.id(), Signal::Kill).unwrap();
        workspace.forget(bystander.id());

        drop(workspace);

        assert!(bystander.try_wait().unwrap().is_none(), "the bystander was stopped");
        bystander.kill().unwrap();
        bystander.wait().unwrap();
    }

    #[test]
    fn a_kept_workspace_stays_and_is_swept_only_after_its_servers_ended() {
        let root = tempfile::tempdir().unwrap();
        let workspace = Workspace::open_in(root.path(), None).unwrap();
        let mut server = sleeper();
        workspace.watch(server.id(), Signal::Kill).unwrap();
        let directory = workspace.path("");

        let kept = workspace.keep().unwrap();
        drop(workspace);
        sweep(root.path());

        assert!(directory.exists() && server.try_wait().unwrap().is_none());
        assert!(kept.stop_command.starts_with(&format!("kill {}; rm -rf ", server.id())), "{kept:?}");

        server.kill().unwrap();
        server.wait().unwrap();
        sweep(root.path());
        assert!(!directory.exists());
    }

    #[test]
    fn a_directory_with_a_living_owner_is_not_swept() {
        let root = tempfile::tempdir().unwrap();
        let workspace = Workspace::open_in(root.path(), None).unwrap();

        sweep(root.path());

        assert!(workspace.path("").exists());
    }
}
