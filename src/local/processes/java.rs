//! The Java that runs Kafka and Kafka Connect.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::error::{Error, Kind, Result};

/// The oldest Java that Kafka 4 runs on.
const OLDEST_MAJOR: u32 = 17;

/// What to do when a program is missing that fetching or running servers needs.
pub(in crate::local) const REMEDY: &str = "install it, for example with `apt-get install maven default-jre-headless xz-utils`, \
     or run a Docker daemon, which serves as well";

/// Finds `java`, in `JAVA_HOME` first, and checks its version.
pub(in crate::local) fn find() -> Result<PathBuf> {
    let program = std::env::var_os("JAVA_HOME")
        .map(|home| PathBuf::from(home).join("bin/java"))
        .filter(|java| java.is_file())
        .unwrap_or_else(|| PathBuf::from("java"));
    let output = Command::new(&program).arg("-version").stdin(Stdio::null()).output().map_err(|error| {
        Error::new(Kind::Local, "Kafka needs Java 17 or later and there is none").caused_by(error).hint(REMEDY)
    })?;
    // The version is on stderr since Java 1.0.
    let banner = String::from_utf8_lossy(&output.stderr);
    match major(&banner) {
        Some(major) if major >= OLDEST_MAJOR => Ok(program),
        found => Err(Error::new(Kind::Local, "Kafka needs Java 17 or later and this one is older")
            .detail(match found {
                Some(major) => format!("{} is Java {major}", program.display()),
                None => format!("{} does not say its version", program.display()),
            })
            .hint(REMEDY)),
    }
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
    fn the_major_version_is_read_from_the_banner() {
        assert_eq!(major("openjdk version \"17.0.15\" 2025-04-15\nOpenJDK Runtime"), Some(17));
        assert_eq!(major("openjdk version \"25\" 2025-09-16"), Some(25));
        assert_eq!(major("java version \"1.8.0_402\""), Some(1));
        assert_eq!(major("no such thing"), None);
    }
}
