//! Registering from one process with another: the client's exit codes, and servers that register and are called where they
//! registered.

use std::process::{Command, Stdio};

use crate::server::*;

#[test]
fn a_registration_is_granted_once_or_refused_with_its_exit_code() {
    let server = Server::start(&[]);
    let register = |user: &str, secret: &str| {
        client(&["register", &server.address, user, "--once"], Some(secret))
    };
    let granted = register("alice", "alice-secret");
    assert_eq!(granted.code, 0, "{granted:?}");
    assert!(
        granted.stdout.contains("registered for 60 s"),
        "{granted:?}"
    );
    assert_eq!(register("alice", "another").code, 5);
    assert_eq!(register("nobody", "another").code, 5);
    assert_eq!(register("alice", "").code, 5);
    let log = server.log();
    assert!(log.contains("registered name=\"alice\""), "{log}");
    assert!(
        log.contains("login failed") && !log.contains("secret"),
        "{log}"
    );
}

#[test]
fn a_client_stays_registered_until_ctrl_c_gives_it_up() {
    let server = Server::start(&[]);
    let mut register = iaxproof()
        .args(["register", &server.address, "bob", "--refresh", "300"])
        .env("IAXPROOF_SECRET", "bob-secret")
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    server.wait_for("registered name=\"bob\"");
    assert!(server.log().contains("seconds=310"), "{}", server.log());
    let pid = register.id().to_string();
    Command::new("kill").args(["-INT", &pid]).status().unwrap();
    assert!(end(&mut register).success());
    server.wait_for("unregistered name=\"bob\"");
}

#[test]
fn a_server_that_registers_is_called_where_it_registered_and_gives_it_up_when_it_stops() {
    let folder = tempfile::tempdir().unwrap();
    let config = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let office = "[branch]\ntype = peer\nhost = dynamic\nsecret = of-the-branch\nusername = guest\n\
        [guest]\ntype = user\n";
    let office = Server::start(&["--config", &config("office.conf", office)]);
    let branch = format!(
        "[general]\nregister => branch:of-the-branch@{}\n[guest]\ntype = user\n",
        office.address
    );
    let mut branch = Server::start(&["--config", &config("branch.conf", &branch)]);
    office.wait_for("registered name=\"branch\"");
    let heard = folder.path().join("heard.wav");
    let path = heard.to_str().unwrap();
    let call = [
        "call",
        &office.address,
        "branch/music",
        "--seconds",
        "1",
        "--record",
        path,
    ];
    let called = client(&call, None);
    assert_eq!(called.code, 0, "{called:?}{}{}", office.log(), branch.log());
    assert!(energy(&samples(&heard)) > 1e5);
    branch.signal("-TERM");
    assert!(branch.end().success());
    office.wait_for("unregistered name=\"branch\"");
    assert!(!branch.log().contains("of-the-branch"), "{}", branch.log());
    assert_eq!(client(&call, None).code, 6, "nobody is there any more");
}

#[test]
fn peers_are_asked_whether_they_are_there_after_each_load() {
    let phone = Server::start(&[]);
    let port = phone.address.rsplit(':').next().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("iax.conf");
    let peer = |name: &str| {
        format!("[{name}]\ntype = peer\nhost = 127.0.0.1\nport = {port}\nqualify = yes\n")
    };
    std::fs::write(&path, peer("first")).unwrap();
    let server = Server::start(&["--config", path.to_str().unwrap()]);
    server.wait_for("qualified name=\"first\" reachability=Reachable");
    std::fs::write(&path, peer("first") + &peer("second")).unwrap();
    server.signal("-HUP");
    server.wait_for("qualified name=\"second\" reachability=Reachable");
}
