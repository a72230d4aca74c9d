//! What a service manager is told, with a socket of ours for its own.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::os::unix::net::UnixDatagram;
use std::time::Duration;

use crate::server::*;

/// The end that systemd would have.
struct Manager {
    socket: UnixDatagram,
    folder: tempfile::TempDir,
}

impl Manager {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let socket = UnixDatagram::bind(folder.path().join("notify")).unwrap();
        socket.set_read_timeout(Some(LIMIT)).unwrap();
        Manager { socket, folder }
    }

    fn start(&self, config: &str, watchdog: Duration) -> Server {
        let path = self.folder.path().join("iax.conf");
        std::fs::write(&path, config).unwrap();
        let path = path.to_str().unwrap();
        let notify = self.folder.path().join("notify");
        let micros = watchdog.as_micros().to_string();
        let environment = [
            ("NOTIFY_SOCKET", notify.to_str().unwrap()),
            ("WATCHDOG_USEC", &micros),
        ];
        Server::start_with("127.0.0.1:0", &["--config", path], &environment)
    }

    fn next(&self) -> String {
        let mut octets = [0; 4_096];
        let len = self.socket.recv(&mut octets).unwrap();
        String::from_utf8(octets[..len].to_vec()).unwrap()
    }

    /// What is said next but for the watchdog.
    fn said(&self) -> String {
        loop {
            let said = self.next();
            if said.trim_end() != "WATCHDOG=1" {
                return said;
            }
        }
    }
}

#[test]
fn systemd_hears_of_the_start_a_reload_and_the_end() {
    let manager = Manager::new();
    let mut server = manager.start("[guest]\ntype = user\n", Duration::from_secs(4));
    let ready = manager.said();
    assert!(ready.contains("READY=1\n"), "{ready}");
    assert!(
        ready.contains(&format!("STATUS=listening on {}", server.address)),
        "{ready}"
    );
    for _ in 0..2 {
        let beat = manager.next();
        assert_eq!(beat.trim_end(), "WATCHDOG=1");
    }
    server.signal("-HUP");
    let reloading = manager.said();
    let micros = reloading
        .lines()
        .find_map(|line| line.strip_prefix("MONOTONIC_USEC="));
    assert!(reloading.contains("RELOADING=1\n"), "{reloading}");
    assert!(micros.unwrap().parse::<u64>().unwrap() > 0, "{reloading}");
    let reloaded = manager.said();
    assert!(
        reloaded.contains("READY=1\n") && reloaded.contains("configuration 1"),
        "{reloaded}"
    );
    // A refused configuration ends the reload as well.
    std::fs::write(manager.folder.path().join("iax.conf"), "[guest\n").unwrap();
    server.signal("-HUP");
    assert!(manager.said().contains("RELOADING=1\n"));
    let refused = manager.said();
    assert!(
        refused.contains("READY=1\n") && refused.contains("refused"),
        "{refused}"
    );
    server.signal("-TERM");
    assert_eq!(manager.said().trim_end(), "STOPPING=1");
    assert!(server.end().success());
}
