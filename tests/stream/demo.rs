//! `walcast demo`, as somebody who has just heard of it runs it.

use std::process::Command;

#[test]
fn the_demo_ends_with_equal_counts() {
    let output = Command::new(env!("CARGO_BIN_EXE_walcast"))
        .args(["demo", "--seconds", "3", "--rate", "200"])
        .output()
        .expect("the built binary");

    let (out, log) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(0), "{out}\n{log}");
    assert!(out.contains("equal"), "{out}");
}
