//! The Java that runs Kafka, Kafka Connect and the schema registry.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::error::{Error, Kind, Result};

/// The oldest Java that Kafka 4 runs on.
const OLDEST_MAJOR: u32 = 17;

/// Where the packages of Linux distributions put their Javas, several beside each other.
const INSTALLED: &str = "/usr/lib/jvm";

/// What to do when a program is missing that fetching or running servers needs.
pub(in crate::local) const REMEDY: &str = "install it, for example with `apt-get install maven default-jre-headless xz-utils`, \
     or run a Docker daemon, which serves as well";

/// Finds a `java` that is new enough for Kafka: in `JAVA_HOME`, then in the path, then where packages install them.
pub(in crate::local) fn find() -> Result<PathBuf> {
    find_for("Kafka", OLDEST_MAJOR)
}

/// The same for a program that wants a later Java than Kafka does.
pub(in crate::local) fn find_for(program: &str, oldest_major: u32) -> Result<PathBuf> {
    let mut told = Vec::new();
    for java in candidates() {
        let Ok(output) = Command::new(&java).arg("-version").stdin(Stdio::null()).output() else { continue };
        // The version is on stderr since Java 1.0.
        match major(&String::from_utf8_lossy(&output.stderr)) {
            Some(major) if major >= oldest_major => return Ok(java),
            Some(major) => told.push(format!("{} is Java {major}", java.display())),
            None => told.push(format!("{} does not say its version", java.display())),
        }
    }
    let error = Error::new(Kind::Local, format!("{program} needs Java {oldest_major} or later and there is none"));
    Err(if told.is_empty() { error } else { error.detail(told.join(", ")) }.hint(REMEDY))
}

fn candidates() -> Vec<PathBuf> {
    let home = std::env::var_os("JAVA_HOME").map(|home| PathBuf::from(home).join("bin/java"));
    let mut installed: Vec<PathBuf> = fs::read_dir(INSTALLED)
        .map(|entries| entries.flatten().map(|entry| entry.path().join("bin/java")).collect())
        .unwrap_or_default();
    installed.retain(|java| java.is_file());
    installed.sort();
    home.into_iter().filter(|java| java.is_file()).chain([PathBuf::from("java")]).chain(installed).collect()
}

/// The full version, fit for a file name.
pub(in crate::local) fn version(java: &Path) -> Option<String> {
    let output = Command::new(java).arg("-version").stdin(Stdio::null()).output().ok()?;
    let banner = String::from_utf8_lossy(&output.stderr).into_owned();
    let version = banner.split('"').nth(1)?;
    Some(version.chars().map(|c| if c.is_ascii_alphanumeric() || c == '.' { c } else { '_' }).collect())
}

/// `openjdk version "17.0.15" 2025-04-15` is 17, `java version "1.8.0_402"` is 1 and so too old.
fn major(banner: &str) -> Option<u32> {
    let version = banner.split('"').nth(1)?;
    version.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_java_that_is_not_there_is_an_error_with_the_remedy() {
        let error = find_for("it", u32::MAX).unwrap_err();
        assert_eq!(error.kind(), Kind::Local);
        assert_eq!(error.hint_text(), Some(REMEDY));
    }

    #[test]
    fn the_major_version_is_read_from_the_banner() {
        assert_eq!(major("openjdk version \"17.0.15\" 2025-04-15\nOpenJDK Runtime"), Some(17));
        assert_eq!(major("openjdk version \"25\" 2025-09-16"), Some(25));
        assert_eq!(major("java version \"1.8.0_402\""), Some(1));
        assert_eq!(major("no such thing"), None);
    }
}
