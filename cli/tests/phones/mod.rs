//! Phones by hand: many registrants on a few sockets in one thread, each frame made here and none by the engine under
//! test. A phone moves to the next socket with every registration, so that each has another contact.

#![allow(dead_code, reason = "each test file uses its part")]
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeMap;
use std::net::{SocketAddr, UdpSocket};
use std::time::UNIX_EPOCH;

use iaxproof::engine::auth::md5_result;
use iaxproof::engine::settings::Secret;
use iaxproof::wire::*;

/// Registrations under way at once: no more than the sockets' buffers take.
const BUSY_MAX: usize = 48;
/// A phone that has waited so long begins again.
const PATIENCE_MS: u64 = 1_000;
/// A call token is used for so long (the server takes it for ten seconds).
const TOKEN_MS: u64 = 5_000;
/// What the registrar adds to a granted period.
const GRACE_MS: u64 = 10_000;

/// Unix time in milliseconds.
#[expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "deadlines are compared with those of another process"
)]
pub(crate) fn unix_millis() -> u64 {
    let since = std::time::SystemTime::now().duration_since(UNIX_EPOCH);
    since.unwrap().as_millis() as u64
}

/// A registration that was sent: where to, and between when and when it must lapse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Attempt {
    pub(crate) contact: SocketAddr,
    pub(crate) sent: u64,
    pub(crate) refresh: u16,
    /// When its REGACK came; 0 while it has not.
    pub(crate) acknowledged: u64,
}

impl Attempt {
    /// Whether a contact and a deadline (Unix time in milliseconds) can be those of this attempt. `now` stands for its
    /// acknowledgement where there was none.
    pub(crate) fn allows(&self, contact: SocketAddr, until: u64, now: u64) -> bool {
        let granted = u64::from(self.refresh) * 1_000 + GRACE_MS;
        let latest = if self.acknowledged == 0 {
            now
        } else {
            self.acknowledged
        };
        // The clocks of two processes are read one after the other; attempts differ by seconds.
        let window = self.sent + granted - 20..=latest + granted + 20;
        contact == self.contact && window.contains(&until)
    }
}

/// One registrant.
#[derive(Debug)]
pub(crate) struct Phone {
    pub(crate) name: String,
    /// The last acknowledged registration.
    pub(crate) kept: Option<Attempt>,
    /// What was sent after it. The server may have any of these as well.
    pub(crate) later: Vec<Attempt>,
    socket: usize,
    source: CallNumber,
    attempts: u16,
    busy: bool,
}

/// All of them.
pub(crate) struct Phones {
    pub(crate) phones: Vec<Phone>,
    pub(crate) sockets: Vec<UdpSocket>,
    secret: Secret,
    server: SocketAddr,
    /// REGACKs so far.
    pub(crate) acknowledged: u64,
    tokens: Vec<Option<(Vec<u8>, u64)>>,
    by_number: BTreeMap<CallNumber, usize>,
    next: usize,
}

/// A frame that a phone's socket got and that belongs to no registration.
#[derive(Debug)]
pub(crate) struct Called {
    pub(crate) number: String,
    pub(crate) at: SocketAddr,
}

impl Phones {
    /// `names` on so many sockets of the loopback.
    pub(crate) fn new(names: &[String], sockets: usize, secret: &str) -> Self {
        let phone = |(i, name): (usize, &String)| Phone {
            name: name.clone(),
            kept: None,
            later: Vec::new(),
            socket: i % sockets,
            source: CallNumber::ZERO,
            attempts: 0,
            busy: false,
        };
        Phones {
            phones: names.iter().enumerate().map(phone).collect(),
            sockets: (0..sockets).map(|_| mute_socket()).collect(),
            secret: Secret::new(secret),
            server: SocketAddr::from(([127, 0, 0, 1], 9)),
            acknowledged: 0,
            tokens: vec![None; sockets],
            by_number: BTreeMap::new(),
            next: 0,
        }
    }

    /// A new server: what was under way with the old one is over, and its tokens are worth nothing.
    pub(crate) fn turn_to(&mut self, server: SocketAddr) {
        self.server = server;
        self.tokens.fill(None);
        self.by_number.clear();
        self.phones.iter_mut().for_each(|phone| phone.busy = false);
    }

    /// Begins registrations, as many as may be under way.
    pub(crate) fn begin(&mut self) {
        let now = unix_millis();
        for _ in 0..self.phones.len() {
            let index = self.next;
            self.next = (index + 1) % self.phones.len();
            let phone = &self.phones[index];
            let since = phone.later.last().map_or(0, |attempt| now - attempt.sent);
            if phone.busy && since < PATIENCE_MS {
                continue;
            }
            let busy = self.phones.iter().filter(|phone| phone.busy).count();
            if busy >= BUSY_MAX {
                return;
            }
            self.open(index, now);
        }
    }

    fn open(&mut self, index: usize, now: u64) {
        let phone = &mut self.phones[index];
        phone.busy = true;
        phone.attempts += 1;
        phone.socket = (phone.socket + 1) % self.sockets.len();
        // 128 numbers for each phone, used in turn: from 1 on, for 0 is none.
        let number = 1 + index as u16 * 128 + phone.attempts % 128;
        self.by_number.remove(&phone.source);
        phone.source = CallNumber::new(number).unwrap();
        self.by_number.insert(phone.source, index);
        let contact = self.sockets[phone.socket].local_addr().unwrap();
        phone.later.push(Attempt {
            contact,
            sent: now,
            refresh: 60 + phone.attempts * 37 % 3_000,
            acknowledged: 0,
        });
        let token = &self.tokens[phone.socket];
        let token = token.as_ref().filter(|(_, got)| now - got < TOKEN_MS);
        let token = token.map(|(token, _)| token.clone()).unwrap_or_default();
        self.request(index, &token);
    }

    /// The first REGREQ.
    fn request(&self, index: usize, token: &[u8]) {
        let opening = (CallNumber::ZERO, 0, 0);
        self.send_request(index, opening, InformationElement::CallToken(token));
    }

    fn send_request(
        &self,
        index: usize,
        (destination, oseqno, iseqno): (CallNumber, u8, u8),
        last: InformationElement<'_>,
    ) {
        let phone = &self.phones[index];
        let refresh = phone.later.last().unwrap().refresh;
        let mut ies = IeBuffer::new();
        ies.push(InformationElement::Username(phone.name.as_bytes()))
            .push(InformationElement::Refresh(refresh))
            .push(last);
        let body = Body::Iax {
            command: IaxCommand::RegReq,
            ies: ies.view(),
        };
        self.send(phone, (destination, oseqno, iseqno), Timestamp(1), body);
    }

    fn send(
        &self,
        phone: &Phone,
        (destination, oseqno, iseqno): (CallNumber, u8, u8),
        timestamp: Timestamp,
        body: Body<'_>,
    ) {
        let frame = FullFrame {
            source: phone.source,
            destination,
            retransmission: false,
            timestamp,
            oseqno: SeqNo(oseqno),
            iseqno: SeqNo(iseqno),
            body,
        };
        send(&self.sockets[phone.socket], self.server, &frame);
    }

    /// Reads all that has come. Gives the calls that came.
    pub(crate) fn take_all(&mut self) -> Vec<Called> {
        let mut called = Vec::new();
        let mut octets = [0; 2_048];
        for socket in 0..self.sockets.len() {
            while let Ok(len) = self.sockets[socket].recv(&mut octets) {
                if let Ok(frame) = FullFrame::parse(&octets[..len]) {
                    called.extend(self.take(socket, &frame));
                }
            }
        }
        called
    }

    fn take(&mut self, socket: usize, frame: &FullFrame<'_>) -> Option<Called> {
        let Body::Iax { command, ies } = frame.body else {
            return None;
        };
        if command == IaxCommand::New {
            let number = String::from_utf8_lossy(ies.called_number()?).into_owned();
            let at = self.sockets[socket].local_addr().unwrap();
            return Some(Called { number, at });
        }
        let index = *self.by_number.get(&frame.destination)?;
        if self.phones[index].socket == socket {
            self.registering(index, frame, command, ies);
        }
        None
    }

    fn registering(
        &mut self,
        index: usize,
        frame: &FullFrame<'_>,
        command: IaxCommand,
        ies: InformationElements<'_>,
    ) {
        let reply = (frame.source, frame.iseqno.0, frame.oseqno.0.wrapping_add(1));
        match command {
            IaxCommand::CallToken => {
                let token = ies.call_token().unwrap_or_default().to_vec();
                self.request(index, &token);
                self.tokens[self.phones[index].socket] = Some((token, unix_millis()));
            }
            IaxCommand::RegAuth => {
                let result = md5_result(ies.challenge().unwrap(), &self.secret);
                self.send_request(index, reply, InformationElement::Md5Result(&result));
            }
            IaxCommand::RegAck => {
                let body = Body::Iax {
                    command: IaxCommand::Ack,
                    ies: InformationElements::default(),
                };
                self.send(&self.phones[index], reply, frame.timestamp, body);
                self.phones[index].acknowledged(ies.refresh());
                self.acknowledged += 1;
            }
            IaxCommand::RegRej => self.phones[index].busy = false,
            _ => {}
        }
    }
}

impl Phone {
    fn acknowledged(&mut self, granted: Option<u16>) {
        self.busy = false;
        // A second copy of a REGACK finds nothing left.
        if let Some(mut last) = self.later.pop() {
            assert_eq!(granted, Some(last.refresh), "the granted period");
            last.acknowledged = unix_millis();
            self.kept = Some(last);
            self.later.clear();
        }
    }
}

/// Calls each number as a guest, over a socket of its own, and gives what the phones' sockets got of it.
pub(crate) fn call_all(
    phones: &mut Phones,
    numbers: &[String],
    mut is_enough: impl FnMut(&[Called]) -> bool,
) -> Vec<Called> {
    let caller = mute_socket();
    let mut token = Vec::new();
    let mut called = Vec::new();
    let began = unix_millis();
    let mut tries = 0;
    while !is_enough(&called) && unix_millis() - began < 10_000 {
        // All again where some were lost on the way: the phones tell them apart by name.
        if unix_millis() - began >= tries * 2_000 {
            tries += 1;
            let numbers = if token.is_empty() {
                &numbers[..1]
            } else {
                numbers
            };
            for (i, number) in numbers.iter().enumerate() {
                dial(
                    &caller,
                    phones.server,
                    (tries as usize * 2_000 + i) as u16,
                    number,
                    &token,
                );
                called.extend(phones.take_all());
            }
        }
        let mut octets = [0; 2_048];
        while let Ok(len) = caller.recv(&mut octets) {
            let Ok(frame) = FullFrame::parse(&octets[..len]) else {
                continue;
            };
            match frame.body {
                Body::Iax {
                    command: IaxCommand::CallToken,
                    ies,
                } => (token, tries) = (ies.call_token().unwrap().to_vec(), 0),
                // Whoever acknowledges has proved that it is there: only then is the peer called.
                Body::Iax {
                    command: IaxCommand::Accept,
                    ..
                } => acknowledge(&caller, phones.server, &frame),
                _ => {}
            }
        }
        called.extend(phones.take_all());
    }
    called
}

fn dial(caller: &UdpSocket, server: SocketAddr, source: u16, number: &str, token: &[u8]) {
    let mut ies = IeBuffer::new();
    ies.push(InformationElement::Version(2))
        .push(InformationElement::CalledNumber(number.as_bytes()))
        .push(InformationElement::Username(b"guest"))
        .push(InformationElement::Format(Format::ULAW.mask() as u32))
        .push(InformationElement::Capability(Format::ULAW.mask() as u32))
        .push(InformationElement::CallToken(token));
    let frame = FullFrame {
        source: CallNumber::new(source).unwrap(),
        destination: CallNumber::ZERO,
        retransmission: false,
        timestamp: Timestamp(1),
        oseqno: SeqNo(0),
        iseqno: SeqNo(0),
        body: Body::Iax {
            command: IaxCommand::New,
            ies: ies.view(),
        },
    };
    send(caller, server, &frame);
}

fn acknowledge(socket: &UdpSocket, to: SocketAddr, frame: &FullFrame<'_>) {
    let ack = FullFrame {
        source: frame.destination,
        destination: frame.source,
        retransmission: false,
        timestamp: frame.timestamp,
        oseqno: frame.iseqno,
        iseqno: SeqNo(frame.oseqno.0.wrapping_add(1)),
        body: Body::Iax {
            command: IaxCommand::Ack,
            ies: InformationElements::default(),
        },
    };
    send(socket, to, &ack);
}

fn send(socket: &UdpSocket, to: SocketAddr, frame: &FullFrame<'_>) {
    let mut octets = Vec::new();
    frame.encode(&mut octets);
    // A buffer that is full is a datagram lost, as on any network.
    let _ = socket.send_to(&octets, to);
}

fn mute_socket() -> UdpSocket {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_nonblocking(true).unwrap();
    socket
}
