//! A hot standby of a server that runs as a process.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use walcast::local::{PostgresServer, StopMode};

use super::wait;

/// Stopped and removed when dropped.
pub(crate) struct Standby {
    pub(crate) port: u16,
    process: Child,
    data: PathBuf,
}

impl Standby {
    /// Copies a server that is a process while it is stopped, and starts both.
    pub(crate) fn of(primary: &dyn PostgresServer) -> Self {
        let (from, pid) = (primary.data_dir().expect("a process"), primary.pid().expect("a process"));
        let program = fs::read_link(format!("/proc/{pid}/exe")).unwrap();
        let data = from.with_file_name("standby");
        let owner = fs::metadata(from).unwrap();
        primary.stop(StopMode::Fast).unwrap();
        assert!(Command::new("cp").arg("-a").arg(from).arg(&data).status().unwrap().success());
        primary.start_again().unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        fs::write(data.join("standby.signal"), "").unwrap();
        chown(data.join("standby.signal"), Some(owner.uid()), Some(owner.gid())).unwrap();
        let mut settings = OpenOptions::new().append(true).open(data.join("postgresql.conf")).unwrap();
        let (host, source, user) = (primary.host(), primary.port(), primary.user());
        writeln!(settings, "primary_conninfo = 'host={host} port={source} user={user}'").unwrap();
        writeln!(settings, "hot_standby_feedback = on\nwal_receiver_status_interval = 1s").unwrap();
        let mut command = Command::new(program);
        command.arg("-D").arg(&data).arg("-p").arg(port.to_string()).stdout(Stdio::null());
        command.stderr(fs::File::create(from.with_file_name("standby.log")).unwrap()).current_dir("/");
        if fs::metadata("/proc/self").unwrap().uid() == 0 {
            command.uid(owner.uid()).gid(owner.gid());
        }
        let standby = Self { port, process: command.spawn().unwrap(), data };
        wait::until("the standby takes connections", wait::PATIENCE, || {
            fs::read_to_string(standby.data.join("postmaster.pid"))
                .is_ok_and(|status| status.lines().nth(7).is_some_and(|line| line.trim() == "ready"))
        });
        standby
    }
}

impl Drop for Standby {
    fn drop(&mut self) {
        let _ = Command::new("kill").arg("-INT").arg(self.process.id().to_string()).status();
        let _ = self.process.wait();
        let _ = fs::remove_dir_all(&self.data);
    }
}
