//! A page in headless Chromium: what its script made of it, and a picture.

use std::path::Path;
use std::process::Command;

/// How many pixels the window has.
const WINDOW: &str = "--window-size=1400,900";

/// The page as text after its script ran; `None` where Chromium is not installed. `hash` is what follows the `#` of the address.
pub(crate) fn dom(page: &Path, hash: &str) -> Option<String> {
    run(page, hash, "--dump-dom")
}

/// Leaves a picture of the page; `None` where Chromium is not installed.
pub(crate) fn picture(page: &Path, hash: &str, to: &Path) -> Option<String> {
    let _ = std::fs::remove_file(to);
    run(page, hash, &format!("--screenshot={}", to.display()))
}

/// What the page says of itself: the attribute of this name of its root.
pub(crate) fn mark<'a>(dom: &'a str, name: &str) -> Option<&'a str> {
    let root = &dom[dom.find("<html")?..];
    let root = &root[..root.find('>')?];
    let (_, value) = root.split_once(&format!("data-{name}=\""))?;
    value.split('"').next()
}

fn run(page: &Path, hash: &str, what: &str) -> Option<String> {
    let profile = tempfile::tempdir().unwrap();
    let output = Command::new("chromium")
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
        ])
        .args(["--no-first-run", "--disable-background-networking"])
        .args(["--disable-component-update", "--disable-sync", WINDOW])
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .arg(what)
        .arg(format!("file://{}#{hash}", page.display()))
        .output()
        .ok()?;
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "chromium: {said}");
    Some(String::from_utf8(output.stdout).unwrap())
}
