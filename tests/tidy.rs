//! Rules about the tree itself: which room may import which, file lengths, which rooms may know a runtime.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// What each room may import, besides itself and the four that everybody may: `error`, `lsn`, `pgtime`, `ledger`.
///
/// The order is the way of the data: a room imports what lies to its left, never what lies to its right.
const MAY_IMPORT: &[(&str, &[&str])] = &[
    ("error", &[]),
    ("lsn", &[]),
    ("pgtime", &[]),
    ("ledger", &[]),
    ("config", &[]),
    ("wire", &["config"]),
    ("pgoutput", &[]),
    ("catalog", &["pgoutput"]),
    ("value", &["pgoutput", "catalog"]),
    ("event", &["pgoutput", "catalog", "value"]),
    ("source", &["config", "wire", "pgoutput", "catalog"]),
    ("assemble", &["pgoutput", "catalog", "value", "event"]),
    ("schema", &["config", "pgoutput", "catalog", "value"]),
    ("encode", &["config", "pgoutput", "catalog", "value", "event", "schema"]),
    ("signal", &["config"]),
    ("snapshot", &["config", "pgoutput", "catalog", "event", "progress", "signal", "source", "wire"]),
    ("history", &["pgoutput", "catalog"]),
    ("progress", &[]),
    ("registry", &["config", "wire", "encode"]),
    ("sink", &["config", "encode", "history", "progress"]),
    ("observe", &["config"]),
    (
        "pipeline",
        &[
            "config", "wire", "pgoutput", "catalog", "value", "event", "source", "assemble", "encode", "history",
            "registry", "sink", "observe", "snapshot", "progress", "signal",
        ],
    ),
    ("local", &["config"]),
    ("cli", &["config", "sink", "source", "observe", "pipeline", "local"]),
];

const EVERYBODY: &[&str] = &["error", "lsn", "pgtime", "ledger"];

/// `ledger` is the heart and may itself import only positions.
const STRICT: &[(&str, &[&str])] = &[("ledger", &["lsn"]), ("lsn", &[]), ("pgtime", &[]), ("error", &["lsn"])];

fn source_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// First path component below `src`, without `.rs`.
fn room(path: &Path) -> String {
    let inside = path.strip_prefix(root().join("src")).unwrap();
    let first = inside.components().next().unwrap().as_os_str().to_str().unwrap();
    first.trim_end_matches(".rs").to_owned()
}

/// Names behind `crate::` in code, with comments and in-file test modules left out.
fn imports(text: &str) -> Vec<String> {
    let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    let mut names = Vec::new();
    for line in code.lines().map(str::trim_start).filter(|line| !line.starts_with("//")) {
        let mut rest = line;
        while let Some(at) = rest.find("crate::") {
            rest = &rest[at + "crate::".len()..];
            if let Some(group) = rest.strip_prefix('{') {
                let group = group.split('}').next().unwrap_or_default();
                names
                    .extend(group.split(',').map(|name| name.trim().split("::").next().unwrap_or_default().to_owned()));
            } else {
                names.push(rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect());
            }
        }
    }
    names.retain(|name| !name.is_empty());
    names
}

fn is_test_file(path: &Path) -> bool {
    path.file_stem().and_then(|stem| stem.to_str()).is_some_and(|stem| stem == "tests" || stem.ends_with("_tests"))
}

#[test]
fn imports_go_one_way() {
    let table: BTreeMap<&str, &[&str]> = MAY_IMPORT.iter().copied().collect();
    let strict: BTreeMap<&str, &[&str]> = STRICT.iter().copied().collect();
    let (mut wrong, mut seen) = (Vec::new(), 0);
    for path in source_files(&root().join("src")) {
        let from = room(&path);
        if from == "lib" || from == "main" || is_test_file(&path) {
            continue;
        }
        let Some(allowed) = table.get(from.as_str()) else {
            wrong.push(format!("{}: room `{from}` has no row in the table", path.display()));
            continue;
        };
        for to in imports(&fs::read_to_string(&path).unwrap()) {
            if to == from || !table.contains_key(to.as_str()) {
                continue;
            }
            seen += 1;
            let fine = match strict.get(from.as_str()) {
                Some(only) => only.contains(&to.as_str()),
                None => EVERYBODY.contains(&to.as_str()) || allowed.contains(&to.as_str()),
            };
            if !fine {
                wrong.push(format!("{}: `{from}` must not import `{to}`", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "imports against the direction of the data:\n{}", wrong.join("\n"));
    assert!(seen > 50, "only {seen} imports were found: the scan itself is broken");
}

#[test]
fn a_wrong_import_would_be_seen() {
    assert_eq!(imports("use crate::sink::Record;\n// crate::x\nlet a = crate::wire::Frame;"), ["sink", "wire"]);
    assert_eq!(imports("use crate::{lsn::Lsn, sink};"), ["lsn", "sink"]);
    assert_eq!(imports("use crate::lsn;\n#[cfg(test)]\nmod tests {\nuse crate::sink;\n}"), ["lsn"]);
}

#[test]
fn files_stay_small() {
    let mut long = Vec::new();
    for folder in ["src", "tests"] {
        for path in source_files(&root().join(folder)) {
            let lines = fs::read_to_string(&path).unwrap().lines().count();
            if lines > 500 {
                long.push(format!("{} has {lines} lines", path.display()));
            }
        }
    }
    assert!(long.is_empty(), "split these by noun:\n{}", long.join("\n"));
}

#[test]
fn only_the_shells_are_asynchronous() {
    // The rest is synchronous and pure, so that it can be tested by the thousand without a runtime.
    let shells = ["wire", "source", "registry", "sink", "pipeline", "observe", "local", "cli"];
    let mut wrong = Vec::new();
    for path in source_files(&root().join("src")) {
        let text = fs::read_to_string(&path).unwrap();
        let pure_core = path.ends_with("pipeline/core.rs") || path.ends_with("pipeline/input.rs");
        // What a snapshot decides is pure; what reads for it is not.
        let readers = path.ends_with("snapshot/readers.rs");
        if (pure_core || !shells.contains(&room(&path).as_str()))
            && !readers
            && !path.ends_with("main.rs")
            && text.contains("tokio::")
        {
            wrong.push(path.display().to_string());
        }
    }
    assert!(wrong.is_empty(), "these must not know a runtime:\n{}", wrong.join("\n"));
}
