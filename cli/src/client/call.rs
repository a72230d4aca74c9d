//! `iaxproof call`: places one call, sends a file, digits or the built-in tune, and records what it hears.

use core::time::Duration;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::str::FromStr;

use clap::Args;

use iaxproof::engine::settings::{Encryption, TransferPolicy};
use iaxproof::engine::{CallId, Dial, Event};
use iaxproof::time::Instant;
use iaxproof::wire::{Cause, Control, Digit, Format, FormatSet, Timestamp};

use super::heard::Heard;
use super::interrupt::Interrupt;
use super::outcome::{CODES, Outcome};
use super::secret::SecretArgs;
use super::{ClientNode, Target, node};
use crate::audio::player::Player;
use crate::audio::wav::Recording;
use crate::audio::{Codec, melody, wav};
use crate::clock::Clock;
use crate::error::Error;

/// As whom we call where no user is named: the built-in configuration of `serve` knows it.
const GUEST: &str = "guest";
/// From one digit to the next.
const DIGIT_INTERVAL: Duration = Duration::from_millis(250);
/// How long we listen after the last frame of a file: an echo has a way to go.
const TAIL: Duration = Duration::from_millis(400);
/// How long the other side may take to acknowledge our hanging up.
const FAREWELL: Duration = Duration::from_secs(3);

/// Place one call and record what is heard.
///
/// The call ends when the other side hangs up, after the file of --send, after --seconds, or with ctrl-C. Without --send it
/// sends a tune again and again.
#[derive(Debug, Args)]
#[command(after_help = CODES)]
pub(crate) struct CallArgs {
    /// The server: HOST or HOST:PORT.
    host: Target,
    /// The extension to dial.
    extension: String,
    /// As whom to call; the built-in configuration of `serve` takes a guest from this machine.
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
    #[command(flatten)]
    secret: SecretArgs,
    /// Send this WAV of 8 kHz, then hang up.
    #[arg(long, value_name = "WAV")]
    send: Option<PathBuf>,
    /// Write what is heard to this WAV.
    #[arg(long, value_name = "WAV", default_value = "iaxproof-call.wav")]
    record: PathBuf,
    /// Send these digits once the call is answered.
    #[arg(long, value_name = "DIGITS", default_value = "")]
    dtmf: Digits,
    /// Hang up so many seconds after the answer.
    #[arg(long, value_name = "N")]
    seconds: Option<u64>,
    /// Give up where nobody has answered after so many seconds.
    #[arg(long, value_name = "N", default_value_t = 60)]
    wait: u64,
    /// Offer this codec alone.
    #[arg(long)]
    codec: Option<Codec>,
    /// Encrypt the call, or do not call at all.
    #[arg(long)]
    encrypt: bool,
    /// Let the server hand the call over to whom it is with: audio then goes past it.
    #[arg(long)]
    transfer: bool,
}

#[derive(Clone, Debug)]
struct Digits(Vec<Digit>);

impl FromStr for Digits {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let digits = text.bytes().map(|key| Digit::new(key.to_ascii_uppercase()));
        let digits: Option<Vec<Digit>> = digits.collect();
        digits
            .map(Digits)
            .ok_or_else(|| "0 to 9, A to D, * and # are the keys of a telephone".to_owned())
    }
}

/// Calls, and ends with the outcome.
///
/// # Errors
///
/// Where the command line asks for something that cannot be, or the system refuses a socket or a file.
pub(crate) fn run(args: &CallArgs) -> Result<ExitCode, Error> {
    let remote = args.host.resolve()?;
    let sound = match &args.send {
        Some(path) => wav::read(path)?,
        None => wav::parse(&melody::wav()[..]).map_err(Error::Broke)?,
    };
    let dial = dial(args, remote)?;
    let mut node = node(Clock::start(), remote)?;
    let interrupt = Interrupt::new(node.waker())?;
    let now = node.now();
    let call = node.endpoint.call(now, dial);
    let call = call.map_err(|error| Error::Usage(error.to_string()))?;
    let mut phone = Phone {
        call,
        sound: Player::new(sound.into(), args.send.is_none(), now),
        repeats: args.send.is_none(),
        digits: args.dtmf.0.clone(),
        seconds: args.seconds.map(Duration::from_secs),
        codec: None,
        is_accepted: false,
        is_answered: false,
        hangup_at: now + Duration::from_secs(args.wait),
        next_digit: now,
        hung_up_as: None,
        ended: None,
        heard: Heard::default(),
        recording: Recording::create(&args.record)?,
    };
    let outcome = phone.talk(&mut node, &interrupt)?;
    let rest = phone.heard.rest();
    phone.recording.push(&rest)?;
    phone.recording.finish()?;
    report(&phone.heard, &args.record);
    Ok(outcome.exit_code())
}

fn report(heard: &Heard, path: &Path) {
    let seconds = heard.seconds();
    println!("heard {seconds:.1} s, recorded in {}", path.display());
    let amiss = heard.amiss();
    if amiss.late + amiss.doubled + amiss.reordered > 0 {
        println!(
            "frames: {} put right, {} too late, {} doubled; they wait {} ms at the end",
            amiss.reordered, amiss.late, amiss.doubled, amiss.delay_ms
        );
    }
}

fn dial(args: &CallArgs, remote: core::net::SocketAddr) -> Result<Dial, Error> {
    let formats: Vec<Format> = match args.codec {
        Some(codec) => vec![codec.format()],
        None => vec![Format::ULAW, Format::ALAW],
    };
    let capability = formats.iter().copied().map(FormatSet::from);
    Ok(Dial {
        secrets: match &args.user {
            Some(user) => args.secret.read(user)?,
            None => Vec::new(),
        },
        username: Some(args.user.clone().unwrap_or_else(|| GUEST.to_owned())),
        capability: capability.fold(FormatSet::EMPTY, |set, format| set | format),
        preferences: formats,
        encryption: match args.encrypt {
            true => Encryption::Forced,
            false => Encryption::Off,
        },
        transfer: match args.transfer {
            true => TransferPolicy::Allowed,
            false => TransferPolicy::Refused,
        },
        ..Dial::new(remote, &args.extension)
    })
}

/// One call and what belongs to it.
struct Phone {
    call: CallId,
    sound: Player,
    repeats: bool,
    digits: Vec<Digit>,
    seconds: Option<Duration>,
    codec: Option<Codec>,
    is_accepted: bool,
    is_answered: bool,
    /// When we hang up by ourselves; far away where nothing says when.
    hangup_at: Instant,
    next_digit: Instant,
    /// We hung up, and this is what came of the call.
    hung_up_as: Option<Outcome>,
    ended: Option<Outcome>,
    heard: Heard,
    recording: Recording,
}

impl Phone {
    /// Goes on until the call is over.
    fn talk(&mut self, node: &mut ClientNode, interrupt: &Interrupt) -> Result<Outcome, Error> {
        loop {
            node.turn(Some(self.due()))?;
            let now = node.now();
            while let Some(event) = node.endpoint.poll_event() {
                self.handle(now, node, event)?;
            }
            self.send_what_is_due(now, node);
            let samples = self.heard.play(now);
            self.recording.push(&samples)?;
            if interrupt.came() || now >= self.hangup_at {
                self.hang_up(now, node, None);
            }
            if let Some(outcome) = self.ended {
                node.flush();
                return Ok(outcome);
            }
        }
    }

    fn due(&self) -> Instant {
        let sound = self.sound.due().filter(|_| self.is_answered);
        let digit = (self.is_answered && !self.digits.is_empty()).then_some(self.next_digit);
        let times = [sound, digit, self.heard.due(), Some(self.hangup_at)];
        times.into_iter().flatten().min().unwrap_or(self.hangup_at)
    }

    fn handle(&mut self, now: Instant, node: &mut ClientNode, event: Event) -> Result<(), Error> {
        match event {
            Event::Accepted { format, .. } => {
                self.is_accepted = true;
                self.codec = Codec::of(format);
            }
            Event::Answered { .. } => self.answered(now),
            Event::Control { control, .. } => self.signalled(now, node, control),
            Event::Voice {
                timestamp, data, ..
            } => self.hear(now, timestamp, &data)?,
            Event::Transferred { .. } => {
                let samples = self.heard.begin_anew();
                self.recording.push(&samples)?;
            }
            Event::Dtmf { digit, .. } => println!("digit {}", char::from(digit.get())),
            Event::Text { text, .. } => {
                println!("text {:?}", String::from_utf8_lossy(&text));
            }
            Event::Ended { reason, .. } => {
                println!("ended: {}", words(&reason));
                let outcome = Outcome::of(reason, self.is_answered);
                self.ended = Some(self.hung_up_as.unwrap_or(outcome));
            }
            _ => {}
        }
        Ok(())
    }

    /// From here on we talk.
    fn answered(&mut self, now: Instant) {
        println!("answered");
        self.is_answered = true;
        self.sound.begin(now);
        self.next_digit = now + DIGIT_INTERVAL;
        self.hangup_at = now + self.seconds.unwrap_or(Duration::MAX);
    }

    fn signalled(&mut self, now: Instant, node: &mut ClientNode, control: Control) {
        match control {
            Control::Ringing => println!("ringing"),
            Control::Busy if !self.is_answered => self.hang_up(now, node, Some(Outcome::Busy)),
            Control::Congestion if !self.is_answered => {
                self.hang_up(now, node, Some(Outcome::Refused));
            }
            _ => {}
        }
    }

    fn hear(&mut self, now: Instant, timestamp: Timestamp, data: &[u8]) -> Result<(), Error> {
        match self.codec {
            Some(codec) => {
                let samples = self.heard.take(now, timestamp, codec.decode(data));
                self.recording.push(&samples)
            }
            None => Ok(()),
        }
    }

    /// Hangs up once. Who does not acknowledge is not waited for long, and who never replied not at all.
    fn hang_up(&mut self, now: Instant, node: &mut ClientNode, outcome: Option<Outcome>) {
        if self.hung_up_as.is_some() {
            self.ended = self.hung_up_as.filter(|_| now >= self.hangup_at);
            return;
        }
        let so_far = match (self.is_accepted, self.is_answered) {
            (_, true) => Outcome::Done,
            (true, false) => Outcome::NoAnswer,
            (false, false) => Outcome::Unreachable,
        };
        self.hung_up_as = Some(outcome.unwrap_or(so_far));
        self.hangup_at = now + FAREWELL;
        let cause = Cause::NORMAL_CLEARING;
        let hung_up = node.endpoint.hangup(now, self.call, cause);
        if hung_up.is_err() || !self.is_accepted {
            self.ended = self.hung_up_as;
        }
    }

    fn send_what_is_due(&mut self, now: Instant, node: &mut ClientNode) {
        if !self.is_answered || self.hung_up_as.is_some() {
            return;
        }
        while let (Some(frame), Some(codec)) = (self.sound.take_due(now), self.codec) {
            // A queue that is full is a frame lost, as on any network.
            let _ = node
                .endpoint
                .send_voice(now, self.call, &codec.encode(&frame));
        }
        if !self.repeats && self.sound.due().is_none() && self.digits.is_empty() {
            self.hangup_at = self.hangup_at.min(now + TAIL);
        }
        if now >= self.next_digit && !self.digits.is_empty() {
            self.next_digit = now + DIGIT_INTERVAL;
            let digit = self.digits.remove(0);
            let _ = node.endpoint.send_dtmf(now, self.call, digit);
        }
    }
}

/// How a call ended, for people.
pub(crate) fn words(reason: &iaxproof::engine::EndReason) -> String {
    use iaxproof::engine::EndReason as Reason;
    match reason {
        Reason::RemoteHangup(Some(cause)) => match cause.name() {
            Some(name) => format!("the other side hung up: {name} ({})", cause.0),
            None => format!("the other side hung up: cause {}", cause.0),
        },
        Reason::RemoteHangup(None) => "the other side hung up".to_owned(),
        Reason::LocalHangup => "we hung up".to_owned(),
        Reason::NoAnswer => "nobody answered".to_owned(),
        Reason::Unauthenticated => {
            "we cannot log in: no secret, or no method and no encryption that both may use"
                .to_owned()
        }
        Reason::NoFormat => "the other side chose a codec that we do not speak".to_owned(),
        Reason::Invalidated => "the other side does not know the call any more".to_owned(),
        Reason::Unreachable => "the other side does not reply".to_owned(),
        reason => format!("{reason:?}"),
    }
}
