//! Servers that share a database: a phone that registers at one of them and is called through another.

#![allow(dead_code, reason = "each test file uses its part")]
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::path::Path;

use crate::server::*;

/// The secret of the phones.
pub(crate) const SECRET: &str = "of-the-phone";

/// A configuration whose one entry is a guest: peers are in the database alone.
pub(crate) fn configuration(folder: &Path) -> String {
    let path = folder.join("guest.conf");
    std::fs::write(&path, "[guest]\ntype = user\n").unwrap();
    path.to_str().unwrap().to_owned()
}

/// A phone of this name that registers there, with an echo and music for who calls it.
pub(crate) fn phone(name: &str, registrar: &Server, folder: &Path) -> Server {
    let path = folder.join(format!("phone-of-{}.conf", registrar.id()));
    let text = format!(
        "[general]\nregister => {name}:{SECRET}@{}\n[guest]\ntype = user\n",
        registrar.address
    );
    std::fs::write(&path, text).unwrap();
    let phone = Server::start(&["--config", path.to_str().unwrap()]);
    registrar.wait_for(&format!(
        "registered name={name:?} address={}",
        phone.address
    ));
    phone
}

/// A guest calls through a server, and hears again what was said.
pub(crate) fn is_echoed(server: &Server, extension: &str, folder: &Path) {
    let (said, heard) = (folder.join("said.wav"), folder.join("heard.wav"));
    write_tone(&said, 440.0, 1.0);
    let (said, path) = (said.to_str().unwrap(), heard.to_str().unwrap());
    let call = ["call", &server.address, extension, "--codec", "ulaw"];
    let call = [&call[..], &["--send", said, "--record", path]].concat();
    let ended = client(&call, None);
    assert_eq!(ended.code, 0, "{ended:?}{}", server.log());
    let heard = samples(&heard);
    let parts = heard.chunks_exact(800);
    let (count, all) = (
        parts
            .clone()
            .filter(|part| share(part, 440.0) > 0.9)
            .count(),
        parts.count(),
    );
    assert!(all > 5 && count * 2 > all, "{count} of {all} parts");
}

/// How one registration of a phone ends.
pub(crate) fn register(server: &Server, name: &str) -> Ended {
    let line = ["register", &server.address, name, "--once"];
    client(&line, Some(SECRET))
}
