//! A telephone made of the crate `iax2`, which nobody here wrote: one account, one call at a time.
//!
//! The crate is without sockets; this file gives it one, and a [`Voice`].

use std::f64::consts::TAU;
use std::net::{SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use iax2::{Command, Config, Event, PbxClient, g711};

use super::clock;

/// From one frame of voice to the next.
const FRAME: Duration = Duration::from_millis(20);
/// How long a turn waits for a datagram.
const TURN: Duration = Duration::from_millis(5);
/// Samples in a second.
const RATE: f64 = 8_000.0;
/// µ-law octets of a frame.
const FRAME_LEN: usize = 160;

/// What a telephone says.
#[derive(Clone, Copy)]
pub(crate) enum Voice {
    /// Frame `n` is an octet of the speaker's and 159 times `n`: whoever hears it knows whose it is and which.
    Frames(u8),
    /// A tone of so many Hz, in the crate's own µ-law.
    Tone(f64),
}

impl Voice {
    /// The frame of this number.
    fn frame(self, nth: usize) -> Vec<u8> {
        match self {
            Voice::Frames(speaker) => {
                let mut frame = vec![nth as u8; FRAME_LEN];
                frame[0] = speaker;
                frame
            }
            Voice::Tone(frequency) => (nth * FRAME_LEN..(nth + 1) * FRAME_LEN)
                .map(|sample| (TAU * frequency * sample as f64 / RATE).sin())
                .map(|wave| g711::encode((8_000.0 * wave) as i16))
                .collect(),
        }
    }
}

/// A telephone.
pub(crate) struct Phone {
    client: PbxClient,
    socket: UdpSocket,
    voice: Voice,
    next_frame: Option<Instant>,
    call: Option<u16>,
    /// Every event but voice, as the crate shows it.
    pub(crate) events: Vec<String>,
    /// Frames that were sent.
    pub(crate) said: Vec<Vec<u8>>,
    /// Frames that came.
    pub(crate) heard: Vec<Vec<u8>>,
    /// Digits that came.
    pub(crate) digits: String,
}

impl Phone {
    /// A telephone; it registers as soon as it is waited for.
    pub(crate) fn new(server: SocketAddr, name: &str, secret: &str, voice: Voice) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.connect(server).unwrap();
        socket.set_read_timeout(Some(TURN)).unwrap();
        Phone {
            client: PbxClient::new(Config::new("test", name, secret)),
            socket,
            voice,
            next_frame: None,
            call: None,
            events: Vec::new(),
            said: Vec::new(),
            heard: Vec::new(),
            digits: String::new(),
        }
    }

    pub(crate) fn is_registered(&self) -> bool {
        self.client.is_registered()
    }

    /// Whether an event of this name came.
    pub(crate) fn has(&self, event: &str) -> bool {
        self.events.iter().any(|seen| seen.starts_with(event))
    }

    pub(crate) fn dial(&mut self, number: &str) {
        let number = number.to_owned();
        self.command(Command::Dial { number });
    }

    pub(crate) fn answer(&mut self) {
        let call = self.call.expect("somebody calls");
        self.command(Command::Answer { call });
        self.next_frame = Some(clock::now());
    }

    pub(crate) fn hang_up(&mut self) {
        let call = self.call.expect("there is a call");
        self.command(Command::Hangup { call });
        self.next_frame = None;
    }

    pub(crate) fn press(&mut self, digit: char) {
        let call = self.call.expect("there is a call");
        self.command(Command::Dtmf { call, digit });
    }

    /// What was heard, by the crate's own µ-law.
    pub(crate) fn samples(&self) -> Vec<f64> {
        let octets = self.heard.iter().flatten();
        octets
            .map(|octet| f64::from(g711::decode(*octet)))
            .collect()
    }

    fn command(&mut self, command: Command) {
        self.client.handle_command(command, clock::now());
        self.flush();
    }

    /// Goes on until it is `done`.
    pub(crate) fn until(&mut self, what: &str, done: impl Fn(&Phone) -> bool) {
        let end = clock::now() + Duration::from_secs(15);
        while !done(self) {
            assert!(clock::now() < end, "{what} never came: {:?}", self.events);
            self.turn();
        }
    }

    /// Takes what came, says what is due.
    pub(crate) fn turn(&mut self) {
        let mut buffer = [0; 4096];
        if let Ok(len) = self.socket.recv(&mut buffer) {
            self.client.handle_input(&buffer[..len], clock::now());
        }
        self.client.handle_timeout(clock::now());
        self.speak();
        self.flush();
    }

    fn speak(&mut self) {
        let (Some(call), Some(due)) = (self.call, self.next_frame) else {
            return;
        };
        if clock::now() < due {
            return;
        }
        self.next_frame = Some(due + FRAME);
        let frame = self.voice.frame(self.said.len());
        let ulaw = frame.clone();
        self.client
            .handle_command(Command::SendVoice { call, ulaw }, clock::now());
        self.said.push(frame);
    }

    fn flush(&mut self) {
        while let Some(datagram) = self.client.poll_transmit() {
            self.socket.send(&datagram).unwrap();
        }
        while let Some(event) = self.client.poll_event() {
            self.note(event);
        }
    }

    fn note(&mut self, event: Event) {
        match event {
            Event::Voice { ulaw, .. } => self.heard.push(ulaw),
            event => {
                self.events.push(format!("{event:?}"));
                self.follow(&event);
            }
        }
    }

    fn follow(&mut self, event: &Event) {
        match event {
            Event::Incoming { call, .. } | Event::Dialing { call, .. } => self.call = Some(*call),
            Event::Answered { .. } if self.next_frame.is_none() => {
                self.next_frame = Some(clock::now());
            }
            Event::Dtmf { digit, .. } => self.digits.push(*digit),
            Event::Ended { .. } => self.next_frame = None,
            _ => {}
        }
    }
}

/// Whether all that was heard was said, in that order, with nothing twice.
pub(crate) fn is_part_of(heard: &[Vec<u8>], said: &[Vec<u8>]) -> bool {
    let mut said = said.iter();
    heard.iter().all(|frame| said.any(|known| known == frame))
}
