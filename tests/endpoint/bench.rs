//! What the tests of the endpoint share: an endpoint over the real catalog, time that jumps, a ladder of all frames and
//! events, and a client that numbers its frames itself, so that a test can also number them wrongly.

use core::fmt::Write as _;
use core::net::SocketAddr;
use core::time::Duration;
use std::collections::{BTreeMap, VecDeque};

use iaxproof::catalog::{Catalog, CatalogOptions, Kind, Write};
use iaxproof::engine::auth::md5_result;
use iaxproof::engine::cipher::{Key, Padding};
use iaxproof::engine::directory::{Directory, Role, TokenKey};
use iaxproof::engine::settings::{Configuration, General, Host, Name, Secret, Settings};
use iaxproof::engine::{CallId, Counts, Endpoint, EndpointOptions, Event};
use iaxproof::registry::ledger::Book;
use iaxproof::registry::{Audited, HashKey};
use iaxproof::time::Instant;
use iaxproof::wire::{
    Body, CallNumber, Format, Frame, FullFrame, IaxCommand, IeBuffer, InformationElement,
    InformationElements, MiniFrame, SeqNo, Timestamp,
};

pub(crate) const SEED: [u8; 32] = [42; 32];

pub(crate) fn address(last: u8) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, last], 4569))
}

pub(crate) fn number(number: u16) -> CallNumber {
    CallNumber::new(number).expect("15 bits")
}

pub(crate) fn entry(role: Role, name: &str, secret: &str) -> Settings {
    let name = Name::new(name).expect("a name of the test");
    Settings {
        secrets: match secret {
            "" => Vec::new(),
            secret => vec![Secret::new(secret)],
        },
        capability: General::default().capability,
        extensions: vec!["100".to_owned()],
        ..Settings::new(role, name)
    }
}

/// Peers and users `alice` (secret `wonder`) and `open` (no secret), and a peer `fixed` at an address.
pub(crate) fn entries() -> Vec<Settings> {
    let fixed = Settings {
        host: Host::Fixed(address(200)),
        ..entry(Role::Peer, "fixed", "wonder")
    };
    vec![
        entry(Role::Peer, "alice", "wonder"),
        entry(Role::Peer, "open", ""),
        fixed,
        entry(Role::User, "alice", "wonder"),
        entry(Role::User, "open", ""),
    ]
}

/// An endpoint with its time and its ladder.
pub(crate) struct Bench<D: Directory = Catalog<Audited>> {
    pub(crate) endpoint: Endpoint<D>,
    pub(crate) book: Book,
    pub(crate) now: Instant,
    pub(crate) ladder: String,
    pub(crate) events: Vec<Event>,
    /// When each datagram left, and to whom.
    pub(crate) sent: Vec<(Instant, SocketAddr, Vec<u8>)>,
    inboxes: BTreeMap<SocketAddr, VecDeque<Vec<u8>>>,
    /// Under which key the ladder shows the frames of an address.
    keys: BTreeMap<SocketAddr, Key>,
}

impl Bench {
    pub(crate) fn new() -> Self {
        Bench::with(EndpointOptions::default(), General::default(), false)
    }

    pub(crate) fn with(options: EndpointOptions, general: General, realtime: bool) -> Self {
        let book = Book::default();
        let catalog = Catalog::new(CatalogOptions {
            hash_key: HashKey(3, 5),
            shards: 4,
            container: Kind::Hash,
            token_key: TokenKey([7; 32]),
            database: realtime,
            dialogues_max: 32_766,
            ledger: book.clone(),
        });
        if !realtime {
            let entries = entries();
            catalog.reload(Configuration { general, entries });
        }
        Bench::over(Endpoint::new(options, SEED, catalog), book)
    }

    /// An endpoint over a catalog that stores registrations, where the database had these when it began.
    pub(crate) fn with_store(general: General, stored: &[Write]) -> Self {
        let mut bench = Bench::with(EndpointOptions::default(), general.clone(), true);
        for write in stored {
            bench.endpoint.directory().restore(write.clone(), bench.now);
        }
        let entries = entries();
        bench.reload(Configuration { general, entries });
        bench
    }

    pub(crate) fn reload(&mut self, configuration: Configuration) {
        self.endpoint.directory().reload(configuration);
        self.endpoint.adopt();
    }

    /// The database stores, or fails to store, all that is to be written, and the endpoint hears of it.
    pub(crate) fn answer_writes(&mut self, is_stored: bool) -> Vec<Write> {
        let mut writes = Vec::new();
        while let Some(write) = self.endpoint.directory().poll_write() {
            writes.push(write);
        }
        for write in &writes {
            self.answer_write(write, is_stored);
        }
        writes
    }

    pub(crate) fn answer_write(&mut self, write: &Write, is_stored: bool) {
        let (name, generation) = (write.name.as_str(), write.generation);
        match is_stored {
            true => self.endpoint.directory().stored(name, generation),
            false => self.endpoint.directory().not_stored(name, generation),
        }
        self.endpoint.handle_stored(self.now, &write.id());
        self.drain();
    }

    /// Nothing lives, and the ledger counts the catalog's own links alone.
    pub(crate) fn assert_at_rest(&mut self) {
        let counts = self.counts();
        assert_eq!((counts.dialogues(), counts.timers), (0, 0), "{counts:?}");
        assert_eq!((counts.frames_outstanding, counts.frames_queued), (0, 0));
        let admitted = self.endpoint.directory().admitted();
        let waiting = (admitted.unvalidated, admitted.names_of_nobody);
        assert_eq!((admitted.dialogues, waiting), (0, (0, 0)));
        let pool = EndpointOptions::default().call_numbers.len();
        assert_eq!(counts.numbers_allocated + counts.numbers_free, pool);
        let links = self.endpoint.directory().len_of_links();
        assert_eq!(self.book.references(), links);
    }
}

impl<D: Directory> Bench<D> {
    /// No dialogue lives, and no timer is armed.
    pub(crate) fn assert_quiet(&self) {
        let counts = self.counts();
        assert_eq!((counts.dialogues(), counts.timers), (0, 0), "{counts:?}");
    }

    pub(crate) fn over(endpoint: Endpoint<D>, book: Book) -> Self {
        Bench {
            endpoint,
            book,
            now: Instant::from_secs(1000),
            ladder: String::new(),
            events: Vec::new(),
            sent: Vec::new(),
            inboxes: BTreeMap::new(),
            keys: BTreeMap::new(),
        }
    }

    pub(crate) fn counts(&self) -> Counts {
        self.endpoint.counts()
    }

    pub(crate) fn deliver(&mut self, from: SocketAddr, octets: &[u8]) {
        let shown = self.shown(from, octets);
        self.line(from, "->", &shown);
        self.endpoint.handle_datagram(self.now, from, octets);
        self.drain();
    }

    /// Lets time pass to `secs` after the start, firing what is due on the way.
    pub(crate) fn until(&mut self, secs: f64) {
        let end = Instant::from_secs(1000) + Duration::from_secs_f64(secs);
        while let Some((at, _)) = self.endpoint.poll_timeout()
            && at <= end
        {
            self.now = self.now.max(at);
            self.endpoint.handle_timeout(self.now);
            self.drain();
        }
        self.now = end;
    }

    pub(crate) fn drain(&mut self) {
        while let Some(transmit) = self.endpoint.poll_transmit() {
            let shown = self.shown(transmit.destination, &transmit.payload);
            self.line(transmit.destination, "<-", &shown);
            let (to, payload) = (transmit.destination, transmit.payload);
            self.sent.push((self.now, to, payload.clone()));
            self.inboxes.entry(to).or_default().push_back(payload);
        }
        while let Some(event) = self.endpoint.poll_event() {
            let _ = writeln!(self.ladder, "{} ** {event:?}", self.clock());
            self.events.push(event);
        }
    }

    /// A frame as the ladder shows it, with a mark where it is encrypted.
    fn shown(&self, whom: SocketAddr, octets: &[u8]) -> String {
        let opened = self.keys.get(&whom).and_then(|key| key.decrypt(octets));
        let frame = opened.as_deref().map(Frame::parse);
        if let Some(Ok(frame)) = frame {
            return format!("[encrypted] {frame}");
        }
        match Frame::parse(octets) {
            Ok(frame) => frame.to_string(),
            Err(error) => error.to_string(),
        }
    }

    fn line(&mut self, whom: SocketAddr, arrow: &str, shown: &str) {
        let clock = self.clock();
        let _ = writeln!(self.ladder, "{clock} {} {arrow} {shown}", whom.ip());
    }

    fn clock(&self) -> String {
        let since = self.now.saturating_since(Instant::from_secs(1000));
        format!("{:>7.3}", since.as_secs_f64())
    }

    /// When frames of this subclass left for this address, in seconds after the start.
    pub(crate) fn times(&self, to: SocketAddr, command: IaxCommand) -> Vec<f64> {
        self.sent
            .iter()
            .filter(|(_, whom, octets)| *whom == to && iax(octets) == Some(command))
            .map(|(at, ..)| at.saturating_since(Instant::from_secs(1000)).as_secs_f64())
            .collect()
    }

    /// The call that was offered last.
    pub(crate) fn call(&self) -> CallId {
        let call = self.events.iter().rev().find_map(|event| match event {
            Event::Incoming { call, .. } => Some(*call),
            _ => None,
        });
        call.expect("a call was offered")
    }
}

/// How many references a catalog of fixed entries holds at rest.
trait Links {
    fn len_of_links(&self) -> usize;
}

impl Links for Catalog<Audited> {
    /// One link and one settings object for each entry, and a hint for each peer with an address.
    fn len_of_links(&self) -> usize {
        2 * (self.len(Role::Peer) + self.len(Role::User)) + self.address_hints()
    }
}

pub(crate) fn iax(octets: &[u8]) -> Option<IaxCommand> {
    match FullFrame::parse(octets).ok()?.body {
        Body::Iax { command, .. } => Some(command),
        _ => None,
    }
}

/// One side of one dialogue, numbered by hand.
pub(crate) struct Client {
    pub(crate) address: SocketAddr,
    pub(crate) source: CallNumber,
    pub(crate) destination: CallNumber,
    pub(crate) oseqno: SeqNo,
    pub(crate) iseqno: SeqNo,
    pub(crate) timestamp: u32,
    pub(crate) received: Vec<Vec<u8>>,
    /// What it seals its frames with, and opens ours.
    pub(crate) key: Option<Key>,
    sealed: u64,
}

impl Client {
    pub(crate) fn new(last: u8, source: u16) -> Self {
        Client {
            address: address(last),
            source: number(source),
            destination: CallNumber::ZERO,
            oseqno: SeqNo(0),
            iseqno: SeqNo(0),
            timestamp: 0,
            received: Vec::new(),
            key: None,
            sealed: 0,
        }
    }

    /// The octets of the next frame; takes a sequence number if the frame does.
    pub(crate) fn frame(&mut self, body: Body<'_>) -> Vec<u8> {
        self.timestamp += 5;
        let frame = FullFrame {
            source: self.source,
            destination: self.destination,
            retransmission: false,
            timestamp: Timestamp(self.timestamp),
            oseqno: self.oseqno,
            iseqno: self.iseqno,
            body,
        };
        let consumes =
            !matches!(body, Body::Iax { command, .. } if !command.consumes_sequence_number());
        if consumes {
            self.oseqno = self.oseqno.next();
        }
        encode(&Frame::Full(frame))
    }

    pub(crate) fn iax(&mut self, command: IaxCommand, ies: &[InformationElement<'_>]) -> Vec<u8> {
        let mut buffer = IeBuffer::new();
        for ie in ies {
            buffer.push(*ie);
        }
        let ies = buffer.view();
        self.frame(Body::Iax { command, ies })
    }

    pub(crate) fn send<D: Directory>(&mut self, bench: &mut Bench<D>, body: Body<'_>) {
        let octets = self.frame(body);
        self.deliver(bench, &octets);
    }

    pub(crate) fn send_iax<D: Directory>(
        &mut self,
        bench: &mut Bench<D>,
        command: IaxCommand,
        ies: &[InformationElement<'_>],
    ) {
        let octets = self.iax(command, ies);
        self.deliver(bench, &octets);
    }

    pub(crate) fn deliver<D: Directory>(&mut self, bench: &mut Bench<D>, octets: &[u8]) {
        let octets = self.seal(octets);
        bench.deliver(self.address, &octets);
        self.take(bench);
    }

    /// The octets as they go out: encrypted, where there is a key.
    pub(crate) fn seal(&mut self, octets: &[u8]) -> Vec<u8> {
        self.sealed += 1;
        let mut padding = Padding::default();
        padding[..8].copy_from_slice(&self.sealed.to_be_bytes());
        match &self.key {
            Some(key) => key.encrypt(octets, padding),
            None => octets.to_vec(),
        }
    }

    /// Encrypts from now on; the ladder shows the frames of its address in clear.
    pub(crate) fn encrypt<D: Directory>(&mut self, bench: &mut Bench<D>, key: Key) {
        bench.keys.insert(self.address, key.clone());
        self.key = Some(key);
    }

    /// Takes what came; frames in order raise the ISeqno. What does not open is passed over, as by any client.
    pub(crate) fn take<D: Directory>(&mut self, bench: &mut Bench<D>) {
        let inbox = bench.inboxes.entry(self.address).or_default();
        for octets in core::mem::take(inbox) {
            let octets = match &self.key {
                Some(key) => match key.decrypt(&octets) {
                    Some(octets) => octets,
                    None => continue,
                },
                None => octets,
            };
            if let Ok(frame) = FullFrame::parse(&octets) {
                self.follow(&frame);
            }
            self.received.push(octets);
        }
    }

    fn follow(&mut self, frame: &FullFrame<'_>) {
        let is_mine = frame.destination == self.source && frame.source != CallNumber::STATELESS;
        let consumes =
            !matches!(frame.body, Body::Iax { command, .. } if !command.consumes_sequence_number());
        if !is_mine {
            return;
        }
        self.destination = frame.source;
        if consumes && frame.oseqno == self.iseqno {
            self.iseqno = self.iseqno.next();
        }
    }

    /// What came since the last time, as words.
    pub(crate) fn words(&mut self) -> Vec<String> {
        core::mem::take(&mut self.received)
            .iter()
            .map(|octets| match Frame::parse(octets).expect("a frame") {
                Frame::Full(frame) => match frame.body {
                    Body::Iax { command, .. } => command.to_string(),
                    body => body.to_string(),
                },
                other => other.to_string(),
            })
            .collect()
    }

    /// The last frame that came.
    pub(crate) fn last(&self) -> FullFrame<'_> {
        let octets = self.received.last().expect("something came");
        FullFrame::parse(octets).expect("a full frame")
    }

    /// Acknowledges the last frame that came.
    pub(crate) fn ack<D: Directory>(&mut self, bench: &mut Bench<D>) {
        let last = self.last();
        let (timestamp, oseqno) = (last.timestamp, last.iseqno);
        let body = Body::Iax {
            command: IaxCommand::Ack,
            ies: InformationElements::EMPTY,
        };
        let octets = encode(&Frame::Full(FullFrame {
            source: self.source,
            destination: self.destination,
            retransmission: false,
            timestamp,
            oseqno,
            iseqno: self.iseqno,
            body,
        }));
        let octets = self.seal(&octets);
        bench.deliver(self.address, &octets);
    }

    /// Opens a dialogue: asks for a token and sends the request again with it.
    pub(crate) fn open<D: Directory>(
        &mut self,
        bench: &mut Bench<D>,
        command: IaxCommand,
        ies: &[InformationElement<'_>],
    ) {
        let token = self.token(bench, command, ies);
        let with: Vec<_> = [ies, &[InformationElement::CallToken(&token)]].concat();
        self.send_iax(bench, command, &with);
    }

    pub(crate) fn token<D: Directory>(
        &mut self,
        bench: &mut Bench<D>,
        command: IaxCommand,
        ies: &[InformationElement<'_>],
    ) -> Vec<u8> {
        let without: Vec<_> = [ies, &[InformationElement::CallToken(&[])]].concat();
        self.send_iax(bench, command, &without);
        let Body::Iax { ies, .. } = self.last().body else {
            panic!("CALLTOKEN should come");
        };
        let token = ies.call_token().expect("a token").to_vec();
        self.received.clear();
        (self.oseqno, self.iseqno) = (SeqNo(0), SeqNo(0));
        token
    }

    pub(crate) fn regreq<D: Directory>(&mut self, bench: &mut Bench<D>, name: &str, refresh: u16) {
        let ies = [
            InformationElement::Username(name.as_bytes()),
            InformationElement::Refresh(refresh),
        ];
        self.open(bench, IaxCommand::RegReq, &ies);
    }

    /// The MD5 result for the challenge that came last.
    pub(crate) fn result(&self, secret: &str) -> [u8; 32] {
        let Body::Iax { ies, .. } = self.last().body else {
            panic!("a challenge should come");
        };
        md5_result(ies.challenge().expect("a challenge"), &Secret::new(secret))
    }

    /// A whole registration up to the answer to the result.
    pub(crate) fn register<D: Directory>(
        &mut self,
        bench: &mut Bench<D>,
        name: &str,
        secret: &str,
        refresh: u16,
    ) {
        self.regreq(bench, name, refresh);
        let result = self.result(secret);
        let ies = [
            InformationElement::Username(name.as_bytes()),
            InformationElement::Refresh(refresh),
            InformationElement::Md5Result(&result),
        ];
        self.send_iax(bench, IaxCommand::RegReq, &ies);
    }

    pub(crate) fn new_call<D: Directory>(
        &mut self,
        bench: &mut Bench<D>,
        name: &str,
        extension: &str,
    ) {
        let ies = new_call(name, extension);
        self.open(bench, IaxCommand::New, &ies);
    }

    pub(crate) fn authrep<D: Directory>(&mut self, bench: &mut Bench<D>, secret: &str) {
        let result = self.result(secret);
        self.send_iax(
            bench,
            IaxCommand::AuthRep,
            &[InformationElement::Md5Result(&result)],
        );
    }

    /// A call of `alice` that the application has.
    pub(crate) fn linked<D: Directory>(bench: &mut Bench<D>, last: u8, source: u16) -> Client {
        let mut client = Client::new(last, source);
        client.new_call(bench, "alice", "100");
        client.authrep(bench, "wonder");
        client.ack(bench);
        client.received.clear();
        client
    }

    pub(crate) fn mini(&self, timestamp: u16, data: &[u8]) -> Vec<u8> {
        let mini = MiniFrame::new(self.source, timestamp, data).expect("a source");
        encode(&Frame::Mini(mini))
    }
}

pub(crate) fn new_call<'a>(name: &'a str, extension: &'a str) -> Vec<InformationElement<'a>> {
    vec![
        InformationElement::Version(2),
        InformationElement::CalledNumber(extension.as_bytes()),
        InformationElement::Username(name.as_bytes()),
        InformationElement::Format(Format::ULAW.mask() as u32),
        InformationElement::Capability((Format::ULAW.mask() | Format::GSM.mask()) as u32),
    ]
}

pub(crate) fn encode(frame: &Frame<'_>) -> Vec<u8> {
    let mut octets = Vec::new();
    frame.encode(&mut octets);
    octets
}
