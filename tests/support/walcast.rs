//! The built binary as a child process.

use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};
use tempfile::TempDir;

use super::database::Database;
use super::topics::Topics;
use super::wait;

/// A connector configuration for one database and one prefix, as an untouched Debezium file would have it.
pub(crate) fn connector_config(database: &Database<'_>, topics: &Topics) -> Map<String, Value> {
    let config = json!({
        "connector.class": "io.debezium.connector.postgresql.PostgresConnector",
        "plugin.name": "pgoutput",
        "database.hostname": database.server.host(),
        "database.port": database.server.port().to_string(),
        "database.user": database.server.user(),
        "database.dbname": database.name,
        "slot.name": database.slot,
        "publication.name": database.publication,
        "topic.prefix": topics.prefix,
        "snapshot.mode": "no_data",
    });
    match config {
        Value::Object(config) => config,
        _ => unreachable!("it is written as an object above"),
    }
}

/// The configuration with these properties besides.
pub(crate) fn with_properties(mut config: Map<String, Value>, properties: &[(&str, &str)]) -> Map<String, Value> {
    config.extend(properties.iter().map(|(name, value)| ((*name).to_owned(), Value::from(*value))));
    config
}

/// A running `walcast`; dropping it kills it.
pub(crate) struct Walcast {
    child: Child,
    stdout: Written,
    stderr: Written,
    guard: Guard,
    listen_port: u16,
    _directory: TempDir,
}

/// What one output of the process has written so far. It is always read, so that the child never waits for us.
struct Written {
    text: Arc<Mutex<String>>,
    reader: Option<JoinHandle<()>>,
}

impl Written {
    fn to(output: impl Read + Send + 'static) -> Self {
        let text = Arc::new(Mutex::new(String::new()));
        let written = Arc::clone(&text);
        let reader = std::thread::spawn(move || {
            for line in BufReader::new(output).split(b'\n').map_while(Result::ok) {
                let mut text = written.lock().expect("no panic while it is held");
                text.push_str(&String::from_utf8_lossy(&line));
                text.push('\n');
            }
        });
        Self { text, reader: Some(reader) }
    }

    fn so_far(&self) -> String {
        self.text.lock().expect("no panic while it is held").clone()
    }

    fn wait_complete(&mut self) {
        if let Some(reader) = self.reader.take() {
            reader.join().expect("the reader of an output");
        }
    }
}

/// Kills a process when this process is gone, however it went.
struct Guard {
    shell: Child,
    _pipe: Option<ChildStdin>,
}

impl Guard {
    fn of(pid: u32) -> Self {
        let mut shell = Command::new("sh")
            .args(["-c", "trap '' HUP INT TERM; read -r _; kill -s KILL \"$1\"", "guard", &pid.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("sh");
        let pipe = shell.stdin.take();
        Self { shell, _pipe: pipe }
    }

    fn dismiss(&mut self) {
        let _ = self.shell.kill();
        let _ = self.shell.wait();
    }
}

impl Walcast {
    /// `walcast run` with this configuration against this broker.
    pub(crate) fn run(config: &Map<String, Value>, topics: &Topics) -> Self {
        let bootstrap = topics.client().get("bootstrap.servers").expect("set").to_owned();
        Self::run_with(config, &["--bootstrap-servers", &bootstrap])
    }

    /// `walcast run` with this configuration and more arguments.
    pub(crate) fn run_with(config: &Map<String, Value>, arguments: &[&str]) -> Self {
        Self::run_file("connector.json", &Value::Object(config.clone()).to_string(), arguments, &[])
    }

    /// `walcast run` with a file of this name and text, more arguments, and more environment variables. It
    /// listens on a free port unless the arguments say otherwise.
    pub(crate) fn run_file(name: &str, text: &str, arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        let directory = tempfile::tempdir().expect("a directory for the configuration");
        let file = directory.path().join(name);
        std::fs::write(&file, text).expect("a configuration file");
        let listen_port = free_port();
        let mut command = Command::new(env!("CARGO_BIN_EXE_walcast"));
        command.arg("run").arg(&file).args(arguments);
        if !arguments.contains(&"--listen") {
            command.args(["--listen", &format!("127.0.0.1:{listen_port}")]);
        }
        let mut child = command
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the built binary");
        let guard = Guard::of(child.id());
        let stdout = Written::to(child.stdout.take().expect("it is piped"));
        let stderr = Written::to(child.stderr.take().expect("it is piped"));
        Self { child, stdout, stderr, guard, listen_port, _directory: directory }
    }

    /// What it has written to stderr so far.
    pub(crate) fn stderr(&self) -> String {
        self.stderr.so_far()
    }

    /// The whole lines that it has written to stdout so far.
    pub(crate) fn stdout(&self) -> String {
        self.stdout.so_far()
    }

    /// Process id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits until it streams from the slot; fails at once when it ends before.
    #[track_caller]
    pub(crate) fn wait_until_streaming(&mut self, database: &Database<'_>) {
        wait::until("walcast streams from the slot", wait::PATIENCE, || {
            if let Some(status) = self.child.try_wait().expect("a child of ours") {
                panic!("walcast ended before it streamed: {status}\n{}", self.stderr());
            }
            database.walsender().is_some()
        });
    }

    /// Waits until stderr contains a text.
    #[track_caller]
    pub(crate) fn wait_until_logged(&self, text: &str) {
        let deadline = Instant::now() + wait::PATIENCE;
        wait::until(&format!("walcast logs {text:?}"), wait::PATIENCE * 2, || {
            assert!(Instant::now() < deadline, "walcast did not log {text:?} but:\n{}", self.stderr());
            self.stderr().contains(text)
        });
    }

    /// Status code and body of an HTTP path, for example `/health`; none while nothing listens.
    pub(crate) fn http(&self, path: &str) -> Option<(u16, String)> {
        http_at(self.listen_port, path)
    }

    /// The port that it is told to listen on.
    pub(crate) fn listen_port(&self) -> u16 {
        self.listen_port
    }

    /// The value of one sample of `/metrics`, by its full text up to the value.
    pub(crate) fn metric(&self, sample: &str) -> Option<f64> {
        let (_, body) = self.http("/metrics")?;
        body.lines().find_map(|line| line.strip_prefix(sample)?.trim().parse().ok())
    }

    /// Resident memory, bytes.
    pub(crate) fn resident_bytes(&self) -> u64 {
        self.memory_bytes("VmRSS:")
    }

    /// The most that the resident memory ever was, bytes.
    pub(crate) fn peak_resident_bytes(&self) -> u64 {
        self.memory_bytes("VmHWM:")
    }

    fn memory_bytes(&self, what: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid())).expect("it runs");
        let line = status.lines().find(|line| line.starts_with(what)).expect(what);
        let kib: u64 = line.split_ascii_whitespace().nth(1).and_then(|kib| kib.parse().ok()).expect("a number");
        kib * 1024
    }

    /// Processor time that it has used so far.
    pub(crate) fn cpu_time(&self) -> Duration {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.pid())).expect("it runs");
        // Behind the name in parentheses, fields 12 and 13 are user and system time in hundredths of a second.
        let (_, fields) = stat.rsplit_once(')').expect("a name in parentheses");
        let ticks: u64 =
            fields.split_ascii_whitespace().skip(11).take(2).map(|field| field.parse::<u64>().expect("ticks")).sum();
        Duration::from_millis(ticks * 10)
    }

    /// Sends SIGTERM.
    pub(crate) fn order_stop(&self) {
        signal(self.pid(), "TERM");
    }

    /// Sends SIGTERM and waits for the end.
    #[track_caller]
    pub(crate) fn terminate(&mut self) -> ExitStatus {
        signal(self.pid(), "TERM");
        self.wait_exit()
    }

    /// Sends SIGINT and waits for the end.
    #[track_caller]
    pub(crate) fn interrupt(&mut self) -> ExitStatus {
        signal(self.pid(), "INT");
        self.wait_exit()
    }

    /// Freezes the process (SIGSTOP).
    pub(crate) fn pause(&self) {
        signal(self.pid(), "STOP");
    }

    /// Lets a frozen process go on (SIGCONT).
    pub(crate) fn resume(&self) {
        signal(self.pid(), "CONT");
    }

    /// `kill -9`, and waits for the end.
    pub(crate) fn kill(&mut self) {
        self.guard.dismiss();
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Waits until it ends by itself; its output is complete afterwards.
    #[track_caller]
    pub(crate) fn wait_exit(&mut self) -> ExitStatus {
        let deadline = Instant::now() + wait::PATIENCE;
        let status = wait::until_some("walcast ends", wait::PATIENCE * 2, || {
            assert!(Instant::now() < deadline, "walcast does not end:\n{}", self.stderr());
            self.child.try_wait().expect("a child of ours")
        });
        self.guard.dismiss();
        self.stdout.wait_complete();
        self.stderr.wait_complete();
        status
    }
}

impl Drop for Walcast {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            eprintln!("walcast wrote:\n{}", self.stderr());
        }
    }
}

/// Status code and body of an HTTP path at a port of this machine; none while nothing listens.
pub(crate) fn http_at(port: u16, path: &str) -> Option<(u16, String)> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(10))).ok()?;
    write!(stream, "GET {path} HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let status = head.split_ascii_whitespace().nth(1)?.parse().ok()?;
    Some((status, body.to_owned()))
}

fn signal(pid: u32, name: &str) {
    let status =
        Command::new("sh").args(["-c", "kill -s \"$1\" \"$2\"", "kill", name, &pid.to_string()]).status().expect("sh");
    assert!(status.success(), "cannot send SIG{name} to {pid}");
}

/// A port below the range of outgoing connections that nothing listens on.
fn free_port() -> u16 {
    wait::until_some("there is a free port", wait::PATIENCE, || {
        let port = fastrand::u16(10_000..18_000);
        TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok().then_some(port)
    })
}
