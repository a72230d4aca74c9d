//! What a datagram is, as far as a dialogue's state has to do with it: the kind of its frame, by its wire name.

use core::fmt;

use iaxproof::wire::{Body, Control, Frame, IaxCommand};

/// The kind of a datagram. Subclasses without a name are one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Message {
    /// An IAX frame.
    Iax(IaxCommand),
    /// A CONTROL frame.
    Control(Control),
    /// Any other kind.
    Other(Other),
}

/// The other kinds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Other {
    /// An IAX frame whose subclass has no name.
    Iax,
    /// A CONTROL frame whose subclass has no name.
    Control,
    /// A digit ends.
    DtmfEnd,
    /// A digit begins.
    DtmfBegin,
    /// Audio.
    Voice,
    /// Video.
    Video,
    /// Nothing.
    Null,
    /// Text.
    Text,
    /// An image.
    Image,
    /// HTML.
    Html,
    /// Comfort noise.
    ComfortNoise,
    /// Another full frame.
    NoMeaning,
    /// Audio in a mini frame.
    Mini,
    /// Video in a mini frame.
    MiniVideo,
    /// A trunk frame.
    Trunk,
    /// What cannot be read.
    NoFrame,
}

/// Their names, in their order.
const OTHERS: [(Other, &str); 16] = [
    (Other::Iax, "IAX frame without a name"),
    (Other::Control, "CONTROL frame without a name"),
    (Other::DtmfEnd, "DTMF end"),
    (Other::DtmfBegin, "DTMF begin"),
    (Other::Voice, "VOICE"),
    (Other::Video, "VIDEO"),
    (Other::Null, "NULL"),
    (Other::Text, "TEXT"),
    (Other::Image, "IMAGE"),
    (Other::Html, "HTML"),
    (Other::ComfortNoise, "COMFORT NOISE"),
    (Other::NoMeaning, "frame without a meaning"),
    (Other::Mini, "mini frame"),
    (Other::MiniVideo, "mini video frame"),
    (Other::Trunk, "trunk frame"),
    (Other::NoFrame, "no frame"),
];

const IAX: usize = IaxCommand::NAMED.len();
const CONTROL: usize = Control::NAMED.len();

impl Message {
    /// How many there are.
    pub(super) const COUNT: usize = IAX + CONTROL + OTHERS.len();

    /// What a datagram is; `None` where it is no frame.
    pub(super) const fn of(frame: Option<&Frame<'_>>) -> Message {
        Message::Other(match frame {
            Some(Frame::Full(full)) => return Message::of_body(&full.body),
            Some(Frame::Mini(_)) => Other::Mini,
            Some(Frame::MiniVideo(_)) => Other::MiniVideo,
            Some(Frame::Meta(_)) => Other::Trunk,
            None => Other::NoFrame,
        })
    }

    const fn of_body(body: &Body<'_>) -> Message {
        Message::Other(match body {
            Body::Iax { command, .. } => match command {
                IaxCommand::Unknown(_) => Other::Iax,
                command => return Message::Iax(*command),
            },
            Body::Control { control, .. } => match control {
                Control::Unknown(_) => Other::Control,
                control => return Message::Control(*control),
            },
            Body::DtmfEnd(_) => Other::DtmfEnd,
            Body::DtmfBegin(_) => Other::DtmfBegin,
            Body::Voice { .. } => Other::Voice,
            Body::Video { .. } => Other::Video,
            Body::Null => Other::Null,
            Body::Text(_) => Other::Text,
            Body::Image { .. } => Other::Image,
            Body::Html { .. } => Other::Html,
            Body::ComfortNoise(_) => Other::ComfortNoise,
            Body::Modem { .. } | Body::Unknown(_) => Other::NoMeaning,
        })
    }

    /// Its place among all. Named subclasses follow each other from 1 on, and after those of CONTROL comes -1.
    pub(super) const fn number(self) -> usize {
        match self {
            Message::Iax(command) => command.octet() as usize - 1,
            Message::Control(Control::StopSounds) => IAX + CONTROL - 1,
            Message::Control(control) => IAX + control.octet() as usize - 1,
            Message::Other(other) => IAX + CONTROL + other as usize,
        }
    }

    /// The one with that place.
    pub(super) const fn from_number(number: usize) -> Message {
        match number {
            0..IAX => Message::Iax(IaxCommand::NAMED[number]),
            _ if number < IAX + CONTROL => Message::Control(Control::NAMED[number - IAX]),
            _ => Message::Other(OTHERS[number - IAX - CONTROL].0),
        }
    }

    /// Every one.
    pub fn all() -> impl Iterator<Item = Message> {
        (0..Message::COUNT).map(Message::from_number)
    }

    /// The one that is written like this.
    pub(super) fn from_name(name: &str) -> Option<Message> {
        let control = name.strip_prefix("CONTROL ");
        Message::all().find(|it| match it {
            Message::Iax(command) => command.name() == Some(name),
            Message::Control(it) => control.is_some() && it.name() == control,
            Message::Other(other) => OTHERS[*other as usize].1 == name,
        })
    }
}

/// `HANGUP` of an IAX frame, `CONTROL HANGUP` of a CONTROL frame.
impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Message::Iax(command) => command.fmt(f),
            Message::Control(control) => write!(f, "CONTROL {control}"),
            Message::Other(other) => f.write_str(OTHERS[*other as usize].1),
        }
    }
}
