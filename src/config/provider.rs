//! Kafka's configuration providers: `${env:NAME}`, `${file:PATH:KEY}` and `${dir:PATH:FILE}` inside values.
//!
//! Owns [`Providers`]. As Kafka's `ConfigTransformer`, a value is looked through once, so that what a provider
//! gives is never looked through again. Everything a provider gives is a secret from then on.

use std::path::Path;

use super::properties;

/// Longest file that a provider reads.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// Where references are looked up.
pub(super) struct Providers<'a> {
    /// The process environment, or what a test puts in its place.
    pub(super) variable: &'a dyn Fn(&str) -> Option<String>,
}

/// A value after its references were filled in.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Resolved {
    pub(super) value: String,
    /// Whether a part of it came from a provider.
    pub(super) secret: bool,
}

impl Providers<'_> {
    /// Fills in every `${provider:..}`. Other texts in `${}` stay as they are, as in Kafka.
    pub(super) fn resolve(&self, value: &str) -> Result<Resolved, String> {
        let mut resolved = Resolved { value: String::new(), secret: false };
        let mut rest = value;
        while let Some((before, after)) = rest.split_once("${") {
            resolved.value.push_str(before);
            match after.split_once('}').filter(|(reference, _)| reference.contains(':')) {
                Some((reference, tail)) => {
                    resolved.value.push_str(&self.look_up(reference)?);
                    resolved.secret = true;
                    rest = tail;
                }
                None => {
                    resolved.value.push_str("${");
                    rest = after;
                }
            }
        }
        resolved.value.push_str(rest);
        Ok(resolved)
    }

    fn look_up(&self, reference: &str) -> Result<String, String> {
        let (provider, rest) = reference.split_once(':').unwrap_or((reference, ""));
        match provider {
            "env" => {
                let name = rest.trim_start_matches(':');
                (self.variable)(name).ok_or_else(|| format!("${{{reference}}}: the environment has no variable {name}"))
            }
            "file" | "dir" | "directory" => {
                let (path, key) = rest
                    .rsplit_once(':')
                    .ok_or_else(|| format!("${{{reference}}} must be ${{{provider}:PATH:KEY}}"))?;
                let value = if provider == "file" { from_file(path, key) } else { from_directory(path, key) };
                value.map_err(|why| format!("${{{reference}}}: {why}"))
            }
            other => {
                Err(format!("${{{reference}}}: there is no configuration provider {other:?}; use env, file or dir"))
            }
        }
    }
}

/// `FileConfigProvider`: a key of a `.properties` file.
fn from_file(path: &str, key: &str) -> Result<String, String> {
    let text = read(Path::new(path))?;
    let (entries, _) = properties::parse(&text);
    // The last one wins where a key stands twice, as in Java.
    let found = entries.into_iter().rev().find(|entry| entry.key == key);
    found.map(|entry| entry.value).ok_or_else(|| format!("{path} has no key {key}"))
}

/// `DirectoryConfigProvider`: the content of a file. One line end at its end is not part of a secret.
fn from_directory(path: &str, file: &str) -> Result<String, String> {
    if file.is_empty() || file.contains('/') || file == ".." {
        return Err(format!("{file:?} is not the name of a file in {path}"));
    }
    let text = read(&Path::new(path).join(file))?;
    let text = text.strip_suffix('\n').unwrap_or(&text);
    Ok(text.strip_suffix('\r').unwrap_or(text).to_owned())
}

fn read(path: &Path) -> Result<String, String> {
    let cannot = |error: std::io::Error| format!("{} cannot be read: {error}", path.display());
    let length = std::fs::metadata(path).map_err(cannot)?.len();
    if length > FILE_BYTES_MAX {
        return Err(format!("{} has {length} bytes, more than the {FILE_BYTES_MAX} that are read", path.display()));
    }
    std::fs::read_to_string(path).map_err(cannot)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variable(name: &str) -> Option<String> {
        (name == "PASSWORD").then(|| "s3cret${env:PASSWORD}".to_owned())
    }

    #[test]
    fn references_are_filled_in_once_and_make_a_value_secret() {
        let providers = Providers { variable: &variable };
        for (value, filled, secret) in [
            ("plain", "plain", false),
            ("${env:PASSWORD}", "s3cret${env:PASSWORD}", true),
            ("a-${env:PASSWORD}-b", "a-s3cret${env:PASSWORD}-b", true),
            ("${routedByValue}", "${routedByValue}", false),
            ("$1 ${ open", "$1 ${ open", false),
        ] {
            let resolved = providers.resolve(value).expect(value);
            assert_eq!((resolved.value.as_str(), resolved.secret), (filled, secret), "{value}");
        }
    }

    #[test]
    fn files_and_directories_are_read() {
        let place = tempfile::tempdir().expect("a directory");
        let path = place.path().display().to_string();
        std::fs::write(place.path().join("db.properties"), "# secrets\nuser=u\npass.word = p=w \n").expect("written");
        std::fs::write(place.path().join("token"), "t0ken\n").expect("written");
        let providers = Providers { variable: &variable };
        for (value, filled) in
            [(format!("${{file:{path}/db.properties:pass.word}}"), "p=w "), (format!("${{dir:{path}:token}}"), "t0ken")]
        {
            assert_eq!(providers.resolve(&value).expect("resolved").value, filled);
        }
    }

    #[test]
    fn what_cannot_be_looked_up_is_named() {
        let providers = Providers { variable: &variable };
        for (value, part) in [
            ("${env:NOBODY}", "no variable NOBODY"),
            ("${vault:secret/db:password}", "provider \"vault\""),
            ("${file:/nowhere/at/all:key}", "/nowhere/at/all cannot be read"),
            ("${file:key}", "${file:PATH:KEY}"),
            ("${dir:/etc:../passwd}", "not the name of a file"),
        ] {
            let why = providers.resolve(value).expect_err(value);
            assert!(why.contains(part), "{value}: {why}");
        }
    }
}
