//! Prometheus metrics on a port of the loopback: one GET, one answer, and the connection is closed. What is in the answer is [`text`]'s, and the
//! figures are those of `iaxproof ctl stats`. A worker that is asked answers between two turns.

mod text;

use core::net::SocketAddr;
use core::time::Duration;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;

use iaxproof::registry::Family;

use super::control::Desk;
use super::visitors::Visitors;
use crate::error::{Advised, Error};
use crate::log::Outage;

/// Scrapes at once.
const SCRAPES_MAX: usize = 8;
/// Octets of a request with its headers.
const REQUEST_MAX: usize = 8_192;
/// How long a client may take to say or to take something.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long we wait where the system gives us no connection.
const REST: Duration = Duration::from_millis(200);
/// The text format of Prometheus.
const TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// A port that is bound.
#[derive(Debug)]
pub(super) struct Metrics(TcpListener);

impl Metrics {
    /// Binds; nobody is answered yet. Metrics name no secrets, but they are nobody else's business, and there is no login.
    ///
    /// # Errors
    ///
    /// [`Error::Usage`] outside of the loopback, [`Error::Broke`] where the system refuses.
    pub(super) fn bind(address: SocketAddr) -> Result<Self, Error> {
        if !address.ip().is_loopback() {
            return Err(Error::Usage(format!(
                "--metrics {address}: only an address of the loopback, as 127.0.0.1:9469, for there is no login"
            )));
        }
        let bound = TcpListener::bind(address);
        let bound = bound.map_err(|error| {
            let why = Advised(&error);
            Error::Broke(format!("cannot listen on {address} for --metrics: {why}"))
        })?;
        Ok(Metrics(bound))
    }

    /// Answers from now on, in threads of its own.
    ///
    /// # Errors
    ///
    /// [`Error::Broke`] where the system has no thread for us.
    pub(super) fn spawn<F: Family>(self, desk: Arc<Desk<F>>) -> Result<(), Error> {
        if let Ok(address) = self.0.local_addr() {
            tracing::info!("metrics on http://{address}/metrics");
        }
        let visitors = Visitors::at_most(SCRAPES_MAX);
        let body = move || {
            let mut outage = Outage::default();
            loop {
                match self.0.accept() {
                    Ok((stream, _)) => {
                        if outage.ends() {
                            tracing::info!("connections for metrics are taken again");
                        }
                        take(stream, &desk, &visitors);
                    }
                    Err(error) => {
                        if outage.begins() {
                            let error = Advised(&error);
                            tracing::warn!(%error, "connections for metrics are not taken");
                        }
                        std::thread::park_timeout(REST);
                    }
                }
            }
        };
        let thread = std::thread::Builder::new().name("metrics".to_owned());
        let spawned = thread.spawn(body);
        spawned
            .map_err(|error| Error::Broke(format!("no thread for metrics: {}", Advised(&error))))?;
        Ok(())
    }
}

fn take<F: Family>(stream: TcpStream, desk: &Arc<Desk<F>>, visitors: &Visitors) {
    let Some(visit) = visitors.admit() else {
        tracing::warn!("too many connections for metrics");
        return;
    };
    let desk = Arc::clone(desk);
    let body = move || {
        let _visit = visit;
        if let Err(error) = serve(stream, &desk) {
            tracing::debug!(%error, "a connection for metrics ended early");
        }
    };
    let thread = std::thread::Builder::new().name("metrics-client".to_owned());
    if let Err(error) = thread.spawn(body) {
        tracing::warn!(%error, "no thread for a connection for metrics");
    }
}

fn serve<F: Family>(mut stream: TcpStream, desk: &Desk<F>) -> std::io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let request = read(&mut stream)?;
    let (status, body) = match route(&request) {
        Route::Metrics { .. } => match desk.stats() {
            Ok(stats) => ("200 OK", text::of(&stats)),
            Err(_) => (
                "503 Service Unavailable",
                "a worker did not answer\n".to_owned(),
            ),
        },
        Route::Unknown => ("404 Not Found", "there is /metrics\n".to_owned()),
        Route::NotAllowed => ("405 Method Not Allowed", "GET /metrics\n".to_owned()),
        Route::Nonsense => ("400 Bad Request", "not a request of HTTP/1\n".to_owned()),
    };
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {TYPE}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes())?;
    match route(&request) {
        Route::Metrics { is_head: true } => Ok(()),
        _ => stream.write_all(body.as_bytes()),
    }
}

/// All up to the empty line. More than [`REQUEST_MAX`] is cut, and then no request.
fn read(stream: &mut TcpStream) -> std::io::Result<Vec<u8>> {
    let mut request = Vec::new();
    let mut octets = [0; 1_024];
    while !request.windows(4).any(|it| it == b"\r\n\r\n") && request.len() < REQUEST_MAX {
        match stream.read(&mut octets)? {
            0 => break,
            len => request.extend_from_slice(&octets[..len]),
        }
    }
    Ok(request)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Route {
    Metrics { is_head: bool },
    Unknown,
    NotAllowed,
    Nonsense,
}

fn route(request: &[u8]) -> Route {
    let text = String::from_utf8_lossy(request);
    let Some((line, _)) = text
        .split_once("\r\n")
        .filter(|_| text.contains("\r\n\r\n"))
    else {
        return Route::Nonsense;
    };
    let mut words = line.split(' ');
    let (method, target, version) = (words.next(), words.next(), words.next());
    if !version.is_some_and(|version| version.starts_with("HTTP/1.")) || words.next().is_some() {
        return Route::Nonsense;
    }
    let path = target.and_then(|target| target.split('?').next());
    match (method, path) {
        (Some("GET"), Some("/metrics")) => Route::Metrics { is_head: false },
        (Some("HEAD"), Some("/metrics")) => Route::Metrics { is_head: true },
        (Some("GET" | "HEAD"), _) => Route::Unknown,
        _ => Route::NotAllowed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_known_by_its_first_line() {
        let routed = |line: &str| route(format!("{line}\r\nHost: x\r\n\r\n").as_bytes());
        assert_eq!(
            routed("GET /metrics HTTP/1.1"),
            Route::Metrics { is_head: false }
        );
        assert_eq!(
            routed("GET /metrics?x=1 HTTP/1.0"),
            Route::Metrics { is_head: false }
        );
        assert_eq!(
            routed("HEAD /metrics HTTP/1.1"),
            Route::Metrics { is_head: true }
        );
        assert_eq!(routed("GET /metricsx HTTP/1.1"), Route::Unknown);
        assert_eq!(routed("POST /metrics HTTP/1.1"), Route::NotAllowed);
        assert_eq!(routed("GET /metrics"), Route::Nonsense);
        assert_eq!(routed("GET /metrics HTTP/2"), Route::Nonsense);
        assert_eq!(route(b"GET /metrics HTTP/1.1\r\n"), Route::Nonsense);
    }

    #[test]
    fn only_the_loopback_is_bound() {
        let refused = Metrics::bind(([192, 0, 2, 1], 1).into()).unwrap_err();
        assert!(refused.to_string().contains("loopback"), "{refused}");
        assert!(Metrics::bind(([0, 0, 0, 0], 0).into()).is_err());
        assert!(Metrics::bind(([127, 0, 0, 1], 0).into()).is_ok());
    }
}
