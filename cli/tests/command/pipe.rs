//! What becomes of a command whose output nobody reads.

#![cfg(unix)]

use std::io::Read as _;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Command, Stdio};

#[test]
fn a_command_ends_without_a_word_where_nobody_reads_on() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_iaxproof"))
        .args(["sim", "--seeds", "0..100000", "--print-plan"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut some = [0; 10];
    child.stdout.take().unwrap().read_exact(&mut some).unwrap();
    let ended = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8_lossy(&ended.stderr), "");
    assert_eq!(ended.status.signal(), Some(signal_hook::consts::SIGPIPE));
}
