//! The configuration that fits: the peers of a hammer with their secrets, and limits that do not stand in its way.

use std::io::Write as _;
use std::path::Path;

use super::identity::{LISTENER, LISTENER_SECRET, name, secret_text};
use crate::error::Error;

/// Writes it; not over a file that is there, unless `force` says so.
///
/// # Errors
///
/// [`Error::Usage`] where there is a file, [`Error::Io`] where none can be written.
pub(super) fn write(path: &Path, peers: u32, force: bool) -> Result<(), Error> {
    let folder = path.parent().filter(|it| !it.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    let beside = tempfile::Builder::new()
        .prefix(".iaxproof-")
        .suffix(".part")
        .tempfile_in(folder);
    let mut beside = beside.map_err(Error::io("cannot make a file in", folder))?;
    let written = beside.write_all(text(peers).as_bytes());
    written.map_err(Error::io("cannot write", path))?;
    let kept = match force {
        true => beside.persist(path),
        false => beside.persist_noclobber(path),
    };
    match kept.map_err(|error| error.error) {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            let shown = path.display();
            let why = format!("{shown} is there already: --force writes over it");
            Err(Error::Usage(why))
        }
        kept => kept.map(drop).map_err(Error::io("cannot write", path)),
    }
}

/// The file.
fn text(peers: u32) -> String {
    let numbers = 1..=peers;
    let entries = numbers.map(|number| {
        let (name, secret) = (name(number), secret_text(number));
        format!("[{name}](hammer)\nsecret = {secret}\n")
    });
    head(peers) + &entries.collect::<String>()
}

fn head(peers: u32) -> String {
    format!(
        "\
; {peers} peers for `iaxproof hammer --peers {peers}`, written by `iaxproof hammer --write-config`.
; Names and secrets follow from the numbers, so everybody knows them: the server listens on loopback alone, and takes nobody
; who comes from elsewhere. `iaxproof serve` reads this file, and so does Asterisk as its iax.conf.

[general]
bindaddr = 127.0.0.1
bindport = 4569
minregexpire = 60
; A registration outlasts the experiment.
maxregexpire = 3600
; All come from one address, or a few. Asterisk keeps a call number for a minute after its use, so its limit is one on
; registrations a minute.
maxcallnumbers = 65535
maxcallnumbers_nonvalidated = 65535

[callnumberlimits]
127.0.0.0/255.0.0.0 = 65535

; Who listens to the music meanwhile.
[{LISTENER}]
type = user
secret = {LISTENER_SECRET}
deny = 0.0.0.0/0, ::/0
permit = 127.0.0.0/8
permit = ::1

[hammer](!)
type = peer
host = dynamic
deny = 0.0.0.0/0, ::/0
permit = 127.0.0.0/8
permit = ::1

"
    )
}

#[cfg(test)]
mod tests {
    use iaxproof::config::{self, NoFiles, Outcome, Source};
    use iaxproof::engine::directory::Role;

    use super::super::identity::secret;
    use super::*;

    #[test]
    fn it_is_accepted_without_a_word_and_lets_in_nobody_from_elsewhere() {
        let source = Source {
            name: "hammer".to_owned(),
            octets: text(3).into_bytes(),
        };
        let parsed = config::read(source, &NoFiles).unwrap();
        for option in &parsed.options {
            assert_eq!(option.outcome, Outcome::Works, "{}", option.option);
        }
        assert!(parsed.serving.bind.iter().all(|at| at.ip().is_loopback()));
        let general = &parsed.configuration.general;
        assert_eq!(general.registration_max.as_secs(), 3_600);
        let entries = &parsed.configuration.entries;
        let of = |role| entries.iter().filter(move |entry| entry.role == role);
        let peers: Vec<&str> = of(Role::Peer).map(|peer| peer.name.as_str()).collect();
        assert_eq!(peers, ["hammer-00001", "hammer-00002", "hammer-00003"]);
        assert_eq!(of(Role::User).count(), 1);
        for (number, peer) in (1..).zip(of(Role::Peer)) {
            assert_eq!(peer.secrets, [secret(number)]);
        }
        for entry in entries {
            let allows = |ip: &str| entry.access.allows(ip.parse().unwrap());
            assert!(allows("127.64.0.9") && allows("::1") && !allows("192.0.2.1"));
        }
    }

    #[test]
    fn a_file_is_not_written_over_unless_forced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("iax.conf");
        std::fs::write(&path, "mine").unwrap();
        let refused = write(&path, 1, false).unwrap_err();
        assert!(matches!(refused, Error::Usage(_)), "{refused}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "mine");
        write(&path, 1, true).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), text(1));
    }
}
