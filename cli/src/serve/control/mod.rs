//! The control socket: what `iaxproof ctl` asks a running server (a protocol of `ctl::protocol`). It never holds up a worker: what is in the
//! catalog is read beside the workers, what a worker alone knows goes to it as a [`Question`] and comes back when it has a moment.
//!
//! - [`Control`], here: one thread that takes connections, one for each that is open. [`socket`]: the socket in the file system.
//! - [`answers`]: what each command does. [`catalog`]: peers and users as rows. [`question`]: what a worker says of itself.

mod answers;
mod catalog;
pub(crate) mod question;
mod socket;

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use iaxproof::registry::Family;
use iaxproof::wire::Frame;

use self::answers::Answered;
pub(crate) use self::answers::Desk;
use self::socket::Socket;
use crate::clock::Clock;
use crate::ctl::protocol::{
    Answer, Listed, PATIENCE, REQUEST_MAX, Request, Response, Traced, VERSION, Versioned,
};
use crate::error::{Advised, Error};
use crate::log::Outage;
use crate::net::taps::trace::Heard;
use crate::serve::visitors::Visitors;

/// Connections at once.
const CONNECTIONS_MAX: usize = 32;
/// How often a trace whose call is silent looks whether anybody still reads it.
const LOOK: Duration = Duration::from_millis(200);

/// A control socket that exists. It is removed when this is dropped.
#[derive(Debug)]
pub(crate) struct Control(Socket);

impl Control {
    /// Makes the socket; nobody is answered yet.
    ///
    /// # Errors
    ///
    /// Where there is a file that is no socket, another server listens there, or the system refuses.
    pub(crate) fn bind(path: &Path) -> Result<Self, Error> {
        Socket::bind(path).map(Control)
    }

    /// Answers from now on, in threads of its own, for as long as the process lives.
    ///
    /// # Errors
    ///
    /// [`Error::Broke`] where the system has no thread for us.
    pub(crate) fn spawn<F: Family>(&self, desk: Arc<Desk<F>>) -> Result<(), Error> {
        let listener = self.0.listener()?;
        let visitors = Visitors::at_most(CONNECTIONS_MAX);
        let body = move || {
            let mut outage = Outage::default();
            for stream in listener.incoming() {
                match stream {
                    Ok(stream) => {
                        if outage.ends() {
                            tracing::info!("connections to the control socket are taken again");
                        }
                        take(stream, &desk, &visitors);
                    }
                    Err(error) if error.kind() == ErrorKind::Interrupted => {}
                    Err(error) => {
                        if outage.begins() {
                            let error = Advised(&error);
                            tracing::warn!(%error, "connections to the control socket are not taken");
                        }
                        // Out of descriptors, as a rule: others will close theirs.
                        std::thread::park_timeout(LOOK);
                    }
                }
            }
        };
        let thread = std::thread::Builder::new().name("control".to_owned());
        let spawned = thread.spawn(body);
        spawned.map_err(|error| Error::Broke(format!("no control thread: {}", Advised(&error))))?;
        Ok(())
    }
}

fn take<F: Family>(stream: UnixStream, desk: &Arc<Desk<F>>, visitors: &Visitors) {
    let Some(visit) = visitors.admit() else {
        // Dropped without a word: who opened so many need not be answered, and a write could wait.
        tracing::warn!("too many connections to the control socket");
        return;
    };
    let desk = Arc::clone(desk);
    let body = move || {
        let _visit = visit;
        if let Err(error) = serve(&stream, &desk) {
            tracing::debug!(%error, "a connection to the control socket ended early");
        }
    };
    let thread = std::thread::Builder::new().name("control-client".to_owned());
    if let Err(error) = thread.spawn(body) {
        tracing::warn!(%error, "no thread for a connection to the control socket");
    }
}

/// One request, one answer, and what follows it.
fn serve<F: Family>(stream: &UnixStream, desk: &Desk<F>) -> std::io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut line = String::new();
    BufReader::new(stream)
        .take(REQUEST_MAX)
        .read_line(&mut line)?;
    let Answered { answer, frames } = match parse(&line) {
        Ok(request) => desk.answer(request.command),
        Err(why) => Answer::Error(why).into(),
    };
    say(
        stream,
        &Response {
            version: VERSION,
            answer,
        },
    )?;
    match frames {
        Some(frames) => follow(stream, &frames, desk.clock()),
        None => Ok(()),
    }
}

fn parse(line: &str) -> Result<Request, String> {
    if !line.ends_with('\n') {
        return Err(format!(
            "a request is one line of at most {REQUEST_MAX} octets"
        ));
    }
    let versioned: Versioned =
        serde_json::from_str(line).map_err(|error| format!("not a request: {error}"))?;
    if versioned.version != VERSION {
        let theirs = versioned.version;
        return Err(format!(
            "this server speaks version {VERSION} of the control protocol, not {theirs}"
        ));
    }
    serde_json::from_str(line).map_err(|error| format!("not a request: {error}"))
}

/// Passes frames on until the call is over, or nobody reads any more.
fn follow(stream: &UnixStream, heard: &Receiver<Heard>, clock: Clock) -> std::io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_millis(1)))?;
    loop {
        match heard.recv_timeout(LOOK) {
            Ok(heard) => {
                if heard.lost > 0 {
                    say(stream, &Traced::Lost(heard.lost))?;
                }
                say(stream, &Traced::Frame(listed(&heard, clock)))?;
            }
            Err(RecvTimeoutError::Timeout) if is_closed(stream) => return Ok(()),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return say(stream, &Traced::Over),
        }
    }
}

/// A datagram as a listing shows it, which withholds secrets.
fn listed(heard: &Heard, clock: Clock) -> Listed {
    let line = match Frame::parse(&heard.octets) {
        Ok(frame) => frame.to_string(),
        Err(error) => format!("refused: {error}"),
    };
    Listed {
        time: clock.unix_micros_of(heard.at) as f64 / 1e6,
        source: heard.source.to_string(),
        destination: heard.destination.to_string(),
        line,
    }
}

fn is_closed(mut stream: &UnixStream) -> bool {
    match stream.read(&mut [0; 64]) {
        Ok(octets) => octets == 0,
        Err(error) => !matches!(
            error.kind(),
            ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted
        ),
    }
}

fn say(mut stream: &UnixStream, what: &impl serde::Serialize) -> std::io::Result<()> {
    let mut line = serde_json::to_vec(what)?;
    line.push(b'\n');
    stream.write_all(&line)
}

#[cfg(test)]
mod tests {
    use super::*;
    use iaxproof::time::Instant;
    use iaxproof::wire::{
        Body, CallNumber, FullFrame, IaxCommand, IeBuffer, InformationElement, SeqNo, Timestamp,
    };

    #[test]
    fn what_proves_a_login_is_not_listed() {
        let mut ies = IeBuffer::new();
        ies.push(InformationElement::Username(b"ann"))
            .push(InformationElement::Md5Result(
                b"0123456789abcdef0123456789abcdef",
            ))
            .push(InformationElement::Password(b"of-ann"))
            .push(InformationElement::CallToken(b"a-token-of-ours"));
        let frame = FullFrame {
            source: CallNumber::from_word(1),
            destination: CallNumber::from_word(2),
            retransmission: false,
            timestamp: Timestamp(1),
            oseqno: SeqNo(0),
            iseqno: SeqNo(0),
            body: Body::Iax {
                command: IaxCommand::AuthRep,
                ies: ies.view(),
            },
        };
        let mut octets = Vec::new();
        frame.encode(&mut octets);
        let address = ([192, 0, 2, 1], 4569).into();
        let heard = Heard {
            at: Instant::ZERO,
            source: address,
            destination: address,
            octets,
            lost: 0,
        };
        let line = listed(&heard, Clock::start()).line;
        assert!(line.contains("AUTHREP") && line.contains("ann"), "{line}");
        for hidden in ["0123456789abcdef", "of-ann", "a-token-of-ours"] {
            assert!(!line.contains(hidden), "{line}");
        }
    }

    #[test]
    fn a_request_of_another_version_is_named_so_whatever_it_asks() {
        let why = parse("{\"version\":9,\"command\":\"dance\"}\n").unwrap_err();
        assert!(why.contains("version 1") && why.contains("not 9"), "{why}");
        let why = parse("{\"version\":1,\"command\":\"dance\"}\n").unwrap_err();
        assert!(why.contains("unknown variant `dance`"), "{why}");
        assert!(parse("{\"version\":1,\"command\":\"peers\"}\n").is_ok());
        assert!(parse("{\"version\":1,\"command\":\"peers\"}").is_err());
    }
}
