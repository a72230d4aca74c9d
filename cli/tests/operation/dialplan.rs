//! `serve --dialplan`: what callers get for what they dial.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::path::PathBuf;

use crate::server::*;

struct Office {
    folder: tempfile::TempDir,
}

impl Office {
    fn new(plan: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let office = Office { folder };
        office.write(plan);
        office
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("dialplan.conf")
    }

    fn write(&self, plan: &str) {
        std::fs::write(self.path(), plan).unwrap();
    }

    fn start(&self, more: &[&str]) -> Server {
        let path = self.path();
        Server::start(&[&["--dialplan", path.to_str().unwrap()], more].concat())
    }

    fn call(&self, server: &Server, number: &str) -> (Ended, Vec<f64>) {
        let heard = self.folder.path().join("heard.wav");
        let path = heard.to_str().unwrap();
        let ended = client(
            &[
                "call",
                &server.address,
                number,
                "--seconds",
                "1",
                "--record",
                path,
            ],
            None,
        );
        let heard = if ended.code == 0 {
            samples(&heard)
        } else {
            Vec::new()
        };
        (ended, heard)
    }
}

#[test]
fn extensions_lead_to_a_tone_an_echo_a_refusal_and_a_peer() {
    let far = Server::start(&[]);
    let (host, port) = far.address.split_once(':').unwrap();
    let office = Office::new(
        "[extensions]\n_6XX => hangup 17\n602 => tone 440\n_9. => dial far/${EXTEN:1}\n600 => echo\n",
    );
    let config = office.folder.path().join("iax.conf");
    let text = format!(
        "[guest]\ntype = user\n[far]\ntype = peer\nhost = {host}\nport = {port}\nusername = guest\n"
    );
    std::fs::write(&config, text).unwrap();
    let server = office.start(&["--config", config.to_str().unwrap()]);
    let (ended, heard) = office.call(&server, "602");
    assert_eq!(ended.code, 0, "{ended:?}");
    let middle = &heard[heard.len() / 3..][..2_000];
    assert!(share(middle, 440.0) > 0.9, "{}", share(middle, 440.0));
    let (ended, heard) = office.call(&server, "600");
    assert!(ended.code == 0 && energy(&heard) > 1e4, "{ended:?}");
    assert_eq!(office.call(&server, "601").0.code, 4, "busy");
    let (ended, heard) = office.call(&server, "9music");
    assert!(ended.code == 0 && energy(&heard) > 1e4, "{ended:?}");
    far.wait_for("number=\"music\"");
    // Neither peers nor the built-in extensions are there beside the plan.
    assert_eq!(office.call(&server, "far").0.code, 6);
    assert_eq!(office.call(&server, "echo").0.code, 6);

    office.write("[extensions]\n600 => hangup 17\n");
    server.signal("-HUP");
    server.wait_for("configuration reloaded");
    assert_eq!(office.call(&server, "600").0.code, 4, "busy");
    office.write("[extensions]\n600 => dance\n");
    server.signal("-HUP");
    server.wait_for("dialplan.conf:2: 600 = \"dance\": expected");
    assert_eq!(office.call(&server, "600").0.code, 4, "busy");
}

#[test]
fn a_dialplan_with_an_error_is_refused_with_its_line() {
    let office = Office::new("[extensions]\n_X.1 => echo\n");
    let path = office.path();
    let refused = client(
        &[
            "serve",
            "--bind",
            "127.0.0.1:0",
            "--dialplan",
            path.to_str().unwrap(),
        ],
        None,
    );
    assert_eq!(refused.code, 2, "{refused:?}");
    let expected = "dialplan.conf:2: _X.1 = \"echo\": expected nothing after `.` or `!`";
    assert!(refused.stderr.contains(expected), "{refused:?}");
}
